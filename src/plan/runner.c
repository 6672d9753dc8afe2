/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/runner.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "plan/plan_step.h"
#include "plan/plan_begin.h"
#include "task/request_now.h"

#define ASKS 8        /* in a turn: each is a transaction */

/* ---- what begins ---- */

static int count_running(const struct plan_record *p)
{
	return plan_count(p, PLAN_STEP_RUNNING) + plan_count(p, PLAN_STEP_ASKING);
}

static void note_intent(struct plan_step *st)
{
	g_autofree char *uuid = util_uuid_new();

	g_free(st->request_id);
	st->request_id = g_strconcat("req-", uuid, NULL);
	st->state = PLAN_STEP_ASKING;
	st->task = 0;
	st->attempts++;
	st->unsaved = true;
	if (!st->started_us)
		st->started_us = clock_wall_us();
}

/* It could not be written, or not yet, so nothing is asked for. */
static void take_back(struct plan_step *st)
{
	st->state = PLAN_STEP_WAITING;
	st->unsaved = true;
	st->attempts--;
}

/* Ask for its migration. What the database cannot say now is found out with the next turn. */
static void ask(struct plans *ps, struct plan_record *p, struct plan_step *st, struct server *s)
{
	const struct task_kind *const *kinds = engine_kinds(ps->engine);
	bool cold = st->cold || s->vm == SERVER_STOPPED;
	g_autoptr(GError) err = NULL;
	struct task_request r = {
		.kind = kind_find(kinds, cold ? "migration" : "live-migration"), .server = s, .host = st->dest, .block = MIG_BLOCK_AUTO,
		.priority = p->opt.priority,
	};
	int64_t id;

	r.action = cold ? kind_action(r.kind, "migrate") : NULL;
	r.who = (struct requester){ p->user_id, p->project_id, st->request_id, true };
	id = request_now(ps->engine, &r, &err);
	if (id) {
		st->task = id;
		st->state = PLAN_STEP_RUNNING;
		g_clear_pointer(&st->reason, g_free);
		st->unsaved = true;
	} else if (err_code(err) != ERR_STORE && err_code(err) != ERR_UNAVAILABLE) {
		plan_step_failed(ps, p, st, false, err->message);
	}
}

static int first_wave(const struct plan_record *p)
{
	int wave = INT_MAX;

	for (guint i = 0; i < p->steps->len; i++) {
		const struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (!plan_step_is_over(st->state))
			wave = MIN(wave, st->wave);
	}
	return wave;
}

/* Those that may begin now, ASKS at most. Return: struct plan_step *, owned, of which the rows are not written */
static GPtrArray *choose(struct plans *ps, struct plan_record *p)
{
	GPtrArray *list = g_ptr_array_new();
	int running = count_running(p), wave = first_wave(p);
	struct plan_begin_tally t = { NULL };

	for (guint i = 0; i < p->steps->len && running + (int)list->len < p->opt.parallel && list->len < ASKS; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (st->state != PLAN_STEP_WAITING || st->wave > wave || !plan_begin_may(ps, p, st, &t))
			continue;
		note_intent(st);
		plan_begin_reserve(ps, &t, st);
		g_ptr_array_add(list, st);
	}
	plan_begin_clear(&t);
	return list;
}

/* Return: there may be more to begin at once. */
static bool begin_steps(struct plans *ps, struct plan_record *p)
{
	g_autoptr(GPtrArray) list = choose(ps, p);
	bool written = plans_flush(ps, p);

	for (guint i = 0; i < list->len; i++) {
		struct plan_step *st = g_ptr_array_index(list, i);

		if (written)
			ask(ps, p, st, fleet_server(ps->fleet, st->uuid));
		else
			take_back(st);
	}
	return written && list->len == ASKS;
}

/* ---- what comes first ---- */

static bool set_host(struct plans *ps, const struct plan_record *p, struct host *h, bool disabled, GError **err)
{
	g_autofree char *reason = disabled ? g_strdup_printf("drained by plan %" G_GINT64_FORMAT, p->id) : NULL;

	return h->disabled == disabled || fleet_host_set(ps->fleet, h, disabled, reason, h->forced_down, err);
}

/* Servers that have come to the hosts since the plan was made. */
static bool add_missing(struct plans *ps, struct plan_record *p, GError **err)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *servers = fleet_servers(ps->fleet);

	for (guint i = 0; i < p->steps->len; i++)
		g_hash_table_add(known, ((struct plan_step *)g_ptr_array_index(p->steps, i))->uuid);
	for (guint i = 0; i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);
		struct plan_step *st;

		if (!s->host || !plan_has_host(p, s->host) || g_hash_table_contains(known, s->uuid))
			continue;
		st = g_new0(struct plan_step, 1);
		st->n = (int)p->steps->len + 1;
		g_strlcpy(st->uuid, s->uuid, sizeof st->uuid);
		st->name = g_strdup(s->name);
		st->source = g_strdup(s->host);
		st->why = g_strdup_printf("%s is drained", s->host);
		st->needs = server_usage(s);
		st->wave = 1;
		st->state = PLAN_STEP_WAITING;
		if (!plan_insert_step(ps->store, p, st, err)) {
			plan_step_free(st);
			return false;
		}
		g_ptr_array_add(p->steps, st);
	}
	return true;
}

