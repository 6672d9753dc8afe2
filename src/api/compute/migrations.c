/* SPDX-License-Identifier: Apache-2.0
 *
 * migrations: /os-migrations, and the live migrations under way of one server.
 */
#include "api/compute/migrations.h"

#include <string.h>

#include "api/compute/compute.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "fleet/flavor.h"
#include "task/request.h"

/* ---- one record as an answer ---- */

static const struct api_req *request_of(const struct jout *o)
{
	return o->ctx;
}

static void put_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->uuid);
}

static void put_server(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->server_uuid);
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, mig_status(obj));
}

static void put_type(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct mig *)obj)->kind->type);
}

/* Nova knows a destination that was asked for before one is chosen. */
static const char *dest_of(const struct mig *m)
{
	return m->dest ? m->dest : m->requested_host;
}

static void put_dest(struct jout *o, const void *obj)
{
	jout_str(o, dest_of(obj));
}

static void put_dest_address(struct jout *o, const void *obj)
{
	const struct mig *m = obj;
	const struct host *h = m->dest ? fleet_host(api_fleet(request_of(o)), m->dest) : NULL;
	g_autofree char *address = h ? view_host_ip(h) : NULL;

	jout_str(o, address);
}

static void put_flavor(struct jout *o, const void *obj)
{
	const struct server *s = fleet_server(api_fleet(request_of(o)), ((const struct mig *)obj)->server_uuid);
	struct flavor f;

	if (s)
		flavor_of(&f, s);
	jout_int(o, s ? flavor_number(&f) : 0);
}

#define FIELD(member) offsetof(struct mig, member)

static const struct json_field common[] = {
	{ "id",             JSON_INT64,   FIELD(id) },
	{ "uuid",           JSON_EMIT,    .emit = put_uuid, .since = 59 },
	{ "status",         JSON_EMIT,    .emit = put_status },
	{ "source_compute", JSON_STR,     FIELD(source) },
	{ "source_node",    JSON_STR,     FIELD(source) },
	{ "dest_compute",   JSON_EMIT,    .emit = put_dest },
	{ "dest_node",      JSON_EMIT,    .emit = put_dest },
	{ "dest_host",      JSON_EMIT,    .emit = put_dest_address },
	{ "user_id",        JSON_STR,     FIELD(user_id), .since = 80 },
	{ "project_id",     JSON_STR,     FIELD(project_id), .since = 80 },
	{ "created_at",     JSON_TIME_US, FIELD(created_us) },
	{ "updated_at",     JSON_TIME_US, FIELD(updated_us) },
};

static const struct json_field of_all[] = {
	{ "instance_uuid",        JSON_EMIT, .emit = put_server },
	{ "old_instance_type_id", JSON_EMIT, .emit = put_flavor },
	{ "new_instance_type_id", JSON_EMIT, .emit = put_flavor },
	{ "migration_type",       JSON_EMIT, .emit = put_type, .since = 23 },
};

static const struct json_field of_server[] = {
	{ "server_uuid",            JSON_EMIT,  .emit = put_server },
	{ "memory_total_bytes",     JSON_INT64, FIELD(progress.mem_total) },
	{ "memory_processed_bytes", JSON_INT64, FIELD(progress.mem_processed) },
	{ "memory_remaining_bytes", JSON_INT64, FIELD(progress.mem_remaining) },
	{ "disk_total_bytes",       JSON_INT64, FIELD(progress.disk_total) },
	{ "disk_processed_bytes",   JSON_INT64, FIELD(progress.disk_processed) },
	{ "disk_remaining_bytes",   JSON_INT64, FIELD(progress.disk_remaining) },
};

static bool live_now(const struct mig *m)
{
	return m->kind->of_server && mig_in_progress(m);
}

static void put_of_all(struct jout *o, const struct api_req *r, const struct mig *m)
{
	g_autofree char *collection = g_strdup_printf("servers/%s/migrations", m->server_uuid);
	char id[24];

	o->ctx = r;
	jout_open(o, '{');
	jout_fields(o, common, G_N_ELEMENTS(common), m);
	jout_fields(o, of_all, G_N_ELEMENTS(of_all), m);
	if (r->mv >= 23 && live_now(m)) {
		g_snprintf(id, sizeof id, "%" G_GINT64_FORMAT, m->id);
		view_links(o, r, collection, id);
	}
	jout_close(o, '}');
}

static void put_of_server(struct jout *o, const struct api_req *r, const struct mig *m)
{
	o->ctx = r;
	jout_open(o, '{');
	jout_fields(o, common, G_N_ELEMENTS(common), m);
	jout_fields(o, of_server, G_N_ELEMENTS(of_server), m);
	jout_close(o, '}');
}

