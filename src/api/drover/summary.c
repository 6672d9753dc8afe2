/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /drover/v1/summary: a fleet at one look. Servers are not walked for it: their counts are kept (fleet/tally.h), as are those of tasks
 * (task/stats.h); hosts are a few thousand at most. What is not its project's a member does not see: it gets the counts of its own servers.
 */
#include "api/drover/drover.h"
#include "api/http/inner.h"
#include "api/http/metrics.h"
#include "api/http/view.h"
#include "base/clock.h"
#include "check/checks.h"
#include "fleet/host_count.h"
#include "fleet/tally.h"
#include "ha/ha.h"

#define ALARMS_MAX 20 /* servers that are named */

/* ---- the controller ---- */

static void put_controller(struct jout *o, const struct api_req *r)
{
	int64_t began = metrics_began_us(r->api->metrics);

	jout_key(o, "controller");
	jout_open(o, '{');
	jout_kv(o, "version", str, DROVER_VERSION);
	jout_kv(o, "now", time_us, clock_wall_us());
	jout_kv(o, "started_at", time_us, began);
	jout_key(o, "uptime_s");
	jout_int_if(o, began != 0, MAX(0, clock_wall_us() - began) / G_USEC_PER_SEC);
	jout_close(o, '}');
}

/* ---- servers ---- */

static void put_status(const char *status, guint n, void *user)
{
	struct jout *o = user;

	if (n)
		jout_kv(o, status, int, n);
}

static void put_servers(struct jout *o, const struct server_counts *t)
{
	jout_key(o, "servers");
	jout_open(o, '{');
	jout_kv(o, "total", int, t ? t->servers : 0);
	jout_key(o, "by_status");
	jout_open(o, '{');
	tally_each_status(t, put_status, o);
	jout_close(o, '}');
	jout_close(o, '}');
}

/* ---- hosts ---- */

static void put_hosts(struct jout *o, const struct fleet *f)
{
	struct host_counts n = fleet_host_counts(f);

	jout_key(o, "hosts");
	jout_open(o, '{');
	jout_kv(o, "total", int, n.hosts);
	jout_kv(o, "up", int, n.up);
	jout_kv(o, "down", int, n.down);
	jout_kv(o, "forced_down", int, n.forced_down);
	jout_kv(o, "disabled", int, n.disabled);
	jout_kv(o, "fenced", int, n.fenced);
	jout_close(o, '}');
}

/* ---- tasks ---- */

static void put_tasks(struct jout *o, const struct engine *e)
{
	const struct task_kind *const *kinds = engine_kinds(e);
	const struct mig_counts *s = engine_stats(e);

	jout_key(o, "tasks");
	jout_open(o, '{');
	for (size_t k = 0; kinds[k]; k++) {
		jout_key(o, kinds[k]->type);
		jout_open(o, '{');
		jout_kv(o, "queued", int, s->now[k][TASK_WAITS]);
		jout_kv(o, "running", int, s->now[k][TASK_RUNS]);
		jout_kv(o, "resting", int, s->now[k][TASK_RESTS]);
		jout_close(o, '}');
	}
	jout_close(o, '}');
}

static void put_ended(struct jout *o, const struct mig_counts *s)
{
	jout_key(o, "ended");
	jout_open(o, '{');
	for (enum task_end end = TASK_DONE; end < TASK_END_N; end++)
		jout_kv(o, task_end_status(end), int, (int64_t)s->ended[end]);
	jout_close(o, '}');
}

static void put_failure_server(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig_failure *)obj)->server_uuid);
}

static void put_failure_name(struct jout *o, const void *obj)
{
	const struct server *s = fleet_server(api_fleet(o->ctx), ((const struct mig_failure *)obj)->server_uuid);

	jout_str(o, s ? s->name : NULL);
}

#define FAILURE(member) offsetof(struct mig_failure, member)

static const struct json_field failure_fields[] = {
	{ "id",          JSON_INT64,   FAILURE(id) },
	{ "type",        JSON_STR,     FAILURE(type) },
	{ "status",      JSON_STR,     FAILURE(status) },
	{ "server_uuid", JSON_EMIT,    .emit = put_failure_server },
	{ "server_name", JSON_EMIT,    .emit = put_failure_name },
	{ "source",      JSON_STR,     FAILURE(source) },
	{ "dest",        JSON_STR,     FAILURE(dest) },
	{ "error",       JSON_STR,     FAILURE(error) },
	{ "ended_at",    JSON_TIME_US, FAILURE(at_us) },
};

