/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/runner.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "plan/plan_begin.h"
#include "plan/plan_index.h"
#include "plan/plan_step.h"
#include "task/request_now.h"

/* In a turn, of a plan */
#define ASKS 8        /* migrations: each is a transaction */
#define LOOKS 200     /* steps that wait: a ms or so */
#define FOLLOWS 16    /* steps under way of which the database is asked, or that are stopped */
#define HOSTS 8       /* to be disabled, or enabled: each is a transaction */
#define SERVERS 1000  /* that may have come to them */
#define MISSING 20    /* that have: each is a row */

/* ---- what begins ---- */

static int count_running(const struct plan_record *p)
{
	return plan_count(p, PLAN_STEP_RUNNING) + plan_count(p, PLAN_STEP_ASKING);
}

static void note_intent(struct plan_record *p, struct plan_step *st)
{
	g_autofree char *uuid = util_uuid_new();

	g_free(st->request_id);
	st->request_id = g_strconcat("req-", uuid, NULL);
	st->task = 0;
	st->attempts++;
	plan_step_go(p, st, PLAN_STEP_ASKING);
	if (!st->started_us)
		st->started_us = clock_wall_us();
}

/* It could not be written, or not yet, so nothing is asked for. */
static void take_back(struct plan_record *p, struct plan_step *st)
{
	plan_step_go(p, st, PLAN_STEP_WAITING);
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
		plan_step_go(p, st, PLAN_STEP_RUNNING);
		g_clear_pointer(&st->reason, g_free);
	} else if (err_code(err) != ERR_STORE && err_code(err) != ERR_UNAVAILABLE) {
		plan_step_failed(ps, p, st, false, err->message);
	}
}

/*
 * Those that may begin now, ASKS at most, from where the turn before has ended. What could not begin is looked at again when all others have been.
 * @ret_more: the next turn is to go on at once
 *
 * Return: struct plan_step *, owned, of which the rows are not written
 */
static GPtrArray *choose(struct plans *ps, struct plan_record *p, bool *ret_more)
{
	GPtrArray *list = g_ptr_array_new();
	int running = count_running(p), wave = plan_first_wave(p), looks = 0;
	struct plan_begin_tally t = { NULL };

	while (p->at < p->steps->len && running + (int)list->len < p->opt.parallel && list->len < ASKS && looks < LOOKS) {
		struct plan_step *st = g_ptr_array_index(p->index.order, p->at++);

		if (st->state != PLAN_STEP_WAITING || st->wave > wave)
			continue;
		looks++;
		if (!plan_begin_may(ps, p, st, &t))
			continue;
		note_intent(p, st);
		plan_begin_reserve(ps, &t, st);
		g_ptr_array_add(list, st);
	}
	plan_begin_clear(&t);
	*ret_more = list->len == ASKS || looks == LOOKS;
	if (!*ret_more)
		p->at = 0;
	return list;
}

/* Return: there may be more to begin at once. */
static bool begin_steps(struct plans *ps, struct plan_record *p)
{
	bool more;
	g_autoptr(GPtrArray) list = choose(ps, p, &more);
	bool written = plans_flush(ps, p);

	for (guint i = 0; i < list->len; i++) {
		struct plan_step *st = g_ptr_array_index(list, i);

		if (written)
			ask(ps, p, st, fleet_server(ps->fleet, st->uuid));
		else
			take_back(p, st);
	}
	if (!written)
		p->at = 0;
	return written && more;
}

/* ---- what comes first ---- */

static bool set_host(struct plans *ps, const struct plan_record *p, struct host *h, bool disabled, GError **err)
{
	g_autofree char *reason = disabled ? g_strdup_printf("drained by plan %" G_GINT64_FORMAT, p->id) : NULL;

	return h->disabled == disabled || fleet_host_set(ps->fleet, h, disabled, reason, h->forced_down, err);
}

static bool add_step(struct plans *ps, struct plan_record *p, const struct server *s, GError **err)
{
	struct plan_step *st = g_new0(struct plan_step, 1);

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
	plan_index_add(p, st);
	return true;
}

/* Servers that have come to the hosts since the plan was made, some of them. */
static bool add_missing(struct plans *ps, struct plan_record *p, GError **err)
{
	GPtrArray *servers = fleet_servers(ps->fleet);
	guint from = fleet_servers_after(ps->fleet, p->server_seen), to = MIN(servers->len, from + SERVERS);
	int added = 0;

	for (guint i = from; i < to && added < MISSING; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		if (s->host && plan_has_host(p, s->host) && !plan_knows(p, s->uuid)) {
			if (!add_step(ps, p, s, err))
				return false;
			added++;
		}
		p->server_seen = s->nth;
	}
	return true;
}

