/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of src/net on socket pairs, which come from whatever address a test says, with the test's own clock: one thread, so that each turn
 * of the loop can be looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cert.h"
#include "net/conn.h"
#include "net/server.h"
#include "net/state.h"
#include "net/tls.h"
#include "net/upgrade.h"

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define HALF "GET / HTTP/1.1\r\nHo"
#define HANDSHAKE_S 10
#define HEAD_S 15
#define BODY_S 30
#define IDLE_S 75
#define SEND_S 30
#define LINGER_S 2

/* ---- a service: the path says what is answered ---- */

static struct net_server *server;
static GString *order;             /* a letter for each request that was handled: the last of its path */
static GPtrArray *held;            /* struct net_conn: answered when the test says so */
static GPtrArray *paused;          /* struct net_conn: upgraded, and not read */
static unsigned served;            /* requests between head() and over() */

struct own {
	char path[64];
	size_t body;
	bool held;
};

static void answer(struct net_conn *c, size_t size)
{
	struct net_response a = { .status = 200, .reason = "OK", .body = g_string_sized_new(size + 1) };

	g_string_set_size(a.body, size);
	memset(a.body->str, 'b', size);
	net_answer(c, &a);
}

static void on_head(struct net_conn *c, const struct http1_head *h)
{
	struct own *o = g_new0(struct own, 1);

	g_strlcpy(o->path, h->path, sizeof o->path);
	net_set_own(c, o);
	served++;
}

static void on_body(struct net_conn *c, const char *data, size_t len)
{
	struct own *o = net_own(c);

	(void)data;
	o->body += len;
}

static void on_whole(struct net_conn *c)
{
	struct own *o = net_own(c);

	g_string_append_c(order, o->path[strlen(o->path) - 1]);
	if (g_str_has_prefix(o->path, "/token"))
		net_trust(c, o->path);
	if (g_str_has_prefix(o->path, "/hold")) {
		o->held = true;
		g_ptr_array_add(held, c);
	} else if (g_str_has_prefix(o->path, "/stream")) {
		net_answer(c, &(struct net_response){ .status = 200, .reason = "OK", .stream = true });
	} else if (g_str_has_prefix(o->path, "/echo")) {
		net_upgrade(c, "Upgrade: echo\r\nConnection: Upgrade\r\n");
	} else {
		answer(c, g_str_has_prefix(o->path, "/big") ? 8 << 20 : o->body ? o->body : 2);
	}
}

static void on_over(struct net_conn *c)
{
	struct own *o = net_own(c);

	if (o->held)
		g_ptr_array_remove(held, c);
	g_free(o);
	served--;
}

static ssize_t on_more(struct net_conn *c, char *buf, size_t max)
{
	struct own *o = net_own(c);

	if (strcmp(o->path, "/stream/quiet") == 0)
		return 0;
	memset(buf, 's', max);
	return (ssize_t)max;
}

static GString *on_refusal(int status, const char *why)
{
	GString *s = g_string_new(NULL);

	g_string_printf(s, "{\"%d\": \"%s\"}", status, why);
	return s;
}

/* Bytes go back; "p" pauses it, "." ends it. */
static void on_bytes(struct net_conn *c, const char *data, size_t len)
{
	net_send(c, data, len);
	if (memchr(data, 'p', len))
		net_pause(c, true);
	if (memchr(data, '.', len))
		net_end(c);
	else if (memchr(data, 'p', len))
		g_ptr_array_add(paused, c);
}

/* Of "/echo/flood": more, as soon as there is room. */
static void on_sent(struct net_conn *c)
{
	struct own *o = net_own(c);
	char piece[4096];

	if (strcmp(o->path, "/echo/flood") != 0)
		return;
	memset(piece, 'f', sizeof piece);
	net_send(c, piece, sizeof piece);
}

static const struct net_service service = { on_head, on_body, on_whole, on_over, on_more, on_refusal, on_bytes, on_sent };

/* ---- the loop ---- */

static GMainContext *context(void)
{
	return g_main_loop_get_context(loop_main());
}

/* Until nothing is left to be done now. Return: turns of the loop. */
static unsigned settle(void)
{
	unsigned n = 0;

	while (g_main_context_iteration(context(), FALSE))
		n++;
	return n;
}

