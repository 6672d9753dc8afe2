/* SPDX-License-Identifier: Apache-2.0 */
#include "task/volume.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/columns.h"
#include "store/row.h"

#define SWEEP_AGAIN_MS 5000

static const char *const kind_names[] = {
	[VOLUME_MARKER] = "marker", [VOLUME_PROBE] = "probe", [VOLUME_DISK] = "disk", [VOLUME_MEDIA] = "media", [VOLUME_BASE] = "base",
};
static_assert(G_N_ELEMENTS(kind_names) == VOLUME_KIND_N, "kind_names is missing one");

struct volumes {
	struct fleet *fleet;
	struct store *store;
	GHashTable *all;             /* struct volume *, by host and path */
	struct volume_asks asks;
	struct clock_timer *sweeper; /* tries again to remove what is due */
	bool stopping;
};

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

struct volumes *volumes_new(struct fleet *f, const struct volume_asks *asks)
{
	struct volumes *set = g_new0(struct volumes, 1);

	set->fleet = f;
	set->store = fleet_store(f);
	set->all = g_hash_table_new_full(hash, equal, volume_free, NULL);
	set->asks = *asks;
	return set;
}

void volumes_stop(struct volumes *set)
{
	set->stopping = true;
	clock_cancel(&set->sweeper);
}

void volumes_free(struct volumes *set)
{
	if (!set)
		return;
	clock_cancel(&set->sweeper);
	g_hash_table_unref(set->all);
	g_free(set);
}

struct volume *volume_find(struct volumes *set, const char *host, const char *path)
{
	struct volume key = { .host = (char *)host, .path = (char *)path };

	return g_hash_table_lookup(set->all, &key);
}

struct volume_owner volume_owner_task(int64_t task)
{
	return (struct volume_owner){ task ? VOLUME_OF_TASK : VOLUME_OF_SERVER, task };
}

bool volume_is_of(const struct volume *v, int64_t task)
{
	return v->owner.kind == VOLUME_OF_TASK && v->owner.id == task;
}

/* ---- rows ---- */

static const char *kind_word(int i)
{
	return kind_names[i];
}

#define ROW_FIELD_KIND(s, col, f) ROW_FIELD_WORD(s, col, f, kind_word, VOLUME_KIND_N)
#define FIELD(n, col, type, f) ROW_FIELD_##type(volume, col, f),

static const struct row_field new_fields[] = { VOLUME_NEW(FIELD, FIELD) }, row_fields[] = { VOLUME_ROW(FIELD, FIELD) };
static const struct row_field change_fields[] = { VOLUME_CHANGES(FIELD, FIELD) };

static bool read_row(const struct store_row *row, void *user)
{
	struct volumes *set = user;
	struct volume *v = g_new0(struct volume, 1);
	g_autofree char *wrong = row_read(row, row_fields, G_N_ELEMENTS(row_fields), v);

	v->set = set;
	v->owner = volume_owner_task(v->owner.id);
	if (wrong) {
		log_error("volume_unreadable", LOG_D("volume", v->id), LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("reason", wrong));
		volume_free(v);
		return true;
	}
	g_hash_table_add(set->all, v);
	return true;
}

/* Rows and the end of their task are written together, so only a database edited by hand has such rows. */
static void drop_orphans(struct volumes *set)
{
	g_autoptr(GList) all = g_hash_table_get_keys(set->all);

	for (GList *l = all; l; l = l->next) {
		struct volume *v = l->data;

		if (v->due || v->owner.kind != VOLUME_OF_TASK || set->asks.alive(v->owner.id, set->asks.user))
			continue;
		log_warning("volume_without_migration", LOG_S("host", v->host), LOG_S("path", v->path), LOG_D("migration", v->owner.id));
		volume_forget(v);
	}
}

bool volumes_load(struct volumes *set, GError **err)
{
	if (!store_each(set->store, Q_VOLUME_ALL, STORE_NO_ARGS, read_row, set, err))
		return false;
	drop_orphans(set);
	return true;
}

/* What a check makes is of no use behind it. */
static bool is_of_check(enum volume_kind kind)
{
	return kind == VOLUME_MARKER || kind == VOLUME_PROBE;
}

struct volume *volume_note(struct volumes *set, const struct volume_new *n, GError **err)
{
	struct volume as = {
		.set = set, .owner = n->owner, .server_uuid = (char *)n->server_uuid, .host = (char *)n->host, .path = (char *)n->path, .kind = n->kind,
		.due = is_of_check(n->kind),
	}, *v;
	int64_t now = clock_wall_us();
	struct store_val row[1 + G_N_ELEMENTS(new_fields)] = { SV_I(now) };

