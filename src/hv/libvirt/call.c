/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/call.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/spawn.h"

#define CHORE_WAIT_MS 1000

/* Two of a lane that are alike run one after the other. */
typedef bool alike_f(const struct hv_req *a, const struct hv_req *b);

static bool alike_op(const struct hv_req *a, const struct hv_req *b)
{
	return a->op == b->op;
}

static bool alike_domain(const struct hv_req *a, const struct hv_req *b)
{
	return !g_strcmp0(a->uuid, b->uuid);
}

static bool alike_folder(const struct hv_req *a, const struct hv_req *b)
{
	g_autofree char *one = g_path_get_dirname(a->vol.path ? a->vol.path : "");
	g_autofree char *other = g_path_get_dirname(b->vol.path ? b->vol.path : "");

	return !strcmp(one, other);
}

static const struct {
	unsigned max;  /* how many run at once, each in a link that it has for itself */
	alike_f *alike;
} lanes[] = {
	[LV_HOST]  = { 2, alike_op },
	[LV_STATE] = { 2, NULL },
	[LV_READ]  = { 8, alike_domain },
	[LV_GUEST] = { 2, alike_domain },
	[LV_ACT]   = { 4, alike_domain },
	[LV_PRESS] = { 4, alike_domain },
	[LV_LONG]  = { 2, alike_domain },
	[LV_VOL]   = { 4, alike_folder },
	[LV_OWN]   = { 0, NULL },
};
static_assert(G_N_ELEMENTS(lanes) == LV_LANE_N, "a lane has no row");

struct lv_call {
	struct lv_conn *conn;
	struct hv_call *call;       /* NULL: answered already, the result will be dropped */
	enum lv_lane lane;
	lv_work_f *work, *silent;   /* what is done in place of a read that gets no answer; NULL: nothing can be */
	struct clock_timer *patience;
	struct lv_link *link;       /* lent to it alone */
	bool fresh;                 /* the link was opened for it */
	bool begun;                 /* it has left the queue */
	bool asked;                 /* it has its link, and the host the question */
	/* the worker's, until it has posted call_end() */
	struct hv_req req;          /* borrows from the call, but for the UUID: a read can outlive its call */
	struct hv_reply reply;
};

static void pump(struct lv_conn *c);
static void end_of_patience(void *user);

/* ---- completions ---- */

static void complete(void *user)
{
	hv_complete(user);
}

void lv_call_fail_later(struct hv_call *call, enum err_code code, const char *why)
{
	g_set_error(&call->reply.err, ERR, (int)code, "%s: %s", hv_op_name(call->req.op), why);
	loop_post(complete, call);
}

static struct lv_call *call_new(struct lv_conn *c, struct hv_call *call, enum lv_lane lane, lv_work_f *work)
{
	struct lv_call *q = g_new0(struct lv_call, 1);

	q->conn = lv_conn_ref(c);
	q->call = call;
	q->lane = lane;
	q->work = work;
	q->req = call->req;
	q->req.uuid = g_strdup(call->req.uuid);
	q->req.needs = hv_needs_copy(call->req.needs);
	return q;
}

static void call_free(struct lv_call *q)
{
	clock_cancel(&q->patience);
	hv_reply_clear(&q->reply);
	g_free((char *)q->req.uuid);
	g_clear_pointer(&q->req.needs, g_ptr_array_unref);
	lv_conn_unref(q->conn);
	g_free(q);
}

/* It never began. */
static void drop(struct lv_call *q, const char *why)
{
	lv_call_fail_later(q->call, ERR_HV_LOST, why);
	call_free(q);
}

/* ---- what may begin ---- */

static bool excludes(const struct lv_call *a, const struct lv_call *b)
{
	return a->lane == b->lane && lanes[a->lane].alike && lanes[a->lane].alike(&a->req, &b->req);
}

static bool may_begin(const struct lv_conn *c, const struct lv_call *q)
{
	unsigned n = 0;

	for (GList *l = c->running.head; l; l = l->next) {
		const struct lv_call *r = l->data;

		if (excludes(q, r))
			return false;
		n += r->lane == q->lane;
	}
	return n < lanes[q->lane].max;
}

