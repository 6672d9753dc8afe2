/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"

#define LISTEN_FD_FIRST 3
#define LISTEN_FDS_MAX 16
#define BACKLOG 1024
#define ACCEPT_BATCH 256       /* connections taken before others have their turn */
#define ACCEPT_PAUSE_MS 200   /* when there are no descriptors left */

struct listener {
	struct listeners *of;
	int fd;
	GSource *source;            /* NULL while accepting rests */
	struct clock_timer *rest;
};

struct listeners {
	struct listen_params params;
	GPtrArray *all;             /* struct listener * */
};

/* ---- accepting ---- */

static gboolean on_ready(int fd, GIOCondition cond, void *user);

static void watch(struct listener *l)
{
	l->source = g_unix_fd_source_new(l->fd, G_IO_IN);
	g_source_set_callback(l->source, G_SOURCE_FUNC(on_ready), l, NULL);
	g_source_attach(l->source, g_main_loop_get_context(loop_main()));
}

static void unwatch(struct listener *l)
{
	if (!l->source)
		return;
	g_source_destroy(l->source);
	g_clear_pointer(&l->source, g_source_unref);
}

static void rested(void *user)
{
	struct listener *l = user;

	l->rest = NULL;
	watch(l);
}

static gboolean on_ready(int fd, GIOCondition cond, void *user)
{
	struct listener *l = user;

	(void)cond;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union net_address from = { 0 };
		socklen_t len = sizeof from;
		int one = 1, new = accept4(fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (new < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			log_warning("accept_failed", LOG_S("why", g_strerror(errno)));
			unwatch(l);
			l->rest = clock_after(ACCEPT_PAUSE_MS, rested, l);
			return G_SOURCE_REMOVE;
		}
		if (new < 0)
			break; /* no client waits, or the one that did has gone */
		/* Not on a Unix socket, and no loss where it fails. */
		(void)setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		l->of->params.accepted(new, &from, l->of->params.user);
	}
	return G_SOURCE_CONTINUE;
}

static void listener_free(void *data)
{
	struct listener *l = data;

	unwatch(l);
	clock_cancel(&l->rest);
	close(l->fd);
	g_free(l);
}

static void add(struct listeners *all, int fd)
{
	struct listener *l = g_new0(struct listener, 1);

	l->of = all;
	l->fd = fd;
	watch(l);
	g_ptr_array_add(all->all, l);
}

/* ---- opening ---- */

static bool is_local(const union net_address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
	return a->any.sa_family == AF_UNIX;
}

static bool check_beyond(const struct listen_params *p, const union net_address *a, GError **err)
{
	if (p->beyond_ok || is_local(a))
		return true;
	g_set_error(err, ERR, ERR_CONF, "to listen beyond loopback, passwords and tokens need TLS: set [wsgi] ssl_cert_file and "
		    "ssl_key_file, or [wsgi] allow_plaintext = true if the network is trusted");
	return false;
}

static int open_one(const struct addrinfo *ai)
{
	int one = 1, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

	if (fd < 0)
		return -1;
	/* A restart must not wait for old connections to time out; where this fails, bind says so. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool open_own(struct listeners *all, GError **err)
{
	const struct listen_params *p = &all->params;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list, *ai;
	g_autofree char *service = g_strdup_printf("%" G_GINT64_FORMAT, p->port);
	int fd = -1, why = getaddrinfo(p->host, service, &hints, &list);

	if (why != 0) {
		g_set_error(err, ERR, ERR_CONF, "%s = %s: %s", p->option ? p->option : "osapi_compute_listen", p->host, gai_strerror(why));
		return false;
	}
	/* The first address that can be had: a name may have one of each family. */
	for (ai = list; ai && fd < 0; ai = ai->ai_next) {
		if (!check_beyond(p, (const union net_address *)(const void *)ai->ai_addr, err))
			break;
		fd = open_one(ai);
	}
	if (fd < 0 && ai == NULL)
		g_set_error(err, ERR, ERR_CONF, "cannot listen on %s port %s: %s", p->host, service, g_strerror(errno));
	freeaddrinfo(list);
	if (fd < 0)
		return false;
	add(all, fd);
	return true;
}

/* How many sockets systemd's protocol hands over to this process; the variables are ours alone and go. */
static int inherited(void)
{
	const char *pid = g_getenv("LISTEN_PID"), *fds = g_getenv("LISTEN_FDS");
	int64_t n = 0, p;

	if (!pid && !fds)
		return 0;
	if (!pid || !fds || !util_parse_int(pid, 1, G_MAXINT, &p) || p != getpid() || !util_parse_int(fds, 1, LISTEN_FDS_MAX, &n))
		n = 0;
	g_unsetenv("LISTEN_PID");
	g_unsetenv("LISTEN_FDS");
	g_unsetenv("LISTEN_FDNAMES");
	return (int)n;
}

static bool take_inherited(struct listeners *all, int fd, GError **err)
{
	union net_address a = { 0 };
	socklen_t len = sizeof a;
	int on = 0;
	socklen_t on_len = sizeof on;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) != 0 || !on || getsockname(fd, &a.any, &len) != 0) {
		g_set_error(err, ERR, ERR_CONF, "descriptor %d, passed by LISTEN_FDS, is not a listening socket", fd);
		return false;
	}
	if (!check_beyond(&all->params, &a, err))
		return false;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		g_set_error(err, ERR, ERR_CONF, "descriptor %d of LISTEN_FDS: %s", fd, g_strerror(errno));
		return false;
	}
	add(all, fd);
	return true;
}

struct listeners *listen_open(const struct listen_params *p, GError **err)
{
	struct listeners *all = g_new0(struct listeners, 1);
	int n = p->own ? 0 : inherited();
	bool ok = true;

	all->params = *p;
	all->all = g_ptr_array_new_with_free_func(listener_free);
	for (int i = 0; i < n && ok; i++)
		ok = take_inherited(all, LISTEN_FD_FIRST + i, err);
	if (n == 0)
		ok = open_own(all, err);
	all->params.host = NULL; /* was lent */
	if (ok)
		return all;
	listen_close(all);
	return NULL;
}

void listen_close(struct listeners *l)
{
	if (!l)
		return;
	g_ptr_array_unref(l->all);
	g_free(l);
}

char *listen_name(const struct listeners *l)
{
	const struct listener *first = l->all->pdata[0];
	union net_address a = { 0 };
	socklen_t len = sizeof a;
	char host[INET6_ADDRSTRLEN];

	/* Was checked when it was taken; a failure leaves the family 0. */
	(void)getsockname(first->fd, &a.any, &len);
	if (a.any.sa_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr))
			a.in6.sin6_addr = in6addr_loopback;
		getnameinfo(&a.any, sizeof a.in6, host, sizeof host, NULL, 0, NI_NUMERICHOST);
		return g_strdup_printf("[%s]:%d", host, ntohs(a.in6.sin6_port));
	}
	if (a.any.sa_family != AF_INET)
		return g_strdup("localhost");
	if (a.in.sin_addr.s_addr == htonl(INADDR_ANY))
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	getnameinfo(&a.any, sizeof a.in, host, sizeof host, NULL, 0, NI_NUMERICHOST);
	return g_strdup_printf("%s:%d", host, ntohs(a.in.sin_port));
}
