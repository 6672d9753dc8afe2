/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks of the simulator's guests.
 *
 * Theory of operation
 * -------------------
 * A guest's writes are not counted: each time that it is let run its disks get a
 * content that was not there before, in the files of the host where it runs.
 * The disk knows which content is the newest (sim_disk.newest), a file which one
 * it has (sim_file.content). A copied disk's file gets the source's content at
 * the moment in which the guest changes sides. So it shows when a guest is let
 * run on an old copy, on half of one, or on none.
 *
 * A guest's disks are one list for all copies of its domain, found by its UUID:
 * their paths are the same on every host, as Nova and libvirt want it.
 */
#include "hv/sim/disk.h"

#include <string.h>

#include "hv/sim/carried.h"
#include "hv/sim/device.h"
#include "hv/sim/file.h"
#include "hv/sim/world.h"

#define CONFIG_BYTES (INT64_C(1) << 19)
#define NVRAM_BYTES 540672

void sim_disk_free(struct sim_disk *k)
{
	if (!k)
		return;
	g_free(k->target);
	g_free(k->path);
	g_free(k->format);
	g_free(k->pool);
	g_free(k);
}

/* ---- making them ---- */

static struct sim_disk *add(GPtrArray *all, char *target, char *path, const char *format, int64_t capacity)
{
	struct sim_disk *k = g_new0(struct sim_disk, 1);

	k->target = target;
	k->path = path;
	k->format = g_strdup(format);
	k->capacity = capacity;
	k->newest = 1;
	g_ptr_array_add(all, k);
	return k;
}

/* Where the disk's file is. A pool's is in the pool, and has its name from the guest. */
static char *file_path(struct sim_host *h, const char *uuid, const struct sim_dom_spec *spec, int i)
{
	g_autofree char *target = spec->pool ? sim_pool_target(h, spec->pool) : NULL;

	if (spec->pool && !target)
		g_error("sim: no active pool %s on host %s", spec->pool, h->name);
	return target ? g_strdup_printf("%s/%s-%d.qcow2", target, uuid, i) : g_strdup_printf("/var/lib/drover/instances/%s/disk%d.qcow2", uuid, i);
}

static void add_local(struct sim_host *h, GPtrArray *all, const char *uuid, const struct sim_dom_spec *spec, int i)
{
	int64_t capacity = (spec->disk_gib ? spec->disk_gib : 1) << 30;
	char *target = g_strdup_printf("vd%c", 'a' + i % 26);

	if (spec->device && i == 0)
		add(all, target, g_strdup(spec->device), "raw", capacity)->device = true;
	else
		add(all, target, file_path(h, uuid, spec, i), "qcow2", capacity)->pool = g_strdup(spec->pool);
}

static void add_network(GPtrArray *all, const char *uuid, const struct sim_dom_spec *spec, int i)
{
	char *target = g_strdup_printf("vd%c", 'a' + i % 26), *path = g_strdup_printf("rbd:volumes/%s-%d", uuid, i);
	struct sim_disk *k = add(all, target, path, "raw", (spec->disk_gib ? spec->disk_gib : 1) << 30);

	k->network = true;
	k->loopback = spec->loopback;
}

static GPtrArray *make_disks(struct sim_host *h, const char *uuid, const struct sim_dom_spec *spec)
{
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)sim_disk_free);
	int n = spec->disks ? MAX(spec->disks, 0) : 1;

	for (int i = 0; i < n; i++) {
		if (spec->network_disks)
			add_network(all, uuid, spec, i);
		else
			add_local(h, all, uuid, spec, i);
	}
	if (spec->config_drive)
		add(all, g_strdup("sda"), g_strdup_printf("/var/lib/drover/instances/%s/disk.config", uuid), "raw", CONFIG_BYTES)->cdrom = true;
	if (spec->nvram)
		add(all, g_strdup("nvram"), g_strdup_printf("/var/lib/libvirt/qemu/nvram/%s_VARS.fd", spec->name), "raw", NVRAM_BYTES)->nvram = true;
	return all;
}

