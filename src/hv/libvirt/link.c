/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/util.h"
#include "hv/libvirt/reach.h"
#include "hv/libvirt/spawn.h"
#include "hv/libvirt/why.h"

/* ---- one thread at a time ---- */

#define MINE_MAX 2 /* a copy has two */

static __thread const struct lv_link *mine[MINE_MAX];

static const struct lv_link **slot_of(const struct lv_link *l)
{
	for (size_t i = 0; i < MINE_MAX; i++) {
		if (mine[i] == l)
			return &mine[i];
	}
	return NULL;
}

virConnectPtr lv_link_enter(struct lv_link *l)
{
	const struct lv_link **slot = slot_of(NULL);

	g_assert(slot);
	g_assert(g_atomic_pointer_compare_and_exchange(&l->user, NULL, (void *)slot));
	*slot = l;
	return l->vir;
}

void lv_link_leave(struct lv_link *l)
{
	const struct lv_link **slot = slot_of(l);

	g_assert(slot);
	*slot = NULL;
	g_assert(g_atomic_pointer_compare_and_exchange(&l->user, (void *)slot, NULL));
}

void lv_link_assert_mine(virConnectPtr vir)
{
	for (size_t i = 0; i < MINE_MAX; i++) {
		if (mine[i] && mine[i]->vir == vir)
			return;
	}
	g_assert_not_reached();
}

/* ---- the object ---- */

static struct lv_link *link_new(struct lv_conn *c, const char *uri, bool own)
{
	struct lv_link *l = g_new0(struct lv_link, 1);

	l->conn = lv_conn_ref(c);
	l->uri = g_strdup(uri);
	l->own = own;
	l->socket = lv_socket_new();
	g_queue_push_tail(&c->links, l);
	return l;
}

static void link_free(struct lv_link *l)
{
	g_assert(!l->user);
	clock_cancel(&l->limit);
	g_queue_remove(&l->conn->links, l);
	lv_conn_unref(l->conn);
	lv_socket_unref(l->socket);
	g_free(l->uri);
	g_free(l->why);
	g_free(l);
}

void lv_link_cut(struct lv_link *l)
{
	lv_socket_cut(l->socket);
}

static void too_slow(void *user)
{
	struct lv_link *l = user;

	l->limit = NULL;
	lv_link_cut(l);
}

void lv_link_hurry(struct lv_link *l)
{
	if (!l->limit)
		l->limit = clock_limit(LV_CLOSE_MS, too_slow, l);
}

/* ---- opening ---- */

static GHashTable *stuck; /* URI -> number of attempts given up whose thread still hangs. Loop thread */

static void stuck_add(const char *uri, int by)
{
	int n;

	if (!stuck)
		stuck = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	n = GPOINTER_TO_INT(g_hash_table_lookup(stuck, uri)) + by;
	if (n)
		g_hash_table_insert(stuck, g_strdup(uri), GINT_TO_POINTER(n));
	else
		g_hash_table_remove(stuck, uri);
}

static int stuck_count(const char *uri)
{
	return stuck ? GPOINTER_TO_INT(g_hash_table_lookup(stuck, uri)) : 0;
}

static void open_end(void *user)
{
	struct lv_link *l = user;

	clock_cancel(&l->limit);
	if (l->given_up) {
		stuck_add(l->uri, -1);
		lv_link_close(l);
		return;
	}
	l->conn->unreached = l->unreached;
	l->opened(l->vir ? l : NULL, l->why, l->opened_user);
	if (!l->vir)
		link_free(l);
}

static void open_run(void *user)
{
	struct lv_link *l = user;

	lv_link_enter(l);
	lv_socket_opens(l->socket);
	l->vir = virConnectOpen(l->uri);
	lv_socket_opens(NULL);
	if (!l->vir)
		l->why = lv_why(virGetLastError());
	lv_link_leave(l);
	loop_post(open_end, l);
}

static void look_run(void *user)
{
	struct lv_link *l = user;

	l->why = lv_reach(l->uri);
	l->unreached = l->why != NULL;
	if (l->unreached)
		loop_post(open_end, l);
	else
		lv_spawn(open_run, l);
}

/*
 * Before libvirt registers its socket (it connects, or shakes hands for TLS) it is not known, so it cannot be cut, and where the
 * host has lost its power the thread would wait without a limit. TCP's keepalive harms no socket: all of the process get it.
 */
static void watch_sockets(void *unused)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 20 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 6 },
	};
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	const char *name;
	int64_t fd;
	int idle;

	(void)unused;
	while (dir && (name = g_dir_read_name(dir))) {
		socklen_t size = sizeof(idle);

		/* Fails on all that is no TCP socket. Those of links have shorter times. */
		if (!util_parse_int(name, 0, G_MAXINT, &fd) || getsockopt((int)fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size) < 0 ||
		    idle <= options[1].value)
			continue;
		for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
			(void)setsockopt((int)fd, options[i].level, options[i].option, &options[i].value, sizeof(int));
	}
}

static void open_expired(void *user)
{
	struct lv_link *l = user;

	l->limit = NULL;
	l->given_up = true;
	stuck_add(l->uri, +1);
	lv_link_cut(l);
	lv_spawn(watch_sockets, NULL);
	l->opened(NULL, "no connection within 10 s", l->opened_user);
}

void lv_link_open(struct lv_conn *c, const char *uri, bool own, lv_link_f *opened, void *user)
{
	struct lv_link *l = link_new(c, uri, own);

	l->opened = opened;
	l->opened_user = user;
	l->probes = !c->open && !own;
	if (stuck_count(uri) >= LV_STUCK_MAX) {
		l->why = g_strdup("earlier attempts to connect still hang");
		loop_post(open_end, l);
		return;
	}
	l->limit = clock_limit(LV_OPEN_MS, open_expired, l);
	if (l->probes)
		lv_spawn_look(look_run, l);
	else
		lv_spawn(open_run, l);
}

/* ---- closing ---- */

static void close_end(void *user)
{
	link_free(user);
}

static void close_run(void *user)
{
	struct lv_link *l = user;
	virConnectPtr vir = lv_link_enter(l);

	/* The result counts references; there is nothing to do about any of its values. */
	if (vir)
		(void)virConnectClose(vir);
	lv_link_leave(l);
	loop_post(close_end, l);
}

void lv_link_close(struct lv_link *l)
{
	if (!l)
		return;
	lv_link_hurry(l);
	lv_spawn(close_run, l);
}
