/* SPDX-License-Identifier: Apache-2.0
 *
 * Storage: which of a server's files do the two hosts share, and can the others
 * be copied?
 *
 * A volume made at the source is looked for at the destination. The source is
 * where the folder surely exists.
 */
#include "migrate/check_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#define LOOK_AGAIN_MS 5000
#define LOOKS_MAX 15 /* past acdirmax, NFS's 60 s */

/* A folder with disks that the guest writes to. */
struct dir {
	char *path;
	char *disk;  /* one of them */
	int looks;
	bool shared;
};

static void dir_free(void *data)
{
	struct dir *d = data;

	g_free(d->path);
	g_free(d->disk);
	g_free(d);
}

static struct dir *dir_of(const struct precheck *p, const char *file)
{
	g_autofree char *path = g_path_get_dirname(file);

	for (guint i = 0; i < p->dirs->len; i++) {
		struct dir *d = g_ptr_array_index(p->dirs, i);

		if (strcmp(d->path, path) == 0)
			return d;
	}
	return NULL;
}

static bool is_media(const struct hv_disk *k)
{
	return k->readonly || k->cdrom;
}

static void find_dirs(struct precheck *p, const struct hv_dom *dom)
{
	p->dirs = g_ptr_array_new_with_free_func(dir_free);
	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);
		struct dir *d;

		if (!block_is_local(k) || is_media(k) || dir_of(p, k->source))
			continue;
		d = g_new0(struct dir, 1);
		d->path = g_path_get_dirname(k->source);
		d->disk = g_strdup(k->source);
		g_ptr_array_add(p->dirs, d);
	}
}

/* ---- the experiment ---- */

void precheck_storage_clear(struct precheck *p)
{
	if (!p->engine->stopping)
		precheck_let_go(&p->marker);
	g_clear_pointer(&p->dirs, g_ptr_array_unref);
}

static void next_dir(struct precheck *p);

static void not_found_out(struct precheck *p, const char *at, const char *why)
{
	const struct dir *d = g_ptr_array_index(p->dirs, p->dir);
	GError *err = NULL;

	precheck_let_go(&p->marker);
	(void)precheck_fail(&err, "Migration pre-check error: Cannot determine whether %s and %s share %s: at %s: %s",
			    p->source ? p->source->name : "-", p->dest_name, d->path, at, why);
	precheck_decided(p, FAIL, err);
}

static void is_found_out(struct precheck *p, bool shared)
{
	struct dir *d = g_ptr_array_index(p->dirs, p->dir);

	d->shared = shared;
	log_debug("storage_probed", LOG_S("server", p->server_uuid), LOG_S("dest", p->dest_name), LOG_S("folder", d->path), LOG_D("shared", d->shared));
	precheck_let_go(&p->marker);
	p->dir++;
	next_dir(p);
}

static void look_for_marker(struct precheck *p);

static void look_again(void *user)
{
	struct precheck *p = user;

	p->turn = NULL;
	precheck_look(p);
	if (p->source && p->dest)
		look_for_marker(p);
	else
		not_found_out(p, p->dest_name, "the host was removed");
}

/*
 * The marker was not seen. If the disk itself is, the destination may only list the folder as it was: NFS re-reads
 * directories after half a minute to a minute. To take shared storage for local would be the end of the disk.
 */
static void disk_looked_for(struct precheck *p, struct hv_reply *r)
{
	struct dir *d = g_ptr_array_index(p->dirs, p->dir);

	if (precheck_busy(p, r, look_again))
		return;
	if (r->err)
		not_found_out(p, p->dest_name, r->err->message);
	else if (r->vol.exists && ++d->looks < LOOKS_MAX)
		p->turn = clock_after(LOOK_AGAIN_MS, look_again, p);
	else
		is_found_out(p, false);
}

