/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of the simulator: which storage has which, and the calls that look for
 * them, make and remove them. Whose disks they are is disk.c's business.
 */
#include <string.h>

#include "hv/sim/int.h"
#include "hv/sim/sim.h"

#define SHARED "shared"
#define LOCAL  "local"

/* ---- storages and files ---- */

static void file_free(void *data)
{
	struct sim_file *f = data;

	g_free(f->path);
	g_free(f->format);
	g_free(f->backing);
	g_free(f);
}

struct sim_storage *sim_storage_get(struct sim *w, const char *name, const char *host)
{
	bool local = g_strcmp0(name, LOCAL) == 0;
	g_autofree char *key = local ? g_strconcat(LOCAL ":", host, NULL) : g_strdup(name ? name : SHARED);
	struct sim_storage *s = g_hash_table_lookup(w->storages, key);

	if (s)
		return s;
	s = g_new0(struct sim_storage, 1);
	s->name = g_steal_pointer(&key);
	s->files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, file_free);
	g_hash_table_replace(w->storages, s->name, s);
	return s;
}

void sim_storage_free(struct sim_storage *s)
{
	if (!s)
		return;
	g_hash_table_unref(s->files);
	g_free(s->name);
	g_free(s);
}

struct sim_file *sim_file_find(const struct sim_storage *s, const char *path)
{
	return path ? g_hash_table_lookup(s->files, path) : NULL;
}

struct sim_file *sim_file_make(struct sim_storage *s, const char *path, const char *format, const char *backing, int64_t capacity)
{
	struct sim_file *f = g_new0(struct sim_file, 1);

	f->path = g_strdup(path);
	f->format = g_strdup(format);
	f->backing = g_strdup(backing);
	f->capacity = capacity;
	g_hash_table_replace(s->files, f->path, f);
	return f;
}

void sim_file_drop(struct sim_storage *s, const char *path)
{
	g_hash_table_remove(s->files, path);
}

/* ---- what a test does behind the controller's back ---- */

static struct sim_storage *storage_of(struct sim *w, const char *host)
{
	struct sim_host *h = sim_host_find(w, host);

	if (!h)
		g_error("sim: no host %s", host);
	return h->storage;
}

void sim_file_add(struct sim *w, const char *host, const struct sim_file_spec *spec)
{
	struct sim_file *f = sim_file_make(storage_of(w, host), spec->path, spec->format ? spec->format : "qcow2", NULL,
					   (spec->capacity_mib ? spec->capacity_mib : 1024) << 20);

	f->allocation = f->capacity;
	f->content = spec->content ? spec->content : 1;
	f->stranger = true;
}

void sim_file_remove(struct sim *w, const char *host, const char *path)
{
	sim_file_drop(storage_of(w, host), path);
}

/* ---- looking at them ---- */

static bool some_host_answers(const struct sim *w, const struct sim_storage *s)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_host *h = value;

		if (h->storage == s && sim_host_reachable(h) && h->libvirtd)
			return true;
	}
	return false;
}

/* Was a file of that path there before, in whatever storage? */
static bool is_base(const struct sim *w, const char *path)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->storages);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_file *f = sim_file_find(value, path);

		if (f && f->stranger)
			return true;
	}
	return false;
}

static struct sim_file_view view(struct sim *w, const struct sim_storage *s, const struct sim_file *f)
{
	struct sim_file_view v = {
		.storage = g_str_has_prefix(s->name, LOCAL ":") ? s->name + strlen(LOCAL ":") : s->name,
		.path = f->path, .backing = f->backing, .format = f->format,
		.capacity_bytes = f->capacity, .allocation_bytes = f->allocation,
		.stranger = f->stranger,
		.used = sim_disk_in_use(w, s, f->path, false),
		.reachable = some_host_answers(w, s),
	};
	const struct sim_disk *k = sim_disk_of_path(w, f->path, &v.uuid);

	v.newest = k && f->content == k->newest;
	v.base = !k && f->content != SIM_TORN && is_base(w, f->path);
	return v;
}

static int compare_views(const void *a, const void *b)
{
	const struct sim_file_view *x = a, *y = b;
	int by_storage = strcmp(x->storage, y->storage);

	return by_storage ? by_storage : strcmp(x->path, y->path);
}

