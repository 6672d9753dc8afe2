/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/runner.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "plan/problem.h"
#include "task/request_now.h"

#define ASKS 8        /* in a turn: each is a transaction */
#define ATTEMPTS 3    /* at live migrations, where the scheduler may choose */
#define LOOKED_AT 8   /* migrations of a server, the newest, among which the one that was asked for must be */

/* ---- steps ---- */

static void end_step(struct plans *ps, struct plan_record *p, struct plan_step *st, enum plan_step_state state, const char *reason)
{
	st->state = state;
	st->ended_us = clock_wall_us();
	st->stopping = false;
	if (reason != st->reason)
		util_replace(&st->reason, reason);
	ps->stats.steps_ended[state]++;
	st->unsaved = true;
	log_info("plan_step", LOG_D("plan", p->id), LOG_D("step", st->n), LOG_S("server", st->uuid), LOG_S("state", plan_step_state_name(state)),
		 LOG_S("dest", st->dest), LOG_D("migration", st->task), LOG_S("reason", reason));
}

/* It is to be tried again. @reason: taken */
static void try_again(const struct plan_record *p, struct plan_step *st, char *reason)
{
	st->state = PLAN_STEP_WAITING;
	st->stopping = false;
	g_free(st->reason);
	st->reason = reason;
	if (!plan_goes_to_one(p))
		g_clear_pointer(&st->dest, g_free);
	g_clear_pointer(&st->request_id, g_free);
	st->unsaved = true;
}

/* What it waits for is shown, not stored. */
static void waits(struct plan_step *st, char *what)
{
	g_free(st->reason);
	st->reason = what;
}

static bool may_go_cold(const struct plan_record *p, const struct plan_step *st, const struct server *s)
{
	return p->opt.cold && !st->cold && s && (s->vm == SERVER_ACTIVE || s->vm == SERVER_STOPPED);
}

/* Its migration has ended, and the server is where it was. */
static void step_failed(struct plans *ps, struct plan_record *p, struct plan_step *st, bool cancelled, const char *why)
{
	const struct server *s = fleet_server(ps->fleet, st->uuid);

	if (p->state == PLAN_CANCELLING && (cancelled || p->abort_running))
		end_step(ps, p, st, PLAN_STEP_CANCELLED, "the plan was cancelled");
	else if (p->late)
		end_step(ps, p, st, PLAN_STEP_LEFT, "the deadline has passed");
	else if (p->state == PLAN_CANCELLING || cancelled || !s)
		end_step(ps, p, st, PLAN_STEP_FAILED, why);
	else if (!plan_goes_to_one(p) && !st->cold && st->attempts < ATTEMPTS)
		try_again(p, st, g_strdup_printf("not to %s: %s", st->dest ? st->dest : "any host", why));
	else if (may_go_cold(p, st, s)) {
		st->cold = true;
		try_again(p, st, g_strdup_printf("not live: %s", why));
	} else
		end_step(ps, p, st, PLAN_STEP_FAILED, why);
}

/* ---- what runs ---- */

