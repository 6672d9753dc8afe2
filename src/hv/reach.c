/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#define KEPT_MAX 10000 /* hosts whose addresses are kept */

/* ---- where ---- */

/* By scheme; one that names no transport is TLS. */
static const struct {
	const char *scheme, *port;
	bool libvirtd;
} ports[] = {
	{ "qemu", "16514", true },    { "qemu+tls", "16514", true },  { "qemu+tcp", "16509", true },
	{ "qemu+ssh", "22", false },  { "qemu+libssh", "22", false }, { "qemu+libssh2", "22", false },
};

bool reach_parse(const char *uri, struct reach_at *ret)
{
	g_autofree char *scheme = NULL, *host = NULL;
	int port = -1;

	*ret = (struct reach_at){ .host = NULL };
	if (!g_uri_split(uri, G_URI_FLAGS_NONE, &scheme, NULL, &host, &port, NULL, NULL, NULL, NULL) || !host || !*host)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
		if (g_ascii_strcasecmp(scheme, ports[i].scheme) != 0)
			continue;
		ret->host = g_steal_pointer(&host);
		ret->port = port > 0 ? g_strdup_printf("%d", port) : g_strdup(ports[i].port);
		ret->libvirtd = ports[i].libvirtd;
		return true;
	}
	return false;
}

void reach_at_clear(struct reach_at *at)
{
	g_clear_pointer(&at->host, g_free);
	g_clear_pointer(&at->port, g_free);
}

/* ---- names ---- */

static GMutex lock;      /* of .kept */
static GHashTable *kept; /* "h1 16509", owned -> struct reach_addrs *, owned */

static void keep(const char *name, const struct reach_addrs *a)
{
	g_mutex_lock(&lock);
	if (!kept)
		kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (g_hash_table_size(kept) >= KEPT_MAX)
		g_hash_table_remove_all(kept);
	g_hash_table_replace(kept, g_strdup(name), g_memdup2(a, sizeof *a));
	g_mutex_unlock(&lock);
}

static bool recall(const char *name, struct reach_addrs *ret)
{
	const struct reach_addrs *a;

	g_mutex_lock(&lock);
	a = kept ? g_hash_table_lookup(kept, name) : NULL;
	if (a)
		*ret = *a;
	g_mutex_unlock(&lock);
	return a != NULL;
}

static void take(const struct addrinfo *list, struct reach_addrs *ret)
{
	ret->n = 0;
	for (const struct addrinfo *a = list; a && ret->n < REACH_ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof ret->all[0].at)
			continue;
		memcpy(&ret->all[ret->n].at, a->ai_addr, a->ai_addrlen);
		ret->all[ret->n++].len = a->ai_addrlen;
	}
}

char *reach_find(const struct reach_at *at, bool may_be_kept, struct reach_addrs *ret)
{
	g_autofree char *name = g_strjoin(" ", at->host, at->port, NULL);
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int err;

	if (may_be_kept && recall(name, ret))
		return NULL;
	err = getaddrinfo(at->host, at->port, &hints, &list);
	if (err != 0)
		return g_strdup_printf("unable to resolve address '%s' service '%s': %s", at->host, at->port, gai_strerror(err));
	take(list, ret);
	freeaddrinfo(list);
	keep(name, ret);
	return NULL;
}

/* ---- connecting ---- */

/* Return: a socket that is connecting, or is connected; -1 with errno. */
static int begin(const struct sockaddr *at, socklen_t len)
{
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0 || connect(fd, at, len) == 0 || errno == EINPROGRESS)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* Return: 0: connected; else the error. */
static int outcome(int fd)
{
	int err = 0;
	socklen_t len = sizeof err;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

#define TRIES (REACH_MS / REACH_AGAIN_MS)

/* What was sent, and what was heard until now. */
struct attempt {
	struct pollfd fds[REACH_ADDRESSES_MAX * TRIES]; /* .fd -1: it has answered */
	nfds_t n, open;
	bool accepts, refuses;
	int last; /* error */
};

static void hear(struct attempt *t, int err)
{
	t->accepts |= err == 0;
	t->refuses |= err == ECONNREFUSED || err == ECONNRESET;
	t->last = err;
}

static void send_all(struct attempt *t, const struct reach_addrs *a)
{
	for (int i = 0; i < a->n; i++) {
		int fd = begin((const struct sockaddr *)&a->all[i].at, a->all[i].len);

		if (fd < 0) {
			hear(t, errno);
			continue;
		}
		t->fds[t->n++] = (struct pollfd){ .fd = fd, .events = POLLOUT };
		t->open++;
	}
}

static void take_answers(struct attempt *t)
{
	for (nfds_t i = 0; i < t->n; i++) {
		if (t->fds[i].fd < 0 || !t->fds[i].revents)
			continue;
		hear(t, outcome(t->fds[i].fd));
		close(t->fds[i].fd);
		t->fds[i].fd = -1;
		t->open--;
	}
}

static void listen_until(struct attempt *t, int64_t until_us)
{
	int64_t left_us;

	while (t->open > 0 && !t->accepts && (left_us = until_us - g_get_monotonic_time()) > 0) {
		if (poll(t->fds, t->n, (int)((left_us + 999) / 1000)) >= 0)
			take_answers(t);
		else if (errno != EINTR)
			break;
	}
}

static void close_all(struct attempt *t)
{
	for (nfds_t i = 0; i < t->n; i++)
		if (t->fds[i].fd >= 0)
			close(t->fds[i].fd);
}

enum reach reach_try(const struct reach_addrs *a, int *ret_errno)
{
	struct attempt t = { .last = ETIMEDOUT };
	int64_t began_us = g_get_monotonic_time();

	for (int i = 1; i <= TRIES && !t.accepts && (i == 1 || t.open > 0); i++) {
		send_all(&t, a);
		listen_until(&t, began_us + (int64_t)i * REACH_AGAIN_MS * 1000);
	}
	if (t.open > 0 && !t.refuses)
		t.last = ETIMEDOUT;
	close_all(&t);
	*ret_errno = t.last;
	return t.accepts ? REACH_ACCEPTS : t.refuses ? REACH_REFUSES : REACH_SILENT;
}
