/* SPDX-License-Identifier: Apache-2.0
 *
 * /drover/v1/plans: host maps, drains, bulk moves and rebalancing, as plans: made dry, read, changed, started, paused, cancelled.
 *
 *	{"plan": {"kind": "drain", "hosts": ["h1"], "parallel": 4}}
 */
#include <limits.h>
#include <string.h>

#include "api/drover/drover.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "base/loop.h"
#include "plan/make.h"
#include "task/request.h"

#define HEAD_BYTES 1024
#define STEP_BYTES 640
#define STEPS_AT_ONCE 500 /* in a piece of an answer: a ms or two */
#define MISTAKE_BYTES 256

static const struct api_body wanted_body = { "plan", plan_wanted_fields, PLAN_WANTED_N };

/* ---- a plan ---- */

static void put_kind(struct jout *o, const void *obj)
{
	jout_str(o, plan_kind_name(((const struct plan_record *)obj)->kind));
}

static void put_state(struct jout *o, const void *obj)
{
	jout_str(o, plan_state_name(((const struct plan_record *)obj)->state));
}

static void put_version(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct plan_record *)obj)->fleet_version);
}

static void put_options(struct jout *o, const void *obj)
{
	const struct plan_record *p = obj;

	jout_open(o, '{');
	jout_fields(o, plan_option_fields, plan_option_fields_n, &p->opt);
	jout_key(o, "hosts");
	jout_open(o, '[');
	for (guint i = 0; i < p->hosts->len; i++)
		jout_str(o, g_ptr_array_index(p->hosts, i));
	jout_close(o, ']');
	jout_close(o, '}');
}

static void put_counts(struct jout *o, const void *obj)
{
	plan_put_counts(o, obj);
}

#define PLAN(member) offsetof(struct plan_record, member)

static const struct json_field plan_fields[] = {
	{ "id",            JSON_INT64,   PLAN(id) },
	{ "kind",          JSON_EMIT,    .emit = put_kind },
	{ "state",         JSON_EMIT,    .emit = put_state },
	{ "why",           JSON_STR,     PLAN(why) },
	{ "fleet_version", JSON_EMIT,    .emit = put_version },
	{ "options",       JSON_EMIT,    .emit = put_options },
	{ "expected_s",    JSON_INT64,   PLAN(expected_s) },
	{ "counts",        JSON_EMIT,    .emit = put_counts },
	{ "user_id",       JSON_STR,     PLAN(user_id) },
	{ "project_id",    JSON_STR,     PLAN(project_id) },
	{ "request_id",    JSON_STR,     PLAN(request_id) },
	{ "created_at",    JSON_TIME_US, PLAN(created_us) },
	{ "updated_at",    JSON_TIME_US, PLAN(updated_us) },
	{ "started_at",    JSON_TIME_US, PLAN(started_us) },
	{ "ended_at",      JSON_TIME_US, PLAN(ended_us) },
};

/* ---- its steps ---- */

static void put_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct plan_step *)obj)->uuid);
}

static void put_how(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct plan_step *)obj)->cold ? "cold" : "live");
}

static bool put_number(int n, void *user)
{
	jout_int(user, n);
	return true;
}

static void put_after(struct jout *o, const void *obj)
{
	jout_open(o, '[');
	(void)plan_steps_after(obj, put_number, o);
	jout_close(o, ']');
}

static void put_needs(struct jout *o, const void *obj)
{
	const struct plan_step *st = obj;

	jout_open(o, '{');
	jout_kv(o, "vcpus", int, st->needs.vcpus);
	jout_kv(o, "memory_mb", int, st->needs.memory_mb);
	jout_kv(o, "disk_gb", int, st->needs.disk_gb);
	jout_close(o, '}');
}

static void put_step_state(struct jout *o, const void *obj)
{
	enum plan_step_state s = ((const struct plan_step *)obj)->state;

	jout_str(o, plan_step_state_name(s == PLAN_STEP_ASKING ? PLAN_STEP_RUNNING : s));
}

