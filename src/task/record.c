/* SPDX-License-Identifier: Apache-2.0 */
#include "task/record.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "store/columns.h"
#include "store/row.h"

static const char *const block_names[] = { [MIG_BLOCK_NO] = "no", [MIG_BLOCK_YES] = "yes", [MIG_BLOCK_AUTO] = "auto" };
static_assert(G_N_ELEMENTS(block_names) == MIG_BLOCK_N, "block_names is missing one");

/* A row: the record, and what of it is stored as words. */
struct mig_row {
	struct mig mig;
	const char *type, *phase, *status, *options;
	int64_t ended_us;
};

#define MIG_FIELD(n, col, type, f) ROW_FIELD_##type(mig_row, col, f),
#define EVENT_FIELD(n, col, type, f) ROW_FIELD_##type(mig_event, col, f),

static const struct row_field new_fields[] = { MIG_NEW(MIG_FIELD, MIG_FIELD) }, row_fields[] = { MIG_ROW(MIG_FIELD, MIG_FIELD) };
static const struct row_field step_fields[] = { MIG_STEP(MIG_FIELD, MIG_FIELD) }, progress_fields[] = { MIG_PROGRESS(MIG_FIELD, MIG_FIELD) };
static const struct row_field event_fields[] = { MIG_EVENT_ROW(EVENT_FIELD, EVENT_FIELD) };

const struct task_stage *mig_stage(const struct mig *m)
{
	return &m->kind->stages[m->phase];
}

const char *mig_phase_name(const struct mig *m)
{
	return mig_stage(m)->name;
}

/* The column's word; a task that is no migration has none. */
static const char *column_of(const char *status)
{
	return status ? status : "";
}

static const char *status_of(const struct task_stage *st, bool postcopy)
{
	return postcopy && st->committed ? st->committed : st->status;
}

const char *mig_status(const struct mig *m)
{
	return status_of(mig_stage(m), m->postcopy);
}

bool mig_is_committed(const struct mig *m)
{
	return m->postcopy && mig_stage(m)->committed;
}

/* Nova leaves "running (post-copy)" out of this list too (nova.md 4.2). */
bool mig_in_progress(const struct mig *m)
{
	return mig_stage(m)->in_progress && !mig_is_committed(m);
}

bool mig_is_final(const struct mig *m)
{
	return mig_stage(m)->end != TASK_GOES_ON;
}

bool mig_rests(const struct mig *m)
{
	return mig_stage(m)->rests;
}

bool mig_holds(const struct mig *m, enum task_hold what)
{
	return mig_stage(m)->holds & what;
}

/* ---- what a kind has beside ---- */

static void own_free(struct mig *m)
{
	if (m->own)
		json_free(m->kind->own, m->kind->n_own, m->own);
	g_clear_pointer(&m->own, g_free);
}

/* What does not fit the table, as of another version, is as if it had not been said. */
static void own_take(struct mig *m, const json_t *from)
{
	own_free(m);
	if (!m->kind->own_size)
		return;
	m->own = g_malloc0(m->kind->own_size);
	if (from)
		(void)json_decode(from, m->kind->own, m->kind->n_own, 0, "own", m->own, NULL);
}

void mig_set_own(struct mig *m, const void *own)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(json_t) from = NULL;
	struct jout o;

	if (!own || !m->kind->own_size)
		return;
	jout_init(&o, text, 0);
	jout_object(&o, m->kind->own, m->kind->n_own, own);
	from = json_parse(text->str, text->len, NULL);
	own_take(m, from);
}

void mig_free(struct mig *m)
{
	if (!m)
		return;
	g_assert(!m->task && !m->priv);
	g_free(m->source);
	g_free(m->dest);
	g_free(m->requested_host);
	g_free(m->claimed_cpus);
	g_free(m->error);
	g_free(m->user_id);
	g_free(m->project_id);
	g_free(m->request_id);
	g_free(m->waits_for);
	own_free(m);
	g_free(m);
}

/* ---- writing ---- */

