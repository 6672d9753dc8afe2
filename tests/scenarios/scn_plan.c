/* SPDX-License-Identifier: Apache-2.0
 *
 * plan map H=S,S H=S ...; plan drain H,H; plan undrain H,H; plan bulk S,S; plan rebalance: make one, with parallel= deadline= waves= to= spread= load=
 * hysteresis= (as of the API), and the words anywhere (the rest of a map), cold, bring-back, start.
 * plan start [adapt], plan pause, plan resume, plan cancel [abort], plan delete, each with [of=N]: the N-th that was made; else the last one.
 * plan change N skip, plan change N to=H: a step of it
 * wait plan STATE [of=N], wait step S STATE [of=N]; STATE may be "over".
 * expect plan STATE [done= failed= blocked= skipped= cancelled= left= steps= detours=] [of=N]
 * expect step S STATE [TEXT] [of=N]: the last one of the server
 * expect mistake CODE [TEXT]: of the last plan that was refused; "none": it was made
 */
#include <string.h>

#include "base/err.h"
#include "scn.h"

static const char *opt(const struct scn_line *l, const char *name)
{
	size_t n = strlen(name);

	for (int i = 1; i < l->n; i++)
		if (strncmp(l->w[i], name, n) == 0 && l->w[i][n] == '=')
			return l->w[i] + n + 1;
	return NULL;
}

static int opt_number(struct run *r, const struct scn_line *l, const char *name, int absent)
{
	const char *text = opt(l, name);
	int64_t n;

	if (!text)
		return absent;
	if (!util_parse_int(text, 0, G_MAXINT, &n))
		run_bad_line(r, "a number is expected");
	return (int)n;
}

static bool has(const struct scn_line *l, const char *word)
{
	return g_strv_contains((const char *const *)l->w, word);
}

static GPtrArray *split(const char *text)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = g_strsplit(text, ",", -1);

	for (char **w = words; *w; w++)
		g_ptr_array_add(list, g_strdup(*w));
	return list;
}

static void place_free(void *data)
{
	struct plan_place *p = data;

	g_free(p->host);
	g_ptr_array_unref(p->servers);
	g_free(p);
}

static GPtrArray *map_of(struct run *r, const struct scn_line *l)
{
	GPtrArray *map = g_ptr_array_new_with_free_func(place_free);

	for (int i = 2; i < l->n; i++) {
		const char *eq = strchr(l->w[i], '=');
		struct plan_place *p;
		g_autofree char *host = eq ? g_strndup(l->w[i], (gsize)(eq - l->w[i])) : NULL;

		if (!eq || g_str_equal(host, "parallel") || g_str_equal(host, "deadline"))
			continue;
		p = g_new0(struct plan_place, 1);
		p->host = g_steal_pointer(&host);
		p->servers = split(eq + 1);
		g_ptr_array_add(map, p);
	}
	if (map->len == 0)
		run_bad_line(r, "plan map H=S,S ...");
	return map;
}

static void made(struct plan_record *p, const GPtrArray *mistakes, const GError *err, void *user)
{
	struct run *r = user;

	r->result_code = p ? -1 : err ? (int)err_code(err) : ERR_BAD_REQUEST;
	util_replace(&r->result_text, err ? err->message : NULL);
	g_clear_pointer(&r->mistakes, g_ptr_array_unref);
	r->plan_made = true;
	if (p)
		g_array_append_val(r->plan_ids, p->id);
	if (!mistakes)
		return;
	r->mistakes = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < mistakes->len; i++) {
		const struct plan_mistake *m = g_ptr_array_index(mistakes, i);

		g_ptr_array_add(r->mistakes, g_strdup_printf("%s %s %s", m->code, m->where, m->what));
	}
}

static bool is_made(struct run *r, void *unused)
{
	(void)unused;
	return r->plan_made || !r->plans;
}

static void make(struct run *r, const struct scn_line *l, enum plan_kind kind)
{
	static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-plan", .admin = true };
	struct plan_wanted w;

	plan_wanted_init(&w);
	w.kind = (int)kind;
	if (kind == PLAN_MAP)
		w.map = map_of(r, l);
	else if (kind == PLAN_BULK)
		w.servers = split(l->w[2]);
	else if (kind != PLAN_REBALANCE)
		w.hosts = split(l->w[2]);
	w.to = g_strdup(opt(l, "to"));
	w.parallel = opt_number(r, l, "parallel", w.parallel);
	w.deadline_s = opt_number(r, l, "deadline", 0);
	w.waves = opt_number(r, l, "waves", 0);
	w.memory_spread = w.vcpus_spread = opt_number(r, l, "spread", w.memory_spread);
	w.load_spread = opt_number(r, l, "load", 0);
	w.hysteresis = opt_number(r, l, "hysteresis", w.hysteresis);
	w.rest = has(l, "anywhere") ? "anywhere" : NULL;
	w.cold = has(l, "cold");
	w.bring_back = has(l, "bring-back");
	w.start = has(l, "start");
	r->plan_made = false;
	plans_make(r->plans, &w, &who, made, r);
	(void)run_until(r, WAIT_MS, is_made, NULL);
	plan_wanted_clear(&w);
}

