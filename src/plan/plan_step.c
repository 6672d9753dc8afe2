/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_step.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "plan/plan_index.h"
#include "task/queue.h"
#include "task/request_now.h"

#define ATTEMPTS 3    /* at live migrations, where the scheduler may choose */
#define LOOKED_AT 8   /* migrations of a server, the newest, among which the one that was asked for must be */

/* ---- ends ---- */

void plan_step_end(struct plans *ps, struct plan_record *p, struct plan_step *st, enum plan_step_state state, const char *reason)
{
	plan_step_go(p, st, state);
	st->ended_us = clock_wall_us();
	st->stopping = false;
	if (reason != st->reason)
		util_replace(&st->reason, reason);
	ps->stats.steps_ended[state]++;
	log_info("plan_step", LOG_D("plan", p->id), LOG_D("step", st->n), LOG_S("server", st->uuid), LOG_S("state", plan_step_state_name(state)),
		 LOG_S("dest", st->dest), LOG_D("migration", st->task), LOG_S("reason", reason));
}

/* It is to be tried again. @reason: taken */
static void try_again(struct plan_record *p, struct plan_step *st, char *reason)
{
	plan_step_go(p, st, PLAN_STEP_WAITING);
	st->stopping = false;
	g_free(st->reason);
	st->reason = reason;
	if (!plan_goes_to_one(p))
		g_clear_pointer(&st->dest, g_free);
	g_clear_pointer(&st->request_id, g_free);
}

void plan_step_waits(struct plan_step *st, char *what)
{
	g_free(st->reason);
	st->reason = what;
}

static bool may_go_cold(const struct plan_record *p, const struct plan_step *st, const struct server *s)
{
	return p->opt.cold && !st->cold && s && (s->vm == SERVER_ACTIVE || s->vm == SERVER_STOPPED);
}

void plan_step_failed(struct plans *ps, struct plan_record *p, struct plan_step *st, bool cancelled, const char *why)
{
	const struct server *s = fleet_server(ps->fleet, st->uuid);

	if (p->state == PLAN_CANCELLING && (cancelled || p->abort_running))
		plan_step_end(ps, p, st, PLAN_STEP_CANCELLED, "the plan was cancelled");
	else if (p->late)
		plan_step_end(ps, p, st, PLAN_STEP_LEFT, "the deadline has passed");
	else if (p->state == PLAN_CANCELLING || cancelled || !s)
		plan_step_end(ps, p, st, PLAN_STEP_FAILED, why);
	else if (!plan_goes_to_one(p) && !st->cold && st->attempts < ATTEMPTS)
		try_again(p, st, g_strdup_printf("not to %s: %s", st->dest ? st->dest : "any host", why));
	else if (may_go_cold(p, st, s)) {
		st->cold = true;
		try_again(p, st, g_strdup_printf("not live: %s", why));
	} else
		plan_step_end(ps, p, st, PLAN_STEP_FAILED, why);
}

/* ---- what runs ---- */

static void step_ended(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct mig *m)
{
	const struct server *s = fleet_server(ps->fleet, st->uuid);
	enum task_end end = mig_stage(m)->end;
	const char *why = m->error ? m->error : task_end_status(end);

	if (s && g_strcmp0(s->host, m->dest) == 0 && g_strcmp0(s->host, st->source) != 0 && end == TASK_DONE) {
		util_replace(&st->dest, m->dest);
		plan_step_end(ps, p, st, PLAN_STEP_DONE, NULL);
	} else if (end == TASK_DONE) {
		g_autofree char *text = g_strdup_printf("it was moved, and is on %s now", s && s->host ? s->host : "no host");

		plan_step_end(ps, p, st, PLAN_STEP_FAILED, text);
	} else {
		plan_step_failed(ps, p, st, end == TASK_CANCELLED, why);
	}
}

static void stop(struct plans *ps, const struct plan_record *p, struct plan_step *st)
{
	struct server *s = fleet_server(ps->fleet, st->uuid);
	const struct requester who = { p->user_id, p->project_id, p->request_id, true };

	if (s && !st->stopping)
		st->stopping = request_abort(ps->engine, s, st->task, true, &who, NULL);
}

