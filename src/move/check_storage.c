/* SPDX-License-Identifier: Apache-2.0
 *
 * Storage: which of a server's files do the two hosts share, and can the others
 * be copied?
 *
 * A volume made at the source is looked for at the destination. The source is
 * where the folder surely exists.
 */
#include "move/check_storage.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/marker.h"
#include "move/block.h"
#include "move/check_pool.h"

#define LOOK_AGAIN_MS 5000
#define LOOKS_MAX 15 /* past acdirmax, NFS's 60 s */

/* A folder with files that the guest writes to. */
struct dir {
	char *path;
	char *disk;  /* one of them */
	int looks;
	bool shared;
	bool lenient; /* what cannot be found out of it refuses nothing: it counts as shared */
};

static void dir_free(void *data)
{
	struct dir *d = data;

	g_free(d->path);
	g_free(d->disk);
	g_free(d);
}

/* What the experiment has come to. */
struct looked {
	GPtrArray *dirs;       /* struct dir *: folders whose sharing is looked into; NULL before */
	guint dir, media, file; /* the ones that are being looked at */
	struct volume *marker; /* made in that folder, or about to be */
};

static void looked_clear(void *part)
{
	struct looked *l = part;

	volume_let_go(&l->marker);
	g_clear_pointer(&l->dirs, g_ptr_array_unref);
}

static const struct check_part part = { sizeof(struct looked), looked_clear };

static struct looked *looked(struct check *p)
{
	return check_part(p, &part);
}

static struct dir *dir_of(const struct looked *l, const char *file)
{
	g_autofree char *path = g_path_get_dirname(file);

	for (guint i = 0; i < l->dirs->len; i++) {
		struct dir *d = g_ptr_array_index(l->dirs, i);

		if (strcmp(d->path, path) == 0)
			return d;
	}
	return NULL;
}

static bool is_media(const struct hv_disk *k)
{
	return k->readonly || k->cdrom;
}

static void add_dir(const struct looked *l, const char *file, bool lenient)
{
	struct dir *d = g_new0(struct dir, 1);

	d->lenient = lenient;
	d->path = g_path_get_dirname(file);
	d->disk = g_strdup(file);
	g_ptr_array_add(l->dirs, d);
}

static void find_dirs(struct looked *l, const struct hv_dom *dom)
{
	l->dirs = g_ptr_array_new_with_free_func(dir_free);
	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && !is_media(k) && !dir_of(l, k->source))
			add_dir(l, k->source, false);
	}
}

/* ---- the experiment ---- */

static struct dir *current(struct check *p)
{
	const struct looked *l = looked(p);

	return g_ptr_array_index(l->dirs, l->dir);
}

static void next_dir(struct check *p);

static void is_found_out(struct check *p, bool shared)
{
	struct dir *d = current(p);

	d->shared = shared;
	log_debug("storage_probed", LOG_S("server", p->server_uuid), LOG_S("dest", p->dest_name), LOG_S("folder", d->path), LOG_D("shared", d->shared));
	volume_let_go(&looked(p)->marker);
	looked(p)->dir++;
	next_dir(p);
}

static void sharing_unknown(struct check *p, const char *at, const char *why)
{
	const struct dir *d = current(p);
	GError *err = NULL;

	if (d->lenient) {
		is_found_out(p, true);
		return;
	}
	volume_let_go(&looked(p)->marker);
	(void)check_fail(&err, "Migration pre-check error: Cannot determine whether %s and %s share %s: at %s: %s",
			 p->source ? p->source->name : "-", p->dest_name, d->path, at, why);
	check_decided(p, CHECK_FAILED, err);
}

static void look_for_marker(struct check *p);

static void look_again(void *user)
{
	struct check *p = user;

	p->turn = NULL;
	check_look(p);
	if (p->source && p->dest)
		look_for_marker(p);
	else
		sharing_unknown(p, p->dest_name, "the host was removed");
}

/* It was made there, by this migration before a restart, or the guest's disk has another size: so this is another file. */
static bool is_another(struct check *p, const struct hv_vol *v)
{
	const struct volume *made = volume_find(p->volumes, p->dest_name, current(p)->disk);
	const struct hv_dom *dom = check_dom(p);

	if (made && p->req.task && volume_is_of(made, p->req.task))
		return true;
	for (guint i = 0; dom && i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (g_strcmp0(k->source, current(p)->disk) == 0)
			return k->capacity_bytes && v->capacity_bytes && k->capacity_bytes != v->capacity_bytes;
	}
	return false;
}

