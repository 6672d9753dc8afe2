/* SPDX-License-Identifier: Apache-2.0
 *
 * http: HTTP/1.1 by libmicrohttpd on the loop.
 *
 * Theory of operation
 * -------------------
 * listen.c accepts, the library parses, does TLS and sends; request.c dispatches.
 * The library has one epoll descriptor, which is the one source that the loop
 * knows of it; MHD_run() does what is due, without a thread of its own. It calls
 * on_request() several times for one request:
 *
 *	first (head) -> pieces of the body -> last: dispatch -> answer, or suspend
 *	... the handler answers -> resume -> on_request() again: answer
 *
 * An answer may be a stream (struct api_stream): the library asks read_stream()
 * for more whenever it could send. When there is nothing, the connection is
 * suspended until api_stream_wake(), so a waiting stream costs nothing, and a
 * client that does not read is sent nothing; IDLE_S ends it. While it is
 * suspended a lost client goes unnoticed: the maker of the stream sends
 * something now and then.
 *
 * A client that is gone while its request is handled is noticed when the answer
 * is sent; nothing is read meanwhile, so pipelined requests wait in the kernel.
 */
#include "api/http.h"

#include <errno.h>
#include <glib-unix.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listen.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/log.h"

#define FILES_WANTED 16384
#define FILES_OURS 1024          /* kept for hosts, files and the database */
#define CONNECTIONS_MAX 8192
#define HEAD_MAX (16 * 1024)     /* a connection's buffer: request line and fields, also the answer's */
#define DISCARD_MAX (1 << 20)    /* of a chunked body over the limit, to say so behind it; above, the connection goes */
#define IDLE_S 75                /* without a byte in either direction */
#define STREAM_PIECE (16 * 1024)
#define STREAM_BUFFER (64 * 1024) /* the kernel's: megabytes of old news are of no use */

/* One request, from its first line to the end of its answer. */
struct exchange {
	struct http *http;
	struct MHD_Connection *conn;
	char *uri;                   /* as it came, query and escapes */
	struct api_req *req;         /* until it is answered */
	struct MHD_Response *response;
	struct api_stream *stream;   /* makes the answer's body; NULL */
	int status;
	int64_t body_len;
	const char *wrong;           /* with its head; NULL */
	bool begun, dispatched, inside, suspended, too_large;
	struct exchange *next, *prev; /* those that the library knows */
};

struct http {
	struct api *api;
	struct MHD_Daemon *mhd;
	struct listeners *listeners;
	char *url;
	char *cert, *key;
	GSource *source;
	struct clock_timer *due;     /* the library's own timeouts */
	struct exchange *all;
	unsigned open, open_max;
	unsigned busy;               /* requests that came whole and whose answers were not sent to the end */
	bool tls, full_told, running;
	/* the end */
	bool stopping;
	struct clock_timer *limit;
	loop_f *stopped;
	void *stopped_user;
};

static void run(struct http *h);

static void run_due(void *user)
{
	struct http *h = user;

	h->due = NULL;
	run(h);
}

/* Let the library do what is due, and come back when it says that more will be. */
static void run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->running)
		return;
	h->running = true;
	(void)MHD_run(h->mhd); /* it fails only for a daemon with threads of its own */
	h->running = false;
	clock_cancel(&h->due);
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		h->due = clock_after((int64_t)MIN(ms, 60000), run_due, h);
}

static gboolean on_ready(int fd, GIOCondition cond, void *user)
{
	(void)fd;
	(void)cond;
	run(user);
	return G_SOURCE_CONTINUE;
}

/* ---- the end of requests ---- */

static void check_stopped(struct http *h)
{
	loop_f *stopped = h->stopped;

	if (!h->stopping || h->busy || !stopped)
		return;
	clock_cancel(&h->limit);
	h->stopped = NULL;
	loop_post(stopped, h->stopped_user); /* it may free the server in the middle of an event */
}

