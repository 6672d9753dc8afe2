/* SPDX-License-Identifier: Apache-2.0
 *
 * services: /os-services. A host is a nova-compute; the controller itself is a
 * nova-conductor and a nova-scheduler, because operators look for them.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"
#include "base/body.h"
#include "base/clock.h"

#define REASON_MAX 255

/* A service as the answer has it; everything borrowed. */
struct service {
	int64_t id;
	char uuid[UTIL_UUID_LEN + 1];
	const char *binary, *host, *zone, *status, *state, *disabled_reason;
	int64_t updated_us;
	bool forced_down;
	struct host *compute; /* NULL: one of the controller's */
};

static void put_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct service *)obj)->uuid);
}

#define FIELD(member) offsetof(struct service, member)

static const struct json_field full[] = {
	{ "id",              JSON_INT64,   FIELD(id), .until = 52 },
	{ "id",              JSON_EMIT,    .emit = put_uuid, .since = 53 },
	{ "binary",          JSON_STR,     FIELD(binary) },
	{ "host",            JSON_STR,     FIELD(host) },
	{ "zone",            JSON_STR,     FIELD(zone) },
	{ "status",          JSON_STR,     FIELD(status) },
	{ "state",           JSON_STR,     FIELD(state) },
	{ "updated_at",      JSON_TIME_US, FIELD(updated_us) },
	{ "disabled_reason", JSON_STR,     FIELD(disabled_reason) },
	{ "forced_down",     JSON_BOOL,    FIELD(forced_down), .since = 11 },
};

static void of_host(const struct api_req *r, struct service *s, struct host *h)
{
	*s = (struct service){
		.id = VIEW_SERVICE_ID(h), .binary = "nova-compute", .host = h->name, .zone = view_zone(r),
		.status = h->disabled ? "disabled" : "enabled", .state = host_is_up(api_fleet(r), h) ? "up" : "down",
		.disabled_reason = h->disabled_reason, .updated_us = h->last_seen_us, .forced_down = h->forced_down, .compute = h,
	};
	g_strlcpy(s->uuid, h->uuid, sizeof s->uuid);
}

static void of_controller(struct service *s, enum view_service which)
{
	static const char *const binaries[] = { [VIEW_CONDUCTOR] = "nova-conductor", [VIEW_SCHEDULER] = "nova-scheduler" };
	static char uuids[VIEW_SERVICE_N][UTIL_UUID_LEN + 1]; /* made once: a digest costs more than the rest of a service */

	*s = (struct service){
		.id = which, .binary = binaries[which], .host = g_get_host_name(), .zone = "internal", .status = "enabled", .state = "up",
		.updated_us = clock_wall_us(),
	};
	if (!*uuids[which])
		view_uuid(uuids[which], "service", s->binary);
	memcpy(s->uuid, uuids[which], sizeof s->uuid);
}

typedef bool service_f(const struct service *s, void *user);

/* Call @fn for every service, by number, until it returns false. */
static void each(const struct api_req *r, service_f *fn, void *user)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	struct service s;

	for (int which = VIEW_CONDUCTOR; which < VIEW_SERVICE_N; which++) {
		of_controller(&s, (enum view_service)which);
		if (!fn(&s, user))
			return;
	}
	for (guint i = 0; i < hosts->len; i++) {
		of_host(r, &s, g_ptr_array_index(hosts, i));
		if (!fn(&s, user))
			return;
	}
}

/* ---- GET ---- */

struct list {
	const char *host, *binary;
	struct jout o;
};

static bool put(const struct service *s, void *user)
{
	struct list *l = user;

	if ((!l->host || strcmp(l->host, s->host) == 0) && (!l->binary || strcmp(l->binary, s->binary) == 0))
		jout_object(&l->o, full, G_N_ELEMENTS(full), s);
	return true;
}