static void look_later(struct check *p)
{
	if (++current(p)->looks < LOOKS_MAX)
		p->turn = clock_after(LOOK_AGAIN_MS, look_again, p);
	else
		is_found_out(p, false);
}

/* The source's folder has had a marker of its own (fleet/marker.h) for longer than any list of a folder is kept. */
static bool has_proof(const struct check *p, const struct dir *d, struct marker_proof *ret)
{
	return p->source && marker_of(p->fleet, p->source->name, d->disk, ret) && ret->known_ms >= LOOK_AGAIN_MS * LOOKS_MAX;
}

/* The destination does not see it. One that was removed at the source says nothing. */
static void proof_looked_for_here(struct check *p, struct hv_reply *r)
{
	struct marker_proof proof;

	if (!r->err && has_proof(p, current(p), &proof) && marker_proves(&proof, &r->vol))
		is_found_out(p, false);
	else
		look_later(p);
}

static void proof_looked_for(struct check *p, struct hv_reply *r)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };
	struct marker_proof proof;

	if (r->err || !has_proof(p, current(p), &proof)) {
		look_later(p);
		return;
	}
	if (marker_proves(&proof, &r->vol)) {
		is_found_out(p, true);
		return;
	}
	req.vol.path = proof.path;
	if (!check_ask(p, p->source, &req, proof_looked_for_here))
		look_later(p);
}

/*
 * The marker was not seen. If the disk itself is, the destination may only list the folder as it was: NFS re-reads
 * directories after half a minute to a minute. To take shared storage for local would be the end of the disk.
 */
static void disk_looked_for(struct check *p, struct hv_reply *r)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };
	struct marker_proof proof;

	if (check_busy(p, r, look_again))
		return;
	if (r->err) {
		sharing_unknown(p, p->dest_name, r->err->message);
		return;
	}
	if (!r->vol.exists || is_another(p, &r->vol)) {
		is_found_out(p, false);
		return;
	}
	if (!has_proof(p, current(p), &proof)) {
		look_later(p);
		return;
	}
	req.vol.path = proof.path;
	if (!p->dest || !check_ask(p, p->dest, &req, proof_looked_for))
		look_later(p);
}

static void marker_looked_for(struct check *p, struct hv_reply *r)
{
	const struct dir *d = current(p);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = d->disk };

	if (check_busy(p, r, look_again))
		return;
	if (r->err)
		sharing_unknown(p, p->dest_name, r->err->message);
	else if (r->vol.exists)
		is_found_out(p, true);
	else if (!p->dest || !check_ask(p, p->dest, &req, disk_looked_for))
		sharing_unknown(p, p->dest_name, "the host is not connected");
}

static void look_for_marker(struct check *p)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = looked(p)->marker->path };

	if (!p->dest || !check_ask(p, p->dest, &req, marker_looked_for))
		sharing_unknown(p, p->dest_name, "the host is not connected");
}

static void make_marker(struct check *p);

static void make_again(void *user)
{
	struct check *p = user;

	p->turn = NULL;
	check_look(p);
	if (p->source && strcmp(p->source->name, looked(p)->marker->host) == 0) {
		make_marker(p);
		return;
	}
	volume_let_go(&looked(p)->marker); /* the guest has left meanwhile */
	next_dir(p);
}

static void marker_made(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, make_again))
		return;
	p->report.hopeless |= r->err && err_code(r->err) == ERR_HV_BUSY;
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		volume_let_go(&looked(p)->marker);
		check_source_failed(p, r->err);
	} else if (r->err) {
		sharing_unknown(p, looked(p)->marker->host, r->err->message);
	} else {
		look_for_marker(p);
	}
}

static void make_marker(struct check *p)
{
	struct hv_req req = {
		.op = HV_VOL_CREATE, .uuid = p->server_uuid, .vol = { .path = looked(p)->marker->path, .format = "raw", .capacity_bytes = 512 },
	};

	if (!check_ask(p, p->source, &req, marker_made))
		sharing_unknown(p, looked(p)->marker->host, "the host is not connected");
}