	g_assert(!volume_find(set, n->host, n->path));
	row_values(new_fields, G_N_ELEMENTS(new_fields), &as, now, row + 1);
	if (!store_insert(set->store, Q_VOLUME_INSERT, row, G_N_ELEMENTS(row), &as.id, err))
		return NULL;
	v = g_memdup2(&as, sizeof as);
	v->server_uuid = g_strdup(n->server_uuid);
	v->host = g_strdup(n->host);
	v->path = g_strdup(n->path);
	g_hash_table_add(set->all, v);
	return v;
}

struct volume *volume_note_probe(struct volumes *set, const struct volume_new *n, GError **err)
{
	g_autofree char *uuid = util_uuid_new(), *name = hv_probe_name(uuid);
	struct volume_new probe = *n;

	probe.path = name;
	probe.kind = VOLUME_PROBE;
	return volume_note(set, &probe, err);
}

const char *volume_probe_uuid(const struct volume *v)
{
	size_t len = strlen(v->path);

	return v->path + (len > UTIL_UUID_LEN ? len - UTIL_UUID_LEN : 0);
}

static bool write_row(struct volume *v, struct volume_owner owner, bool due, bool ready)
{
	const struct volume as = { .owner = owner, .due = due, .ready = ready };
	struct store_val row[1 + G_N_ELEMENTS(change_fields)] = { SV_I(v->id) };
	g_autoptr(GError) why = NULL;

	row_values(change_fields, G_N_ELEMENTS(change_fields), &as, 0, row + 1);
	if (!store_run(v->set->store, Q_VOLUME_SET, row, G_N_ELEMENTS(row), NULL, &why)) {
		log_warning("volume_not_written", LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("error", why->message));
		return false;
	}
	v->owner = owner;
	v->due = due;
	v->ready = ready;
	return true;
}

bool volume_ready(struct volume *v)
{
	return write_row(v, v->owner, v->due, true);
}

bool volume_take(struct volume *v, int64_t task)
{
	return write_row(v, volume_owner_task(task), false, v->ready);
}

void volume_forget(struct volume *v)
{
	g_autoptr(GError) why = NULL;

	if (!store_run(v->set->store, Q_VOLUME_DELETE, STORE_ARGS(SV_I(v->id)), NULL, &why))
		log_warning("volume_not_forgotten", LOG_S("host", v->host), LOG_S("path", v->path), LOG_S("error", why->message));
	g_hash_table_remove(v->set->all, v);
}

void volume_call_begins(struct volume *v)
{
	v->calls++;
}

void volume_call_ended(struct volume *v)
{
	if (--v->calls == 0 && v->due)
		volumes_sweep(v->set);
}

void volume_let_go(struct volume **v)
{
	struct volume *gone = g_steal_pointer(v);

	if (gone)
		volume_call_ended(gone);
}

bool volumes_block(const struct volumes *set, const char *host, const char *server_uuid)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, set->all);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct volume *v = key;

		if (v->due && !is_of_check(v->kind) && strcmp(v->host, host) == 0 && strcmp(v->server_uuid, server_uuid) == 0)
			return true;
	}
	return false;
}

guint volumes_due(const struct volumes *set)
{
	GHashTableIter i;
	guint n = 0;
	void *key;

	g_hash_table_iter_init(&i, set->all);
	while (g_hash_table_iter_next(&i, &key, NULL))
		n += ((const struct volume *)key)->due;
	return n;
}

/* ---- when the outcome is known ---- */

/* A drive that an earlier migration brought along, at the host that the guest leaves. */
static bool is_left_behind(const struct volume *v, const struct volume_end *end)
{
	return v->owner.kind == VOLUME_OF_SERVER && strcmp(v->server_uuid, end->server_uuid) == 0 && strcmp(v->host, end->left) == 0;
}

/* Return: the files that are judged; struct volume *, borrowed. */
static GPtrArray *judged(const struct volumes *set, const struct volume_end *end, enum volume_fate fate)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, set->all);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		struct volume *v = key;

		if (!v->due && (volume_is_of(v, end->task) || (fate == VOLUME_MOVED && is_left_behind(v, end))))
			g_ptr_array_add(list, v);
	}
	return list;
}

static bool write_moved(struct store *s, const struct volume_end *end, GError **err)
{
	return store_run(s, Q_VOLUME_LEFT, STORE_ARGS(SV_S(end->server_uuid), SV_S(end->left)), NULL, err) &&
	       store_run(s, Q_VOLUME_MOVED, STORE_ARGS(SV_I(end->task), SV_S(end->left)), NULL, err) &&
	       store_run(s, Q_VOLUME_BROUGHT, STORE_ARGS(SV_I(end->task)), NULL, err);
}

