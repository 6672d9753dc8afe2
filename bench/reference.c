/* SPDX-License-Identifier: Apache-2.0
 *
 * What this machine can do, to hold the figures against that depend on it.
 *
 *	reference work FILE    one line: "work US commit US", of each the least of some turns: a thousand strings made, kept in a
 *	                       table, found and dropped, in CPU time; 4 KiB written to FILE and synced to the disk, in time
 *	reference serve        HTTP on a free port of loopback, which is printed; GET /N is answered with N bytes of body. One thread
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURNS 50
#define STRINGS 1000
#define BYTES 4096
#define HEAD_MAX 4096
#define BODY_MAX (1 << 20)

static double now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double work(void)
{
	double begun = now_us(CLOCK_PROCESS_CPUTIME_ID);
	g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (int i = 0; i < STRINGS; i++)
		g_hash_table_insert(table, g_strdup_printf("{\"id\": %d, \"name\": \"server-%d\"}", i, i), GINT_TO_POINTER(i));
	for (int i = 0; i < STRINGS; i++) {
		g_autofree char *key = g_strdup_printf("{\"id\": %d, \"name\": \"server-%d\"}", i, i);

		g_assert(g_hash_table_lookup(table, key) == GINT_TO_POINTER(i));
	}
	g_clear_pointer(&table, g_hash_table_unref);
	return now_us(CLOCK_PROCESS_CPUTIME_ID) - begun;
}

static double commit(int fd)
{
	static const char bytes[BYTES];
	double begun = now_us(CLOCK_MONOTONIC);

	g_assert(write(fd, bytes, BYTES) == BYTES && fdatasync(fd) == 0);
	return now_us(CLOCK_MONOTONIC) - begun;
}

static int measure(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double least_work = G_MAXDOUBLE, least_commit = G_MAXDOUBLE;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	for (int i = 0; i < TURNS; i++) {
		least_work = MIN(least_work, work());
		least_commit = MIN(least_commit, commit(fd));
	}
	close(fd);
	printf("work %.1f commit %.1f\n", least_work, least_commit);
	return 0;
}

/* ---- the server ---- */

struct peer {
	int fd;
	size_t len;
	char head[HEAD_MAX + 1];
};

static char *body;

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool answer(struct peer *p)
{
	size_t len = strncmp(p->head, "GET /", 5) == 0 ? MIN(strtoul(p->head + 5, NULL, 10), BODY_MAX) : 0;
	char head[128];
	int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);

	p->len = 0;
	return send_all(p->fd, head, (size_t)n) && send_all(p->fd, body, len);
}

/* Return: false if it is gone. */
static bool serve_peer(struct peer *p)
{
	ssize_t n = recv(p->fd, p->head + p->len, HEAD_MAX - p->len, 0);

	if (n <= 0)
		return false;
	p->len += (size_t)n;
	p->head[p->len] = '\0';
	return strstr(p->head, "\r\n\r\n") ? answer(p) : p->len < HEAD_MAX;
}

static void take(int listener, int epoll)
{
	struct peer *p = g_new0(struct peer, 1);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };

	p->fd = accept(listener, NULL, NULL);
	g_assert(p->fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e) == 0);
}

static int serve(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN };

	body = g_malloc(BODY_MAX);
	memset(body, 'x', BODY_MAX);
	g_assert(bind(listener, (struct sockaddr *)&a, len) == 0 && listen(listener, 128) == 0);
	g_assert(getsockname(listener, (struct sockaddr *)&a, &len) == 0);
	g_assert(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) == 0);
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		struct peer *p;

		if (epoll_wait(epoll, &e, 1, -1) != 1)
			continue;
		p = e.data.ptr;
		if (!p)
			take(listener, epoll);
		else if (!serve_peer(p)) {
			close(p->fd);
			g_free(p);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "work") == 0)
		return measure(argv[2]);
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	fprintf(stderr, "usage: reference work FILE | reference serve\n");
	return 2;
}
