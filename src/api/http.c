/* SPDX-License-Identifier: Apache-2.0
 *
 * http: the server: connections, their order of events, their limits.
 *
 * Theory of operation
 * -------------------
 * listen.c accepts, wire.c reads and writes (plain or TLS), http1.c parses,
 * request.c dispatches. A connection serves one request at a time:
 *
 *	HEAD -> BODY -> HANDLE -> SEND -> HEAD ...          LINGER -> closed
 *
 * Nothing is read while a request is handled and its answer sent, so what a
 * client pipelines waits in the kernel, and a client that does not read its
 * answers stops itself. An answer that is given before the handler returns, and
 * that the socket takes at once, as nearly all do, needs no further turn.
 *
 * All connections hang on one epoll descriptor, which is the one source that
 * the loop knows: thousands of idle ones cost its poll() nothing, and a change
 * of interest wakes nobody. A connection is freed in its own event or by the
 * sweep, never in another's: answers that come later only ask for writability.
 *
 * Tried and left: libwebsockets 4.1.6. It reads the body of a pipelined request
 * from the beginning of its head, spins or buffers without limit when a client
 * sends while it is being answered, and took twice the time per request.
 */
#include "api/http.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/http1.h"
#include "api/listen.h"
#include "api/request.h"
#include "api/wire.h"
#include "base/clock.h"
#include "base/log.h"

#define FILES_WANTED 16384
#define FILES_OURS 1024          /* kept for hosts, files and the database */
#define CONNECTIONS_MAX 8192
#define EVENTS_MAX 64
#define TURN_MAX 8               /* pipelined requests answered before others have their turn */
#define READ_SIZE (16 * 1024)
#define SWEEP_MS 1000
#define HEAD_MS 15000            /* from the first byte of a head to its last, and for a new connection to begin */
#define BODY_MS 30000
#define HANDLE_MS 600000
#define SEND_MS 30000            /* until a client takes the next piece */
#define KEEPALIVE_MS 75000
#define LINGER_MS 2000

enum conn_phase { CONN_HEAD, CONN_BODY, CONN_HANDLE, CONN_SEND, CONN_LINGER };

struct conn {
	struct http *http;
	struct wire *wire;
	enum conn_phase phase;
	unsigned events;             /* what epoll waits for */
	int64_t deadline_ms;
	GString *in;                 /* read and not yet understood; NULL while empty */
	/* the request */
	struct api_req *req;         /* BODY, HANDLE */
	struct http1_head head;      /* its strings are gone after HEAD */
	struct http1_chunks chunks;
	GString *body;               /* BODY, of a chunked one */
	bool inside;                 /* in api_dispatch(): who called it sends */
	bool close, old;             /* after the answer; it is HTTP/1.0 */
	bool ended;                  /* the client has closed his side */
	/* the answer */
	GString *out;
	size_t sent;
	/* all connections */
	struct conn *next, *prev;
};

struct http {
	struct api *api;
	struct listeners *listeners;
	struct wire_tls *tls;
	char *url;
	int epoll;
	GSource *source;
	struct conn *conns;
	unsigned open, open_max;
	unsigned busy;               /* requests between their heads and the end of their answers */
	bool full_told;
	struct clock_timer *sweep;
	char date[40];               /* the field of this second */
	int64_t date_s;
	/* the end */
	bool stopping;
	struct clock_timer *limit;
	loop_f *stopped;
	void *stopped_user;
	char scratch[READ_SIZE];
};

static void string_free(GString *s)
{
	g_string_free(s, TRUE);
}

static void check_stopped(struct http *h)
{
	loop_f *stopped = h->stopped;

	if (!h->stopping || h->busy || !stopped)
		return;
	clock_cancel(&h->limit);
	h->stopped = NULL;
	loop_post(stopped, h->stopped_user); /* it may free us, who are in the middle of an event */
}

static void set_busy(struct http *h, int change)
{
	h->busy = (unsigned)((int)h->busy + change);
	check_stopped(h);
}

/* ---- life of a connection ---- */

static void conn_free(struct conn *c)
{
	struct http *h = c->http;
	bool busy = c->req || c->out;

	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->req && c->phase == CONN_HANDLE)
		api_req_abandon(c->req);
	else
		api_req_free(c->req);
	wire_free(c->wire); /* closing takes it off the epoll descriptor */
	g_clear_pointer(&c->in, string_free);
	g_clear_pointer(&c->body, string_free);
	g_clear_pointer(&c->out, string_free);
	g_free(c);
	h->open--;
	h->full_told = false;
	if (busy)
		set_busy(h, -1);
}

/* What epoll is to wait for; errors and the end of both sides it tells in any case. */
static void await(struct conn *c, unsigned events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(c->http->epoll, EPOLL_CTL_MOD, wire_fd(c->wire), &e) != 0)
		g_error("epoll_ctl: %s", g_strerror(errno));
}

