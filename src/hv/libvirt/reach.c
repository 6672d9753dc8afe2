/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#define ADDRESSES_MAX 8

/* Of libvirtd; a URI without a transport is TLS. */
static const struct {
	const char *transport, *port;
} ports[] = {
	{ "", "16514" }, { "tls", "16514" }, { "tcp", "16509" },
};

/* Return: NULL: of another transport, or on this machine. */
static const char *default_port(GUri *uri)
{
	const char *plus = strchr(g_uri_get_scheme(uri), '+'), *host = g_uri_get_host(uri);

	for (size_t i = 0; host && *host && i < G_N_ELEMENTS(ports); i++)
		if (strcmp(ports[i].transport, plus ? plus + 1 : "") == 0)
			return ports[i].port;
	return NULL;
}

/* Return: a socket that is connecting, or is connected; -1 with errno. */
static int begin(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	int err;

	if (fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
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

/* All at once: the first that accepts is enough. Return: 0; else the last error, or ETIMEDOUT. */
static int wait_for_one(struct pollfd *fds, nfds_t n, int last)
{
	int64_t until_us = g_get_monotonic_time() + LV_REACH_MS * 1000, left_us;
	nfds_t open = n;

	while (open > 0 && (left_us = until_us - g_get_monotonic_time()) > 0) {
		if (poll(fds, n, (int)((left_us + 999) / 1000)) < 0 && errno != EINTR)
			return errno;
		for (nfds_t i = 0; i < n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			last = outcome(fds[i].fd);
			if (last == 0)
				return 0;
			close(fds[i].fd);
			fds[i].fd = -1;
			open--;
		}
	}
	return open > 0 ? ETIMEDOUT : last;
}

static int try_all(const struct addrinfo *all)
{
	struct pollfd fds[ADDRESSES_MAX];
	nfds_t n = 0;
	int last = ETIMEDOUT;

	for (const struct addrinfo *a = all; a && n < ADDRESSES_MAX; a = a->ai_next) {
		fds[n] = (struct pollfd){ .fd = begin(a), .events = POLLOUT };
		if (fds[n].fd < 0)
			last = errno;
		else
			n++;
	}
	last = wait_for_one(fds, n, last);
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return last;
}

static char *look(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int err = getaddrinfo(host, port, &hints, &all);

	if (err != 0)
		return g_strdup_printf("unable to resolve address '%s' service '%s': %s", host, port, gai_strerror(err));
	err = try_all(all);
	freeaddrinfo(all);
	return err ? g_strdup_printf("unable to connect to server at '%s:%s': %s", host, port, g_strerror(err)) : NULL;
}

char *lv_reach(const char *text)
{
	g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
	const char *port = uri ? default_port(uri) : NULL;
	g_autofree char *own = NULL;

	if (!port)
		return NULL; /* what libvirt makes of it is its affair */
	if (g_uri_get_port(uri) > 0)
		port = own = g_strdup_printf("%d", g_uri_get_port(uri));
	return look(g_uri_get_host(uri), port);
}
