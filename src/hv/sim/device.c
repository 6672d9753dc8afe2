/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/device.h"

#include <string.h>

#include "hv/sim/file.h"
#include "hv/sim/world.h"

#define LUNS "lun"

static void device_free(void *data)
{
	struct sim_device *d = data;

	g_free(d->path);
	g_free(d->looks);
	for (int i = 0; i < HV_DEVICE_ID_N; i++)
		g_free(d->id[i]);
	g_free(d);
}

static void pool_free(void *data)
{
	struct sim_pool *p = data;

	g_free(p->name);
	g_free(p->target);
	g_hash_table_unref(p->seen);
	g_free(p);
}

void sim_devices_new(struct sim_host *h)
{
	h->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, device_free);
	h->probes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	h->pools = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, pool_free);
}

void sim_devices_free(struct sim_host *h)
{
	g_hash_table_unref(h->devices);
	g_hash_table_unref(h->probes);
	g_hash_table_unref(h->pools);
}

/* ---- devices ---- */

static struct sim_file *lun_of(struct sim *w, const struct sim_device_spec *spec)
{
	struct sim_storage *luns = sim_storage_get(w, LUNS, NULL);
	struct sim_file *f = sim_file_find(luns, spec->lun);

	if (f)
		return f;
	f = sim_file_make(luns, spec->lun, "raw", NULL, (spec->size_mib ? spec->size_mib : 1024) << 20);
	f->content = 1;
	f->allocation = f->capacity;
	f->stranger = true;
	return f;
}

void sim_device_add(struct sim *w, const char *host, const struct sim_device_spec *spec)
{
	struct sim_device *d = g_new0(struct sim_device, 1);

	d->path = g_strdup(spec->path);
	d->looks = g_strdup(spec->looks ? spec->looks : spec->lun);
	for (int i = 0; i < HV_DEVICE_ID_N; i++)
		d->id[i] = g_strdup(spec->id[i]);
	d->lun = lun_of(w, spec);
	d->hot = spec->hot;
	d->unreadable = spec->unreadable;
	g_hash_table_replace(sim_host_must_find(w, host)->devices, d->path, d);
}

void sim_device_remove(struct sim *w, const char *host, const char *path)
{
	g_hash_table_remove(sim_host_must_find(w, host)->devices, path);
}

struct sim_file *sim_disk_file(const struct sim_host *h, const struct sim_disk *k)
{
	const struct sim_device *d = k->device ? g_hash_table_lookup(h->devices, k->path) : NULL;

	if (k->network)
		return NULL;
	return d ? d->lun : k->device ? NULL : sim_file_find(h->storage, k->path);
}

guint sim_probes(struct sim *w, const char *host)
{
	return g_hash_table_size(sim_host_must_find(w, host)->probes);
}

void sim_probe_drop(struct sim_host *h, const char *uuid)
{
	g_hash_table_remove(h->probes, uuid);
}

void sim_device_read(struct sim_device *d, struct hv_device *ret)
{
	ret->size_bytes = d->lun->capacity;
	for (int i = 0; i < HV_SAMPLES; i++)
		ret->samples[i] = g_strdup_printf("%s %d", d->looks, i);
	if (!d->hot)
		return;
	g_free(ret->samples[0]);
	ret->samples[0] = g_strdup_printf("%s %p %d", d->looks, (void *)d, ++d->reads);
}

/* ---- pools ---- */

void sim_pool_add(struct sim *w, const char *host, const char *name, const char *target)
{
	struct sim_pool *p = g_new0(struct sim_pool, 1);

	p->name = g_strdup(name);
	p->target = target ? g_strdup(target) : g_strdup_printf("/srv/%s", name);
	p->active = true;
	p->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_replace(sim_host_must_find(w, host)->pools, p->name, p);
}

void sim_pool_stop(struct sim *w, const char *host, const char *name)
{
	struct sim_pool *p = g_hash_table_lookup(sim_host_must_find(w, host)->pools, name);

	if (p)
		p->active = false;
}

char *sim_pool_target(const struct sim_host *h, const char *name)
{
	const struct sim_pool *p = g_hash_table_lookup(h->pools, name);

	return p && p->active ? g_strdup(p->target) : NULL;
}

void sim_pool_refresh(const struct sim_host *h, struct sim_pool *p)
{
	GHashTableIter it;
	void *path;

	g_hash_table_remove_all(p->seen);
	g_hash_table_iter_init(&it, h->storage->files);
	while (g_hash_table_iter_next(&it, &path, NULL)) {
		g_autofree char *folder = g_path_get_dirname(path);

		if (g_str_equal(folder, p->target))
			g_hash_table_add(p->seen, g_strdup(path));
	}
}

void sim_pool_looked(struct sim_host *h, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	GHashTableIter it;
	void *pv;

	g_hash_table_iter_init(&it, h->pools);
	while (g_hash_table_iter_next(&it, NULL, &pv)) {
		struct sim_pool *p = pv;

		if (p->active && g_str_equal(p->target, folder))
			sim_pool_refresh(h, p);
	}
}

bool sim_pool_lists(const struct sim_host *h, const char *name, const char *path)
{
	const struct sim_pool *p = g_hash_table_lookup(h->pools, name);

	return p && p->active && g_hash_table_contains(p->seen, path);
}