struct mig_draft mig_draft_of(const struct mig *m, int next)
{
	return (struct mig_draft){
		.phase = next, .action = m->action, .dest = m->dest, .error = m->error, .attempt = m->attempt, .priority = m->priority, .abort_wanted = m->abort_wanted,
		.force_wanted = m->force_wanted, .paused_by_us = m->paused_by_us, .postcopy = m->postcopy,
	};
}

void mig_take_draft(struct mig *m, const struct mig_draft *d)
{
	m->phase = d->phase;
	m->action = d->action;
	/* What is equal stays in its place: the server's draft may point to it, as to the host where the guest has come to. */
	util_replace(&m->dest, d->dest);
	util_replace(&m->error, d->error);
	m->attempt = d->attempt;
	m->priority = d->priority;
	m->abort_wanted = d->abort_wanted;
	m->force_wanted = d->force_wanted;
	m->paused_by_us = d->paused_by_us;
	m->postcopy = d->postcopy;
}

/* What is as usual is left out, as read_options() knows it: a record stays as long as its server, and most have nothing to say here. */
static char *options_text(const struct mig *m, const struct mig_draft *d)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '{');
	if (d->action && d->action != m->kind->actions)
		jout_kv(&o, "action", str, d->action->name);
	if (m->vm_before != SERVER_ACTIVE)
		jout_kv(&o, "vm_before", str, server_vm_name(m->vm_before));
	if (m->block != MIG_BLOCK_AUTO)
		jout_kv(&o, "block", str, block_names[m->block]);
	if (m->force)
		jout_kv(&o, "force", bool, true);
	if (d->priority)
		jout_kv(&o, "priority", int, d->priority);
	if (m->disk_check == MIG_DISK_VIRTUAL)
		jout_kv(&o, "disk_virtual", bool, true);
	if (m->claimed_cpus)
		jout_kv(&o, "place", str, m->claimed_cpus);
	if (m->own) {
		jout_key(&o, "own");
		jout_object(&o, m->kind->own, m->kind->n_own, m->own);
	}
	jout_close(&o, '}');
	return g_string_free(s, FALSE);
}

static bool write_event(struct store *s, int64_t id, const struct mig_event *ev, GError **err)
{
	struct store_val row[1 + G_N_ELEMENTS(event_fields)] = { SV_I(id) };

	row_values(event_fields, G_N_ELEMENTS(event_fields), ev, ev->at_us, row + 1);
	return store_run(s, Q_MIG_EVENT, row, G_N_ELEMENTS(row), NULL, err);
}

bool mig_insert(struct store *s, struct mig *m, GError **err)
{
	struct mig_draft as_is = mig_draft_of(m, m->phase);
	g_autofree char *options = options_text(m, &as_is);
	int64_t now = clock_wall_us();
	const struct mig_event first = { .new_phase = (char *)mig_phase_name(m), .why = (char *)"requested", .at_us = now };
	struct mig_row as;
	struct store_val row[G_N_ELEMENTS(new_fields)];

	m->created_us = m->updated_us = now;
	as = (struct mig_row){ .mig = *m, .type = m->kind->type, .phase = mig_phase_name(m), .status = column_of(mig_status(m)), .options = options };
	row_values(new_fields, G_N_ELEMENTS(row), &as, now, row);
	return store_insert(s, Q_MIG_INSERT, row, G_N_ELEMENTS(row), &m->id, err) && write_event(s, m->id, &first, err);
}

bool mig_update(struct store *s, const struct mig *m, int old, const struct mig_draft *d, int64_t now, bool *ret_written, GError **err)
{
	const struct task_stage *st = m->kind->stages, *next = &st[d->phase];
	const struct mig_row as = {
		.phase = next->name, .status = column_of(status_of(next, d->postcopy)), .ended_us = next->end == TASK_GOES_ON ? 0 : now,
		.mig = {
			.dest = (char *)d->dest, .error = (char *)d->error, .attempt = d->attempt, .abort_wanted = d->abort_wanted,
			.force_wanted = d->force_wanted, .paused_by_us = d->paused_by_us, .postcopy = d->postcopy,
		},
	};
	struct store_val row[2 + G_N_ELEMENTS(step_fields)] = { SV_I(m->id), SV_S(st[old].name) };
	int64_t changed;

	row_values(step_fields, G_N_ELEMENTS(step_fields), &as, now, row + 2);
	if (!store_run(s, Q_MIG_PHASE, row, G_N_ELEMENTS(row), &changed, err))
		return false;
	*ret_written = changed == 1;
	return true;
}

