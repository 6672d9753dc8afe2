/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's bytes through the whole server, in pieces: there are as many answers as the parser finds requests when it has all of them at once,
 * and nothing is left when the client has gone. The last byte says how long the pieces are.
 */
#include <glib.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "net/conn.h"
#include "net/server.h"

#define PIECES_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a service that says "ok" ---- */

static unsigned served;

static void on_head(struct net_conn *c, const struct http1_head *h)
{
	(void)c;
	(void)h;
	served++;
}

static void on_body(struct net_conn *c, const char *data, size_t len)
{
	(void)c;
	(void)data;
	g_assert_true(len > 0);
}

static void on_whole(struct net_conn *c)
{
	net_answer(c, &(struct net_response){ .status = 200, .reason = "OK", .body = g_string_new("ok") });
}

static void on_over(struct net_conn *c)
{
	(void)c;
	served--;
}

static ssize_t on_more(struct net_conn *c, char *buf, size_t max)
{
	(void)c;
	(void)buf;
	(void)max;
	return -1;
}

static GString *on_refusal(int status, const char *why)
{
	(void)status;
	(void)why;
	return g_string_new("{}");
}

static const struct net_service service = { on_head, on_body, on_whole, on_over, on_more, on_refusal };

/* ---- what is right ---- */

/* Return: bytes of the body; 0 with @ret_bad or, for one that is not whole, without it and with @ret_more. */
static size_t body_size(const struct http1_head *h, const char *data, size_t size, bool *ret_bad, bool *ret_more)
{
	struct http1_body b;
	size_t at = 0;

	http1_body_begin(&b, h);
	while (!http1_body_ended(&b)) {
		size_t used, n;
		const char *piece;

		*ret_more = at == size;
		*ret_bad = !*ret_more && !http1_body_next(&b, data + at, size - at, &used, &piece, &n);
		if (*ret_more || *ret_bad)
			return 0;
		at += used;
	}
	return at;
}

/* Whether it is bad already without what follows the last line that has ended. */
static bool bad_in_lines(const char *data, size_t size)
{
	const char *lf = memrchr(data, '\n', size);
	g_autofree char *memory = lf ? g_memdup2(data, (size_t)(lf + 1 - data)) : NULL;
	struct http1_head h;

	return lf && http1_parse(memory, (size_t)(lf + 1 - data), &h) == HTTP1_BAD;
}

/* @ret_perhaps: the last one is bad in a line that never ends, which the server looks at again when it does */
static unsigned count_requests(const char *data, size_t size, bool *ret_perhaps)
{
	unsigned n = 0;
	bool more = false, broken = false;

	for (size_t at = 0; at < size && !more && !broken;) {
		g_autofree char *memory = g_memdup2(data + at, size - at);
		struct http1_head h;
		enum http1_result r = http1_parse(memory, size - at, &h);

		*ret_perhaps = r == HTTP1_BAD && !bad_in_lines(data + at, size - at);
		if (r != HTTP1_WHOLE)
			return n + (r == HTTP1_BAD);
		at += h.size;
		at += body_size(&h, data + at, size - at, &broken, &more);
		n += !more;
		if (!h.keep_alive)
			break;
	}
	return n;
}

/* ---- what is ---- */

static void settle(int fd, GString *out)
{
	char buf[65536];
	ssize_t n;

	do {
		while (g_main_context_iteration(g_main_loop_get_context(loop_main()), FALSE))
			;
		n = recv(fd, buf, sizeof buf, 0);
		if (n > 0)
			g_string_append_len(out, buf, n);
	} while (n > 0);
}

static unsigned count_answers(const GString *out)
{
	unsigned n = 0;

	for (const char *p = out->str; (p = strstr(p, "HTTP/1.1 ")); p++)
		n += !g_str_has_prefix(p, "HTTP/1.1 100 ");
	return n;
}

static void feed(int fd, const char *data, size_t size, size_t piece, GString *out)
{
	for (size_t at = 0; at < size; at += piece) {
		if (send(fd, data + at, MIN(piece, size - at), MSG_NOSIGNAL) < 0)
			break; /* the server has closed */
		settle(fd, out);
	}
	shutdown(fd, SHUT_WR);
	settle(fd, out);
}

static void start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR, LOG_TEXT);
	loop_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_params p = { .service = &service, .connections_max = 9, .handled_max = 9, .bodies_max = 1 << 20, .share = 1 };
	union net_address from = { .in = { .sin_family = AF_INET } };
	g_autoptr(GString) out = g_string_new(NULL);
	size_t piece = 1 + size / PIECES_MAX + (size ? data[size - 1] : 0);
	struct net_server *s;
	bool perhaps = false;
	unsigned want;
	int fds[2];

	start();
	clock_manual(1700000000000000);
	s = net_server_new(&p);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
	net_accept(fds[1], &from, s);
	feed(fds[0], (const char *)data, size, piece, out);
	want = count_requests((const char *)data, size, &perhaps);
	g_assert_cmpuint(count_answers(out), <=, want);
	g_assert_cmpuint(count_answers(out), >=, want - perhaps);
	close(fds[0]);
	settle(fds[0], out);
	for (int i = 0; i < NET_STATE_N; i++)
		g_assert_cmpuint(net_server_stats(s).state[i], ==, 0);
	g_assert_cmpuint(served, ==, 0);
	net_server_free(s);
	return 0;
}
