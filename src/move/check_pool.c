/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks that a domain names as volumes of storage pools (<disk type='volume'>).
 *
 * libvirt asks the pool of the host where the domain is started for the volume's
 * path. So the pool must be at the destination too, active, and the volume must be
 * where it is at the source; then the disk is judged, and copied, as any file or
 * device. Both pools are refreshed: a volume that another host has made since is
 * not seen before, and libvirt does not look by itself.
 */
#include "move/check_pool.h"

#include <string.h>

#include "base/err.h"

/* The volume that is being looked for, as it is at the source. */
struct sought {
	char *path, *origin;
	enum hv_source kind;
};

static void sought_clear(void *part)
{
	struct sought *v = part;

	g_free(v->path);
	g_free(v->origin);
}

static const struct check_part part = { sizeof(struct sought), sought_clear };

static struct sought *sought(struct check *p)
{
	return check_part(p, &part);
}

/* A place in the description where a volume is named. */
struct named {
	const char *target;
	char **source, *pool;
	enum hv_source *kind;
};

/* A volume's name is no path. */
static bool is_named(const char *source, const char *pool)
{
	return pool && source && *source != '/';
}

/* The first that is still only named. */
static bool next_named(const struct hv_dom *dom, struct named *ret)
{
	for (guint i = 0; i < dom->disks->len; i++) {
		struct hv_disk *k = g_ptr_array_index(dom->disks, i);

		if (is_named(k->source, k->pool)) {
			*ret = (struct named){ k->target, &k->source, k->pool, &k->kind };
			return true;
		}
		for (guint b = 0; k->backing && b < k->backing->len; b++) {
			struct hv_backing *under = g_ptr_array_index(k->backing, b);

			if (!is_named(under->path, under->pool))
				continue;
			*ret = (struct named){ k->target, &under->path, under->pool, &under->kind };
			return true;
		}
	}
	return false;
}

bool check_volume_unknown(const struct check *p)
{
	struct named n;

	return next_named(check_dom(p), &n);
}

/* @at: the host that it is about. */
static void refuse(struct check *p, const char *at, const char *why)
{
	struct named n = { .target = NULL };
	g_autofree char *brief = NULL;
	GError *err = NULL;

	(void)next_named(check_dom(p), &n); /* it is the one that is looked at */
	brief = g_strdup_printf("Disk %s is the volume \"%s\" of the storage pool \"%s\", and at %s %s", n.target ? n.target : "?", *n.source, n.pool,
				at, why);
	util_replace(&p->brief, brief);
	(void)check_fail(&err, "Migration pre-check error: %s.", brief);
	check_decided(p, CHECK_FAILED, err);
}

static void is_found(struct check *p)
{
	struct named n;

	if (next_named(p->dom, &n)) {
		util_replace(n.source, sought(p)->path);
		*n.kind = sought(p)->kind;
	}
	check_run(p); /* the next one */
}

static void dest_found(struct check *p, struct hv_reply *r)
{
	g_autofree char *why = NULL;

	if (check_busy(p, r, check_turn))
		return;
	if (r->err) {
		refuse(p, p->dest_name, r->err->message);
	} else if (g_strcmp0(r->vol.path, sought(p)->path) != 0) {
		why = g_strdup_printf("that is %s, not %s as at the source", r->vol.path ? r->vol.path : "not known", sought(p)->path);
		refuse(p, p->dest_name, why);
	} else if (!r->vol.exists && sought(p)->kind != HV_SOURCE_FILE) {
		refuse(p, p->dest_name, "there is none");
	} else if (r->vol.exists && (r->vol.kind != sought(p)->kind || g_strcmp0(r->vol.origin, sought(p)->origin) != 0)) {
		refuse(p, p->dest_name, "it is not the same thing");
	} else {
		is_found(p);
	}
}

static bool ask(struct check *p, struct host *h, check_answer_f *answer)
{
	struct hv_req req = { .op = HV_VOL_FIND, .uuid = p->server_uuid };
	struct named n;

	if (!h || !next_named(p->dom, &n))
		return false;
	req.vol.pool = n.pool;
	req.vol.name = *n.source;
	return check_ask(p, h, &req, answer);
}

static void source_found(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, check_turn))
		return;
	p->report.hopeless |= r->err || !r->vol.exists;
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		check_source_failed(p, r->err);
	} else if (r->err || !r->vol.exists) {
		refuse(p, p->source ? p->source->name : "the source", r->err ? r->err->message : "there is none");
	} else if (*r->vol.path != '/' && r->vol.kind != HV_SOURCE_NETWORK && r->vol.kind != HV_SOURCE_LOOPBACK) {
		refuse(p, p->source ? p->source->name : "the source", "it has no path");
	} else {
		util_replace(&sought(p)->path, r->vol.path);
		util_replace(&sought(p)->origin, r->vol.origin);
		sought(p)->kind = r->vol.kind;
		if (!ask(p, p->dest, dest_found))
			refuse(p, p->dest_name, "the host is not connected");
	}
}

enum check_result check_pools(struct check *p, GError **err)
{
	struct named n;

	if (!check_dom(p))
		return check_fetch_dom(p, err);
	if (!next_named(check_dom(p), &n))
		return CHECK_PASSED;
	if (!p->dom)
		p->dom = hv_dom_copy(p->server->dom);
	if (ask(p, p->source, source_found))
		return CHECK_ASKED;
	p->report.source_lost = true;
	return check_fail(err, "Compute service of %s is unavailable at this time.", p->source->name);
}
