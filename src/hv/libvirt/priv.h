/* SPDX-License-Identifier: Apache-2.0
 *
 * priv: what the files of the libvirt implementation share.
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
 *   - one link for each migration out of it, and for each end of a copy.
 * That is 5 connections to a libvirtd at rest and 23 at most (the lanes' limits, 2
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
 * virConnectOpen() cannot be cancelled. An attempt is given up after LV_OPEN_MS and
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
#ifndef LIBVIRT_PRIV_H
#define LIBVIRT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/err.h"
#include "base/loop.h"
#include "hv/hv.h"

#define LV_OPEN_MS 10000    /* an attempt to connect is given up */
#define LV_CLOSE_MS 10000   /* a link that is to be closed is cut */
#define LV_STUCK_MAX 4      /* attempts to one URI that were given up and still hang */
#define LV_PATIENCE_MS 3000 /* how long a read may wait for a domain's monitor */
#define LV_IDLE_MAX 4       /* links of a host that are kept for later */
#define LV_PING_S 3         /* a silent host is lost after LV_PING_S * (LV_PING_N + 1) seconds */
#define LV_PING_N 3
#define LV_POOLS_MAX 256    /* so many are asked for their size */

/* What a call waits for decides its lane: lanes do not take each other's places. Each call of a lane has a link for itself. */
enum lv_lane {
	LV_HOST,  /* about the host; one of each kind at a time */
	LV_STATE, /* what libvirtd knows of a domain without asking it */
	LV_READ,  /* asks one domain */
	LV_GUEST, /* asks the guest itself, which may take its time */
	LV_ACT,   /* changes one domain */
	LV_VOL,   /* waits for the host's storage; one of a folder at a time */
	LV_OWN,   /* opens its links itself: not queued */
	LV_LANE_N
};

enum lv_chore {
	LV_SIZES, /* of new disks */
	LV_POOL,  /* space in the pool that holds instances */
	LV_CHORE_N
};

struct lv_cache;

#define LV_CALLBACKS_MAX 8

struct lv_conn {
	size_t id;                   /* never used again */
	char *uri;