/* ---- /servers/{id}/migrations ---- */

static void list_of_server(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	const struct mig *m;
	struct jout o;

	if (!s)
		return;
	m = engine_active_of(api_engine(r), s->uuid);
	view_open(&o, r, 900);
	jout_key(&o, "migrations");
	jout_open(&o, '[');
	if (m && live_now(m))
		put_of_server(&o, r, m);
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

/* The migration of the path; 0 when that is no number. */
static int64_t number(const struct api_req *r)
{
	int64_t id = 0;

	return util_parse_int(r->param[1], 1, G_MAXINT64, &id) ? id : 0;
}

static struct mig *find(const struct api_req *r, const struct server *s, GError **err)
{
	struct mig *m = engine_get(api_engine(r), number(r), NULL);

	if (m && m->kind->migration && strcmp(m->server_uuid, s->uuid) == 0)
		return m;
	mig_free(m);
	g_set_error(err, ERR, ERR_NOT_FOUND, "In-progress live migration %s is not found for server %s.", r->param[1], s->uuid);
	return NULL;
}

static void show_of_server(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	GError *err = NULL;
	struct mig *m;
	struct jout o;

	if (!s)
		return;
	m = find(r, s, &err);
	if (m && !m->kind->of_server)
		g_set_error(&err, ERR, ERR_NOT_FOUND, "Migration %s for server %s is not live-migration.", r->param[1], s->uuid);
	else if (m && !mig_in_progress(m))
		g_set_error(&err, ERR, ERR_NOT_FOUND, "Live migration %s for server %s is not in progress.", r->param[1], s->uuid);
	if (err) {
		api_fail(r, err);
	} else {
		view_open(&o, r, 900);
		jout_key(&o, "migration");
		put_of_server(&o, r, m);
		view_close(&o, r, 200);
	}
	mig_free(m);
}

static bool abort_migration(struct api_req *r, struct server *s, GError **err)
{
	struct requester who = api_requester(r);

	if (number(r) != 0)
		return request_abort(api_engine(r), s, number(r), r->mv >= 65, &who, err);
	g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %s not found for instance %s", r->param[1], s->uuid);
	return false;
}

static void abort_of_server(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	GError *err = NULL;

	if (!s)
		return;
	if (abort_migration(r, s, &err))
		api_reply_empty(r, 202);
	else
		api_fail(r, err);
}

static bool force_complete(struct api_req *r, struct server *s, GError **err)
{
	struct requester who = api_requester(r);
	GError *why = NULL;

	if (number(r) == 0)
		g_set_error(&why, ERR, ERR_BAD_REQUEST, "Migration %s not found for instance %s", r->param[1], s->uuid);
	else if (request_force_complete(api_engine(r), s, number(r), &who, &why))
		return true;
	if (err_code(why) == ERR_NOT_FOUND) /* Nova: an unknown migration is a bad request of this call */
		why->code = ERR_BAD_REQUEST;
	g_propagate_error(err, why);
	return false;
}

#define FORCE_COMPLETE "os_compute_api:servers:migrations:force_complete"

static void complete_of_server(struct api_req *r, const json_t *value)
{
	GError *err = NULL;
	struct server *s;

	if (!json_is_null(value)) {
		api_fail_new(r, ERR_BAD_REQUEST, "Invalid input for field/attribute force_complete. It is not of type 'null'");
		return;
	}
	s = view_server(r, r->param[0]);
	if (!s)
		return;
	if (force_complete(r, s, &err))
		api_reply_empty(r, 202);
	else
		api_fail(r, err);
}

static const struct api_action actions[] = {
	{ "force_complete", FORCE_COMPLETE, complete_of_server },
};

/* ---- a list ---- */

struct walk {
	struct mig_filter filter;
	GPtrArray *page;
	migrations_show_f *show;
};

static void walk_free(void *data)
{
	struct walk *w = data;

	g_ptr_array_unref(w->page);
	g_free(w);
}

static bool walk_on(struct api_req *r, void *user)
{
	struct walk *w = user;
	bool more = false;
	GError *err = NULL;

	if (w->filter.limit && !engine_list_part(api_engine(r), &w->filter, w->page, &more, &err)) {
		api_fail(r, err);
		return true;
	}
	if (!more)
		w->show(r, w->page, w->page->len > 0 && w->page->len == (guint)w->filter.limit);
	return !more;
}

void migrations_walk(struct api_req *r, const struct mig_filter *f, migrations_show_f *show)
{
	struct walk *w = g_new(struct walk, 1);

	*w = (struct walk){ *f, g_ptr_array_new_with_free_func((GDestroyNotify)mig_free), show };
	slice_run(r, walk_on, w, walk_free);
}

/* ---- /os-migrations ---- */

static const char *const known_59[] = {
	"status", "host", "instance_uuid", "source_compute", "hidden", "migration_type", "limit", "marker", "changes-since", NULL
};
static const char *const known_66[] = {
	"status", "host", "instance_uuid", "source_compute", "hidden", "migration_type", "limit", "marker", "changes-since",
	"changes-before", NULL
};
static const char *const known_80[] = {
	"status", "host", "instance_uuid", "source_compute", "hidden", "migration_type", "limit", "marker", "changes-since",
	"changes-before", "user_id", "project_id", NULL
};

static bool check_known(const struct api_req *r, GError **err)
{
	if (r->mv < 59)
		return true;
	return view_only_query(r, r->mv >= 80 ? known_80 : r->mv >= 66 ? known_66 : known_59, err);
}

static bool parse_page(const struct api_req *r, struct mig_filter *f, GError **err)
{
	struct api_page page;
	struct mig *m;

	f->limit = (int)api_conf(r)->max_limit;
	if (r->mv < 59)
		return true;
	if (!api_page(r, &page, err))
		return false;
	f->limit = page.limit;
	if (!page.marker)
		return true;
	m = engine_get_by_uuid(api_engine(r), page.marker, NULL);
	if (!m) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Marker %.60s could not be found.", page.marker);
		return false;
	}
	f->below_id = m->id;
	mig_free(m);
	return true;
}