static void put_migration(struct jout *o, const void *obj)
{
	const struct plan_step *st = obj;

	if (st->task)
		jout_int(o, st->task);
	else
		jout_null(o);
}

static void put_reasons(struct jout *o, const void *obj)
{
	const struct plan_step *st = obj;

	jout_raw(o, st->reasons ? st->reasons : "[]");
}

#define STEP(member) offsetof(struct plan_step, member)

static const struct json_field step_fields[] = {
	{ "n",              JSON_INT,     STEP(n) },
	{ "server_uuid",    JSON_EMIT,    .emit = put_uuid },
	{ "server_name",    JSON_STR,     STEP(name) },
	{ "from",           JSON_STR,     STEP(source) },
	{ "to",             JSON_STR,     STEP(dest) },
	{ "how",            JSON_EMIT,    .emit = put_how },
	{ "why",            JSON_STR,     STEP(why) },
	{ "after",          JSON_EMIT,    .emit = put_after },
	{ "wave",           JSON_INT,     STEP(wave) },
	{ "detour",         JSON_BOOL,    STEP(detour) },
	{ "needs",          JSON_EMIT,    .emit = put_needs },
	{ "expected_s",     JSON_INT64,   STEP(expect_s) },
	{ "expected_bytes", JSON_INT64,   STEP(expect_bytes) },
	{ "state",          JSON_EMIT,    .emit = put_step_state },
	{ "migration",      JSON_EMIT,    .emit = put_migration },
	{ "attempts",       JSON_INT,     STEP(attempts) },
	{ "reason",         JSON_STR,     STEP(reason) },
	{ "started_at",     JSON_TIME_US, STEP(started_us) },
	{ "ended_at",       JSON_TIME_US, STEP(ended_us) },
};

static const struct json_field cannot_fields[] = {
	{ "server_uuid", JSON_EMIT, .emit = put_uuid },
	{ "server_name", JSON_STR,  STEP(name) },
	{ "host",        JSON_STR,  STEP(source) },
	{ "reason",      JSON_STR,  STEP(reason) },
	{ "reasons",     JSON_EMIT, .emit = put_reasons },
};

/* Its members: hosts, cycles, spread. */
static void put_report(struct jout *o, const struct plan_record *p)
{
	g_autofree char *members = p->report && *p->report ? g_strndup(p->report + 1, strlen(p->report) - 2) : NULL;

	if (!members)
		return;
	if (o->comma)
		g_string_append_c(o->s, ',');
	g_string_append(o->s, members);
	o->comma = true;
}

static void reply_head(struct api_req *r, int status, const struct plan_record *p)
{
	struct jout o;

	view_open(&o, r, HEAD_BYTES);
	jout_key(&o, "plan");
	jout_object(&o, plan_fields, G_N_ELEMENTS(plan_fields), p);
	view_close(&o, r, status);
}

/* ---- the whole of it, its steps in pieces (slice.h) ---- */

struct whole {
	int status;
	int64_t id;
	int seen;          /* the number of the last step that is written */
	struct jout o;     /* open: the plan, and its steps */
	struct jout cannot; /* meanwhile: those that are blocked */
};

static void whole_free(void *user)
{
	struct whole *w = user;

	if (w->o.s)
		g_string_free(w->o.s, TRUE);
	g_string_free(w->cannot.s, TRUE);
	g_free(w);
}

static void put_step(struct whole *w, const struct plan_step *st)
{
	w->seen = st->n;
	if (st->state == PLAN_STEP_BLOCKED)
		jout_object(&w->cannot, cannot_fields, G_N_ELEMENTS(cannot_fields), st);
	else
		jout_object(&w->o, step_fields, G_N_ELEMENTS(step_fields), st);
}

