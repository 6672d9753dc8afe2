/* SPDX-License-Identifier: Apache-2.0
 *
 * conn: a host's connection as an object.
 *
 * Theory of operation
 * -------------------
 * Three kinds of threads. The loop thread owns connections, queues and calls.
 * Workers run every function of libvirt that can block: that is all of them, the
 * release of an object too. The event thread runs libvirt's event loop, which is
 * ours (loop.c); callbacks copy what they see and post it.
 *
 * One thread at a time in a connection of libvirt. The client of libvirt 9.0.0
 * (CVE-2024-4418; src/rpc/virnetclient.c) waits for a reply in
 * a GMainLoop with a watch on its socket that points into the caller's stack. When
 * the socket wakes it, the watch is gone. When another thread calls
 * g_main_loop_quit(), the watch stays, and what it points to is written when the
 * next data comes. These wake a loop that another thread waits in:
 *   - virNetClientIO(): any call, while another one is under way. Taking callbacks
 *     off, registering them, virConnectClose() are calls.
 *   - virNetClientSendNonBlock(): the ping of libvirt's keepalive, a timer on the
 *     event thread, so virConnectSetKeepAlive() is never called.
 *   - virNetClientCloseInternal(): the end of a close, and of a keepalive.
 * These do not:
 *   - virNetClientIncomingEvent(), the event thread's: it does nothing while a call
 *     is under way, and it holds the client's lock while it reads, writes and
 *     closes. An answer to the server's keepalive is queued by the thread that read its
 *     ping and written by the next one that polls, so pings are answered.
 *   - the delivery of events: the thread that reads one puts it into a list and sets a timer of
 *     the event thread. The close callback runs in the thread that finds the end.
 *   - virStreamRecv() of a stream that does not block (console.c): it looks at what was read.
 *   - virConnectIsAlive() (a look at the client, under its lock), and the release
 *     of a domain, a volume, a pool: no message.
 *
 * So a connection of libvirt is a link (struct lv_link), and its owner, on the
 * loop thread, lends it to one worker at a time; the worker goes in, does all that
 * it has to do and comes out again, and that is asserted. A link in which a call
 * hangs belongs to that call until it comes back. It is never touched through the
 * library, but it can be cut: shutdown() of its socket fails the call, in its own
 * thread. Nothing waits in a connection without a limit.
 *
 * A host's connection (struct lv_conn) is one attempt and what became of it; it
 * never reconnects, the host gets a new one. It has
 *   - one link with the callbacks, the watch: registered by one worker, asked for
 *     libvirtd's version every LV_PING_S seconds, taken off, closed;
 *   - links for calls, opened when needed: one to each call under way. When the call
 *     ends, LV_IDLE_MAX are kept for the next ones;
 *   - one link for each migration out of it, for each end of a copy, and for each console.
 * That is 5 connections to a libvirtd at rest and 31 at most (the lanes' limits, 2
 * chores, the watch), and those of migrations and copies. libvirtd takes 5000, and
 * serves five requests of each: one is what it gets.
 *
 * A ping that gets no answer within LV_PING_N ticks: the host is silent. All its
 * links are cut, those of migrations too: each of their calls ends as lost. libvirtd
 * answers pings in threads that wait for nothing else, so slow storage or a hung
 * guest is no silence. The kernel does the same for each socket (TCP's keepalive and
 * TCP_USER_TIMEOUT), so a cut cable ends it even without a call under way.
 *
 * A connection's reference count is shared by the host (while it is the host's
 * current connection), its links, its calls and its registered callbacks.
 * lv_conn_detach() ends it: the host forgets it, queued calls fail, the callbacks are
 * taken off by the next worker in the watch, links are closed, and cut if that
 * takes longer than LV_CLOSE_MS or their call does.
 *
 * A question that needs a domain's monitor hangs as long as QEMU is stopped, is
 * stuck in its storage, or is in the last phase of a migration over a slow link;
 * others of the domain wait 30 s for libvirtd's job lock behind it. So a domain
 * has one read and one act under way, and calls are limited by what they
 * wait for (enum lv_lane): a hung guest never makes its host look dead.
 *
 * HV_DOM_GET needs the monitor for the job alone. If that takes longer than
 * LV_PATIENCE_MS, libvirtd is asked for the state, and the job is
 * what the silence and the state say (lv_dom_get_silent()). The sizes of disks need
 * it too, and a pool's free space needs its storage, which can be dead: chores
 * (lv_chore) ask for them; a poll waits a moment for
 * them and then says what was known before.
 *
 * Calls wait on the loop thread until a slot is free, and one whose caller has
 * given up is dropped there: a DESTROY must not reach a host minutes late.
 *
 * virConnectOpen() cannot be cancelled, so the first link of a host looks before whether anything accepts connections there (reach.h). An attempt is given up after LV_OPEN_MS and
 * cut; before libvirt has registered its socket (it connects, or shakes hands for
 * TLS) that does nothing, and its thread stays until the kernel gives up.
 * LV_STUCK_MAX such threads to a URI are tolerated, then new attempts
 * fail at once.
 *
 * Tried and rejected: telling a lost connection by error codes. The source's
 * libvirtd passes on its own client's errors about the destination, with the same
 * codes; virConnectIsAlive() on ours tells them apart. One connection for all:
 * a guest in its switch-over took the host's polls with it. Four calls at a time in
 * one connection, as libvirt permits: the crash above.
 */
