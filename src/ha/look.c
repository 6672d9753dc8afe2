/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/look.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/clock.h"
#include "base/loop.h"

#define INTERFACES_MAX 512

struct look {
	struct reach_at at;      /* .host NULL: there is nothing to look at */
	int cancelled;           /* atomic */
	enum ha_sight sight;
	int64_t at_ms;
	look_f *done;
	void *user;
};

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
static bool is_blind(const struct sockaddr *to, socklen_t to_len)
{
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own = { .ss_family = 0 };
	socklen_t len = sizeof own;
	char name[IFNAMSIZ] = "";
	bool blind;

	if (fd < 0)
		return true;
	blind = connect(fd, to, to_len) < 0 || getsockname(fd, (struct sockaddr *)&own, &len) < 0;
	if (!blind && own.ss_family == AF_INET)
		blind = !name_of4(fd, (const struct sockaddr_in *)&own, name) || !has_carrier(fd, name);
	else if (!blind)
		blind = !name_of6((const struct sockaddr_in6 *)&own, name) || !has_carrier(fd, name);
	close(fd);
	return blind;
}

/* ---- the host ---- */

enum ha_sight look_now(const struct reach_at *at, int64_t *ret_at_ms)
{
	struct reach_addrs all, good = { .n = 0 };
	/* The names may be served by a guest of the host. Those that were never known are as blind as a cable that is out. */
	g_autofree char *why = reach_find(at, true, &all);
	int err;

	for (int i = 0; !why && i < all.n; i++)
		if (!is_blind((const struct sockaddr *)&all.all[i].at, all.all[i].len))
			good.all[good.n++] = all.all[i];
	*ret_at_ms = clock_now_ms(); /* names and threads may have been waited for */
	if (good.n == 0)
		return HA_BLIND;
	return reach_try(&good, &err) == REACH_SILENT ? HA_DARK : HA_LIVES;
}

/* ---- on threads of its own ---- */

static void worked(void *user)
{
	struct look *l = user;

	if (!g_atomic_int_get(&l->cancelled))
		l->done(l->sight, l->at_ms, l->user);
	reach_at_clear(&l->at);
	g_free(l);
}

static void work(void *data, void *unused)
{
	struct look *l = data;

	(void)unused;
	l->at_ms = clock_now_ms();
	if (!g_atomic_int_get(&l->cancelled))
		l->sight = l->at.host ? look_now(&l->at, &l->at_ms) : HA_DARK;
	loop_post(worked, l);
}

/* A name server that is dead must not hold the jobs of others (loop_job()), nor a thousand silent hosts the process. */
static GThreadPool *workers(void)
{
	static GThreadPool *pool;

	if (!pool)
		pool = g_thread_pool_new(work, NULL, LOOKS_MAX, FALSE, NULL);
	return pool;
}

struct look *look_begin(const char *uri, look_f *done, void *user)
{
	struct look *l = g_new0(struct look, 1);

	(void)reach_parse(uri, &l->at);
	l->done = done;
	l->user = user;
	/* When no thread can be made the pool keeps it for the next one. */
	(void)g_thread_pool_push(workers(), l, NULL);
	return l;
}

void look_cancel(struct look **l)
{
	if (*l)
		g_atomic_int_set(&(*l)->cancelled, 1);
	*l = NULL;
}
