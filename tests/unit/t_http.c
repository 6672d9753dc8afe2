/* SPDX-License-Identifier: Apache-2.0
 *
 * The server on a real socket, the loop in a thread of its own, clients that
 * send exact bytes.
 */
#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/handler.h"
#include "api/http/http.h"
#include "api/http/inner.h"
#include "api/http/route.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cert.h"
#include "identity/identity.h"

#define BIG (6 << 20)
#define LOOKS 200
#define TURNS_OF_A_LOOK 4 /* one to be woken, one to be found idle; rarely a timer of the library's */
#define HANG_MS 120000 /* nothing here takes that long: it hangs */

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	(void)id;
	static char user[] = "user";

	if (strcmp(token, "good") == 0) {
		struct auth *a = g_new0(struct auth, 1);

		a->user_id = user;
		return a;
	}
	g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
	return NULL;
}

void auth_free(struct auth *a)
{
	g_free(a);
}

/* ---- handlers ---- */

static void hello(struct api_req *r)
{
	api_reply_json(r, 200, g_string_new("hello"));
}

static void echo(struct api_req *r)
{
	GString *s = g_string_new(NULL);

	g_string_append_len(s, r->body, (gssize)r->body_len);
	api_reply_json(r, 200, s);
}

static void answer_later(void *user)
{
	struct api_req *r = user;

	echo(r);
}

static void later(struct api_req *r)
{
	clock_after(50, answer_later, r);
}

/* Answered when the test says so. */
static struct {
	GMutex mutex;
	GCond came;
	struct api_req *req;
} held;

static void hold(struct api_req *r)
{
	g_mutex_lock(&held.mutex);
	held.req = r;
	g_cond_signal(&held.came);
	g_mutex_unlock(&held.mutex);
}

static void release(void *user)
{
	(void)user;
	hello(held.req);
}

static void big(struct api_req *r)
{
	GString *s = g_string_sized_new(BIG);

	g_string_set_size(s, BIG);
	memset(s->str, 'b', BIG);
	api_reply_json(r, 200, s);
}

static void nothing(struct api_req *r)
{
	api_header(r, "X-Bad", "a\r\nb: c");
	api_header(r, "X-Good", "a");
	api_reply_empty(r, 204);
}

static void query(struct api_req *r)
{
	GString *s = g_string_new(r->path);

	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *p = r->query->pdata[i];

		g_string_append_printf(s, " [%s]=[%s]", p->name, p->value);
	}
	api_reply_json(r, 200, s);
}

/* ---- streams ---- */

#define ENDLESS 0 /* says something whenever it is asked */
#define TICK_MS 10

struct test_stream {
	struct api_stream stream;
	int left;      /* pieces to be sent, one each TICK_MS; ENDLESS */
	bool due;
	struct clock_timer *timer;
};

static struct {
	GMutex mutex;
	GCond changed;
	int open;
	int64_t bytes; /* that streams gave */
} streams;

static void stream_tick(void *user)
{
	struct test_stream *t = user;

	t->due = true;
	t->timer = clock_after(TICK_MS, stream_tick, t);
	api_stream_wake(&t->stream);
}

static void count_stream(int opened, ssize_t bytes)
{
	g_mutex_lock(&streams.mutex);
	streams.open += opened;
	streams.bytes += bytes;
	g_cond_broadcast(&streams.changed);
	g_mutex_unlock(&streams.mutex);
}

static ssize_t stream_read(struct api_stream *s, char *buf, size_t max)
{
	struct test_stream *t = (struct test_stream *)(void *)s;
	ssize_t n = 0;

	g_assert_cmpuint(max, >=, 3);
	if (t->left == ENDLESS) {
		memset(buf, 'e', max);
		n = (ssize_t)max;
	} else if (t->due) {
		t->due = false;
		n = t->left > 1 ? g_snprintf(buf, max, "%d\n", t->left) : -1;
		t->left--;
	}
	count_stream(0, MAX(n, 0));
	return n;
}

static void stream_closed(struct api_stream *s)
{
	struct test_stream *t = (struct test_stream *)(void *)s;

	clock_cancel(&t->timer);
	g_free(t);
	count_stream(-1, 0);
}

/* /stream/N: N - 1 pieces, or without an end. */
static void stream(struct api_req *r)
{
	struct test_stream *t = g_new0(struct test_stream, 1);

	t->stream.read = stream_read;
	t->stream.closed = stream_closed;
	t->left = atoi(r->param[0]);
	if (t->left != ENDLESS)
		stream_tick(t);
	count_stream(1, 0);
	api_reply_stream(r, "text/x-stream", &t->stream);
}