/* All hosts of a drain are disabled before the first server leaves one of them. */
static bool set_hosts(struct plans *ps, struct plan_record *p, GError **err)
{
	for (guint i = 0; i < p->hosts->len; i++) {
		struct host *h = fleet_host(ps->fleet, g_ptr_array_index(p->hosts, i));

		if (h && !set_host(ps, p, h, p->kind == PLAN_DRAIN, err))
			return false;
	}
	return p->kind != PLAN_DRAIN || add_missing(ps, p, err);
}

static bool prepare(struct plans *ps, struct plan_record *p)
{
	g_autoptr(GError) err = NULL;

	if (p->prepared)
		return true;
	p->prepared = true;
	if (((p->kind != PLAN_DRAIN && p->kind != PLAN_UNDRAIN) || set_hosts(ps, p, &err)) && plan_update(ps->store, p, &err))
		return true;
	p->prepared = false;
	log_warning("plan_not_prepared", LOG_D("plan", p->id), LOG_S("error", err->message));
	return false;
}

/* ---- the whole of a plan ---- */

/* As many as a turn writes. Return: there are more. */
static bool end_waiting(struct plans *ps, struct plan_record *p, enum plan_step_state state, const char *reason)
{
	int ended = 0;

	for (guint i = 0; i < p->steps->len; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (st->state != PLAN_STEP_WAITING)
			continue;
		if (ended++ == PLANS_ROWS)
			return true;
		plan_step_end(ps, p, st, state, reason);
	}
	return false;
}

static void look_at_time(struct plan_record *p)
{
	if (p->opt.deadline_s && (p->state == PLAN_RUNNING || p->state == PLAN_PAUSED))
		p->late = clock_wall_us() >= p->started_us + p->opt.deadline_s * 1000000;
}

static bool follow_all(struct plans *ps, struct plan_record *p)
{
	for (guint i = 0; i < p->steps->len; i++)
		if (!plan_step_look(ps, p, g_ptr_array_index(p->steps, i)))
			return false;
	return true;
}

static bool all_over(const struct plan_record *p)
{
	for (guint i = 0; i < p->steps->len; i++) {
		const struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (!plan_step_is_over(st->state) || st->unsaved)
			return false;
	}
	return true;
}

static void finish(struct plans *ps, struct plan_record *p)
{
	int good = plan_count(p, PLAN_STEP_DONE) + plan_count(p, PLAN_STEP_SKIPPED);
	enum plan_state end = p->state == PLAN_CANCELLING ? PLAN_CANCELLED : good == (int)p->steps->len ? PLAN_DONE : good ? PLAN_PARTLY : PLAN_FAILED;
	g_autoptr(GError) err = NULL;

	if (!plans_go(ps, p, end, p->late ? "the deadline has passed" : NULL, &err))
		log_warning("plan_not_saved", LOG_D("plan", p->id), LOG_S("error", err->message));
}

/* Return: it has more to begin at once. */
static bool run(struct plans *ps, struct plan_record *p)
{
	bool more = false;

	if (!plans_flush(ps, p) || (p->state == PLAN_RUNNING && !prepare(ps, p)))
		return false;
	look_at_time(p);
	if (!follow_all(ps, p))
		return false;
	if (p->late)
		more = end_waiting(ps, p, PLAN_STEP_LEFT, "the deadline has passed");
	else if (p->state == PLAN_CANCELLING)
		more = end_waiting(ps, p, PLAN_STEP_CANCELLED, "the plan was cancelled");
	else if (p->state == PLAN_RUNNING)
		more = begin_steps(ps, p);
	if (plans_flush(ps, p) && all_over(p) && (p->state != PLAN_PAUSED || p->late))
		finish(ps, p);
	return more;
}

/* What would begin is told what for; not all, of which there may be many. */
static void wait_for_hosts(const struct plans *ps, struct plan_record *p)
{
	int n = 0;

	for (guint i = 0; p->state == PLAN_RUNNING && i < p->steps->len && n < p->opt.parallel; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);

		n += !plan_step_is_over(st->state);
		if (st->state == PLAN_STEP_WAITING)
			plan_step_waits(st, g_strdup("waits until every host has been asked after the start"));
		else if (st->state == PLAN_STEP_RUNNING)
			plan_step_say(ps, st);
	}
}

enum runner_again runner_turn(struct plans *ps)
{
	enum runner_again again = RUNNER_RESTS;

	if (!fleet_settled(ps->fleet)) {
		for (guint i = 0; i < ps->active->len; i++)
			wait_for_hosts(ps, g_ptr_array_index(ps->active, i));
		return ps->active->len > 0 ? RUNNER_LATER : RUNNER_RESTS;
	}
	for (guint i = 0; i < ps->active->len; i++) {
		struct plan_record *p = g_ptr_array_index(ps->active, i);
		bool more = p->state != PLAN_DRAFT && run(ps, p), rests = p->state == PLAN_DRAFT && plans_flush(ps, p);

		again = MAX(again, more || p->more_unsaved ? RUNNER_AT_ONCE : rests || plan_is_over(p->state) ? RUNNER_RESTS : RUNNER_LATER);
	}
	for (guint i = ps->active->len; i > 0; i--)
		if (plan_is_over(((const struct plan_record *)g_ptr_array_index(ps->active, i - 1))->state))
			g_ptr_array_remove_index(ps->active, i - 1);
	return again;
}
