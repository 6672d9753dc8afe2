/* SPDX-License-Identifier: Apache-2.0
 *
 * drover: /drover/v1, what Nova has no call for: hosts to add and to remove, and
 * the whole record of a migration with its history.
 */
#include "api/drover/drover.h"

#include <string.h>

#include "api/compute/migrations.h"
#include "api/http/view.h"
#include "fence/fence.h"
#include "fleet/load.h"
#include "task/request.h"
#include "task/samples.h"

static const struct api_req *request_of(const struct jout *o)
{
	return o->ctx;
}

/* ---- hosts ---- */

static void put_host_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct host *)obj)->uuid);
}

static void put_host_hv_uuid(struct jout *o, const void *obj)
{
	const char *uuid = ((const struct host *)obj)->hv_uuid;

	jout_str(o, *uuid ? uuid : NULL);
}

static void put_host_state(struct jout *o, const void *obj)
{
	jout_str(o, host_is_up(api_fleet(request_of(o)), obj) ? "up" : "down");
}

static void put_host_reason(struct jout *o, const void *obj)
{
	g_autofree char *text = host_state_text(api_fleet(request_of(o)), obj);

	jout_str(o, text);
}

static void put_host_agent(struct jout *o, const void *obj)
{
	jout_str(o, fence_agent_of(api_fences(request_of(o)), obj));
}

static void put_host_fencing(struct jout *o, const void *obj)
{
	jout_bool(o, fence_is_busy(api_fences(request_of(o)), obj));
}

static void put_host_count(struct jout *o, const void *obj)
{
	jout_int(o, g_hash_table_size(((const struct host *)obj)->servers));
}

static void put_usage(struct jout *o, struct usage u)
{
	jout_open(o, '{');
	jout_kv(o, "vcpus", int, u.vcpus);
	jout_kv(o, "memory_mb", int, u.memory_mb);
	jout_kv(o, "disk_gb", int, u.disk_gb);
	jout_close(o, '}');
}

static void put_host_total(struct jout *o, const void *obj)
{
	put_usage(o, host_total(obj));
}

static void put_host_capacity(struct jout *o, const void *obj)
{
	put_usage(o, host_capacity(obj));
}

static void put_host_used(struct jout *o, const void *obj)
{
	put_usage(o, host_used(obj));
}

static void put_host_claimed(struct jout *o, const void *obj)
{
	put_usage(o, host_claimed(obj));
}

/* null: it is not measured, or not yet. */
static void put_host_load(struct jout *o, const void *obj)
{
	int percent = load_percent(obj);

	jout_int_if(o, percent >= 0, percent);
}

static void put_host_cell(struct jout *o, const void *obj)
{
	jout_str(o, host_cell(obj));
}

#define HOST(member) offsetof(struct host, member)

static const struct json_field host_fields[] = {
	{ "id",                          JSON_INT64,   HOST(id) },
	{ "uuid",                        JSON_EMIT,    .emit = put_host_uuid },
	{ "name",                        JSON_STR,     HOST(name) },
	{ "libvirt_uuid",                JSON_EMIT,    .emit = put_host_hv_uuid },
	{ "uri",                         JSON_STR,     HOST(uri) },
	{ "live_migration_inbound_addr", JSON_STR,     HOST(inbound_addr) },
	{ "live_migration_uri",          JSON_STR,     HOST(migration_uri) },
	{ "server_listen",               JSON_STR,     HOST(vnc_listen) },
	{ "cell",                        JSON_EMIT,    .emit = put_host_cell },
	{ "configured",                  JSON_BOOL,    HOST(from_conf) },
	{ "state",                       JSON_EMIT,    .emit = put_host_state },
	{ "state_reason",                JSON_EMIT,    .emit = put_host_reason },
	{ "disabled",                    JSON_BOOL,    HOST(disabled) },
	{ "disabled_reason",             JSON_STR,     HOST(disabled_reason) },
	{ "forced_down",                 JSON_BOOL,    HOST(forced_down) },
	{ "fence_agent",                 JSON_EMIT,    .emit = put_host_agent },
	{ "fencing",                     JSON_EMIT,    .emit = put_host_fencing },
	{ "fenced_at",                   JSON_TIME_US, HOST(fence.fenced_us) },
	{ "fence_reason",                JSON_STR,     HOST(fence.reason) },
	{ "servers",                     JSON_EMIT,    .emit = put_host_count },
	{ "total",                       JSON_EMIT,    .emit = put_host_total },
	{ "capacity",                    JSON_EMIT,    .emit = put_host_capacity },
	{ "used",                        JSON_EMIT,    .emit = put_host_used },
	{ "claimed",                     JSON_EMIT,    .emit = put_host_claimed },
	{ "load_percent",                JSON_EMIT,    .emit = put_host_load },
	{ "last_seen_at",                JSON_TIME_US, HOST(last_seen_us) },
	{ "created_at",                  JSON_TIME_US, HOST(created_us) },
	{ "updated_at",                  JSON_TIME_US, HOST(updated_us) },
};