/* The newest first. */
static void put_failures(struct jout *o, const struct mig_counts *s)
{
	uint64_t kept = MIN(s->failed, MIG_FAILURES_KEPT);

	jout_key(o, "failures");
	jout_open(o, '[');
	for (uint64_t i = 1; i <= kept; i++)
		jout_object(o, failure_fields, G_N_ELEMENTS(failure_fields), &s->failures[(s->failed - i) % MIG_FAILURES_KEPT]);
	jout_close(o, ']');
}

/* ---- alarms ---- */

static void put_server_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server *)obj)->uuid);
}

static void put_server_status(struct jout *o, const void *obj)
{
	jout_str(o, server_status(obj));
}

#define SERVER(member) offsetof(struct server, member)

static const struct json_field alarm_fields[] = {
	{ "id",      JSON_EMIT, .emit = put_server_uuid },
	{ "name",    JSON_STR,  SERVER(name) },
	{ "status",  JSON_EMIT, .emit = put_server_status },
	{ "host",    JSON_STR,  SERVER(host) },
	{ "also_on", JSON_STR,  SERVER(duplicate_at) },
	{ "fault",   JSON_STR,  SERVER(fault) },
};

static int by_id(gconstpointer a, gconstpointer b)
{
	const struct server *x = *(const struct server *const *)a, *y = *(const struct server *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static void put_alarmed(struct jout *o, const struct fleet *f)
{
	g_autoptr(GPtrArray) some = g_ptr_array_new();
	GHashTableIter it;
	void *s;

	g_hash_table_iter_init(&it, fleet_alarmed(f));
	while (some->len < ALARMS_MAX && g_hash_table_iter_next(&it, &s, NULL))
		g_ptr_array_add(some, s);
	g_ptr_array_sort(some, by_id);
	jout_key(o, "servers");
	jout_open(o, '[');
	for (guint i = 0; i < some->len; i++)
		jout_object(o, alarm_fields, G_N_ELEMENTS(alarm_fields), g_ptr_array_index(some, i));
	jout_close(o, ']');
}

static void put_alarms(struct jout *o, const struct api_req *r)
{
	const struct server_counts *t = fleet_tally(api_fleet(r));
	struct ha_stats ha = ha_stats(r->api->ha);

	jout_key(o, "alarms");
	jout_open(o, '{');
	jout_kv(o, "lost", int, t->lost);
	jout_kv(o, "duplicates", int, t->duplicates);
	jout_kv(o, "hosts_held", int, ha.held);
	jout_kv(o, "hosts_given_up", int, ha.given_up);
	put_alarmed(o, api_fleet(r));
	jout_close(o, '}');
}

static void put_checks(struct jout *o, const struct api_req *r)
{
	const struct check_run *last = r->api->checks ? checks_last(r->api->checks) : NULL;

	jout_key(o, "checks");
	if (!last || !last->report) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	jout_kv(o, "ended_at", time_us, last->ended_us);
	jout_kv(o, "errors", int, last->report->counts[FINDING_ERROR]);
	jout_kv(o, "warnings", int, last->report->counts[FINDING_WARNING]);
	jout_close(o, '}');
}

/* ---- the call ---- */

static void put_fleet(struct jout *o, const struct api_req *r)
{
	const struct mig_counts *s = engine_stats(api_engine(r));

	put_hosts(o, api_fleet(r));
	put_tasks(o, api_engine(r));
	put_ended(o, s);
	put_failures(o, s);
	put_alarms(o, r);
	put_checks(o, r);
}

/* A token without a project owns nothing. */
static const struct server_counts *tally_of(const struct api_req *r)
{
	if (r->auth->admin)
		return fleet_tally(api_fleet(r));
	return r->auth->project_id ? fleet_tally_of(api_fleet(r), r->auth->project_id) : NULL;
}

static void summary(struct api_req *r)
{
	static const char *const known[] = { NULL };
	GError *err = NULL;
	struct jout o;

	if (!view_only_query(r, known, &err)) {
		api_fail(r, err);
		return;
	}
	view_open(&o, r, 4096);
	o.ctx = r;
	jout_key(&o, "summary");
	jout_open(&o, '{');
	put_controller(&o, r);
	put_servers(&o, tally_of(r));
	if (r->auth->admin)
		put_fleet(&o, r);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/drover/v1/summary", "drover:summary", summary },
};
const struct route_table summary_routes = { routes, G_N_ELEMENTS(routes) };
