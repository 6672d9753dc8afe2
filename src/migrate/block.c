/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/block.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "migrate/live.h"
#include "migrate/mig.h"
#include "task/step.h"

#define RETRY_MS 1000
#define POOL_WAITS_MAX 60

/* ---- what has to be copied ---- */

static void item_free(void *data)
{
	struct block_item *i = data;

	g_free(i->target);
	g_free(i->path);
	g_free(i->format);
	g_free(i->backing);
	g_free(i->backing_format);
	g_free(i);
}

bool block_is_local(const struct hv_disk *k)
{
	return k->source && *k->source == '/' && k->kind == HV_SOURCE_FILE;
}

static struct block_item *add(GPtrArray *items, enum volume_kind kind, const char *path, const char *format)
{
	struct block_item *i = g_new0(struct block_item, 1);

	i->kind = kind;
	i->path = g_strdup(path);
	i->format = g_strdup(format);
	g_ptr_array_add(items, i);
	return i;
}

static bool has(const GPtrArray *items, const char *path)
{
	for (guint i = 0; i < items->len; i++)
		if (strcmp(((const struct block_item *)g_ptr_array_index(items, i))->path, path) == 0)
			return true;
	return false;
}

/* The farthest first: each is laid over the one before. What lies on shared storage is there already. */
static void add_bases(GPtrArray *items, const struct hv_disk *k, block_shared_f *shared, void *user)
{
	for (guint i = k->backing ? k->backing->len : 0; i-- > 0;) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, i);

		if (b->path && *b->path == '/' && b->kind == HV_SOURCE_FILE && !shared(b->path, user) && !has(items, b->path))
			add(items, VOLUME_BASE, b->path, b->format)->filled = true;
	}
}

/* A file in a folder of the guest's own, as Nova lays them out: not shared with another guest. */
static bool is_own(const struct hv_dom *d, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(dir);

	return strcmp(name, d->uuid) == 0 || g_strcmp0(name, d->name) == 0;
}

static void add_disk(GPtrArray *items, const struct hv_dom *d, const struct hv_disk *k)
{
	bool media = k->readonly || k->cdrom;
	struct block_item *i = add(items, media && !is_own(d, k->source) ? VOLUME_MEDIA : VOLUME_DISK, k->source, k->format);

	i->filled = media;
	i->volume = k->pool != NULL;
	i->target = g_strdup(k->target);
	i->capacity_bytes = k->capacity_bytes;
	i->allocation_bytes = k->allocation_bytes;
	if (!media && k->backing && k->backing->len) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, 0);

		i->backing = g_strdup(b->path);
		i->backing_format = g_strdup(b->format);
	}
}

GPtrArray *block_items(const struct hv_dom *d, block_shared_f *shared, void *user)
{
	GPtrArray *items = g_ptr_array_new_with_free_func(item_free);

	for (guint i = 0; i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (block_is_local(k) && !shared(k->source, user))
			add_bases(items, k, shared, user);
	}
	for (int media = 1; media >= 0; media--) {
		for (guint i = 0; i < d->disks->len; i++) {
			const struct hv_disk *k = g_ptr_array_index(d->disks, i);

			if (block_is_local(k) && (k->readonly || k->cdrom) == media && !shared(k->source, user) && !has(items, k->source))
				add_disk(items, d, k);
		}
	}
	return items;
}

const char **block_targets(const GPtrArray *items)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (!k->filled)
			g_ptr_array_add(list, k->target);
	}
	if (list->len == 0)
		return NULL;
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

const char **block_files(const GPtrArray *items)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (k->filled || !k->volume)
			continue;
		g_ptr_array_add(list, k->target);
		g_ptr_array_add(list, k->path);
	}
	if (list->len == 0)
		return NULL;
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

int block_bytes(const GPtrArray *items, int64_t *ret, int max)
{
	int n = 0;

	for (guint i = 0; items && i < items->len && n < max; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (!k->filled)
			ret[n++] = k->capacity_bytes;
	}
	return n;
}

