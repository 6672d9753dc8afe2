/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "cli_err.h"
#include "kept.h"
#include "render.h"
#include "reply.h"
#include "slim.h"

#define CONNECT_TIMEOUT_S 10L
#define TIMEOUT_S 120
#define TOKEN_MAX 65536
#define STREAM_SILENT_S 45L  /* three heartbeats */

struct client {
	struct cloud *cloud;
	CURL *curl;
	char why[CURL_ERROR_SIZE];
	bool debug;
	long timeout_s;
	client_interrupt_f *interrupt;
	void *interrupt_user;
	char *token;
	json_t *token_body;
	char *endpoint;        /* Compute, without a trailing slash */
	bool versions_known;
	int mv_min, mv_max;    /* what the server offers */
	int mv_cap;            /* what the user allows */
	char *request_id;
};

/* One exchange. */
struct http {
	const char *method;
	const char *url;
	const char *body;      /* NULL: none */
	int mv;                /* 0: no microversion header */
	bool with_token;
	const struct client_stream *stream; /* the answer goes there; NULL */
};

struct answer {
	long status;
	GString *body;
	bool too_large;
	CURL *curl;
	const struct client_stream *stream;
	bool ended;            /* the stream has, by its reader */
};

typedef struct curl_slist slist;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(slist, curl_slist_free_all)

/* ---- one exchange ---- */

static size_t take_bytes(char *data, size_t size, size_t n, void *user)
{
	struct answer *a = user;
	long status = 0;

	if (a->stream && curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200) {
		a->ended = !a->stream->bytes(data, size * n, a->stream->user);
		return a->ended ? 0 : size * n;
	}
	if (a->body->len + size * n > CLIENT_BODY_MAX) {
		a->too_large = true;
		return 0;
	}
	g_string_append_len(a->body, data, (gssize)(size * n));
	return size * n;
}

static int may_go_on(void *user, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
	struct client *c = user;

	(void)dl_total, (void)dl, (void)ul_total, (void)ul;
	return c->interrupt && c->interrupt(c->interrupt_user);
}

static void add_header(slist **list, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void add_header(slist **list, const char *fmt, ...)
{
	g_autofree char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	*list = curl_slist_append(*list, line);
}

static slist *headers(const struct client *c, const struct http *q)
{
	slist *list = NULL;

	add_header(&list, "Accept: %s", q->stream ? "text/event-stream" : "application/json");
	if (q->stream && q->stream->last_id)
		add_header(&list, "Last-Event-ID: %s", q->stream->last_id);
	add_header(&list, "Expect:");
	if (q->body)
		add_header(&list, "Content-Type: application/json");
	if (q->with_token && c->token)
		add_header(&list, "X-Auth-Token: %s", c->token);
	if (q->mv) {
		add_header(&list, "OpenStack-API-Version: compute 2.%d", q->mv);
		add_header(&list, "X-OpenStack-Nova-API-Version: 2.%d", q->mv);
	}
	return list;
}

static bool has_scheme(const char *url)
{
	return g_ascii_strncasecmp(url, "http://", 7) == 0 || g_ascii_strncasecmp(url, "https://", 8) == 0;
}

/* Why there was no answer, and what to do about it. */
static void net_error(const struct client *c, const struct http *q, CURLcode code, GError **err)
{
	const char *why = *c->why ? c->why : curl_easy_strerror(code);
	bool in_doubt = strcmp(q->method, "GET") != 0
			&& (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE);
	g_autofree char *safe = render_safe(why, false);

	switch ((int)code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s: its certificate is not trusted: %s; "
			    "set OS_CACERT (or cacert in clouds.yaml) to the file of its authority", q->url, safe);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		g_set_error(err, CLI_ERR, CLI_FAILED, "cannot read the authorities in %s: %s; see OS_CACERT or cacert",
			    c->cloud->cacert ? c->cloud->cacert : "the system's file", safe);
		break;
	case CURLE_SSL_CERTPROBLEM:
		g_set_error(err, CLI_ERR, CLI_FAILED, "cannot use the client certificate: %s; see OS_CERT and OS_KEY", safe);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (has_scheme(q->url)) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer is not HTTP", q->url);
			break;
		}
		G_GNUC_FALLTHROUGH;
	case CURLE_URL_MALFORMAT:
		g_set_error(err, CLI_ERR, CLI_FAILED, "\"%s\" is not a URL: it must be http://HOST... or https://HOST...", q->url);
		break;
	default:
		g_set_error(err, CLI_ERR, CLI_NET, "%s: no answer: %s%s", q->url, safe,
			    in_doubt ? "; the request may still have taken effect" : "");
	}
}