/* A read of the same domain that its caller has given up: the domain keeps silent. */
static bool is_silent(const struct lv_conn *c, const struct lv_call *q)
{
	for (GList *l = c->running.head; l; l = l->next) {
		const struct lv_call *r = l->data;

		if (excludes(q, r) && r->asked && !r->call)
			return true;
	}
	return false;
}

/* ---- running ---- */

static void give_back(struct lv_conn *c, struct lv_link *l)
{
	if (l && c->host && g_queue_get_length(&c->idle) < LV_IDLE_MAX)
		g_queue_push_head(&c->idle, l);
	else
		lv_link_close(l);
}

static void call_end(void *user)
{
	struct lv_call *q = user;
	struct lv_conn *c = q->conn;
	struct hv_call *call = g_steal_pointer(&q->call);

	g_queue_remove(&c->running, q);
	give_back(c, g_steal_pointer(&q->link));
	if (call) {
		call->reply = q->reply;
		memset(&q->reply, 0, sizeof(q->reply));
		/* Its completion may close the host; q holds the connection. */
		hv_complete(call);
	}
	pump(c);
	call_free(q);
}

static void linked(struct lv_link *l, const char *why, void *user);

/* The link died while it was idle. The host was asked nothing. */
static void call_again(void *user)
{
	struct lv_call *q = user;

	lv_link_close(g_steal_pointer(&q->link));
	q->asked = false;
	q->fresh = true;
	lv_link_open(q->conn, q->conn->uri, false, linked, q);
}

static void call_run(void *user)
{
	struct lv_call *q = user;
	struct lv_ctx x = { .conn = q->conn, .vir = lv_link_enter(q->link) };
	bool again = !q->fresh && lv_lost(x.vir);

	if (!again)
		(void)q->work(&x, &q->req, &q->reply, &q->reply.err);
	lv_link_leave(q->link);
	loop_post(again ? call_again : call_end, q);
}

static void ask(struct lv_call *q)
{
	q->asked = true;
	lv_spawn(call_run, q);
}

static void linked(struct lv_link *l, const char *why, void *user)
{
	struct lv_call *q = user;

	q->link = l;
	if (l && q->call && !q->call->answered) {
		ask(q);
		return;
	}
	/* No connection, or the caller has given up: it did not begin. */
	g_set_error(&q->reply.err, ERR, ERR_HV_LOST, "%s: %s", hv_op_name(q->req.op), why ? why : "not begun in time");
	call_end(q);
}

static void begin(struct lv_call *q)
{
	struct lv_conn *c = q->conn;

	q->begun = true;
	g_queue_push_tail(&c->running, q);
	q->link = g_queue_pop_head(&c->idle);
	q->fresh = !q->link;
	if (q->fresh)
		lv_link_open(c, c->uri, false, linked, q);
	else
		ask(q);
}

/* Begin what may begin; drop what has no caller any more. */
static void pump(struct lv_conn *c)
{
	for (GList *l = c->queue.head, *next; l; l = next) {
		struct lv_call *q = l->data;

		next = l->next;
		if (q->call->answered) {
			g_queue_delete_link(&c->queue, l);
			drop(q, "not begun in time");
		} else if (may_begin(c, q)) {
			g_queue_delete_link(&c->queue, l);
			begin(q);
		}
	}
}

static void enqueue(struct lv_call *q)
{
	struct lv_conn *c = q->conn;

	g_queue_push_tail(&c->queue, q);
	pump(c);
}

void lv_call_submit(struct lv_conn *c, struct hv_call *call, enum lv_lane lane, lv_work_f *work, lv_work_f *silent)
{
	struct lv_call *q = call_new(c, call, lane, work);

	q->silent = silent;
	if (lane == LV_READ)
		q->patience = clock_limit(is_silent(c, q) ? 0 : LV_PATIENCE_MS, end_of_patience, q);
	enqueue(q);
}

