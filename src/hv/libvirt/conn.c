/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/conn.h"

static int alive;
static GHashTable *attached; /* id -> struct lv_conn *. Loop thread */

int lv_conn_alive(void)
{
	return g_atomic_int_get(&alive);
}

static void conn_clear(void *data)
{
	struct lv_conn *c = data;

	g_assert(!c->host && !c->watch && !c->tick && g_queue_is_empty(&c->queue) && g_queue_is_empty(&c->running) &&
	         g_queue_is_empty(&c->idle) && g_queue_is_empty(&c->links));
	lv_cache_free(c->cache);
	hv_host_info_free(c->facts);
	g_clear_error(&c->setup_err);
	g_mutex_clear(&c->lock);
	g_cond_clear(&c->chore_done);
	g_free(c->uri);
	g_free(c->name);
	(void)g_atomic_int_dec_and_test(&alive);
}

struct lv_conn *lv_conn_by_id(size_t id)
{
	return g_hash_table_lookup(attached, GSIZE_TO_POINTER(id));
}

static gboolean has_uri(void *id, void *conn, void *uri)
{
	const struct lv_conn *c = conn;

	(void)id;
	return !g_strcmp0(c->uri, uri);
}

struct lv_conn *lv_conn_by_uri(const char *uri)
{
	return g_hash_table_find(attached, has_uri, (void *)uri);
}

struct lv_conn *lv_conn_new(struct hv_host *h)
{
	static size_t last_id;
	struct lv_conn *c = g_atomic_rc_box_new0(struct lv_conn);

	if (!attached)
		attached = g_hash_table_new(NULL, NULL);
	c->id = ++last_id;
	g_hash_table_insert(attached, GSIZE_TO_POINTER(c->id), c);
	g_atomic_int_inc(&alive);
	c->uri = g_strdup(h->uri);
	c->name = g_strdup(h->name);
	c->host = h;
	c->cache = lv_cache_new();
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

void lv_conn_forget(struct lv_conn *c)
{
	g_hash_table_remove(attached, GSIZE_TO_POINTER(c->id));
}