static void exchange_free(struct exchange *x)
{
	struct http *h = x->http;

	if (x->next)
		x->next->prev = x->prev;
	if (x->prev)
		x->prev->next = x->next;
	else
		h->all = x->next;
	if (x->req && x->dispatched)
		api_req_abandon(x->req);
	else
		api_req_free(x->req);
	if (x->response)
		MHD_destroy_response(x->response);
	if (x->stream)
		x->stream->closed(x->stream);
	if (x->dispatched && h->busy > 0) {
		h->busy--;
		check_stopped(h);
	}
	g_free(x->uri);
	g_free(x);
}

static void on_completed(void *user, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode how)
{
	(void)user;
	(void)conn;
	(void)how;
	if (*state)
		exchange_free(*state);
	*state = NULL;
}

/* ---- answers ---- */

static void free_body(void *body)
{
	g_string_free(body, TRUE);
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	/* It fails for names and values that HTTP does not have, and ours are ours. */
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		g_error("the header %s: %s", name, value);
}

/* "Name: value\r\n" ... */
static void add_lines(struct MHD_Response *r, const GString *headers)
{
	g_auto(GStrv) lines = g_strsplit(headers->str, "\r\n", -1);

	for (char **l = lines; *l; l++) {
		char *colon = strstr(*l, ": ");

		if (!colon)
			continue;
		*colon = '\0';
		add(r, *l, colon + 2);
	}
}

static void add_fields(struct MHD_Response *m, const struct api_req *r)
{
	const struct api_reply *a = r->reply;
	char version[32];

	if (a->body && !(a->headers && strcasestr(a->headers->str, "Content-Type:")))
		add(m, "Content-Type", "application/json");
	add(m, "x-openstack-request-id", r->request_id);
	add(m, "x-compute-request-id", r->request_id);
	if (a->service == SERVICE_COMPUTE) {
		g_snprintf(version, sizeof version, "compute 2.%d", r->mv);
		add(m, "OpenStack-API-Version", version);
		add(m, "X-OpenStack-Nova-API-Version", version + strlen("compute "));
		add(m, "Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
	} else if (a->service == SERVICE_IDENTITY) {
		add(m, "Vary", "X-Auth-Token");
	}
	if (a->headers)
		add_lines(m, a->headers);
}

/* The library can send. */
static ssize_t read_stream(void *user, uint64_t pos, char *buf, size_t max)
{
	struct exchange *x = user;
	ssize_t n = x->http->stopping ? -1 : x->stream->read(x->stream, buf, max);

	(void)pos;
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		x->suspended = true;
		MHD_suspend_connection(x->conn);
	}
	return n;
}