/* All hosts of a drain are disabled before the first server leaves one of them. */
static bool set_hosts(struct plans *ps, struct plan_record *p, GError **err)
{
	for (int set = 0; p->hosts_set < p->hosts->len && set < HOSTS; p->hosts_set++, set++) {
		struct host *h = fleet_host(ps->fleet, g_ptr_array_index(p->hosts, p->hosts_set));

		if (h && !set_host(ps, p, h, p->kind == PLAN_DRAIN, err))
			return false;
	}
	return true;
}

/* Return: true: that was it; false: there is more, or @err. */
static bool prepare_some(struct plans *ps, struct plan_record *p, GError **err)
{
	bool of_hosts = p->kind == PLAN_DRAIN || p->kind == PLAN_UNDRAIN;

	if (of_hosts && p->hosts_set < p->hosts->len)
		return set_hosts(ps, p, err) && p->hosts_set == p->hosts->len && p->kind == PLAN_UNDRAIN;
	return p->kind != PLAN_DRAIN || (add_missing(ps, p, err) && fleet_servers_after(ps->fleet, p->server_seen) == fleet_servers(ps->fleet)->len);
}

/* What comes before the first step, in pieces. @ret_more: the next turn is to go on with it. Return: it is done. */
static bool prepare(struct plans *ps, struct plan_record *p, bool *ret_more)
{
	g_autoptr(GError) err = NULL;

	*ret_more = false;
	if (p->prepared)
		return true;
	p->prepared = prepare_some(ps, p, &err);
	*ret_more = !p->prepared && !err;
	if (p->prepared && plan_update(ps->store, p, &err))
		return true;
	p->prepared = false;
	if (err)
		log_warning("plan_not_prepared", LOG_D("plan", p->id), LOG_S("error", err->message));
	return false;
}

/* ---- the whole of a plan ---- */

/* As many as a turn writes, from where the turn before has ended. Return: there are more. */
static bool end_waiting(struct plans *ps, struct plan_record *p, enum plan_step_state state, const char *reason)
{
	int ended = 0;

	if (plan_count(p, PLAN_STEP_WAITING) == 0)
		return false;
	for (; p->at < p->steps->len && ended < PLANS_CHANGED; p->at++) {
		struct plan_step *st = g_ptr_array_index(p->index.order, p->at);

		if (st->state != PLAN_STEP_WAITING)
			continue;
		plan_step_end(ps, p, st, state, reason);
		ended++;
	}
	if (p->at == p->steps->len)
		p->at = 0;
	return plan_count(p, PLAN_STEP_WAITING) > 0;
}

static void look_at_time(struct plan_record *p)
{
	if (p->opt.deadline_s && (p->state == PLAN_RUNNING || p->state == PLAN_PAUSED))
		p->late = clock_wall_us() >= p->started_us + p->opt.deadline_s * 1000000;
}

/* Those under way, from where the turn before has ended. @ret_more: the next turn is to go on at once. Return: the database could say what has become of them. */
static bool follow_all(struct plans *ps, struct plan_record *p, bool *ret_more)
{
	g_autoptr(GPtrArray) busy = g_ptr_array_copy(p->index.busy, NULL, NULL); /* they leave it when they end */
	int asked = 0;

	*ret_more = false;
	for (guint i = 0; i < busy->len; i++) {
		struct plan_step *st = g_ptr_array_index(busy, i);

		if (st->n <= p->followed)
			continue;
		*ret_more = asked == FOLLOWS;
		if (*ret_more)
			return true;
		asked += plan_step_is_long(ps, p, st);
		if (!plan_step_look(ps, p, st))
			return false;
		p->followed = st->n;
	}
	p->followed = 0;
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

/* A turn that has followed as many as one may leaves the others to the next ones, and what begins and ends as well. Return: it has more to do at once. */
static bool run(struct plans *ps, struct plan_record *p)
{
	bool more;

	if (!plans_flush(ps, p))
		return false;
	if (p->state == PLAN_RUNNING && !prepare(ps, p, &more))
		return more;
	look_at_time(p);
	if (!follow_all(ps, p, &more))
		return false;
	if (more)
		return plans_flush(ps, p) || p->more_unsaved;
	if (p->late)
		more = end_waiting(ps, p, PLAN_STEP_LEFT, "the deadline has passed");
	else if (p->state == PLAN_CANCELLING)
		more = end_waiting(ps, p, PLAN_STEP_CANCELLED, "the plan was cancelled");
	else if (p->state == PLAN_RUNNING)
		more = begin_steps(ps, p);
	if (plans_flush(ps, p) && plan_all_over(p) && (p->state != PLAN_PAUSED || p->late))
		finish(ps, p);
	return more;
}

/* What would begin is told what for; not all, of which there may be many. */
static void wait_for_hosts(const struct plans *ps, struct plan_record *p)
{
	int n = 0;

	for (guint i = 0; p->state == PLAN_RUNNING && i < p->steps->len && n < p->opt.parallel; i++) {
		struct plan_step *st = g_ptr_array_index(p->index.order, i);

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
			plans_leave(ps, i - 1);
	return again;
}