static void marker_looked_for(struct precheck *p, struct hv_reply *r)
{
	const struct dir *d = g_ptr_array_index(p->dirs, p->dir);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = d->disk };

	if (precheck_busy(p, r, look_again))
		return;
	if (r->err)
		not_found_out(p, p->dest_name, r->err->message);
	else if (r->vol.exists)
		is_found_out(p, true);
	else if (!p->dest || !precheck_ask(p, p->dest, &req, disk_looked_for))
		not_found_out(p, p->dest_name, "the host is not connected");
}

static void look_for_marker(struct precheck *p)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = p->marker->path };

	if (!p->dest || !precheck_ask(p, p->dest, &req, marker_looked_for))
		not_found_out(p, p->dest_name, "the host is not connected");
}

static void make_marker(struct precheck *p);

static void make_again(void *user)
{
	struct precheck *p = user;

	p->turn = NULL;
	precheck_look(p);
	if (p->source && strcmp(p->source->name, p->marker->host) == 0) {
		make_marker(p);
		return;
	}
	precheck_let_go(&p->marker); /* the guest has left meanwhile */
	next_dir(p);
}

static void marker_made(struct precheck *p, struct hv_reply *r)
{
	if (precheck_busy(p, r, make_again))
		return;
	p->report.hopeless |= r->err && err_code(r->err) == ERR_HV_BUSY;
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		precheck_let_go(&p->marker);
		precheck_source_failed(p, r->err);
	} else if (r->err) {
		not_found_out(p, p->marker->host, r->err->message);
	} else {
		look_for_marker(p);
	}
}

static void make_marker(struct precheck *p)
{
	struct hv_req req = {
		.op = HV_VOL_CREATE, .uuid = p->server_uuid, .vol = { .path = p->marker->path, .format = "raw", .capacity_bytes = 512 },
	};

	if (!precheck_ask(p, p->source, &req, marker_made))
		not_found_out(p, p->marker->host, "the host is not connected");
}

static bool note_marker(struct precheck *p, const struct dir *d, GError **err)
{
	g_autofree char *id = util_uuid_new(), *path = g_strdup_printf("%s/drover-marker-%s", d->path, id);
	struct volume_new new = { volume_owner_task(p->req.own_migration), p->server_uuid, p->source->name, path, VOLUME_MARKER };

	p->marker = volume_note(p->engine->volumes, &new, err);
	if (p->marker)
		volume_call_begins(p->marker);
	return p->marker != NULL;
}

static void next_dir(struct precheck *p)
{
	GError *err = NULL;

	if (p->dir == p->dirs->len || !p->source) {
		precheck_run(p);
		return;
	}
	if (!note_marker(p, g_ptr_array_index(p->dirs, p->dir), &err)) {
		p->report.source_lost = true; /* the database is away: again, later */
		precheck_decided(p, FAIL, err);
		return;
	}
	make_marker(p);
}

/* ---- what it means ---- */

bool precheck_shares_folder(const struct precheck *p, const char *path)
{
	const struct dir *d = p->dirs ? dir_of(p, path) : NULL;

	return d && d->shared;
}

static bool is_shared(const char *path, void *user)
{
	return precheck_shares_folder(user, path);
}

/* Nova judges the whole instance; here each disk counts, and the first that is in the way is named. */
static const struct hv_disk *disk_with(struct precheck *p, bool shared)
{
	const struct hv_dom *dom = precheck_dom(p);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && !is_media(k) && is_shared(k->source, p) == shared)
			return k;
	}
	return NULL;
}

static const struct hv_disk *shareable_disk(struct precheck *p)
{
	const struct hv_dom *dom = precheck_dom(p);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && k->shareable && !is_media(k) && !is_shared(k->source, p))
			return k;
	}
	return NULL;
}

static enum verdict judge_storage(struct precheck *p, GError **err)
{
	const char *source = p->source->name;
	const struct hv_disk *local = disk_with(p, false), *many = shareable_disk(p);