/* A cold migration waits for its user; by the plan that was said. */
static void confirm(struct plans *ps, const struct plan_record *p, const struct mig *m)
{
	const struct task_action *a = kind_action(m->kind, "confirmResize");
	const struct task_request r = {
		.kind = m->kind, .action = a, .server = fleet_server(ps->fleet, m->server_uuid), .who = { p->user_id, p->project_id, p->request_id, true },
	};

	if (a && r.server && a->from & 1u << m->phase)
		(void)request_now(ps->engine, &r, NULL); /* refused, it is asked for again with the next turn */
}

const struct mig *plan_step_task(const struct plans *ps, const struct plan_step *st)
{
	const struct mig *m = engine_active_of(ps->engine, st->uuid);

	return m && m->id == st->task ? m : NULL;
}

/* A queued migration says it itself; another one may stand still because a host of it is silent. Return: owned; NULL: it goes on */
static char *waits_for(const struct plans *ps, const struct mig *m)
{
	const char *const names[] = { m->source, m->dest };
	char *why = queue_waits_for(m);

	for (size_t i = 0; !why && i < G_N_ELEMENTS(names); i++) {
		const struct host *h = names[i] ? fleet_host(ps->fleet, names[i]) : NULL;
		g_autofree char *state = h && !host_is_up(ps->fleet, h) ? host_state_text(ps->fleet, h) : NULL;

		if (state)
			why = g_strdup_printf("waits for host %s, which is %s", h->name, state);
	}
	return why;
}

void plan_step_say(const struct plans *ps, struct plan_step *st)
{
	const struct mig *m = plan_step_task(ps, st);

	plan_step_waits(st, m ? waits_for(ps, m) : NULL);
}

static bool is_to_stop(const struct plan_record *p)
{
	return p->late || (p->state == PLAN_CANCELLING && p->abort_running);
}

/* Return: the database could say what has become of it. */
static bool follow(struct plans *ps, struct plan_record *p, struct plan_step *st)
{
	const struct mig *active = plan_step_task(ps, st);
	g_autoptr(GError) err = NULL;
	struct mig *m;
	bool known;

	plan_step_say(ps, st);
	if (active) {
		if (is_to_stop(p))
			stop(ps, p, st);
		return true;
	}
	m = engine_get(ps->engine, st->task, &err);
	known = m || g_error_matches(err, ERR, ERR_NOT_FOUND);
	if (!m && known)
		plan_step_end(ps, p, st, PLAN_STEP_FAILED, "its migration has no record any more");
	else if (m && mig_is_final(m))
		step_ended(ps, p, st, m);
	else if (m && mig_rests(m))
		confirm(ps, p, m);
	mig_free(m);
	return known;
}

/* It may have been asked for: by the request's id. Return: as of follow() */
static bool resolve(struct plans *ps, struct plan_record *p, struct plan_step *st)
{
	const struct mig_filter of_server = { .server_uuid = st->uuid, .limit = LOOKED_AT };
	g_autoptr(GPtrArray) rows = engine_list(ps->engine, &of_server, NULL);

	if (!rows)
		return false;
	for (guint i = 0; i < rows->len; i++) {
		const struct mig *m = g_ptr_array_index(rows, i);

		if (g_strcmp0(m->request_id, st->request_id) != 0)
			continue;
		st->task = m->id;
		plan_step_go(p, st, PLAN_STEP_RUNNING);
		return follow(ps, p, st);
	}
	plan_step_go(p, st, PLAN_STEP_WAITING);
	return true;
}

bool plan_step_is_long(const struct plans *ps, const struct plan_record *p, const struct plan_step *st)
{
	return !plan_step_task(ps, st) || (is_to_stop(p) && !st->stopping);
}

bool plan_step_look(struct plans *ps, struct plan_record *p, struct plan_step *st)
{
	return st->state == PLAN_STEP_ASKING ? resolve(ps, p, st) : st->state != PLAN_STEP_RUNNING || follow(ps, p, st);
}