static void list(struct api_req *r)
{
	static const char *const known[] = { "host", "binary", NULL };
	struct list l = { .host = api_query(r, "host"), .binary = api_query(r, "binary") };
	GError *err = NULL;

	if (r->mv >= 75 && !view_only_query(r, known, &err)) {
		api_fail(r, err);
		return;
	}
	view_open(&l.o, r, 512 + fleet_hosts(api_fleet(r))->len * 320);
	jout_key(&l.o, "services");
	jout_open(&l.o, '[');
	each(r, put, &l);
	jout_close(&l.o, ']');
	view_close(&l.o, r, 200);
}

/* ---- what migrations forbid ---- */

/* Return: the first that has not ended, of or to the host, and fits; NULL. */
static const struct mig *migration_of(const struct api_req *r, const struct host *h, bool (*fits)(const struct mig *m, const struct host *h))
{
	GPtrArray *active = engine_active(api_engine(r));

	for (guint i = 0; i < active->len; i++) {
		const struct mig *m = g_ptr_array_index(active, i);

		if (m->kind->migration && !mig_is_final(m) && fits(m, h))
			return m;
	}
	return NULL;
}

static bool is_done(const struct mig *m)
{
	return g_strcmp0(mig_status(m), "done") == 0;
}

/* As Nova counts them: one that waits for its old host alone is done. */
static bool is_in_progress(const struct mig *m, const struct host *h)
{
	return !is_done(m) && (g_strcmp0(m->source, h->name) == 0 || g_strcmp0(m->dest, h->name) == 0);
}

static bool is_evacuated(const struct mig *m, const struct host *h)
{
	return is_done(m) && strcmp(m->kind->type, "evacuation") == 0 && g_strcmp0(m->source, h->name) == 0;
}

/* A host that still has what was evacuated from it does not count as up again by an administrator's word. */
static bool check_up(const struct api_req *r, const struct host *h, bool down, GError **err)
{
	if (down || !h->forced_down || !migration_of(r, h, is_evacuated))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Unable to force up host %s as `done` evacuation migration records remain associated with the host. Ensure the "
		    "compute service has been restarted, allowing these records to move to `completed` before retrying this request.", h->name);
	return false;
}

/* ---- PUT, up to 2.52: the act is the path's last word, the service is in the body ---- */

struct by_name {
	char *host, *binary, *reason;
	bool down, has_down, has_reason;
};

static bool take_down(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_bool(v, where, &((struct by_name *)obj)->down, err);
}

static const struct json_field by_name_fields[] = {
	{ "host",            JSON_STR,  offsetof(struct by_name, host), .required = true, .min = 1, .max = 255 },
	{ "binary",          JSON_STR,  offsetof(struct by_name, binary), .required = true, .min = 1, .max = 255 },
	{ "disabled_reason", JSON_STR,  offsetof(struct by_name, reason), .min = 1, .max = REASON_MAX,
	  .given = offsetof(struct by_name, has_reason) },
	{ "forced_down",     JSON_EMIT, .take = take_down, .form = BODY_BOOL, .since = 11, .given = offsetof(struct by_name, has_down) },
};
static const struct api_body by_name_body = { .fields = by_name_fields, .n = G_N_ELEMENTS(by_name_fields) };

static bool enable(struct api_req *r, struct host *h, const struct by_name *b, GError **err)
{
	(void)b;
	return fleet_host_set(api_fleet(r), h, false, NULL, h->forced_down, err);
}

static bool disable(struct api_req *r, struct host *h, const struct by_name *b, GError **err)
{
	(void)b;
	return fleet_host_set(api_fleet(r), h, true, NULL, h->forced_down, err);
}