void lv_call_flush(struct lv_conn *c)
{
	struct lv_call *q;
	struct lv_link *l;

	while ((q = g_queue_pop_head(&c->queue)))
		drop(q, "the connection was closed");
	while ((l = g_queue_pop_head(&c->idle)))
		lv_link_close(l);
}

/* ---- silence ---- */

/* The work of a read goes on, or never begins; its call is taken out of it. */
static struct hv_call *take_call(struct lv_call *q)
{
	struct hv_call *call = g_steal_pointer(&q->call);

	if (!q->begun) {
		g_queue_remove(&q->conn->queue, q);
		call_free(q);
	}
	return call;
}

/*
 * A read has waited long enough. HV_DOM_GET asks for what libvirtd knows by
 * itself; there is no such thing for statistics. A read that waits for its turn
 * behind other domains says nothing about its own.
 */
static void end_of_patience(void *user)
{
	struct lv_call *q = user;
	struct lv_conn *c = q->conn;
	bool silent = q->asked || is_silent(c, q);
	lv_work_f *instead = q->silent;
	struct hv_call *call;

	q->patience = NULL;
	if (q->begun && !q->asked) {
		/* The link is slow to open; whether the domain is slow is not known yet. */
		q->patience = clock_limit(LV_PATIENCE_MS, end_of_patience, q);
		return;
	}
	call = take_call(q);
	if (!c->host)
		lv_call_fail_later(call, ERR_HV_LOST, "the connection was closed");
	else if (!silent)
		lv_call_fail_later(call, ERR_HV_BUSY, "too many domains do not answer");
	else if (instead)
		enqueue(call_new(c, call, LV_STATE, instead));
	else
		lv_call_fail_later(call, ERR_HV_BUSY, "the domain's monitor does not answer");
}

/* ---- chores ---- */

struct chore {
	struct lv_conn *conn;
	enum lv_chore_kind kind;
	lv_chore_f *fn;
	void *user;
	GDestroyNotify free;
	struct lv_link *link;
};

static void chore_end(void *user)
{
	struct chore *k = user;

	give_back(k->conn, k->link);
	lv_conn_unref(k->conn);
	g_free(k);
}

static void chore_run(void *user)
{
	struct chore *k = user;
	struct lv_conn *c = k->conn;

	if (k->link)
		k->fn(&(struct lv_ctx){ c, lv_link_enter(k->link) }, k->user);
	if (k->link)
		lv_link_leave(k->link);
	if (k->free)
		k->free(k->user);
	g_mutex_lock(&c->lock);
	c->busy[k->kind] = false;
	g_cond_broadcast(&c->chore_done);
	g_mutex_unlock(&c->lock);
	loop_post(chore_end, k);
}

static void chore_linked(struct lv_link *l, const char *why, void *user)
{
	struct chore *k = user;

	(void)why;
	k->link = l;
	lv_spawn(chore_run, k);
}

static void chore_begin(void *user)
{
	struct chore *k = user;
	struct lv_link *l = g_queue_pop_head(&k->conn->idle);

	if (l || !k->conn->host)
		chore_linked(l, NULL, k);
	else
		lv_link_open(k->conn, k->conn->uri, false, chore_linked, k);
}

void lv_chore(struct lv_conn *c, enum lv_chore_kind kind, lv_chore_f *fn, void *user, GDestroyNotify free)
{
	int64_t until_us = g_get_monotonic_time() + CHORE_WAIT_MS * 1000;
	struct chore *k;

	g_mutex_lock(&c->lock);
	if (c->busy[kind]) {
		if (free)
			free(user);
	} else {
		c->busy[kind] = true;
		k = g_new0(struct chore, 1);
		*k = (struct chore){ lv_conn_ref(c), kind, fn, user, free, NULL };
		loop_post(chore_begin, k);
		while (c->busy[kind] && g_cond_wait_until(&c->chore_done, &c->lock, until_us))
			;
	}
	g_mutex_unlock(&c->lock);
}
