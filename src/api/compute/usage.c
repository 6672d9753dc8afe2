/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: os-simple-tenant-usage, what projects' servers took in a period.
 *
 * Computed from the records, as Nova does: a server counts from its launch, at the
 * size that it has now, whatever its state; one that is gone until it was seen
 * to be gone. Unlike Nova's, hours that have not passed yet are not counted.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "base/clock.h"
#include "base/loop.h"
#include "fleet/flavor.h"
#include "store/columns.h"
#include "store/row.h"

#define HOUR_US (3600.0 * 1e6)
#define PAGES_SINCE 40
#define GONE_MAX 50000 /* records of servers that are gone, in one answer */
#define GONE_PART 2000 /* ids of records that are looked at in a turn of the loop */

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

#define GONE_FIELD(n, col, type, f) ROW_FIELD_##type(server, col, f),

static const struct row_field gone_row[] = { SERVER_GONE_ROW(GONE_FIELD, GONE_FIELD) };

struct gone {
	GPtrArray *items;
	const struct period *period;
};

static bool add_gone(const struct store_row *row, void *user)
{
	struct gone *g = user;
	struct server s = { .id = 0 };

	(void)row_read(row, gone_row, G_N_ELEMENTS(gone_row), &s); /* it has no words */
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

/* ---- the report: what it counts is collected in pieces, and put together by a worker ---- */

/* From the collecting on everything is its own, but @r, which the worker leaves alone. */
struct report {
	struct api_req *r;
	const char *project;    /* NULL: of all */
	bool detailed;
	struct period period;
	bool paged;
	struct api_page page;
	GPtrArray *items;       /* struct item * */
	int64_t seen;           /* server.nth of the last one that was looked at */
	bool counted;           /* all that are there */
	guint gone;             /* how many are not, so far */
	int64_t gone_id;        /* of those that are gone, the next ones to look at have this id at most */
	bool full;              /* more may follow the page */
	struct jout o;
	GError *err;
};

static void report_free(struct report *p)
{
	g_ptr_array_unref(p->items);
	g_clear_error(&p->err);
	if (p->o.s)
		g_string_free(p->o.s, TRUE);
	g_free(p);
}

/* Cut the items to the page that was asked for. */
static bool take_page(struct report *p)
{
	GPtrArray *items = p->items;
	guint at = 0;

	if (!p->paged)
		return true;
	while (p->page.marker && at < items->len && strcmp(((struct item *)g_ptr_array_index(items, at))->uuid, p->page.marker) != 0)
		at++;
	if (p->page.marker && at++ == items->len) {
		g_set_error(&p->err, ERR, ERR_BAD_REQUEST, "marker [%.60s] not found", p->page.marker);
		return false;
	}
	g_ptr_array_remove_range(items, 0, at);
	p->full = items->len >= (guint)p->page.limit && items->len > 0;
	if (items->len > (guint)p->page.limit)
		g_ptr_array_set_size(items, p->page.limit);
	return true;
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

static void put_projects(struct report *p)
{
	jout_open(&p->o, '[');
	for (guint from = 0, n; from < p->items->len; from += n) {
		n = same_project(p->items, from);
		put_project(&p->o, (struct item *const *)p->items->pdata + from, n, &p->period, p->detailed);
	}
	jout_close(&p->o, ']');
}

/* One that went while servers were counted stands there twice. */
static void drop_twins(GPtrArray *items)
{
	for (guint i = items->len; i > 1; i--) {
		const struct item *one = g_ptr_array_index(items, i - 1), *before = g_ptr_array_index(items, i - 2);

		if (strcmp(one->uuid, before->uuid) == 0)
			g_ptr_array_remove_index(items, i - 1);
	}
}

/* On a worker. */
static void put_together(void *user)
{
	struct report *p = user;

	if (p->err)
		return;
	g_ptr_array_sort(p->items, by_project_and_uuid);
	drop_twins(p->items);
	if (!take_page(p))
		return;
	jout_key(&p->o, p->project ? "tenant_usage" : "tenant_usages");
	if (!p->project)
		put_projects(p);
	else if (p->items->len)
		put_project(&p->o, (struct item *const *)p->items->pdata, p->items->len, &p->period, true);
	else
		jout_raw(&p->o, "{}");
}

static void give(void *user)
{
	struct report *p = user;

	/* A page of none has no last item to go on from. */
	if (!p->err && p->full && p->items->len > 0)
		api_next_link(&p->o, p->r, p->project ? "tenant_usage" : "tenant_usages",
			      ((struct item *)g_ptr_array_index(p->items, p->items->len - 1))->uuid);
	if (p->err)
		api_fail(p->r, g_steal_pointer(&p->err));
	else {
		view_close(&p->o, p->r, 200);
		p->o.s = NULL;
	}
	report_free(p);
}

static void count(struct api_req *r, const struct server *s, void *user)
{
	struct report *p = user;

	(void)r;
	if (!p->project || g_strcmp0(s->project_id, p->project) == 0)
		add(p->items, s, &p->period);
}

/* From the newest record on. */
static bool read_gone(struct report *p)
{
	struct gone gone = { p->items, &p->period };
	int64_t above = p->gone_id - GONE_PART;
	guint before = p->items->len;

	if (!store_each(api_store(p->r), Q_SERVER_GONE, STORE_ARGS(SV_I(p->period.start_us), SV_S(p->project), SV_I(above), SV_I(p->gone_id)),
			add_gone, &gone, &p->err))
		return false;
	p->gone_id = above;
	p->gone += p->items->len - before;
	return true;
}

/* First those that are there: one that goes meanwhile is found twice, not missed. */
static bool collect(struct api_req *r, void *user)
{
	struct report *p = user;

	if (!p->counted)
		p->counted = slice_servers(r, &p->seen, count, p);
	if (!p->counted)
		return false;
	if (p->gone_id > 0 && p->gone < GONE_MAX && read_gone(p) && p->gone_id > 0)
		return false;
	loop_job(put_together, give, p);
	return true;
}

static void report(struct api_req *r, const char *project, const char *const *known, bool detailed)
{
	struct report *p = g_new0(struct report, 1);

	*p = (struct report){
		.r = r, .project = project, .detailed = detailed, .paged = r->mv >= PAGES_SINCE, .items = g_ptr_array_new_with_free_func(item_free),
	};
	if ((r->mv < 75 || view_only_query(r, known, &p->err)) && take_period(r, &p->period, &p->err) &&
	    (!p->paged || api_page(r, &p->page, &p->err)) &&
	    store_number(api_store(r), Q_SERVER_LAST, STORE_NO_ARGS, &p->gone_id, &p->err)) {
		view_open(&p->o, r, 4096);
		slice_run(r, collect, p, NULL);
		return;
	}
	api_fail(r, g_steal_pointer(&p->err));
	report_free(p);
}

static void list(struct api_req *r)
{
	static const char *const known[] = { "start", "end", "detailed", "limit", "marker", NULL };

	report(r, NULL, known, g_strcmp0(api_query(r, "detailed"), "1") == 0);
}

static void show(struct api_req *r)
{
	static const char *const known[] = { "start", "end", "limit", "marker", NULL };

	if (r->auth->admin || g_strcmp0(r->param[0], r->auth->project_id) == 0)
		report(r, r->param[0], known, true);
	else
		api_forbid(r, "os_compute_api:os-simple-tenant-usage:show");
}

static const struct route routes[] = {
	{ "GET", "/v2.1/os-simple-tenant-usage",           "os_compute_api:os-simple-tenant-usage:list", list },
	{ "GET", "/v2.1/os-simple-tenant-usage/{project}", "os_compute_api:os-simple-tenant-usage:show", show },
};
const struct route_table usage_routes = { routes, G_N_ELEMENTS(routes) };