/* What a guest has for its data. */
static bool is_image(const struct sim_disk *k)
{
	return !k->cdrom && !k->nvram;
}

static void make_files(struct sim_host *h, const GPtrArray *disks, const struct sim_dom_spec *spec)
{
	for (guint i = 0; i < disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(disks, i);
		struct sim_file *f;

		if (k->network || k->device || sim_file_find(h->storage, k->path))
			continue;
		f = sim_file_make(h->storage, k->path, k->format, is_image(k) ? spec->backing : NULL, k->capacity);
		f->allocation = spec->data_mib && is_image(k) ? spec->data_mib << 20 : k->capacity;
		f->content = k->newest;
		f->head.snapshots = is_image(k) && !spec->external ? (unsigned)spec->kept.snapshots : 0;
	}
	if (spec->backing && !sim_file_find(h->storage, spec->backing))
		sim_file_add(h->w, h->name, &(struct sim_file_spec){ .path = spec->backing });
}

GPtrArray *sim_disks_new(struct sim_host *h, const char *uuid, const struct sim_dom_spec *spec)
{
	GPtrArray *disks = g_hash_table_lookup(h->w->disks, uuid);

	if (!disks) {
		disks = make_disks(h, uuid, spec);
		g_hash_table_replace(h->w->disks, g_strdup(uuid), disks);
		make_files(h, disks, spec);
	}
	return g_ptr_array_ref(disks);
}

/* ---- finding them ---- */

static struct sim_disk *by_target(const GPtrArray *disks, const char *target)
{
	for (guint i = 0; disks && i < disks->len; i++) {
		struct sim_disk *k = g_ptr_array_index(disks, i);

		if (g_str_equal(k->target, target))
			return k;
	}
	return NULL;
}

const char *sim_disk_path(struct sim *w, const char *uuid, const char *target)
{
	const struct sim_disk *k = by_target(g_hash_table_lookup(w->disks, uuid), target);

	return k ? k->path : NULL;
}

struct sim_disk *sim_disk_of_path(struct sim *w, const char *path, const char **ret_uuid)
{
	GHashTableIter it;
	void *uuid, *value;

	g_hash_table_iter_init(&it, w->disks);
	while (g_hash_table_iter_next(&it, &uuid, &value)) {
		const GPtrArray *disks = value;

		for (guint i = 0; i < disks->len; i++) {
			struct sim_disk *k = g_ptr_array_index(disks, i);

			if (!g_str_equal(k->path, path))
				continue;
			if (ret_uuid)
				*ret_uuid = uuid;
			return k;
		}
	}
	return NULL;
}

/* Is @path the file of the disk, or one that it is laid over? */
static bool reads(const struct sim_storage *s, const struct sim_disk *k, const char *path)
{
	const struct sim_file *f = sim_file_find(s, k->path);

	if (k->network || k->device || g_str_equal(k->path, path))
		return !k->network && !k->device;
	while (f && f->backing) {
		if (g_str_equal(f->backing, path))
			return true;
		f = sim_file_find(s, f->backing);
	}
	return false;
}

static bool dom_reads(const struct sim_dom *d, const char *path)
{
	for (guint i = 0; i < d->disks->len; i++)
		if (reads(d->host->storage, g_ptr_array_index(d->disks, i), path))
			return true;
	return false;
}

static bool is_there(const struct sim_dom *d)
{
	(void)d;
	return true;
}

static bool has_open(const struct sim_dom *d)
{
	return sim_dom_active(d) && (d->whole || d->state == HV_RUNNING);
}

static bool writes(const struct sim_dom *d)
{
	return d->state == HV_RUNNING && d->disk_dirty > 0;
}

