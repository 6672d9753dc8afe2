/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/mig.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "migrate/precheck.h"

static const char *const type_names[] = {
	[MIG_LIVE] = "live-migration", [MIG_COLD] = "migration", [MIG_RESIZE] = "resize", [MIG_EVACUATION] = "evacuation",
};
static_assert(G_N_ELEMENTS(type_names) == MIG_TYPE_N, "type_names is missing one");

static const char *const block_names[] = { [MIG_BLOCK_NO] = "no", [MIG_BLOCK_YES] = "yes", [MIG_BLOCK_AUTO] = "auto" };
static_assert(G_N_ELEMENTS(block_names) == MIG_BLOCK_N, "block_names is missing one");

#define P(x) (1u << MIG_##x)

/*
 * The stage table. @next: the phases that may follow. A phase may follow itself:
 * then only other fields of the row changed (abort_wanted, attempt).
 */
static const struct {
	const char *name, *status;
	unsigned next;
	bool slot, claim, cancellable, in_progress, final;
} stages[] = {
	[MIG_CHECK]    = { "check",    "accepted",       P(QUEUED) | P(ERROR) | P(CANCELLED), false, false, true, false, false },
	[MIG_QUEUED]   = { "queued",   "queued",         P(SCHEDULE) | P(CANCELLED) | P(ERROR), false, false, true, true, false },
	[MIG_SCHEDULE] = { "schedule", "preparing",      P(PREPARE) | P(QUEUED) | P(ERROR) | P(CANCELLED), true, false, true, true, false },
	[MIG_PREPARE]  = { "prepare",  "preparing",      P(COPY) | P(SCHEDULE) | P(FAILED) | P(CANCELLED) | P(ERROR), true, true, true, true, false },
	[MIG_COPY]     = { "copy",     "running",        P(PREPARE) | P(FINISH) | P(UNDO) | P(ERROR), true, true, true, true, false },
	[MIG_FINISH]   = { "finish",   "post-migrating", P(DONE) | P(ERROR), true, false, false, true, false },
	[MIG_UNDO]     = { "undo",     "running",        P(FINISH) | P(SCHEDULE) | P(FAILED) | P(CANCELLED) | P(ERROR), true, true, true, true, false },
	[MIG_DONE]      = { "done",      "completed", 0, .final = true },
	[MIG_ERROR]     = { "error",     "error",     0, .final = true },
	[MIG_FAILED]    = { "failed",    "failed",    0, .final = true },
	[MIG_CANCELLED] = { "cancelled", "cancelled", 0, .final = true },
};
static_assert(G_N_ELEMENTS(stages) == MIG_PHASE_N, "stages is missing one");

const char *mig_type_name(enum mig_type t)
{
	return type_names[t];
}

const char *mig_phase_name(enum mig_phase p)
{
	return stages[p].name;
}

static const char in_postcopy[] = "running (post-copy)";

static const char *status_in(const struct mig *m, enum mig_phase p)
{
	return m->postcopy && p == MIG_COPY ? in_postcopy : stages[p].status;
}

const char *mig_status(const struct mig *m)
{
	return status_in(m, m->phase);
}

/* Nova leaves "running (post-copy)" out of this list too (nova.md 4.2). */
bool mig_in_progress(const struct mig *m)
{
	return stages[m->phase].in_progress && !(m->postcopy && m->phase == MIG_COPY);
}

bool mig_is_final(const struct mig *m)
{
	return stages[m->phase].final;
}

bool mig_row_is_final(const struct mig *m)
{
	return stages[m->priv->row_ended].final;
}

bool mig_phase_holds_slot(enum mig_phase p)
{
	return stages[p].slot;
}

bool mig_phase_holds_claim(enum mig_phase p)
{
	return stages[p].claim;
}

bool mig_phase_cancellable(enum mig_phase p)
{
	return stages[p].cancellable;
}

/* ---- the object ---- */

struct mig *mig_new(struct engine *e)
{
	struct mig *m = g_new0(struct mig, 1);

	m->priv = g_new0(struct mig_private, 1);
	m->priv->engine = e;
	m->priv->excluded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return m;
}

static void private_free(struct mig_private *p)
{
	if (!p)
		return;
	clock_cancel(&p->timer);
	precheck_cancel(p->precheck);
	g_clear_pointer(&p->copies, g_ptr_array_unref);
	g_hash_table_unref(p->excluded);
	probe_clear(&p->probe);
	hv_place_free(p->there);
	g_free(p->candidate);
	g_free(p->xml);
	g_free(p->xml_inactive);
	g_clear_pointer(&p->listeners, g_ptr_array_unref);
	g_free(p->definition);
	g_free(p->dest_xml);
	g_free(p->persistent_xml);
	copy_forget(&p->copy);
	g_free(p->watch.given_up);
	g_free(p);
}