bool volumes_write_fate(struct volumes *set, const struct volume_end *end, enum volume_fate fate, GError **err)
{
	struct store *s = set->store;
	g_autoptr(GPtrArray) list = judged(set, end, fate);

	if (list->len == 0)
		return true;
	if (fate == VOLUME_STAYED)
		return store_run(s, Q_VOLUME_DUE, STORE_ARGS(SV_I(end->task)), NULL, err);
	return (fate == VOLUME_UNKNOWN || write_moved(s, end, err)) && store_run(s, Q_VOLUME_FORGET, STORE_ARGS(SV_I(end->task)), NULL, err);
}

/* The table's key has the host in it. */
static void move_to(struct volume *v, const char *host)
{
	GHashTable *all = v->set->all;

	g_hash_table_steal(all, v);
	util_replace(&v->host, host);
	g_hash_table_add(all, v);
}

void volumes_resolve(struct volumes *set, const struct volume_end *end, enum volume_fate fate)
{
	g_autoptr(GPtrArray) list = judged(set, end, fate);

	for (guint i = 0; i < list->len; i++) {
		struct volume *v = g_ptr_array_index(list, i);
		bool moved = fate == VOLUME_MOVED && !is_left_behind(v, end);

		if (moved && v->kind == VOLUME_MEDIA) {
			v->owner = volume_owner_task(0);
		} else if (fate == VOLUME_UNKNOWN || (moved && v->kind != VOLUME_DISK)) {
			g_hash_table_remove(set->all, v);
		} else {
			v->due = true;
			if (moved)
				move_to(v, end->left);
		}
	}
	if (list->len)
		volumes_sweep(set);
}

/* ---- removal ---- */

static void sweep_fired(void *user)
{
	struct volumes *set = user;

	set->sweeper = NULL;
	volumes_sweep(set);
}

static void later(struct volume *v)
{
	struct volumes *set = v->set;

	v->asked = false;
	if (!set->sweeper)
		set->sweeper = clock_after(SWEEP_AGAIN_MS, sweep_fired, set);
}

static void removed(struct hv_reply *r, void *user)
{
	struct volume *v = user;

	if (v->set->stopping)
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

bool volume_is_used_by(const struct hv_dom *d, const char *path)
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

		if (strcmp(s->uuid, v->server_uuid) != 0 && volume_is_used_by(s->dom, v->path))
			return true;
	}
	return false;
}

static void delete_it(struct volume *v)
{
	struct host *h = fleet_host(v->set->fleet, v->host);
	struct hv_req req = { .op = HV_VOL_DELETE, .uuid = v->server_uuid, .vol.path = v->path };

	if (v->kind == VOLUME_PROBE)
		req = (struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = volume_probe_uuid(v) };
	if (!h || !host_is_up(v->set->fleet, h))
		v->asked = false; /* its return is an event */
	else if (!is_of_check(v->kind) && guest_uses(v, h))
		leave(v, "another guest uses it");
	else if (v->kind != VOLUME_MARKER && may_be_used(v, h))
		later(v); /* until it can be read, or goes */
	else if (v->ready && v->set->asks.needed(v, v->set->asks.user))
		later(v); /* it takes it over, or fails too; what is not ready is not used */
	else
		hv_call(h->hv, &req, removed, v);
}

/* A disk of it elsewhere may be the last: its own host must be there, and not have said that it does not have the guest. */
static bool may_be_the_last(const struct volume *v, const struct server *s)
{
	const struct host *home = s ? fleet_host(v->set->fleet, s->host) : NULL;

	return v->kind == VOLUME_DISK && s && (s->missing || !home || !host_is_up(v->set->fleet, home));
}

static void got_dom(struct hv_reply *r, void *user)
{
	struct volume *v = user;
	const struct server *s = v->set->stopping ? NULL : fleet_server(v->set->fleet, v->server_uuid);

	if (v->set->stopping)
		return;
	if (r->err || (r->dom->state == HV_ABSENT && may_be_the_last(v, s)))
		later(v);
	else if (r->dom->state == HV_ABSENT)
		delete_it(v);
	else if (s && g_strcmp0(s->host, v->host) == 0 && s->task == SERVER_TASK_NONE)
		leave(v, "the guest is there now");
	else
		later(v); /* what is left of it there goes first (leftover.c) */
}

static void begin(struct volume *v)
{
	struct host *h = fleet_host(v->set->fleet, v->host);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = v->server_uuid };

	if (v->asked || v->calls || !h || !h->hv || !host_is_up(v->set->fleet, h))
		return;
	v->asked = true;
	if (is_of_check(v->kind))
		delete_it(v);
	else
		hv_call(h->hv, &req, got_dom, v);
}

void volumes_sweep(struct volumes *set)
{
	g_autoptr(GList) all = NULL;

	if (set->stopping || g_hash_table_size(set->all) == 0)
		return;
	all = g_hash_table_get_keys(set->all);
	for (GList *l = all; l; l = l->next)
		if (((struct volume *)l->data)->due)
			begin(l->data);
}
