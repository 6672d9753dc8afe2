/* SPDX-License-Identifier: Apache-2.0 */
#include "move/remains.h"

#include <string.h>

#include "base/err.h"
#include "fleet/marker.h"
#include "move/device.h"

#define CHAIN_MAX 100

/* An inquiry that is under way: of one disk after the other. */
struct remains_run {
	struct fleet *fleet;
	char *server_uuid, *source, *dest;
	GPtrArray *disks;            /* struct hv_disk * */
	guint i;                     /* the one that is looked at */
	guint base;                  /* ... and of what it is laid over */
	int under;                   /* ... how far below that */
	struct remains_disk *one;    /* what is known of it; in .result */
	struct marker_proof proof;   /* of the folder whose other users are asked; its path owned */
	int others;                  /* how many of them have not answered */
	char *other;                 /* one of them that has it, or does not answer */
	struct remains result;
	remains_f *done;
	void *user;
};

static void disk_free(void *data)
{
	struct remains_disk *d = data;

	g_free(d->target);
	g_free(d->path);
	g_free(d->why);
	g_free(d->base);
	g_free(d->base_format);
	g_free(d);
}

static void run_free(struct remains_run *x)
{
	g_ptr_array_unref(x->result.disks);
	g_free(x->result.unknown);
	g_ptr_array_unref(x->disks);
	g_free((char *)x->proof.path);
	g_free(x->other);
	g_free(x->server_uuid);
	g_free(x->source);
	g_free(x->dest);
	g_free(x);
}

static void finish(struct remains_run *x)
{
	x->done(&x->result, x->user);
	run_free(x);
}

/* At the begin of each answer. Return: it was cancelled, and is gone. */
static bool is_cancelled(struct remains_run *x)
{
	if (x->done)
		return false;
	run_free(x);
	return true;
}

static const struct hv_disk *disk_of(const struct remains_run *x)
{
	return g_ptr_array_index(x->disks, x->i);
}

static void cannot_tell(struct remains_run *x, const char *why)
{
	x->result.unknown = g_strdup(why);
	finish(x);
}

static void next_disk(struct remains_run *x);

/* @why: taken */
static void lost(struct remains_run *x, char *why)
{
	const struct hv_disk *k = disk_of(x);

	x->one->kind = REMAINS_LOST;
	x->one->why = g_strdup_printf("disk %s (%s): %s", k->target ? k->target : "-", k->source, why);
	if (!x->result.lost)
		x->result.lost = x->one->why;
	g_free(why);
	next_disk(x);
}

static void used(struct remains_run *x)
{
	x->one->kind = REMAINS_USED;
	next_disk(x);
}

/* Return: false: @dest is not connected, and the inquiry is over. */
static bool ask_dest(struct remains_run *x, const struct hv_req *req, hv_done_f *done)
{
	if (host_call(fleet_host(x->fleet, x->dest), req, done, x))
		return true;
	cannot_tell(x, "the destination is not connected");
	return false;
}

static void ask_marker(struct remains_run *x, const char *file, marker_done_f *done)
{
	const struct marker_question q = { x->source, x->dest, file };

	if (!marker_ask(x->fleet, &q, done, x))
		cannot_tell(x, "the destination is not connected");
}

static const struct hv_backing *base_of(const struct remains_run *x)
{
	const GPtrArray *chain = disk_of(x)->backing;

	return chain && x->base < chain->len ? g_ptr_array_index(chain, x->base) : NULL;
}

/* ---- a shared disk: all that it is laid over must be the same, too ---- */

static void check_bases(struct remains_run *x);

static void base_seen(const struct marker_answer *a, void *user)
{
	struct remains_run *x = user;

	if (is_cancelled(x))
		return;
	if (a->verdict == MARKER_UNKNOWN) {
		cannot_tell(x, a->why);
	} else if (a->verdict != MARKER_SHARED || !a->vol->exists) {
		lost(x, g_strdup_printf("it is laid over %s, which is not proved to be the same at %s: %s", base_of(x)->path, x->dest,
		                        a->why ? a->why : "it is not there"));
	} else {
		x->base++;
		check_bases(x);
	}
}

static void check_bases(struct remains_run *x)
{
	const struct hv_backing *b = base_of(x);

	for (; b && b->kind == HV_SOURCE_NETWORK; b = base_of(x))
		x->base++;
	if (!b)
		used(x);
	else if (b->kind != HV_SOURCE_FILE || b->pool || !b->path || *b->path != '/')
		lost(x, g_strdup_printf("it is laid over %s, of which nothing is proved at %s", b->path ? b->path : "something", x->dest));
	else
		ask_marker(x, b->path, base_seen);
}