void mig_free(struct mig *m)
{
	if (!m)
		return;
	private_free(m->priv);
	g_free(m->source);
	g_free(m->dest);
	g_free(m->requested_host);
	g_free(m->place);
	g_free(m->error);
	g_free(m->user_id);
	g_free(m->project_id);
	g_free(m->request_id);
	g_free(m->waits_for);
	g_free(m);
}

struct server *mig_server(const struct mig *m)
{
	return fleet_server(m->priv->engine->fleet, m->server_uuid);
}

struct host *mig_source(const struct mig *m)
{
	return fleet_host(m->priv->engine->fleet, m->source);
}

struct host *mig_dest(const struct mig *m)
{
	return fleet_host(m->priv->engine->fleet, m->dest);
}

/* ---- writing ---- */

static bool write_row(struct mig *m, enum mig_phase old, enum mig_phase new, int64_t now, int64_t *ret_changed, GError **err)
{
	return store_run(m->priv->engine->store, Q_MIG_PHASE,
			 STORE_ARGS(SV_I(m->id), SV_S(stages[old].name), SV_S(stages[new].name), SV_S(status_in(m, new)), SV_S(m->dest),
				    SV_I(m->attempt), SV_I(m->abort_wanted), SV_I(m->force_wanted), SV_I(m->paused_by_us), SV_S(m->error), SV_I(now),
				    SV_I(m->postcopy)),
			 ret_changed, err);
}

static bool may_follow(enum mig_phase old, enum mig_phase new)
{
	return old == new || stages[old].next & 1u << new;
}

/* @old: in: the phase that memory has; out: the one that the row had. */
static bool write_from(struct mig *m, enum mig_phase *old, enum mig_phase new, int64_t now, GError **err)
{
	enum mig_phase memory = *old;
	int64_t changed;

	if (!write_row(m, memory, new, now, &changed, err))
		return false;
	for (int p = 0; changed != 1 && p < MIG_PHASE_N; p++) {
		*old = (enum mig_phase)p;
		if (m->priv->doubted & 1u << p && may_follow(*old, new) && !write_row(m, *old, new, now, &changed, err))
			return false;
	}
	if (changed == 1)
		return true;
	m->priv->strayed = true;
	g_set_error(err, ERR, ERR_STORE_RACE, "migration %d is not in phase %s any more", (int)m->id, stages[memory].name);
	return false;
}

static bool write_phase(struct mig *m, enum mig_phase old, enum mig_phase new, const char *why, mig_also_f *also, void *user,
			GError **err)
{
	struct store *s = m->priv->engine->store;
	enum mig_phase from = old;
	int64_t now = clock_wall_us();
	bool known;

	if (!write_from(m, &from, new, now, err))
		return false;
	known = from != old && from == new; /* its event is in the history already */
	if (!known && !store_run(s, Q_MIG_EVENT,
				 STORE_ARGS(SV_I(m->id), SV_S(stages[from].name), SV_S(stages[new].name), SV_S(why), SV_I(now)), NULL, err))
		return false;
	m->updated_us = now;
	return !also || also(m, user, err);
}

static void enter_phase(struct mig *m, enum mig_phase new)
{
	struct mig_private *p = m->priv;

	m->phase = new;
	p->turn++; /* answers that are under way will be dropped: they are no longer wanted */
	copy_left(&p->copy);
	watch_left(&p->watch);
	settle_left(&p->settle);
	clock_cancel(&p->timer);
	precheck_cancel(g_steal_pointer(&p->precheck));
	queue_moved(m);
}

bool mig_set_phase(struct mig *m, enum mig_phase old, enum mig_phase new, const char *why, mig_also_f *also, void *user, GError **err)
{
	struct store *s = m->priv->engine->store;

	g_assert(m->phase == old);
	g_assert(may_follow(old, new));
	if (!store_begin(s, err))
		return false;
	m->priv->options_written = false;
	if (!write_phase(m, old, new, why, also, user, err)) {
		store_rollback(s);
		return false;
	}
	if (!store_commit(s, err)) {
		m->priv->doubted |= 1u << new;
		return false;
	}
	m->priv->doubted = 0;
	m->priv->row_ended = MIG_CHECK;
	m->priv->options_stale &= !m->priv->options_written;
	if (old != new)
		enter_phase(m, new);
	log_info("migration_phase", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("from", stages[old].name),
		 LOG_S("to", stages[new].name), LOG_S("source", m->source), LOG_S("dest", m->dest), LOG_S("why", why));
	mig_tell(m, old, why);
	return true;
}