/* For more of the client's bytes. Those that TLS holds already come with the next turn: writable it is at once. */
static void await_input(struct conn *c)
{
	await(c, wire_held(c->wire) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void enter(struct conn *c, enum conn_phase phase, int64_t limit_ms)
{
	c->phase = phase;
	c->deadline_ms = clock_now_ms() + limit_ms;
}

/* A listen_accepted_f. */
static void on_accepted(int fd, void *user)
{
	struct http *h = user;
	struct conn *c;
	struct epoll_event e = { .events = EPOLLIN };

	if (h->open >= h->open_max) {
		close(fd);
		if (!h->full_told)
			log_warning("connections_full", LOG_D("limit", h->open_max));
		h->full_told = true;
		return;
	}
	c = g_new0(struct conn, 1);
	c->http = h;
	c->wire = wire_new(fd, h->tls);
	c->events = EPOLLIN;
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	h->open++;
	enter(c, CONN_HEAD, HEAD_MS);
	e.data.ptr = c;
	if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		conn_free(c);
}

static void sweep(void *user)
{
	struct http *h = user;
	int64_t now = clock_now_ms();
	struct conn *next;

	h->sweep = clock_after(SWEEP_MS, sweep, h);
	for (struct conn *c = h->conns; c; c = next) {
		next = c->next;
		if (now >= c->deadline_ms)
			conn_free(c);
	}
}

/* ---- answers ---- */

/* "Date: ...", made once a second. */
static const char *date(struct http *h)
{
	int64_t now_s = clock_wall_us() / G_USEC_PER_SEC;

	if (now_s != h->date_s) {
		time_t t = (time_t)now_s;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(h->date, sizeof h->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		h->date_s = now_s;
	}
	return h->date;
}

static void write_fields(const struct conn *c, const struct api_req *r, GString *s)
{
	const struct api_reply *a = r->reply;

	if (a->body && !(a->headers && strcasestr(a->headers->str, "Content-Type:")))
		g_string_append(s, "Content-Type: application/json\r\n");
	if (a->status != 204)
		g_string_append_printf(s, "Content-Length: %zu\r\n", a->body ? a->body->len : 0);
	if (a->service == SERVICE_COMPUTE)
		g_string_append_printf(s, "OpenStack-API-Version: compute 2.%d\r\nX-OpenStack-Nova-API-Version: 2.%d\r\n"
				       "Vary: OpenStack-API-Version, X-OpenStack-Nova-API-Version\r\n", r->mv, r->mv);
	else if (a->service == SERVICE_IDENTITY)
		g_string_append(s, "Vary: X-Auth-Token\r\n");
	if (a->headers)
		g_string_append_len(s, a->headers->str, (gssize)a->headers->len);
	if (c->close)
		g_string_append(s, "Connection: close\r\n");
	else if (c->old)
		g_string_append(s, "Connection: keep-alive\r\n");
}

/* An api_answered_f. */
static void answered(struct api_req *r, void *user)
{
	struct conn *c = user;
	GString *body = strcmp(r->method, "HEAD") == 0 ? NULL : r->reply->body;

	c->close |= c->http->stopping;
	c->out = g_string_sized_new(640 + (body ? body->len : 0));
	g_string_append_printf(c->out, "HTTP/1.1 %d %s\r\nDate: %s\r\nx-openstack-request-id: %s\r\nx-compute-request-id: %s\r\n",
			       r->reply->status, api_status_text(r->reply->status), date(c->http), r->request_id, r->request_id);
	write_fields(c, r, c->out);
	g_string_append(c->out, "\r\n");
	if (body)
		g_string_append_len(c->out, body->str, (gssize)body->len);
	c->sent = 0;
	c->req = NULL;
	api_req_free(r);
	enter(c, CONN_SEND, SEND_MS);
	if (!c->inside)
		await(c, EPOLLOUT);
}

/* Return: false if the connection was freed. */
static bool finish(struct conn *c)
{
	g_clear_pointer(&c->out, string_free);
	set_busy(c->http, -1);
	if (!c->close) {
		enter(c, CONN_HEAD, c->in ? HEAD_MS : KEEPALIVE_MS);
		await_input(c);
		return true;
	}
	/* Closing with unread input would make the kernel take back what was sent: read on for a while. */
	wire_finish(c->wire);
	enter(c, CONN_LINGER, LINGER_MS);
	await(c, EPOLLIN);
	g_clear_pointer(&c->in, string_free);
	return true;
}

/* Return: false if the connection was freed. */
static bool send_more(struct conn *c)
{
	while (c->sent < c->out->len) {
		ssize_t n = wire_write(c->wire, c->out->str + c->sent, c->out->len - c->sent);

		if (n == WIRE_AGAIN) {
			await(c, wire_waits(c->wire));
			return true;
		}
		if (n < 0) {
			conn_free(c);
			return false;
		}
		c->sent += (size_t)n;
		c->deadline_ms = clock_now_ms() + SEND_MS;
	}
	return finish(c);
}

/* ---- requests ---- */

/* Calls what answers, now or later. Return: false if the connection was freed. */
static bool handle(struct conn *c, enum err_code code, const char *why)
{
	enter(c, CONN_HANDLE, HANDLE_MS);
	c->inside = true;
	if (why)
		api_fail_new(c->req, code, "%s", why);
	else
		api_dispatch(c->req);
	c->inside = false;
	if (c->phase == CONN_SEND)
		return send_more(c);
	await(c, 0);
	return true;
}

static bool host_ok(const char *host)
{
	return *host && strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]") == strlen(host);
}

static void make_request(struct conn *c, const struct http1_head *h)
{
	const char *public_url = c->http->api->conf->public_url, *scheme = c->http->tls ? "https://" : "http://";
	g_autofree char *base = public_url ? g_strdup(public_url) :
				h->host && host_ok(h->host) ? g_strconcat(scheme, h->host, NULL) : g_strdup(c->http->url);
	struct api_head head = { .method = h->method, .path = h->path, .query = h->query, .base_url = base, .token = h->token,
				 .subject_token = h->subject_token, .version = h->version, .legacy_version = h->legacy_version };

	c->req = api_req_new(c->http->api, &head, answered, c);
	set_busy(c->http, 1);
}

/* What came is no request: say so and close, because nobody knows where the next one begins. */
static bool refuse(struct conn *c, enum err_code code, const char *why)
{
	static const struct http1_head nothing = { .method = "GET", .path = "/" };

	if (!c->req)
		make_request(c, &nothing);
	c->close = true;
	g_clear_pointer(&c->in, string_free);
	return handle(c, code, why);
}

static bool too_large(struct conn *c)
{
	return refuse(c, ERR_TOO_LARGE, "Request is too large.");
}

/* Bytes at the beginning of the input are understood. */
static void consume(struct conn *c, size_t n)
{
	if (n == c->in->len)
		g_clear_pointer(&c->in, string_free);
	else
		g_string_erase(c->in, 0, (gssize)n);
}

/* Return: false if the connection was freed. */
static bool say_continue(struct conn *c)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

	/* Into an empty buffer it goes whole or not at all; a client that misses it sends after a while. */
	if (!c->head.expect_continue || c->in || wire_write(c->wire, line, sizeof line - 1) != WIRE_BROKEN)
		return true;
	conn_free(c);
	return false;
}

/* Return: false if the connection was freed. @ret_more: nothing can be done before more has come. */
static bool take_head(struct conn *c, bool *ret_more)
{
	const char *why = NULL;

	switch (http1_parse(c->in->str, c->in->len, &c->head, &why)) {
	case HTTP1_MORE:
		*ret_more = true;
		return true;
	case HTTP1_BAD:
		return refuse(c, ERR_BAD_REQUEST, why);
	case HTTP1_OK:
		break;
	}
	c->close = !c->head.keep_alive;
	c->old = c->head.old;
	make_request(c, &c->head);
	consume(c, c->head.size);
	if (c->head.length > c->http->api->conf->max_request_body_size)
		return too_large(c);
	if (c->head.length == 0 && !c->head.chunked)
		return handle(c, ERR_INTERNAL, NULL);
	c->chunks = (struct http1_chunks){ 0 };
	enter(c, CONN_BODY, BODY_MS);
	return say_continue(c);
}

static bool take_chunks(struct conn *c, bool *ret_more)
{
	const char *why = NULL;
	size_t used = 0;

	if (!c->body)
		c->body = g_string_new(NULL);
	switch (http1_chunks(&c->chunks, c->in->str, c->in->len, c->body, (size_t)c->http->api->conf->max_request_body_size, &used, &why)) {
	case HTTP1_MORE:
		consume(c, used);
		*ret_more = true;
		return true;
	case HTTP1_BAD:
		return why ? refuse(c, ERR_BAD_REQUEST, why) : too_large(c);
	case HTTP1_OK:
		break;
	}
	consume(c, used);
	if (c->body->len)
		api_req_body(c->req, c->body->str, c->body->len);
	g_clear_pointer(&c->body, string_free);
	return handle(c, ERR_INTERNAL, NULL);
}

static bool take_body(struct conn *c, bool *ret_more)
{
	size_t n;

	if (c->head.chunked)
		return take_chunks(c, ret_more);
	n = MIN((size_t)c->head.length, c->in->len);
	api_req_body(c->req, c->in->str, n);
	consume(c, n);
	c->head.length -= (int64_t)n;
	if (c->head.length == 0)
		return handle(c, ERR_INTERNAL, NULL);
	*ret_more = true;
	return true;
}

/* Understands what has come. Return: false if the connection was freed. */
static bool process(struct conn *c)
{
	bool more = false;

	for (int requests = 0; c->in && !more && (c->phase == CONN_HEAD || c->phase == CONN_BODY);) {
		if (c->phase == CONN_HEAD && requests++ == TURN_MAX) {
			await(c, EPOLLOUT); /* which is there at once: the others' turn, then on */
			return true;
		}
		if (!(c->phase == CONN_HEAD ? take_head(c, &more) : take_body(c, &more)))
			return false;
	}
	/* Who has closed his side and awaits nothing is gone. */
	if (!c->ended || c->phase == CONN_HANDLE || c->phase == CONN_SEND)
		return true;
	conn_free(c);
	return false;
}

/* ---- events ---- */

static void read_more(struct conn *c)
{
	ssize_t n = wire_read(c->wire, c->http->scratch, READ_SIZE);

	if (n == WIRE_AGAIN) {
		await(c, wire_waits(c->wire));
		return;
	}
	if (n < 0) {
		conn_free(c);
		return;
	}
	c->ended = n == 0;
	if (!c->in && n) {
		c->in = g_string_sized_new((gsize)n);
		if (c->phase == CONN_HEAD)
			enter(c, CONN_HEAD, HEAD_MS);
	}
	if (n)
		g_string_append_len(c->in, c->http->scratch, n);
	await_input(c);
	(void)process(c);
}

static void linger(struct conn *c)
{
	ssize_t n = wire_read(c->wire, c->http->scratch, READ_SIZE);

	if (n == 0 || n == WIRE_BROKEN)
		conn_free(c);
}

static void on_event(struct conn *c, unsigned events)
{
	if ((events & (EPOLLERR | EPOLLHUP)) && !(events & EPOLLIN)) {
		conn_free(c);
		return;
	}
	switch (c->phase) {
	case CONN_HEAD:
	case CONN_BODY:
		/* Without new bytes it is the next turn of a client who pipelines. */
		if (!c->in || (events & EPOLLIN) || wire_held(c->wire)) {
			read_more(c);
		} else {
			await_input(c);
			(void)process(c);
		}
		break;
	case CONN_SEND:
		/* What it pipelined while the answer waited. */
		if (send_more(c) && c->in && c->phase == CONN_HEAD)
			(void)process(c);
		break;
	case CONN_LINGER:
		linger(c);
		break;
	case CONN_HANDLE:
		break;
	}
}

static gboolean on_ready(int fd, GIOCondition cond, void *user)
{
	struct http *h = user;
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(fd, events, EVENTS_MAX, 0);

	(void)cond;
	(void)h;
	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
	return G_SOURCE_CONTINUE;
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

static void start_events(struct http *h)
{
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0)
		g_error("epoll_create1: %s", g_strerror(errno));
	h->source = g_unix_fd_source_new(h->epoll, G_IO_IN);
	g_source_set_callback(h->source, G_SOURCE_FUNC(on_ready), h, NULL);
	g_source_attach(h->source, g_main_loop_get_context(loop_main()));
	h->sweep = clock_after(SWEEP_MS, sweep, h);
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
	start_events(h);
	if (conf->ssl_cert_file) {
		h->tls = wire_tls_new(conf->ssl_cert_file, conf->ssl_key_file, err);
		if (!h->tls)
			return false;
	}
	p.beyond_ok = h->tls || conf->allow_plaintext;
	h->listeners = listen_open(&p, err);
	if (!h->listeners)
		return false;
	name = listen_name(h->listeners);
	h->url = g_strdup_printf("%s://%s", h->tls ? "https" : "http", name);
	return true;
}

const char *http_url(const struct api *a)
{
	return a->conf->public_url ? a->conf->public_url : a->http->url;
}

static void on_limit(void *user)
{
	struct http *h = user;

	h->limit = NULL;
	log_warning("stop_cut_short", LOG_D("requests", h->busy));
	h->busy = 0;
	check_stopped(h);
}

void http_stop(struct api *a, int64_t limit_ms, loop_f *done, void *user)
{
	struct http *h = a->http;

	g_clear_pointer(&h->listeners, listen_close);
	h->stopping = true;
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
	h->stopping = false;
	listen_close(h->listeners);
	while (h->conns)
		conn_free(h->conns);
	clock_cancel(&h->limit);
	clock_cancel(&h->sweep);
	g_source_destroy(h->source);
	g_source_unref(h->source);
	close(h->epoll);
	wire_tls_free(h->tls);
	g_free(h->url);
	g_free(h);
}
