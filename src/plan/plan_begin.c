/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_begin.h"

#include <string.h>

#include "fleet/sched.h"
#include "plan/plan_index.h"
#include "plan/plan_step.h"
#include "plan/problem.h"

struct waiting {
	const struct plan_record *p;
	int n;          /* the step that it waits for; 0: none */
};

static bool is_over(int n, void *user)
{
	struct waiting *w = user;
	const struct plan_step *st = plan_step_at(w->p, n);

	if (!st || plan_step_is_over(st->state))
		return true;
	w->n = n;
	return false;
}

void plan_begin_clear(struct plan_begin_tally *t)
{
	g_free(t->reserved);
}

/* Its room is asked for, and claimed by no task. */
static bool is_reserved(const struct plans *ps, const struct plan_step *st)
{
	const struct mig *m;

	if (st->state == PLAN_STEP_ASKING)
		return fleet_server(ps->fleet, st->uuid);
	m = st->state == PLAN_STEP_RUNNING ? plan_step_task(ps, st) : NULL;
	return m && !engine_claim_host(m);
}

void plan_begin_reserve(const struct plans *ps, struct plan_begin_tally *t, const struct plan_step *st)
{
	const struct host *h = t->reserved && st->dest ? fleet_host(ps->fleet, st->dest) : NULL;

	if (h)
		planner_add(&t->reserved[h->index], &st->needs, 1);
}

static void count(const struct plans *ps, struct plan_begin_tally *t)
{
	t->reserved = g_new0(struct usage, fleet_hosts(ps->fleet)->len + 1);
	for (guint i = 0; i < ps->active->len; i++) {
		const GPtrArray *busy = ((const struct plan_record *)g_ptr_array_index(ps->active, i))->index.busy;

		for (guint k = 0; k < busy->len; k++)
			if (is_reserved(ps, g_ptr_array_index(busy, k)))
				plan_begin_reserve(ps, t, g_ptr_array_index(busy, k));
	}
}

/* An earlier step of its server has ended otherwise than planned. */
static bool follows_failed(const struct plan_record *p, const struct plan_step *st)
{
	while (st->before) {
		st = g_ptr_array_index(p->steps, st->before - 1);
		if (st->state != PLAN_STEP_DONE)
			return true;
	}
	return false;
}

/* Is there room where it goes? What is full now may be left by others. */
static bool has_room(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct server *s, struct plan_begin_tally *t)
{
	const struct host *h = fleet_host(ps->fleet, st->dest);
	struct sched_need need = sched_need_of(s, NULL);
	struct sched_result *res;
	g_autofree char *why = NULL;

	if (!t->reserved)
		count(ps, t);
	need.only_host = st->dest;
	if (h) {
		need.vcpus += t->reserved[h->index].vcpus;
		need.memory_mb += t->reserved[h->index].memory_mb;
		need.disk_gb += t->reserved[h->index].disk_gb;
	}
	if (h && sched_fits(ps->fleet, &need, h))
		return true;
	res = h ? sched_select(ps->fleet, &need) : NULL;
	why = h ? g_strdup(((const struct sched_verdict *)g_ptr_array_index(res->hosts, 0))->reason) : g_strdup("the host has gone");
	sched_result_free(res);
	if (h && plan_leaves(p, h->name)) {
		plan_step_waits(st, g_strdup_printf("waits for room on %s: %s", st->dest, why));
		return false;
	}
	if (!plan_goes_to_one(p)) { /* the scheduler chooses */
		g_clear_pointer(&st->dest, g_free);
		return true;
	}
	g_free(st->reason);
	st->reason = g_strdup_printf("%s cannot take it: %s", st->dest, why);
	plan_step_end(ps, p, st, PLAN_STEP_FAILED, st->reason);
	return false;
}

/* Whether it makes sense still, where the server is now. Return: false: it has ended. */
static bool is_due(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct server *s)
{
	g_autofree char *text = NULL;

	if (!s)
		plan_step_end(ps, p, st, PLAN_STEP_SKIPPED, "the server has gone");
	else if (st->dest && g_strcmp0(s->host, st->dest) == 0)
		plan_step_end(ps, p, st, PLAN_STEP_SKIPPED, "it is there already");
	else if (p->kind == PLAN_DRAIN && !plan_has_host(p, s->host))
		plan_step_end(ps, p, st, PLAN_STEP_SKIPPED, "it has left already");
	else if (g_strcmp0(s->host, st->source) != 0 && s->host && (p->opt.adapt || p->kind == PLAN_DRAIN || follows_failed(p, st)))
		plan_step_is_at(p, st, s->host);
	else if (g_strcmp0(s->host, st->source) != 0) {
		text = g_strdup_printf("it is on %s, not on %s", s->host ? s->host : "no host", st->source);
		plan_step_end(ps, p, st, PLAN_STEP_FAILED, text);
	}
	return !plan_step_is_over(st->state);
}

/* What is in its way, that passes by itself. Return: nothing. */
static bool is_free(struct plans *ps, const struct plan_record *p, struct plan_step *st, const struct server *s)
{
	struct waiting w = { .p = p };

	if (!plan_steps_after(st, is_over, &w))
		plan_step_waits(st, g_strdup_printf("waits for step %d", w.n));
	else if (s && (s->task != SERVER_TASK_NONE || engine_active_of(ps->engine, s->uuid)))
		plan_step_waits(st, g_strdup_printf("a task of it is under way%s%s", s->task ? ": " : "", s->task ? server_task_name(s->task) : ""));
	else
		return true;
	return false;
}

bool plan_begin_may(struct plans *ps, struct plan_record *p, struct plan_step *st, struct plan_begin_tally *t)
{
	const struct server *s = fleet_server(ps->fleet, st->uuid);

	return is_free(ps, p, st, s) && is_due(ps, p, st, s) && (!st->dest || has_room(ps, p, st, s, t));
}