bool mig_add_event(struct store *s, const struct mig *m, int old, int new, const char *why, int64_t now, GError **err)
{
	const struct task_stage *st = m->kind->stages;
	const struct mig_event ev = { .old_phase = (char *)st[old].name, .new_phase = (char *)st[new].name, .why = (char *)why, .at_us = now };

	return write_event(s, m->id, &ev, err);
}

bool mig_update_options(struct store *s, const struct mig *m, const struct mig_draft *d, GError **err)
{
	g_autofree char *options = options_text(m, d);

	return store_run(s, Q_MIG_OPTIONS, STORE_ARGS(SV_I(m->id), SV_S(options)), NULL, err);
}

bool mig_update_action(struct store *s, const struct mig *m, int64_t action_id, GError **err)
{
	return store_run(s, Q_MIG_ACTION, STORE_ARGS(SV_I(m->id), SV_I(action_id)), NULL, err);
}

bool mig_update_progress(struct store *s, const struct mig *m, int64_t now, GError **err)
{
	const struct mig_row as = { .mig.progress = m->progress };
	struct store_val row[2 + G_N_ELEMENTS(progress_fields)] = { SV_I(m->id) };

	row_values(progress_fields, G_N_ELEMENTS(progress_fields), &as, now, row + 1);
	row[1 + G_N_ELEMENTS(progress_fields)] = SV_I(now);
	return store_run(s, Q_MIG_PROGRESS, row, G_N_ELEMENTS(row), NULL, err);
}

/* ---- reading ---- */

struct reader {
	const struct mig_rows *from;
	GPtrArray *list;
	char *bad; /* why the last one that was left out was */
};