/* The number of the plan that a line is about; 0: there is none. */
static int64_t plan_of(struct run *r, const struct scn_line *l)
{
	int n = opt_number(r, l, "of", (int)r->plan_ids->len);

	return n >= 1 && n <= (int)r->plan_ids->len ? g_array_index(r->plan_ids, int64_t, n - 1) : 0;
}

/* What was asked of a plan. */
struct asked {
	bool done;
	GError *err;
};

static void asked_done(const GError *err, void *user)
{
	struct asked *a = user;

	a->done = true;
	a->err = err ? g_error_copy(err) : NULL;
}

static void asked_change(const GPtrArray *mistakes, const GError *err, void *user)
{
	asked_done(err, user);
	if (mistakes)
		g_set_error(&((struct asked *)user)->err, ERR, ERR_BAD_REQUEST, "%s", ((const struct plan_mistake *)g_ptr_array_index(mistakes, 0))->what);
}

/* A scenario's plans are small: it is done at once. */
static bool asked_well(struct asked *a, GError **err)
{
	g_assert_true(a->done);
	if (a->err)
		g_propagate_error(err, a->err);
	return !a->err;
}

static bool change(struct run *r, const struct scn_line *l, int64_t id, GError **err)
{
	g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
	struct asked a = { false, NULL };
	struct plan_change_step *st = g_new0(struct plan_change_step, 1);
	const struct plan_change c = { .priority = INT_MIN, .deadline_s = -1, .cold = -1, .steps = steps };

	st->n = atoi(l->w[2]);
	st->skip = has(l, "skip");
	st->skip_given = st->skip || has(l, "unskip");
	st->before = opt_number(r, l, "before", 0);
	st->after = opt_number(r, l, "after", 0);
	st->to = (char *)opt(l, "to");
	g_ptr_array_add(steps, st);
	plans_change(r->plans, id, &c, asked_change, &a);
	return asked_well(&a, err);
}

static bool start(struct run *r, const struct scn_line *l, int64_t id, GError **err)
{
	struct asked a = { false, NULL };

	plans_begin(r->plans, id, has(l, "adapt"), asked_done, &a);
	return asked_well(&a, err);
}

static void act(struct run *r, const struct scn_line *l)
{
	int64_t id = plan_of(r, l);
	const char *what = l->w[1];
	GError *err = NULL;
	bool ok = false;

	if (!id)
		return;
	if (g_str_equal(what, "start"))
		ok = start(r, l, id, &err);
	else if (g_str_equal(what, "pause"))
		ok = plans_pause(r->plans, id, &err);
	else if (g_str_equal(what, "resume"))
		ok = plans_resume(r->plans, id, &err);
	else if (g_str_equal(what, "cancel"))
		ok = plans_cancel(r->plans, id, has(l, "abort"), &err);
	else if (g_str_equal(what, "delete"))
		ok = plans_delete(r->plans, id, &err);
	else if (g_str_equal(what, "change"))
		ok = change(r, l, id, &err);
	else
		run_bad_line(r, "plan what?");
	r->result_code = ok ? -1 : (int)err_code(err);
	util_replace(&r->result_text, ok ? NULL : err->message);
	g_clear_error(&err);
}

void plan_do(struct run *r, const struct scn_line *l)
{
	enum plan_kind kind;

	if (l->n < 2)
		run_bad_line(r, "plan what?");
	if (!r->plans)
		return;
	if (!plan_kind_parse(l->w[1], &kind))
		act(r, l);
	else if (l->n < 3 && kind != PLAN_REBALANCE)
		run_bad_line(r, "words are missing");
	else
		make(r, l, kind);
}

/* ---- looking ---- */

/* Return: owned; NULL */
static struct plan_record *look(struct run *r, const struct scn_line *l)
{
	int64_t id = plan_of(r, l);
	struct plan_record *p;

	/* what runs has its reasons in memory alone */
	p = r->plans && id ? plans_find(r->plans, id) : NULL;
	r->plan_is_row = !p;
	return p ? p : r->plans && id ? plan_read(r->store, id, NULL) : NULL;
}

static void leave(struct run *r, struct plan_record *p)
{
	if (r->plan_is_row)
		plan_record_free(p);
}

bool plan_is(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct plan_record *p = look(r, l);
	bool is = p && (g_str_equal(l->w[2], "over") ? plan_is_over(p->state) : g_str_equal(l->w[2], plan_state_name(p->state)));

	leave(r, p);
	return is;
}

static const struct plan_step *step_of(struct run *r, const struct plan_record *p, const char *guest)
{
	const struct plan_step *last = NULL;

	for (guint i = 0; p && i < p->steps->len; i++) {
		const struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (strcmp(st->uuid, run_guest(r, guest)->uuid) == 0)
			last = st;
	}
	return last;
}

