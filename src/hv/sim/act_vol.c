/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_vol.h"

#include <string.h>

#include "hv/sim/call.h"
#include "hv/sim/copy.h"
#include "hv/sim/device.h"
#include "hv/sim/disk.h"
#include "hv/sim/file.h"
#include "hv/sim/world.h"

#define PROBE_MS 50 /* a probe's life */

/* If its pool is busy, say so; a call of every HV_VOL_* looks into it first. Return: it is, and the call has its answer. */
static bool pool_busy(struct sim_call *sc, const struct sim_host *h)
{
	if (clock_now_ms() >= h->pool_free_ms)
		return false;
	sim_call_refuse(sc, ERR_HV_BUSY, "refresh the storage pool: internal error: pool '%s' has asynchronous jobs running.", h->storage->name);
	return true;
}

bool sim_pool_is_busy(struct sim_call *sc)
{
	return pool_busy(sc, sc->host);
}

/* ---- HV_VOL_GET, _CREATE, _DELETE ---- */

static bool is_listed(const struct sim_host *h, const struct sim_file *f)
{
	return !f->maker || f->maker == h || clock_now_ms() - f->made_ms >= h->cache_ms;
}

static void get(struct sim_call *sc, const struct hv_vol_params *p)
{
	const struct sim_file *f = sim_file_find(sc->host->storage, p->path);
	g_autofree char *folder = g_path_get_dirname(p->path);

	if (f && is_listed(sc->host, f)) {
		const struct sim_file *base = sim_file_find(sc->host->storage, f->backing);
		int64_t now_ns = sim_disk_written(sc->host->w, sc->host->storage, f->path) ? clock_wall_us() * 1000 : f->changed_ns;

		sc->call->reply.vol = (struct hv_vol){
			.exists = true, .format = g_strdup(f->format), .capacity_bytes = f->capacity, .allocation_bytes = f->allocation,
			.physical_bytes = sim_file_physical(f),
			.changed_ns = now_ns, .written_ns = now_ns, .backing = g_strdup(f->backing),
			.backing_format = g_strdup(base ? base->format : NULL),
		};
		if (p->head)
			sc->call->reply.vol.head = f->head;
		sc->call->reply.vol.head.told = p->head;
		sc->call->reply.vol.head.qcow2 = p->head && g_strcmp0(f->format, "qcow2") == 0;
	}
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
	else if (pool_busy(sc, sc->host))
		return;
	else if (sc->call->req.op == HV_VOL_GET)
		get(sc, p);
	else if (sc->call->req.op == HV_VOL_CREATE)
		create(sc, p);
	else
		delete(sc, p);
}

/* ---- HV_VOL_COPY ---- */

static void copy(struct sim_call *sc, struct sim_host *from, const struct sim_file *f)
{
	sc->copy = sim_copy_begin(from, sc->host, f, sc);
	sim_call_started(sc);
}

void sim_act_copy(struct sim_call *sc)
{
	const struct hv_vol_params *p = &sc->call->req.vol;
	struct sim_host *from = p->source_host ? sim_host_find(sc->w, p->source_host) : NULL;
	const struct sim_file *f = from ? sim_file_find(from->storage, p->path) : NULL;

	if (!from || !sim_host_reachable(from) || !from->libvirtd)
		sim_call_refuse(sc, ERR_HV, "unable to connect to server at '%s:16509': No route to host", p->source_host ? p->source_host : "");
	else if (pool_busy(sc, from) || pool_busy(sc, sc->host))
		return;
	else if (sim_file_find(sc->host->storage, p->path))
		sim_call_refuse(sc, ERR_CONFLICT, "storage volume '%s' exists already", p->path);
	else if (!f)
		sim_call_refuse(sc, ERR_HV, "Storage volume not found: no storage vol with matching path '%s'", p->path);
	else
		copy(sc, from, f);
}

/* ---- HV_VOL_FIND ---- */

void sim_act_find(struct sim_call *sc)
{
	const struct hv_vol_params *p = &sc->call->req.vol;
	struct sim_pool *pool = g_hash_table_lookup(sc->host->pools, p->pool);
	struct hv_vol *v = &sc->call->reply.vol;
	const struct sim_file *f;

	if (!pool || !pool->active) {
		sim_call_refuse(sc, ERR_NOT_FOUND, "the storage pool \"%s\" %s", p->pool, pool ? "is not active" : "does not exist");
		return;
	}
	if (pool_busy(sc, sc->host))
		return;
	sim_pool_refresh(sc->host, pool);
	v->path = g_build_filename(pool->target, p->name, NULL);
	f = sim_file_find(sc->host->storage, v->path);
	v->exists = f != NULL;
	v->capacity_bytes = f ? f->capacity : 0;
	v->allocation_bytes = f ? f->allocation : 0;
	sim_call_finish(sc);
}

/* ---- HV_DEVICE_GET ---- */

static void read_file(const struct sim_file *f, struct hv_device *ret)
{
	ret->size_bytes = f->capacity;
	for (int i = 0; i < HV_SAMPLES; i++)
		ret->samples[i] = g_strdup_printf("content %" G_GINT64_FORMAT " %d", f->content, i);
}

/* The probe has lived; libvirt has read through it. */
static void probed(void *user)
{
	struct sim_call *sc = user;
	const struct hv_vol_params *p = &sc->call->req.vol;
	struct sim_device *d = g_hash_table_lookup(sc->host->devices, p->path);
	const struct sim_file *f = sim_file_find(sc->host->storage, p->path);

	sc->timer = NULL;
	sim_probe_drop(sc->host, p->probe);
	if (f) {
		read_file(f, sc->call->reply.device);
		sim_call_finish(sc);
		return;
	}
	if (!d || d->unreadable) {
		sim_call_refuse(sc, ERR_HV, "ask for the device's size: Failed to open file '%s': %s", p->path,
				d ? "Input/output error" : "No such file or directory");
		return;
	}
	sim_device_read(d, sc->call->reply.device);
	sim_call_finish(sc);
}

void sim_act_device(struct sim_call *sc)
{
	const struct hv_vol_params *p = &sc->call->req.vol;
	const struct sim_device *d = g_hash_table_lookup(sc->host->devices, p->path);

	sc->call->reply.device = g_new0(struct hv_device, 1);
	for (int i = 0; d && i < HV_DEVICE_ID_N; i++)
		sc->call->reply.device->id[i] = g_strdup(d->id[i]);
	if (!p->probe) {
		sim_call_finish(sc);
		return;
	}
	/* A caller that loses its connection from here on leaves the probe where it is. */
	g_hash_table_add(sc->host->probes, g_strdup(p->probe));
	sc->acted = true;
	sc->timer = clock_after(PROBE_MS, probed, sc);
	sim_call_started(sc);
}