/* ---- one that was the dead host's own: over what is it made again? ---- */

static void rebuild(struct remains_run *x)
{
	x->one->kind = REMAINS_REBUILT;
	x->result.rebuilt++;
	next_disk(x);
}

static void look_at_base(struct remains_run *x);

/* What the base itself is laid over must be there; the host says how far down it goes. */
static void under_seen(struct hv_reply *r, void *user)
{
	struct remains_run *x = user;
	struct hv_req req = { .op = HV_VOL_GET };

	if (is_cancelled(x))
		return;
	req.uuid = x->server_uuid;
	if (r->err) {
		cannot_tell(x, r->err->message);
	} else if (!r->vol.exists || x->under++ == CHAIN_MAX) {
		x->base++;
		look_at_base(x);
	} else if (r->vol.backing && *r->vol.backing == '/') {
		req.vol.path = r->vol.backing;
		(void)ask_dest(x, &req, under_seen);
	} else {
		rebuild(x);
	}
}

static bool fits(const struct remains_run *x, const struct hv_vol *v)
{
	return v->exists && v->kind == HV_SOURCE_FILE && g_strcmp0(v->format, base_of(x)->format) == 0 && v->capacity_bytes <= x->one->capacity_bytes;
}

static void base_looked_for(struct hv_reply *r, void *user)
{
	struct remains_run *x = user;

	if (is_cancelled(x))
		return;
	if (!r->err && fits(x, &r->vol)) {
		const struct hv_backing *b = base_of(x);

		util_replace(&x->one->base, b->path);
		util_replace(&x->one->base_format, b->format);
		x->under = 0;
		under_seen(r, x);
	} else if (r->err) {
		cannot_tell(x, r->err->message);
	} else {
		x->base++;
		look_at_base(x);
	}
}

static void look_at_base(struct remains_run *x)
{
	const struct hv_backing *b = base_of(x);
	struct hv_req req = { .op = HV_VOL_GET, .uuid = x->server_uuid };

	while (b && (b->kind != HV_SOURCE_FILE || b->pool || !b->path || *b->path != '/' || !b->format)) {
		x->base++;
		b = base_of(x);
	}
	if (!b) {
		lost(x, g_strdup_printf("it was %s's own, and %s has no image that it was laid over", x->source, x->dest));
		return;
	}
	req.vol.path = b->path;
	(void)ask_dest(x, &req, base_looked_for);
}

/* ---- was it the dead host's own? ---- */

struct other {
	struct remains_run *run;
	char *host;
};

static void all_others_told(struct remains_run *x)
{
	if (x->other)
		lost(x, g_strdup_printf("it may not be %s's own: %s has its folder, or does not say, and %s has not", x->source, x->other, x->dest));
	else
		look_at_base(x);
}

static void other_told(struct hv_reply *r, void *user)
{
	struct other *o = user;
	struct remains_run *x = o->run;

	/* one that does not answer has the folder, as far as is known */
	if (r->err || marker_proves(&x->proof, &r->vol))
		util_replace(&x->other, o->host);
	g_free(o->host);
	g_free(o);
	if (--x->others == 0 && !is_cancelled(x))
		all_others_told(x);
}

/* Return: how many were asked. */
static int ask_others(struct remains_run *x)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol = { .path = x->proof.path } };
	const struct host *dest = fleet_host(x->fleet, x->dest);
	GPtrArray *hosts = fleet_hosts(x->fleet);

	for (guint i = 0; dest && i < hosts->len; i++) {
		struct host *h = g_ptr_array_index(hosts, i);
		struct other *o;

		if (h == dest || strcmp(h->name, x->source) == 0 || h->conn != HOST_UP || strcmp(host_cell(h), host_cell(dest)) != 0)
			continue;
		o = g_new0(struct other, 1);
		o->run = x;
		o->host = g_strdup(h->name);
		x->others++;
		(void)host_call(h, &req, other_told, o); /* it is up */
	}
	return x->others;
}

static void is_local(struct remains_run *x)
{
	const struct hv_disk *k = disk_of(x);
	struct marker_proof p;

	if (k->pool) {
		lost(x, g_strdup_printf("it is a volume of a pool, %s has none of that name, and such are not rebuilt", x->dest));
		return;
	}
	if (!marker_of(x->fleet, x->source, x->one->path, &p)) {
		lost(x, g_strdup_printf("whether others share its folder is not known, since %s had no marker there", x->source));
		return;
	}
	if (!k->capacity_bytes) {
		lost(x, g_strdup("it was the dead host's own, and its size is not known"));
		return;
	}
	x->one->capacity_bytes = k->capacity_bytes;
	x->proof = (struct marker_proof){ g_strdup(p.path), p.changed_ns };
	if (ask_others(x) == 0)
		look_at_base(x);
}