static void step_ended(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct mig *m)
{
	const struct server *s = fleet_server(ps->fleet, st->uuid);
	enum task_end end = mig_stage(m)->end;
	const char *why = m->error ? m->error : task_end_status(end);

	if (s && g_strcmp0(s->host, m->dest) == 0 && g_strcmp0(s->host, st->source) != 0 && end == TASK_DONE) {
		util_replace(&st->dest, m->dest);
		end_step(ps, p, st, PLAN_STEP_DONE, NULL);
	} else if (end == TASK_DONE) {
		g_autofree char *text = g_strdup_printf("it was moved, and is on %s now", s && s->host ? s->host : "no host");

		end_step(ps, p, st, PLAN_STEP_FAILED, text);
	} else {
		step_failed(ps, p, st, end == TASK_CANCELLED, why);
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

/* The step's task, if it owns its server now. Return: borrowed; NULL */
static const struct mig *task_of(const struct plans *ps, const struct plan_step *st)
{
	const struct mig *m = engine_active_of(ps->engine, st->uuid);

	return m && m->id == st->task ? m : NULL;
}

static bool is_to_stop(const struct plan_record *p)
{
	return p->late || (p->state == PLAN_CANCELLING && p->abort_running);
}

/* Return: the database could say what has become of it. */
static bool follow(struct plans *ps, struct plan_record *p, struct plan_step *st)
{
	g_autoptr(GError) err = NULL;
	struct mig *m;
	bool known;

	if (task_of(ps, st)) {
		if (is_to_stop(p))
			stop(ps, p, st);
		return true;
	}
	m = engine_get(ps->engine, st->task, &err);
	known = m || g_error_matches(err, ERR, ERR_NOT_FOUND);
	if (!m && known)
		end_step(ps, p, st, PLAN_STEP_FAILED, "its migration has no record any more");
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
		st->state = PLAN_STEP_RUNNING;
		st->unsaved = true;
		return follow(ps, p, st);
	}
	st->state = PLAN_STEP_WAITING;
	st->unsaved = true;
	return true;
}

/* ---- what may begin ---- */

struct waiting {
	const struct plan_record *p;
	int n;          /* the step that it waits for; 0: none */
};

static bool is_over(int n, void *user)
{
	struct waiting *w = user;
	const struct plan_step *st = n <= (int)w->p->steps->len ? g_ptr_array_index(w->p->steps, n - 1) : NULL;

	if (!st || plan_step_is_over(st->state))
		return true;
	w->n = n;
	return false;
}

/* What is asked of many steps in a turn; counted once, of all steps. By the hosts' indices. */
struct tally {
	struct usage *reserved; /* room that has been asked for, and that no claim has yet */
	bool *left;             /* some step of the plan that goes on leaves it */
};

static void tally_clear(struct tally *t)
{
	g_free(t->reserved);
	g_free(t->left);
}

/* Its room is asked for, and claimed by no task. */
static bool is_reserved(const struct plans *ps, const struct plan_step *st)
{
	const struct mig *m;

	if (st->state == PLAN_STEP_ASKING)
		return fleet_server(ps->fleet, st->uuid);
	m = st->state == PLAN_STEP_RUNNING ? task_of(ps, st) : NULL;
	return m && !engine_claim_host(m);
}

static void tally_reserve(const struct plans *ps, struct tally *t, const struct plan_step *st)
{
	const struct host *h = st->dest ? fleet_host(ps->fleet, st->dest) : NULL;

	if (h)
		planner_add(&t->reserved[h->index], &st->needs, 1);
}

static void tally_step(const struct plans *ps, struct tally *t, const struct plan_step *st, bool own)
{
	const struct host *h = own && !plan_step_is_over(st->state) && st->source ? fleet_host(ps->fleet, st->source) : NULL;

	if (h)
		t->left[h->index] = true;
	if (is_reserved(ps, st))
		tally_reserve(ps, t, st);
}

static void tally_count(const struct plans *ps, const struct plan_record *own, struct tally *t)
{
	t->reserved = g_new0(struct usage, fleet_hosts(ps->fleet)->len + 1);
	t->left = g_new0(bool, fleet_hosts(ps->fleet)->len + 1);
	for (guint i = 0; i < ps->active->len; i++) {
		const struct plan_record *p = g_ptr_array_index(ps->active, i);

		for (guint k = 0; p->state != PLAN_DRAFT && k < p->steps->len; k++)
			tally_step(ps, t, g_ptr_array_index(p->steps, k), p == own);
	}
}

static int count_running(const struct plan_record *p)
{
	return plan_count(p, PLAN_STEP_RUNNING) + plan_count(p, PLAN_STEP_ASKING);
}

/* An earlier step of its server has ended otherwise than planned. */
static bool follows_failed(const struct plan_record *p, const struct plan_step *st)
{
	for (int n = 1; n < st->n; n++) {
		const struct plan_step *x = g_ptr_array_index(p->steps, n - 1);

		if (strcmp(x->uuid, st->uuid) == 0 && x->state != PLAN_STEP_DONE)
			return true;
	}
	return false;
}

/* Is there room where it goes? What is full now may be left by others. */
static bool has_room(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct server *s, struct tally *t)
{
	const struct host *h = fleet_host(ps->fleet, st->dest);
	struct sched_need need = sched_need_of(s, NULL);
	struct sched_result *res;
	g_autofree char *why = NULL;

	if (!t->reserved)
		tally_count(ps, p, t);
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
	if (h && t->left[h->index]) {
		waits(st, g_strdup_printf("waits for room on %s: %s", st->dest, why));
		return false;
	}
	if (!plan_goes_to_one(p)) { /* the scheduler chooses */
		g_clear_pointer(&st->dest, g_free);
		return true;
	}
	g_free(st->reason);
	st->reason = g_strdup_printf("%s cannot take it: %s", st->dest, why);
	end_step(ps, p, st, PLAN_STEP_FAILED, st->reason);
	return false;
}

/* Whether it makes sense still, where the server is now. Return: false: it has ended. */
static bool is_due(struct plans *ps, struct plan_record *p, struct plan_step *st, const struct server *s)
{
	g_autofree char *text = NULL;

	if (!s)
		end_step(ps, p, st, PLAN_STEP_SKIPPED, "the server has gone");
	else if (st->dest && g_strcmp0(s->host, st->dest) == 0)
		end_step(ps, p, st, PLAN_STEP_SKIPPED, "it is there already");
	else if (p->kind == PLAN_DRAIN && !plan_has_host(p, s->host))
		end_step(ps, p, st, PLAN_STEP_SKIPPED, "it has left already");
	else if (g_strcmp0(s->host, st->source) != 0 && s->host && (p->opt.adapt || p->kind == PLAN_DRAIN || follows_failed(p, st)))
		util_replace(&st->source, s->host);
	else if (g_strcmp0(s->host, st->source) != 0) {
		text = g_strdup_printf("it is on %s, not on %s", s->host ? s->host : "no host", st->source);
		end_step(ps, p, st, PLAN_STEP_FAILED, text);
	}
	return !plan_step_is_over(st->state);
}

/* What is in its way, that passes by itself. Return: nothing. */
static bool is_free(struct plans *ps, const struct plan_record *p, struct plan_step *st, const struct server *s)
{
	struct waiting w = { .p = p };

	if (!plan_steps_after(st, is_over, &w))
		waits(st, g_strdup_printf("waits for step %d", w.n));
	else if (s && (s->task != SERVER_TASK_NONE || engine_active_of(ps->engine, s->uuid)))
		waits(st, g_strdup_printf("a task of it is under way%s%s", s->task ? ": " : "", s->task ? server_task_name(s->task) : ""));
	else
		return true;
	return false;
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
		step_failed(ps, p, st, false, err->message);
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
	struct tally t = { NULL };

	for (guint i = 0; i < p->steps->len && running + (int)list->len < p->opt.parallel && list->len < ASKS; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);
		const struct server *s;

		if (st->state != PLAN_STEP_WAITING || st->wave > wave)
			continue;
		s = fleet_server(ps->fleet, st->uuid);
		if (!is_free(ps, p, st, s) || !is_due(ps, p, st, s) || (st->dest && !has_room(ps, p, st, s, &t)))
			continue;
		note_intent(st);
		if (t.reserved)
			tally_reserve(ps, &t, st);
		g_ptr_array_add(list, st);
	}
	tally_clear(&t);
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
		end_step(ps, p, st, state, reason);
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
	for (guint i = 0; i < p->steps->len; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);

		if ((st->state == PLAN_STEP_ASKING && !resolve(ps, p, st)) || (st->state == PLAN_STEP_RUNNING && !follow(ps, p, st)))
			return false;
	}
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

enum runner_again runner_turn(struct plans *ps)
{
	enum runner_again again = RUNNER_RESTS;

	if (!fleet_settled(ps->fleet))
		return ps->active->len > 0 ? RUNNER_LATER : RUNNER_RESTS;
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
