/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/volume.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#define SWEEP_AGAIN_MS 5000

static const char *const kind_names[] = {
	[VOLUME_MARKER] = "marker", [VOLUME_PROBE] = "probe", [VOLUME_DISK] = "disk", [VOLUME_MEDIA] = "media", [VOLUME_BASE] = "base",
};
static_assert(G_N_ELEMENTS(kind_names) == VOLUME_KIND_N, "kind_names is missing one");

static void volume_free(void *data)
{
	struct volume *v = data;

	g_free(v->server_uuid);
	g_free(v->host);
	g_free(v->path);
	g_free(v);
}

static guint hash(const void *key)
{
	const struct volume *v = key;

	return g_str_hash(v->host) * 31 + g_str_hash(v->path);
}

static gboolean equal(const void *a, const void *b)
{
	const struct volume *x = a, *y = b;

	return strcmp(x->host, y->host) == 0 && strcmp(x->path, y->path) == 0;
}

struct volume *volume_find(struct engine *e, const char *host, const char *path)
{
	struct volume key = { .host = (char *)host, .path = (char *)path };

	return g_hash_table_lookup(e->volumes, &key);
}

/* ---- rows ---- */

struct reader {
	struct engine *engine;
	char *bad;
};

static bool read_row(const struct store_row *row, void *user)
{
	struct reader *r = user;
	struct volume *v = g_new0(struct volume, 1);
	const char *kind = store_text(row, 5);

	v->engine = r->engine;
	v->id = store_int(row, 0);
	v->migration_id = store_int(row, 1);
	v->server_uuid = g_strdup(store_text(row, 2));
	v->host = g_strdup(store_text(row, 3));
	v->path = g_strdup(store_text(row, 4));
	v->doomed = store_int(row, 6);
	v->ready = store_int(row, 7);
	while (v->kind < VOLUME_KIND_N && g_strcmp0(kind, kind_names[v->kind]) != 0)
		v->kind++;
	if (v->kind == VOLUME_KIND_N) {
		r->bad = g_strdup_printf("volume %d has the unknown kind %s", (int)v->id, kind);
		volume_free(v);
		return false;
	}
	g_hash_table_add(r->engine->volumes, v);
	return true;
}

/* Rows and the end of their migration are written together, so only a database edited by hand has such rows. */
static void sort_out(struct engine *e)
{
	g_autoptr(GList) all = g_hash_table_get_keys(e->volumes);

	for (GList *l = all; l; l = l->next) {
		struct volume *v = l->data;

		if (engine_find(e, v->migration_id) || v->doomed || v->migration_id == 0)
			continue;
		log_warning("volume_without_migration", LOG_S("host", v->host), LOG_S("path", v->path), LOG_D("migration", v->migration_id));
		volume_forget(v);
	}
}

bool volume_load(struct engine *e, GError **err)
{
	struct reader r = { .engine = e };

	e->volumes = g_hash_table_new_full(hash, equal, volume_free, NULL);
	if (!store_each(e->store, Q_VOLUME_ALL, STORE_NO_ARGS, read_row, &r, err))
		return false;
	if (r.bad) {
		g_set_error(err, ERR, ERR_STORE, "%s", r.bad);
		g_free(r.bad);
		return false;
	}
	sort_out(e);
	return true;
}

void volume_stop(struct engine *e)
{
	clock_cancel(&e->sweeper);
	g_clear_pointer(&e->volumes, g_hash_table_unref);
}

/* What a check makes is of no use behind it. */
static bool is_of_check(enum volume_kind kind)
{
	return kind == VOLUME_MARKER || kind == VOLUME_PROBE;
}

struct volume *volume_note(struct engine *e, int64_t migration_id, const char *server_uuid, const char *host, const char *path,
			   enum volume_kind kind, GError **err)
{
	bool doomed = is_of_check(kind);
	struct volume *v;
	int64_t id;

	g_assert(!volume_find(e, host, path));
	if (!store_insert(e->store, Q_VOLUME_INSERT,
			  STORE_ARGS(SV_I(migration_id), SV_S(server_uuid), SV_S(host), SV_S(path), SV_S(kind_names[kind]), SV_I(doomed),
				     SV_I(clock_wall_us())),
			  &id, err))
		return NULL;
	v = g_new0(struct volume, 1);
	v->engine = e;
	v->id = id;
	v->migration_id = migration_id;
	v->server_uuid = g_strdup(server_uuid);
	v->host = g_strdup(host);
	v->path = g_strdup(path);
	v->kind = kind;
	v->doomed = doomed;
	g_hash_table_add(e->volumes, v);
	return v;
}

struct volume *volume_note_probe(struct engine *e, int64_t migration_id, const char *server_uuid, const char *host, GError **err)
{
	g_autofree char *uuid = util_uuid_new(), *name = hv_probe_name(uuid);

	return volume_note(e, migration_id, server_uuid, host, name, VOLUME_PROBE, err);
}