GArray *sim_file_list(struct sim *w, const char *host)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct sim_file_view));
	const struct sim_storage *only = host ? storage_of(w, host) : NULL;
	GHashTableIter it, jt;
	void *sv, *fv;

	g_hash_table_iter_init(&it, w->storages);
	while (g_hash_table_iter_next(&it, NULL, &sv)) {
		if (only && only != sv)
			continue;
		g_hash_table_iter_init(&jt, ((struct sim_storage *)sv)->files);
		while (g_hash_table_iter_next(&jt, NULL, &fv)) {
			struct sim_file_view v = view(w, sv, fv);

			g_array_append_val(all, v);
		}
	}
	g_array_sort(all, compare_views);
	return all;
}

/* ---- calls ---- */

bool sim_pool_busy(struct sim_call *sc, const struct sim_host *h)
{
	if (clock_now_ms() >= h->pool_free_ms)
		return false;
	sim_call_refuse(sc, ERR_HV_BUSY, "refresh the storage pool: internal error: pool '%s' has asynchronous jobs running.", h->storage->name);
	return true;
}

static bool is_listed(const struct sim_host *h, const struct sim_file *f)
{
	return !f->maker || f->maker == h || clock_now_ms() - f->made_ms >= h->cache_ms;
}

static void get(struct sim_call *sc, const struct hv_vol_params *p)
{
	const struct sim_file *f = sim_file_find(sc->host->storage, p->path);
	g_autofree char *folder = g_path_get_dirname(p->path);

	if (f && is_listed(sc->host, f))
		sc->call->reply.vol = (struct hv_vol){
			.exists = true, .format = g_strdup(f->format), .capacity_bytes = f->capacity, .allocation_bytes = f->allocation,
		};
	sc->call->reply.vol.folder = !g_hash_table_contains(sc->host->lacks, folder);
	sim_call_finish(sc);
}

static void create(struct sim_call *sc, const struct hv_vol_params *p)
{
	struct sim_storage *s = sc->host->storage;
	struct sim_file *f;

	if (sim_file_find(s, p->path)) {
		sim_call_refuse(sc, ERR_CONFLICT, "storage volume '%s' exists already", p->path);
		return;
	}
	if (p->backing && !sim_file_find(s, p->backing)) {
		sim_call_refuse(sc, ERR_HV, "Cannot access backing store volume '%s': No such file or directory", p->backing);
		return;
	}
	f = sim_file_make(s, p->path, p->format, p->backing, p->capacity_bytes);
	sim_pool_looked(sc->host, p->path);
	f->maker = sc->host;
	f->made_ms = clock_now_ms();
	sim_call_finish(sc);
}

/* Does some copy of the domain still exist? The disks of one that does not belong to no guest. */
static bool domain_exists(const struct sim *w, const char *uuid)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (sim_dom_get(value, uuid))
			return true;
	return false;
}

static bool newest_elsewhere(const struct sim *w, const struct sim_storage *s, const struct sim_disk *k)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->storages);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_file *f = value == s ? NULL : sim_file_find(value, k->path);

		if (f && f->content == k->newest)
			return true;
	}
	return false;
}

/* What must never be removed. */
static void judge_removal(struct sim *w, const struct sim_host *h, const struct sim_file *f)
{
	const char *uuid = NULL;
	const struct sim_disk *k = sim_disk_of_path(w, f->path, &uuid);

	if (f->stranger)
		sim_violate(w, "%s was removed from %s, and was not made by us", f->path, h->name);
	else if (sim_disk_in_use(w, h->storage, f->path, true))
		sim_violate(w, "%s was removed from %s under a running guest", f->path, h->name);
	else if (k && f->content == k->newest && domain_exists(w, uuid) && !newest_elsewhere(w, h->storage, k))
		sim_violate(w, "%s was removed from %s, the only copy of what the guest has written", f->path, h->name);
}

static void delete(struct sim_call *sc, const struct hv_vol_params *p)
{
	const struct sim_file *f = sim_file_find(sc->host->storage, p->path);

	if (f) {
		judge_removal(sc->w, sc->host, f);
		sim_file_drop(sc->host->storage, p->path);
	}
	sim_call_finish(sc);
}

void sim_act_vol(struct sim_call *sc)
{
	const struct hv_vol_params *p = &sc->call->req.vol;

	if (!p->path || p->path[0] != '/')
		sim_call_refuse(sc, ERR_HV, "invalid argument: a volume's path is absolute");
	else if (sim_pool_busy(sc, sc->host))
		return;
	else if (sc->call->req.op == HV_VOL_GET)
		get(sc, p);
	else if (sc->call->req.op == HV_VOL_CREATE)
		create(sc, p);
	else
		delete(sc, p);
}
