/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plans.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "plan/changed.h"
#include "plan/forget.h"
#include "plan/plan_index.h"
#include "plan/plan_order.h"
#include "plan/runner.h"

#define TICK_MS 1000    /* while something may have changed of which nothing is heard */
#define CHANGES_CHECKED 200 /* of steps, in a turn of the loop */

/* ---- turns ---- */

static void turn(void *user)
{
	struct plans *ps = user;
	enum runner_again again;

	ps->timer = NULL;
	again = runner_turn(ps);
	if (again != RUNNER_RESTS && !ps->timer) /* else something was heard meanwhile */
		ps->timer = clock_after(again == RUNNER_AT_ONCE ? 0 : TICK_MS, turn, ps);
}

static void turn_soon(struct plans *ps)
{
	if (!ps->started)
		return;
	clock_cancel(&ps->timer);
	ps->timer = clock_after(0, turn, ps);
}

static void on_task(const struct mig *m, void *user)
{
	struct plans *ps = user;

	(void)m;
	if (ps->active->len > 0)
		turn_soon(ps);
}

/* ---- life ---- */

static void free_plan(void *p)
{
	plan_record_free(p);
}

/* One that was being made when the controller ended goes. */
static bool load(struct plans *ps, GError **err)
{
	g_autoptr(GPtrArray) list = plan_read_active(ps->store, err);

	if (!list)
		return false;
	while (list->len > 0) {
		struct plan_record *p = g_ptr_array_index(list, 0);

		if (p->state == PLAN_MAKING) {
			forget_rows(ps, p->id);
			g_ptr_array_remove_index(list, 0);
			continue;
		}
		if (!plan_read_steps(ps->store, p, err))
			return false;
		plan_index_make(p);
		g_ptr_array_add(ps->active, g_ptr_array_steal_index(list, 0));
	}
	return true;
}

struct plans *plans_new(struct engine *e, GError **err)
{
	struct plans *ps = g_new0(struct plans, 1);

	ps->engine = e;
	ps->fleet = engine_fleet(e);
	ps->store = fleet_store(ps->fleet);
	ps->active = g_ptr_array_new_with_free_func(free_plan);
	ps->gone = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (!load(ps, err)) {
		plans_free(ps);
		return NULL;
	}
	engine_listen(e, on_task, ps);
	return ps;
}

void plans_start(struct plans *ps)
{
	ps->started = true;
	turn_soon(ps);
	forget_start(ps);
}

void plans_free(struct plans *ps)
{
	if (!ps)
		return;
	clock_cancel(&ps->timer);
	clock_cancel(&ps->forgetter);
	engine_listen(ps->engine, NULL, NULL);
	g_array_unref(ps->gone);
	g_ptr_array_unref(ps->active);
	g_free(ps);
}

/* ---- looking ---- */

struct plan_record *plans_find(struct plans *ps, int64_t id)
{
	for (guint i = 0; i < ps->active->len; i++) {
		struct plan_record *p = g_ptr_array_index(ps->active, i);

		if (p->id == id)
			return p;
	}
	return NULL;
}

GPtrArray *plans_list(struct plans *ps, const char *kind, const char *state, int64_t below, int limit, GError **err)
{
	return plan_read_list(ps->store, kind, state, below, limit, err);
}

struct plans_counts plans_stats(const struct plans *ps)
{
	struct plans_counts s = { .by_state = { 0 } };

	if (!ps)
		return s;
	s = ps->stats;
	for (guint i = 0; i < ps->active->len; i++)
		s.by_state[((const struct plan_record *)g_ptr_array_index(ps->active, i))->state]++;
	return s;
}

bool plans_rest(const struct plans *ps)
{
	if (ps->making || ps->gone->len > 0)
		return false;
	for (guint i = 0; i < ps->active->len; i++) {
		const struct plan_record *p = g_ptr_array_index(ps->active, i);

		if (p->state == PLAN_RUNNING || p->state == PLAN_CANCELLING || plan_count(p, PLAN_STEP_RUNNING) + plan_count(p, PLAN_STEP_ASKING) > 0)
			return false;
	}
	return true;
}

