/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "net/inner.h"

#define STREAM_BUFFER (64 * 1024)  /* the kernel's: megabytes of old news are of no use */

static void put_date(GString *s)
{
	static char text[40];
	static int64_t of_s = -1;
	int64_t now_s = clock_wall_us() / G_USEC_PER_SEC;

	if (now_s != of_s) {
		time_t t = (time_t)now_s;
		struct tm tm;

		gmtime_r(&t, &tm);
		/* the daemon never calls setlocale() for times, so the names are English */
		strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
		of_s = now_s;
	}
	g_string_append(s, text);
}

void net_put_begin(GString *s, int status, const char *reason, const char *fields)
{
	g_string_append(s, "HTTP/1.1 ");
	util_put_int(s, status);
	g_string_append_c(s, ' ');
	g_string_append(s, reason);
	g_string_append(s, "\r\n");
	put_date(s);
	if (fields)
		g_string_append(s, fields);
}

static bool has_length(const struct net_response *a)
{
	return !a->stream && a->status >= 200 && a->status != 204 && a->status != 304;
}

void net_put_head(struct net_conn *c, const struct net_response *a)
{
	GString *s = c->out;

	net_put_begin(s, a->status, a->reason, a->fields);
	if (has_length(a)) {
		g_string_append(s, "Content-Length: ");
		util_put_int(s, a->body ? (int64_t)a->body->len : 0);
		g_string_append(s, "\r\n");
	} else if (a->stream && c->minor > 0) {
		g_string_append(s, "Transfer-Encoding: chunked\r\n");
	}
	if (!c->keep)
		g_string_append(s, "Connection: close\r\n");
	else if (c->minor == 0)
		g_string_append(s, "Connection: keep-alive\r\n");
	g_string_append(s, "\r\n");
}

void net_bound_buffer(struct net_conn *c)
{
	int bytes = STREAM_BUFFER;

	/* Without it the kernel only holds more. */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}