/* @ret_none: asks for hidden ones, of which there are none */
static bool parse(const struct api_req *r, struct mig_filter *f, bool *ret_none, GError **err)
{
	*f = (struct mig_filter){
		.server_uuid = api_query(r, "instance_uuid"), .host = api_query(r, "host"), .status = api_query(r, "status"),
		.type = api_query(r, "migration_type"), .source = api_query(r, "source_compute"),
	};
	if (!check_known(r, err) || !api_query_bool(r, "hidden", false, ret_none, err) || !parse_page(r, f, err))
		return false;
	if (r->mv >= 80) {
		f->user_id = api_query(r, "user_id");
		f->project_id = api_query(r, "project_id");
	}
	if (r->mv >= 59 && !view_query_time(r, "changes-since", &f->since_us, err))
		return false;
	if (r->mv >= 66 && !view_query_time(r, "changes-before", &f->before_us, err))
		return false;
	if (f->since_us && f->before_us && f->before_us < f->since_us) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The value of changes-since must be less than or equal to changes-before.");
		return false;
	}
	return true;
}

static void show_list(struct api_req *r, GPtrArray *page, bool full)
{
	struct jout o;

	view_open(&o, r, 128 + page->len * 1024);
	jout_key(&o, "migrations");
	jout_open(&o, '[');
	/* before pages came (2.59), the oldest was first */
	for (guint i = 0; i < page->len; i++)
		put_of_all(&o, r, g_ptr_array_index(page, r->mv < 59 ? page->len - 1 - i : i));
	jout_close(&o, ']');
	if (r->mv >= 59 && full)
		api_next_link(&o, r, "migrations", ((struct mig *)g_ptr_array_index(page, page->len - 1))->uuid);
	view_close(&o, r, 200);
}

static void list(struct api_req *r)
{
	GError *err = NULL;
	struct mig_filter f;
	bool none = false;

	if (!parse(r, &f, &none, &err)) {
		api_fail(r, err);
		return;
	}
	if (none)
		f.limit = 0;
	migrations_walk(r, &f, show_list);
}

static const struct route routes[] = {
	{ "GET",    "/v2.1/os-migrations",                      "os_compute_api:os-migrations:index",               list },
	{ "GET",    "/v2.1/servers/{id}/migrations",            "os_compute_api:servers:migrations:index",          list_of_server, .since = 23 },
	{ "GET",    "/v2.1/servers/{id}/migrations/{m}",        "os_compute_api:servers:migrations:show",           show_of_server, .since = 23 },
	{ "DELETE", "/v2.1/servers/{id}/migrations/{m}",        "os_compute_api:servers:migrations:delete",         abort_of_server, .since = 24 },
	{ "POST",   "/v2.1/servers/{id}/migrations/{m}/action", FORCE_COMPLETE,                                     .since = 22,
	  .actions = actions, .n_actions = G_N_ELEMENTS(actions) },
};
const struct route_table migrations_routes = { routes, G_N_ELEMENTS(routes) };