/* Of one that is not over, from memory; steps are numbered from 1 on. Return: those were the last. */
static bool put_known(struct whole *w, const struct plan_record *p)
{
	guint to = MIN(p->steps->len, (guint)w->seen + STEPS_AT_ONCE);

	for (guint i = (guint)w->seen; i < to; i++)
		put_step(w, g_ptr_array_index(p->steps, i));
	return to == p->steps->len;
}

/* Return: the same; or it has failed. */
static bool put_rows(struct api_req *r, struct whole *w, GError **err)
{
	g_autoptr(GPtrArray) list = plan_read_part(api_store(r), w->id, w->seen, STEPS_AT_ONCE, err);

	for (guint i = 0; list && i < list->len; i++)
		put_step(w, g_ptr_array_index(list, i));
	return !list || list->len < STEPS_AT_ONCE;
}

static void reply_whole(struct api_req *r, struct whole *w, const struct plan_record *p)
{
	jout_close(&w->o, ']');
	jout_close(&w->cannot, ']');
	jout_key(&w->o, "cannot");
	jout_raw(&w->o, w->cannot.s->str);
	put_report(&w->o, p);
	jout_close(&w->o, '}');
	view_close(&w->o, r, w->status);
}

/* It may end between two pieces, and then its rows go on; or be deleted. */
static bool put_piece(struct api_req *r, void *user)
{
	struct whole *w = user;
	struct plan_record *p = plans_find(api_plans(r), w->id), *row = NULL;
	GError *err = NULL;
	bool last = p ? put_known(w, p) : put_rows(r, w, &err);

	if (last && !p && !err)
		p = row = plan_read_head(api_store(r), w->id, &err);
	if (err)
		api_fail(r, err);
	else if (last)
		reply_whole(r, w, p);
	plan_record_free(row);
	return last;
}

static void reply_plan(struct api_req *r, int status, const struct plan_record *p)
{
	struct whole *w = g_new0(struct whole, 1);

	w->status = status;
	w->id = p->id;
	view_open(&w->o, r, HEAD_BYTES + (p->steps ? p->steps->len * STEP_BYTES : 0));
	jout_key(&w->o, "plan");
	jout_open(&w->o, '{');
	jout_fields(&w->o, plan_fields, G_N_ELEMENTS(plan_fields), p);
	jout_key(&w->o, "steps");
	jout_open(&w->o, '[');
	jout_init(&w->cannot, g_string_new(NULL), r->mv);
	jout_open(&w->cannot, '[');
	slice_run(r, put_piece, w, whole_free);
}

/* ---- mistakes ---- */

#define MISTAKE(member) offsetof(struct plan_mistake, member)

static const struct json_field mistake_fields[] = {
	{ "where", JSON_STR, MISTAKE(where) },
	{ "code",  JSON_STR, MISTAKE(code) },
	{ "what",  JSON_STR, MISTAKE(what) },
};

static void reply_mistakes(struct api_req *r, const GPtrArray *mistakes)
{
	g_autofree char *text = plan_mistakes_text(mistakes);
	struct jout o;

	view_open(&o, r, 256 + mistakes->len * MISTAKE_BYTES);
	jout_key(&o, "badRequest");
	jout_open(&o, '{');
	jout_kv(&o, "code", int, 400);
	jout_kv(&o, "message", str, text);
	jout_key(&o, "mistakes");
	jout_open(&o, '[');
	for (guint i = 0; i < mistakes->len; i++)
		jout_object(&o, mistake_fields, G_N_ELEMENTS(mistake_fields), g_ptr_array_index(mistakes, i));
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 400);
}

/* ---- making one ---- */

static void made(struct plan_record *p, const GPtrArray *mistakes, const GError *err, void *user)
{
	struct api_req *r = user;
	char id[UTIL_INT_MAX];

	if (!p && mistakes)
		reply_mistakes(r, mistakes);
	else if (!p)
		api_fail(r, g_error_copy(err));
	if (!p)
		return;
	(void)util_int(id, p->id);
	api_about(r, id);
	reply_plan(r, 201, p);
}