/* ---- making it ---- */

/* A call about a file of a migration: the answer counts if the migration still waits for it, the file's count in any case. */
struct call {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	struct volume *volume; /* NULL: of a file that is not ours */
	void (*done)(struct mig *m, struct block_item *i, struct hv_reply *r);
};

static struct block_item *next_item(const struct mig *m)
{
	const GPtrArray *items = m->priv->copies;

	for (guint i = 0; items && i < items->len; i++)
		if (!((struct block_item *)g_ptr_array_index(items, i))->ready)
			return g_ptr_array_index(items, i);
	return NULL;
}

static void answered(struct hv_reply *r, void *user)
{
	struct call *c = user;
	struct mig *m = c->engine->stopping ? NULL : engine_find(c->engine, c->id);

	if (c->volume && !c->engine->stopping)
		volume_call_ended(c->volume);
	if (m && m->task->turn == c->turn)
		c->done(m, next_item(m), r);
	g_free(c);
}

static void ask(struct mig *m, struct host *h, struct hv_req *req, struct volume *v, void (*done)(struct mig *m, struct block_item *i, struct hv_reply *r))
{
	struct call *c;

	if (!host_connected(h)) {
		step_later(m, RETRY_MS);
		return;
	}
	c = g_new(struct call, 1);
	*c = (struct call){ .engine = m->task->engine, .id = m->id, .turn = m->task->turn, .volume = v, .done = done };
	if (v)
		volume_call_begins(v);
	req->uuid = m->server_uuid;
	(void)host_call(h, req, answered, c); /* it is connected */
}

/* A pool in which something is made, or from which something cannot be removed yet: not without limit. Return: again, later. */
static bool wait_for_pool(struct mig *m, const char *why)
{
	if (m->priv->pool_waits >= POOL_WAITS_MAX)
		return false;
	if (m->priv->pool_waits++ == 0)
		log_info("pool_awaited", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("why", why));
	step_later(m, RETRY_MS);
	return true;
}

/* What is there now is found out by doing it again. Return: it will be. */
static bool again(struct mig *m, const struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_BUSY)
		return wait_for_pool(m, r->err->message);
	if (!r->err || err_code(r->err) != ERR_HV_LOST)
		return false;
	step_later(m, RETRY_MS);
	return true;
}

static struct volume *volume_of(const struct mig *m, const struct block_item *i)
{
	return volume_find(m->task->engine->volumes, m->dest, i->path);
}

static void failed(struct mig *m, const struct block_item *i, const char *what, const char *why)
{
	g_autofree char *text = g_strdup_printf("Cannot %s %s at %s: %s", what, i->path, m->dest, why);

	live_destination_failed(m, text);
}

static void made(struct mig *m, struct block_item *i, struct hv_reply *r)
{
	struct volume *v = volume_of(m, i);

	if (again(m, r))
		return;
	if (!r->err && (!i->filled || volume_ready(v))) {
		i->ready = true;
		m->priv->pool_waits = 0;
		log_info("volume_made", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->dest), LOG_S("path", i->path));
		step_enter(m);
		return;
	}
	if (!r->err) {
		step_later(m, RETRY_MS); /* it could not be written: as if it had not been made */
		return;
	}
	if (err_code(r->err) == ERR_CONFLICT)
		volume_forget(v); /* it was made between our look and our call: it is not ours */
	failed(m, i, "make", r->err->message);
}

static void make_copy(struct mig *m, const struct block_item *i)
{
	struct hv_req req = {
		.op = HV_VOL_COPY,
		.vol = { .path = i->path, .format = i->format, .source_uri = mig_source(m)->uri, .source_host = m->source },
	};

	ask(m, mig_dest(m), &req, volume_of(m, i), made);
}

