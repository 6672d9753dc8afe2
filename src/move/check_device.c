/* SPDX-License-Identifier: Apache-2.0
 *
 * Block devices of a guest: is what the destination has at that path the same
 * device? Otherwise the guest would go on upon another disk, and libvirt would not
 * say a word. A device cannot be copied either: what is at the destination may
 * be in use.
 *
 * First both hosts are asked by what name they know it, then what is in it, which
 * needs a probe (HV_DEVICE_GET): a row says that there is one before it is defined.
 *
 * Files that the guest only reads (backing files, CD-ROMs) are not copied where the
 * destination has one of that path already. It must have the same bytes in it: of
 * these the contents are all that matters.
 */
#include "move/check_device.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "move/block.h"
#include "move/check_pool.h"
#include "move/check_storage.h"
#include "move/device.h"

#define READ_AGAIN_MS 1000
#define READS_MAX 5

/* A device that the guest reads or writes, or a file that it only reads. */
struct device {
	char *target, *path;
	bool file;
	bool may_lack; /* a file that is brought, or whose absence another check judges */
	struct hv_device source, dest; /* what was said last */
	struct device_match match;
	int reads;
};

static void device_free(void *data)
{
	struct device *d = data;

	g_free(d->target);
	g_free(d->path);
	hv_device_clear(&d->source);
	hv_device_clear(&d->dest);
	device_match_clear(&d->match);
	g_free(d);
}

/* A file of the guest's that may be laid over another. */
struct top {
	char *target, *path;
	bool brought;
};

static void top_free(void *data)
{
	struct top *t = data;

	g_free(t->target);
	g_free(t->path);
	g_free(t);
}

/* What a run has come to. */
struct read {
	GPtrArray *devices;   /* struct device *; NULL before */
	guint device;         /* the one that is being looked at */
	GPtrArray *files;     /* likewise: that the guest only reads; NULL before that row */
	guint file;
	GPtrArray *tops;      /* struct top *: files of a guest that is off of which the source is asked what they are laid over */
	guint top;
	struct volume *probe; /* of it, defined or about to be */
};

static void read_clear(void *part)
{
	struct read *r = part;

	volume_let_go(&r->probe);
	g_clear_pointer(&r->devices, g_ptr_array_unref);
	g_clear_pointer(&r->files, g_ptr_array_unref);
	g_clear_pointer(&r->tops, g_ptr_array_unref);
}

static const struct check_part part = { sizeof(struct read), read_clear };

static struct read *reading(struct check *p)
{
	return check_part(p, &part);
}

static struct device *current(struct check *p)
{
	const struct read *r = reading(p);

	return r->files ? g_ptr_array_index(r->files, r->file) : g_ptr_array_index(r->devices, r->device);
}

static struct device *add(GPtrArray *list, const char *target, const char *path)
{
	struct device *d = g_new0(struct device, 1);

	d->target = g_strdup(target);
	d->path = g_strdup(path);
	g_ptr_array_add(list, d);
	return d;
}

static void find_devices(struct read *r, const struct hv_dom *dom)
{
	r->devices = g_ptr_array_new_with_free_func(device_free);
	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (k->kind == HV_SOURCE_DEVICE && k->source)
			(void)add(r->devices, k->target, k->source);
		for (guint b = 0; k->backing && b < k->backing->len; b++) {
			const struct hv_backing *under = g_ptr_array_index(k->backing, b);

			if (under->kind == HV_SOURCE_DEVICE && under->path)
				(void)add(r->devices, k->target, under->path);
		}
	}
}

/* ---- the verdict on one ---- */

static void refuse(struct check *p, const char *why)
{
	const struct device *d = current(p);
	g_autofree char *brief = g_strdup_printf(d->file ? "%s (%s) is a file that the guest reads, and %s and %s are not proved to have the same in it: %s"
							 : "%s (%s) is a block device that %s and %s are not proved to share: %s", d->path,
						 d->target ? d->target : "?", p->source ? p->source->name : "-", p->dest_name, why);
	GError *err = NULL;

	volume_let_go(&reading(p)->probe);
	log_debug("device_not_shared", LOG_S("server", p->server_uuid), LOG_S("dest", p->dest_name), LOG_S("path", d->path), LOG_S("why", why));
	util_replace(&p->brief, brief);
	(void)check_fail(&err, "Migration pre-check error: %s.", brief);
	check_decided(p, CHECK_FAILED, err);
}

static void is_the_same(struct check *p)
{
	struct read *r = reading(p);

	log_debug("device_shared", LOG_S("server", p->server_uuid), LOG_S("dest", p->dest_name), LOG_S("path", current(p)->path));
	if (r->files)
		r->file++;
	else
		r->device++;
	check_run(p);
}

/* @source: it was the source's answer. Return: it was an error, and that is seen to. */
static bool failed(struct check *p, const struct hv_reply *r, bool source)
{
	g_autofree char *why = NULL;

	if (!r->err)
		return false;
	if (source && err_code(r->err) == ERR_HV_LOST) {
		volume_let_go(&reading(p)->probe);
		check_source_failed(p, r->err);
		return true;
	}
	why = g_strdup_printf("at %s: %s", source && p->source ? p->source->name : source ? "the source" : p->dest_name, r->err->message);
	refuse(p, why);
	return true;
}

