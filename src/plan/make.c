/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/make.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "fleet/load.h"
#include "plan/forget.h"
#include "plan/plan_index.h"
#include "plan/planner.h"
#include "plan/spread.h"

#define MAKING_MAX 8
#define REASONS_MAX 100    /* of a server that cannot move: hosts */
#define REASONS_ALL 100000 /* of all of them: where very many cannot, each has fewer */
#define READ_STEPS 500     /* of a drain, in a turn of the loop */
#define READ_DRAINS 20     /* likewise: hosts of which the last drain is looked up */

struct making {
	struct plans *plans;
	struct plan_wanted wanted;
	struct snapshot *snap;
	struct planner_result *result;
	GPtrArray *mistakes;
	struct planner_spread before, after;
	struct plan_record *plan;
	int64_t id;               /* of the plan, once it is one of the active */
	guint written;
	plans_made_f *done;
	void *user;
	/* of an undrain that brings servers back: what the last drain of each host has taken away, read a part in a turn */
	GHashTable *brought;      /* uuid -> host, both owned */
	GPtrArray *drains;        /* struct drain * */
	guint at;                 /* which host is looked up; then which drain is read */
	int seen;                 /* the number of the last step of that */
};

static void making_free(void *user)
{
	struct making *m = user;

	plan_wanted_clear(&m->wanted);
	snapshot_free(m->snap);
	planner_result_free(m->result);
	g_ptr_array_unref(m->mistakes);
	plan_record_free(m->plan);
	g_clear_pointer(&m->brought, g_hash_table_unref);
	g_clear_pointer(&m->drains, g_ptr_array_unref);
	g_free(m);
}

/* What it has of 50,000 servers is freed on a worker. */
static void leave(struct making *m)
{
	m->plans->making--;
	loop_job(making_free, NULL, m);
}

static void refuse(struct making *m, const GPtrArray *mistakes, const GError *err)
{
	m->done(NULL, mistakes, err, m->user);
	leave(m);
}

/* ---- the record ---- */

static char *why_of(const struct making *m, const struct planner_step *s)
{
	const struct planner_host *hosts = m->snap->hosts;

	if (s->detour)
		return g_strdup_printf("to make room on %s", hosts[s->from].name);
	switch (m->plan->kind) {
	case PLAN_MAP:
		return m->snap->guests[s->guest].to == PLANNER_ANY ? g_strdup_printf("to make room on %s", hosts[s->from].name) : g_strdup("the map says so");
	case PLAN_DRAIN:
		return g_strdup_printf("%s is drained", hosts[m->snap->guests[s->guest].host].name);
	case PLAN_UNDRAIN:
		return g_strdup_printf("it came from %s", hosts[s->to].name);
	case PLAN_BULK:
		return g_strdup("it was asked for");
	case PLAN_REBALANCE:
		return g_strdup_printf("%s has more than %s", hosts[s->from].name, hosts[s->to].name);
	case PLAN_KIND_N:
		break;
	}
	return NULL;
}

static char *after_of(const struct planner_step *s)
{
	GString *text;

	if (!s->after->len)
		return NULL;
	text = g_string_new(NULL);
	for (guint i = 0; i < s->after->len; i++)
		g_string_append_printf(text, "%s%u", i ? "," : "", g_array_index(s->after, guint, i) + 1);
	return g_string_free(text, FALSE);
}

static struct plan_step *add_step(struct making *m, guint guest)
{
	const struct planner_guest *g = &m->snap->guests[guest];
	struct plan_step *st = g_new0(struct plan_step, 1);

	st->n = (int)m->plan->steps->len + 1;
	g_strlcpy(st->uuid, m->snap->uuids[guest], sizeof st->uuid);
	st->name = g_strdup(g->name);
	st->needs = g->size;
	st->cold = g->cold;
	st->wave = 1;
	g_ptr_array_add(m->plan->steps, st);
	return st;
}