static char *header_value(CURL *curl, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK || strlen(h->value) > TOKEN_MAX)
		return NULL;
	return g_strdup(h->value);
}

static void note_request_id(struct client *c)
{
	static const char *const names[] = { "x-openstack-request-id", "x-compute-request-id" };

	g_clear_pointer(&c->request_id, g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(names) && !c->request_id; i++)
		c->request_id = header_value(c->curl, names[i]);
}

static void show_debug(const struct client *c, const struct http *q, const struct answer *a, int64_t since_ms)
{
	g_autofree char *url = render_safe(q->url, false);
	g_autofree char *id = render_safe(c->request_id ? c->request_id : "no request id", false);

	if (!c->debug)
		return;
	fprintf(stderr, "drover: %s %s", q->method, url);
	if (q->mv)
		fprintf(stderr, " (2.%d)", q->mv);
	fprintf(stderr, " -> %ld, %zu bytes, %d ms, %s\n", a->status, a->body->len, (int)(clock_now_ms() - since_ms), id);
}

static void set_request(struct client *c, const struct http *q, slist *list, struct answer *a)
{
	curl_easy_setopt(c->curl, CURLOPT_URL, q->url);
	/* forgets the last request's body; it also means POST, so it goes first */
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	if (q->body) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, q->body);
	}
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, q->method);
	/* libcurl repeats a request silently when a kept connection turns out to be closed; a migration must not be asked for twice */
	curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, strcmp(q->method, "GET") == 0 ? 0L : 1L);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, a);
	/* a stream has no limit of its own, but heartbeats */
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, q->stream ? 0L : c->timeout_s);
	curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, q->stream ? 1L : 0L);
	curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, q->stream ? STREAM_SILENT_S : 0L);
}

/* @a gets the answer whatever its status; false only if there was none. */
static bool exchange(struct client *c, const struct http *q, struct answer *a, GError **err)
{
	g_autoptr(slist) list = headers(c, q);
	int64_t since_ms = clock_now_ms();
	CURLcode code;

	*c->why = '\0';
	set_request(c, q, list, a);
	a->curl = c->curl;
	a->stream = q->stream;
	code = curl_easy_perform(c->curl);
	if (a->ended)
		code = CURLE_OK;
	if (a->too_large) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer is larger than %d MiB", q->url, CLIENT_BODY_MAX >> 20);
		return false;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK) {
		g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
		return false;
	}
	if (code != CURLE_OK) {
		net_error(c, q, code, err);
		return false;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a->status);
	note_request_id(c);
	show_debug(c, q, a, since_ms);
	return true;
}

/* CLI_HTTP from an answer that is no success. */
static void http_error(const struct client *c, const struct http *q, const struct answer *a, GError **err)
{
	g_autofree char *message = reply_fault(a->body->str, a->body->len);
	g_autofree char *id = c->debug && c->request_id ? render_safe(c->request_id, false) : NULL;
	const char *hint = "";

	if (a->status >= 300 && a->status < 400)
		hint = "; the address in the catalogue, or auth_url, is not the final one";
	if (message)
		g_set_error(err, CLI_HTTP, (int)a->status, "%s (HTTP %ld%s%s)%s", message, a->status, id ? ", " : "", id ? id : "", hint);
	else
		g_set_error(err, CLI_HTTP, (int)a->status, "%s %s was answered with HTTP %ld and no explanation%s%s%s", q->method, q->url,
			    a->status, id ? ", " : "", id ? id : "", hint);
}

/* ---- the session ---- */

static void set_tls(CURL *curl, const struct cloud *cloud)
{
	if (cloud->insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (cloud->cacert)
		curl_easy_setopt(curl, CURLOPT_CAINFO, cloud->cacert);
	if (cloud->cert)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, cloud->cert);
	if (cloud->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, cloud->key);
}

void *client_connect(struct client *c, const char *url, int *ret_fd, GError **err)
{
	const char *rest = strstr(url, "://");
	g_autofree char *as_http = g_strconcat(g_str_has_prefix(url, "wss:") || g_str_has_prefix(url, "https:") ? "https" : "http", rest, NULL);
	CURL *curl = curl_easy_init();
	char why[CURL_ERROR_SIZE] = "";
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_URL, as_http);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	set_tls(curl, c->cloud);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	*ret_fd = (int)fd;
	if (code == CURLE_OK)
		return curl;
	g_set_error(err, CLI_ERR, CLI_NET, "%s", *why ? why : curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	return NULL;
}