static bool some_dom(const struct sim *w, const struct sim_storage *s, const char *path, bool (*fits)(const struct sim_dom *d))
{
	GHashTableIter it, jt;
	void *hv, *dv;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &hv)) {
		const struct sim_host *h = hv;

		if (h->storage != s)
			continue;
		g_hash_table_iter_init(&jt, h->doms);
		while (g_hash_table_iter_next(&jt, NULL, &dv)) {
			const struct sim_dom *d = dv;

			if (!d->carrier && fits(d) && dom_reads(d, path))
				return true;
		}
	}
	return false;
}

bool sim_disk_in_use(const struct sim *w, const struct sim_storage *s, const char *path, bool active)
{
	return some_dom(w, s, path, active ? has_open : is_there);
}

bool sim_disk_written(const struct sim *w, const struct sim_storage *s, const char *path)
{
	return w->written && some_dom(w, s, path, writes); /* of many guests, and asked for each file */
}

int64_t sim_disks_gib(const struct sim_dom *d)
{
	int64_t bytes = 0;

	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);

		bytes += k->network || !is_image(k) ? 0 : k->capacity;
	}
	return bytes >> 30;
}

/* Only a running domain's XML names them. */
static GPtrArray *backing_of(const struct sim_dom *d, const struct sim_file *f)
{
	GPtrArray *chain = NULL;

	while (sim_dom_active(d) && f && f->backing) {
		struct hv_backing *b = g_new0(struct hv_backing, 1);

		b->path = g_strdup(f->backing);
		f = sim_file_find(d->host->storage, b->path);
		b->format = g_strdup(f ? f->format : NULL);
		if (!chain)
			chain = g_ptr_array_new_with_free_func((GDestroyNotify)hv_backing_free);
		g_ptr_array_add(chain, b);
	}
	return chain;
}

void sim_disks_describe(const struct sim_dom *d, GPtrArray *out)
{
	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);
		const struct sim_file *f = sim_disk_file(d->host, k);
		struct hv_disk *o;

		if (k->nvram)
			continue;
		o = g_new0(struct hv_disk, 1);
		o->target = g_strdup(k->target);
		o->source = k->pool ? g_path_get_basename(k->path) : g_strdup(k->path);
		o->pool = g_strdup(k->pool);
		o->format = g_strdup(k->format);
		o->kind = k->loopback ? HV_SOURCE_LOOPBACK : k->network ? HV_SOURCE_NETWORK : k->device ? HV_SOURCE_DEVICE : HV_SOURCE_FILE;
		o->readonly = o->cdrom = k->cdrom;
		o->capacity_bytes = k->capacity;
		o->allocation_bytes = f ? f->allocation : k->capacity;
		o->backing = backing_of(d, f);
		g_ptr_array_add(out, o);
	}
}

/* ---- what is in them ---- */

static void check_backing(const struct sim_dom *d, const struct sim_disk *k, const struct sim_file *f)
{
	while (f->backing) {
		const struct sim_file *under = sim_file_find(d->host->storage, f->backing);

		if (under && under->stranger && under->content != 1) {
			sim_violate(d->host->w, "%s runs on %s, where %s is laid over %s, which has other bytes in it", d->name, d->host->name, k->target,
				    f->backing);
			return;
		}
		if (!under || under->content == SIM_TORN) {
			sim_violate(d->host->w, "%s runs on %s, where %s is laid over %s, which is not %s", d->name, d->host->name, k->target,
				    f->backing, under ? "whole" : "there");
			return;
		}
		f = under;
	}
}

static bool somewhere(const struct sim *w, const struct sim_disk *k, int64_t content)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->storages);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_file *f = sim_file_find(value, k->path);

		if (f && f->content == content)
			return true;
	}
	return false;
}

/* libvirt makes the file of the firmware's template where there is none: the guest has forgotten what it had, if it had that. */
static struct sim_file *make_nvram(struct sim_host *h, const struct sim_disk *k)
{
	struct sim_file *f = sim_file_make(h->storage, k->path, k->format, NULL, k->capacity);