static void pass_s(int64_t s)
{
	settle();
	clock_advance_ms(s * 1000);
	settle();
}

static void begin_with(struct net_params p)
{
	p.service = &service;
	clock_manual(1700000000000000);
	order = g_string_new(NULL);
	held = g_ptr_array_new();
	paused = g_ptr_array_new();
	server = net_server_new(&p);
}

static void begin(void)
{
	begin_with((struct net_params){ .connections_max = 1000, .handled_max = 1000, .bodies_max = 1 << 20, .share = 1 });
}

static void end(void)
{
	net_server_free(server);
	g_assert_cmpuint(served, ==, 0);
	g_assert_cmpuint(held->len, ==, 0);
	g_ptr_array_unref(held);
	g_ptr_array_unref(paused);
	g_string_free(order, TRUE);
	g_assert_false(clock_step()); /* no timer is left */
}

static unsigned in_state(enum net_state state)
{
	return net_server_stats(server).state[state];
}

static unsigned open_conns(void)
{
	unsigned n = 0;

	for (int i = 0; i < NET_STATE_N; i++)
		n += in_state((enum net_state)i);
	return n;
}

/* ---- clients ---- */

/* @from: "192.0.2.1" or "2001:db8::1" */
static int dial(const char *from)
{
	union net_address a = { 0 };
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
	a.any.sa_family = strchr(from, ':') ? AF_INET6 : AF_INET;
	g_assert_cmpint(inet_pton(a.any.sa_family, from, strchr(from, ':') ? (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr), ==, 1);
	net_accept(fds[1], &a, server);
	return fds[0];
}

static void put(int fd, const char *text)
{
	g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, (ssize_t)strlen(text));
}

static int ask(const char *from, const char *text)
{
	int fd = dial(from);

	put(fd, text);
	return fd;
}

/* What came so far. @ret_closed: whether the server has closed; NULL */
static char *got(int fd, bool *ret_closed)
{
	GString *s = g_string_new(NULL);
	char buf[65536];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
		g_string_append_len(s, buf, n);
		settle();
	}
	if (ret_closed)
		*ret_closed = n == 0 || errno != EAGAIN;
	return g_string_free(s, FALSE);
}

/* "200 200 408": statuses so far, and " closed". */
static char *statuses(int fd)
{
	bool closed;
	g_autofree char *text = got(fd, &closed);
	GString *s = g_string_new(NULL);

	for (const char *p = text; (p = strstr(p, "HTTP/1.1 ")); p++)
		g_string_append_printf(s, "%s%.3s", s->len ? " " : "", p + 9);
	if (closed)
		g_string_append(s, s->len ? " closed" : "closed");
	return g_string_free(s, FALSE);
}

static void expect(int fd, const char *want)
{
	g_autofree char *is = statuses(fd);

	g_assert_cmpstr(is, ==, want);
}

static void bye(int fd)
{
	close(fd);
	settle();
}

/* ---- states and their deadlines ---- */

static void test_keeps(void)
{
	int fd;

	begin();
	fd = ask("192.0.2.1", GET GET "GET /c HTTP/1.1\r\n");
	settle();
	expect(fd, "200 200");
	g_assert_cmpuint(in_state(NET_HEAD), ==, 1);
	put(fd, "Host: h\r\n\r\n");
	settle();
	expect(fd, "200");
	g_assert_cmpuint(in_state(NET_IDLE), ==, 1);
	pass_s(IDLE_S - 1);
	expect(fd, "");
	pass_s(1);
	expect(fd, "closed");
	g_assert_cmpuint(open_conns(), ==, 0);
	bye(fd);
	end();
}

/* However often a byte comes: the deadline is that of the head's first byte, of the body's, of the whole. */
static void test_slow(void)
{
	static const struct {
		const char *name, *first;
		int limit_s;
		enum net_state state;
	} rows[] = {
		{ "head", HALF, HEAD_S, NET_HEAD },
		{ "body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", BODY_S, NET_BODY },
		{ "chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n", BODY_S, NET_BODY },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int fd;

		begin();
		fd = ask("192.0.2.1", rows[i].first);
		for (int s = 0; s < rows[i].limit_s; s++) {
			settle();
			g_assert_cmpuint(in_state(rows[i].state), ==, 1);
			put(fd, "s");
			pass_s(1);
		}
		expect(fd, "408 closed");
		bye(fd);
		end();
	}
}