static void set_session(struct client *c, int timeout_s)
{
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "drover/" DROVER_VERSION);
	curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	c->timeout_s = timeout_s > 0 ? timeout_s : TIMEOUT_S;
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, may_go_on);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
	set_tls(c->curl, c->cloud);
}

static bool take_token(struct client *c, const struct answer *a, const char *url, GError **err)
{
	json_t *body = json_parse(a->body->str, a->body->len, err);
	char *token = header_value(c->curl, "X-Subject-Token");

	if (body && token && *token) {
		g_free(c->token);
		json_decref(c->token_body);
		c->token = token;
		c->token_body = body;
		return true;
	}
	if (body)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s answered without a token: it is not an Identity v3 service", url);
	else
		g_prefix_error(err, "%s: ", url);
	json_decref(body);
	g_free(token);
	return false;
}

static bool authenticate(struct client *c, GError **err)
{
	g_autoptr(json_t) request = auth_request(c->cloud, err);
	g_autofree char *url = auth_tokens_url(c->cloud);
	g_autofree char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	g_autoptr(GString) body = g_string_new(NULL);
	struct answer a = { .body = body };
	struct http q = { .method = "POST", .url = url, .body = text };

	if (!request || !exchange(c, &q, &a, err))
		return false;
	if (a.status == 200 || a.status == 201) {
		if (!take_token(c, &a, url, err))
			return false;
		kept_write(c->cloud, c->token, c->token_body);
		return true;
	}
	http_error(c, &q, &a, err);
	if (a.status == 401)
		g_prefix_error(err, "the credentials of %s are refused: ", c->cloud->name);
	else if (a.status == 404)
		g_prefix_error(err, "%s is not an Identity v3 service: ", url);
	return false;
}

static bool find_compute(struct client *c, GError **err)
{
	const char *url = c->cloud->compute_endpoint;
	size_t n;

	if (!url)
		url = auth_endpoint(c->token_body, "compute", c->cloud->region, c->cloud->interface, err);
	if (!url)
		return false;
	g_free(c->endpoint);
	c->endpoint = g_strdup(url);
	for (n = strlen(url); n && c->endpoint[n - 1] == '/'; n--)
		c->endpoint[n - 1] = '\0';
	return true;
}

/* "2" stands in many rc files and means no particular version. */
static bool set_cap(struct client *c, const char *text, GError **err)
{
	c->mv_cap = INT_MAX;
	if (!text)
		text = c->cloud->compute_version;
	if (!text || strcmp(text, "2") == 0 || reply_microversion(text, &c->mv_cap))
		return true;
	g_set_error(err, CLI_ERR, CLI_USAGE, "\"%s\" is not a version of the Compute API; give 2.1 to 2.96, or latest", text);
	return false;
}

struct client *client_new(struct cloud *cloud, const struct client_settings *s, GError **err)
{
	struct client *c = g_new0(struct client, 1);

	c->cloud = cloud;
	c->debug = s->debug;
	c->curl = curl_easy_init();
	g_assert(c->curl);
	set_session(c, s->timeout_s);
	if (cloud_check(cloud, err) && set_cap(c, s->version, err) && (kept_read(cloud, &c->token, &c->token_body) || authenticate(c, err)) && find_compute(c, err))
		return c;
	client_free(c);
	return NULL;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	cloud_free(c->cloud);
	json_decref(c->token_body);
	g_free(c->token);
	g_free(c->endpoint);
	g_free(c->request_id);
	g_free(c);
}

void client_on_interrupt(struct client *c, client_interrupt_f *fn, void *user)
{
	c->interrupt = fn;
	c->interrupt_user = user;
}

bool client_is_admin(const struct client *c)
{
	return auth_is_admin(c->token_body);
}

const char *client_request_id(const struct client *c)
{
	return c->request_id;
}

/* ---- microversions ---- */

/* Compute's address without the project's id behind it, where the versions are told. */
static char *version_url(const struct client *c)
{
	const char *project = auth_project(c->token_body);
	g_autofree char *tail = project ? g_strconcat("/", project, NULL) : NULL;
	size_t n = strlen(c->endpoint);

	if (tail && g_str_has_suffix(c->endpoint, tail))
		n -= strlen(tail);
	return g_strdup_printf("%.*s/", (int)n, c->endpoint);
}