/* ---- what users ask ---- */

/* One that is active, or ERR_NOT_FOUND, or ERR_CONFLICT: it is over. */
static struct plan_record *find(struct plans *ps, int64_t id, const char *what, GError **err)
{
	struct plan_record *p = plans_find(ps, id), *row;

	if (p)
		return p;
	row = plan_read_head(ps->store, id, err);
	if (row)
		g_set_error(err, ERR, ERR_CONFLICT, "Cannot %s plan %" G_GINT64_FORMAT ", which is %s.", what, id, plan_state_name(row->state));
	plan_record_free(row);
	return NULL;
}

static bool state_ok(const struct plan_record *p, unsigned states, const char *what, GError **err)
{
	if (states & 1u << p->state)
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Cannot %s plan %" G_GINT64_FORMAT ", which is %s.", what, p->id, plan_state_name(p->state));
	return false;
}

#define IN(s) (1u << (s))

/* The next turn goes on with it, or writes again what it is, if the row may have changed after all. */
static bool change_state(struct plans *ps, struct plan_record *p, enum plan_state to, GError **err)
{
	turn_soon(ps);
	return plans_go(ps, p, to, NULL, err);
}

struct beginning {
	struct plans *plans;
	int64_t id;
	bool adapt;
	struct changed changed;
	plans_done_f *done;
	void *user;
};

static bool begin(struct plans *ps, struct plan_record *p, bool adapt, GError **err)
{
	bool was = p->opt.adapt;

	p->opt.adapt = adapt;
	if (change_state(ps, p, PLAN_RUNNING, err))
		return true;
	p->opt.adapt = was;
	return false;
}

static bool unchanged(const struct plan_record *p, const struct changed *c, GError **err)
{
	if (c->n > 0)
		g_set_error(err, ERR, ERR_CONFLICT, "The fleet has changed since plan %" G_GINT64_FORMAT " was made: %s. Start it with adapt, or make another one.",
			    p->id, c->text->str);
	return c->n == 0;
}

/* Others may change it, start or delete it between two pieces. */
static void begin_next(void *user)
{
	struct beginning *b = user;
	struct plans *ps = b->plans;
	g_autoptr(GError) err = NULL;
	struct plan_record *p = find(ps, b->id, "start", &err);

	if (p && state_ok(p, IN(PLAN_DRAFT), "start", &err)) {
		if (!b->adapt && !changed_more(&b->changed, ps->fleet, p)) {
			(void)clock_after(0, begin_next, b);
			return;
		}
		if (unchanged(p, &b->changed, &err))
			(void)begin(ps, p, b->adapt, &err);
	}
	b->done(err, b->user);
	changed_clear(&b->changed);
	g_free(b);
}

void plans_begin(struct plans *ps, int64_t id, bool adapt, plans_done_f *done, void *user)
{
	struct beginning *b = g_new0(struct beginning, 1);

	*b = (struct beginning){ .plans = ps, .id = id, .adapt = adapt, .done = done, .user = user };
	begin_next(b);
}

bool plans_pause(struct plans *ps, int64_t id, GError **err)
{
	struct plan_record *p = find(ps, id, "pause", err);

	return p && state_ok(p, IN(PLAN_RUNNING), "pause", err) && change_state(ps, p, PLAN_PAUSED, err);
}

bool plans_resume(struct plans *ps, int64_t id, GError **err)
{
	struct plan_record *p = find(ps, id, "resume", err);

	return p && state_ok(p, IN(PLAN_PAUSED), "resume", err) && change_state(ps, p, PLAN_RUNNING, err);
}

bool plans_cancel(struct plans *ps, int64_t id, bool abort_running, GError **err)
{
	struct plan_record *p = find(ps, id, "cancel", err);
	bool was;

	if (!p || !state_ok(p, IN(PLAN_DRAFT) | IN(PLAN_RUNNING) | IN(PLAN_PAUSED) | IN(PLAN_CANCELLING), "cancel", err))
		return false;
	was = p->abort_running;
	p->abort_running |= abort_running;
	if (change_state(ps, p, PLAN_CANCELLING, err))
		return true;
	p->abort_running = was;
	return false;
}