	if (p->req.block == MIG_BLOCK_YES && !local && (disk_with(p, true) || precheck_shares_device(p)))
		return precheck_fail(err, "Migration pre-check error: %s is not on local storage: Block migration can not be used with shared storage.", source);
	if (p->req.block == MIG_BLOCK_NO && local) {
		g_autofree char *brief = g_strdup_printf("%s and %s do not share %s (%s)", source, p->dest_name, local->source, local->target);

		util_replace(&p->brief, brief);
		return precheck_fail(err, "Migration pre-check error: %s is not on shared storage: Shared storage live-migration requires either shared "
				     "storage or boot-from-volume with no local disks.", source);
	}
	if (many)
		return precheck_fail(err, "Migration pre-check error: Disk %s (%s) is shareable, and %s and %s do not share it.", many->target, many->source,
				     source, p->dest_name);
	g_clear_pointer(&p->report.copies, g_ptr_array_unref);
	p->report.copies = block_items(precheck_dom(p), is_shared, p);
	return PASS;
}

enum verdict precheck_storage(struct precheck *p, GError **err)
{
	if (!precheck_dom(p))
		return precheck_fetch_dom(p, err);
	if (precheck_volume_unknown(p))
		return precheck_skip(p, "it is not known where a disk is");
	if (!p->dirs) {
		find_dirs(p, precheck_dom(p));
		p->dir = 0;
	}
	if (p->dir == p->dirs->len)
		return judge_storage(p, err);
	next_dir(p);
	return ASKED;
}

/* ---- read-only drives: libvirt copies none; what is missing is brought before it is called, or refused ---- */

static struct block_item *next_media(struct precheck *p)
{
	for (; p->report.copies && p->media < p->report.copies->len; p->media++) {
		struct block_item *i = g_ptr_array_index(p->report.copies, p->media);

		if (i->filled && i->target)
			return i;
	}
	return NULL;
}

static void media_looked_for(struct precheck *p, struct hv_reply *r)
{
	struct block_item *i = g_ptr_array_index(p->report.copies, p->media);
	GError *err = NULL;

	if (precheck_busy(p, r, precheck_turn))
		return;
	p->media++;
	if (r->err)
		(void)precheck_fail(&err, "Migration pre-check error: Cannot look for the read-only drive %s at %s: %s", i->path, p->dest_name, r->err->message);
	else if (!r->vol.exists)
		(void)precheck_fail(&err, "Migration pre-check error: The read-only drive %s (%s) is not at %s.", i->target, i->path, p->dest_name);
	if (err)
		precheck_decided(p, FAIL, err);
	else
		precheck_run(p);
}

enum verdict precheck_drives(struct precheck *p, GError **err)
{
	const struct block_item *i = next_media(p);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };

	if (!i || p->req.block != MIG_BLOCK_NO)
		return PASS;
	req.vol.path = i->path;
	return precheck_ask_dest(p, &req, media_looked_for, err);
}

/* ---- room ---- */

static int64_t needed_mb(const struct precheck *p)
{
	int64_t bytes = 0;

	for (guint i = 0; p->report.copies && i < p->report.copies->len; i++) {
		const struct block_item *k = g_ptr_array_index(p->report.copies, i);

		bytes += p->req.disk_check == MIG_DISK_VIRTUAL || !k->allocation_bytes ? k->capacity_bytes : k->allocation_bytes;
	}
	return (bytes + (1 << 20) - 1) >> 20;
}

enum verdict precheck_disk(struct precheck *p, GError **err)
{
	const struct hv_host_info *dst = p->dest->info;
	int64_t need = needed_mb(p), room;

	if (!need)
		return PASS;
	if (!dst || !dst->disk_bytes)
		return precheck_skip(p, "no storage pool of the host reports its free space");
	room = (dst->disk_free_bytes >> 20) - fleet_conf(p->engine->fleet)->reserved_host_disk_mb;
	if (need <= room)
		return PASS;
	return precheck_fail(err, "Migration pre-check error: Unable to migrate %s: Disk of instance is too large(available on destination host:%"
			     G_GINT64_FORMAT " < need:%" G_GINT64_FORMAT ")", p->server_uuid, room, need);
}
