/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct order {
	enum loss loss;
	char token[60];
	bool end;
};

/* One connection at a time: the store has no more. */
struct proxy {
	char *url, *path, *server_path;
	GThread *thread;
	int orders[2]; /* ours, the thread's */
	/* the thread's */
	int listener, client, server;
	struct order armed;
	bool silent, drop_answer;
};

static void name_it(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	g_assert_cmpuint(g_strlcpy(a->sun_path, path, sizeof a->sun_path), <, sizeof a->sun_path);
}

static void hang_up(struct proxy *p)
{
	if (p->client >= 0)
		close(p->client);
	if (p->server >= 0)
		close(p->server);
	p->client = p->server = -1;
	p->silent = p->drop_answer = false;
}

static void take_call(struct proxy *p)
{
	struct sockaddr_un a;

	hang_up(p);
	p->client = accept(p->listener, NULL, NULL);
	p->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	name_it(&a, p->server_path);
	if (connect(p->server, (struct sockaddr *)&a, sizeof a) < 0)
		hang_up(p);
}

static void pass(struct proxy *p, int to, const char *data, size_t len)
{
	while (to >= 0 && len > 0) {
		ssize_t n = send(to, data, len, MSG_NOSIGNAL);

		if (n <= 0) {
			hang_up(p);
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

static void from_client(struct proxy *p)
{
	char data[65536];
	ssize_t n = recv(p->client, data, sizeof data, 0);
	enum loss loss = LOSS_NONE;

	if (n <= 0) {
		hang_up(p);
		return;
	}
	if (p->armed.loss != LOSS_NONE && memmem(data, (size_t)n, p->armed.token, strlen(p->armed.token))) {
		loss = p->armed.loss;
		p->armed.loss = LOSS_NONE;
	}
	p->silent = p->silent || loss == LOSS_SILENT;
	p->drop_answer = loss == LOSS_AFTER;
	if (loss == LOSS_BEFORE)
		hang_up(p);
	else if (!p->silent)
		pass(p, p->server, data, (size_t)n);
}

/* An answer ends with ReadyForQuery: 'Z', length 5, state. */
static bool ends_answer(const char *data, size_t n)
{
	return n >= 6 && memcmp(data + n - 6, "Z\0\0\0\5", 5) == 0;
}

static void from_server(struct proxy *p)
{
	char data[65536];
	ssize_t n = recv(p->server, data, sizeof data, 0);

	if (n <= 0)
		hang_up(p);
	else if (!p->drop_answer)
		pass(p, p->client, data, (size_t)n);
	else if (ends_answer(data, (size_t)n))
		hang_up(p);
}

static bool take_order(struct proxy *p)
{
	struct order o;

	g_assert_cmpint(recv(p->orders[1], &o, sizeof o, 0), ==, sizeof o);
	if (o.loss == LOSS_NOW)
		hang_up(p);
	else
		p->armed = o;
	g_assert_cmpint(send(p->orders[1], "", 1, 0), ==, 1);
	return !o.end;
}

static void *run(void *data)
{
	struct proxy *p = data;

	for (;;) {
		struct pollfd fds[] = { { p->orders[1], POLLIN, 0 }, { p->listener, POLLIN, 0 }, { p->client, POLLIN, 0 },
					{ p->server, POLLIN, 0 } };

		g_assert_cmpint(poll(fds, G_N_ELEMENTS(fds), -1), >, 0);
		if (fds[0].revents) {
			if (!take_order(p))
				return NULL;
		} else if (fds[3].revents) {
			from_server(p);
		} else if (fds[2].revents) {
			from_client(p);
		} else {
			take_call(p);
		}
	}
}

/* "...@%2Fdir:5432/..." -> the socket's path, and the same URL with another folder */
static void find_socket(struct proxy *p, const char *dir, const char *url)
{
	g_autoptr(GString) encoded = g_string_new(dir);
	g_autofree char *host = NULL;
	const char *at = strrchr(url, '@'), *colon = strrchr(url, ':');

	g_assert_true(at && colon && at < colon);
	host = g_uri_unescape_segment(at + 1, colon, NULL);
	p->server_path = g_strdup_printf("%s/.s.PGSQL.%d", host, atoi(colon + 1));
	p->path = g_strdup_printf("%s/.s.PGSQL.%d", dir, atoi(colon + 1));
	g_string_replace(encoded, "/", "%2F", 0);
	p->url = g_strdup_printf("%.*s@%s%s", (int)(at - url), url, encoded->str, colon);
}

struct proxy *proxy_new(const char *dir, const char *url)
{
	struct proxy *p = g_new0(struct proxy, 1);
	struct sockaddr_un a;

	find_socket(p, dir, url);
	p->client = p->server = -1;
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	name_it(&a, p->path);
	g_assert_cmpint(bind(p->listener, (struct sockaddr *)&a, sizeof a), ==, 0);
	g_assert_cmpint(listen(p->listener, 5), ==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->orders), ==, 0);
	p->thread = g_thread_new("proxy", run, p);
	return p;
}

static void send_order(struct proxy *p, const struct order *o)
{
	g_assert_cmpint(send(p->orders[0], o, sizeof *o, 0), ==, sizeof *o);
	g_assert_cmpint(recv(p->orders[0], &(char){ 0 }, 1, 0), ==, 1);
}

void proxy_free(struct proxy *p)
{
	send_order(p, &(struct order){ .end = true });
	g_thread_join(p->thread);
	hang_up(p);
	close(p->listener);
	close(p->orders[0]);
	close(p->orders[1]);
	unlink(p->path);
	g_free(p->path);
	g_free(p->server_path);
	g_free(p->url);
	g_free(p);
}

const char *proxy_url(const struct proxy *p)
{
	return p->url;
}

void proxy_arm(struct proxy *p, enum loss loss, const char *token)
{
	struct order o = { .loss = loss };

	g_strlcpy(o.token, token ? token : "", sizeof o.token);
	send_order(p, &o);
}