/* A request with the token, and once more with a new one after a 401. */
static bool ask(struct client *c, const struct http *q, struct answer *a, GError **err)
{
	if (!exchange(c, q, a, err))
		return false;
	if (a->status != 401)
		return true;
	if (!authenticate(c, err))
		return false;
	g_string_truncate(a->body, 0);
	return exchange(c, q, a, err);
}

static bool discover(struct client *c, GError **err)
{
	g_autofree char *url = version_url(c);
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(json_t) doc = NULL;
	struct answer a = { .body = body };
	struct http q = { .method = "GET", .url = url, .with_token = true };
	bool in_root;

	if (!ask(c, &q, &a, err))
		return false;
	/* a list of versions comes with 300 from some */
	if (a.status != 200 && a.status != 300) {
		http_error(c, &q, &a, err);
		return false;
	}
	doc = json_parse(body->str, body->len, NULL);
	if (!doc || !reply_versions(doc, &c->mv_min, &c->mv_max, &in_root)) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s does not report a version of Compute: the catalogue, or the override, is wrong", url);
		return false;
	}
	if (in_root && !g_str_has_suffix(c->endpoint, "/v2.1")) {
		g_free(c->endpoint);
		c->endpoint = g_strconcat(url, "v2.1", NULL);
	}
	c->versions_known = true;
	return true;
}

int client_version(struct client *c, int mv_min, int mv_max, GError **err)
{
	int mv;

	if (!c->versions_known && !discover(c, err))
		return -1;
	mv = MIN(mv_max, MIN(c->mv_max, c->mv_cap));
	if (mv >= MAX(mv_min, c->mv_min))
		return mv;
	if (c->mv_cap < c->mv_max && mv_min > c->mv_cap)
		g_set_error(err, CLI_ERR, CLI_FAILED, "this needs version 2.%d of the Compute API, and --os-compute-api-version "
			    "(or OS_COMPUTE_API_VERSION) allows 2.%d; the server has 2.%d", mv_min, c->mv_cap, c->mv_max);
	else
		g_set_error(err, CLI_ERR, CLI_FAILED, "this needs versions 2.%d to 2.%d of the Compute API; the server has 2.%d to 2.%d",
			    mv_min, mv_max, c->mv_min, c->mv_max);
	return -1;
}

/* ---- calls ---- */

/* Return: owned by the caller; NULL with @err. */
static json_t *parse_body(const struct answer *a, const struct client_call *call, GError **err)
{
	size_t len;
	g_autofree char *slim = call->members ? slim_rows(a->body->str, a->body->len, call->list, call->members, &len) : NULL;

	return slim ? json_parse(slim, len, err) : json_parse(a->body->str, a->body->len, err);
}

static bool take_body(const struct answer *a, const struct client_call *call, const char *url, json_t **ret_body, GError **err)
{
	json_t *body = NULL;

	if (a->body->len > 0 && a->status != 204) {
		g_autoptr(GError) why = NULL;

		body = parse_body(a, call, &why);
		if (!body && ret_body) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer cannot be read: %s", url, why->message);
			return false;
		}
	}
	if (ret_body)
		*ret_body = body;
	else
		json_decref(body);
	return true;
}

/* The address of what only Drover has, beside Compute. Owned by the caller; NULL with @err if Compute is elsewhere. */
static char *drover_url(const struct client *c, const char *path, const char *what, GError **err)
{
	g_autofree char *version = version_url(c);

	if (!g_str_has_suffix(version, "/v2.1/")) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s is not Drover: only Drover has %s", c->endpoint, what);
		return NULL;
	}
	version[strlen(version) - strlen("/v2.1/")] = '\0';
	return g_strconcat(version, path, NULL);
}

/* @what: of Drover's, or NULL */
static void refused(const struct client *c, const char *what, const struct http *q, const struct answer *a, GError **err)
{
	http_error(c, q, a, err);
	if (what && a->status == 404)
		g_prefix_error(err, "%s is not Drover: only Drover has %s: ", c->endpoint, what);
}

static char *call_url(struct client *c, const struct client_call *call, int *ret_mv, GError **err)
{
	int mv;

	if (call->drovers)
		return drover_url(c, call->path, call->drovers, err);
	mv = client_version(c, call->mv_min, call->mv_max, err);
	if (mv < 0)
		return NULL;
	*ret_mv = mv;
	return g_strconcat(c->endpoint, call->path, NULL);
}