	/* loop thread only */
	struct hv_host *host;        /* NULL: detached */
	bool open;
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

/* What the work of a call gets: the host, and the connection that is its own until it returns. */
struct lv_ctx {
	struct lv_conn *conn;
	virConnectPtr vir;
};

/* Carries out one call on a worker. false with @err, or true with @r filled. */
typedef bool lv_work_f(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err);

/* ---- link.c ---- */

/** lv_spawn() - run @fn on a worker thread; there are as many as it takes. Any thread. */
void lv_spawn(loop_f *fn, void *user);

struct lv_link;

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

/* ---- loop.c ---- */

struct lv_socket; /* of a link; it can be cut as long as libvirt has it */

struct lv_socket *lv_socket_new(void);
void lv_socket_unref(struct lv_socket *s);
/** lv_socket_opens() - what virConnectOpen() opens on this thread is @s; NULL ends it. */
void lv_socket_opens(struct lv_socket *s);
/** lv_socket_cut() - shut it down; nothing if libvirt does not have it. Any thread. */
void lv_socket_cut(struct lv_socket *s);

/** lv_loop_start() - give libvirt its event loop, on a thread of its own; before the first connection. */
void lv_loop_start(void);
/** lv_loop_flush() - wait until the callback that the event thread is in, if any, has returned. Worker. */
void lv_loop_flush(void);

/* ---- conn.c ---- */

struct lv_conn *lv_conn_ref(struct lv_conn *c);
/** lv_conn_unref() - any thread; never blocks. */
void lv_conn_unref(struct lv_conn *c);

/** lv_conn_alive() - how many there are, detached ones too; for tests. Any thread. */
int lv_conn_alive(void);

/** lv_conn_by_id() - the connection, unless it is detached. Loop thread. Borrowed. */
struct lv_conn *lv_conn_by_id(size_t id);
/** lv_conn_by_uri() - a connection of the URI that is not detached, or NULL. Loop thread. Borrowed. */
struct lv_conn *lv_conn_by_uri(const char *uri);

/** lv_conn_open() - begin to connect @h; it gets HV_EV_OPEN or HV_EV_CLOSED. */
void lv_conn_open(struct hv_host *h);
/** lv_conn_detach() - the host lets go of its connection, without an event. */
void lv_conn_detach(struct lv_conn *c);
/** lv_conn_lost() - detach and report HV_EV_CLOSED; nothing if detached already. Loop thread. */
void lv_conn_lost(struct lv_conn *c, const char *why);

/* ---- call.c ---- */

/** lv_call_submit() - queue a call. Loop thread. */
void lv_call_submit(struct lv_conn *c, struct hv_call *call, enum lv_lane lane, lv_work_f *work);
/** lv_call_flush() - fail what has not begun, and let the idle connections go: the connection is detached. Loop thread. */
void lv_call_flush(struct lv_conn *c);
/** lv_call_fail_later() - complete a call with an error on the next turn. */
void lv_call_fail_later(struct hv_call *call, enum err_code code, const char *why);

/* Works in a link of its own, on a worker; not called if there is none to be had. */
typedef void lv_chore_f(const struct lv_ctx *x, void *user);

/**
 * lv_chore() - begin a chore unless one of its kind is under way, and wait for it, but not for long. Worker.
 * @user: freed with @free when the chore is done or was not begun
 */
void lv_chore(struct lv_conn *c, enum lv_chore kind, lv_chore_f *fn, void *user, GDestroyNotify free);

/* ---- event.c ---- */

/** lv_events_register() - register the callbacks of a new connection. Worker, in c->watch. */
bool lv_events_register(struct lv_conn *c, GError **err);
/** lv_events_deregister() - take them off. Worker, in c->watch. */
void lv_events_deregister(struct lv_conn *c);

/* ---- err.c ---- */

/**
 * lv_error() - make a GError of libvirt's last error on this thread.
 * @vir: the connection it came from: if that is dead, the code is ERR_HV_LOST
 * @what: the act that failed, for the message
 *
 * Return: false, for "return lv_error(...)".
 */
bool lv_error(virConnectPtr vir, const char *what, GError **err);
#define LV_WHY_MAX 1024 /* bytes of a host's words on an error */

/**
 * lv_why() - what libvirt says of an error, as one line of LV_WHY_MAX bytes at most: the text is the host's, which can send megabytes.
 * @e: NULL: none
 *
 * Return: owned by the caller.
 */
char *lv_why(const virError *e);

/** lv_about_guest() - libvirt refused to let a guest go because of what it is, whatever the destination. */
bool lv_about_guest(const char *message);
/** lv_error_is() - true if libvirt's last error on this thread has the code. */
bool lv_error_is(int vir_code);
/** lv_lost() - true if the connection is dead, so that an error says nothing about the act. */
bool lv_lost(virConnectPtr vir);

/* ---- state.c: libvirt's numbers as ours ---- */

void lv_state(int vir_state, int vir_reason, enum hv_state *ret_state, enum hv_reason *ret_reason);
/**
 * lv_event_state() - the state that a lifecycle event leaves behind; HV_UNKNOWN where it does not say.
 * @active: the domain has a process
 */
void lv_event_state(int event, int detail, bool active, enum hv_state *ret_state, enum hv_reason *ret_reason);
/* Bounds of what a host says of a job: twice the bytes, and pages of a size, are numbers too. */
#define LV_JOB_BYTES_MAX (INT64_C(1) << 60)
#define LV_JOB_PAGES_MAX (INT64_C(1) << 32)
#define LV_JOB_PAGE_MAX (INT64_C(1) << 30)
#define LV_JOB_COUNT_MAX INT32_MAX
#define LV_JOB_MS_MAX (INT64_C(1) << 40)
/** lv_job() - job statistics from libvirt's parameters, each between 0 and its bound. */
void lv_job(int vir_type, virTypedParameterPtr params, int n, struct hv_job *ret);
/** lv_param() - a number among typed parameters, whatever its type; false if there is none. */
bool lv_param(virTypedParameterPtr params, int n, const char *name, int64_t *ret);
/** lv_param_string() - a text among typed parameters, or NULL. Borrowed. */
const char *lv_param_string(virTypedParameterPtr params, int n, const char *name);

/* ---- cache.c ---- */

struct lv_cache *lv_cache_new(void);
void lv_cache_free(struct lv_cache *k);
/** lv_cache_forget() - the domain changed: its description is fetched again. Any thread. */
void lv_cache_forget(struct lv_cache *k, const char *uuid);
/** lv_cache_stamp() - taken before a description is fetched, for lv_cache_put(). */
uint64_t lv_cache_stamp(struct lv_cache *k);
/** lv_cache_get() - a copy of the description, or NULL if there is none that can be trusted. */
struct hv_dom *lv_cache_get(struct lv_cache *k, const char *uuid, bool active);
/** lv_cache_put() - keep a copy of @d, unless the domain changed since @stamp. */
void lv_cache_put(struct lv_cache *k, const struct hv_dom *d, uint64_t stamp);
/** lv_cache_set_size() - keep the size of a domain's disk. */
void lv_cache_set_size(struct lv_cache *k, const char *uuid, const char *target, int64_t capacity, int64_t allocation);
/** lv_cache_fill_sizes() - set the sizes that are known in @d. */
void lv_cache_fill_sizes(struct lv_cache *k, struct hv_dom *d);
/** lv_cache_keep() - drop all but the domains in @uuids (a set). */
void lv_cache_keep(struct lv_cache *k, GHashTable *uuids);

/* ---- the work of the ops ---- */

lv_work_f lv_host_get;                                                                /* host.c */
lv_work_f lv_cpu_compare;                                                             /* cpu.c */
lv_work_f lv_dom_list;                                                                /* list.c */
/* lv_dom_get_silent: of a domain that does not answer, see above */
lv_work_f lv_dom_get, lv_dom_get_silent, lv_dom_xml, lv_dom_suspend, lv_dom_resume, lv_dom_destroy; /* dom.c */
lv_work_f lv_dom_definition, lv_dom_define, lv_dom_undefine, lv_dom_autostart;        /* define.c */
lv_work_f lv_lookup;                                                                  /* lookup.c */
lv_work_f lv_dom_addrs;                                                               /* addr.c */
lv_work_f lv_announce;                                                                /* announce.c */
lv_work_f lv_job_get, lv_job_done, lv_job_abort, lv_job_tune, lv_postcopy, lv_postcopy_pause; /* job.c */
lv_work_f lv_vol_get, lv_vol_create, lv_vol_delete, lv_vol_find;                      /* vol.c */
lv_work_f lv_device_get;                                                              /* device.c */

/** lv_migrate() - submit HV_MIGRATE. Loop thread. */
void lv_migrate(struct lv_conn *c, struct hv_call *call);                             /* migrate.c */

/** lv_vol_copy() - submit HV_VOL_COPY. Loop thread. */
void lv_vol_copy(struct lv_conn *c, struct hv_call *call);                            /* copy.c */

/** lv_dom_lookup() - the request's domain on this connection; ERR_HV_ABSENT if there is none. */
virDomainPtr lv_dom_lookup(const struct lv_ctx *x, const char *uuid, GError **err);
/** lv_dom_lookup_or_absent() - the same where its absence is an answer: true with *@ret NULL. */
bool lv_dom_lookup_or_absent(const struct lv_ctx *x, const char *uuid, virDomainPtr *ret, GError **err);
/**
 * lv_dom_describe() - parse a domain's live description; state and job are left out.
 *
 * What cannot be read, or is not told, is no error: hv_dom.unreadable says why.
 * @ret_lasts: the same would come of asking again, as long as the domain does not change; false: the host may merely not have told it now. NULL
 *
 * Return: owned by the caller; NULL with ERR_HV_ABSENT or ERR_HV_LOST.
 */
struct hv_dom *lv_dom_describe(const struct lv_ctx *x, virDomainPtr dom, bool *ret_lasts, GError **err);

/** lv_dom_kept() - what libvirt keeps beside the description; it asks no monitor. A driver that has no such thing has none of it. */
bool lv_dom_kept(const struct lv_ctx *x, virDomainPtr dom, struct hv_kept *ret, GError **err); /* kept.c */

static inline void lv_domain_free(virDomainPtr d)
{
	if (d)
		(void)virDomainFree(d);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, lv_domain_free)

#endif
