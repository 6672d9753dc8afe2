/* SPDX-License-Identifier: Apache-2.0
 *
 * libvirt_priv: what the files of the libvirt implementation share.
 *
 * Theory of operation
 * -------------------
 * Three kinds of threads. The loop thread owns connections, queues and calls.
 * Workers run every function of libvirt that can block: that is all of them, the
 * release of an object too. The event thread runs libvirt's event loop; callbacks
 * copy what they see and post it.
 *
 * A connection (struct lv_conn) is one attempt and what became of it; it never
 * reconnects, the host gets a new one. Its reference count is shared by the host
 * (while it is the host's current connection), by calls on workers and by
 * registered callbacks. lv_conn_detach() ends it: the host forgets it, queued
 * calls fail, a worker takes the callbacks off. virConnectClose() runs on a worker
 * of its own when the last reference is gone, since it waits for the host's reply.
 *
 * Short calls wait in the connection's queue, on the loop thread, until a slot
 * is free: libvirtd serves five requests of one connection, so four are let out.
 * A call whose caller has given up is dropped here: a DESTROY must not reach
 * a host minutes late. One domain with a stuck monitor holds calls up to 30 s
 * (libvirtd's job lock), so a domain has one read and one act under way, and polls
 * of the host have a slot that no domain can take.
 *
 * virConnectOpen() cannot be cancelled. An attempt (lv_attempt) is given up after
 * LV_OPEN_MS; its thread stays until the kernel gives up, and what it still brings
 * is closed. LV_STUCK_MAX such threads to a URI are tolerated, then new attempts
 * fail at once.
 *
 * Tried and rejected: telling a lost connection by error codes. The source's
 * libvirtd passes on its own client's errors about the destination, with the same
 * codes; virConnectIsAlive() on ours tells them apart.
 */
#ifndef LIBVIRT_PRIV_H
#define LIBVIRT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/loop.h"
#include "hv/hv.h"

#define LV_OPEN_MS 10000    /* an attempt to connect is given up */
#define LV_STUCK_MAX 4      /* attempts to one URI that were given up and still hang */
#define LV_KEEPALIVE_S 3    /* a silent host is lost after LV_KEEPALIVE_S * (LV_KEEPALIVE_N + 1) seconds */
#define LV_KEEPALIVE_N 3
#define LV_DOMS_MAX 4096
#define LV_FEATURES_MAX 1024
#define LV_POOLS_MAX 256

enum lv_lane {
	LV_HOST, /* never waits for a domain */
	LV_READ, /* reads one domain */
	LV_ACT,  /* changes one domain */
	LV_OWN,  /* has a connection of its own: not queued */
	LV_LANE_N
};

struct lv_cache;

#define LV_CALLBACKS_MAX 8

struct lv_conn {
	char *uri;
	virConnectPtr vir;           /* set once, before any worker sees it */

	/* loop thread only */
	struct hv_host *host;        /* NULL: detached */
	bool open;
	GQueue queue;                /* struct lv_call *, not yet begun */
	GQueue running;              /* struct lv_call * */

	/* workers, under the lock */
	GMutex lock;
	bool closing;                /* callbacks are taken off, or about to be */
	int callbacks[LV_CALLBACKS_MAX];
	int n_callbacks;
	bool close_callback;
	struct lv_cache *cache;      /* has its own lock */
	struct hv_host_info *facts;  /* made by the first HV_HOST_GET, then read only */
	int64_t pool_fresh_ms;       /* when the pool was last refreshed */
};

/* One short call between submit and completion. */
struct lv_call {
	struct lv_conn *conn;
	struct hv_call *call;
	enum lv_lane lane;
};

/* Carries out one call on a worker. false with @err, or true with @r filled. */
typedef bool lv_work_f(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err);

/* ---- libvirt_conn.c ---- */

/** lv_spawn() - run @fn on a worker thread; there are as many as it takes. Any thread. */
void lv_spawn(loop_f *fn, void *user);

struct lv_conn *lv_conn_ref(struct lv_conn *c);
/** lv_conn_unref() - any thread; never blocks. */
void lv_conn_unref(struct lv_conn *c);

/** lv_conn_open() - begin to connect @h; it gets HV_EV_OPEN or HV_EV_CLOSED. */
void lv_conn_open(struct hv_host *h);
/** lv_conn_detach() - the host lets go of its connection, without an event. */
void lv_conn_detach(struct lv_conn *c);
/** lv_conn_lost() - detach and report HV_EV_CLOSED; nothing if detached already. Loop thread. */
void lv_conn_lost(struct lv_conn *c, const char *why);

/** lv_conn_submit() - queue a short call. Loop thread. */
void lv_conn_submit(struct lv_conn *c, struct hv_call *call, enum lv_lane lane);

/** lv_fail_later() - complete a call with ERR_HV_LOST on the next turn. */
void lv_fail_later(struct hv_call *call, const char *why);

