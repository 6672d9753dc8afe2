/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: os-simple-tenant-usage, what projects' servers took in a period.
 *
 * Computed from the records, as Nova does: a server counts from its launch, at the
 * size that it has now, whatever its state; one that is gone until it was seen
 * to be gone. Unlike Nova's, hours that have not passed yet are not counted.
 */
#include <string.h>

#include "api/api.h"
#include "api/flavor.h"
#include "api/view.h"
#include "base/clock.h"

#define HOUR_US (3600.0 * 1e6)
#define PAGES_SINCE 40
#define GONE_MAX 50000 /* records of servers that are gone, in one answer */

struct item {
	char *uuid, *name, *project;
	const char *state;
	struct flavor flavor;
	int64_t started_us, ended_us; /* ended: 0 while it is there */
};

struct period {
	int64_t start_us, stop_us, now_us;
};

static void item_free(void *data)
{
	struct item *i = data;

	g_free(i->uuid);
	g_free(i->name);
	g_free(i->project);
	g_free(i);
}

/* ---- what counts ---- */

static double hours_of(const struct item *i, const struct period *p)
{
	int64_t stop = i->ended_us ? i->ended_us : p->now_us;
	int64_t us = MIN(stop, p->stop_us) - MAX(i->started_us, p->start_us);

	return us > 0 ? (double)us / HOUR_US : 0;
}

static void add(GPtrArray *items, const struct server *s, const struct period *p)
{
	struct item *i;
	int64_t started = s->launched_us ? s->launched_us : s->created_us;

	if (started > p->stop_us || (s->deleted_us && s->deleted_us < p->start_us))
		return;
	i = g_new0(struct item, 1);
	i->uuid = g_strdup(s->uuid);
	i->name = g_strdup(s->name);
	i->project = g_strdup(s->project_id ? s->project_id : "");
	i->state = s->deleted_us ? "terminated" : server_vm_name(s->vm);
	flavor_of(&i->flavor, s);
	i->started_us = started;
	i->ended_us = s->deleted_us;
	g_ptr_array_add(items, i);
}

struct gone {
	GPtrArray *items;
	const struct period *period;
};

static bool add_gone(const struct store_row *row, void *user)
{
	struct gone *g = user;
	struct server s = {
		.name = (char *)store_text(row, 1), .project_id = (char *)store_text(row, 2), .vcpus = (int)store_int(row, 3),
		.memory_mb = store_int(row, 4), .disk_gb = store_int(row, 5), .created_us = store_int(row, 6),
		.launched_us = store_int(row, 7), .deleted_us = store_int(row, 8),
	};

	g_strlcpy(s.uuid, store_text(row, 0), sizeof s.uuid);
	add(g->items, &s, g->period);
	return true;
}

/* Nova's order, which markers go by. */
static int by_project_and_uuid(gconstpointer a, gconstpointer b)
{
	const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
	int c = strcmp(x->project, y->project);

	return c ? c : strcmp(x->uuid, y->uuid);
}

/* @project: NULL: all. Return: struct item *, in order; NULL with @err. */
static GPtrArray *collect(const struct api_req *r, const char *project, const struct period *p, GError **err)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(item_free);
	struct gone gone = { items, p };

	for (guint i = 0; i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		if (!project || g_strcmp0(s->project_id, project) == 0)
			add(items, s, p);
	}
	if (!store_each(api_store(r), Q_SERVER_GONE, STORE_ARGS(SV_I(p->start_us), SV_S(project), SV_I(GONE_MAX)), add_gone, &gone, err))
		return NULL;
	g_ptr_array_sort(items, by_project_and_uuid);
	return g_steal_pointer(&items);
}

/* ---- the query ---- */

static bool take_time(const struct api_req *r, const char *name, int64_t absent_us, int64_t *ret, GError **err)
{
	const char *text = api_query(r, name);

	*ret = absent_us;
	if (!text || util_time_parse(text, ret))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Datetime is in invalid format");
	return false;
}

static bool take_period(const struct api_req *r, struct period *p, GError **err)
{
	p->now_us = clock_wall_us();
	if (!take_time(r, "start", p->now_us, &p->start_us, err) || !take_time(r, "end", p->now_us, &p->stop_us, err))
		return false;
	if (p->start_us < p->stop_us || !api_query(r, "start"))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid start time. The start time cannot occur after the end time.");
	return false;
}

/* Cut @items to the page that was asked for. @ret_full: more may follow */
static bool take_page(const struct api_req *r, GPtrArray *items, bool *ret_full, GError **err)
{
	struct api_page page;
	guint at = 0;

	*ret_full = false;
	if (r->mv < PAGES_SINCE)
		return true;
	if (!api_page(r, &page, err))
		return false;
	while (page.marker && at < items->len && strcmp(((struct item *)g_ptr_array_index(items, at))->uuid, page.marker) != 0)
		at++;
	if (page.marker && at++ == items->len) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "marker [%.60s] not found", page.marker);
		return false;
	}
	g_ptr_array_remove_range(items, 0, at);
	*ret_full = items->len >= (guint)page.limit && items->len > 0;
	if (items->len > (guint)page.limit)
		g_ptr_array_set_size(items, page.limit);
	return true;
}

