/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies between net/server.c, which knows of sockets and HTTP, and route.c, which knows of the API: a head becomes an api_req, its answer
 * the fields and body of a net_response.
 */
#include "api/http/http.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "api/http/fault.h"
#include "api/http/incoming.h"
#include "api/http/inner.h"
#include "api/http/reply.h"
#include "api/http/route.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/util.h"
#include "net/conn.h"
#include "net/server.h"
#include "net/state.h"
#include "net/tls.h"

#define FILES_WANTED 16384
#define FILES_OURS 1024          /* kept for hosts, files and the database */
#define CONNECTIONS_MAX 8192
#define HANDLED_MAX 1024
#define HANDLED_PART 8           /* with fewer connections: as these cannot be closed for others */
#define BODIES_MAX (64 << 20)    /* bytes */
#define ADDRESS_SHARE 4          /* the part of each of these that one address may have */

/* One request, from its head to the end of its answer. */
struct exchange {
	struct http *http;
	struct net_conn *conn;
	struct api_req *req;         /* until it is answered */
	struct api_stream *stream;   /* makes the answer's body; NULL */
	size_t body_len;
	bool dispatched;
};

struct http {
	struct api *api;
	struct net_server *net;
	struct listeners *listeners;
	struct tls *tls;
	char *url;
	/* the end */
	struct clock_timer *limit;
	loop_f *stopped;
	void *stopped_user;
};

/* ---- answers ---- */

static void put(GString *s, const char *name, const char *value)
{
	g_string_append(s, name);
	g_string_append(s, ": ");
	g_string_append(s, value);
	g_string_append(s, "\r\n");
}

static void put_fields(GString *s, const struct api_req *r)
{
	const struct api_reply *a = r->reply;
	char version[32];

	if (a->body && !(a->headers && strcasestr(a->headers->str, "Content-Type:")))
		put(s, "Content-Type", "application/json");
	put(s, "x-openstack-request-id", r->request_id);
	put(s, "x-compute-request-id", r->request_id);
	if (a->service == SERVICE_COMPUTE) {
		g_snprintf(version, sizeof version, "compute 2.%d", r->mv);
		put(s, "OpenStack-API-Version", version);
		put(s, "X-OpenStack-Nova-API-Version", version + strlen("compute "));
		put(s, "Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
	} else if (a->service == SERVICE_IDENTITY) {
		put(s, "Vary", "X-Auth-Token");
	}
	if (a->headers)
		g_string_append_len(s, a->headers->str, (gssize)a->headers->len);
}

/* An api_answered_f. */
static void answered(struct api_req *r, void *user)
{
	struct exchange *x = user;
	g_autoptr(GString) fields = g_string_sized_new(512);
	struct net_response a = { .status = r->reply->status, .reason = api_status_text(r->reply->status) };

	x->stream = g_steal_pointer(&r->reply->stream);
	if (x->stream)
		x->stream->conn = x->conn;
	put_fields(fields, r);
	a.fields = fields->str;
	a.stream = x->stream != NULL;
	a.body = g_steal_pointer(&r->reply->body);
	if (r->auth)
		net_trust(x->conn, r->auth->project_id ? r->auth->project_id : r->auth->user_id);
	x->req = NULL;
	api_req_free(r);
	net_answer(x->conn, &a);
}

/* ---- requests ---- */

/* What the API reads of the fields. */
static const struct {
	const char *name;
	size_t offset; /* in struct api_head */
	bool once;     /* one token past what looks at the other (D27) */
} fields_read[] = {
	{ "X-Auth-Token", offsetof(struct api_head, token), true },
	{ "X-Subject-Token", offsetof(struct api_head, subject_token), true },
	{ "Last-Event-ID", offsetof(struct api_head, last_event_id), false },
	{ "OpenStack-API-Version", offsetof(struct api_head, version), false },
	{ "X-OpenStack-Nova-API-Version", offsetof(struct api_head, legacy_version), false },
	{ "Cookie", offsetof(struct api_head, cookie), true },
	{ "Origin", offsetof(struct api_head, origin), true },
	{ "Sec-Fetch-Site", offsetof(struct api_head, fetch_site), true },
	{ "Content-Type", offsetof(struct api_head, content_type), false },
	{ "Accept-Encoding", offsetof(struct api_head, accept_encoding), false },
};

/* Return: whether it is there for a second time, and must not be. */
static bool take_field(struct api_head *head, const struct http1_field *f)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields_read); i++) {
		const char **where = (const char **)((char *)head + fields_read[i].offset);
		bool again;

		if (g_ascii_strcasecmp(f->name, fields_read[i].name) != 0)
			continue;
		again = *where && fields_read[i].once;
		*where = f->value;
		return again;
	}
	return false;
}

/* As the client reached us. */
static char *base_url(const struct http *h, const struct http1_head *head)
{
	if (h->api->conf->public_url || !head->authority)
		return g_strdup(h->url);
	return g_strconcat(h->tls ? "https://" : "http://", head->authority, NULL);
}

static void fail_at_once(struct exchange *x, enum err_code code, const char *why)
{
	x->dispatched = true;
	api_fail_new(x->req, code, "%s", why);
}