static char *options_text(const struct mig *m)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '{');
	jout_kv(&o, "block", str, block_names[m->block]);
	jout_kv(&o, "force", bool, m->force);
	if (m->priority)
		jout_kv(&o, "priority", int, m->priority);
	jout_kv(&o, "disk_virtual", bool, m->disk_check == MIG_DISK_VIRTUAL);
	if (m->place)
		jout_kv(&o, "place", str, m->place);
	jout_close(&o, '}');
	return g_string_free(s, FALSE);
}

bool mig_insert(struct mig *m, GError **err)
{
	struct store *s = m->priv->engine->store;
	g_autofree char *options = options_text(m);
	int64_t now = clock_wall_us();

	m->created_us = m->updated_us = now;
	return store_insert(s, Q_MIG_INSERT,
			    STORE_ARGS(SV_S(m->uuid), SV_S(m->server_uuid), SV_S(type_names[m->type]), SV_S(stages[m->phase].name),
				       SV_S(stages[m->phase].status), SV_S(m->source), SV_S(m->dest), SV_S(m->requested_host), SV_S(options),
				       SV_S(m->user_id), SV_S(m->project_id), SV_S(m->request_id), SV_I(m->action_id), SV_I(now)),
			    &m->id, err) &&
	       store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(m->id), SV_NULL, SV_S(stages[m->phase].name), SV_S("requested"), SV_I(now)), NULL, err);
}

void mig_set_place(struct mig *m, const char *place)
{
	m->priv->options_stale |= g_strcmp0(m->place, place) != 0;
	util_replace(&m->place, place);
}

bool mig_write_options(struct mig *m, GError **err)
{
	g_autofree char *options = m->priv->options_stale ? options_text(m) : NULL;

	if (!options)
		return true;
	m->priv->options_written = true;
	return store_run(m->priv->engine->store, Q_MIG_OPTIONS, STORE_ARGS(SV_I(m->id), SV_S(options)), NULL, err);
}

bool mig_write_progress(struct mig *m, GError **err)
{
	const struct mig_progress *p = &m->progress;

	m->priv->saved_ms = clock_now_ms();
	m->updated_us = clock_wall_us();
	return store_run(m->priv->engine->store, Q_MIG_PROGRESS,
			 STORE_ARGS(SV_I(m->id), SV_I(p->mem_total), SV_I(p->mem_processed), SV_I(p->mem_remaining), SV_I(p->disk_total),
				    SV_I(p->disk_processed), SV_I(p->disk_remaining), SV_I(p->downtime_ms), SV_I(m->updated_us)),
			 NULL, err);
}

void mig_save_progress(struct mig *m)
{
	g_autoptr(GError) why = NULL;

	if (!mig_write_progress(m, &why))
		log_warning("migration_progress_not_saved", LOG_D("migration", m->id), LOG_S("error", why->message));
}

/* ---- reading ---- */