#ifndef LV_CONN_H
#define LV_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <libvirt/libvirt.h>

#include "base/loop.h"
#include "hv/hv.h"
#include "hv/libvirt/cache.h"

enum lv_chore_kind {
	LV_SIZES, /* of new disks */
	LV_POOL,  /* space in the pool that holds instances */
	LV_CHORE_N
};

struct lv_link;

#define LV_CALLBACKS_MAX 8

struct lv_conn {
	size_t id;                   /* never used again */
	char *uri, *name;            /* of the host */

	/* loop thread only */
	struct hv_host *host;        /* NULL: detached */
	bool open;
	bool unreached;              /* nothing accepts connections there */
	void (*lost)(struct lv_conn *c, const char *why); /* what an end that libvirt tells of becomes */
	GQueue links;                /* struct lv_link *: all of them, until each is closed */
	struct lv_link *watch;       /* the one with the callbacks */
	bool watched;                /* a worker is in it: setup, ping or teardown */
	struct clock_timer *tick;
	int missed;                  /* ticks since that worker went in */
	GQueue queue;                /* struct lv_call *, not yet begun */
	GQueue running;              /* struct lv_call * */
	GQueue idle;                 /* struct lv_link *: lent to no call */

	/* the worker's that is in the watch link */
	int callbacks[LV_CALLBACKS_MAX];
	int n_callbacks;
	bool close_callback;
	GError *setup_err;
	bool ping_lost;

	/* workers, under the lock */
	GMutex lock;
	GCond chore_done;
	struct lv_cache *cache;      /* has its own lock */
	struct hv_host_info *facts;  /* made by the first HV_HOST_GET, then read only */
	bool busy[LV_CHORE_N];       /* it is under way */
	int64_t pool_asked_ms, pool_bytes, pool_free_bytes; /* the last answer, and when */
};

/** lv_conn_new() - the connection of @h, attached. Loop thread. Return: a reference. */
struct lv_conn *lv_conn_new(struct hv_host *h);
struct lv_conn *lv_conn_ref(struct lv_conn *c);
/** lv_conn_unref() - any thread; never blocks. */
void lv_conn_unref(struct lv_conn *c);

/** lv_conn_alive() - how many there are, detached ones too; for tests. Any thread. */
int lv_conn_alive(void);

/** lv_conn_by_id() - the connection, unless it is detached. Loop thread. Borrowed. */
struct lv_conn *lv_conn_by_id(size_t id);
/** lv_conn_by_uri() - a connection of the URI that is not detached, or NULL. Loop thread. Borrowed. */
struct lv_conn *lv_conn_by_uri(const char *uri);
/** lv_conn_forget() - it is detached: it is not found any more. Loop thread. */
void lv_conn_forget(struct lv_conn *c);

#endif