static int socket_of(const struct exchange *x)
{
	return MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void bound_buffer(struct exchange *x)
{
	int bytes = STREAM_BUFFER;

	/* Without it the kernel only holds more. */
	(void)setsockopt(socket_of(x), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static struct MHD_Response *make_response(struct exchange *x, GString *body)
{
	if (x->stream) {
		bound_buffer(x);
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, read_stream, x, NULL);
	}
	if (body)
		return MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->str, free_body, body);
	return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
}

static void resume(struct exchange *x)
{
	x->suspended = false;
	MHD_resume_connection(x->conn);
	/* On the next turn: the library may be on the stack. */
	clock_cancel(&x->http->due);
	x->http->due = clock_after(0, run_due, x->http);
}

void api_stream_wake(struct api_stream *s)
{
	if (s->exchange && s->exchange->suspended)
		resume(s->exchange);
}

bool api_stream_left(const struct api_stream *s)
{
	struct pollfd p = { .fd = s->exchange ? socket_of(s->exchange) : -1, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1;
}

/* An api_answered_f. */
static void answered(struct api_req *r, void *user)
{
	struct exchange *x = user;

	x->status = r->reply->status;
	x->stream = g_steal_pointer(&r->reply->stream);
	if (x->stream)
		x->stream->exchange = x;
	x->response = make_response(x, r->reply->body);
	g_assert(x->response);
	add_fields(x->response, r);
	/* After a request that was not read to its end, the begin of the next is unknown. */
	if (x->http->stopping || x->wrong || x->too_large)
		add(x->response, "Connection", "close");
	r->reply->body = NULL;
	x->req = NULL;
	api_req_free(r);
	if (!x->inside)
		resume(x);
}

static enum MHD_Result send_answer(struct exchange *x)
{
	return MHD_queue_response(x->conn, (unsigned)x->status, x->response);
}

/* ---- requests ---- */

/* What is read of a head in one pass over its fields. */
struct head_scan {
	char *host, *token, *subject_token, *last_event_id, *version, *legacy_version, *length, *coding; /* owned */
	const char *wrong; /* NULL, or why it cannot be answered */
};

static const struct {
	const char *name;
	size_t offset;
	bool once; /* twice is how requests are smuggled past proxies (RFC 9112, 11.2), or one token past what looks at the other (D27) */
} fields[] = {
	{ "Host", offsetof(struct head_scan, host), true },
	{ "Content-Length", offsetof(struct head_scan, length), true },
	{ "Transfer-Encoding", offsetof(struct head_scan, coding), true },
	{ "X-Auth-Token", offsetof(struct head_scan, token), true },
	{ "X-Subject-Token", offsetof(struct head_scan, subject_token), true },
	{ "Last-Event-ID", offsetof(struct head_scan, last_event_id), false },
	{ "OpenStack-API-Version", offsetof(struct head_scan, version), false },
	{ "X-OpenStack-Nova-API-Version", offsetof(struct head_scan, legacy_version), false },
};

/* The library lets these through. */
static bool field_ok(const char *name, const char *value)
{
	if (!*name || strpbrk(name, " \t"))
		return false;
	for (; *value; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

static enum MHD_Result scan_field(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct head_scan *h = user;

	(void)kind;
	if (!value || !field_ok(name, value)) {
		h->wrong = "A header field is malformed";
		return MHD_NO;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		char **where = (char **)((char *)h + fields[i].offset);

		if (g_ascii_strcasecmp(name, fields[i].name) != 0)
			continue;
		if (*where && fields[i].once)
			h->wrong = "A header field that may appear once appears twice";
		util_replace(where, value);
		g_strchomp(*where); /* the library leaves blanks at the end */
		break;
	}
	return h->wrong ? MHD_NO : MHD_YES;
}

static void scan_clear(struct head_scan *h)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		util_replace((char **)((char *)h + fields[i].offset), NULL);
}

static void scan_head(struct exchange *x, struct head_scan *h)
{
	(void)MHD_get_connection_values(x->conn, MHD_HEADER_KIND, scan_field, h); /* the number of fields */
	if (h->coding && h->length)
		h->wrong = "Content-Length and Transfer-Encoding are mutually exclusive";
	else if (h->coding && g_ascii_strcasecmp(h->coding, "chunked") != 0)
		h->wrong = "Transfer-Encoding must be chunked";
}

static bool host_ok(const char *host)
{
	return *host && strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]") == strlen(host);
}

/* "http://host/path" is "/path" to a server that serves one host (RFC 9112, 3.2.2). */
static const char *origin_form(const char *uri)
{
	const char *authority = strstr(uri, "://"), *path;

	if (*uri == '/' || !authority)
		return uri;
	path = strchr(authority + 3, '/');
	return path ? path : "/";
}

/* The address of the other end, as text without the port. */
static bool peer_of(struct MHD_Connection *conn, char ret[static NI_MAXHOST])
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socklen_t len;

	if (!info || !info->client_addr)
		return false;
	len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	return getnameinfo(info->client_addr, len, ret, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) == 0;
}

static void begin(struct exchange *x, const char *method)
{
	const struct conf *conf = x->http->api->conf;
	struct head_scan scan = { .host = NULL };
	g_autofree char *base = NULL;
	char *query = strchr(x->uri, '?'), peer[NI_MAXHOST];
	struct api_head head = { .method = method, .path = origin_form(x->uri) };

	scan_head(x, &scan);
	if (!conf->public_url && scan.host && host_ok(scan.host))
		base = g_strconcat(x->http->tls ? "https://" : "http://", scan.host, NULL);
	head.base_url = base ? base : x->http->url;
	head.peer = peer_of(x->conn, peer) ? peer : NULL;
	head.token = scan.token;
	head.subject_token = scan.subject_token;
	head.last_event_id = scan.last_event_id;
	head.version = scan.version;
	head.legacy_version = scan.legacy_version;
	if (query) {
		*query = '\0';
		head.query = query + 1;
	}
	x->begun = true;
	x->req = api_req_new(x->http->api, &head, answered, x);
	x->wrong = scan.wrong;
	x->too_large = scan.length && g_ascii_strtoull(scan.length, NULL, 10) > (guint64)conf->max_request_body_size;
	scan_clear(&scan);
}

static enum MHD_Result handle(struct exchange *x)
{
	x->dispatched = x->inside = true;
	x->http->busy++;
	if (x->wrong)
		api_fail_new(x->req, ERR_BAD_REQUEST, "%s", x->wrong);
	else if (x->too_large)
		api_fail_new(x->req, ERR_TOO_LARGE, "Request is too large.");
	else
		api_dispatch(x->req);
	x->inside = false;
	if (x->response)
		return send_answer(x);
	x->suspended = true;
	MHD_suspend_connection(x->conn);
	return MHD_YES;
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *len)
{
	x->body_len += (int64_t)*len;
	x->too_large |= x->body_len > x->http->api->conf->max_request_body_size;
	if (!x->too_large)
		api_req_body(x->req, data, *len);
	*len = 0;
	return x->body_len > x->http->api->conf->max_request_body_size + DISCARD_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
				  const char *data, size_t *len, void **state)
{
	struct exchange *x = *state;

	(void)user;
	(void)url;
	(void)version;
	if (!x->begun) {
		x->conn = conn;
		begin(x, method);
		/* An answer at once saves the client the sending, and closes the connection behind it. */
		return x->wrong || x->too_large ? handle(x) : MHD_YES;
	}
	if (*len)
		return x->response ? MHD_YES : take_body(x, data, len);
	return x->response ? send_answer(x) : handle(x);
}

/* The library's first word of a request. Return: its state, for the other callbacks. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *conn)
{
	struct http *h = user;
	struct exchange *x = g_new0(struct exchange, 1);

	x->http = h;
	x->conn = conn;
	x->uri = g_strdup(uri);
	x->next = h->all;
	if (x->next)
		x->next->prev = x;
	h->all = x;
	return x;
}

/* request.c decodes; the library would do it before the path is cut into segments. */
static size_t leave_escapes(void *user, struct MHD_Connection *conn, char *text)
{
	(void)user;
	(void)conn;
	return strlen(text);
}

/* ---- connections ---- */

static void on_connection(void *user, struct MHD_Connection *conn, void **socket_state, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = user;

	(void)conn;
	(void)socket_state;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		h->open++;
		return;
	}
	h->open--;
	h->full_told = false;
}

