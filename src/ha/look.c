/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/look.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/loop.h"

#define ANSWER_MS 1000
#define INTERFACES_MAX 512

struct look {
	char *host;
	int port;
	enum ha_sight sight;
	look_f *done;            /* NULL: cancelled */
	void *user;
};

/* By scheme; the first is of a URI that names no transport. */
static const struct {
	const char *scheme;
	int port;
} ports[] = {
	{ "qemu", 16514 }, { "qemu+tls", 16514 }, { "qemu+tcp", 16509 }, { "qemu+ssh", 22 }, { "qemu+libssh", 22 }, { "qemu+libssh2", 22 },
};

bool look_where(const char *uri, char **ret_host, int *ret_port)
{
	g_autofree char *scheme = NULL, *host = NULL;
	int port = -1;

	if (!g_uri_split(uri, G_URI_FLAGS_NONE, &scheme, NULL, &host, &port, NULL, NULL, NULL, NULL) || !host || !*host)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
		if (g_ascii_strcasecmp(scheme, ports[i].scheme) != 0)
			continue;
		*ret_host = g_steal_pointer(&host);
		*ret_port = port > 0 ? port : ports[i].port;
		return true;
	}
	return false;
}

/* ---- the controller's own interface ---- */

static bool has_carrier(int fd, const char *name)
{
	struct ifreq r = { .ifr_flags = 0 };

	g_strlcpy(r.ifr_name, name, sizeof r.ifr_name);
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_RUNNING);
}

/* The interface of an address. No netlink: the unit's sandbox has none. Return: false: none has it. */
static bool name_of4(int fd, const struct sockaddr_in *a, char name[static IFNAMSIZ])
{
	struct ifreq *all = g_new0(struct ifreq, INTERFACES_MAX);
	struct ifconf c = { .ifc_len = INTERFACES_MAX * (int)sizeof *all, .ifc_req = all };
	bool found = false;

	if (ioctl(fd, SIOCGIFCONF, &c) < 0)
		c.ifc_len = 0;
	for (size_t i = 0; !found && i < (size_t)c.ifc_len / sizeof *all; i++) {
		const struct sockaddr_in *has = (const struct sockaddr_in *)(const void *)&all[i].ifr_addr;

		found = has->sin_family == AF_INET && has->sin_addr.s_addr == a->sin_addr.s_addr;
		if (found)
			g_strlcpy(name, all[i].ifr_name, IFNAMSIZ);
	}
	g_free(all);
	return found;
}

static bool name_of6(const struct sockaddr_in6 *a, char name[static IFNAMSIZ])
{
	FILE *f = fopen("/proc/self/net/if_inet6", "re");
	char hex[33], has[33], line[256], of[IFNAMSIZ + 1];
	bool found = false;

	for (int i = 0; i < 16; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", a->sin6_addr.s6_addr[i]);
	while (f && !found && fgets(line, sizeof line, f)) {
		found = sscanf(line, "%32s %*s %*s %*s %*s %16s", has, of) == 2 && strcmp(has, hex) == 0;
		if (found)
			g_strlcpy(name, of, IFNAMSIZ);
	}
	if (f)
		(void)fclose(f);
	return found;
}

/* From which address the host would be reached, and whether that is of any use. */
static bool is_blind(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own = { .ss_family = 0 };
	socklen_t len = sizeof own;
	char name[IFNAMSIZ] = "";
	bool blind;

	if (fd < 0)
		return true;
	blind = connect(fd, to->ai_addr, to->ai_addrlen) < 0 || getsockname(fd, (struct sockaddr *)&own, &len) < 0;
	if (!blind && own.ss_family == AF_INET)
		blind = !name_of4(fd, (const struct sockaddr_in *)&own, name) || !has_carrier(fd, name);
	else if (!blind)
		blind = !name_of6((const struct sockaddr_in6 *)&own, name) || !has_carrier(fd, name);
	close(fd);
	return blind;
}

/* ---- the host ---- */

/* Accepted or refused: something has answered. */
static bool answers(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t len = sizeof error;

	if (fd < 0)
		return false;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS) {
		error = errno;
	} else {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (poll(&p, 1, ANSWER_MS) <= 0)
			error = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
	}
	close(fd);
	return error == 0 || error == ECONNREFUSED || error == ECONNRESET;
}

enum ha_sight look_now(const char *host, int port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	g_autofree char *service = g_strdup_printf("%d", port), *name = g_strdup(host);
	struct addrinfo *all = NULL;
	bool blind = true, lives = false;

	if (getaddrinfo(name, service, &hints, &all) != 0)
		return HA_BLIND; /* the names are served by the network, too */
	for (const struct addrinfo *a = all; a && !lives; a = a->ai_next) {
		bool no_way = is_blind(a);

		blind &= no_way;
		lives = !no_way && answers(a);
	}
	freeaddrinfo(all);
	return lives ? HA_LIVES : blind ? HA_BLIND : HA_DARK;
}

/* ---- on a worker ---- */

static void work(void *user)
{
	struct look *l = user;

	l->sight = l->host ? look_now(l->host, l->port) : HA_DARK;
}

static void worked(void *user)
{
	struct look *l = user;

	if (l->done)
		l->done(l->sight, l->user);
	g_free(l->host);
	g_free(l);
}

struct look *look_begin(const char *uri, look_f *done, void *user)
{
	struct look *l = g_new0(struct look, 1);

	(void)look_where(uri, &l->host, &l->port);
	l->done = done;
	l->user = user;
	loop_job(work, worked, l);
	return l;
}

void look_cancel(struct look **l)
{
	if (*l)
		(*l)->done = NULL;
	*l = NULL;
}