/* ---- a file ---- */

static void file_seen(const struct marker_answer *a, void *user)
{
	struct remains_run *x = user;
	const struct hv_disk *k = disk_of(x);
	bool there = a->vol && a->vol->exists, reads = k->readonly || k->cdrom;

	if (is_cancelled(x))
		return;
	if (a->verdict == MARKER_UNKNOWN)
		cannot_tell(x, a->why);
	else if (a->verdict == MARKER_SHARED && there && !reads)
		check_bases(x);
	else if (reads && there)
		used(x);
	else if (reads || a->verdict == MARKER_SHARED)
		lost(x, g_strdup_printf("it is not at %s", x->dest));
	else if (there)
		lost(x, g_strdup_printf("a file of that path is at %s, and nothing proves that it is the same: %s", x->dest, a->why));
	else
		is_local(x);
}

static void pool_seen(struct hv_reply *r, void *user)
{
	struct remains_run *x = user;
	const struct hv_disk *k = disk_of(x);

	if (is_cancelled(x))
		return;
	if (r->err && err_code(r->err) != ERR_NOT_FOUND)
		cannot_tell(x, r->err->message);
	else if (r->err)
		lost(x, g_strdup_printf("%s: %s", x->dest, r->err->message));
	else if (r->vol.kind == HV_SOURCE_NETWORK && r->vol.exists)
		used(x);
	else if (r->vol.kind != HV_SOURCE_FILE || !r->vol.path || *r->vol.path != '/')
		lost(x, g_strdup_printf("the pool %s of %s is no folder of files, and nothing proves that it is the same", k->pool, x->dest));
	else {
		util_replace(&x->one->path, r->vol.path);
		ask_marker(x, x->one->path, file_seen);
	}
}

static void look_at_file(struct remains_run *x)
{
	const struct hv_disk *k = disk_of(x);
	struct hv_req req = { .op = HV_VOL_FIND, .uuid = x->server_uuid, .vol = { .pool = k->pool, .name = k->source } };

	if (k->pool) {
		(void)ask_dest(x, &req, pool_seen);
		return;
	}
	util_replace(&x->one->path, k->source);
	if (block_is_local(k))
		ask_marker(x, k->source, file_seen);
	else
		lost(x, g_strdup("it has no path"));
}

/* ---- one after the other ---- */

static void look_at(struct remains_run *x)
{
	const struct hv_disk *k = disk_of(x);
	const char *const *promises = (const char *const *)fleet_conf(x->fleet)->shared_block_devices;

	x->base = 0;
	util_replace((char **)&x->proof.path, NULL);
	util_replace(&x->other, NULL);
	x->one = g_new0(struct remains_disk, 1);
	x->one->target = g_strdup(k->target);
	g_ptr_array_add(x->result.disks, x->one);
	if (k->kind == HV_SOURCE_FILE)
		look_at_file(x);
	else if (k->kind == HV_SOURCE_NETWORK)
		used(x);
	else if (k->kind != HV_SOURCE_OTHER && device_promised(promises, k->source))
		used(x);
	else
		lost(x, g_strdup_printf("it belonged to %s, and nothing proves that %s has the same; [libvirt] shared_block_devices can promise it", x->source, x->dest));
}

static void go_on(struct remains_run *x)
{
	while (x->i < x->disks->len && !disk_of(x)->source)
		x->i++;
	if (x->i < x->disks->len)
		look_at(x);
	else
		finish(x);
}

static void next_disk(struct remains_run *x)
{
	x->i++;
	go_on(x);
}

struct remains_run *remains_look(struct fleet *f, const struct remains_question *q, remains_f *done, void *user)
{
	struct remains_run *x = g_new0(struct remains_run, 1);

	x->fleet = f;
	x->server_uuid = g_strdup(q->server_uuid);
	x->source = g_strdup(q->source);
	x->dest = g_strdup(q->dest);
	x->disks = g_ptr_array_ref(q->disks);
	x->result.disks = g_ptr_array_new_with_free_func(disk_free);
	x->done = done;
	x->user = user;
	go_on(x);
	return x;
}

void remains_cancel(struct remains_run **x)
{
	if (*x)
		(*x)->done = NULL;
	*x = NULL;
}

GPtrArray *remains_items(const struct remains *r)
{
	GPtrArray *items = block_items_new();

	for (guint i = 0; i < r->disks->len; i++) {
		const struct remains_disk *d = g_ptr_array_index(r->disks, i);

		if (d->kind == REMAINS_REBUILT)
			block_add_rebuilt(items, d->target, d->path, d->base, d->base_format, d->capacity_bytes);
	}
	return items;
}