/* A listen_accepted_f. */
static void on_accepted(int fd, void *user)
{
	struct http *h = user;
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;

	if (h->open < h->open_max && getpeername(fd, (struct sockaddr *)&peer, &len) == 0) {
		/* It owns the socket from here on, also when it fails. */
		(void)MHD_add_connection(h->mhd, fd, (struct sockaddr *)&peer, len);
		run(h);
		return;
	}
	close(fd);
	if (h->open >= h->open_max && !h->full_told)
		log_warning("connections_full", LOG_D("limit", h->open_max));
	h->full_told = h->open >= h->open_max;
}

/* ---- start and end ---- */

/* How many connections there may be, after raising the limit of descriptors as far as it goes. */
static unsigned connections_max(void)
{
	struct rlimit r;
	unsigned files;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 128;
	if (r.rlim_cur < FILES_WANTED) {
		r.rlim_cur = MIN(r.rlim_max, FILES_WANTED);
		if (setrlimit(RLIMIT_NOFILE, &r) != 0)
			log_warning("files_limit", LOG_S("why", g_strerror(errno)));
	}
	files = (unsigned)MIN(r.rlim_cur, FILES_WANTED);
	return files > 2 * FILES_OURS ? MIN(files - FILES_OURS, CONNECTIONS_MAX) : files / 2;
}

static void on_log(void *user, const char *fmt, va_list ap) G_GNUC_PRINTF(2, 0);

static void on_log(void *user, const char *fmt, va_list ap)
{
	g_autofree char *text = g_strdup_vprintf(fmt, ap);

	(void)user;
	log_debug("http", LOG_S("text", g_strstrip(text)));
}

