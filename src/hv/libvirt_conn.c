/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and attempts to connect.
 */
#include "hv/libvirt_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"

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

static int alive;
static GHashTable *attached; /* id -> struct lv_conn *. Loop thread */

int lv_conn_alive(void)
{
	return g_atomic_int_get(&alive);
}

static void conn_clear(void *data)
{
	struct lv_conn *c = data;

	g_assert(!c->host && g_queue_is_empty(&c->queue) && g_queue_is_empty(&c->running) && g_queue_is_empty(&c->idle));
	lv_close_later(c->vir);
	lv_cache_free(c->cache);
	hv_host_info_free(c->facts);
	g_mutex_clear(&c->lock);
	g_cond_clear(&c->chore_done);
	g_free(c->uri);
	(void)g_atomic_int_dec_and_test(&alive);
}

struct lv_conn *lv_conn_by_id(size_t id)
{
	return g_hash_table_lookup(attached, GSIZE_TO_POINTER(id));
}

static struct lv_conn *conn_new(struct hv_host *h)
{
	static size_t last_id;
	struct lv_conn *c = g_atomic_rc_box_new0(struct lv_conn);

	if (!attached)
		attached = g_hash_table_new(NULL, NULL);
	c->id = ++last_id;
	g_hash_table_insert(attached, GSIZE_TO_POINTER(c->id), c);
	g_atomic_int_inc(&alive);
	c->uri = g_strdup(h->uri);
	c->host = h;
	c->cache = lv_cache_new();
	g_queue_init(&c->queue);
	g_queue_init(&c->running);
	g_queue_init(&c->idle);
	g_mutex_init(&c->lock);
	g_cond_init(&c->chore_done);
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

/*
 * An attempt that waits for the answer of a host that has lost its power waits for ever: libvirt's own keepalive begins after it.
 * Its socket is libvirt's, and which one it is nobody tells; TCP's keepalive harms no socket, so all of the process get it.
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

	(void)unused;
	while (dir && (name = g_dir_read_name(dir))) {
		if (!util_parse_int(name, 0, G_MAXINT, &fd))
			continue;
		/* Fails on all that is no TCP socket. */
		for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
			(void)setsockopt((int)fd, options[i].level, options[i].option, &options[i].value, sizeof(int));
	}
}

static void attempt_expired(void *user)
{
	struct attempt *a = user;

	a->limit = NULL;
	a->given_up = true;
	stuck_add(a->uri, +1);
	lv_spawn(watch_sockets, NULL);
	a->done(NULL, "no connection within 10 s", a->user);
}

static void attempt_run(void *user)
{
	struct attempt *a = user;

	a->vir = virConnectOpen(a->uri);
	if (!a->vir)
		a->why = lv_why(virGetLastError());
	else if (virConnectSetKeepAlive(a->vir, LV_KEEPALIVE_S, LV_KEEPALIVE_N) < 0 && !lv_error_is(VIR_ERR_NO_SUPPORT)) {
		a->why = lv_why(virGetLastError());
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
	g_hash_table_remove(attached, GSIZE_TO_POINTER(c->id));
	c->host->impl = NULL;
	c->host = NULL;
	c->open = false;
	lv_call_flush(c);
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