/* A body that will be refused whatever is in it need not be sent. */
static void admit(struct exchange *x)
{
	x->dispatched = true;
	if (api_admit(x->req))
		x->dispatched = false; /* else it has been answered, and may be gone */
}

static void on_head(struct net_conn *c, const struct http1_head *in)
{
	struct http *h = net_user(c);
	struct exchange *x = g_new0(struct exchange, 1);
	g_autofree char *base = base_url(h, in);
	struct api_head head = { .method = in->method, .path = strcmp(in->path, "*") == 0 ? "/" : in->path, .query = in->query, .base_url = base,
				 .peer = net_address_name(c) };
	bool twice = false;

	for (unsigned i = 0; i < in->n_fields; i++)
		twice |= take_field(&head, &in->fields[i]);
	x->http = h;
	x->conn = c;
	net_set_own(c, x);
	x->req = api_req_new(h->api, &head, answered, x);
	/* An answer at once saves the client the sending. */
	if (twice)
		fail_at_once(x, ERR_BAD_REQUEST, "A header field that may appear once appears twice");
	else if (in->length > h->api->conf->max_request_body_size)
		fail_at_once(x, ERR_TOO_LARGE, "Request is too large.");
	else if (in->chunked || in->length > 0)
		admit(x);
}

static void on_body(struct net_conn *c, const char *data, size_t len)
{
	struct exchange *x = net_own(c);

	x->body_len += len;
	if (x->body_len > (size_t)x->http->api->conf->max_request_body_size)
		fail_at_once(x, ERR_TOO_LARGE, "Request is too large.");
	else
		api_req_body(x->req, data, len);
}

static void on_whole(struct net_conn *c)
{
	struct exchange *x = net_own(c);

	x->dispatched = true;
	api_dispatch(x->req);
}

static void on_over(struct net_conn *c)
{
	struct exchange *x = net_own(c);

	if (x->req && x->dispatched)
		api_req_abandon(x->req);
	else
		api_req_free(x->req);
	if (x->stream)
		x->stream->closed(x->stream);
	g_free(x);
}

static ssize_t on_more(struct net_conn *c, char *buf, size_t max)
{
	struct exchange *x = net_own(c);

	return x->stream->read(x->stream, buf, max);
}

static const struct net_service service = {
	.head = on_head, .body = on_body, .whole = on_whole, .over = on_over, .more = on_more, .refusal = api_refusal,
};

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

static bool load_tls(struct http *h, GError **err)
{
	const struct conf *c = h->api->conf;
	struct tls_params p = { .cert_file = c->ssl_cert_file, .key_file = c->ssl_key_file, .ciphers = c->ssl_ciphers, .minimum = c->ssl_minimum_version };

	h->tls = c->ssl_cert_file ? tls_new(&p, err) : NULL;
	return h->tls || !c->ssl_cert_file;
}

static void start_server(struct http *h)
{
	unsigned connections = connections_max();
	struct net_params p = {
		.service = &service, .user = h, .tls = h->tls, .connections_max = connections, .share = ADDRESS_SHARE,
		.handled_max = CLAMP(connections / HANDLED_PART, 1, HANDLED_MAX),
		/* the largest fits into a share */
		.bodies_max = MAX(BODIES_MAX, ADDRESS_SHARE * (size_t)h->api->conf->max_request_body_size),
	};

	h->net = net_server_new(&p);
}

bool http_listen(struct api *a, GError **err)
{
	const struct conf *conf = a->conf;
	struct http *h = g_new0(struct http, 1);
	struct listen_params p = { .host = conf->listen, .port = conf->port, .accepted = net_accept };
	g_autofree char *name = NULL;

	a->http = h;
	h->api = a;
	if (!load_tls(h, err))
		return false;
	start_server(h);
	p.user = h->net;
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

int64_t http_cert_ends_us(const struct api *a)
{
	return a->http && a->http->tls ? tls_ends_us(a->http->tls) : 0;
}

const char *http_url(const struct api *a)
{
	return a->http->url;
}

struct net_stats http_stats(const struct api *a)
{
	return a->http ? net_server_stats(a->http->net) : (struct net_stats){ .accepted = 0 };
}

static void on_stopped(void *user)
{
	struct http *h = user;
	loop_f *stopped = h->stopped;

	clock_cancel(&h->limit);
	h->stopped = NULL;
	if (stopped)
		stopped(h->stopped_user);
}

static void on_limit(void *user)
{
	struct http *h = user;

	h->limit = NULL;
	log_warning("stop_cut_short", LOG_D("requests", net_unfinished(h->net)));
	on_stopped(h);
}

void http_stop(struct api *a, int64_t limit_ms, loop_f *done, void *user)
{
	struct http *h = a->http;

	g_clear_pointer(&h->listeners, listen_close);
	h->stopped = done;
	h->stopped_user = user;
	h->limit = clock_after(limit_ms, on_limit, h);
	net_stop(h->net, on_stopped, h);
}

void http_free(struct api *a)
{
	struct http *h = a->http;

	if (!h)
		return;
	a->http = NULL;
	listen_close(h->listeners);
	net_server_free(h->net);
	tls_free(h->tls);
	clock_cancel(&h->limit);
	g_free(h->url);
	g_free(h);
}