bool plans_delete(struct plans *ps, int64_t id, GError **err)
{
	struct plan_record *p = plans_find(ps, id), *row;
	guint at;

	if (p) {
		if (!state_ok(p, IN(PLAN_DRAFT), "delete", err) || !forget_plan(ps, id, err))
			return false;
		(void)g_ptr_array_find(ps->active, p, &at);
		plans_leave(ps, at);
		return true;
	}
	row = plan_read_head(ps->store, id, err);
	if (!row)
		return false;
	plan_record_free(row);
	return forget_plan(ps, id, err);
}

/* ---- changes of a draft ---- */

/* Return: a step that is done some day. */
static struct plan_step *real_step_of(const struct plan_record *p, int n)
{
	struct plan_step *st = plan_step_at(p, n);

	return st && st->state != PLAN_STEP_BLOCKED ? st : NULL;
}

static bool is_move(const struct plan_change_step *c)
{
	return c->before || c->after;
}

/* Return: false: it is none, or of steps that there are not. */
static bool move_of(const struct plan_record *p, const struct plan_change_step *c, struct plan_move *ret)
{
	*ret = (struct plan_move){ real_step_of(p, c->n), real_step_of(p, c->before ? c->before : c->after), !c->before };
	return is_move(c) && ret->step && ret->other;
}

static void check_dest(struct plans *ps, const struct plan_step *st, const char *to, const char *where, GPtrArray *mistakes)
{
	const struct host *h = fleet_host(ps->fleet, to);
	const struct server *s = fleet_server(ps->fleet, st->uuid);
	struct sched_need need;
	struct sched_result *res;

	if (!h || !s) {
		plan_mistake_add(mistakes, g_strdup(where), h ? "server_unknown" : "host_unknown",
				 h ? g_strdup_printf("server %s has gone", st->name) : g_strdup_printf("there is no host %s", to));
		return;
	}
	need = sched_need_of(s, NULL);
	need.only_host = to;
	res = sched_select(ps->fleet, &need);
	if (!res->passed)
		plan_mistake_add(mistakes, g_strdup(where), h->disabled ? "host_disabled" : host_is_up(ps->fleet, h) ? "host_full" : "host_down",
				 g_strdup_printf("host %s cannot take server %s: %s", to, st->name,
						 ((const struct sched_verdict *)g_ptr_array_index(res->hosts, 0))->reason));
	sched_result_free(res);
}

static void check_change(struct plans *ps, const struct plan_record *p, const struct plan_change_step *c, guint i, GPtrArray *mistakes)
{
	const struct plan_step *st = real_step_of(p, c->n);
	int other = c->before ? c->before : c->after;
	g_autofree char *where = g_strdup_printf("steps[%u]", i);

	if (!st || (other && !real_step_of(p, other)))
		plan_mistake_add(mistakes, g_strdup(where), "step_unknown", g_strdup_printf("the plan has no step %d", st ? other : c->n));
	else if (c->to)
		check_dest(ps, st, c->to, where, mistakes);
}

/* Return: owned; NULL: nothing is wrong with it. */
static char *why_not_moved(const struct plan_record *p, const struct plan_change_step *c, bool another)
{
	g_autofree char *moves = NULL;
	struct plan_move m;

	if (another)
		return g_strdup("a request moves one step");
	if (c->before && c->after)
		return g_strdup_printf("step %d can come before step %d, or after step %d, not both", c->n, c->before, c->after);
	if (!move_of(p, c, &m))
		return NULL; /* which was told */
	moves = plan_order_moves(p, &m);
	return moves ? plan_order_check(p, &m) : g_strdup_printf("%d steps were moved, which is as many as can be", PLAN_MOVES_MAX);
}