/* ---- what is in it ---- */

static void read_source(struct check *p);

static void read_again(void *user)
{
	struct check *p = user;

	p->turn = NULL;
	check_look(p);
	read_source(p);
}

static void compare(struct check *p)
{
	struct device *d = current(p);
	g_autofree char *why = NULL;

	if (d->source.size_bytes != d->dest.size_bytes) {
		why = g_strdup_printf("it has %" G_GINT64_FORMAT " bytes at the source and %" G_GINT64_FORMAT " at the destination",
				      d->source.size_bytes, d->dest.size_bytes);
		refuse(p, why);
	} else if (device_match_add(&d->match, &d->source, &d->dest)) {
		is_the_same(p);
	} else if (++d->reads < READS_MAX) {
		p->turn = clock_after(READ_AGAIN_MS, read_again, p);
	} else {
		refuse(p, "other bytes are read at the destination than at the source");
	}
}

static void take(struct hv_device *into, struct hv_reply *r)
{
	hv_device_clear(into);
	*into = *r->device;
	g_clear_pointer(&r->device, g_free);
}

static void dest_read(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, read_again) || failed(p, r, false))
		return;
	volume_let_go(&reading(p)->probe);
	take(&current(p)->dest, r);
	compare(p);
}

/* Ask a host for what is in the device. */
static void read_at(struct check *p, struct host *h, check_answer_f *answer)
{
	const struct hv_dom *dom = p->server ? check_dom(p) : NULL;
	struct hv_req req = { .op = HV_DEVICE_GET, .uuid = p->server_uuid, .vol.path = current(p)->path };
	struct volume_new new = { .owner = volume_owner_task(p->req.task), .server_uuid = p->server_uuid };
	struct volume *probe;
	GError *err = NULL;

	if (!h || !dom) {
		refuse(p, "the host was removed");
		return;
	}
	/* The one of a host that was busy is of no use any more. */
	volume_let_go(&reading(p)->probe);
	new.host = h->name;
	reading(p)->probe = probe = volume_note_probe(p->volumes, &new, &err);
	if (!probe) {
		p->report.source_lost = true; /* the database is away: again, later */
		check_decided(p, CHECK_FAILED, err);
		return;
	}
	volume_call_begins(probe);
	req.vol.probe = volume_probe_uuid(probe);
	req.vol.virt_type = dom->virt_type;
	req.vol.arch = dom->arch;
	if (!check_ask(p, h, &req, answer))
		refuse(p, "the host is not connected");
}

static void source_read(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, read_again) || failed(p, r, true))
		return;
	volume_let_go(&reading(p)->probe);
	take(&current(p)->source, r);
	read_at(p, p->dest, dest_read);
}

static void read_source(struct check *p)
{
	read_at(p, p->source, source_read);
}

/* ---- identity ---- */

static void ask_dest(struct check *p);

static void dest_named(struct check *p, struct hv_reply *r)
{
	struct device *d = current(p);
	const char *const *promises = (const char *const *)fleet_conf(p->fleet)->shared_block_devices;
	g_autofree char *why = NULL;

	if (check_busy(p, r, check_turn) || failed(p, r, false))
		return;
	take(&d->dest, r);
	if (device_names_agree(d->path, &d->source, &d->dest, device_promised(promises, d->path), &why))
		read_source(p);
	else
		refuse(p, why);
}

static void source_named(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, check_turn) || failed(p, r, true))
		return;
	take(&current(p)->source, r);
	ask_dest(p);
}

static void ask_dest(struct check *p)
{
	struct hv_req req = { .op = HV_DEVICE_GET, .uuid = p->server_uuid, .vol.path = current(p)->path };

	if (!p->dest || !check_ask(p, p->dest, &req, dest_named))
		refuse(p, "the host is not connected");
}

/* ---- the row ---- */

/* Kinds of sources that belong to the host, whatever the destination has. */
static const char *const own_kinds[HV_SOURCE_N] = {
	[HV_SOURCE_OTHER] = "neither a file nor a block device nor a network disk",
	[HV_SOURCE_LOOPBACK] = "a network disk whose server is its host itself (localhost, or a socket there)",
};

/* Return: why that source belongs to its host; NULL: it does not, or the operator says so. */
static const char *own(const struct check *p, enum hv_source kind, const char *source)
{
	const char *const *promises = (const char *const *)fleet_conf(p->fleet)->shared_block_devices;

	if (kind == HV_SOURCE_LOOPBACK && source && device_promised(promises, source))
		return NULL;
	return own_kinds[kind];
}

