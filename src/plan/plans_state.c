/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plans_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "fleet/registry.h"
#include "plan/plan_index.h"

bool plan_goes_to_one(const struct plan_record *p)
{
	return p->kind == PLAN_MAP || p->kind == PLAN_UNDRAIN || (p->kind == PLAN_BULK && p->opt.to);
}

static void free_plan(void *p)
{
	plan_record_free(p);
}

void plans_leave(struct plans *ps, guint at)
{
	loop_job(free_plan, NULL, g_ptr_array_steal_index(ps->active, at));
}

/* ---- what is told ---- */

struct news {
	const struct plan_record *p;
	const struct plan_step *st; /* NULL: of the plan */
};

static void put_plan(struct jout *o, const void *obj)
{
	jout_int(o, ((const struct news *)obj)->p->id);
}

static void put_kind(struct jout *o, const void *obj)
{
	jout_str(o, plan_kind_name(((const struct news *)obj)->p->kind));
}

static void put_state(struct jout *o, const void *obj)
{
	jout_str(o, plan_state_name(((const struct news *)obj)->p->state));
}

static void put_step(struct jout *o, const void *obj)
{
	const struct plan_step *st = ((const struct news *)obj)->st;

	jout_int_if(o, st != NULL, st ? st->n : 0);
}

static void put_step_state(struct jout *o, const void *obj)
{
	const struct plan_step *st = ((const struct news *)obj)->st;

	jout_str(o, st ? plan_step_state_name(st->state == PLAN_STEP_ASKING ? PLAN_STEP_RUNNING : st->state) : NULL);
}

static void put_why(struct jout *o, const void *obj)
{
	const struct news *n = obj;

	jout_str(o, n->st ? n->st->reason : n->p->why);
}

static const struct json_field news_fields[] = {
	{ "plan",       JSON_EMIT, .emit = put_plan },
	{ "kind",       JSON_EMIT, .emit = put_kind },
	{ "state",      JSON_EMIT, .emit = put_state },
	{ "step",       JSON_EMIT, .emit = put_step },
	{ "step_state", JSON_EMIT, .emit = put_step_state },
	{ "why",        JSON_EMIT, .emit = put_why },
};

void plans_tell(struct plans *ps, const struct plan_record *p, const struct plan_step *st)
{
	const struct event_about about = { .type = EVENT_PLAN, .server = st ? st->uuid : NULL, .migration = st ? st->task : 0 };
	const struct news n = { .p = p, .st = st };

	event_emit(fleet_events(ps->fleet), &about, news_fields, G_N_ELEMENTS(news_fields), &n);
}

/* ---- what is written ---- */

bool plans_go(struct plans *ps, struct plan_record *p, enum plan_state state, const char *why, GError **err)
{
	const struct plan_record was = *p;

	p->state = state;
	p->why = g_strdup(why);
	if (state == PLAN_RUNNING && !p->started_us)
		p->started_us = clock_wall_us();
	if (plan_is_over(state))
		p->ended_us = clock_wall_us();
	if (!plan_update(ps->store, p, err)) {
		g_free(p->why);
		p->state = was.state;
		p->why = was.why;
		p->started_us = was.started_us;
		p->ended_us = was.ended_us;
		return false;
	}
	g_free(was.why);
	ps->stats.ended[state] += plan_is_over(state);
	log_info("plan_state", LOG_D("plan", p->id), LOG_S("kind", plan_kind_name(p->kind)), LOG_S("from", plan_state_name(was.state)),
		 LOG_S("to", plan_state_name(state)), LOG_S("why", why));
	plans_tell(ps, p, NULL);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct plan_step *x = *(const struct plan_step *const *)a, *y = *(const struct plan_step *const *)b;

	return x->n - y->n;
}

/* Those that are to be written first, PLANS_CHANGED at most, in their order. Return: struct plan_step *, owned */
static GPtrArray *unsaved_steps(const struct plan_record *p)
{
	GPtrArray *list = g_ptr_array_new();

	for (guint i = 0; i < MIN(p->index.unsaved->len, PLANS_CHANGED); i++)
		g_ptr_array_add(list, g_ptr_array_index(p->index.unsaved, i));
	g_ptr_array_sort(list, by_number);
	return list;
}

static bool write_steps(struct plans *ps, const struct plan_record *p, const GPtrArray *list, GError **err)
{
	for (guint i = 0; i < list->len; i++)
		if (!plan_update_step(ps->store, p, g_ptr_array_index(list, i), err))
			return false;
	return true;
}

bool plans_flush(struct plans *ps, struct plan_record *p)
{
	bool row = p->unsaved;
	g_autoptr(GPtrArray) list = unsaved_steps(p);
	g_autoptr(GError) err = NULL;

	p->more_unsaved = false;
	if (!row && list->len == 0)
		return true;
	if (!store_begin(ps->store, &err) || (row && !plan_update(ps->store, p, &err)) || !write_steps(ps, p, list, &err) || !store_commit(ps->store, &err)) {
		store_rollback(ps->store);
		p->unsaved = row;
		log_warning("plan_steps_not_saved", LOG_D("plan", p->id), LOG_S("error", err->message));
		return false;
	}
	plan_saved(p, list->len);
	for (guint i = 0; i < list->len; i++) {
		const struct plan_step *st = g_ptr_array_index(list, i);

		if (st->state != PLAN_STEP_ASKING) /* which is news only when it has been asked for */
			plans_tell(ps, p, st);
	}
	p->more_unsaved = p->index.unsaved->len > 0;
	return !p->more_unsaved;
}