static void wanted_free(void *user)
{
	plan_wanted_clear(user);
	g_free(user);
}

static void create(struct api_req *r, void *obj, GError *err)
{
	const struct requester who = api_requester(r);
	struct plan_wanted *w = obj;

	if (!err)
		plans_make(api_plans(r), w, &who, made, r);
	else
		api_fail(r, err);
	loop_job(wanted_free, NULL, w); /* what was read up to the error may be 50,000 names */
}

static void plan_create(struct api_req *r)
{
	struct plan_wanted *w = g_new(struct plan_wanted, 1);

	plan_wanted_init(w);
	api_decode_then(r, w, create);
}

/* ---- looking ---- */

/* By its number. Return: 0 after the request was answered. */
static int64_t id_of(struct api_req *r)
{
	int64_t id;

	if (util_parse_int(r->param[0], 1, INT64_MAX, &id))
		return id;
	api_fail_new(r, ERR_NOT_FOUND, "Plan %.60s could not be found.", r->param[0]);
	return 0;
}

static void show(struct api_req *r, int status, int64_t id, bool whole)
{
	struct plan_record *p = plans_find(api_plans(r), id), *row = NULL;
	GError *err = NULL;

	if (!p)
		p = row = plan_read_head(api_store(r), id, &err);
	if (p && p->state != PLAN_MAKING && whole)
		reply_plan(r, status, p);
	else if (p && p->state != PLAN_MAKING)
		reply_head(r, status, p);
	else if (p)
		api_fail_new(r, ERR_NOT_FOUND, "Plan %" G_GINT64_FORMAT " could not be found.", id);
	else
		api_fail(r, err);
	plan_record_free(row);
}

static void plan_show(struct api_req *r)
{
	int64_t id = id_of(r);

	if (id)
		show(r, 200, id, true);
}

struct filter {
	const char *kind, *state;
	int64_t below;
	int limit;
};

static bool parse_filter(struct api_req *r, struct filter *f, GError **err)
{
	static const char *const known[] = { "kind", "state", "limit", "marker", NULL };
	struct api_page page;
	enum plan_kind k;
	enum plan_state s;

	if (!view_only_query(r, known, err) || !api_page(r, &page, err))
		return false;
	*f = (struct filter){ .kind = api_query(r, "kind"), .state = api_query(r, "state"), .limit = page.limit };
	if (f->kind && !plan_kind_parse(f->kind, &k))
		g_set_error(err, ERR, ERR_BAD_REQUEST, "There are no plans of kind %.60s.", f->kind);
	else if (f->state && !plan_state_parse(f->state, &s))
		g_set_error(err, ERR, ERR_BAD_REQUEST, "There are no plans in state %.60s.", f->state);
	else if (page.marker && !util_parse_int(page.marker, 1, INT64_MAX, &f->below))
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The marker %.60s is no plan's.", page.marker);
	else
		return true;
	return false;
}

static void reply_list(struct api_req *r, const GPtrArray *list, const struct filter *f)
{
	char marker[UTIL_INT_MAX];
	struct jout o;

	view_open(&o, r, 64 + list->len * 1024);
	jout_key(&o, "plans");
	jout_open(&o, '[');
	for (guint i = 0; i < list->len; i++) {
		const struct plan_record *row = g_ptr_array_index(list, i), *p = plans_find(api_plans(r), row->id);

		jout_object(&o, plan_fields, G_N_ELEMENTS(plan_fields), p ? p : row);
	}
	jout_close(&o, ']');
	if (list->len > 0 && (int)list->len == f->limit) {
		(void)util_int(marker, ((const struct plan_record *)g_ptr_array_index(list, list->len - 1))->id);
		api_next_link(&o, r, "plans", marker);
	}
	view_close(&o, r, 200);
}

