/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_record.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/columns.h"
#include "store/row.h"

/* ---- words ---- */

static const char *const kind_names[] = {
	[PLAN_MAP] = "map", [PLAN_DRAIN] = "drain", [PLAN_UNDRAIN] = "undrain", [PLAN_BULK] = "bulk", [PLAN_REBALANCE] = "rebalance",
};
static_assert(G_N_ELEMENTS(kind_names) == PLAN_KIND_N, "kind_names is missing one");

static const struct {
	const char *name;
	bool over;
} states[] = {
	[PLAN_MAKING] = { "making" },
	[PLAN_DRAFT] = { "draft" },
	[PLAN_RUNNING] = { "running" },
	[PLAN_PAUSED] = { "paused" },
	[PLAN_CANCELLING] = { "cancelling" },
	[PLAN_DONE] = { "done", true },
	[PLAN_PARTLY] = { "partly", true },
	[PLAN_FAILED] = { "failed", true },
	[PLAN_CANCELLED] = { "cancelled", true },
};
static_assert(G_N_ELEMENTS(states) == PLAN_STATE_N, "states is missing one");

static const struct {
	const char *name;
	bool over;
} step_states[] = {
	[PLAN_STEP_BLOCKED] = { "blocked", true },
	[PLAN_STEP_WAITING] = { "waiting" },
	[PLAN_STEP_ASKING] = { "asking" },
	[PLAN_STEP_RUNNING] = { "running" },
	[PLAN_STEP_DONE] = { "done", true },
	[PLAN_STEP_FAILED] = { "failed", true },
	[PLAN_STEP_SKIPPED] = { "skipped", true },
	[PLAN_STEP_CANCELLED] = { "cancelled", true },
	[PLAN_STEP_LEFT] = { "left", true },
};
static_assert(G_N_ELEMENTS(step_states) == PLAN_STEP_STATE_N, "step_states is missing one");

const char *plan_kind_name(enum plan_kind k)
{
	return kind_names[k];
}

const char *plan_state_name(enum plan_state s)
{
	return states[s].name;
}

const char *plan_step_state_name(enum plan_step_state s)
{
	return step_states[s].name;
}

bool plan_kind_parse(const char *word, enum plan_kind *ret)
{
	for (int i = 0; i < PLAN_KIND_N; i++) {
		if (strcmp(kind_names[i], word) != 0)
			continue;
		*ret = (enum plan_kind)i;
		return true;
	}
	return false;
}

bool plan_state_parse(const char *word, enum plan_state *ret)
{
	for (int i = PLAN_DRAFT; i < PLAN_STATE_N; i++) {
		if (strcmp(states[i].name, word) != 0)
			continue;
		*ret = (enum plan_state)i;
		return true;
	}
	return false;
}

bool plan_is_over(enum plan_state s)
{
	return states[s].over;
}

bool plan_step_is_over(enum plan_step_state s)
{
	return step_states[s].over;
}

/* ---- records ---- */

void plan_step_free(void *data)
{
	struct plan_step *s = data;

	g_free(s->name);
	g_free(s->source);
	g_free(s->dest);
	g_free(s->why);
	g_free(s->after);
	g_free(s->request_id);
	g_free(s->reason);
	g_free(s->reasons);
	g_free(s);
}

struct plan_record *plan_record_new(void)
{
	struct plan_record *p = g_new0(struct plan_record, 1);

	p->hosts = g_ptr_array_new_with_free_func(g_free);
	return p;
}

static void index_clear(struct plan_index *x)
{
	if (!x->busy)
		return;
	g_ptr_array_unref(x->busy);
	g_ptr_array_unref(x->unsaved);
	g_array_unref(x->open);
	g_hash_table_unref(x->leaving);
	g_hash_table_unref(x->last);
	g_hash_table_unref(x->hosts);
	g_ptr_array_unref(x->order);
}

void plan_record_free(struct plan_record *p)
{
	if (!p)
		return;
	index_clear(&p->index);
	g_ptr_array_unref(p->hosts);
	if (p->steps)
		g_ptr_array_unref(p->steps);
	g_free(p->opt.to);
	g_free(p->opt.rest);
	g_free(p->opt.moves);
	g_free(p->why);
	g_free(p->options);
	g_free(p->counts);
	g_free(p->report);
	g_free(p->user_id);
	g_free(p->project_id);
	g_free(p->request_id);
	g_free(p);
}