const char *volume_probe_uuid(const struct volume *v)
{
	size_t len = strlen(v->path);

	return v->path + (len > UTIL_UUID_LEN ? len - UTIL_UUID_LEN : 0);
}

static bool write_row(struct volume *v, int64_t migration_id, bool doomed, bool ready)
{
	g_autoptr(GError) why = NULL;

	if (!store_run(v->engine->store, Q_VOLUME_SET, STORE_ARGS(SV_I(v->id), SV_I(migration_id), SV_I(doomed), SV_I(ready)), NULL, &why)) {
		log_warning("volume_not_written", LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("error", why->message));
		return false;
	}
	v->migration_id = migration_id;
	v->doomed = doomed;
	v->ready = ready;
	return true;
}

bool volume_ready(struct volume *v)
{
	return write_row(v, v->migration_id, v->doomed, true);
}

bool volume_take(struct volume *v, int64_t migration_id)
{
	return write_row(v, migration_id, false, v->ready);
}

void volume_forget(struct volume *v)
{
	g_autoptr(GError) why = NULL;

	if (!store_run(v->engine->store, Q_VOLUME_DELETE, STORE_ARGS(SV_I(v->id)), NULL, &why))
		log_warning("volume_not_forgotten", LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("error", why->message));
	g_hash_table_remove(v->engine->volumes, v);
}

bool volume_blocks(struct engine *e, const char *host, const char *server_uuid)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, e->volumes);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct volume *v = key;

		if (v->doomed && !is_of_check(v->kind) && strcmp(v->host, host) == 0 && strcmp(v->server_uuid, server_uuid) == 0)
			return true;
	}
	return false;
}

guint volume_doomed(struct engine *e)
{
	GHashTableIter i;
	guint n = 0;
	void *key;

	g_hash_table_iter_init(&i, e->volumes);
	while (g_hash_table_iter_next(&i, &key, NULL))
		n += ((const struct volume *)key)->doomed;
	return n;
}

/* ---- the end of a migration ---- */

/* A drive that an earlier migration brought along, at the host that the guest leaves with this one. */
static bool is_left_behind(const struct volume *v, const struct mig *m)
{
	return v->migration_id == 0 && strcmp(v->server_uuid, m->server_uuid) == 0 && strcmp(v->host, m->source) == 0;
}

/* Return: the files that the end of a migration judges; struct volume *, borrowed. */
static GPtrArray *of_migration(const struct mig *m, enum volume_fate fate)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, m->priv->engine->volumes);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		struct volume *v = key;

		if (!v->doomed && (v->migration_id == m->id || (fate == VOLUME_MOVED && is_left_behind(v, m))))
			g_ptr_array_add(list, v);
	}
	return list;
}

static bool write_moved(const struct mig *m, struct store *s, GError **err)
{
	return store_run(s, Q_VOLUME_LEFT, STORE_ARGS(SV_S(m->server_uuid), SV_S(m->source)), NULL, err) &&
	       store_run(s, Q_VOLUME_MOVED, STORE_ARGS(SV_I(m->id), SV_S(m->source)), NULL, err) &&
	       store_run(s, Q_VOLUME_BROUGHT, STORE_ARGS(SV_I(m->id)), NULL, err);
}

bool volume_write_end(struct mig *m, enum volume_fate fate, GError **err)
{
	struct store *s = m->priv->engine->store;
	g_autoptr(GPtrArray) mine = of_migration(m, fate);

	if (mine->len == 0)
		return true;
	if (fate == VOLUME_STAYED)
		return store_run(s, Q_VOLUME_DOOM, STORE_ARGS(SV_I(m->id)), NULL, err);
	return (fate == VOLUME_UNKNOWN || write_moved(m, s, err)) && store_run(s, Q_VOLUME_FORGET, STORE_ARGS(SV_I(m->id)), NULL, err);
}

/* The table's key has the host in it. */
static void move_to(struct volume *v, const char *host)
{
	GHashTable *all = v->engine->volumes;

	g_hash_table_steal(all, v);
	util_replace(&v->host, host);
	g_hash_table_add(all, v);
}

void volume_ended(struct mig *m, enum volume_fate fate)
{
	struct engine *e = m->priv->engine;
	g_autoptr(GPtrArray) mine = of_migration(m, fate);

	for (guint i = 0; i < mine->len; i++) {
		struct volume *v = g_ptr_array_index(mine, i);
		bool moved = fate == VOLUME_MOVED && !is_left_behind(v, m);

		if (moved && v->kind == VOLUME_MEDIA) {
			v->migration_id = 0;
		} else if (fate == VOLUME_UNKNOWN || (moved && v->kind != VOLUME_DISK)) {
			g_hash_table_remove(e->volumes, v);
		} else {
			v->doomed = true;
			if (moved)
				move_to(v, m->source);
		}
	}
	if (mine->len)
		volume_sweep(e);
}

/* ---- removal ---- */