/* What came while the loop stood is read before it is called late. */
static void test_late_loop(void)
{
	int fd;

	begin();
	fd = ask("192.0.2.1", HALF);
	settle();
	put(fd, "st: h\r\n\r\n");
	clock_advance_ms(2 * HEAD_S * 1000);
	settle();
	expect(fd, "200");
	bye(fd);
	end();
}

/* A client that does not read its answer, and one that reads slowly. */
static void test_unread(void)
{
	int fd, slow;
	char buf[32768];

	begin();
	fd = ask("192.0.2.1", "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	slow = ask("192.0.2.2", "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	g_assert_cmpuint(settle(), ==, 0); /* nothing is done for those that do not read */
	for (int s = 0; s < 2 * SEND_S; s += 10) {
		while (recv(slow, buf, sizeof buf, 0) > 0) /* what its socket holds */
			;
		pass_s(10);
	}
	g_assert_cmpuint(in_state(NET_SEND), ==, 1);
	bye(fd);
	bye(slow);
	g_assert_cmpuint(open_conns(), ==, 0);
	end();
}

/* A refusal is read by a client that is still sending; then the server goes, at the client's end or after two seconds. */
static void test_linger(void)
{
	int quick, fd;

	begin();
	fd = ask("192.0.2.1", "BAD\r\n\r\n");
	quick = ask("192.0.2.1", "BAD\r\n\r\n");
	settle();
	g_assert_cmpuint(in_state(NET_LINGER), ==, 2);
	put(fd, "more and more");
	settle();
	bye(quick);
	g_assert_cmpuint(in_state(NET_LINGER), ==, 1);
	expect(fd, "400 closed"); /* its sending side */
	pass_s(LINGER_S);
	g_assert_cmpuint(open_conns(), ==, 0);
	bye(fd);
	end();
}

/* A client that closes its side waits for its answer; one that goes altogether ends its request. */
static void test_gone(void)
{
	int half, fd;

	begin();
	half = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	fd = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	shutdown(half, SHUT_WR);
	settle();
	g_assert_cmpuint(held->len, ==, 2);
	bye(fd);
	g_assert_cmpuint(held->len, ==, 1);
	answer(held->pdata[0], 2);
	settle();
	expect(half, "200 closed");
	g_assert_cmpuint(open_conns(), ==, 0);
	bye(half);
	end();
}

/* ---- D2: whose turn it is ---- */

static char *times(const char *text, unsigned n)
{
	GString *s = g_string_new(NULL);

	while (n--)
		g_string_append(s, text);
	return g_string_free(s, FALSE);
}

/* One address sends a hundred requests on each of fifty connections; another one waits for one step of the first's. */
static void test_pipelines(void)
{
	g_autofree char *hundred = times("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 100);
	int many[50], one;

	begin();
	for (size_t i = 0; i < G_N_ELEMENTS(many); i++)
		many[i] = ask("192.0.2.1", hundred);
	g_assert_true(g_main_context_iteration(context(), FALSE));
	/* one request of each */
	g_assert_cmpuint(order->len, ==, G_N_ELEMENTS(many));
	one = ask("192.0.2.2", "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
	g_string_truncate(order, 0);
	g_assert_true(g_main_context_iteration(context(), FALSE));
	g_assert_cmpuint(order->len, ==, G_N_ELEMENTS(many) + 1);
	g_assert_cmpint(strchr(order->str, 'b') - order->str, <=, 1);
	expect(one, "200");
	settle();
	for (size_t i = 0; i < G_N_ELEMENTS(many); i++) {
		g_autofree char *is = statuses(many[i]);

		g_assert_cmpuint(strlen(is), ==, strlen("200 ") * 100 - 1);
		close(many[i]);
	}
	bye(one);
	end();
}

/* ---- D3: connections ---- */

/* The end of a head that will never be whole comes together with its begin. */
static void test_cut_heads(void)
{
	begin();
	for (int i = 0; i < 300; i++) {
		int fd = ask("192.0.2.1", i % 2 ? HALF : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");

		if (i % 3)
			shutdown(fd, SHUT_WR);
		settle();
		if (i % 3) {
			g_assert_cmpuint(open_conns(), ==, 0);
			expect(fd, "closed");
		}
		bye(fd);
		g_assert_cmpuint(open_conns(), ==, 0);
	}
	end();
}

/* When all places are taken, the stranger that waits longest goes: no request that is handled, no client with a token. */
static void test_full(void)
{
	int handled, trusted, strangers[8], fd;

	begin_with((struct net_params){ .connections_max = 10, .handled_max = 1000, .bodies_max = 1 << 20, .share = 1 });
	handled = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	trusted = ask("192.0.2.1", "GET /token HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		pass_s(1);
		strangers[i] = ask("192.0.2.1", i % 2 ? HALF : GET);
		settle();
	}
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		fd = ask("192.0.2.2", GET);
		settle();
		expect(fd, "200");
		bye(fd);
		/* it made its place free, so each second client finds one */
		g_assert_cmpuint(net_server_stats(server).evicted, ==, 1);
	}
	expect(strangers[0], "200 closed");
	expect(strangers[1], "");
	expect(trusted, "200");
	put(trusted, GET);
	settle();
	expect(trusted, "200");
	answer(held->pdata[0], 2);
	settle();
	expect(handled, "200");
	bye(handled);
	bye(trusted);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		bye(strangers[i]);
	end();
}

/* As many slow heads as there are places, twice over: a client that comes in between is served, and keeps its place with its token. */
static void test_slow_heads(void)
{
	int fds[200], fd = -1;

	begin_with((struct net_params){ .connections_max = 100, .handled_max = 1000, .bodies_max = 1 << 20, .share = 1 });
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = ask("192.0.2.1", HALF);
		settle();
		if (i == 120)
			fd = ask("192.0.2.2", "GET /token HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	expect(fd, "200");
	g_assert_cmpuint(in_state(NET_HEAD), ==, 99);
	pass_s(HEAD_S);
	pass_s(LINGER_S);
	g_assert_cmpuint(open_conns(), ==, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	bye(fd);
	end();
}

/* One that never ends its TLS handshake, however often a byte of it comes, has ten seconds; and as many as there are places cost no other client its own. */
static void test_slow_handshakes(void)
{
	static const char hello[] = "\x16\x03\x01\x02\x01\x01"; /* a ClientHello of 512 bytes begins */
	g_autofree char *pem = cert_make(EVP_EC_gen("P-256"));
	const struct tls_params files = { pem, pem, NULL, NULL };
	struct tls *tls = tls_new(&files, NULL);
	int fds[200], slow, silent;

	g_assert_nonnull(tls);
	begin_with((struct net_params){ .tls = tls, .connections_max = 100, .handled_max = 1000, .bodies_max = 1 << 20, .share = 1 });
	silent = dial("192.0.2.1");
	slow = ask("192.0.2.1", hello);
	for (int s = 0; s < HANDSHAKE_S; s++) {
		settle();
		g_assert_cmpuint(in_state(NET_HANDSHAKE), ==, 2);
		put(slow, "s");
		pass_s(1);
	}
	expect(silent, "closed");
	expect(slow, "closed");
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = ask("192.0.2.1", hello);
		settle();
		g_assert_cmpuint(in_state(NET_HANDSHAKE), ==, MIN(i + 1, 100));
	}
	g_assert_cmpuint(net_server_stats(server).evicted, ==, 100);
	pass_s(HANDSHAKE_S);
	g_assert_cmpuint(open_conns(), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	bye(silent);
	bye(slow);
	end();
	tls_free(tls);
	g_unlink(pem);
}

/* One address has a share; beyond it, its own oldest goes. A /64 is one address; loopback, where proxies are, has all. */
static void test_share(void)
{
	static const struct {
		const char *name, *from[4];
		unsigned evicted;
	} rows[] = {
		{ "one address", { "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1" }, 2 },
		{ "two", { "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2" }, 0 },
		{ "a /64", { "2001:db8::1", "2001:db8::2", "2001:db8::3:4", "2001:db8:0:1::1" }, 1 },
		{ "the same in IPv6", { "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2" }, 1 },
		{ "loopback", { "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1" }, 0 },
		{ "loopback, IPv6", { "::1", "::1", "::1", "::1" }, 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int fds[4];

		begin_with((struct net_params){ .connections_max = 10, .handled_max = 10, .bodies_max = 1 << 20, .share = 5 });
		for (int k = 0; k < 4; k++) {
			fds[k] = ask(rows[i].from[k], GET);
			settle();
			expect(fds[k], "200");
		}
		g_assert_cmpuint(net_server_stats(server).evicted, ==, rows[i].evicted);
		g_assert_cmpuint(open_conns(), ==, 4 - rows[i].evicted);
		for (int k = 0; k < 4; k++)
			bye(fds[k]);
		end();
	}
}

static void ask_all(int *fds, unsigned n, const char *from, const char *path)
{
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
		g_autofree char *address = g_strdup_printf(from, i);

		fds[i] = ask(address, text);
		settle();
		expect(fds[i], "200");
	}
}

static void bye_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		bye(fds[i]);
}

static unsigned still_open(const int *fds, unsigned n)
{
	unsigned open = 0;

	for (unsigned i = 0; i < n; i++) {
		bool closed;

		g_free(got(fds[i], &closed));
		open += !closed;
	}
	return open;
}

/* A project whose clients come from many addresses: a quarter of all places is its own, and an administrator gets in. */
static void test_tenant_share(void)
{
	int tenant[16], strangers[16], admin;

	begin_with((struct net_params){ .connections_max = 16, .handled_max = 8, .bodies_max = 1 << 20, .share = 4 });
	ask_all(tenant, 16, "192.0.2.%u", "/token/tenant");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 4);
	admin = ask("198.51.100.1", "GET /token/admin HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	expect(admin, "200");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 5);
	g_assert_cmpuint(still_open(tenant, 16), ==, 15);
	ask_all(strangers, 16, "203.0.113.%u", "/a");
	/* those of the tenant that waited longest went first, then the strangers that did */
	g_assert_cmpuint(still_open(tenant, 12), ==, 0);
	g_assert_cmpuint(still_open(tenant, 16), ==, 4);
	g_assert_cmpuint(still_open(strangers, 16), ==, 11);
	expect(admin, "");
	bye_all(tenant, 16);
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 1);
	bye_all(strangers, 16);
	bye(admin);
	end();
}

/* Many projects together have three quarters; beyond them, the one with most gives way. */
static void test_tenants_share(void)
{
	int a[4], b[3], c[3], d[2], e[1], strangers[40];

	begin_with((struct net_params){ .connections_max = 16, .handled_max = 8, .bodies_max = 1 << 20, .share = 4 });
	ask_all(b, 3, "192.0.2.1%u", "/token/b");
	ask_all(a, 4, "192.0.2.2%u", "/token/a");
	ask_all(c, 3, "192.0.2.3%u", "/token/c");
	ask_all(d, 2, "192.0.2.4%u", "/token/d");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 12);
	ask_all(e, 1, "192.0.2.5%u", "/token/e");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 12);
	ask_all(strangers, 40, "203.0.113.%u", "/a");
	g_assert_cmpuint(still_open(a, 4), ==, 3);
	g_assert_cmpuint(still_open(a, 1), ==, 0);
	g_assert_cmpuint(still_open(b, 3) + still_open(c, 3) + still_open(d, 2) + still_open(e, 1), ==, 9);
	/* a token of another project on the same connection: it is that one's from then on */
	put(b[0], "GET /token/f HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	expect(b[0], "200");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 12);
	bye_all(a, 4);
	bye_all(b, 3);
	bye_all(c, 3);
	bye_all(d, 2);
	bye_all(e, 1);
	bye_all(strangers, 40);
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 0);
	end();
}

/* Behind one address, as many clients with tokens as it may have connections: another one can still come and log in. */
static void test_address_of_tenants(void)
{
	int a[4], b[4], fd;

	begin_with((struct net_params){ .connections_max = 32, .handled_max = 8, .bodies_max = 1 << 20, .share = 4 });
	ask_all(a, 4, "192.0.2.1", "/token/a");
	ask_all(b, 4, "192.0.2.1", "/token/b");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 6);
	fd = ask("192.0.2.1", GET);
	settle();
	expect(fd, "200");
	g_assert_cmpuint(still_open(a, 1), ==, 0);
	g_assert_cmpuint(still_open(b, 4), ==, 4);
	/* one that came to lose its place has it again with its next request */
	put(a[1], "GET /token/a HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	expect(a[1], "200");
	g_assert_cmpuint(net_server_stats(server).trusted, ==, 6);
	bye_all(a, 4);
	bye_all(b, 4);
	bye(fd);
	end();
}

/* Nothing can be closed for it: it is the new one that goes. */
static void test_all_trusted(void)
{
	int a, b, c;

	begin_with((struct net_params){ .connections_max = 2, .handled_max = 10, .bodies_max = 1 << 20, .share = 1 });
	a = ask("192.0.2.1", "GET /token HTTP/1.1\r\nHost: h\r\n\r\n");
	b = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	c = dial("192.0.2.2");
	settle();
	expect(a, "200");
	expect(b, "");
	expect(c, "closed");
	bye(a);
	bye(b);
	bye(c);
	end();
}

static void test_handled(void)
{
	int a, b;

	begin_with((struct net_params){ .connections_max = 9, .handled_max = 1, .bodies_max = 1 << 20, .share = 1 });
	a = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	settle();
	b = ask("192.0.2.2", GET);
	settle();
	expect(b, "503 closed");
	answer(held->pdata[0], 2);
	settle();
	expect(a, "200");
	bye(a);
	bye(b);
	end();
}

/* Requests that are held, of which an address may have two of ten: a third one is refused, others go on. */
static void test_handled_share(void)
{
	static const struct {
		const char *name, *from[4], *want[4];
	} rows[] = {
		{ "one address", { "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2" }, { "", "", "503 closed", "" } },
		{ "a /64", { "2001:db8::1", "2001:db8::2", "2001:db8::3:4", "2001:db8:0:1::1" }, { "", "", "503 closed", "" } },
		{ "loopback", { "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1" }, { "", "", "", "" } },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int fds[4];

		begin_with((struct net_params){ .connections_max = 50, .handled_max = 10, .bodies_max = 1 << 20, .share = 5 });
		for (int k = 0; k < 4; k++) {
			fds[k] = ask(rows[i].from[k], "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
			settle();
			expect(fds[k], rows[i].want[k]);
		}
		/* one is over, so its place is free */
		answer(held->pdata[0], 2);
		settle();
		expect(fds[0], "200");
		put(fds[0], GET);
		settle();
		expect(fds[0], "200");
		for (int k = 0; k < 4; k++)
			bye(fds[k]);
		end();
	}
}

/* ---- D18: bodies ---- */

#define POST "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"

static int post(const char *from, const char *part)
{
	int fd = ask(from, POST);

	put(fd, part);
	settle();
	return fd;
}

/* Half bodies that are more than there may be in all: the oldest are refused, and one that comes whole is answered. */
static void test_half_bodies(void)
{
	g_autofree char *half = times("0123456789", 9000), *rest = times("0123456789", 1000);
	int fds[40], fd;

	begin(); /* a MiB */
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = post("192.0.2.1", half);
		g_assert_cmpuint(net_server_stats(server).body_bytes, <=, 1 << 20);
	}
	fd = post("192.0.2.2", half);
	put(fd, rest);
	settle();
	expect(fd, "200");
	expect(fds[0], "503 closed");
	expect(fds[39], "");
	put(fds[39], rest);
	settle();
	expect(fds[39], "200");
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		bye(fds[i]);
	bye(fd);
	g_assert_cmpuint(net_server_stats(server).body_bytes, ==, 0);
	end();
}

/* An address that has its share of bodies loses its own oldest; that of another one, which began before, is left alone. */
static void test_body_share(void)
{
	static const struct {
		const char *name, *from;
		unsigned kept; /* half bodies of it */
	} rows[] = {
		{ "IPv4", "192.0.2.1", 2 },
		{ "IPv6", "2001:db8::1", 2 },
		{ "loopback", "127.0.0.1", 8 },
	};
	g_autofree char *half = times("0123456789", 9000), *rest = times("0123456789", 1000);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int other, fds[8];

		begin_with((struct net_params){ .connections_max = 50, .handled_max = 10, .bodies_max = 1000000, .share = 5 });
		other = post("192.0.2.2", half);
		for (size_t k = 0; k < G_N_ELEMENTS(fds); k++)
			fds[k] = post(rows[i].from, half);
		g_assert_cmpuint(net_server_stats(server).body_bytes, ==, (1 + rows[i].kept) * 90000);
		for (size_t k = 0; k < G_N_ELEMENTS(fds); k++)
			expect(fds[k], k + rows[i].kept < G_N_ELEMENTS(fds) ? "503 closed" : "");
		put(other, rest);
		put(fds[7], rest);
		settle();
		expect(other, "200");
		expect(fds[7], "200");
		for (size_t k = 0; k < G_N_ELEMENTS(fds); k++)
			bye(fds[k]);
		bye(other);
		end();
	}
}

