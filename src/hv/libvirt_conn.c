/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections, attempts to connect, and the queue of short calls.
 */
#include "hv/libvirt_priv.h"

#include <assert.h>

#include "base/clock.h"
#include "base/err.h"

/* How many calls of a lane run at once; domains' calls together leave the polls their slot. */
static const unsigned lane_max[] = { [LV_HOST] = 1, [LV_READ] = 2, [LV_ACT] = 2, [LV_OWN] = 0 };
static_assert(G_N_ELEMENTS(lane_max) == LV_LANE_N, "a lane has no limit");
#define DOMAIN_CALLS_MAX 3

/* ---- workers ---- */

struct spawn {
	loop_f *fn;
	void *user;
};

static void run_spawn(void *data, void *unused)
{
	struct spawn *s = data;

	(void)unused;
	s->fn(s->user);
	g_free(s);
}

void lv_spawn(loop_f *fn, void *user)
{
	static GThreadPool *pool;
	static gsize once;
	struct spawn *s = g_new(struct spawn, 1);

	if (g_once_init_enter(&once)) {
		/* Unlimited here: the queue of each connection has the limits. */
		pool = g_thread_pool_new(run_spawn, NULL, -1, FALSE, NULL);
		g_once_init_leave(&once, 1);
	}
	s->fn = fn;
	s->user = user;
	/* When no thread can be made the pool keeps the work for the next one. */
	(void)g_thread_pool_push(pool, s, NULL);
}

static void close_now(void *user)
{
	/* The result counts references; there is nothing to do about any of its values. */
	(void)virConnectClose(user);
}

void lv_close_later(virConnectPtr vir)
{
	if (vir)
		lv_spawn(close_now, vir);
}

/* ---- the object ---- */

static void conn_clear(void *data)
{
	struct lv_conn *c = data;

	g_assert(!c->host && g_queue_is_empty(&c->queue) && g_queue_is_empty(&c->running));
	lv_close_later(c->vir);
	lv_cache_free(c->cache);
	hv_host_info_free(c->facts);
	g_mutex_clear(&c->lock);
	g_free(c->uri);
}

static struct lv_conn *conn_new(struct hv_host *h)
{
	struct lv_conn *c = g_atomic_rc_box_new0(struct lv_conn);

	c->uri = g_strdup(h->uri);
	c->host = h;
	c->cache = lv_cache_new();
	g_queue_init(&c->queue);
	g_queue_init(&c->running);
	g_mutex_init(&c->lock);
	return c;
}

struct lv_conn *lv_conn_ref(struct lv_conn *c)
{
	return g_atomic_rc_box_acquire(c);
}

void lv_conn_unref(struct lv_conn *c)
{
	g_atomic_rc_box_release_full(c, conn_clear);
}

/* ---- attempts ---- */

struct attempt {
	char *uri;
	virConnectPtr vir;
	char *why;
	lv_attempt_f *done;
	void *user;
	struct clock_timer *limit;
	bool given_up;
};

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

static void attempt_end(void *user)
{
	struct attempt *a = user;

	clock_cancel(&a->limit);
	if (a->given_up) {
		stuck_add(a->uri, -1);
		lv_close_later(a->vir);
	} else {
		a->done(a->vir, a->why, a->user);
	}
	g_free(a->uri);
	g_free(a->why);
	g_free(a);
}

static void attempt_expired(void *user)
{
	struct attempt *a = user;

	a->limit = NULL;
	a->given_up = true;
	stuck_add(a->uri, +1);
	a->done(NULL, "no connection within 10 s", a->user);
}

static void attempt_run(void *user)
{
	struct attempt *a = user;

	a->vir = virConnectOpen(a->uri);
	if (!a->vir)
		a->why = g_strdup(virGetLastErrorMessage());
	else if (virConnectSetKeepAlive(a->vir, LV_KEEPALIVE_S, LV_KEEPALIVE_N) < 0 && !lv_error_is(VIR_ERR_NO_SUPPORT)) {
		a->why = g_strdup(virGetLastErrorMessage());
		close_now(g_steal_pointer(&a->vir));
	}
	loop_post(attempt_end, a);
}

void lv_attempt(const char *uri, lv_attempt_f *done, void *user)
{
	struct attempt *a = g_new0(struct attempt, 1);

	a->uri = g_strdup(uri);
	a->done = done;
	a->user = user;
	if (stuck_count(uri) >= LV_STUCK_MAX) {
		a->why = g_strdup("earlier attempts to connect still hang");
		loop_post(attempt_end, a);
		return;
	}
	a->limit = clock_after(LV_OPEN_MS, attempt_expired, a);
	lv_spawn(attempt_run, a);
}

/* ---- opening ---- */

struct setup {
	struct lv_conn *conn;
	GError *err;
};

