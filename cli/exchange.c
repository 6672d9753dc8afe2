/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli_err.h"
#include "render.h"
#include "reply.h"

#define CONNECT_TIMEOUT_S 10L
#define TIMEOUT_S 120
#define HEADER_MAX 65536
#define STREAM_SILENT_S 45L  /* three heartbeats */

struct exchange {
	const struct cloud *cloud;
	CURL *curl;
	char why[CURL_ERROR_SIZE];
	bool debug;
	long timeout_s;
	exchange_interrupt_f *interrupt;
	void *interrupt_user;
	char *request_id;
};

typedef struct curl_slist slist;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(slist, curl_slist_free_all)

/* ---- one exchange ---- */

/* An answer that is being read. */
struct reading {
	CURL *curl;
	const struct exchange_stream *stream;
	GString *body;
	bool too_large;
	bool ended;            /* the stream has, by its reader */
};

static size_t take_bytes(char *data, size_t size, size_t n, void *user)
{
	struct reading *a = user;
	long status = 0;

	if (a->stream && curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200) {
		a->ended = !a->stream->bytes(data, size * n, a->stream->user);
		return a->ended ? 0 : size * n;
	}
	if (a->body->len + size * n > EXCHANGE_BODY_MAX) {
		a->too_large = true;
		return 0;
	}
	g_string_append_len(a->body, data, (gssize)(size * n));
	return size * n;
}

static int may_go_on(void *user, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
	struct exchange *x = user;

	(void)dl_total, (void)dl, (void)ul_total, (void)ul;
	return x->interrupt && x->interrupt(x->interrupt_user);
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

static slist *headers(const struct exchange_query *q)
{
	slist *list = NULL;

	add_header(&list, "Accept: %s", q->stream ? "text/event-stream" : "application/json");
	if (q->stream && q->stream->last_id)
		add_header(&list, "Last-Event-ID: %s", q->stream->last_id);
	add_header(&list, "Expect:");
	if (q->body)
		add_header(&list, "Content-Type: application/json");
	if (q->token)
		add_header(&list, "X-Auth-Token: %s", q->token);
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
static void net_error(const struct exchange *x, const struct exchange_query *q, CURLcode code, GError **err)
{
	const char *why = *x->why ? x->why : curl_easy_strerror(code);
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
			    x->cloud->cacert ? x->cloud->cacert : "the system's file", safe);
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

char *exchange_header(const struct exchange *x, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(x->curl, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK || strlen(h->value) > HEADER_MAX)
		return NULL;
	return g_strdup(h->value);
}

static void note_request_id(struct exchange *x)
{
	static const char *const names[] = { "x-openstack-request-id", "x-compute-request-id" };

	g_clear_pointer(&x->request_id, g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(names) && !x->request_id; i++)
		x->request_id = exchange_header(x, names[i]);
}

static void show_debug(const struct exchange *x, const struct exchange_query *q, const struct exchange_answer *a, int64_t since_ms)
{
	g_autofree char *url = render_safe(q->url, false);
	g_autofree char *id = render_safe(x->request_id ? x->request_id : "no request id", false);

	if (!x->debug)
		return;
	fprintf(stderr, "drover: %s %s", q->method, url);
	if (q->mv)
		fprintf(stderr, " (2.%d)", q->mv);
	fprintf(stderr, " -> %ld, %zu bytes, %d ms, %s\n", a->status, a->body->len, (int)(clock_now_ms() - since_ms), id);
}

static void set_request(struct exchange *x, const struct exchange_query *q, slist *list, struct reading *to)
{
	curl_easy_setopt(x->curl, CURLOPT_URL, q->url);
	/* forgets the last request's body; it also means POST, so it goes first */
	curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(x->curl, CURLOPT_HTTPGET, 1L);
	if (q->body) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, q->body);
	}
	curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, q->method);
	/* libcurl repeats a request silently when a kept connection turns out to be closed; a migration must not be asked for twice */
	curl_easy_setopt(x->curl, CURLOPT_FRESH_CONNECT, strcmp(q->method, "GET") == 0 ? 0L : 1L);
	curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, to);
	/* a stream has no limit of its own, but heartbeats */
	curl_easy_setopt(x->curl, CURLOPT_TIMEOUT, q->stream ? 0L : x->timeout_s);
	curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_LIMIT, q->stream ? 1L : 0L);
	curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_TIME, q->stream ? STREAM_SILENT_S : 0L);
}

bool exchange_run(struct exchange *x, const struct exchange_query *q, struct exchange_answer *a, GError **err)
{
	g_autoptr(slist) list = headers(q);
	struct reading to = { .curl = x->curl, .stream = q->stream, .body = a->body };
	int64_t since_ms = clock_now_ms();
	CURLcode code;

	*x->why = '\0';
	set_request(x, q, list, &to);
	code = curl_easy_perform(x->curl);
	if (to.ended)
		code = CURLE_OK;
	if (to.too_large) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer is larger than %d MiB", q->url, EXCHANGE_BODY_MAX >> 20);
		return false;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK) {
		g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
		return false;
	}
	if (code != CURLE_OK) {
		net_error(x, q, code, err);
		return false;
	}
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &a->status);
	note_request_id(x);
	show_debug(x, q, a, since_ms);
	return true;
}

void exchange_refused(const struct exchange *x, const struct exchange_query *q, const struct exchange_answer *a, GError **err)
{
	g_autofree char *message = reply_fault(a->body->str, a->body->len);
	g_autofree char *id = x->debug && x->request_id ? render_safe(x->request_id, false) : NULL;
	const char *hint = "";

	if (a->status >= 300 && a->status < 400)
		hint = "; the address in the catalogue, or auth_url, is not the final one";
	if (message)
		g_set_error(err, CLI_HTTP, (int)a->status, "%s (HTTP %ld%s%s)%s", message, a->status, id ? ", " : "", id ? id : "", hint);
	else
		g_set_error(err, CLI_HTTP, (int)a->status, "%s %s was answered with HTTP %ld and no explanation%s%s%s", q->method, q->url,
			    a->status, id ? ", " : "", id ? id : "", hint);
}

/* ---- a connection ---- */

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

void *exchange_connect(const struct cloud *cloud, const char *url, int *ret_fd, GError **err)
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
	set_tls(curl, cloud);
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

static void set_session(struct exchange *x)
{
	curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(x->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(x->curl, CURLOPT_USERAGENT, "drover/" DROVER_VERSION);
	curl_easy_setopt(x->curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, may_go_on);
	curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
	set_tls(x->curl, x->cloud);
}

struct exchange *exchange_new(const struct cloud *cloud, bool debug, int timeout_s)
{
	struct exchange *x = g_new0(struct exchange, 1);

	x->cloud = cloud;
	x->debug = debug;
	x->timeout_s = timeout_s > 0 ? timeout_s : TIMEOUT_S;
	x->curl = curl_easy_init();
	g_assert(x->curl);
	set_session(x);
	return x;
}

void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	curl_easy_cleanup(x->curl);
	g_free(x->request_id);
	g_free(x);
}

void exchange_on_interrupt(struct exchange *x, exchange_interrupt_f *fn, void *user)
{
	x->interrupt = fn;
	x->interrupt_user = user;
}

const char *exchange_request_id(const struct exchange *x)
{
	return x->request_id;
}