/* Half bodies of clients with tokens, that are all there may be: a stranger who comes to log in is heard. */
static void test_trusted_bodies(void)
{
	g_autofree char *half = times("0123456789", 9000), *rest = times("0123456789", 1000);
	int fds[11], fd;

	begin_with((struct net_params){ .connections_max = 50, .handled_max = 10, .bodies_max = 1000000, .share = 1 });
	ask_all(fds, 11, "192.0.2.1%u", "/token/a");
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		put(fds[i], POST);
		put(fds[i], half);
		settle();
	}
	fd = post("198.51.100.1", half);
	put(fd, rest);
	settle();
	expect(fd, "200");
	expect(fds[0], "503 closed");
	expect(fds[1], "");
	bye_all(fds, 11);
	bye(fd);
	end();
}

/* One body after the other takes nothing of the share. */
static void test_body_after_body(void)
{
	g_autofree char *whole = times("0123456789", 10000);
	int fd;

	begin_with((struct net_params){ .connections_max = 50, .handled_max = 10, .bodies_max = 1000000, .share = 5 });
	fd = post("192.0.2.1", whole);
	for (int i = 0; i < 10; i++) {
		expect(fd, "200");
		put(fd, POST);
		put(fd, whole);
		settle();
	}
	bye(fd);
	end();
}

