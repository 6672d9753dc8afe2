/* SPDX-License-Identifier: Apache-2.0
 *
 * call: calls between submit and completion, and chores: which may begin, on which
 * connection, and what is told when a domain keeps silent.
 */
#ifndef LV_CALL_H
#define LV_CALL_H

#include <stdbool.h>

#include <glib.h>
#include <libvirt/libvirt.h>

#include "base/err.h"
#include "hv/hv.h"
#include "hv/libvirt/conn.h"

#define LV_PATIENCE_MS 3000 /* how long a read may wait for a domain's monitor */
#define LV_IDLE_MAX 4       /* links of a host that are kept for later */

/* What a call waits for decides its lane: lanes do not take each other's places. Each call of a lane has a link for itself. */
enum lv_lane {
	LV_HOST,  /* about the host; one of each kind at a time */
	LV_STATE, /* what libvirtd knows of a domain without asking it */
	LV_READ,  /* asks one domain */
	LV_GUEST, /* asks the guest itself, which may take its time, or reads its log: no task waits for that */
	LV_ACT,   /* changes one domain */
	LV_PRESS, /* asks a guest to shut off: its agent answers when it is off */
	LV_LONG,  /* reads or writes a guest's memory; HV_DOM_DESTROY goes past it */
	LV_VOL,   /* waits for the host's storage; one of a folder at a time */
	LV_OWN,   /* opens its links itself: not queued */
	LV_LANE_N
};

/* What the work of a call gets: the host, and the connection that is its own until it returns. */
struct lv_ctx {
	struct lv_conn *conn;
	virConnectPtr vir;
};

/* Carries out one call on a worker. false with @err, or true with @r filled. */
typedef bool lv_work_f(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err);

/**
 * lv_call_submit() - queue a call. Loop thread.
 * @silent: LV_READ: what is asked in its place if the domain does not answer; NULL: nothing, the call ends with ERR_HV_BUSY
 */
void lv_call_submit(struct lv_conn *c, struct hv_call *call, enum lv_lane lane, lv_work_f *work, lv_work_f *silent);
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
void lv_chore(struct lv_conn *c, enum lv_chore_kind kind, lv_chore_f *fn, void *user, GDestroyNotify free);

#endif
