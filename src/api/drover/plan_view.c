/* SPDX-License-Identifier: Apache-2.0 */
#include "api/drover/plan_view.h"

#include <string.h>

#include "api/http/slice.h"
#include "api/http/view.h"
#include "plan/plans.h"

#define HEAD_BYTES 1024
#define STEP_BYTES 640
#define STEPS_AT_ONCE 500 /* in a piece of an answer: a ms or two */

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

	jout_int_if(o, st->task != 0, st->task);
}

static void put_place(struct jout *o, const void *obj)
{
	const struct plan_step *st = obj;

	jout_int_if(o, st->place != 0, st->place);
}

static void put_reasons(struct jout *o, const void *obj)
{
	const struct plan_step *st = obj;

	jout_raw(o, st->reasons ? st->reasons : "[]");
}

#define STEP(member) offsetof(struct plan_step, member)

static const struct json_field step_fields[] = {
	{ "n",              JSON_INT,     STEP(n) },
	{ "place",          JSON_EMIT,    .emit = put_place },
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

void plan_view_put(struct jout *o, const struct plan_record *p)
{
	jout_object(o, plan_fields, G_N_ELEMENTS(plan_fields), p);
}

void plan_view_head(struct api_req *r, int status, const struct plan_record *p)
{
	struct jout o;

	view_open(&o, r, HEAD_BYTES);
	jout_key(&o, "plan");
	plan_view_put(&o, p);
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

void plan_view_whole(struct api_req *r, int status, const struct plan_record *p)
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