/* What is left out of the hosts' reasons is said. */
static char *reason_of(const struct planner_refusal *x, guint most)
{
	if (x->reasons->len <= most)
		return g_strdup(x->text);
	return g_strdup_printf("%s (told of %u of %u hosts)", x->text, most, x->reasons->len);
}

static char *reasons_of(const struct making *m, const struct planner_refusal *x, guint most)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '[');
	for (guint i = 0; i < MIN(x->reasons->len, most); i++) {
		const struct planner_reason *why = g_ptr_array_index(x->reasons, i);

		jout_open(&o, '{');
		jout_kv(&o, "host", str, m->snap->hosts[why->host].name);
		jout_kv(&o, "reason", str, why->text);
		jout_close(&o, '}');
	}
	jout_close(&o, ']');
	return g_string_free(s, FALSE);
}

static void take_steps(struct making *m)
{
	const struct planner_result *r = m->result;
	guint most = CLAMP(REASONS_ALL / MAX(r->refusals->len, 1), 1, REASONS_MAX);

	m->plan->steps = g_ptr_array_new_with_free_func(plan_step_free);
	for (guint i = 0; i < r->steps->len; i++) {
		const struct planner_step *s = g_ptr_array_index(r->steps, i);
		struct plan_step *st = add_step(m, s->guest);

		st->state = PLAN_STEP_WAITING;
		st->source = g_strdup(m->snap->hosts[s->from].name);
		st->dest = g_strdup(m->snap->hosts[s->to].name);
		st->why = why_of(m, s);
		st->after = after_of(s);
		st->wave = (int)s->wave;
		st->detour = s->detour;
		st->expect_s = s->seconds;
		st->expect_bytes = s->bytes;
	}
	for (guint i = 0; i < r->refusals->len; i++) {
		const struct planner_refusal *x = g_ptr_array_index(r->refusals, i);
		struct plan_step *st = add_step(m, x->guest);

		st->state = PLAN_STEP_BLOCKED;
		st->source = g_strdup(m->snap->hosts[m->snap->guests[x->guest].host].name);
		st->reason = reason_of(x, most);
		st->reasons = reasons_of(m, x, most);
	}
}

/* ---- the report ---- */

static void put_usage(struct jout *o, const char *name, const struct usage *u)
{
	static const int64_t any = INT64_MAX / 8; /* what is not limited */

	jout_key(o, name);
	jout_open(o, '{');
	if (u->vcpus < INT_MAX / 8)
		jout_kv(o, "vcpus", int, u->vcpus);
	if (u->memory_mb < any)
		jout_kv(o, "memory_mb", int, u->memory_mb);
	if (u->disk_gb < any)
		jout_kv(o, "disk_gb", int, u->disk_gb);
	if (u->servers < INT_MAX / 8)
		jout_kv(o, "servers", int, u->servers);
	jout_close(o, '}');
}