static const struct route routes[] = {
	{ "GET", "/stream/{n}", "drover:versions", stream },
	{ "GET", "/hello", "drover:versions", hello },
	{ "POST", "/echo", "drover:versions", echo },
	{ "PUT", "/echo", "drover:versions", echo },
	{ "DELETE", "/echo", "drover:versions", echo },
	{ "GET", "/later", "drover:versions", later },
	{ "POST", "/later", "drover:versions", later },
	{ "GET", "/held", "drover:versions", hold },
	{ "GET", "/big", "drover:versions", big },
	{ "POST", "/big", "drover:versions", big },
	{ "GET", "/nothing", "drover:versions", nothing },
	{ "GET", "/query/{x}", "drover:versions", query },
	{ "GET", "/v2.1/secret", "os_compute_api:servers:index", hello },
	{ "POST", "/v2.1/secret", "os_compute_api:servers:index", echo },
};
static const struct route_table table = { routes, G_N_ELEMENTS(routes) };
static const struct route_table *const tables[] = { &table };
static char loopback[] = "127.0.0.1";
static struct conf conf = { .listen = loopback, .max_limit = 1000, .max_request_body_size = 1000 };
static struct api *api;
static int port;

/* ---- the loop's thread, from outside ---- */

/* A source that is never ready: GLib prepares it once a turn. */
static struct {
	GMutex mutex;
	GCond idle;
	int64_t turns;
	bool idled;
} watched;

static gboolean count_turn(GSource *source, int *timeout_ms)
{
	(void)source;
	*timeout_ms = -1;
	g_mutex_lock(&watched.mutex);
	watched.turns++;
	g_mutex_unlock(&watched.mutex);
	return FALSE;
}

static gboolean no_turn(GSource *source, GSourceFunc fn, void *user)
{
	(void)source;
	(void)fn;
	(void)user;
	return G_SOURCE_CONTINUE;
}

static void watch_turns(void)
{
	static GSourceFuncs funcs = { .prepare = count_turn, .dispatch = no_turn };
	GSource *s = g_source_new(&funcs, sizeof *s);

	g_source_attach(s, g_main_loop_get_context(loop_main()));
	g_source_unref(s);
}

static gboolean idles(void *user)
{
	(void)user;
	g_mutex_lock(&watched.mutex);
	watched.idled = true;
	g_cond_signal(&watched.idle);
	g_mutex_unlock(&watched.mutex);
	return G_SOURCE_REMOVE;
}

/*
 * Until the server has done all that it can do now: a source of low priority is
 * dispatched when no other is ready. A server that spins never comes to it.
 * Return: the loop's turns so far.
 */
static int64_t settle(void)
{
	int64_t until = g_get_monotonic_time() + HANG_MS * G_TIME_SPAN_MILLISECOND, turns;
	GSource *s = g_idle_source_new();

	g_source_set_priority(s, G_PRIORITY_LOW);
	g_source_set_callback(s, idles, NULL, NULL);
	g_mutex_lock(&watched.mutex);
	watched.idled = false;
	g_source_attach(s, g_main_loop_get_context(loop_main()));
	while (!watched.idled)
		if (!g_cond_wait_until(&watched.idle, &watched.mutex, until))
			g_error("the server is never idle, %d turns so far", (int)watched.turns);
	turns = watched.turns;
	g_mutex_unlock(&watched.mutex);
	g_source_unref(s);
	return turns;
}

/* ---- a client ---- */

static int dial(int buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&a, sizeof a), ==, 0);
	return fd;
}

/* In pieces of @piece bytes, each read before the next is sent; 0 for all at once. The server may have closed already. */
static void put(int fd, const char *data, size_t len, size_t piece)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, data + sent, piece ? MIN(piece, len - sent) : len - sent, MSG_NOSIGNAL);

		if (n < 0)
			return;
		sent += (size_t)n;
		if (piece)
			(void)settle();
	}
}

static void read_all(int fd, GString *in, size_t want)
{
	char buf[65536];
	ssize_t n;

	while (in->len < want) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, HANG_MS) != 1)
			g_error("no answer within %d ms; so far: %s", HANG_MS, in->str);
		n = recv(fd, buf, sizeof buf, 0);
		if (n <= 0)
			return;
		g_string_append_len(in, buf, n);
	}
}