struct plan_step *plan_step_at(const struct plan_record *p, int64_t n)
{
	return n >= 1 && n <= p->steps->len ? g_ptr_array_index(p->steps, n - 1) : NULL;
}

int plan_count(const struct plan_record *p, enum plan_step_state s)
{
	int n = 0;

	if (p->index.busy)
		return p->index.n[s];
	for (guint i = 0; p->steps && i < p->steps->len; i++)
		n += ((const struct plan_step *)g_ptr_array_index(p->steps, i))->state == s;
	return n;
}

bool plan_has_host(const struct plan_record *p, const char *host)
{
	if (p->index.busy)
		return host && g_hash_table_contains(p->index.hosts, host);
	for (guint i = 0; i < p->hosts->len; i++)
		if (g_strcmp0(g_ptr_array_index(p->hosts, i), host) == 0)
			return true;
	return false;
}

bool plan_steps_after(const struct plan_step *s, bool (*fn)(int n, void *user), void *user)
{
	const char *at = s->after;

	while (at && *at) {
		char *end;
		int64_t n = g_ascii_strtoll(at, &end, 10);

		if (end == at || n < 1 || n > PLAN_STEPS_MAX) /* edited by hand */
			break;
		if (!fn((int)n, user))
			return false;
		at = *end == ',' ? end + 1 : end;
	}
	return true;
}

/* ---- what is JSON in a row ---- */

#define OPTION(member) offsetof(struct plan_options, member)

const struct json_field plan_option_fields[] = {
	{ "parallel",      JSON_INT,   OPTION(parallel) },
	{ "deadline",      JSON_INT64, OPTION(deadline_s) },
	{ "cold",          JSON_BOOL,  OPTION(cold) },
	{ "waves",         JSON_INT,   OPTION(waves) },
	{ "priority",      JSON_INT,   OPTION(priority) },
	{ "adapt",         JSON_BOOL,  OPTION(adapt) },
	{ "to",            JSON_STR,   OPTION(to), .nullable = true },
	{ "rest",          JSON_STR,   OPTION(rest), .nullable = true },
	{ "bring_back",    JSON_BOOL,  OPTION(bring_back) },
	{ "memory_spread", JSON_INT,   OPTION(memory_spread) },
	{ "vcpus_spread",  JSON_INT,   OPTION(vcpus_spread) },
	{ "load_spread",   JSON_INT,   OPTION(load_spread) },
	{ "hysteresis",    JSON_INT,   OPTION(hysteresis) },
	{ "moves",         JSON_STR,   OPTION(moves), .nullable = true },
};
const size_t plan_option_fields_n = G_N_ELEMENTS(plan_option_fields);

static void write_options(struct plan_record *p)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_object(&o, plan_option_fields, plan_option_fields_n, &p->opt);
	g_free(p->options);
	p->options = g_string_free(s, FALSE);
}

void plan_put_counts(struct jout *o, const struct plan_record *p)
{
	int n[PLAN_STEP_STATE_N] = { 0 };

	if (!p->steps) {
		jout_raw(o, p->counts);
		return;
	}
	for (int i = 0; i < PLAN_STEP_STATE_N; i++)
		n[i] = plan_count(p, (enum plan_step_state)i);
	n[PLAN_STEP_RUNNING] += n[PLAN_STEP_ASKING];
	jout_open(o, '{');
	for (int i = 0; i < PLAN_STEP_STATE_N; i++)
		if (i != PLAN_STEP_ASKING)
			jout_kv(o, step_states[i].name, int, n[i]);
	jout_close(o, '}');
}

static void write_counts(struct plan_record *p)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	plan_put_counts(&o, p);
	g_free(p->counts);
	p->counts = g_string_free(s, FALSE);
}

/* ---- rows ---- */

static const char *kind_word(int i)
{
	return kind_names[i];
}

static const char *state_word(int i)
{
	return states[i].name;
}

static const char *step_state_word(int i)
{
	return step_states[i].name;
}

#define ROW_FIELD_PLAN_KIND(s, col, f) ROW_FIELD_WORD(s, col, f, kind_word, PLAN_KIND_N)
#define ROW_FIELD_PLAN_STATE(s, col, f) ROW_FIELD_WORD(s, col, f, state_word, PLAN_STATE_N)
#define ROW_FIELD_PLAN_STEP_STATE(s, col, f) ROW_FIELD_WORD(s, col, f, step_state_word, PLAN_STEP_STATE_N)
#define FIELD(n, col, type, f) ROW_FIELD_##type(plan_record, col, f),
#define STEP_FIELD(n, col, type, f) ROW_FIELD_##type(plan_step, col, f),

