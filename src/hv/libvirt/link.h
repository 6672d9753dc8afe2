/* SPDX-License-Identifier: Apache-2.0
 *
 * link: one connection of libvirt, and one thread in it at a time. See conn.h.
 */
#ifndef LV_LINK_H
#define LV_LINK_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "hv/libvirt/conn.h"
#include "hv/libvirt/loop.h"

#define LV_OPEN_MS 10000    /* an attempt to connect is given up */
#define LV_CLOSE_MS 10000   /* a link that is to be closed is cut */
#define LV_STUCK_MAX 4      /* attempts to one URI that were given up and still hang */

/* Gets the link, its caller's from now on, or NULL and why not, on the loop thread, once. */
typedef void lv_link_f(struct lv_link *l, const char *why, void *user);

/* One connection of libvirt, and whose it is. Its owner lends it to one worker at a time. */
struct lv_link {
	virConnectPtr vir;        /* set once; used between lv_link_enter() and lv_link_leave() */
	void *user;               /* the thread that is in it, NULL: none. Atomic */
	struct lv_socket *socket;

	/* loop thread only */
	struct lv_conn *conn;     /* the host's; a reference */
	char *uri;
	bool own;                 /* it goes on when the host lets go of its connection */
	struct clock_timer *limit;
	char *why;                /* it cannot be opened */
	bool probes;              /* the first link of its host: libvirt is asked only if something accepts connections there */
	bool unreached;           /* ... and nothing does. The worker's until open_end() */
	bool given_up;
	lv_link_f *opened;
	void *opened_user;
};

/**
 * lv_link_open() - connect to @uri on a worker; @opened within LV_OPEN_MS, never from inside. Loop thread.
 * @own: it goes on when @c is detached
 */
void lv_link_open(struct lv_conn *c, const char *uri, bool own, lv_link_f *opened, void *user);

/** lv_link_close() - take it back for good; NULL is nothing. No worker is in it. Loop thread. */
void lv_link_close(struct lv_link *l);

/** lv_link_hurry() - cut it if it is not closed within LV_CLOSE_MS. Loop thread. */
void lv_link_hurry(struct lv_link *l);

/** lv_link_cut() - end the connection below libvirt: what hangs in it fails, in its own thread. Loop thread. */
void lv_link_cut(struct lv_link *l);

/**
 * lv_link_enter() - go in; aborts if another thread is in it. Worker.
 *
 * Return: the connection, until lv_link_leave(). Objects of it are released before that.
 */
virConnectPtr lv_link_enter(struct lv_link *l);
void lv_link_leave(struct lv_link *l);

/** lv_link_assert_mine() - abort unless this thread is in the connection's link. */
void lv_link_assert_mine(virConnectPtr vir);

#endif