/* "200 404 close": the statuses of the answers, cut by their lengths, and whether the server closed. */
static char *statuses(const GString *in, GString *bodies)
{
	GString *s = g_string_new(NULL);
	const char *p = in->str, *end = in->str + in->len;

	while (p < end) {
		const char *head_end = strstr(p, "\r\n\r\n"), *length = strstr(p, "Content-Length: ");
		size_t n;

		if (!g_str_has_prefix(p, "HTTP/1.1 ") || !head_end) {
			g_string_append_printf(s, "?%.20s ", p);
			break;
		}
		g_string_append_printf(s, "%.3s ", p + 9);
		n = length && length < head_end ? (size_t)g_ascii_strtoull(length + 16, NULL, 10) : 0;
		p = head_end + 4;
		n = MIN(n, (size_t)(end - p));
		if (bodies)
			g_string_append_len(bodies, p, (gssize)n);
		p += n;
	}
	if (s->len)
		g_string_truncate(s, s->len - 1);
	return g_string_free(s, FALSE);
}

#define END "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" /* so that every connection ends */
#define TEN "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" "GET /later HTTP/1.1\r\nHost: h\r\n\r\n" "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" \
	"GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define LONG_1K "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_80 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_2000 LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_80
#define LONG_8K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K \
	LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K