/* What no rule is known for belongs to its host. */
static enum check_result other_disks(struct check *p, GError **err)
{
	const struct hv_dom *dom = check_dom(p);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);
		const char *source = k->source, *why = own(p, k->kind, source);

		for (guint b = 0; !why && k->backing && b < k->backing->len; b++) {
			const struct hv_backing *under = g_ptr_array_index(k->backing, b);

			source = under->path;
			why = own(p, under->kind, source);
		}
		if (!why)
			continue;
		p->report.hopeless = true;
		return check_fail(err, "Migration pre-check error: Disk %s (%s) is %s: it belongs to %s.", k->target ? k->target : "?",
				  source ? source : "-", why, p->source->name);
	}
	return CHECK_PASSED;
}

enum check_result check_block_devices(struct check *p, GError **err)
{
	struct read *r = reading(p);
	struct hv_req req = { .op = HV_DEVICE_GET, .uuid = p->server_uuid };

	if (!check_dom(p))
		return check_fetch_dom(p, err);
	if (check_volume_unknown(p))
		return check_skip(p, "it is not known where a disk is");
	if (!r->devices)
		find_devices(r, check_dom(p));
	if (r->device == r->devices->len) {
		p->shares_device = r->devices->len > 0;
		return other_disks(p, err);
	}
	req.vol.path = current(p)->path;
	return check_ask_source(p, &req, source_named, err);
}

/* ---- the row of files that the guest only reads ---- */

static void add_file(GPtrArray *files, const char *target, const char *path, bool may_lack)
{
	struct device *d;

	for (guint i = 0; i < files->len; i++) {
		struct device *have = g_ptr_array_index(files, i);

		if (strcmp(have->path, path) != 0)
			continue;
		have->may_lack &= may_lack;
		return;
	}
	d = add(files, target, path);
	d->file = true;
	d->may_lack = may_lack;
}

static GPtrArray *find_files(struct check *p, const struct hv_dom *dom)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(device_free);

	for (guint i = 0; i < dom->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);
		bool brought = block_is_local(k) && !check_shares_folder(p, k->source);

		if (brought && (k->readonly || k->cdrom))
			add_file(files, k->target, k->source, true);
		for (guint b = 0; k->backing && b < k->backing->len; b++) {
			const struct hv_backing *under = g_ptr_array_index(k->backing, b);

			if (under->path && *under->path == '/' && under->kind == HV_SOURCE_FILE && !check_shares_folder(p, under->path))
				add_file(files, k->target, under->path, brought);
		}
	}
	return files;
}

/* ---- what files of a guest that is off are laid over: its description does not say it ---- */

static void add_top(GPtrArray *tops, const char *target, const char *path, bool brought)
{
	struct top *t;

	for (guint i = 0; i < tops->len; i++)
		if (strcmp(((const struct top *)g_ptr_array_index(tops, i))->path, path) == 0)
			return;
	t = g_new(struct top, 1);
	*t = (struct top){ g_strdup(target), g_strdup(path), brought };
	g_ptr_array_add(tops, t);
}

static GPtrArray *find_tops(struct check *p, const struct hv_dom *dom)
{
	GPtrArray *tops = g_ptr_array_new_with_free_func(top_free);

	for (guint i = 0; i < dom->disks->len && (dom->state == HV_SHUTOFF || dom->state == HV_CRASHED); i++) {
		const struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (block_is_local(k) && !k->readonly && !k->cdrom)
			add_top(tops, k->target, k->source, !check_shares_folder(p, k->source));
	}
	return tops;
}

/* Drover has brought it from the source, or is about to go on with that. */
static bool is_ours(struct check *p, const char *path)
{
	return volume_find(p->volumes, p->dest_name, path) != NULL;
}

static void source_told(struct check *p, struct hv_reply *r)
{
	struct read *mine = reading(p);
	const struct top *t = g_ptr_array_index(mine->tops, mine->top);
	const char *under = r->vol.backing;

	if (check_busy(p, r, check_turn))
		return;
	if (r->err) {
		check_source_failed(p, r->err);
		return;
	}
	mine->top++;
	if (under && *under == '/') {
		if (!check_shares_folder(p, under) && !is_ours(p, under))
			add_file(mine->files, t->target, under, t->brought);
		add_top(mine->tops, t->target, under, t->brought);
	}
	check_run(p);
}

static void file_looked_for(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, check_turn) || failed(p, r, false))
		return;
	if (r->vol.exists)
		read_source(p);
	else if (current(p)->may_lack)
		is_the_same(p);
	else
		refuse(p, "the destination has none");
}

enum check_result check_read_files(struct check *p, GError **err)
{
	struct read *r = reading(p);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid };

	if (!check_dom(p))
		return check_fetch_dom(p, err);
	if (check_volume_unknown(p))
		return check_skip(p, "it is not known where a disk is");
	if (!r->files) {
		r->files = find_files(p, check_dom(p));
		r->tops = find_tops(p, check_dom(p));
	}
	if (r->top < r->tops->len) {
		req.vol.path = ((const struct top *)g_ptr_array_index(r->tops, r->top))->path;
		return check_ask_source(p, &req, source_told, err);
	}
	if (r->file == r->files->len)
		return CHECK_PASSED;
	req.vol.path = current(p)->path;
	return check_ask_dest(p, &req, file_looked_for, err);
}