static bool note_marker(struct check *p, const struct dir *d, GError **err)
{
	g_autofree char *id = util_uuid_new(), *path = g_strdup_printf("%s/drover-marker-%s", d->path, id);
	struct volume_new new = { volume_owner_task(p->req.task), p->server_uuid, p->source->name, path, VOLUME_MARKER };
	struct looked *l = looked(p);

	l->marker = volume_note(p->volumes, &new, err);
	if (l->marker)
		volume_call_begins(l->marker);
	return l->marker != NULL;
}

static void next_dir(struct check *p)
{
	const struct looked *l = looked(p);
	GError *err = NULL;

	if (l->dir == l->dirs->len || !p->source) {
		check_run(p);
		return;
	}
	if (!note_marker(p, current(p), &err)) {
		p->report.source_lost = true; /* the database is away: again, later */
		check_decided(p, CHECK_FAILED, err);
		return;
	}
	make_marker(p);
}

/* ---- what it means ---- */

bool check_shares_folder(struct check *p, const char *path)
{
	const struct looked *l = looked(p);
	const struct dir *d = l->dirs ? dir_of(l, path) : NULL;

	return d && d->shared;
}

static bool is_shared(const char *path, void *user)
{
	return check_shares_folder(user, path);
}

/* Nova judges the whole instance; here each disk counts, and the first that is in the way is named. */
static const struct hv_disk *disk_with(struct check *p, bool shared)
{
	const struct hv_dom *dom = check_dom(p);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && !is_media(k) && is_shared(k->source, p) == shared)
			return k;
	}
	return NULL;
}

static const struct hv_disk *shareable_disk(struct check *p)
{
	const struct hv_dom *dom = check_dom(p);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && k->shareable && !is_media(k) && !is_shared(k->source, p))
			return k;
	}
	return NULL;
}

static enum check_result judge_storage(struct check *p, GError **err)
{
	const char *source = p->source->name;
	const struct hv_disk *local = disk_with(p, false), *many = shareable_disk(p);

	if (p->req.block == MIG_BLOCK_YES && !local && (disk_with(p, true) || p->shares_device))
		return check_fail(err, "Migration pre-check error: %s is not on local storage: Block migration can not be used with shared storage.", source);
	if (p->req.block == MIG_BLOCK_NO && local) {
		g_autofree char *brief = g_strdup_printf("%s and %s do not share %s (%s)", source, p->dest_name, local->source, local->target);

		util_replace(&p->brief, brief);
		return check_fail(err, "Migration pre-check error: %s is not on shared storage: Shared storage %s-migration requires either shared "
				  "storage or boot-from-volume with no local disks.", source, p->req.kind->checks->words.way);
	}
	if (many)
		return check_fail(err, "Migration pre-check error: Disk %s (%s) is shareable, and %s and %s do not share it.", many->target, many->source,
				  source, p->dest_name);
	g_clear_pointer(&p->report.copies, g_ptr_array_unref);
	p->report.copies = block_items(check_dom(p), is_shared, p);
	return CHECK_PASSED;
}

enum check_result check_storage(struct check *p, GError **err)
{
	struct looked *l = looked(p);

	if (!check_dom(p))
		return check_fetch_dom(p, err);
	if (check_volume_unknown(p))
		return check_skip(p, "it is not known where a disk is");
	if (!l->dirs)
		find_dirs(l, check_dom(p));
	if (l->dir == l->dirs->len)
		return judge_storage(p, err);
	next_dir(p);
	return CHECK_ASKED;
}

static enum check_result find_sharing(struct check *p, const char *path, bool lenient, bool *ret, GError **err)
{
	struct looked *l = looked(p);

	if (!check_dom(p))
		return check_fetch_dom(p, err);
	if (!l->dirs)
		find_dirs(l, check_dom(p));
	if (!dir_of(l, path))
		add_dir(l, path, lenient);
	if (l->dir < l->dirs->len) {
		next_dir(p);
		return CHECK_ASKED;
	}
	*ret = dir_of(l, path)->shared;
	return CHECK_PASSED;
}

enum check_result check_sharing(struct check *p, const char *path, bool *ret, GError **err)
{
	return find_sharing(p, path, false, ret, err);
}

enum check_result check_sharing_known(struct check *p, const char *path, bool *ret, GError **err)
{
	return find_sharing(p, path, true, ret, err);
}