/* Return: the move that is asked for; NULL: none */
static const struct plan_change_step *check_moves(const struct plan_record *p, const GPtrArray *steps, GPtrArray *mistakes)
{
	const struct plan_change_step *found = NULL;

	for (guint i = 0; steps && i < steps->len; i++) {
		const struct plan_change_step *c = g_ptr_array_index(steps, i);
		char *why = is_move(c) ? why_not_moved(p, c, found) : NULL;

		if (why)
			plan_mistake_add(mistakes, g_strdup_printf("steps[%u]", i), "step_order", why);
		if (is_move(c))
			found = c;
	}
	return found;
}

static void take_step_changes(struct plans *ps, struct plan_record *p, const GPtrArray *steps)
{
	for (guint i = 0; steps && i < steps->len; i++) {
		const struct plan_change_step *c = g_ptr_array_index(steps, i);
		struct plan_step *st = plan_step_at(p, c->n);

		if (c->to)
			util_replace(&st->dest, c->to);
		if (c->skip_given && c->skip != (st->state == PLAN_STEP_SKIPPED)) {
			plan_step_go(p, st, c->skip ? PLAN_STEP_SKIPPED : PLAN_STEP_WAITING);
			util_replace(&st->reason, c->skip ? "left out" : NULL);
		}
		plan_step_changed(p, st);
	}
	if (!plans_flush(ps, p))
		turn_soon(ps); /* which writes the rest, or again what the database refuses */
}

static void take_options(struct plan_options *o, const struct plan_change *c)
{
	o->parallel = c->parallel ? c->parallel : o->parallel;
	o->priority = c->priority != INT_MIN ? c->priority : o->priority;
	o->deadline_s = c->deadline_s >= 0 ? c->deadline_s : o->deadline_s;
	o->cold = c->cold >= 0 ? c->cold : o->cold;
}

struct changing {
	struct plans *plans;
	int64_t id;
	const struct plan_change *c;
	guint checked; /* of .c->steps */
	GPtrArray *mistakes;
	plans_changed_f *done;
	void *user;
};

/* Return: all have been. */
static bool check_some(struct changing *x, const struct plan_record *p)
{
	guint n = x->c->steps ? x->c->steps->len : 0, to = MIN(n, x->checked + CHANGES_CHECKED);

	for (; x->checked < to; x->checked++)
		check_change(x->plans, p, g_ptr_array_index(x->c->steps, x->checked), x->checked, x->mistakes);
	return to == n;
}

/* @moved: one of .steps; NULL: none is moved */
static bool change(struct plans *ps, struct plan_record *p, const struct plan_change *c, const struct plan_change_step *moved, GError **err)
{
	struct plan_options was = p->opt;
	struct plan_move m;
	bool moves = moved && move_of(p, moved, &m);

	take_options(&p->opt, c);
	if (moves)
		p->opt.moves = plan_order_moves(p, &m);
	if (!plan_update(ps->store, p, err)) {
		turn_soon(ps);
		if (moves)
			g_free(p->opt.moves);
		p->opt = was;
		return false;
	}
	if (moves) {
		g_free(was.moves);
		plan_order_move(p, &m);
	}
	take_step_changes(ps, p, c->steps);
	plans_tell(ps, p, NULL);
	return true;
}

static void change_next(void *user)
{
	struct changing *x = user;
	const struct plan_change_step *moved;
	g_autoptr(GError) err = NULL;
	struct plan_record *p = find(x->plans, x->id, "change", &err);

	if (p && state_ok(p, IN(PLAN_DRAFT), "change", &err)) {
		if (!check_some(x, p)) {
			(void)clock_after(0, change_next, x);
			return;
		}
		moved = check_moves(p, x->c->steps, x->mistakes);
		if (x->mistakes->len == 0)
			(void)change(x->plans, p, x->c, moved, &err);
	}
	x->done(err || x->mistakes->len == 0 ? NULL : x->mistakes, err, x->user);
	g_ptr_array_unref(x->mistakes);
	g_free(x);
}

void plans_change(struct plans *ps, int64_t id, const struct plan_change *c, plans_changed_f *done, void *user)
{
	struct changing *x = g_new0(struct changing, 1);

	*x = (struct changing){ .plans = ps, .id = id, .c = c, .done = done, .user = user };
	x->mistakes = g_ptr_array_new_with_free_func(plan_mistake_free);
	change_next(x);
}
