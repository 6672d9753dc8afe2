/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/view.h"

#include <string.h>

#include "hv/sim/disk.h"
#include "hv/sim/file.h"
#include "hv/sim/job.h"
#include "hv/sim/world.h"

/* ---- domains ---- */

static int compare_doms(const void *a, const void *b)
{
	const struct sim_dom_view *x = a, *y = b;
	int by_host = strcmp(x->host, y->host);

	return by_host ? by_host : strcmp(x->uuid, y->uuid);
}

GArray *sim_dom_list(struct sim *w, const char *host, const char *uuid)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct sim_dom_view));
	GHashTableIter it, jt;
	void *hv, *dv;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &hv)) {
		const struct sim_host *h = hv;

		if (host && !g_str_equal(host, h->name))
			continue;
		g_hash_table_iter_init(&jt, h->doms);
		while (g_hash_table_iter_next(&jt, NULL, &dv)) {
			const struct sim_dom *d = dv;
			struct sim_dom_view v = {
				.host = h->name, .uuid = d->uuid, .name = d->name, .state = d->state, .reason = d->reason,
				.persistent = d->persistent, .kept = d->kept, .host_on = h->on,
				.incoming = d->job && sim_job_incoming(d), .outgoing = sim_job_told(d) && !sim_job_incoming(d),
			};

			if (!d->carrier && (!uuid || g_str_equal(uuid, d->uuid)))
				g_array_append_val(all, v);
		}
	}
	g_array_sort(all, compare_doms);
	return all;
}

/* ---- files ---- */

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
		.storage = g_str_has_prefix(s->name, SIM_LOCAL ":") ? s->name + strlen(SIM_LOCAL ":") : s->name,
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

static int compare_files(const void *a, const void *b)
{
	const struct sim_file_view *x = a, *y = b;
	int by_storage = strcmp(x->storage, y->storage);

	return by_storage ? by_storage : strcmp(x->path, y->path);
}

GArray *sim_file_list(struct sim *w, const char *host)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct sim_file_view));
	const struct sim_storage *only = host ? sim_host_must_find(w, host)->storage : NULL;
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
	g_array_sort(all, compare_files);
	return all;
}
