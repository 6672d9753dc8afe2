/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/step.h"

#include "base/clock.h"
#include "base/log.h"

#define RETRY_MS 1000

/* ---- asking hosts ---- */

struct ask {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	bool always;
	char *migrated; /* HV_MIGRATE: the server */
	step_answer_f *done;
};

static void answered(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct mig *m = a->engine->stopping ? NULL : engine_find(a->engine, a->id);

	if (a->migrated && !a->engine->stopping)
		g_hash_table_remove(a->engine->calls, a->migrated);
	if (m && (a->always || m->priv->turn == a->turn))
		a->done(m, r);
	g_free(a->migrated);
	g_free(a);
}

static bool ask(struct mig *m, struct host *h, const struct hv_req *req, bool always, step_answer_f *done)
{
	struct ask *a;

	if (!host_connected(h))
		return false;
	a = g_new(struct ask, 1);
	*a = (struct ask){ .engine = m->priv->engine, .id = m->id, .turn = m->priv->turn, .always = always, .done = done };
	if (req->op == HV_MIGRATE) {
		a->migrated = g_strdup(m->server_uuid);
		g_hash_table_add(m->priv->engine->calls, g_strdup(m->server_uuid));
	}
	return host_call(h, req, answered, a);
}

bool step_ask(struct mig *m, struct host *h, const struct hv_req *req, step_answer_f *done)
{
	return ask(m, h, req, false, done);
}

bool step_ask_always(struct mig *m, struct host *h, const struct hv_req *req, step_answer_f *done)
{
	return ask(m, h, req, true, done);
}

/* ---- time ---- */

static void later_fired(void *user)
{
	struct mig *m = user;

	m->priv->timer = NULL;
	live_enter(m);
}

void step_later(struct mig *m, int64_t ms)
{
	clock_cancel(&m->priv->timer);
	m->priv->timer = clock_after(ms, later_fired, m);
}

/* ---- going on ---- */

void step_not_written(const struct mig *m, const GError *why)
{
	log_error("migration_not_written", LOG_D("migration", m->id), LOG_S("phase", mig_phase_name(m->phase)), LOG_S("error", why->message));
}

bool step_note(struct mig *m, enum mig_phase next, const char *why, mig_also_f *also, void *user)
{
	g_autoptr(GError) err = NULL;

	if (mig_set_phase(m, m->phase, next, why, also, user, &err))
		return true;
	step_not_written(m, err);
	return false;
}

/* The database did not take the change: the phase is as it was, and so is the world. Again. */
bool step_go(struct mig *m, enum mig_phase next, const char *why, mig_also_f *also, void *user)
{
	if (step_note(m, next, why, also, user))
		return true;
	step_later(m, RETRY_MS);
	return false;
}

/* ---- the end ---- */

struct end {
	const char *failed; /* NULL: it has succeeded */
	enum volume_fate fate;
};

static bool write_end(struct mig *m, void *user, GError **err)
{
	const struct end *end = user;
	struct engine *e = m->priv->engine;
	struct server *s = mig_server(m);
	enum server_task was;
	bool ok;

	if (!mig_write_progress(m, err) || !action_event_finish(e->store, m->action_id, NULL, end->failed, err) ||
	    !action_finish(e->store, m->action_id, end->failed ? "Error" : NULL, err) || !live_write_end(m, end->fate, err))
		return false;
	if (!s)
		return true;
	was = s->task;
	s->task = SERVER_TASK_NONE;
	ok = fleet_server_save(e->fleet, s, err);
	s->task = was;
	return ok;
}

void step_end(struct mig *m, enum mig_phase phase, const char *details)
{
	struct engine *e = m->priv->engine;
	struct server *s = mig_server(m);
	g_autofree char *kept = g_strdup(details);
	struct end end = { kept, live_fate(m, phase) };

	if (kept)
		util_replace(&m->error, kept);
	if (!step_go(m, phase, kept ? kept : "done", write_end, &end))
		return;
	if (s) {
		s->task = SERVER_TASK_NONE;
		s->progress = 0;
		fleet_server_freed(e->fleet, s);
	}
	engine_ended(m);
	live_ended(m, end.fate);
}