struct reader {
	struct engine *engine;
	GPtrArray *list;
	bool with_private;
	char *bad;
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

static const char *phase_at(int i)
{
	return stages[i].name;
}

static const char *type_at(int i)
{
	return type_names[i];
}

static const char *block_at(int i)
{
	return block_names[i];
}

static void read_options(struct mig *m, const char *text)
{
	g_autoptr(json_t) root = json_parse(text, strlen(text), NULL);
	int block = MIG_BLOCK_AUTO;

	m->force = json_is_true(json_object_get(root, "force"));
	m->place = g_strdup(json_string_value(json_object_get(root, "place")));
	m->priority = (int)json_integer_value(json_object_get(root, "priority"));
	m->disk_check = json_is_true(json_object_get(root, "disk_virtual")) ? MIG_DISK_VIRTUAL : MIG_DISK_ALLOCATED;
	(void)index_of(json_string_value(json_object_get(root, "block")), &block, block_at, MIG_BLOCK_N); /* "auto" unless it says else */
	m->block = (enum mig_block)block;
}

static void read_progress(struct mig *m, const struct store_row *row)
{
	m->progress.mem_total = store_int(row, 21);
	m->progress.mem_processed = store_int(row, 22);
	m->progress.mem_remaining = store_int(row, 23);
	m->progress.disk_total = store_int(row, 24);
	m->progress.disk_processed = store_int(row, 25);
	m->progress.disk_remaining = store_int(row, 26);
	m->progress.downtime_ms = store_int(row, 27);
}

/* The order is that of the MIG columns in store/queries.h. */
static bool read_row(const struct store_row *row, void *user)
{
	struct reader *r = user;
	struct mig *m = r->with_private ? mig_new(r->engine) : g_new0(struct mig, 1);
	int type, phase;

	g_ptr_array_add(r->list, m);
	m->id = store_int(row, 0);
	if (!index_of(store_text(row, 3), &type, type_at, MIG_TYPE_N) || !index_of(store_text(row, 4), &phase, phase_at, MIG_PHASE_N)) {
		r->bad = g_strdup_printf("migration %d has the unknown type or phase %s/%s", (int)m->id, store_text(row, 3), store_text(row, 4));
		return false;
	}
	g_strlcpy(m->uuid, store_text(row, 1), sizeof m->uuid);
	g_strlcpy(m->server_uuid, store_text(row, 2), sizeof m->server_uuid);
	m->type = (enum mig_type)type;
	m->phase = (enum mig_phase)phase;
	m->source = g_strdup(store_text(row, 6));
	m->dest = g_strdup(store_text(row, 7));
	m->requested_host = g_strdup(store_text(row, 8));
	read_options(m, store_text(row, 9));
	m->attempt = (int)store_int(row, 10);
	m->abort_wanted = store_int(row, 11);
	m->force_wanted = store_int(row, 12);
	m->paused_by_us = store_int(row, 13);
	m->error = g_strdup(store_text(row, 14));
	m->user_id = g_strdup(store_text(row, 15));
	m->project_id = g_strdup(store_text(row, 16));
	m->request_id = g_strdup(store_text(row, 17));
	m->action_id = store_int(row, 18);
	m->created_us = store_int(row, 19);
	m->updated_us = store_int(row, 20);
	read_progress(m, row);
	m->postcopy = store_int(row, 28);
	return true;
}

static GPtrArray *read_all(struct reader *r, enum query q, const struct store_val *args, size_t n, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)mig_free);

	r->list = list;
	if (!store_each(r->engine->store, q, args, n, read_row, r, err))
		return NULL;
	if (r->bad) {
		g_set_error(err, ERR, ERR_STORE, "%s", r->bad);
		g_free(r->bad);
		return NULL;
	}
	return g_steal_pointer(&list);
}

GPtrArray *mig_load_active(struct engine *e, GError **err)
{
	struct reader r = { .engine = e, .with_private = true };

	return read_all(&r, Q_MIG_ACTIVE, STORE_NO_ARGS, err);
}

GPtrArray *mig_query(struct engine *e, enum query q, const struct store_val *args, size_t n, GError **err)
{
	struct reader r = { .engine = e };

	return read_all(&r, q, args, n, err);
}

/* ---- reading one again ---- */

static void take(struct mig *m, const struct mig *row)
{
	enum mig_phase was = m->phase;

	util_replace(&m->dest, row->dest);
	util_replace(&m->error, row->error);
	m->attempt = row->attempt;
	m->abort_wanted = row->abort_wanted;
	m->force_wanted = row->force_wanted;
	m->paused_by_us = row->paused_by_us;
	m->postcopy = row->postcopy;
	m->priv->doubted = 0;
	enter_phase(m, row->phase);
	log_warning("migration_row_taken", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("from", stages[was].name),
		    LOG_S("to", stages[m->phase].name), LOG_S("source", m->source), LOG_S("dest", m->dest));
	mig_tell(m, was, "the database had written it before it lost the answer");
}

bool mig_take_row(struct mig *m)
{
	g_autoptr(GPtrArray) rows = NULL;
	g_autoptr(GError) why = NULL;
	const struct mig *row;

	if (!m->priv->strayed)
		return true;
	rows = mig_query(m->priv->engine, Q_MIG_BY_UUID, STORE_ARGS(SV_S(m->uuid)), &why);
	if (!rows) {
		log_error("migration_not_read", LOG_D("migration", m->id), LOG_S("error", why->message));
		return false;
	}
	m->priv->strayed = false;
	row = rows->len > 0 ? g_ptr_array_index(rows, 0) : NULL;
	if (row && mig_is_final(row)) {
		m->priv->row_ended = row->phase;
		m->priv->doubted |= 1u << row->phase;
	} else if (row && row->phase != m->phase) {
		take(m, row);
	}
	return true;
}