static bool index_of(const char *name, int *ret, const char *(*name_of)(int), int n)
{
	for (int i = 0; i < n; i++) {
		if (g_strcmp0(name_of(i), name) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static const char *block_at(int i)
{
	return block_names[i];
}

static const char *vm_at(int i)
{
	return server_vm_name((enum server_vm)i);
}

/* Return: false: what was asked is not of this version. */
static bool read_options(struct mig *m, const char *text)
{
	g_autoptr(json_t) root = json_parse(text, strlen(text), NULL);
	const char *action = json_string_value(json_object_get(root, "action"));
	int block = MIG_BLOCK_AUTO, vm = SERVER_ACTIVE;

	m->action = action ? kind_action(m->kind, action) : m->kind->actions;
	(void)index_of(json_string_value(json_object_get(root, "vm_before")), &vm, vm_at, SERVER_VM_N);
	m->vm_before = (enum server_vm)vm;
	m->force = json_is_true(json_object_get(root, "force"));
	m->claimed_cpus = g_strdup(json_string_value(json_object_get(root, "place")));
	m->priority = (int)json_integer_value(json_object_get(root, "priority"));
	m->disk_check = json_is_true(json_object_get(root, "disk_virtual")) ? MIG_DISK_VIRTUAL : MIG_DISK_ALLOCATED;
	(void)index_of(json_string_value(json_object_get(root, "block")), &block, block_at, MIG_BLOCK_N); /* "auto" unless it says else */
	m->block = (enum mig_block)block;
	own_take(m, json_object_get(root, "own"));
	return !action || m->action;
}

void mig_unknown_init(struct mig_unknown *u)
{
	u->ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	u->servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void mig_unknown_clear(struct mig_unknown *u)
{
	g_hash_table_unref(u->ids);
	g_hash_table_unref(u->servers);
}

void mig_unknown_add(struct mig_unknown *u, int64_t id, const char *server_uuid)
{
	g_hash_table_add(u->ids, g_memdup2(&id, sizeof id));
	g_hash_table_add(u->servers, g_strdup(server_uuid));
}

static void leave_out(struct reader *r, const struct mig_row *row)
{
	g_free(r->bad);
	r->bad = g_strdup_printf("migration %d has an unknown type, phase or action: %s/%s", (int)row->mig.id, row->type, row->phase);
	log_error("migration_unreadable", LOG_D("migration", row->mig.id), LOG_S("server", row->mig.server_uuid), LOG_S("type", row->type),
		  LOG_S("phase", row->phase));
	if (r->from->unknown)
		mig_unknown_add(r->from->unknown, row->mig.id, row->mig.server_uuid);
}

static bool read_row(const struct store_row *row, void *user)
{
	struct reader *r = user;
	struct mig_row got = { .mig.id = 0 };
	struct mig *m;

	(void)row_read(row, row_fields, G_N_ELEMENTS(row_fields), &got); /* its words are the kind's */
	m = g_memdup2(&got.mig, sizeof got.mig);
	m->kind = kind_find(r->from->kinds, got.type);
	m->phase = m->kind ? kind_stage(m->kind, got.phase) : -1;
	if (m->phase < 0 || !read_options(m, got.options)) {
		leave_out(r, &got);
		mig_free(m);
		return true;
	}
	g_ptr_array_add(r->list, m);
	return true;
}

static GPtrArray *read_all(const struct mig_rows *from, enum query q, const struct store_val *args, size_t n, char **ret_bad, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)mig_free);
	struct reader r = { .from = from, .list = list };
	bool ok = store_each(from->store, q, args, n, read_row, &r, err);

	*ret_bad = r.bad;
	return ok ? g_steal_pointer(&list) : NULL;
}

GPtrArray *mig_query(const struct mig_rows *from, enum query q, const struct store_val *args, size_t n, GError **err)
{
	g_autofree char *bad = NULL;

	return read_all(from, q, args, n, &bad, err);
}

struct mig *mig_query_one(const struct mig_rows *from, enum query q, const struct store_val *args, size_t n, const char *what, GError **err)
{
	g_autofree char *bad = NULL;
	g_autoptr(GPtrArray) list = read_all(from, q, args, n, &bad, err);

	if (list && list->len)
		return g_ptr_array_steal_index(list, 0);
	if (list && bad)
		g_set_error(err, ERR, ERR_STORE, "%s", bad);
	else if (list)
		g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %s could not be found.", what);
	return NULL;
}

/* Filters that have an index, the one with the fewest records first. */
static enum query list_query(const struct mig_filter *f)
{
	return f->server_uuid ? Q_MIG_LIST_SERVER : f->user_id ? Q_MIG_LIST_USER : f->project_id ? Q_MIG_LIST_PROJECT : Q_MIG_LIST;
}

GPtrArray *mig_list(const struct mig_rows *from, const struct mig_filter *f, int64_t from_id, GError **err)
{
	return mig_query(from, list_query(f),
			 STORE_ARGS(SV_S(f->server_uuid), SV_S(f->host), SV_S(f->status), SV_S(f->type), SV_S(f->source), SV_S(f->user_id),
				    SV_S(f->project_id), SV_OPT(f->since_us), SV_OPT(f->before_us), SV_I(from_id),
				    SV_I(f->below_id ? f->below_id : G_MAXINT64), SV_I(f->limit ? f->limit : G_MAXINT)),
			 err);
}

static void event_free(void *data)
{
	struct mig_event *ev = data;

	g_free(ev->old_phase);
	g_free(ev->new_phase);
	g_free(ev->why);
	g_free(ev);
}

static bool read_event(const struct store_row *row, void *user)
{
	struct mig_event *ev = g_new0(struct mig_event, 1);

	(void)row_read(row, event_fields, G_N_ELEMENTS(event_fields), ev); /* its words are the kind's */
	g_ptr_array_add(user, ev);
	return true;
}

GPtrArray *mig_events(struct store *s, int64_t id, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(event_free);

	if (!store_each(s, Q_MIG_EVENTS, STORE_ARGS(SV_I(id)), read_event, list, err))
		return NULL;
	return g_steal_pointer(&list);
}