void drover_reply_host(struct api_req *r, int status, const struct host *h)
{
	struct jout o;

	view_open(&o, r, 1024);
	o.ctx = r;
	jout_key(&o, "host");
	jout_object(&o, host_fields, G_N_ELEMENTS(host_fields), h);
	view_close(&o, r, status);
}

static void host_list(struct api_req *r)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	struct jout o;

	view_open(&o, r, 64 + hosts->len * 1024);
	o.ctx = r;
	jout_key(&o, "hosts");
	jout_open(&o, '[');
	for (guint i = 0; i < hosts->len; i++)
		jout_object(&o, host_fields, G_N_ELEMENTS(host_fields), g_ptr_array_index(hosts, i));
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

struct host *drover_find_host(struct api_req *r)
{
	struct host *h = fleet_host_called(api_fleet(r), r->param[0]);

	if (!h)
		api_fail_new(r, ERR_NOT_FOUND, "Host %s could not be found.", r->param[0]);
	return h;
}

static void host_show(struct api_req *r)
{
	struct host *h = drover_find_host(r);

	if (h)
		drover_reply_host(r, 200, h);
}

#define ADD(member) offsetof(struct conf_host, member)
#define TEXT .nullable = true, .min = 1, .max = 1024

static const struct json_field add_fields[] = {
	{ "name",                        JSON_STR, ADD(name), .required = true, .min = 1, .max = 255 },
	{ "uri",                         JSON_STR, ADD(uri), .required = true, .min = 1, .max = 1024 },
	{ "live_migration_inbound_addr", JSON_STR, ADD(inbound_addr), TEXT },
	{ "live_migration_uri",          JSON_STR, ADD(migration_uri), TEXT },
	{ "server_listen",               JSON_STR, ADD(vnc_listen), TEXT },
	{ "cell",                        JSON_STR, ADD(cell), .nullable = true, .min = 1, .max = 255 },
};

static const struct api_body add_body = { "host", add_fields, G_N_ELEMENTS(add_fields) };

static void host_add(struct api_req *r)
{
	GError *err = NULL;
	struct conf_host add = { 0 };
	struct host *h = NULL;

	if (api_decode(r, &add, &err))
		h = fleet_host_add(api_fleet(r), &add, &err);
	api_about(r, add.name);
	json_free(add_fields, G_N_ELEMENTS(add_fields), &add);
	if (h)
		drover_reply_host(r, 201, h);
	else
		api_fail(r, err);
}

static void host_remove(struct api_req *r)
{
	struct host *h = drover_find_host(r);
	GError *err = NULL;

	if (!h)
		return;
	if (fleet_host_remove(api_fleet(r), h, &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

/* ---- migrations ---- */

static void put_mig_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->uuid);
}

static void put_mig_server(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->server_uuid);
}

static void put_mig_server_name(struct jout *o, const void *obj)
{
	const struct server *s = fleet_server(api_fleet(request_of(o)), ((const struct mig *)obj)->server_uuid);

	jout_str(o, s ? s->name : NULL);
}

static void put_mig_type(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->kind->type);
}

static void put_mig_status(struct jout *o, const void *obj)
{
	jout_str(o, mig_status(obj));
}

static void put_mig_phase(struct jout *o, const void *obj)
{
	jout_str(o, mig_phase_name(obj));
}

static void put_mig_final(struct jout *o, const void *obj)
{
	jout_bool(o, mig_is_final(obj));
}

static void put_mig_position(struct jout *o, const void *obj)
{
	int position = ((const struct mig *)obj)->position;

	jout_int_if(o, position != 0, position);
}

static void put_mig_block(struct jout *o, const void *obj)
{
	static const char *const names[] = { [MIG_BLOCK_NO] = "no", [MIG_BLOCK_YES] = "yes", [MIG_BLOCK_AUTO] = "auto" };

	G_STATIC_ASSERT(G_N_ELEMENTS(names) == MIG_BLOCK_N);
	jout_str(o, names[((const struct mig *)obj)->block]);
}

static void put_mig_progress(struct jout *o, const void *obj)
{
	mig_put_progress(o, obj);
}

static void put_mig_eta(struct jout *o, const void *obj)
{
	mig_put_eta(o, obj);
}

#define MIG(member) offsetof(struct mig, member)