static const struct row_field row_fields[] = { PLAN_ROW(FIELD, FIELD) };
static const struct row_field new_fields[] = { PLAN_NEW(FIELD, FIELD) };
static const struct row_field change_fields[] = { PLAN_CHANGES(FIELD, FIELD) };
static const struct row_field step_fields[] = { PLAN_STEP_ROW(STEP_FIELD, STEP_FIELD) };
static const struct row_field new_step_fields[] = { PLAN_STEP_NEW(STEP_FIELD, STEP_FIELD) };
/* A host of a plan. */
struct host_row {
	const char *host;
};

#define HOST_FIELD(n, col, type, f) ROW_FIELD_##type(host_row, col, f),
static const struct row_field host_fields[] = { PLAN_HOST_ROW(HOST_FIELD, HOST_FIELD) };
static const struct row_field step_change_fields[] = { PLAN_STEP_CHANGES(STEP_FIELD, STEP_FIELD) };

bool plan_insert(struct store *s, struct plan_record *p, GError **err)
{
	struct store_val args[1 + G_N_ELEMENTS(new_fields)];

	p->created_us = p->updated_us = clock_wall_us();
	write_options(p);
	write_counts(p);
	args[0] = SV_I(p->created_us);
	row_values(new_fields, G_N_ELEMENTS(new_fields), p, p->created_us, args + 1);
	if (!store_insert(s, Q_PLAN_INSERT, args, G_N_ELEMENTS(args), &p->id, err))
		return false;
	for (guint i = 0; i < p->hosts->len; i++)
		if (!store_run(s, Q_PLAN_HOST_INSERT, STORE_ARGS(SV_I(p->id), SV_I(i), SV_S(g_ptr_array_index(p->hosts, i))), NULL, err))
			return false;
	return true;
}

bool plan_insert_step(struct store *s, const struct plan_record *p, const struct plan_step *st, GError **err)
{
	struct store_val args[2 + G_N_ELEMENTS(new_step_fields)];

	args[0] = SV_I(p->id);
	args[1] = SV_I(st->n);
	row_values(new_step_fields, G_N_ELEMENTS(new_step_fields), st, p->created_us, args + 2);
	return store_run(s, Q_PLAN_STEP_INSERT, args, G_N_ELEMENTS(args), NULL, err);
}

bool plan_update(struct store *s, struct plan_record *p, GError **err)
{
	struct store_val args[1 + G_N_ELEMENTS(change_fields)];

	p->updated_us = clock_wall_us();
	write_options(p);
	write_counts(p);
	args[0] = SV_I(p->id);
	row_values(change_fields, G_N_ELEMENTS(change_fields), p, p->updated_us, args + 1);
	p->unsaved = !store_run(s, Q_PLAN_SET, args, G_N_ELEMENTS(args), NULL, err);
	return !p->unsaved;
}

bool plan_update_step(struct store *s, const struct plan_record *p, const struct plan_step *st, GError **err)
{
	struct store_val args[2 + G_N_ELEMENTS(step_change_fields)];

	args[0] = SV_I(p->id);
	args[1] = SV_I(st->n);
	row_values(step_change_fields, G_N_ELEMENTS(step_change_fields), st, p->updated_us, args + 2);
	return store_run(s, Q_PLAN_STEP_SET, args, G_N_ELEMENTS(args), NULL, err);
}

bool plan_drop(struct store *s, int64_t id, GError **err)
{
	return store_run(s, Q_PLAN_DROP, STORE_ARGS(SV_I(id)), NULL, err);
}

bool plan_delete_some(struct store *s, int64_t id, int steps, bool *ret_all, GError **err)
{
	static const enum query others[] = { Q_PLAN_DELETE_HOSTS, Q_PLAN_DELETE };
	int64_t n;
	bool whole;

	if (!store_begin(s, err))
		return false;
	whole = store_run(s, Q_PLAN_DELETE_STEPS, STORE_ARGS(SV_I(id), SV_I(steps)), &n, err);
	for (size_t i = 0; whole && n == 0 && i < G_N_ELEMENTS(others); i++)
		whole = store_run(s, others[i], STORE_ARGS(SV_I(id)), NULL, err);
	if (!whole) {
		store_rollback(s);
		return false;
	}
	*ret_all = n == 0;
	return store_commit(s, err);
}

/* ---- reading ---- */