static bool load_pem(const char *option, const char *path, char **ret, GError **err)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
	int why = errno;

	if (file) {
		*ret = g_strndup(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
		return true;
	}
	g_set_error(err, ERR, ERR_CONF, "[wsgi] %s = %s: %s", option, path, g_strerror(why));
	return false;
}

static bool load_tls(struct http *h, GError **err)
{
	const struct conf *c = h->api->conf;

	h->tls = c->ssl_cert_file != NULL;
	return !h->tls || (load_pem("ssl_cert_file", c->ssl_cert_file, &h->cert, err) && load_pem("ssl_key_file", c->ssl_key_file, &h->key, err));
}

static bool start_library(struct http *h, GError **err)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | (h->tls ? MHD_USE_TLS : 0);
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, h->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, h->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};

	h->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h,
				  MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				  MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
				  MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
				  MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				  MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				  MHD_OPTION_CONNECTION_LIMIT, h->open_max,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
				  MHD_OPTION_STRICT_FOR_CLIENT, 1,
				  h->tls ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls,
				  MHD_OPTION_END);
	info = h->mhd ? MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		g_set_error(err, ERR, ERR_CONF, "the HTTP server cannot start%s", h->tls ? "; see [wsgi] ssl_cert_file and ssl_key_file" : "");
		return false;
	}
	h->source = g_unix_fd_source_new(info->epoll_fd, G_IO_IN);
	g_source_set_callback(h->source, G_SOURCE_FUNC(on_ready), h, NULL);
	g_source_attach(h->source, g_main_loop_get_context(loop_main()));
	return true;
}

bool http_listen(struct api *a, GError **err)
{
	const struct conf *conf = a->conf;
	struct http *h = g_new0(struct http, 1);
	struct listen_params p = { .host = conf->listen, .port = conf->port, .accepted = on_accepted, .user = h };
	g_autofree char *name = NULL;

	a->http = h;
	h->api = a;
	h->open_max = connections_max();
	if (!load_tls(h, err) || !start_library(h, err))
		return false;
	p.beyond_ok = h->tls || conf->allow_plaintext;
	h->listeners = listen_open(&p, err);
	if (!h->listeners)
		return false;
	name = listen_name(h->listeners);
	h->url = conf->public_url ? g_strdup(conf->public_url) : g_strdup_printf("%s://%s", h->tls ? "https" : "http", name);
	/* Paths are put behind it. */
	for (size_t n = strlen(h->url); n && h->url[n - 1] == '/'; n--)
		h->url[n - 1] = '\0';
	return true;
}

const char *http_url(const struct api *a)
{
	return a->http->url;
}

static void on_limit(void *user)
{
	struct http *h = user;

	h->limit = NULL;
	log_warning("stop_cut_short", LOG_D("requests", h->busy));
	h->busy = 0;
	check_stopped(h);
}

/* One that waits for news can be ended at once; one whose client does not read is not waited for. */
static void end_streams(struct http *h)
{
	for (struct exchange *x = h->all; x; x = x->next) {
		if (!x->stream)
			continue;
		if (x->suspended) {
			resume(x);
		} else {
			x->dispatched = false;
			h->busy--;
		}
	}
}

void http_stop(struct api *a, int64_t limit_ms, loop_f *done, void *user)
{
	struct http *h = a->http;

	g_clear_pointer(&h->listeners, listen_close);
	h->stopping = true;
	end_streams(h);
	h->stopped = done;
	h->stopped_user = user;
	h->limit = clock_after(limit_ms, on_limit, h);
	check_stopped(h);
}

void http_free(struct api *a)
{
	struct http *h = a->http;

	if (!h)
		return;
	a->http = NULL;
	listen_close(h->listeners);
	/* The library waits for suspended connections without limit. */
	for (struct exchange *x = h->all; x; x = x->next)
		if (x->suspended)
			MHD_resume_connection(x->conn);
	h->running = true;
	if (h->source) {
		g_source_destroy(h->source);
		g_source_unref(h->source);
	}
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	clock_cancel(&h->due);
	clock_cancel(&h->limit);
	g_free(h->cert);
	g_free(h->key);
	g_free(h->url);
	g_free(h);
}