static const struct json_field mig_fields[] = {
	{ "id",              JSON_INT64,   MIG(id) },
	{ "uuid",            JSON_EMIT,    .emit = put_mig_uuid },
	{ "server_uuid",     JSON_EMIT,    .emit = put_mig_server },
	{ "server_name",     JSON_EMIT,    .emit = put_mig_server_name },
	{ "type",            JSON_EMIT,    .emit = put_mig_type },
	{ "status",          JSON_EMIT,    .emit = put_mig_status },
	{ "phase",           JSON_EMIT,    .emit = put_mig_phase },
	{ "final",           JSON_EMIT,    .emit = put_mig_final },
	{ "source",          JSON_STR,     MIG(source) },
	{ "dest",            JSON_STR,     MIG(dest) },
	{ "requested_host",  JSON_STR,     MIG(requested_host) },
	{ "block_migration", JSON_EMIT,    .emit = put_mig_block },
	{ "priority",        JSON_INT,     MIG(priority) },
	{ "queue_position",  JSON_EMIT,    .emit = put_mig_position },
	{ "waits_for",       JSON_STR,     MIG(waits_for) },
	{ "attempt",         JSON_INT,     MIG(attempt) },
	{ "post_copy",       JSON_BOOL,    MIG(postcopy) },
	{ "paused",          JSON_BOOL,    MIG(paused_by_us) },
	{ "abort_wanted",    JSON_BOOL,    MIG(abort_wanted) },
	{ "force_wanted",    JSON_BOOL,    MIG(force_wanted) },
	{ "error",           JSON_STR,     MIG(error) },
	{ "progress",        JSON_EMIT,    .emit = put_mig_progress },
	{ "eta",             JSON_EMIT,    .emit = put_mig_eta },
	{ "user_id",         JSON_STR,     MIG(user_id) },
	{ "project_id",      JSON_STR,     MIG(project_id) },
	{ "request_id",      JSON_STR,     MIG(request_id) },
	{ "created_at",      JSON_TIME_US, MIG(created_us) },
	{ "updated_at",      JSON_TIME_US, MIG(updated_us) },
};

#define EVENT(member) offsetof(struct mig_event, member)

static const struct json_field event_fields[] = {
	{ "at",   JSON_TIME_US, EVENT(at_us) },
	{ "from", JSON_STR,     EVENT(old_phase) },
	{ "to",   JSON_STR,     EVENT(new_phase) },
	{ "why",  JSON_STR,     EVENT(why) },
};

