/* SPDX-License-Identifier: Apache-2.0
 *
 * /drover/v1/plans: host maps, drains, bulk moves and rebalancing, as plans: made dry, read, changed, started, paused, cancelled.
 *
 *	{"plan": {"kind": "drain", "hosts": ["h1"], "parallel": 4}}
 */
#include <limits.h>
#include <string.h>

#include "api/drover/drover.h"
#include "api/drover/plan_view.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "base/loop.h"
#include "plan/make.h"
#include "task/request.h"

#define HEAD_BYTES 1024 /* of a plan in a list */
#define MISTAKE_BYTES 256
#define LISTED_AT_ONCE 4  /* plans, in a piece of a list */

static const struct api_body wanted_body = { "plan", plan_wanted_fields, PLAN_WANTED_N };

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
	plan_view_whole(r, 201, p);
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
		plan_view_whole(r, status, p);
	else if (p && p->state != PLAN_MAKING)
		plan_view_head(r, status, p);
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

/* A plan may have 1,000 hosts, so that a list is made in pieces of a few. */
struct listing {
	struct filter f;   /* .below, .limit: of what is left */
	guint listed;      /* .f.below is the last one's id */
	struct jout o;
};

static void listing_free(void *user)
{
	struct listing *l = user;

	if (l->o.s)
		g_string_free(l->o.s, TRUE);
	g_free(l);
}

static void put_listed(struct api_req *r, struct listing *l, const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const struct plan_record *row = g_ptr_array_index(list, i), *p = plans_find(api_plans(r), row->id);

		plan_view_put(&l->o, p ? p : row);
		l->f.below = row->id;
	}
	l->listed += list->len;
	l->f.limit -= (int)list->len;
}

static void reply_list(struct api_req *r, struct listing *l)
{
	char marker[UTIL_INT_MAX];

	jout_close(&l->o, ']');
	if (l->listed > 0 && l->f.limit == 0) {
		(void)util_int(marker, l->f.below);
		api_next_link(&l->o, r, "plans", marker);
	}
	view_close(&l->o, r, 200);
}

static bool list_piece(struct api_req *r, void *user)
{
	struct listing *l = user;
	int limit = MIN(l->f.limit, LISTED_AT_ONCE);
	GError *err = NULL;
	g_autoptr(GPtrArray) list = plans_list(api_plans(r), l->f.kind, l->f.state, l->f.below, limit, &err);

	if (!list) {
		api_fail(r, err);
		return true;
	}
	put_listed(r, l, list);
	if ((int)list->len == limit && l->f.limit > 0)
		return false;
	reply_list(r, l);
	return true;
}

static void plan_list(struct api_req *r)
{
	struct listing *l = g_new0(struct listing, 1);
	GError *err = NULL;

	if (!parse_filter(r, &l->f, &err)) {
		g_free(l);
		api_fail(r, err);
		return;
	}
	view_open(&l->o, r, HEAD_BYTES * LISTED_AT_ONCE);
	jout_key(&l->o, "plans");
	jout_open(&l->o, '[');
	slice_run(r, list_piece, l, listing_free);
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
	{ "skip", JSON_BOOL, CHANGE_STEP(skip), .given = CHANGE_STEP(skip_given) },
	{ "to",   JSON_STR,  CHANGE_STEP(to), .nullable = true, .min = 1, .max = 255 },
	{ "before", JSON_INT, CHANGE_STEP(before), .min = 1, .max = PLAN_STEPS_MAX },
	{ "after",  JSON_INT, CHANGE_STEP(after), .min = 1, .max = PLAN_STEPS_MAX },
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
	{ "steps",    JSON_EMIT,  .take = take_changes, .form = "[{\"n\": 3, \"skip\": true}, {\"n\": 4, \"to\": \"host\"}, {\"n\": 5, \"before\": 2}, ...]" },
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