static void sweep_fired(void *user)
{
	struct engine *e = user;

	e->sweeper = NULL;
	volume_sweep(e);
}

static void later(struct volume *v)
{
	struct engine *e = v->engine;

	v->asked = false;
	if (!e->sweeper)
		e->sweeper = clock_after(SWEEP_AGAIN_MS, sweep_fired, e);
}

static void removed(struct hv_reply *r, void *user)
{
	struct volume *v = user;

	if (v->engine->stopping)
		return;
	if (r->err) {
		log_warning("volume_not_removed", LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("error", r->err->message));
		later(v);
		return;
	}
	if (!is_of_check(v->kind))
		log_info("volume_removed", LOG_S("server", v->server_uuid), LOG_S("host", v->host), LOG_S("path", v->path));
	volume_forget(v);
}

static void leave(struct volume *v, const char *why)
{
	log_info("volume_left", LOG_S("server", v->server_uuid), LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("why", why));
	volume_forget(v);
}

/* A volume of a pool: where that is stands in no description, so its name has to do. */
static bool is_named(const char *path, const char *name)
{
	g_autofree char *last = g_path_get_basename(path);

	return g_strcmp0(last, name) == 0;
}

static bool dom_uses(const struct hv_dom *d, const char *path)
{
	for (guint i = 0; d && i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (g_strcmp0(k->source, path) == 0 || (k->pool && is_named(path, k->source)))
			return true;
		for (guint b = 0; k->backing && b < k->backing->len; b++)
			if (g_strcmp0(((const struct hv_backing *)g_ptr_array_index(k->backing, b))->path, path) == 0)
				return true;
	}
	return false;
}

/* What a domain uses is unknown while its description cannot be read. */
static bool may_be_used(const struct volume *v, const struct host *h)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL))
		if (strcmp(((const struct server *)key)->uuid, v->server_uuid) != 0 && server_unreadable(key))
			return true;
	return false;
}

/* Another guest on that host has come to need the file. */
static bool guest_uses(const struct volume *v, const struct host *h)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct server *s = key;

		if (strcmp(s->uuid, v->server_uuid) != 0 && dom_uses(s->dom, v->path))
			return true;
	}
	return false;
}

/* One that is on its way there does. */
static bool comer_uses(const struct volume *v)
{
	const struct engine *e = v->engine;

	for (guint i = 0; i < e->active->len; i++) {
		const struct mig *m = g_ptr_array_index(e->active, i);
		const struct server *s = mig_is_final(m) || g_strcmp0(m->dest, v->host) != 0 ? NULL : mig_server(m);

		if (s && strcmp(s->uuid, v->server_uuid) != 0 && dom_uses(s->dom, v->path))
			return true;
	}
	return false;
}

static void delete_it(struct volume *v)
{
	struct host *h = fleet_host(v->engine->fleet, v->host);
	struct hv_req req = { .op = HV_VOL_DELETE, .uuid = v->server_uuid, .vol.path = v->path };

	if (v->kind == VOLUME_PROBE)
		req = (struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = volume_probe_uuid(v) };
	if (!h || !host_is_up(v->engine->fleet, h))
		v->asked = false; /* its return is an event */
	else if (!is_of_check(v->kind) && guest_uses(v, h))
		leave(v, "another guest uses it");
	else if (v->kind != VOLUME_MARKER && may_be_used(v, h))
		later(v); /* until it can be read, or goes */
	else if (v->ready && comer_uses(v))
		later(v); /* it takes it over, or fails too; what is not ready is not used */
	else
		hv_call(h->hv, &req, removed, v);
}

static void got_dom(struct hv_reply *r, void *user)
{
	struct volume *v = user;
	const struct server *s = v->engine->stopping ? NULL : fleet_server(v->engine->fleet, v->server_uuid);

	if (v->engine->stopping)
		return;
	if (r->err)
		later(v);
	else if (r->dom->state == HV_ABSENT)
		delete_it(v);
	else if (s && g_strcmp0(s->host, v->host) == 0 && !engine_active_of(v->engine, s->uuid))
		leave(v, "the guest is there now");
	else
		later(v); /* what is left of it there goes first (leftover.c) */
}

static void begin(struct volume *v)
{
	struct host *h = fleet_host(v->engine->fleet, v->host);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = v->server_uuid };

	if (v->asked || v->calls || !h || !h->hv || !host_is_up(v->engine->fleet, h))
		return;
	v->asked = true;
	if (is_of_check(v->kind))
		delete_it(v);
	else
		hv_call(h->hv, &req, got_dom, v);
}

void volume_sweep(struct engine *e)
{
	g_autoptr(GList) all = NULL;

	if (e->stopping || g_hash_table_size(e->volumes) == 0)
		return;
	all = g_hash_table_get_keys(e->volumes);
	for (GList *l = all; l; l = l->next)
		if (((struct volume *)l->data)->doomed)
			begin(l->data);
}