static bool disable_because(struct api_req *r, struct host *h, const struct by_name *b, GError **err)
{
	if (b->has_reason)
		return fleet_host_set(api_fleet(r), h, true, b->reason, h->forced_down, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Missing disabled reason field");
	return false;
}

static bool force_down(struct api_req *r, struct host *h, const struct by_name *b, GError **err)
{
	if (b->has_down)
		return check_up(r, h, b->down, err) && fleet_host_set(api_fleet(r), h, h->disabled, h->disabled_reason, b->down, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Missing forced_down field");
	return false;
}

/* What the answer has beside host and binary. */
enum shown { SHOW_STATUS = 1, SHOW_REASON = 2, SHOW_DOWN = 4 };

static const struct act {
	const char *name;
	bool (*run)(struct api_req *r, struct host *h, const struct by_name *b, GError **err);
	unsigned shown;
	int since;
} acts[] = {
	{ "enable",             enable,          SHOW_STATUS },
	{ "disable",            disable,         SHOW_STATUS },
	{ "disable-log-reason", disable_because, SHOW_STATUS | SHOW_REASON },
	{ "force-down",         force_down,      SHOW_DOWN, 11 },
};

static void reply_act(struct api_req *r, const struct act *a, const struct host *h)
{
	struct jout o;

	view_open(&o, r, 256);
	jout_key(&o, "service");
	jout_open(&o, '{');
	jout_kv(&o, "host", str, h->name);
	jout_kv(&o, "binary", str, "nova-compute");
	if (a->shown & SHOW_STATUS)
		jout_kv(&o, "status", str, h->disabled ? "disabled" : "enabled");
	if (a->shown & SHOW_REASON)
		jout_kv(&o, "disabled_reason", str, h->disabled_reason);
	if (a->shown & SHOW_DOWN)
		jout_kv(&o, "forced_down", bool, h->forced_down);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static bool is_controllers(const char *host, const char *binary)
{
	return strcmp(host, g_get_host_name()) == 0 && g_strv_contains((const char *const[]){ "nova-conductor", "nova-scheduler", NULL }, binary);
}

static struct host *host_by_name(const struct api_req *r, const struct by_name *b, GError **err)
{
	struct host *h = fleet_host(api_fleet(r), b->host);

	if (h && strcmp(b->binary, "nova-compute") == 0)
		return h;
	if (is_controllers(b->host, b->binary))
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Updating a %s service is not supported. Only nova-compute services can be updated.",
			    b->binary);
	else
		g_set_error(err, ERR, ERR_NOT_FOUND, "Could not find binary %s on host %s.", b->binary, b->host);
	return NULL;
}

static void update_by_name(struct api_req *r)
{
	struct by_name b = { 0 };
	const struct act *a = NULL;
	struct host *h = NULL;
	GError *err = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(acts); i++)
		if (strcmp(acts[i].name, r->param[0]) == 0 && r->mv >= acts[i].since)
			a = &acts[i];
	if (!a)
		g_set_error(&err, ERR, ERR_NOT_FOUND, "Unknown action");
	else if (api_decode(r, &b, &err))
		h = host_by_name(r, &b, &err);
	if (h && a->run(r, h, &b, &err))
		reply_act(r, a, h);
	else
		api_fail(r, err);
	json_free(by_name_fields, G_N_ELEMENTS(by_name_fields), &b);
}

/* ---- PUT, from 2.53: the service is in the path, what shall be is in the body ---- */

struct by_id {
	char *status, *reason;
	bool down, has_down;
};

static bool take_status(const json_t *v, void *obj, const char *where, GError **err)
{
	const char *status = json_string_value(v);

	if (!status || !g_strv_contains((const char *const[]){ "enabled", "disabled", NULL }, status)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It is not one of ['enabled', 'disabled']",
			    body_leaf(where));
		return false;
	}
	util_replace(&((struct by_id *)obj)->status, status);
	return true;
}

static bool take_id_down(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_bool(v, where, &((struct by_id *)obj)->down, err);
}

static const struct json_field by_id_fields[] = {
	{ "status",          JSON_EMIT, .take = take_status, .form = "\"enabled\", \"disabled\"" },
	{ "disabled_reason", JSON_STR,  offsetof(struct by_id, reason), .min = 1, .max = REASON_MAX },
	{ "forced_down",     JSON_EMIT, .take = take_id_down, .form = BODY_BOOL, .given = offsetof(struct by_id, has_down) },
};
static const struct api_body by_id_body = { .fields = by_id_fields, .n = G_N_ELEMENTS(by_id_fields) };

struct wanted {
	const char *id;
	struct service found;
	bool numbers;
};