static const struct {
	const char *name, *send, *want, *bodies;
	size_t piece;
} cases[] = {
	{ "get", END, "200", "hello" },
	{ "byte by byte", END, "200", "hello", 1 },
	{ "keep-alive and pipelining", "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /nothing HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n" END, "200 204 404 200", NULL },
	{ "head", "HEAD /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "" },
	{ "old", "GET /hello HTTP/1.0\r\n\r\n", "200", "hello" },
	{ "old, kept", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" END, "200 200", "hellohello" },
	{ "post", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" END, "200 200", "abchello" },
	{ "post byte by byte", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" END, "200 200", "abchello", 1 },
	{ "post empty", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" END, "200 200", "hello" },
	{ "put empty", "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" END, "200 200", "hello" },
	{ "post without length", "POST /echo HTTP/1.1\r\nHost: h\r\n\r\n" END, "200 200", "hello" },
	{ "get and post", "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" END, "200 200 200", "helloabchello" },
	{ "many at once", TEN TEN TEN END, "200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200", NULL },
	{ "empty lines before", "\r\n\r\n" END, "200", "hello" },
	{ "absolute form", "GET http://h/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "hello" },
	{ "delete", "DELETE /echo HTTP/1.1\r\nHost: h\r\n\r\n" END, "200 200", "hello" },
	{ "delete with body", "DELETE /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy" END, "200 200", "xyhello" },
	{ "late answer", "GET /later HTTP/1.1\r\nHost: h\r\n\r\n" END, "200 200", "hello" },
	{ "late answers, pipelined", "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n2" END, "200 200 200", "12hello" },
	{ "late answers, byte by byte", "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1GET /later HTTP/1.1\r\nHost: h\r\n\r\n" END, "200 200 200", "1hello", 1 },
	{ "continue", "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx" END, "100 200 200", "xhello", 1 },
	{ "body too large", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1200\r\n\r\n" LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K END, "413", NULL },
	{ "body too large, in pieces", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1200\r\n\r\n" LONG_1K LONG_1K LONG_1K LONG_1K LONG_1K END, "413", NULL, 50 },
	{ "body far too large", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\nxxxx", "413", NULL },
	{ "length no number", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3x\r\n\r\nabc" END, "400", NULL },
	{ "length negative", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc" END, "400", NULL },
	{ "length signed", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc" END, "400", NULL },
	{ "length huge", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nabc" END, "413", NULL },
	{ "two lengths", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc" END, "400", NULL },
	{ "chunked", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n" END, "200 200", "abcdhello" },
	{ "chunked byte by byte", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: x\r\n\r\n" END, "200 200", "abcdhello", 1 },
	{ "chunked, too large", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" LONG_2000 "\r\n0\r\n\r\n", "413", NULL },
	{ "chunked, broken", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" END, "400", NULL },
	{ "coding and length", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" END, "400", NULL },
	{ "unknown coding", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" END, "400", NULL },
	{ "unknown method", "BREW /hello HTTP/1.1\r\nHost: h\r\n\r\n" END, "405 200", NULL },
	{ "connect", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n" END, "400", NULL },
	{ "garbage", "\x01\x02\x03\xff\xfe\r\n\r\n", "400", NULL },
	{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", NULL },
	{ "HTTP/2 by upgrade stays 1.1", "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" END,
	  "200 200", NULL },
	{ "no version", "GET /hello\r\n\r\n", "400", NULL },
	{ "bare LF", "GET /hello HTTP/1.1\nHost: h\n\n" END, "400", NULL },
	{ "folded field", "GET /hello HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n" END, "400", NULL },
	{ "blank before the colon", "GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc", "400", NULL },
	{ "control character", "GET /hello HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "400", NULL },
	{ "two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", NULL },
	{ "headers too large", "GET /hello HTTP/1.1\r\nHost: h\r\nX-Y: " LONG_8K LONG_8K "\r\n\r\n", "431", NULL },
	{ "path too large", "GET /" LONG_8K LONG_8K " HTTP/1.1\r\nHost: h\r\n\r\n", "414", NULL },
	{ "broken escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n" END, "400 200", NULL },
	{ "NUL in the path", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n" END, "400 200", NULL },
	{ "path not UTF-8", "GET /%ff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400", NULL },
	{ "query", "GET /query/a%20b?x=1&y=%26%3D&&z&u=a+b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "/query/a b [x]=[1] [y]=[&=] [z]=[] [u]=[a b]" },
	{ "dots are names", "GET /a/../query/b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "404", NULL },
	{ "no token", "GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "401", NULL },
	{ "token", "GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\nConnection: close\r\n\r\n", "200", "hello" },
	{ "no token, no body", "POST /v2.1/secret HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n", "401", NULL },
	{ "no token, no chunk", "POST /v2.1/secret HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "401", NULL },
	{ "no route, no body", "POST /v2.1/none HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n", "404", NULL },
	{ "no such method, no body", "PUT /v2.1/secret HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n", "405", NULL },
	{ "no token, no going on", "POST /v2.1/secret HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", "401", NULL },
	{ "no token, kept where no body follows", "POST /v2.1/secret HTTP/1.1\r\nHost: h\r\n\r\n" END, "401 200", NULL },
	{ "token, body", "POST /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\nContent-Length: 3\r\n\r\nabc" END, "200 200", "abchello" },
	{ "D27: two tokens", "GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-Auth-Token: bad\r\nX-Auth-Token: good\r\n\r\n", "400",
	  "{\"badRequest\":{\"code\":400,\"message\":\"A header field that may appear once appears twice\"}}" },
	{ "version", "GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\nOpenStack-API-Version: compute 2.999\r\nConnection: close\r\n\r\n", "406", NULL },
	{ "options", "OPTIONS /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "" },
	{ "alive after all that", END, "200", "hello" },
};

static void test_bytes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		g_autoptr(GString) bodies = g_string_new(NULL);
		g_autofree char *got = NULL;
		int fd = dial(0);

		g_test_message("%s", cases[i].name);
		put(fd, cases[i].send, strlen(cases[i].send), cases[i].piece);
		read_all(fd, in, G_MAXSIZE);
		got = statuses(in, bodies);
		if (strcmp(got, cases[i].want) != 0 || (cases[i].bodies && strcmp(bodies->str, cases[i].bodies) != 0))
			g_error("%s: got \"%s\" \"%s\", want \"%s\" \"%s\"\n%s", cases[i].name, got, bodies->str, cases[i].want, cases[i].bodies, in->str);
		close(fd);
	}
}

static void test_headers(void)
{
	static const char ask[] = "GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-AUTH-TOKEN:  good \r\nopenstack-api-version: compute 2.60\r\nConnection: close\r\n\r\n";
	static const char *const want[] = { "HTTP/1.1 200 OK\r\n", "\r\nContent-Type: application/json\r\n", "\r\nContent-Length: 5\r\n",
		"\r\nOpenStack-API-Version: compute 2.60\r\n", "\r\nX-OpenStack-Nova-API-Version: 2.60\r\n",
		"\r\nVary: OpenStack-API-Version, X-OpenStack-Nova-API-Version\r\n", "\r\nx-openstack-request-id: req-", "\r\nx-compute-request-id: req-",
		"\r\nConnection: close\r\n", "\r\nDate: " };
	g_autoptr(GString) in = g_string_new(NULL);
	int fd = dial(0);

	put(fd, ask, strlen(ask), 0);
	read_all(fd, in, G_MAXSIZE);
	close(fd);
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++)
		if (!strstr(in->str, want[i]))
			g_error("no \"%s\" in %s", want[i], in->str);
}

/* ---- refusals ---- */

/* Send it and another request behind it. Return: what came until the server closed. */
static GString *refused(const char *bytes, size_t len)
{
	GString *in = g_string_new(NULL);
	int fd = dial(0);

	put(fd, bytes, len, 0);
	put(fd, END, strlen(END), 0);
	read_all(fd, in, G_MAXSIZE);
	close(fd);
	return in;
}

/* One head, one body of the length that it says, JSON. */
static void check_refusal(const char *name, const GString *in, int status)
{
	g_autofree char *want = g_strdup_printf("HTTP/1.1 %d ", status);
	const char *body = strstr(in->str, "\r\n\r\n"), *length = strstr(in->str, "\r\nContent-Length: ");
	g_autoptr(json_t) root = body ? json_loads(body + 4, 0, NULL) : NULL;

	if (!g_str_has_prefix(in->str, want) || !length || length > body || strtoul(length + 18, NULL, 10) != strlen(body + 4) ||
	    !strstr(in->str, "\r\nConnection: close\r\n") || strstr(in->str + 1, "HTTP/1.1 ") || !json_is_object(root))
		g_error("%s: want %d, got %s", name, status, in->str);
}

#define BAD(bytes, status) { bytes, sizeof bytes - 1, status }

static void test_one_head(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		int status;
	} rows[] = {
		BAD("GET / HTTP/1.1\r\n\r\n", 400), /* no Host */
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5abc\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000000000000000000\r\n\r\nhello", 413),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n", 417),
		BAD("GET / HTTP/3.0\r\n\r\n", 505),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) in = refused(rows[i].bytes, rows[i].len);

		check_refusal(rows[i].bytes, in, rows[i].status);
	}
}

/* However many arguments there are, there is an answer: up to 256 that of the handler. */
static void test_arguments(void)
{
	for (int n = 200; n <= 300; n++) {
		g_autoptr(GString) ask = g_string_new("GET /query/x?a=1"), in = NULL;

		for (int i = 1; i < n; i++)
			g_string_append(ask, "&a=1");
		g_string_append(ask, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
		in = refused(ask->str, ask->len);
		if (!g_str_has_prefix(in->str, n <= 256 ? "HTTP/1.1 200 " : "HTTP/1.1 400 "))
			g_error("%d arguments: %s", n, in->str);
	}
}

/* It is repeated in the answer. */
static void test_long_host(void)
{
	g_autofree char *host = g_strnfill(8000, 'h');
	g_autofree char *ask = g_strdup_printf("GET /v2.1/secret HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	g_autoptr(GString) in = refused(ask, strlen(ask));

	check_refusal("Host of 8000", in, 400);
}

/* It ends no value and no path, and what stands behind such a request is not read as another one. */
static void test_nul(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		int status;
	} rows[] = {
		BAD("GET /v2.1/secret HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\0garbage\r\n\r\n", 400),
		BAD("GET /hello\0/evil HTTP/1.1\r\nHost: h\r\n\r\n", 400),
		BAD("GET /hello HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\0" "0\r\n\r\nhello", 400),
		BAD("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n", 400),
		BAD("GET /hello HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400),
		BAD("GET /hello HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400),
		BAD("GET /hello HTTP/1.1\nHost: h\n\n", 400),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) in = refused(rows[i].bytes, rows[i].len);

		check_refusal(rows[i].bytes, in, rows[i].status);
	}
}

static struct {
	GMutex mutex;
	GCond told;
	int open; /* connections; -1: not asked yet */
} counted;

static void count_open(void *user)
{
	struct net_stats st = http_stats(api);

	(void)user;
	g_mutex_lock(&counted.mutex);
	counted.open = 0;
	for (int i = 0; i < NET_STATE_N; i++)
		counted.open += (int)st.state[i];
	g_cond_signal(&counted.told);
	g_mutex_unlock(&counted.mutex);
}

static int connections(void)
{
	g_mutex_lock(&counted.mutex);
	counted.open = -1;
	loop_post(count_open, NULL);
	while (counted.open < 0)
		g_cond_wait(&counted.told, &counted.mutex);
	g_mutex_unlock(&counted.mutex);
	return counted.open;
}

/* The end of the stream comes in one packet with half a head, or half a body: nothing of it stays. */
static void test_cut_heads(void)
{
	static const char *const cut[] = { "GET /hello HTTP/1.1\r\nHo", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc" };

	for (int i = 0; i < 500; i++) {
		int fd = dial(0);

		put(fd, cut[i % 2], strlen(cut[i % 2]), 0);
		close(fd);
	}
	(void)settle();
	g_assert_cmpint(connections(), ==, 0);
}

/* A response cannot be split by a header's value, and an empty one has no length. */
static void test_nothing(void)
{
	static const char ask[] = "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	g_autoptr(GString) in = g_string_new(NULL);
	int fd = dial(0);

	put(fd, ask, strlen(ask), 0);
	read_all(fd, in, G_MAXSIZE);
	close(fd);
	g_assert_null(strstr(in->str, "X-Bad"));
	g_assert_nonnull(strstr(in->str, "\r\nX-Good: a\r\n"));
	g_assert_null(strstr(in->str, "Content-Length"));
}

/* Clients that go away: at once, in the middle of a body, while the handler works, while a large answer is sent. */
static void test_gone(void)
{
	static const char *const sends[] = { "", "GET /he", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", "GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "GET /big HTTP/1.1\r\nHost: h\r\n\r\n", "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n" };

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < G_N_ELEMENTS(sends); i++) {
			struct linger abort_it = { .l_onoff = 1 };
			int fd = dial(0);

			put(fd, sends[i], strlen(sends[i]), 0);
			if (round % 2)
				(void)settle();
			if (round % 3)
				setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
			close(fd);
		}
	}
	test_headers();
}

/* A client that sends everything and closes its side gets its answers. */
static void test_half_closed(void)
{
	static const char ask[] = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	g_autoptr(GString) in = g_string_new(NULL);
	g_autofree char *got = NULL;
	int fd = dial(0);

	put(fd, ask, strlen(ask), 0);
	shutdown(fd, SHUT_WR);
	read_all(fd, in, G_MAXSIZE);
	close(fd);
	got = statuses(in, NULL);
	g_assert_cmpstr(got, ==, "200 200 200");
	g_assert_cmpuint(in->len, >, BIG);
}

/*
 * A client that asks for much, sends more and does not read is left alone: no
 * turn of the loop is for it, and in the end it gets its answers.
 */
static void test_slow_reader(void)
{
	static const char *const asks[] = { "GET /big HTTP/1.1\r\nHost: h\r\n\r\n" END, "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" END };

	for (size_t i = 0; i < G_N_ELEMENTS(asks); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		g_autofree char *got = NULL;
		int fd = dial(4096);
		int64_t before;

		put(fd, asks[i], strlen(asks[i]), 0);
		before = settle();
		for (int k = 0; k < LOOKS; k++)
			(void)settle();
		g_assert_cmpint(settle() - before, <=, (LOOKS + 1) * TURNS_OF_A_LOOK);
		read_all(fd, in, G_MAXSIZE);
		close(fd);
		got = statuses(in, NULL);
		g_assert_cmpstr(got, ==, "200 200");
		g_assert_cmpuint(in->len, >, BIG);
	}
}

/* ---- streams ---- */

static void wait_held(void)
{
	int64_t until = g_get_monotonic_time() + HANG_MS * G_TIME_SPAN_MILLISECOND;

	g_mutex_lock(&held.mutex);
	while (!held.req)
		if (!g_cond_wait_until(&held.came, &held.mutex, until))
			g_error("the request did not come");
	g_mutex_unlock(&held.mutex);
}

static void wait_streams(int open)
{
	int64_t until = g_get_monotonic_time() + HANG_MS * G_TIME_SPAN_MILLISECOND;

	g_mutex_lock(&streams.mutex);
	while (streams.open != open)
		if (!g_cond_wait_until(&streams.changed, &streams.mutex, until))
			g_error("%d streams are open, not %d", streams.open, open);
	g_mutex_unlock(&streams.mutex);
}

#define STREAM(n) "GET /stream/" n " HTTP/1.1\r\nHost: h\r\n\r\n"

/* Piece by piece, chunked, and the connection goes on behind it. */
static void test_stream(void)
{
	static const struct {
		const char *name, *send, *want;
	} rows[] = {
		{ "chunked", STREAM("3") END, "*\r\nTransfer-Encoding: chunked\r\n*\r\n2\r\n3\n\r\n*2\r\n2\n\r\n0\r\n\r\nHTTP/1.1 200*hello" },
		{ "fields", STREAM("1") END, "*\r\nContent-Type: text/x-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n*" },
		{ "its end at once", STREAM("1") END, "*\r\n\r\n0\r\n\r\nHTTP/1.1 200*hello" },
		{ "old", "GET /stream/3 HTTP/1.0\r\n\r\n", "*\r\n\r\n3\n2\n" },
		{ "head", "HEAD /stream/0 HTTP/1.1\r\nHost: h\r\n\r\n" END, "HTTP/1.1 200*\r\n\r\nHTTP/1.1 200*hello" },
		{ "two", STREAM("3") STREAM("2") END, "*2\n\r\n0\r\n\r\nHTTP/1.1 200*2\n\r\n0\r\n\r\nHTTP/1.1 200*hello" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		int fd = dial(0);

		put(fd, rows[i].send, strlen(rows[i].send), 0);
		read_all(fd, in, G_MAXSIZE);
		close(fd);
		if (!g_pattern_match_simple(rows[i].want, in->str))
			g_error("%s: got \"%s\", want \"%s\"", rows[i].name, in->str, rows[i].want);
	}
	wait_streams(0);
}

/* The next thing that is sent finds out that the client is gone. */
static void test_stream_gone(void)
{
	static const char ask[] = STREAM("1000000");
	g_autoptr(GString) in = g_string_new(NULL);
	int fds[5];

	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = dial(0);
		put(fds[i], ask, strlen(ask), 0);
		read_all(fds[i], in, in->len + 300);
	}
	wait_streams(G_N_ELEMENTS(fds));
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	wait_streams(0);
}

/* For a client that does not read, a stream is asked for no more than its socket takes, and other clients are not delayed. */
static void test_stream_unread(void)
{
	static const char ask[] = STREAM("0");
	int64_t before = -1, now = 0;
	int fd = dial(4096);

	put(fd, ask, strlen(ask), 0);
	wait_streams(1);
	while (before != now) {
		before = now;
		/* so often the loop went round, and could have given more */
		for (int i = 0; i < 20; i++)
			test_headers();
		g_mutex_lock(&streams.mutex);
		now = streams.bytes;
		g_mutex_unlock(&streams.mutex);
	}
	close(fd);
	wait_streams(0);
}

/* ---- TLS ---- */

static GString *talk_tls(int max_version, const char *send, size_t len)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	GString *in = g_string_new(NULL);
	char buf[65536];
	int fd = dial(0), n;
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_max_proto_version(ctx, max_version);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1) {
		/* One call, so several requests in one record. */
		g_assert_cmpint(SSL_write(ssl, send, (int)len), ==, (int)len);
		while ((n = SSL_read(ssl, buf, sizeof buf)) > 0)
			g_string_append_len(in, buf, n);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return in;
}

static void test_tls(void)
{
	static const struct {
		const char *name, *send, *want;
		int version;
	} table_tls[] = {
		{ "1.3", END, "200", TLS1_3_VERSION },
		{ "1.2", END, "200", TLS1_2_VERSION },
		{ "1.1", END, "", TLS1_1_VERSION },
		{ "pipelining", TEN TEN END, "200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200", TLS1_3_VERSION },
		{ "stream", "GET /stream/3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200 ?*", TLS1_3_VERSION },
		{ "large", "GET /big HTTP/1.1\r\nHost: h\r\n\r\nPOST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" END, "200 200 200", TLS1_3_VERSION },
		{ "full records", "GET /hello HTTP/1.1\r\nHost: h\r\nA: " LONG_8K "\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\nA: " LONG_8K "\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\nA: " LONG_8K "\r\n\r\n" END,
		  "200 200 200 200", TLS1_3_VERSION },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table_tls); i++) {
		GString *in = talk_tls(table_tls[i].version, table_tls[i].send, strlen(table_tls[i].send));
		g_autofree char *got = statuses(in, NULL);

		if (!g_pattern_match_simple(table_tls[i].want, got))
			g_error("%s: got \"%s\", want \"%s\"", table_tls[i].name, got, table_tls[i].want);
		g_string_free(in, TRUE);
	}
}

/* ---- start and stop ---- */

static void stopped(void *user)
{
	(void)user;
	http_free(api);
	loop_quit();
}

static void stop(void *user)
{
	(void)user;
	http_stop(api, HANG_MS, stopped, NULL);
}

static void *serve(void *user)
{
	(void)user;
	loop_run();
	return NULL;
}

/* A request in progress at the stop is answered, a stream that is being read is ended, new connections are refused. */
static void test_stop(GThread *server)
{
	static const char ask[] = "GET /held HTTP/1.1\r\nHost: h\r\n\r\n";
	g_autoptr(GString) in = g_string_new(NULL);
	g_autofree char *got = NULL;
	g_autoptr(GString) stream_in = g_string_new(NULL);
	int unread = dial(4096), watching = dial(0), fd = dial(0);

	put(unread, STREAM("0"), strlen(STREAM("0")), 0);
	put(watching, STREAM("1000000"), strlen(STREAM("1000000")), 0);
	wait_streams(2);
	put(fd, ask, strlen(ask), 0);
	wait_held();
	loop_post(stop, NULL);
	loop_post(release, NULL);
	read_all(watching, stream_in, G_MAXSIZE);
	close(watching);
	g_assert_true(g_str_has_suffix(stream_in->str, "\n\r\n0\r\n\r\n"));
	read_all(fd, in, G_MAXSIZE);
	close(fd);
	got = statuses(in, NULL);
	g_assert_cmpstr(got, ==, "200");
	g_assert_nonnull(strstr(in->str, "Connection: close\r\n"));
	g_thread_join(server);
	wait_streams(0);
	close(unread);
}

static GThread *start(void)
{
	struct api parts = { .conf = &conf };
	GError *err = NULL;

	api = api_new_parts(&parts, tables, 1);
	if (!http_listen(api, &err))
		g_error("%s", err->message);
	port = atoi(strrchr(http_url(api), ':') + 1);
	return g_thread_new("server", serve, NULL);
}

static void test_refused(void)
{
	static const struct {
		const char *name, *listen, *cert, *want;
		bool allow;
	} table_refused[] = {
		{ "plain beyond loopback", "0.0.0.0", NULL, "*need TLS*" },
		{ "no such certificate", "127.0.0.1", "/nonexistent/x.pem", "*ssl_cert_file = /nonexistent/x.pem: No such file*" },
		{ "no such address", "192.0.2.1", NULL, "cannot listen on 192.0.2.1 port 0: *", true },
		{ "no address", "not an address", NULL, "osapi_compute_listen = not an address: *" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table_refused); i++) {
		struct conf bad = { .listen = (char *)table_refused[i].listen, .ssl_cert_file = (char *)table_refused[i].cert,
				    .ssl_key_file = (char *)table_refused[i].cert, .allow_plaintext = table_refused[i].allow };
		struct api parts = { .conf = &bad };
		struct api *a = api_new_parts(&parts, tables, 1);
		g_autoptr(GError) err = NULL;

		g_assert_false(http_listen(a, &err));
		if (!g_pattern_match_simple(table_refused[i].want, err->message))
			g_error("%s: got \"%s\", want \"%s\"", table_refused[i].name, err->message, table_refused[i].want);
		http_free(a);
		api_free_parts(a);
	}
}

/* Links begin with it; they have one slash behind it. */
static void test_public_url(void)
{
	static const char *const urls[] = { "https://cloud:1", "https://cloud:1/", "https://cloud:1//" };

	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		struct conf c = { .listen = loopback, .public_url = (char *)urls[i] };
		struct api parts = { .conf = &c };
		struct api *a = api_new_parts(&parts, tables, 1);

		g_assert_true(http_listen(a, NULL));
		g_assert_cmpstr(http_url(a), ==, "https://cloud:1");
		http_free(a);
		api_free_parts(a);
	}
}

int main(int argc, char **argv)
{
	g_autofree char *pem = NULL;
	GThread *server;
	int failed;

	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_WARNING, LOG_TEXT);
	loop_init();
	test_refused();
	test_public_url();
	watch_turns();
	server = start();
	g_test_add_func("/http/bytes", test_bytes);
	g_test_add_func("/http/headers", test_headers);
	g_test_add_func("/http/nothing", test_nothing);
	g_test_add_func("/http/half_closed", test_half_closed);
	g_test_add_func("/http/slow_reader", test_slow_reader);
	g_test_add_func("/http/gone", test_gone);
	g_test_add_func("/http/stream", test_stream);
	g_test_add_func("/http/stream_gone", test_stream_gone);
	g_test_add_func("/http/stream_unread", test_stream_unread);
	g_test_add_func("/D3/cut_heads_of_tcp", test_cut_heads);
	g_test_add_func("/D14/one_head", test_one_head);
	g_test_add_func("/D15/arguments", test_arguments);
	g_test_add_func("/D15/long_host", test_long_host);
	g_test_add_func("/D16/nul", test_nul);
	failed = g_test_run();
	test_stop(server);
	api_free_parts(api);

	pem = cert_make(EVP_EC_gen("P-256"));
	conf.ssl_cert_file = conf.ssl_key_file = pem;
	server = start();
	test_tls();
	loop_post(stop, NULL);
	g_thread_join(server);
	api_free_parts(api);
	g_unlink(pem);
	return failed;
}