/* ---- streams and the end ---- */

static void stopped(void *user)
{
	++*(int *)user;
}

static void test_stop(void)
{
	int quiet, unread, handled, idle, ends = 0;

	begin();
	quiet = ask("192.0.2.1", "GET /stream/quiet HTTP/1.1\r\nHost: h\r\n\r\n");
	unread = ask("192.0.2.1", "GET /stream/loud HTTP/1.1\r\nHost: h\r\n\r\n");
	handled = ask("192.0.2.1", "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	idle = ask("192.0.2.1", GET);
	settle();
	g_assert_cmpuint(in_state(NET_STREAM), ==, 2);
	/* news may be far away */
	pass_s(10 * IDLE_S);
	g_assert_cmpuint(in_state(NET_STREAM), ==, 1);
	net_stop(server, stopped, &ends);
	settle();
	g_assert_cmpint(ends, ==, 0);
	answer(held->pdata[0], 2);
	settle();
	g_assert_cmpint(ends, ==, 1);
	expect(handled, "200 closed");
	expect(quiet, "200 closed");
	bye(quiet);
	bye(unread);
	bye(handled);
	bye(idle);
	end();
}

/* ---- another protocol ---- */

#define UPGRADE(path) "GET " path " HTTP/1.1\r\nHost: h\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"

static void expect_end(int fd, const char *want)
{
	bool closed;
	g_autofree char *text = got(fd, &closed);

	g_assert_true(g_str_has_suffix(text, want));
	g_assert_true(closed);
}

static void expect_bytes(int fd, const char *want)
{
	g_autofree char *text = got(fd, NULL);

	g_assert_cmpstr(text, ==, want);
}

/* What stands behind the head is the other protocol's already; no deadline, no turn of another client, no lack of room ends it. */
static void test_upgrade(void)
{
	int fd;

	begin_with((struct net_params){ .connections_max = 2, .handled_max = 1, .bodies_max = 1 << 20, .share = 1 });
	fd = ask("192.0.2.1", UPGRADE("/echo") "one ");
	settle();
	{
		g_autofree char *text = got(fd, NULL);

		g_assert_true(g_str_has_prefix(text, "HTTP/1.1 101 Switching Protocols\r\n"));
		g_assert_true(g_str_has_suffix(text, "\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\none "));
		g_assert_null(strstr(text, "Content-Length"));
	}
	for (int i = 0; i < 4; i++)
		bye(ask("192.0.2.2", GET));
	pass_s(86400);
	g_assert_cmpuint(in_state(NET_UPGRADED), ==, 1);
	put(fd, "two ");
	settle();
	expect_bytes(fd, "two ");
	put(fd, "three.four");
	settle();
	expect_end(fd, "three.four");
	g_assert_cmpuint(served, ==, 0);
	bye(fd);
	end();
}

/* The client's end, with bytes before it. */
static void test_upgraded_leaves(void)
{
	int fd;

	begin();
	fd = ask("192.0.2.1", UPGRADE("/echo"));
	settle();
	put(fd, "last");
	shutdown(fd, SHUT_WR);
	settle();
	g_assert_cmpuint(open_conns(), ==, 0);
	bye(fd);
	end();
}

static void test_upgraded_paused(void)
{
	int fd;

	begin();
	fd = ask("192.0.2.1", UPGRADE("/echo") "p");
	settle();
	g_free(got(fd, NULL));
	put(fd, "later");
	settle();
	expect_bytes(fd, "");
	net_pause(g_ptr_array_index(paused, 0), false);
	settle();
	expect_bytes(fd, "later");
	bye(fd);
	end();
}

/* One that does not read is not sent more than the kernel takes, is read all the same, and does not keep the connection after the end. */
static void test_upgraded_unread(void)
{
	int fd;

	begin();
	fd = ask("192.0.2.1", UPGRADE("/echo/flood"));
	settle();
	g_assert_cmpuint(settle(), ==, 0);
	put(fd, "p"); /* is seen, though nothing more can be sent */
	settle();
	g_assert_cmpuint(paused->len, ==, 1);
	g_assert_cmpuint(net_unsent(g_ptr_array_index(paused, 0)), <, 8192);
	net_end(g_ptr_array_index(paused, 0));
	pass_s(SEND_S + LINGER_S);
	g_assert_cmpuint(open_conns(), ==, 0);
	bye(fd);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR, LOG_TEXT);
	loop_init();
	g_test_add_func("/server/keeps", test_keeps);
	g_test_add_func("/server/late_loop", test_late_loop);
	g_test_add_func("/server/unread", test_unread);
	g_test_add_func("/server/linger", test_linger);
	g_test_add_func("/server/gone", test_gone);
	g_test_add_func("/server/handled", test_handled);
	g_test_add_func("/server/stop", test_stop);
	g_test_add_func("/D2/pipelines", test_pipelines);
	g_test_add_func("/D3/cut_heads", test_cut_heads);
	g_test_add_func("/D3/slow", test_slow);
	g_test_add_func("/D3/slow_heads", test_slow_heads);
	g_test_add_func("/D3/slow_handshakes", test_slow_handshakes);
	g_test_add_func("/D3/full", test_full);
	g_test_add_func("/D3/share", test_share);
	g_test_add_func("/D3/all_trusted", test_all_trusted);
	g_test_add_func("/D3/tenant_share", test_tenant_share);
	g_test_add_func("/D3/tenants_share", test_tenants_share);
	g_test_add_func("/D3/address_of_tenants", test_address_of_tenants);
	g_test_add_func("/D3/handled_share", test_handled_share);
	g_test_add_func("/D18/half_bodies", test_half_bodies);
	g_test_add_func("/D18/body_share", test_body_share);
	g_test_add_func("/D18/body_after_body", test_body_after_body);
	g_test_add_func("/D18/trusted_bodies", test_trusted_bodies);
	g_test_add_func("/server/upgrade", test_upgrade);
	g_test_add_func("/server/upgrade/leaves", test_upgraded_leaves);
	g_test_add_func("/server/upgrade/paused", test_upgraded_paused);
	g_test_add_func("/server/upgrade/unread", test_upgraded_unread);
	return g_test_run();
}