static void plan_list(struct api_req *r)
{
	g_autoptr(GPtrArray) list = NULL;
	struct filter f;
	GError *err = NULL;

	if (parse_filter(r, &f, &err))
		list = plans_list(api_plans(r), f.kind, f.state, f.below, f.limit, &err);
	if (list)
		reply_list(r, list, &f);
	else
		api_fail(r, err);
}

static void plan_remove(struct api_req *r)
{
	int64_t id = id_of(r);
	GError *err = NULL;

	if (!id)
		return;
	if (plans_delete(api_plans(r), id, &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

/* ---- changing a draft ---- */

struct change {
	struct api_req *r;
	int64_t id;
	struct plan_change c;
	bool cold, cold_given;
};

static void change_step_free(void *data)
{
	struct plan_change_step *c = data;

	g_free(c->to);
	g_free(c);
}

#define CHANGE_STEP(member) offsetof(struct plan_change_step, member)

static const struct json_field change_step_fields[] = {
	{ "n",    JSON_INT,  CHANGE_STEP(n), .required = true, .min = 1, .max = PLAN_STEPS_MAX },
	{ "skip", JSON_BOOL, CHANGE_STEP(skip) },
	{ "to",   JSON_STR,  CHANGE_STEP(to), .nullable = true, .min = 1, .max = 255 },
};

static bool take_changes(const json_t *v, void *obj, const char *where, GError **err)
{
	struct change *x = obj;

	if (!json_is_array(v) || json_array_size(v) > PLAN_STEPS_MAX) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It is a list of steps.", where);
		return false;
	}
	x->c.steps = g_ptr_array_new_with_free_func(change_step_free);
	for (size_t i = 0; i < json_array_size(v); i++) {
		g_autofree char *at = g_strdup_printf("%s[%zu]", where, i);
		struct plan_change_step *c = g_new0(struct plan_change_step, 1);

		g_ptr_array_add(x->c.steps, c);
		if (!json_decode(json_array_get(v, i), change_step_fields, G_N_ELEMENTS(change_step_fields), 0, at, c, err))
			return false;
	}
	return true;
}

#define CHANGE(member) offsetof(struct change, member)

static const struct json_field change_fields[] = {
	{ "parallel", JSON_INT,   CHANGE(c.parallel), .min = 1, .max = PLAN_PARALLEL_MAX },
	{ "deadline", JSON_INT64, CHANGE(c.deadline_s), .min = 0, .max = PLAN_DEADLINE_MAX_S },
	{ "cold",     JSON_BOOL,  CHANGE(cold), .given = CHANGE(cold_given) },
	{ "priority", JSON_INT,   CHANGE(c.priority), .min = MIG_PRIORITY_MIN, .max = MIG_PRIORITY_MAX },
	{ "steps",    JSON_EMIT,  .take = take_changes, .form = "[{\"n\": 3, \"skip\": true}, {\"n\": 4, \"to\": \"host\"}, ...]" },
};
static const struct api_body change_body = { "plan", change_fields, G_N_ELEMENTS(change_fields) };

static void change_free(void *user)
{
	struct change *x = user;

	if (x->c.steps)
		g_ptr_array_unref(x->c.steps);
	g_free(x);
}

static void changed(const GPtrArray *mistakes, const GError *err, void *user)
{
	struct change *x = user;
	struct api_req *r = x->r;

	if (err)
		api_fail(r, g_error_copy(err));
	else if (mistakes)
		reply_mistakes(r, mistakes);
	else
		show(r, 200, x->id, true);
	loop_job(change_free, NULL, x);
}

static void change(struct api_req *r, void *obj, GError *err)
{
	struct change *x = obj;

	if (err) {
		api_fail(r, err);
		loop_job(change_free, NULL, x);
		return;
	}
	x->c.cold = x->cold_given ? x->cold : -1;
	plans_change(api_plans(r), x->id, &x->c, changed, x);
}

static void plan_change(struct api_req *r)
{
	int64_t id = id_of(r);
	struct change *x;

	if (!id)
		return;
	x = g_new(struct change, 1);
	*x = (struct change){ .r = r, .id = id, .c = { .priority = INT_MIN, .deadline_s = -1, .cold = -1 } };
	api_decode_then(r, x, change);
}

/* ---- actions ---- */

struct start {
	bool adapt;
};
struct cancelled {
	bool abort_running;
};

static const struct json_field start_fields[] = { { "adapt", JSON_BOOL, offsetof(struct start, adapt) } };
static const struct json_field cancel_fields[] = { { "abort_running", JSON_BOOL, offsetof(struct cancelled, abort_running) } };
static const struct api_body start_body = { .fields = start_fields, .n = G_N_ELEMENTS(start_fields), .nullable = true };
static const struct api_body cancel_body = { .fields = cancel_fields, .n = G_N_ELEMENTS(cancel_fields), .nullable = true };

static void answer(struct api_req *r, int64_t id, bool ok, GError *err)
{
	if (ok)
		show(r, 202, id, false);
	else
		api_fail(r, err);
}

/* null leaves all as it is. */
static bool decode(struct api_req *r, const json_t *value, void *obj, GError **err)
{
	return json_is_null(value) || api_decode_action(r, value, obj, err);
}

static void started(const GError *err, void *user)
{
	struct api_req *r = user;

	answer(r, id_of(r), !err, err ? g_error_copy(err) : NULL);
}

static void plan_start(struct api_req *r, const json_t *value)
{
	struct start s = { .adapt = false };
	int64_t id = id_of(r);
	GError *err = NULL;

	if (!id)
		return;
	if (decode(r, value, &s, &err))
		plans_begin(api_plans(r), id, s.adapt, started, r);
	else
		api_fail(r, err);
}

static void plan_cancel(struct api_req *r, const json_t *value)
{
	struct cancelled c = { .abort_running = false };
	int64_t id = id_of(r);
	GError *err = NULL;

	if (id) {
		bool ok = decode(r, value, &c, &err) && plans_cancel(api_plans(r), id, c.abort_running, &err);

		answer(r, id, ok, err);
	}
}

static bool takes_nothing(const json_t *value, GError **err)
{
	if (json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input: the action takes nothing but null.");
	return false;
}

typedef bool simple_f(struct plans *ps, int64_t id, GError **err);

static void act(struct api_req *r, const json_t *value, simple_f *fn)
{
	int64_t id = id_of(r);
	GError *err = NULL;

	if (id) {
		bool ok = takes_nothing(value, &err) && fn(api_plans(r), id, &err);

		answer(r, id, ok, err);
	}
}

static void plan_pause(struct api_req *r, const json_t *value)
{
	act(r, value, plans_pause);
}

static void plan_resume(struct api_req *r, const json_t *value)
{
	act(r, value, plans_resume);
}

static const struct api_action actions[] = {
	{ "start",  "drover:plans:start",  plan_start, .body = &start_body },
	{ "pause",  "drover:plans:pause",  plan_pause },
	{ "resume", "drover:plans:resume", plan_resume },
	{ "cancel", "drover:plans:cancel", plan_cancel, .body = &cancel_body },
};

static const struct route routes[] = {
	{ "GET",    "/drover/v1/plans",             "drover:plans:list",   plan_list },
	{ "POST",   "/drover/v1/plans",             "drover:plans:create", plan_create, .body = &wanted_body },
	{ "GET",    "/drover/v1/plans/{id}",        "drover:plans:show",   plan_show },
	{ "PATCH",  "/drover/v1/plans/{id}",        "drover:plans:update", plan_change, .body = &change_body },
	{ "DELETE", "/drover/v1/plans/{id}",        "drover:plans:delete", plan_remove },
	{ "POST",   "/drover/v1/plans/{id}/action", "drover:plans:show", .actions = actions, .n_actions = G_N_ELEMENTS(actions) },
};
const struct route_table plans_routes = { routes, G_N_ELEMENTS(routes) };