bool plan_step_is(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct plan_record *p = look(r, l);
	const struct plan_step *st = step_of(r, p, l->w[2]);
	bool is = st && (g_str_equal(l->w[3], "over") ? plan_step_is_over(st->state) : g_str_equal(l->w[3], plan_step_state_name(st->state)));

	leave(r, p);
	return is;
}

static void expect_counts(struct run *r, const struct scn_line *l, const struct plan_record *p)
{
	static const enum plan_step_state counted[] = {
		PLAN_STEP_DONE, PLAN_STEP_FAILED, PLAN_STEP_BLOCKED, PLAN_STEP_SKIPPED, PLAN_STEP_CANCELLED, PLAN_STEP_LEFT, PLAN_STEP_WAITING,
	};
	int detours = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(counted); i++) {
		int got = plan_count(p, counted[i]), want = opt_number(r, l, plan_step_state_name(counted[i]), got);

		if (got != want)
			run_fail(r, "%d steps are %s, want %d", got, plan_step_state_name(counted[i]), want);
	}
	for (guint i = 0; i < p->steps->len; i++)
		detours += ((const struct plan_step *)g_ptr_array_index(p->steps, i))->detour;
	if (detours != opt_number(r, l, "detours", detours))
		run_fail(r, "%d steps are detours", detours);
	if ((int)p->steps->len != opt_number(r, l, "steps", (int)p->steps->len))
		run_fail(r, "it has %u steps", p->steps->len);
}

void plan_expect(struct run *r, const struct scn_line *l)
{
	struct plan_record *p = look(r, l);

	if (!p)
		run_fail(r, "there is no such plan");
	else if (!g_str_equal(l->w[2], plan_state_name(p->state)))
		run_fail(r, "the plan is %s", plan_state_name(p->state));
	else
		expect_counts(r, l, p);
	leave(r, p);
}

void plan_expect_step(struct run *r, const struct scn_line *l)
{
	struct plan_record *p = look(r, l);
	const struct plan_step *st = step_of(r, p, l->w[2]);

	if (!st)
		run_fail(r, "there is no step of %s", l->w[2]);
	else if (!g_str_equal(l->w[3], plan_step_state_name(st->state)))
		run_fail(r, "the step is %s: %s", plan_step_state_name(st->state), st->reason ? st->reason : "-");
	else if (l->n > 4 && !g_str_has_prefix(l->w[4], "of=") && (!st->reason || !strstr(st->reason, l->w[4])))
		run_fail(r, "the step's reason is \"%s\"", st->reason ? st->reason : "-");
	leave(r, p);
}

void plan_expect_mistake(struct run *r, const struct scn_line *l)
{
	g_autoptr(GString) all = g_string_new(NULL);

	for (guint i = 0; r->mistakes && i < r->mistakes->len; i++) {
		const char *text = g_ptr_array_index(r->mistakes, i);

		if (g_str_has_prefix(text, l->w[2]) && (l->n < 4 || strstr(text, l->w[3])))
			return;
		g_string_append_printf(all, "\n  %s", text);
	}
	if (!g_str_equal(l->w[2], "none") || all->len)
		run_fail(r, "no such mistake:%s", all->str);
}

/* ---- what is true at the end ---- */

/* Each request of a step has begun one migration at most. */
static void check_requests(struct run *r, const struct plan_record *p, const struct plan_step *st)
{
	struct mig_filter f = { .server_uuid = st->uuid, .limit = 1000 };
	g_autoptr(GPtrArray) list = engine_list(r->engine, &f, NULL);
	int n = 0;

	for (guint i = 0; list && st->request_id && i < list->len; i++)
		n += g_strcmp0(((const struct mig *)g_ptr_array_index(list, i))->request_id, st->request_id) == 0;
	if (n > 1)
		run_fail(r, "step %d of plan %d has begun %d migrations by one request", st->n, (int)p->id, n);
}

static void check_step(struct run *r, const struct plan_record *p, const struct plan_step *st)
{
	struct mig *m = st->task ? engine_get(r->engine, st->task, NULL) : NULL;

	if (plan_is_over(p->state) && !plan_step_is_over(st->state))
		run_fail(r, "plan %d is %s, and its step %d is %s", (int)p->id, plan_state_name(p->state), st->n, plan_step_state_name(st->state));
	if (st->state == PLAN_STEP_DONE && (!m || mig_stage(m)->end != TASK_DONE || g_strcmp0(m->dest, st->dest) != 0))
		run_fail(r, "step %d of plan %d is done, and its migration is not", st->n, (int)p->id);
	check_requests(r, p, st);
	mig_free(m);
}

void plan_invariants(struct run *r)
{
	for (guint i = 0; i < r->plan_ids->len; i++) {
		struct plan_record *p = plan_read(r->store, g_array_index(r->plan_ids, int64_t, i), NULL);

		for (guint k = 0; p && k < p->steps->len; k++)
			check_step(r, p, g_ptr_array_index(p->steps, k));
		if (p && (p->state == PLAN_RUNNING || p->state == PLAN_CANCELLING || p->state == PLAN_MAKING))
			run_fail(r, "plan %d never ends: it is %s", (int)p->id, plan_state_name(p->state));
		plan_record_free(p);
	}
}