static bool is_wanted(const struct service *s, void *user)
{
	struct wanted *w = user;
	int64_t id;

	if (w->numbers ? util_parse_int(w->id, 1, G_MAXINT64, &id) && id == s->id : g_ascii_strcasecmp(w->id, s->uuid) == 0)
		w->found = *s;
	return w->found.binary == NULL;
}

static bool find(const struct api_req *r, struct service *ret, GError **err)
{
	struct wanted w = { .id = r->param[0], .numbers = r->mv < 53 };

	if (!w.numbers && !util_uuid_valid(w.id)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid uuid %s", w.id);
		return false;
	}
	each(r, is_wanted, &w);
	if (!w.found.binary) {
		g_set_error(err, ERR, ERR_NOT_FOUND, "Service %s could not be found.", w.id);
		return false;
	}
	*ret = w.found;
	return true;
}

static bool check_by_id(const struct by_id *b, const struct service *s, GError **err)
{
	if (!s->compute)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Updating a %s service is not supported. Only nova-compute services can be updated.",
			    s->binary);
	else if (!b->status && !b->has_down)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "No updates were requested. Fields 'status' or 'forced_down' should be specified.");
	else if (b->reason && (!b->status || strcmp(b->status, "disabled") != 0))
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Specifying disabled_reason requires that status is \"disabled\".");
	else
		return true;
	return false;
}

static bool set_by_id(const struct api_req *r, struct host *h, const struct by_id *b, GError **err)
{
	bool disabled = b->status ? strcmp(b->status, "disabled") == 0 : h->disabled;

	if (b->has_down && !check_up(r, h, b->down, err))
		return false;
	return fleet_host_set(api_fleet(r), h, disabled, b->status ? b->reason : h->disabled_reason, b->has_down ? b->down : h->forced_down, err);
}

static void update_by_id(struct api_req *r)
{
	struct by_id b = { 0 };
	struct service s;
	GError *err = NULL;
	struct jout o;

	if (api_decode(r, &b, &err) && find(r, &s, &err) &&
	    check_by_id(&b, &s, &err) && set_by_id(r, s.compute, &b, &err)) {
		of_host(r, &s, s.compute);
		view_open(&o, r, 400);
		jout_key(&o, "service");
		jout_object(&o, full, G_N_ELEMENTS(full), &s);
		view_close(&o, r, 200);
	} else {
		api_fail(r, err);
	}
	json_free(by_id_fields, G_N_ELEMENTS(by_id_fields), &b);
	g_free(b.status);
}

/* ---- DELETE ---- */

static bool check_unused(const struct api_req *r, const struct service *s, GError **err)
{
	if (!s->compute)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The %s service is the controller itself and cannot be deleted.", s->binary);
	else if (g_hash_table_size(s->compute->servers) > 0)
		g_set_error(err, ERR, ERR_CONFLICT, "Unable to delete compute service that is hosting instances. "
			    "Migrate or delete the instances first.");
	else if (g_hash_table_size(s->compute->claims) > 0 || migration_of(r, s->compute, is_in_progress))
		g_set_error(err, ERR, ERR_CONFLICT, "Unable to delete compute service that has in-progress migrations. "
			    "Complete the migrations or delete the instances first.");
	else
		return true;
	return false;
}

static void remove_service(struct api_req *r)
{
	GError *err = NULL;
	struct service s;

	if (find(r, &s, &err) && check_unused(r, &s, &err) && fleet_host_remove(api_fleet(r), s.compute, &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

static const struct route routes[] = {
	{ "GET",    "/v2.1/os-services",      "os_compute_api:os-services:list",   list },
	{ "PUT",    "/v2.1/os-services/{id}", "os_compute_api:os-services:update", update_by_name, .until = 52, .body = &by_name_body },
	{ "PUT",    "/v2.1/os-services/{id}", "os_compute_api:os-services:update", update_by_id, .since = 53, .body = &by_id_body },
	{ "DELETE", "/v2.1/os-services/{id}", "os_compute_api:os-services:delete", remove_service },
};
const struct route_table services_routes = { routes, G_N_ELEMENTS(routes) };
