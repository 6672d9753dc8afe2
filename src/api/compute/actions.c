/* SPDX-License-Identifier: Apache-2.0
 *
 * actions: /servers/{id}/os-instance-actions: what was asked of a server, and its steps.
 */
#include "api/compute/compute.h"
#include "api/http/view.h"

#define FIELD(member) offsetof(struct action, member)

static const struct json_field fields[] = {
	{ "action",        JSON_STR,     FIELD(action) },
	{ "instance_uuid", JSON_STR,     FIELD(server_uuid) },
	{ "request_id",    JSON_STR,     FIELD(request_id) },
	{ "user_id",       JSON_STR,     FIELD(user_id) },
	{ "project_id",    JSON_STR,     FIELD(project_id) },
	{ "start_time",    JSON_TIME_US, FIELD(start_us) },
	{ "message",       JSON_STR,     FIELD(message) },
	{ "updated_at",    JSON_TIME_US, FIELD(updated_us), .since = 58 },
};

/* ---- the list ---- */

struct ask {
	int64_t since_us, before_us, below_id;
	int limit;
};

static bool parse_marker(const struct api_req *r, const struct server *s, const char *marker, struct ask *a, GError **err)
{
	struct action *at = marker ? action_get(api_store(r), s->uuid, marker, NULL) : NULL;

	if (marker && !at) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Marker %.60s could not be found.", marker);
		return false;
	}
	a->below_id = at ? at->id : 0;
	action_free(at);
	return true;
}

static bool parse(const struct api_req *r, const struct server *s, struct ask *a, GError **err)
{
	static const char *const known_58[] = { "changes-since", "limit", "marker", NULL };
	static const char *const known_66[] = { "changes-since", "changes-before", "limit", "marker", NULL };
	struct api_page page;

	*a = (struct ask){ .limit = (int)api_conf(r)->max_limit };
	if (r->mv < 58)
		return true;
	if (!view_only_query(r, r->mv >= 66 ? known_66 : known_58, err) || !api_page(r, &page, err) ||
	    !parse_marker(r, s, page.marker, a, err) || !view_query_time(r, "changes-since", &a->since_us, err))
		return false;
	a->limit = page.limit;
	if (r->mv >= 66 && !view_query_time(r, "changes-before", &a->before_us, err))
		return false;
	if (a->since_us && a->before_us && a->before_us < a->since_us) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The value of changes-since must be less than or equal to changes-before.");
		return false;
	}
	return true;
}

static void list(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	g_autoptr(GPtrArray) page = NULL;
	GError *err = NULL;
	struct ask a;
	struct jout o;

	if (!s)
		return;
	if (parse(r, s, &a, &err))
		page = action_list(api_store(r), s->uuid, a.since_us, a.before_us, a.below_id, a.limit, &err);
	if (!page) {
		api_fail(r, err);
		return;
	}
	view_open(&o, r, 128 + page->len * 400);
	jout_key(&o, "instanceActions");
	jout_open(&o, '[');
	for (guint i = 0; i < page->len; i++)
		jout_object(&o, fields, G_N_ELEMENTS(fields), g_ptr_array_index(page, i));
	jout_close(&o, ']');
	if (r->mv >= 58 && page->len > 0 && page->len == (guint)a.limit)
		view_next(&o, r, "links", ((struct action *)g_ptr_array_index(page, page->len - 1))->request_id);
	view_close(&o, r, 200);
}

/* ---- one, with its events ---- */

/* What an event's members need beside it. */
struct about {
	const struct server *server;
};

static void put_host_id(struct jout *o, const void *obj)
{
	const struct about *about = o->ctx;
	char hex[VIEW_HOST_ID_LEN + 1];

	view_host_id(hex, about->server->project_id, ((const struct action_event *)obj)->host);
	jout_str(o, hex);
}

#undef FIELD
#define FIELD(member) offsetof(struct action_event, member)

static const struct json_field event_fields[] = {
	{ "event",       JSON_STR,     FIELD(event) },
	{ "start_time",  JSON_TIME_US, FIELD(start_us) },
	{ "finish_time", JSON_TIME_US, FIELD(finish_us) },
	{ "result",      JSON_STR,     FIELD(result) },
	{ "hostId",      JSON_EMIT,    .emit = put_host_id, .since = 62 },
};

static const struct json_field admin_event_fields[] = {
	{ "traceback",   JSON_STR,     FIELD(details) }, /* of an older client: the evidence that 2.84 calls details */
	{ "host",        JSON_STR,     FIELD(host), .since = 62 },
	{ "details",     JSON_STR,     FIELD(details), .since = 84 },
};

static void put_events(struct jout *o, const struct api_req *r, const struct about *about, GPtrArray *events)
{
	o->ctx = about;
	jout_key(o, "events");
	jout_open(o, '[');
	for (guint i = 0; i < events->len; i++) {
		const struct action_event *e = g_ptr_array_index(events, i);

		jout_open(o, '{');
		jout_fields(o, event_fields, G_N_ELEMENTS(event_fields), e);
		if (r->auth->admin)
			jout_fields(o, admin_event_fields, G_N_ELEMENTS(admin_event_fields), e);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

static void reply(struct api_req *r, const struct server *s, const struct action *a, GPtrArray *events)
{
	struct jout o;

	view_open(&o, r, 1024);
	jout_key(&o, "instanceAction");
	jout_open(&o, '{');
	jout_fields(&o, fields, G_N_ELEMENTS(fields), a);
	if (r->auth->admin || r->mv >= 51)
		put_events(&o, r, &(struct about){ s }, events);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct action *a = NULL;
	g_autoptr(GPtrArray) events = NULL;
	GError *err = NULL;

	if (!s)
		return;
	a = action_get(api_store(r), s->uuid, r->param[1], &err);
	if (a)
		events = action_events(api_store(r), a->id, &err);
	if (events)
		reply(r, s, a, events);
	else if (err_code(err) == ERR_NOT_FOUND)
		api_fail_new(r, ERR_NOT_FOUND, "Action %s not found", r->param[1]);
	else
		api_fail(r, g_steal_pointer(&err));
	g_clear_error(&err);
	action_free(a);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/servers/{id}/os-instance-actions",     "os_compute_api:os-instance-actions:list", list },
	{ "GET", "/v2.1/servers/{id}/os-instance-actions/{r}", "os_compute_api:os-instance-actions:show", show },
};
const struct route_table actions_routes = { routes, G_N_ELEMENTS(routes) };