bool client_call(struct client *c, const struct client_call *call, json_t **ret_body, GError **err)
{
	g_autofree char *url = NULL, *text = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
	g_autoptr(GString) body = g_string_new(NULL);
	struct answer a = { .body = body };
	struct http q = { .method = call->method, .body = text, .with_token = true };

	q.url = url = call_url(c, call, &q.mv, err);
	if (!url || !ask(c, &q, &a, err))
		return false;
	if (a.status >= 200 && a.status < 300)
		return take_body(&a, call, url, ret_body, err);
	refused(c, call->drovers, &q, &a, err);
	if (call->fault)
		*call->fault = json_parse(body->str, body->len, NULL);
	return false;
}

/* A Nova without a path for it answers 404; one whose list of versions stands in the root, 300; a proxy, a page. */
bool client_no_drover(const GError *err)
{
	static const int codes[] = { 300, 301, 302, 404, 405, 410 };

	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		if (g_error_matches(err, CLI_HTTP, codes[i]))
			return true;
	return g_error_matches(err, CLI_ERR, CLI_FAILED);
}

bool client_stream(struct client *c, const struct client_stream *stream, GError **err)
{
	g_autofree char *url = drover_url(c, stream->path, stream->drovers, err);
	g_autoptr(GString) body = g_string_new(NULL);
	struct answer a = { .body = body };
	struct http q = { .method = "GET", .url = url, .with_token = true, .stream = stream };

	if (!url || !ask(c, &q, &a, err))
		return false;
	if (a.status == 200)
		return true;
	refused(c, stream->drovers, &q, &a, err);
	return false;
}

/* ---- lists ---- */

void client_query(GString *query, const char *name, const char *value)
{
	g_autofree char *escaped = value ? g_uri_escape_string(value, NULL, FALSE) : NULL;

	if (escaped)
		g_string_append_printf(query, "%s%s=%s", query->len ? "&" : "", name, escaped);
}

char *client_path(const char *first, ...)
{
	GString *path = g_string_new(NULL);
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *)) {
		g_autofree char *escaped = g_uri_escape_string(s, NULL, FALSE);

		/* "." and ".." would climb; no id looks so */
		g_string_append_printf(path, "/%s", strcmp(escaped, ".") == 0 || strcmp(escaped, "..") == 0 ? "-" : escaped);
	}
	va_end(ap);
	return g_string_free(path, FALSE);
}

static char *page_path(const struct client_list *l, const char *marker)
{
	g_autoptr(GString) query = g_string_new(l->query);

	client_query(query, "marker", marker);
	return g_strconcat(l->path, query->len ? "?" : "", query->str, NULL);
}

/* The id that the next page starts after; NULL if this was the last one. Owned. */
static char *next_marker(const struct client_list *l, const json_t *page, const char *marker)
{
	const json_t *rows = json_object_get(page, l->name);
	const char *last = render_str(json_array_get(rows, json_array_size(rows) - 1), l->marker ? l->marker : "");

	if (!l->marker || !last || !reply_has_next(page, l->name) || g_strcmp0(last, marker) == 0)
		return NULL;
	return g_strdup(last);
}

bool client_each(struct client *c, const struct client_list *l, client_row_f *fn, void *user, GError **err)
{
	g_autofree char *marker = NULL;

	for (int pages = 0; pages < CLIENT_PAGES_MAX; pages++) {
		g_autofree char *path = page_path(l, marker), *next = NULL;
		g_autoptr(json_t) page = NULL;
		struct client_call call = { .method = "GET", .path = path, .mv_min = l->mv_min, .mv_max = l->mv_max, .list = l->name, .members = l->members };
		json_t *row;
		size_t i;

		if (!client_call(c, &call, &page, err))
			return false;
		if (!json_is_array(json_object_get(page, l->name))) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s: the answer has no list \"%s\"", c->endpoint, l->path, l->name);
			return false;
		}
		json_array_foreach(json_object_get(page, l->name), i, row)
			if (!fn(row, user))
				return true;
		next = next_marker(l, page, marker);
		if (!next)
			return true;
		g_free(marker);
		marker = g_steal_pointer(&next);
	}
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s has more than %d pages; narrow the list", c->endpoint, l->path, CLIENT_PAGES_MAX);
	return false;
}

static bool collect(json_t *row, void *user)
{
	json_array_append(user, row);
	return json_array_size(user) < CLIENT_ROWS_MAX;
}

json_t *client_rows(struct client *c, const struct client_list *l, GError **err)
{
	json_t *rows = json_array();

	if (client_each(c, l, collect, rows, err)) {
		if (json_array_size(rows) < CLIENT_ROWS_MAX)
			return rows;
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s has more than %d rows; narrow the list", c->endpoint, l->path, CLIENT_ROWS_MAX);
	}
	json_decref(rows);
	return NULL;
}