static void setup_end(void *user)
{
	struct setup *s = user;
	struct lv_conn *c = s->conn;

	if (s->err) {
		lv_conn_lost(c, s->err->message);
	} else if (c->host) {
		c->open = true;
		hv_emit(c->host, &(struct hv_event){ .type = HV_EV_OPEN });
	}
	g_clear_error(&s->err);
	lv_conn_unref(c);
	g_free(s);
}

static void setup_run(void *user)
{
	struct setup *s = user;

	g_mutex_lock(&s->conn->lock);
	if (!s->conn->closing)
		(void)lv_events_register(s->conn, &s->err);
	g_mutex_unlock(&s->conn->lock);
	loop_post(setup_end, s);
}

static void connected(virConnectPtr vir, const char *why, void *user)
{
	struct lv_conn *c = user;
	struct setup *s;

	if (!vir || !c->host) {
		lv_close_later(vir);
		lv_conn_lost(c, why);
		lv_conn_unref(c);
		return;
	}
	c->vir = vir;
	s = g_new0(struct setup, 1);
	s->conn = c;
	lv_spawn(setup_run, s);
}

void lv_conn_open(struct hv_host *h)
{
	struct lv_conn *c = conn_new(h);

	h->impl = c;
	lv_attempt(c->uri, connected, lv_conn_ref(c));
}

/* ---- closing ---- */

static void teardown_run(void *user)
{
	struct lv_conn *c = user;

	g_mutex_lock(&c->lock);
	c->closing = true;
	lv_events_deregister(c);
	g_mutex_unlock(&c->lock);
	lv_conn_unref(c);
}

void lv_conn_detach(struct lv_conn *c)
{
	struct lv_call *q;

	c->host->impl = NULL;
	c->host = NULL;
	c->open = false;
	while ((q = g_queue_pop_head(&c->queue))) {
		lv_fail_later(q->call, "the connection was closed");
		lv_conn_unref(q->conn);
		g_free(q);
	}
	lv_spawn(teardown_run, c);
}

void lv_conn_lost(struct lv_conn *c, const char *why)
{
	struct hv_host *h = c->host;

	if (!h)
		return;
	lv_conn_detach(c);
	hv_emit(h, &(struct hv_event){ .type = HV_EV_CLOSED, .text = why });
}

/* ---- short calls ---- */

static void complete(void *user)
{
	hv_complete(user);
}

void lv_fail_later(struct hv_call *call, const char *why)
{
	g_set_error(&call->reply.err, ERR, ERR_HV_LOST, "%s: %s", hv_op_name(call->req.op), why);
	loop_post(complete, call);
}

static bool may_begin(const struct lv_conn *c, const struct lv_call *q)
{
	unsigned lane = 0, domains = 0;

	for (GList *l = c->running.head; l; l = l->next) {
		const struct lv_call *r = l->data;

		domains += r->lane != LV_HOST;
		if (r->lane != q->lane)
			continue;
		lane++;
		if (q->lane != LV_HOST && !g_strcmp0(r->call->req.uuid, q->call->req.uuid))
			return false;
	}
	return lane < lane_max[q->lane] && (q->lane == LV_HOST || domains < DOMAIN_CALLS_MAX);
}

static void pump(struct lv_conn *c);

static void call_end(void *user)
{
	struct lv_call *q = user;
	struct lv_conn *c = q->conn;

	g_queue_remove(&c->running, q);
	/* Its completion may close or remove the host; the reference of q keeps c. */
	hv_complete(q->call);
	pump(c);
	lv_conn_unref(c);
	g_free(q);
}

static void call_run(void *user)
{
	struct lv_call *q = user;
	struct hv_call *call = q->call;

	(void)lv_work(call->req.op)(q->conn, &call->req, &call->reply, &call->reply.err);
	loop_post(call_end, q);
}

/* Begin what may begin; drop what nobody waits for any more. */
static void pump(struct lv_conn *c)
{
	for (GList *l = c->queue.head, *next; l; l = next) {
		struct lv_call *q = l->data;

		next = l->next;
		if (!q->call->answered && !may_begin(c, q))
			continue;
		g_queue_delete_link(&c->queue, l);
		if (q->call->answered) {
			lv_fail_later(q->call, "not begun in time");
			lv_conn_unref(q->conn);
			g_free(q);
			continue;
		}
		g_queue_push_tail(&c->running, q);
		lv_spawn(call_run, q);
	}
}

void lv_conn_submit(struct lv_conn *c, struct hv_call *call, enum lv_lane lane)
{
	struct lv_call *q = g_new0(struct lv_call, 1);

	q->conn = lv_conn_ref(c);
	q->call = call;
	q->lane = lane;
	g_queue_push_tail(&c->queue, q);
	pump(c);
}