/* The request's items. Return: NULL after it was answered. */
static GPtrArray *items_of(struct api_req *r, const char *project, const char *const *known, struct period *p, bool *ret_full)
{
	g_autoptr(GPtrArray) items = NULL;
	GError *err = NULL;

	if ((r->mv < 75 || view_only_query(r, known, &err)) && take_period(r, p, &err))
		items = collect(r, project, p, &err);
	if (items && take_page(r, items, ret_full, &err))
		return g_steal_pointer(&items);
	api_fail(r, err);
	return NULL;
}

/* ---- the answer ---- */

static void put_item(struct jout *o, const struct item *i, const struct period *p)
{
	jout_open(o, '{');
	jout_kv(o, "instance_id", str, i->uuid);
	jout_kv(o, "name", str, i->name);
	jout_kv(o, "tenant_id", str, i->project);
	jout_kv(o, "flavor", str, i->flavor.id);
	jout_kv(o, "vcpus", int, i->flavor.vcpus);
	jout_kv(o, "memory_mb", int, i->flavor.memory_mb);
	jout_kv(o, "local_gb", int, i->flavor.disk_gb);
	jout_kv(o, "hours", dbl, hours_of(i, p));
	jout_kv(o, "started_at", time_us, i->started_us);
	jout_kv(o, "ended_at", time_us, i->ended_us);
	jout_kv(o, "uptime", int, MAX(0, (i->ended_us ? i->ended_us : p->now_us) - i->started_us) / 1000000);
	jout_kv(o, "state", str, i->state);
	jout_close(o, '}');
}

/* One project's: @n items that follow one another. */
static void put_project(struct jout *o, struct item *const *items, guint n, const struct period *p, bool detailed)
{
	double hours = 0, vcpus = 0, memory_mb = 0, local_gb = 0;

	for (guint k = 0; k < n; k++) {
		double h = hours_of(items[k], p);

		hours += h;
		vcpus += h * items[k]->flavor.vcpus;
		memory_mb += h * (double)items[k]->flavor.memory_mb;
		local_gb += h * (double)items[k]->flavor.disk_gb;
	}
	jout_open(o, '{');
	jout_kv(o, "tenant_id", str, items[0]->project);
	jout_kv(o, "start", time_us, p->start_us);
	jout_kv(o, "stop", time_us, p->stop_us);
	jout_kv(o, "total_hours", dbl, hours);
	jout_kv(o, "total_vcpus_usage", dbl, vcpus);
	jout_kv(o, "total_memory_mb_usage", dbl, memory_mb);
	jout_kv(o, "total_local_gb_usage", dbl, local_gb);
	if (detailed) {
		jout_key(o, "server_usages");
		jout_open(o, '[');
		for (guint k = 0; k < n; k++)
			put_item(o, items[k], p);
		jout_close(o, ']');
	}
	jout_close(o, '}');
}

static guint same_project(GPtrArray *items, guint from)
{
	guint to = from;

	while (to < items->len && strcmp(((struct item *)items->pdata[to])->project, ((struct item *)items->pdata[from])->project) == 0)
		to++;
	return to - from;
}

static void put_next(struct jout *o, const struct api_req *r, const char *name, GPtrArray *items)
{
	/* A page of none has no last item to go on from. */
	if (items->len > 0)
		api_next_link(o, r, name, ((struct item *)g_ptr_array_index(items, items->len - 1))->uuid);
}

static void list(struct api_req *r)
{
	static const char *const known[] = { "start", "end", "detailed", "limit", "marker", NULL };
	bool full, detailed = g_strcmp0(api_query(r, "detailed"), "1") == 0;
	struct period p;
	g_autoptr(GPtrArray) items = items_of(r, NULL, known, &p, &full);
	struct jout o;

	if (!items)
		return;
	view_open(&o, r, 512 + items->len * (detailed ? 384 : 16));
	jout_key(&o, "tenant_usages");
	jout_open(&o, '[');
	for (guint from = 0, n; from < items->len; from += n) {
		n = same_project(items, from);
		put_project(&o, (struct item *const *)items->pdata + from, n, &p, detailed);
	}
	jout_close(&o, ']');
	if (full)
		put_next(&o, r, "tenant_usages", items);
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	static const char *const known[] = { "start", "end", "limit", "marker", NULL };
	g_autoptr(GPtrArray) items = NULL;
	struct period p;
	struct jout o;
	bool full;

	if (!r->auth->admin && g_strcmp0(r->param[0], r->auth->project_id) != 0) {
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.");
		return;
	}
	items = items_of(r, r->param[0], known, &p, &full);
	if (!items)
		return;
	view_open(&o, r, 512 + items->len * 384);
	jout_key(&o, "tenant_usage");
	if (items->len)
		put_project(&o, (struct item *const *)items->pdata, items->len, &p, true);
	else
		jout_raw(&o, "{}");
	if (full)
		put_next(&o, r, "tenant_usage", items);
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/os-simple-tenant-usage",           API_ADMIN, list, .rule = "os_compute_api:os-simple-tenant-usage:list" },
	{ "GET", "/v2.1/os-simple-tenant-usage/{project}", API_TOKEN, show },
};
const struct route_table usage_routes = { routes, G_N_ELEMENTS(routes) };