static void put_hosts(struct jout *o, const struct making *m)
{
	jout_key(o, "hosts");
	jout_open(o, '[');
	for (guint h = 0; h < m->snap->fleet.n_hosts; h++) {
		const struct planner_use *u = &m->result->hosts[h];

		if (!u->touched)
			continue;
		jout_open(o, '{');
		jout_kv(o, "name", str, m->snap->hosts[h].name);
		put_usage(o, "now", &m->snap->hosts[h].used);
		put_usage(o, "worst", &u->worst);
		put_usage(o, "after", &u->after);
		put_usage(o, "capacity", &m->snap->hosts[h].capacity);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

static void put_cycles(struct jout *o, const struct making *m)
{
	jout_key(o, "cycles");
	jout_open(o, '[');
	for (guint i = 0; i < m->result->cycles->len; i++) {
		const struct planner_cycle *c = g_ptr_array_index(m->result->cycles, i);

		jout_open(o, '{');
		jout_key(o, "servers");
		jout_open(o, '[');
		for (guint k = 0; k < c->guests->len; k++)
			jout_str(o, m->snap->uuids[g_array_index(c->guests, guint, k)]);
		jout_close(o, ']');
		jout_key(o, "hosts");
		jout_open(o, '[');
		for (guint k = 0; k < c->hosts->len; k++)
			jout_str(o, m->snap->hosts[g_array_index(c->hosts, guint, k)].name);
		jout_close(o, ']');
		jout_kv(o, "through", str, c->through == PLANNER_ANY ? NULL : m->snap->hosts[c->through].name);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

static void put_share(struct jout *o, const char *name, double now, double after)
{
	jout_key(o, name);
	jout_open(o, '{');
	jout_kv(o, "now", dbl, (double)(int64_t)(now * 10 + 0.5) / 10);
	jout_kv(o, "after", dbl, (double)(int64_t)(after * 10 + 0.5) / 10);
	jout_close(o, '}');
}

static void put_spread(struct jout *o, const struct making *m)
{
	jout_key(o, "spread");
	if (m->plan->kind != PLAN_REBALANCE) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	put_share(o, "memory", m->before.memory, m->after.memory);
	put_share(o, "vcpus", m->before.vcpus, m->after.vcpus);
	if (m->wanted.load_spread)
		put_share(o, "load", m->before.load, m->after.load);
	jout_close(o, '}');
}

static char *report_of(const struct making *m)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '{');
	put_hosts(&o, m);
	put_cycles(&o, m);
	put_spread(&o, m);
	jout_close(&o, '}');
	return g_string_free(s, FALSE);
}

/* ---- rows ---- */

/* A draft that could not be started stays. */
static void started(const GError *err, void *user)
{
	struct making *m = user;

	if (err) {
		refuse(m, NULL, err);
		return;
	}
	m->done(plans_find(m->plans, m->id), NULL, NULL, m->user);
	leave(m);
}

static void end(struct making *m)
{
	struct plan_record *p = m->plan;
	g_autoptr(GError) err = NULL;

	p->state = PLAN_DRAFT;
	if (!plan_update(m->plans->store, p, &err)) {
		refuse(m, NULL, err);
		return;
	}
	m->id = p->id;
	g_ptr_array_add(m->plans->active, g_steal_pointer(&m->plan));
	log_info("plan_made", LOG_D("plan", p->id), LOG_S("kind", plan_kind_name(p->kind)), LOG_D("steps", p->steps->len),
		 LOG_D("blocked", plan_count(p, PLAN_STEP_BLOCKED)), LOG_S("request", p->request_id));
	plans_tell(m->plans, p, NULL);
	if (m->wanted.start)
		plans_begin(m->plans, m->id, false, started, m);
	else
		started(NULL, m);
}

/* The plan's own row and those of its hosts are first. */
static bool write_some(struct making *m, GError **err)
{
	struct store *s = m->plans->store;
	guint others = m->plan->id ? 0 : MIN(m->plan->hosts->len, PLANS_ROWS), to = MIN(m->plan->steps->len, m->written + PLANS_ROWS - others);
	bool whole;

	if (!store_begin(s, err))
		return false;
	whole = m->plan->id || plan_insert(s, m->plan, err);
	for (guint i = m->written; whole && i < to; i++)
		whole = plan_insert_step(s, m->plan, g_ptr_array_index(m->plan->steps, i), err);
	if (!whole) {
		store_rollback(s);
		return false;
	}
	m->written = to;
	return store_commit(s, err);
}

/* What is left of it goes with the next start. */
static void write_next(void *user)
{
	struct making *m = user;
	g_autoptr(GError) err = NULL;

	if (!write_some(m, &err)) {
		if (m->plan->id)
			forget_rows(m->plans, m->plan->id);
		refuse(m, NULL, err);
	} else if (m->written < m->plan->steps->len) {
		(void)clock_after(0, write_next, m);
	} else {
		end(m);
	}
}

/* ---- planning ---- */

/* On a worker: of 50,000 servers the wishes and the record take longer than a turn of the loop may, too. */
static void work(void *user)
{
	struct making *m = user;
	const struct planner_target t = { m->wanted.memory_spread, m->wanted.vcpus_spread, m->wanted.load_spread, m->wanted.hysteresis };

	plan_input_take(&m->wanted, m->snap, m->brought, m->mistakes);
	if (m->mistakes->len)
		return;
	if (m->wanted.kind == PLAN_REBALANCE) {
		m->before = planner_spread_of(&m->snap->fleet);
		m->after = planner_balance(&m->snap->fleet, m->snap->guests, &t);
	}
	m->result = planner_run(&m->snap->fleet);
	take_steps(m);
	m->plan->report = report_of(m);
	m->plan->expected_s = m->result->seconds;
	plan_index_make(m->plan);
}

static void planned(void *user)
{
	struct making *m = user;
	g_autoptr(GError) err = NULL;

	if (m->mistakes->len) {
		refuse(m, m->mistakes, NULL);
		return;
	}
	if (m->plan->steps->len > PLAN_STEPS_MAX) {
		g_set_error(&err, ERR, ERR_TOO_LARGE, "The plan would have %u steps; it may have %d.", m->plan->steps->len, PLAN_STEPS_MAX);
		refuse(m, NULL, err);
		return;
	}
	write_next(m);
}

static struct plan_record *record_of(const struct making *m, const struct requester *who)
{
	struct plan_record *p = plan_record_new();
	const struct plan_wanted *w = &m->wanted;

	p->kind = (enum plan_kind)w->kind;
	p->state = PLAN_MAKING;
	p->opt = (struct plan_options){
		.parallel = w->parallel, .deadline_s = w->deadline_s, .cold = w->cold, .waves = w->waves, .priority = w->priority, .to = g_strdup(w->to),
		.rest = g_strdup(w->kind == PLAN_MAP && !w->rest ? "leave" : w->rest),
		.bring_back = w->bring_back, .memory_spread = w->memory_spread, .vcpus_spread = w->vcpus_spread,
		.load_spread = w->load_spread, .hysteresis = w->hysteresis,
	};
	for (guint i = 0; w->hosts && i < w->hosts->len; i++)
		g_ptr_array_add(p->hosts, g_strdup(g_ptr_array_index(w->hosts, i)));
	p->user_id = g_strdup(who->user_id);
	p->project_id = g_strdup(who->project_id);
	p->request_id = g_strdup(who->request_id);
	return p;
}

static bool version_ok(const struct making *m, GError **err)
{
	const char *wanted = m->wanted.fleet_version;

	if (!wanted || strcmp(wanted, m->snap->version) == 0)
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "The fleet has changed: its version is %s, not %s.", m->snap->version, wanted);
	return false;
}

static bool load_known(struct plans *ps, const struct plan_wanted *w, GError **err)
{
	g_autofree char *missing = NULL;

	if (!w->load_spread)
		return true;
	if (w->kind != PLAN_REBALANCE)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "A plan of kind %s takes no 'load_spread'.", plan_kind_name((enum plan_kind)w->kind));
	else if (!fleet_conf(ps->fleet)->load_interval)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The load of servers is not measured: [DEFAULT] load_interval is 0.");
	else if ((missing = load_missing(ps->fleet)))
		g_set_error(err, ERR, ERR_UNAVAILABLE, "The load of servers is not known yet: %s; try again in %d s.", missing, (int)fleet_conf(ps->fleet)->load_interval);
	else
		return true;
	return false;
}