/* Gets a connection, or NULL and why not, on the loop thread, once. */
typedef void lv_attempt_f(virConnectPtr vir, const char *why, void *user);

/** lv_attempt() - connect to @uri on a worker; @done within LV_OPEN_MS, never from inside. Loop thread. */
void lv_attempt(const char *uri, lv_attempt_f *done, void *user);

/** lv_close_later() - close a connection on a worker; NULL is nothing. Any thread. */
void lv_close_later(virConnectPtr vir);

/* ---- libvirt.c ---- */

/** lv_work() - the function that carries out @op on a worker. */
lv_work_f *lv_work(enum hv_op op);

/* ---- libvirt_event.c ---- */

/** lv_events_start() - start libvirt's event loop on a thread. */
bool lv_events_start(GError **err);
/** lv_events_register() - register the callbacks of a new connection. Worker, c->lock held. */
bool lv_events_register(struct lv_conn *c, GError **err);
/** lv_events_deregister() - take them off. Worker, c->lock held. */
void lv_events_deregister(struct lv_conn *c);

/* ---- libvirt_err.c ---- */

/**
 * lv_error() - make a GError of libvirt's last error on this thread.
 * @vir: the connection it came from: if that is dead, the code is ERR_HV_LOST
 * @what: the act that failed, for the message
 *
 * Return: false, for "return lv_error(...)".
 */
bool lv_error(virConnectPtr vir, const char *what, GError **err);
/** lv_error_is() - true if libvirt's last error on this thread has the code. */
bool lv_error_is(int vir_code);
/** lv_lost() - true if the connection is dead, so that an error says nothing about the act. */
bool lv_lost(virConnectPtr vir);

/* ---- libvirt_state.c: libvirt's numbers as ours ---- */

void lv_state(int vir_state, int vir_reason, enum hv_state *ret_state, enum hv_reason *ret_reason);
/**
 * lv_event_state() - the state that a lifecycle event leaves behind; HV_UNKNOWN where it does not say.
 * @active: the domain has a process
 */
void lv_event_state(int event, int detail, bool active, enum hv_state *ret_state, enum hv_reason *ret_reason);
/** lv_job() - job statistics from libvirt's parameters. */
void lv_job(int vir_type, virTypedParameterPtr params, int n, struct hv_job *ret);
/** lv_param() - a number among typed parameters, whatever its type; false if there is none. */
bool lv_param(virTypedParameterPtr params, int n, const char *name, int64_t *ret);
/** lv_param_string() - a text among typed parameters, or NULL. Borrowed. */
const char *lv_param_string(virTypedParameterPtr params, int n, const char *name);

/* ---- libvirt_cache.c ---- */

struct lv_cache *lv_cache_new(void);
void lv_cache_free(struct lv_cache *k);
/** lv_cache_forget() - the domain changed: its description is fetched anew. Any thread. */
void lv_cache_forget(struct lv_cache *k, const char *uuid);
/** lv_cache_stamp() - taken before a description is fetched, for lv_cache_put(). */
uint64_t lv_cache_stamp(struct lv_cache *k);
/** lv_cache_get() - a copy of the description, or NULL if there is none that can be trusted. */
struct hv_dom *lv_cache_get(struct lv_cache *k, const char *uuid, bool active);
/** lv_cache_put() - keep a copy of @d, unless the domain changed since @stamp. */
void lv_cache_put(struct lv_cache *k, const struct hv_dom *d, uint64_t stamp);
/** lv_cache_keep() - drop all but the domains in @uuids (a set). */
void lv_cache_keep(struct lv_cache *k, GHashTable *uuids);

/* ---- the work of the ops ---- */

lv_work_f lv_host_get;                                                                /* libvirt_host.c */
lv_work_f lv_cpu_compare;                                                             /* libvirt_cpu.c */
lv_work_f lv_dom_list;                                                                /* libvirt_list.c */
lv_work_f lv_dom_get, lv_dom_xml, lv_dom_suspend, lv_dom_resume, lv_dom_destroy, lv_dom_undefine; /* libvirt_dom.c */
lv_work_f lv_job_get, lv_job_done, lv_job_abort, lv_job_tune, lv_postcopy;            /* libvirt_job.c */

/** lv_migrate() - submit HV_MIGRATE. Loop thread. */
void lv_migrate(struct lv_conn *c, struct hv_call *call);                             /* libvirt_migrate.c */

/** lv_dom_lookup() - the request's domain on this connection; ERR_HV_ABSENT if there is none. */
virDomainPtr lv_dom_lookup(struct lv_conn *c, const char *uuid, GError **err);
/** lv_dom_describe() - parse a domain's live description; state and job are left out. */
struct hv_dom *lv_dom_describe(struct lv_conn *c, virDomainPtr dom, GError **err);

static inline void lv_domain_free(virDomainPtr d)
{
	if (d)
		(void)virDomainFree(d);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, lv_domain_free)

#endif