static void got_capacity(struct mig *m, struct block_item *i, struct hv_reply *r)
{
	struct hv_req req = {
		.op = HV_VOL_CREATE,
		.vol = { .path = i->path, .format = i->format, .backing = i->backing, .backing_format = i->backing_format },
	};

	if (again(m, r))
		return;
	if (!r->err && r->vol.exists && r->vol.kind != HV_SOURCE_FILE) {
		failed(m, i, "copy", "it leads to a block device, whose contents are not brought into a file");
		return;
	}
	if (r->err || !r->vol.exists) {
		g_autofree char *why = r->err ? g_strdup_printf("Cannot look for %s at %s: %s", i->path, m->source, r->err->message)
					      : g_strdup_printf("%s has no volume %s: it is not in a pool", m->source, i->path);

		live_destination_failed(m, why);
		return;
	}
	i->capacity_bytes = req.vol.capacity_bytes = r->vol.capacity_bytes;
	ask(m, mig_dest(m), &req, volume_of(m, i), made);
}

/* The file is known not to be there, and the row says that it is about to be ours. */
static void make(struct mig *m, struct block_item *i)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol.path = i->path };

	if (!i->filled)
		ask(m, mig_source(m), &req, NULL, got_capacity);
	else
		make_copy(m, i);
}

static void looked(struct mig *m, struct block_item *i, struct hv_reply *r)
{
	struct volume_new new = { volume_owner_task(m->id), m->server_uuid, m->dest, i->path, i->kind };
	g_autoptr(GError) err = NULL;

	if (again(m, r))
		return;
	if (volume_of(m, i)) {
		step_later(m, RETRY_MS); /* another migration began to make it meanwhile */
	} else if (r->err) {
		failed(m, i, "look for", r->err->message);
	} else if (r->vol.exists && i->filled) {
		i->ready = true; /* a base image or a drive that is there already, of an earlier guest or of its own */
		step_enter(m);
	} else if (r->vol.exists) {
		failed(m, i, "make", "it already exists, and is not a known leftover of Drover's");
	} else if (!volume_note(m->task->engine->volumes, &new, &err)) {
		step_not_written(m, err);
		step_later(m, RETRY_MS);
	} else {
		make(m, i);
	}
}

static void look(struct mig *m, const struct block_item *i)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol.path = i->path };

	ask(m, mig_dest(m), &req, NULL, looked);
}

/* Made by this migration before a restart, a lost reply or a failed attempt: it may be half full. */
static void removed(struct mig *m, struct block_item *i, struct hv_reply *r)
{
	if (again(m, r))
		return;
	if (r->err)
		failed(m, i, "remove the earlier", r->err->message);
	else
		make(m, i);
}

static void remove_own(struct mig *m, const struct block_item *i, struct volume *v)
{
	struct hv_req req = { .op = HV_VOL_DELETE, .vol.path = i->path };

	ask(m, mig_dest(m), &req, v, removed);
}

/* A base image that another migration has brought, or an earlier attempt of this one. Return: it can be used. */
static bool use(struct mig *m, const struct block_item *i, struct volume *v)
{
	return i->filled && v->ready && (!v->doomed || (!v->asked && volume_take(v, m->id)));
}

/* What an earlier migration has left. */
static void wait_for_removal(struct mig *m, const struct block_item *i)
{
	volumes_sweep(m->task->engine->volumes);
	if (!wait_for_pool(m, "files of an earlier migration are being removed there"))
		failed(m, i, "make", "files of an earlier migration could not be removed there yet");
}

bool block_prepare(struct mig *m)
{
	struct block_item *i = next_item(m);
	struct volume *v = i ? volume_of(m, i) : NULL;

	if (!i)
		return true;
	if (volumes_block(m->task->engine->volumes, m->dest, m->server_uuid)) {
		wait_for_removal(m, i);
	} else if (v && use(m, i, v)) {
		i->ready = true;
		return block_prepare(m);
	} else if (v && v->doomed && !v->calls) {
		wait_for_removal(m, i);
	} else if (v && (v->calls || !volume_is_of(v, m->id))) {
		step_later(m, RETRY_MS); /* it is being made */
	} else if (v) {
		remove_own(m, i, v);
	} else {
		look(m, i);
	}
	return false;
}