static bool may_make(struct plans *ps, const struct plan_wanted *w, GError **err)
{
	if (ps->making >= MAKING_MAX)
		g_set_error(err, ERR, ERR_UNAVAILABLE, "%d plans are being made; try again in a moment.", ps->making);
	else if (!fleet_settled(ps->fleet))
		g_set_error(err, ERR, ERR_UNAVAILABLE, "The hosts have not been reached since the start; try again in a moment.");
	else
		return plan_wanted_check(w, err) && load_known(ps, w, err);
	return false;
}

/* The fleet as it is now, some of it with each turn of the loop; then the planner. */
static void copy_next(void *user)
{
	struct making *m = user;
	g_autoptr(GError) err = NULL;

	if (!m->snap)
		m->snap = snapshot_begin(m->plans->engine, m->wanted.parallel, m->wanted.cold);
	if (!snapshot_more(m->snap, m->plans->fleet)) {
		(void)clock_after(0, copy_next, m);
		return;
	}
	if (!version_ok(m, &err)) {
		refuse(m, NULL, err);
		return;
	}
	g_strlcpy(m->plan->fleet_version, m->snap->version, sizeof m->plan->fleet_version);
	loop_job(work, planned, m);
}

/* ---- what drains have taken away ---- */

/* The last one of some of the plan's hosts. */
struct drain {
	int64_t id;
	GHashTable *hosts; /* their names, borrowed */
};