/* A row of another version, or edited by hand, is left alone. */
static bool take_plan(const struct store_row *row, void *user)
{
	struct plan_record *p = plan_record_new();
	g_autofree char *wrong = row_read(row, row_fields, G_N_ELEMENTS(row_fields), p);
	json_t *options = wrong || !p->options ? NULL : json_parse(p->options, strlen(p->options), NULL);

	p->opt.parallel = PLAN_PARALLEL;
	if (options)
		(void)json_decode(options, plan_option_fields, plan_option_fields_n, 0, "options", &p->opt, NULL);
	json_decref(options);
	if (wrong || !options) {
		log_error("plan_unreadable", LOG_D("plan", p->id), LOG_S("reason", wrong ? wrong : "its options"));
		plan_record_free(p);
		return true;
	}
	p->opt.parallel = CLAMP(p->opt.parallel, 1, PLAN_PARALLEL_MAX);
	g_ptr_array_add(user, p);
	return true;
}

static bool take_host(const struct store_row *row, void *user)
{
	struct host_row h = { .host = NULL };

	(void)row_read(row, host_fields, G_N_ELEMENTS(host_fields), &h); /* it has no words */
	g_ptr_array_add(user, g_strdup(h.host));
	return true;
}

struct steps {
	int64_t id; /* of the plan */
	GPtrArray *list;
};

static bool take_step(const struct store_row *row, void *user)
{
	const struct steps *to = user;
	struct plan_step *st = g_new0(struct plan_step, 1);
	g_autofree char *wrong = row_read(row, step_fields, G_N_ELEMENTS(step_fields), st);

	if (wrong)
		log_error("plan_step_unreadable", LOG_D("plan", to->id), LOG_D("step", st->n), LOG_S("reason", wrong));
	st->state = wrong ? PLAN_STEP_FAILED : st->state;
	st->needs.servers = 1;
	g_ptr_array_add(to->list, st);
	return true;
}

static void free_plan(void *p)
{
	plan_record_free(p);
}

static GPtrArray *read_plans(struct store *s, enum query q, const struct store_val *args, size_t n, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_plan);

	if (!store_each(s, q, args, n, take_plan, list, err))
		return NULL;
	for (guint i = 0; i < list->len; i++) {
		struct plan_record *p = g_ptr_array_index(list, i);

		if (!store_each(s, Q_PLAN_HOSTS, STORE_ARGS(SV_I(p->id)), take_host, p->hosts, err))
			return NULL;
	}
	return g_steal_pointer(&list);
}

GPtrArray *plan_read_part(struct store *s, int64_t id, int after, int limit, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(plan_step_free);
	struct steps to = { id, list };

	return store_each(s, Q_PLAN_STEPS, STORE_ARGS(SV_I(id), SV_I(after), SV_I(limit)), take_step, &to, err) ? g_steal_pointer(&list) : NULL;
}

bool plan_read_steps(struct store *s, struct plan_record *p, GError **err)
{
	p->steps = plan_read_part(s, p->id, 0, INT_MAX, err);
	return p->steps;
}

struct plan_record *plan_read_head(struct store *s, int64_t id, GError **err)
{
	g_autoptr(GPtrArray) list = read_plans(s, Q_PLAN_GET, STORE_ARGS(SV_I(id)), err);

	if (list && list->len)
		return g_ptr_array_steal_index(list, 0);
	if (list)
		g_set_error(err, ERR, ERR_NOT_FOUND, "Plan %" G_GINT64_FORMAT " could not be found.", id);
	return NULL;
}

struct plan_record *plan_read(struct store *s, int64_t id, GError **err)
{
	struct plan_record *p = plan_read_head(s, id, err);

	if (!p || plan_read_steps(s, p, err))
		return p;
	plan_record_free(p);
	return NULL;
}

GPtrArray *plan_read_active(struct store *s, GError **err)
{
	return read_plans(s, Q_PLAN_ACTIVE, STORE_NO_ARGS, err);
}

GPtrArray *plan_read_list(struct store *s, const char *kind, const char *state, int64_t below, int limit, GError **err)
{
	return read_plans(s, Q_PLAN_LIST, STORE_ARGS(SV_S(kind), SV_S(state), SV_I(below ? below : INT64_MAX), SV_I(limit)), err);
}

int64_t plan_read_drain_of(struct store *s, const char *host, GError **err)
{
	int64_t id;

	return store_number(s, Q_PLAN_DRAIN_OF, STORE_ARGS(SV_S(host)), &id, err) ? id : -1;
}