static void reply_migration(struct api_req *r, const struct mig *m, GPtrArray *events)
{
	struct jout o;

	view_open(&o, r, 1024 + events->len * 160);
	o.ctx = r;
	jout_key(&o, "migration");
	jout_open(&o, '{');
	jout_fields(&o, mig_fields, G_N_ELEMENTS(mig_fields), m);
	jout_key(&o, "events");
	jout_open(&o, '[');
	for (guint i = 0; i < events->len; i++)
		jout_object(&o, event_fields, G_N_ELEMENTS(event_fields), g_ptr_array_index(events, i));
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

/* By number or by uuid; a task that is no migration is not found. */
static struct mig *find_migration(const struct api_req *r, const char *id, GError **err)
{
	struct mig *m = NULL;
	int64_t n;

	if (util_parse_int(id, 1, G_MAXINT64, &n))
		m = engine_get(api_engine(r), n, NULL);
	else if (util_uuid_valid(id))
		m = engine_get_by_uuid(api_engine(r), id, NULL);
	if (m && m->kind->migration)
		return m;
	mig_free(m);
	g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %.60s could not be found.", id);
	return NULL;
}

static void migration_show(struct api_req *r)
{
	g_autoptr(GPtrArray) events = NULL;
	GError *err = NULL;
	struct mig *m = find_migration(r, r->param[0], &err);

	if (m)
		events = engine_events(api_engine(r), m->id, &err);
	if (events)
		reply_migration(r, m, events);
	else
		api_fail(r, err);
	mig_free(m);
}

/* As many words of a sample as numbers: a graph has hundreds of them. */
static const struct {
	const char *name;
	size_t offset;
} sample_columns[] = {
	{ "sent_bytes",             offsetof(struct sample, sent_bytes) },
	{ "remaining_bytes",        offsetof(struct sample, left_bytes) },
	{ "bytes_per_second",       offsetof(struct sample, bps) },
	{ "dirty_bytes_per_second", offsetof(struct sample, dirty_bps) },
	{ "iteration",              offsetof(struct sample, iteration) },
	{ "permitted_downtime_ms",  offsetof(struct sample, permitted_ms) },
	{ "throttle_percent",       offsetof(struct sample, throttle) },
	{ "post_copy",              offsetof(struct sample, postcopy) },
};

/* @began_us: what the first column counts from */
static void put_sample(struct jout *o, const struct sample *s, int64_t began_us)
{
	jout_open(o, '[');
	jout_int(o, (s->at_us - began_us) / 1000);
	for (size_t i = 0; i < G_N_ELEMENTS(sample_columns); i++)
		jout_int(o, *(const int64_t *)((const char *)s + sample_columns[i].offset));
	jout_close(o, ']');
}

static void reply_samples(struct api_req *r, const struct mig *m)
{
	const GArray *rows = engine_samples(api_engine(r), m->id);
	int64_t began_us = rows && rows->len ? g_array_index(rows, struct sample, 0).at_us : 0;
	struct jout o;

	view_open(&o, r, 256 + (rows ? rows->len * 96 : 0));
	jout_key(&o, "samples");
	jout_open(&o, '{');
	jout_kv(&o, "migration_id", int, m->id);
	jout_kv(&o, "began_at", time_us, began_us);
	jout_key(&o, "columns");
	jout_open(&o, '[');
	jout_str(&o, "at_ms");
	for (size_t i = 0; i < G_N_ELEMENTS(sample_columns); i++)
		jout_str(&o, sample_columns[i].name);
	jout_close(&o, ']');
	jout_key(&o, "rows");
	jout_open(&o, '[');
	for (guint i = 0; rows && i < rows->len; i++)
		put_sample(&o, &g_array_index(rows, struct sample, i), began_us);
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void migration_samples(struct api_req *r)
{
	static const char *const known[] = { NULL };
	GError *err = NULL;
	struct mig *m = view_only_query(r, known, &err) ? find_migration(r, r->param[0], &err) : NULL;

	if (m)
		reply_samples(r, m);
	else
		api_fail(r, err);
	mig_free(m);
}

struct change {
	int priority;
};

static const struct json_field change_fields[] = {
	{ "priority", JSON_INT, offsetof(struct change, priority), .required = true, .min = MIG_PRIORITY_MIN, .max = MIG_PRIORITY_MAX },
};
static const struct api_body change_body = { .fields = change_fields, .n = G_N_ELEMENTS(change_fields) };

static void migration_change(struct api_req *r)
{
	GError *err = NULL;
	struct mig *m = find_migration(r, r->param[0], &err);
	struct change change = { 0 };

	if (m && api_decode(r, &change, &err) &&
	    request_set_priority(api_engine(r), m->id, change.priority, &err))
		migration_show(r);
	else
		api_fail(r, err);
	mig_free(m);
}

static bool parse_filter(const struct api_req *r, struct mig_filter *f, GError **err)
{
	struct api_page page;
	struct mig *m;

	*f = (struct mig_filter){
		.server_uuid = api_query(r, "server"), .host = api_query(r, "host"), .status = api_query(r, "status"), .type = api_query(r, "type"),
	};
	if (!view_query_time(r, "changes-since", &f->since_us, err) || !view_query_time(r, "changes-before", &f->before_us, err) ||
	    !api_page(r, &page, err))
		return false;
	f->limit = page.limit;
	if (!page.marker)
		return true;
	m = find_migration(r, page.marker, err);
	f->below_id = m ? m->id : 0;
	mig_free(m);
	return f->below_id > 0;
}

static void show_list(struct api_req *r, GPtrArray *page, bool full)
{
	struct jout o;

	view_open(&o, r, 64 + page->len * 1024);
	o.ctx = r;
	jout_key(&o, "migrations");
	jout_open(&o, '[');
	for (guint i = 0; i < page->len; i++)
		jout_object(&o, mig_fields, G_N_ELEMENTS(mig_fields), g_ptr_array_index(page, i));
	jout_close(&o, ']');
	if (full)
		api_next_link(&o, r, "migrations", ((struct mig *)g_ptr_array_index(page, page->len - 1))->uuid);
	view_close(&o, r, 200);
}

static void migration_list(struct api_req *r)
{
	static const char *const known[] = {
		"server", "host", "status", "type", "changes-since", "changes-before", "limit", "marker", NULL
	};
	struct mig_filter f;
	GError *err = NULL;

	if (view_only_query(r, known, &err) && parse_filter(r, &f, &err))
		migrations_walk(r, &f, show_list);
	else
		api_fail(r, err);
}

static const struct route routes[] = {
	{ "GET",    "/drover/v1/hosts",           "drover:hosts:list",        host_list },
	{ "POST",   "/drover/v1/hosts",           "drover:hosts:create",      host_add, .body = &add_body },
	{ "GET",    "/drover/v1/hosts/{id}",      "drover:hosts:show",        host_show },
	{ "DELETE", "/drover/v1/hosts/{id}",      "drover:hosts:delete",      host_remove },
	{ "GET",    "/drover/v1/migrations",      "drover:migrations:list",   migration_list },
	{ "GET",    "/drover/v1/migrations/{id}", "drover:migrations:show",   migration_show },
	{ "GET",    "/drover/v1/migrations/{id}/samples", "drover:migrations:samples", migration_samples },
	{ "POST",   "/drover/v1/migrations/{id}", "drover:migrations:update", migration_change, .body = &change_body },
};
const struct route_table drover_routes = { routes, G_N_ELEMENTS(routes) };