	f->content = somewhere(h->w, k, k->newest) ? 0 : k->newest;
	return f;
}

void sim_disks_run(struct sim_dom *d)
{
	for (guint i = 0; i < d->disks->len; i++) {
		struct sim_disk *k = g_ptr_array_index(d->disks, i);
		struct sim_file *f = sim_disk_file(d->host, k);

		if (k->network)
			continue;
		if (!f && k->nvram)
			f = make_nvram(d->host, k);
		if (!f) {
			sim_violate(d->host->w, "%s runs on %s, where %s is absent", d->name, d->host->name, k->path);
			continue;
		}
		if (k->device && k->lun && k->lun != f)
			sim_violate(d->host->w, "%s runs on %s, where its disk %s is another device than it was", d->name, d->host->name, k->target);
		k->lun = k->device ? f : NULL;
		if (f->content != k->newest)
			sim_violate(d->host->w, "%s runs on %s on an old copy of its disk %s", d->name, d->host->name, k->target);
		check_backing(d, k, f);
		if (!k->device && is_image(k) && !d->external && d->kept.snapshots > (int)f->head.snapshots)
			sim_violate(d->host->w, "%s runs on %s, where its disk %s has lost its snapshots", d->name, d->host->name, k->target);
		if (!k->cdrom)
			f->content = ++k->newest;
	}
}

void sim_disks_force(struct sim_dom *d)
{
	for (guint i = 0; i < d->disks->len; i++) {
		struct sim_disk *k = g_ptr_array_index(d->disks, i);
		struct sim_file *f = sim_disk_file(d->host, k);

		if (k->network)
			continue;
		if (!f && k->nvram)
			continue;
		if (!f && k->device)
			g_error("sim: no device %s on host %s", k->path, d->host->name);
		k->lun = k->device ? f : NULL;
		if (!f) {
			f = sim_file_make(d->host->storage, k->path, k->format, NULL, k->capacity);
			f->allocation = k->capacity;
		}
		f->content = k->cdrom ? k->newest : ++k->newest;
	}
}

void sim_disks_remove(struct sim_dom *d)
{
	g_autofree char *uuid = g_strdup(d->uuid);

	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);
		GHashTableIter it;
		void *value;
		bool wanted = k->network || k->device;

		g_hash_table_iter_init(&it, d->host->w->hosts);
		while (g_hash_table_iter_next(&it, NULL, &value)) {
			struct sim_host *h = value;

			wanted |= h != d->host && h->storage == d->host->storage && sim_dom_get(h, uuid);
		}
		if (!wanted)
			sim_file_drop(d->host->storage, k->path);
	}
}

/* ---- migrations ---- */

static bool names_file(const char *xml, const char *path)
{
	g_autofree char *file = g_strdup_printf("file=\"%s\"", path);

	return strstr(xml, file) != NULL;
}

/* The disk is to be copied; @xml: of the destination's domain, NULL: the source's. */
static char *say_copied(const struct sim_disk *k, const struct sim_host *from, const struct sim_host *to, const char *xml)
{
	const struct sim_file *f = sim_disk_file(from, k), *t = sim_disk_file(to, k);

	if (k->cdrom || k->network)
		return g_strdup_printf("argument unsupported: Cannot migrate empty or read-only disk %s", k->target);
	if (!t)
		return g_strdup_printf("Storage pool not found: no storage pool with matching target path '%s'", k->path);
	if (k->pool && !(xml && names_file(xml, k->path)))
		return g_strdup("Operation not supported: pre-creation of storage targets for incremental storage migration is not supported");
	if (t->capacity != k->capacity)
		return g_strdup_printf("operation failed: migration of disk %s failed: Source and target image have different sizes", k->target);
	if (f && f->backing && !sim_file_find(to->storage, f->backing))
		return g_strdup_printf("Cannot access backing file '%s' of storage file '%s' (as uid:0, gid:0): No such file or directory",
				       f->backing, k->path);
	return NULL;
}