/* ---- read-only drives: libvirt copies none; what is missing is brought before it is called, or refused ---- */

static struct block_item *next_media(struct check *p)
{
	struct looked *l = looked(p);

	for (; p->report.copies && l->media < p->report.copies->len; l->media++) {
		struct block_item *i = g_ptr_array_index(p->report.copies, l->media);

		if (i->filled && i->target)
			return i;
	}
	return NULL;
}

static void media_looked_for(struct check *p, struct hv_reply *r)
{
	struct looked *l = looked(p);
	struct block_item *i = g_ptr_array_index(p->report.copies, l->media);
	GError *err = NULL;

	if (check_busy(p, r, check_turn))
		return;
	l->media++;
	if (r->err)
		(void)check_fail(&err, "Migration pre-check error: Cannot look for the read-only drive %s at %s: %s", i->path, p->dest_name, r->err->message);
	else if (!r->vol.exists)
		(void)check_fail(&err, "Migration pre-check error: The read-only drive %s (%s) is not at %s.", i->target, i->path, p->dest_name);
	if (err)
		check_decided(p, CHECK_FAILED, err);
	else
		check_run(p);
}

enum check_result check_drives(struct check *p, GError **err)
{
	const struct block_item *i = next_media(p);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };

	if (!i || p->req.block != MIG_BLOCK_NO)
		return CHECK_PASSED;
	req.vol.path = i->path;
	return check_ask_dest(p, &req, media_looked_for, err);
}

/* ---- files to copy into: one that is there already is not written over, which is to be known before anything is done with the guest ---- */

/* What this migration has made there, or an earlier one that takes it away, is not in the way. */
static struct block_item *next_file(struct check *p)
{
	struct looked *l = looked(p);

	for (; p->report.copies && l->file < p->report.copies->len; l->file++) {
		struct block_item *i = g_ptr_array_index(p->report.copies, l->file);

		if (!i->filled && !volume_find(p->volumes, p->dest_name, i->path))
			return i;
	}
	return NULL;
}

static void file_looked_for(struct check *p, struct hv_reply *r)
{
	const struct block_item *i;
	GError *err = NULL;

	if (check_busy(p, r, check_turn))
		return;
	i = g_ptr_array_index(p->report.copies, looked(p)->file++);
	if (r->err)
		(void)check_fail(&err, "Migration pre-check error: Cannot look for %s at %s: %s", i->path, p->dest_name, r->err->message);
	else if (r->vol.exists)
		(void)check_fail(&err, "Migration pre-check error: Unable to migrate %s: %s has a file %s already, which is no known leftover of Drover's and is not "
				 "written over. Remove it there", p->server_uuid, p->dest_name, i->path);
	if (err)
		check_decided(p, CHECK_FAILED, err);
	else
		check_run(p);
}

enum check_result check_files(struct check *p, GError **err)
{
	const struct block_item *i = next_file(p);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };

	if (!i)
		return CHECK_PASSED;
	req.vol.path = i->path;
	return check_ask_dest(p, &req, file_looked_for, err);
}

/* ---- room ---- */

static int64_t needed_mb(const struct check *p)
{
	int64_t bytes = 0;

	for (guint i = 0; p->report.copies && i < p->report.copies->len; i++) {
		const struct block_item *k = g_ptr_array_index(p->report.copies, i);

		bytes += p->req.disk_check == MIG_DISK_VIRTUAL || !k->allocation_bytes ? k->capacity_bytes : k->allocation_bytes;
	}
	return (bytes + (1 << 20) - 1) >> 20;
}

enum check_result check_disk(struct check *p, GError **err)
{
	const struct hv_host_info *dst = p->dest->info;
	int64_t need = needed_mb(p), room;

	if (!need)
		return CHECK_PASSED;
	if (!dst || !dst->disk_bytes)
		return check_skip(p, "no storage pool of the host reports its free space");
	room = (dst->disk_free_bytes >> 20) - fleet_conf(p->fleet)->reserved_host_disk_mb;
	if (need <= room)
		return CHECK_PASSED;
	return check_fail(err, "Migration pre-check error: Unable to migrate %s: Disk of instance is too large(available on destination host:%"
			  G_GINT64_FORMAT " < need:%" G_GINT64_FORMAT ")", p->server_uuid, room, need);
}