static void drain_free(void *data)
{
	struct drain *d = data;

	g_hash_table_unref(d->hosts);
	g_free(d);
}

static struct drain *drain_called(struct making *m, int64_t id)
{
	struct drain *d;

	for (guint i = 0; i < m->drains->len; i++) {
		d = g_ptr_array_index(m->drains, i);
		if (d->id == id)
			return d;
	}
	d = g_new(struct drain, 1);
	*d = (struct drain){ id, g_hash_table_new(g_str_hash, g_str_equal) };
	g_ptr_array_add(m->drains, d);
	return d;
}

/* Return: false with @err. */
static bool look_up_some(struct making *m, GError **err)
{
	guint to = MIN(m->wanted.hosts->len, m->at + READ_DRAINS);

	for (; m->at < to; m->at++) {
		char *host = g_ptr_array_index(m->wanted.hosts, m->at);
		int64_t id = plan_read_drain_of(m->plans->store, host, err);

		if (id < 0)
			return false;
		if (id > 0)
			g_hash_table_add(drain_called(m, id)->hosts, host);
	}
	return true;
}

/* Return: the same. */
static bool read_some(struct making *m, GError **err)
{
	const struct drain *d = g_ptr_array_index(m->drains, m->at);
	g_autoptr(GPtrArray) part = plan_read_part(m->plans->store, d->id, m->seen, READ_STEPS, err);

	for (guint i = 0; part && i < part->len; i++) {
		const struct plan_step *st = g_ptr_array_index(part, i);

		m->seen = st->n;
		if (st->state == PLAN_STEP_DONE && st->source && g_hash_table_contains(d->hosts, st->source))
			g_hash_table_insert(m->brought, g_strdup(st->uuid), g_strdup(st->source));
	}
	if (part && part->len < READ_STEPS) {
		m->at++;
		m->seen = 0;
	}
	return part != NULL;
}

static void read_next(void *user)
{
	struct making *m = user;
	g_autoptr(GError) err = NULL;

	if (m->at == m->drains->len)
		copy_next(m);
	else if (read_some(m, &err))
		(void)clock_after(0, read_next, m);
	else
		refuse(m, NULL, err);
}

static void look_up_next(void *user)
{
	struct making *m = user;
	g_autoptr(GError) err = NULL;

	if (!look_up_some(m, &err)) {
		refuse(m, NULL, err);
	} else if (m->at < m->wanted.hosts->len) {
		(void)clock_after(0, look_up_next, m);
	} else {
		m->at = 0;
		read_next(m);
	}
}

void plans_make(struct plans *ps, struct plan_wanted *w, const struct requester *who, plans_made_f *done, void *user)
{
	struct making *m = g_new0(struct making, 1);
	g_autoptr(GError) err = NULL;
	bool may = may_make(ps, w, &err);

	ps->making++;
	m->plans = ps;
	m->wanted = *w;
	m->done = done;
	m->user = user;
	m->mistakes = g_ptr_array_new_with_free_func(plan_mistake_free);
	memset(w, 0, sizeof *w);
	if (!may) {
		refuse(m, NULL, err);
		return;
	}
	m->plan = record_of(m, who);
	if (m->wanted.kind == PLAN_UNDRAIN && m->wanted.bring_back) {
		m->brought = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		m->drains = g_ptr_array_new_with_free_func(drain_free);
		look_up_next(m);
	} else {
		copy_next(m);
	}
}