/* It is not. */
static char *say_left(const struct sim_disk *k, const struct sim_host *from, const struct sim_host *to)
{
	if (k->network || k->nvram)
		return NULL;
	/* libvirt asks no host what its device is. */
	if (!k->cdrom && !k->device && from->storage != to->storage)
		return g_strdup("Unsafe migration: Migration without shared storage is unsafe");
	if (k->pool && !sim_pool_lists(to, k->pool, k->path))
		return g_strdup_printf("Storage volume not found: no storage vol with matching name '%s'", strrchr(k->path, '/') + 1);
	if (!sim_disk_file(to, k))
		return g_strdup_printf("Cannot access storage file '%s' (as uid:0, gid:0): No such file or directory", k->path);
	return NULL;
}

char *sim_disks_say(const struct sim_dom *src, const struct sim_host *to, const char *const *copy, const char *xml)
{
	char *no = NULL;

	for (guint i = 0; copy && copy[i] && !no; i++)
		if (!by_target(src->disks, copy[i]))
			no = g_strdup_printf("invalid argument: disk target %s not found", copy[i]);
	for (guint i = 0; i < src->disks->len && !no; i++) {
		const struct sim_disk *k = g_ptr_array_index(src->disks, i);
		bool copied = copy && g_strv_contains(copy, k->target);

		no = copied && src->carrier ? sim_carried_says(k, src->host, to) : copied ? say_copied(k, src->host, to, xml) : say_left(k, src->host, to);
	}
	return no;
}

GPtrArray *sim_disks_begin(const struct sim_dom *src, struct sim_host *to, const char *const *copy)
{
	GPtrArray *disks = copy && *copy ? g_ptr_array_new() : NULL;

	for (; disks && *copy; copy++) {
		struct sim_disk *k = by_target(src->disks, *copy);
		struct sim_file *t = sim_disk_file(to, k);

		g_ptr_array_add(disks, k);
		if (t == sim_disk_file(src->host, k)) {
			sim_violate(to->w, "%s: disk copied onto itself: %s", src->name, k->path);
			continue;
		}
		if (t->stranger)
			sim_violate(to->w, "%s: disk copied over a stranger's file: %s", src->name, k->path);
		t->content = SIM_TORN;
	}
	return disks;
}

double sim_disks_bytes(const struct sim_host *from, const GPtrArray *disks)
{
	double bytes = 0;

	for (guint i = 0; i < disks->len; i++) {
		const struct sim_file *f = sim_disk_file(from, g_ptr_array_index(disks, i));

		bytes += f ? (double)f->allocation : 0;
	}
	return bytes;
}

/* QEMU brings the variables of the firmware, as it does memory, into the file that libvirt has made there. */
static void nvram_arrives(const struct sim_dom *src, struct sim_host *to)
{
	for (guint i = 0; i < src->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(src->disks, i);

		if (k->nvram && src->host->storage != to->storage)
			sim_file_make(to->storage, k->path, k->format, NULL, k->capacity)->content = k->newest;
	}
}

void sim_disks_arrive(const struct sim_dom *src, struct sim_host *to, const GPtrArray *disks)
{
	const struct sim_host *from = src->host;

	nvram_arrives(src, to);

	for (guint i = 0; disks && i < disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(disks, i);
		const struct sim_file *f = sim_disk_file(from, k);
		struct sim_file *t = sim_disk_file(to, k);

		if (!f || !t || f == t)
			continue;
		if (src->carrier) {
			sim_carried_arrives(k, f, t);
			continue;
		}
		/* only the file itself was sent, not what it is laid over */
		t->content = g_strcmp0(f->backing, t->backing) == 0 ? f->content : SIM_TORN;
		t->allocation = f->allocation;
	}
}
