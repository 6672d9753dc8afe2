/* SPDX-License-Identifier: Apache-2.0 */
#include "task/step.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "task/news.h"
#include "task/queue.h"

#define RETRY_MS 1000

/* ---- asking hosts ---- */

struct ask {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	bool always;
	step_answer_f *done;
};

static void answered(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct mig *m = a->engine->stopping ? NULL : engine_find(a->engine, a->id);

	if (m && (a->always || m->task->turn == a->turn)) {
		m->task->late = m->task->turn != a->turn;
		a->done(m, r);
	}
	g_free(a);
}

bool step_is_late(const struct mig *m)
{
	return m->task->late;
}

static bool ask(struct mig *m, struct host *h, const struct hv_req *req, bool always, step_answer_f *done)
{
	struct ask *a;

	if (!host_connected(h))
		return false;
	a = g_new(struct ask, 1);
	*a = (struct ask){ .engine = m->task->engine, .id = m->id, .turn = m->task->turn, .always = always, .done = done };
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

	m->task->timer = NULL;
	step_enter(m);
}

void step_later(struct mig *m, int64_t ms)
{
	clock_cancel(&m->task->timer);
	m->task->timer = clock_after(ms, later_fired, m);
}

/* ---- going on ---- */

void step_not_written(const struct mig *m, const GError *why)
{
	log_error("migration_not_written", LOG_D("migration", m->id), LOG_S("phase", mig_phase_name(m)), LOG_S("error", why->message));
}

/* @old: in: the phase that memory has; out: the one that the row had. */
static bool write_from(struct mig *m, int *old, const struct mig_draft *row, int64_t now, GError **err)
{
	struct store *s = m->task->engine->store;
	int memory = *old;
	bool written;

	if (!mig_update(s, m, memory, row, now, &written, err))
		return false;
	for (int p = 0; !written && p < m->kind->n; p++) {
		*old = p;
		if (m->task->doubted & 1u << p && kind_follows(m->kind, p, row->phase) && !mig_update(s, m, p, row, now, &written, err))
			return false;
	}
	if (written)
		return true;
	m->task->strayed = true;
	g_set_error(err, ERR, ERR_STORE_RACE, "migration %d is not in phase %s any more", (int)m->id, m->kind->stages[memory].name);
	return false;
}

struct remark {
	int64_t at_us;
	char *why;
};

static void remark_free(void *p)
{
	struct remark *r = p;

	g_free(r->why);
	g_free(r);
}

static bool write_remarks(struct mig *m, GError **err)
{
	const GPtrArray *remarks = m->task->remarks;

	for (guint i = 0; remarks && i < remarks->len; i++) {
		const struct remark *r = g_ptr_array_index(remarks, i);

		if (!mig_add_event(m->task->engine->store, m, m->phase, m->phase, r->why, r->at_us, err))
			return false;
	}
	return true;
}

/* What was asked, and what it takes at its destination, where the row may say something else. */
static bool write_options(struct mig *m, const struct step_change *c, GError **err)
{
	m->task->options_stale |= c->row.priority != m->priority || c->row.action != m->action;
	return !m->task->options_stale || mig_update_options(m->task->engine->store, m, &c->row, err);
}

/* The events of the instance action that end and begin with the stage; at the end, and at rest, all of them, and the action. */
static bool write_action(struct mig *m, const struct step_change *c, int64_t action, GError **err)
{
	struct store *s = m->task->engine->store;
	const struct task_stage *st = &m->kind->stages[c->row.phase];
	bool stays = c->row.phase == m->phase;

	if (st->end != TASK_GOES_ON || (st->rests && !stays))
		return action_event_finish(s, action, NULL, c->details, err) && action_finish(s, action, c->details ? "Error" : NULL, err);
	if (stays)
		return true;
	if (st->ends && !action_event_finish(s, action, *st->ends ? st->ends : NULL, c->details, err))
		return false;
	return !st->begins || (st->repeats && c->row.attempt > 0) ||
	       action_event_start(s, action, st->begins, st->begins_at_dest ? c->row.dest : m->source, err);
}

/* What it was asked for before ends unfinished. */
static bool write_given_up(struct mig *m, const struct step_change *c, bool known, GError **err)
{
	struct store *s = m->task->engine->store;

	return !c->given_up || known || (action_event_finish(s, m->action_id, NULL, c->given_up, err) && action_finish(s, m->action_id, "Error", err));
}

/* @known: the row has this change already, by a commit that was doubted. @ret: the action that a user has begun with it, or the one that it has. */
static bool write_start(struct mig *m, const struct step_change *c, bool known, int64_t *ret, GError **err)
{
	struct store *s = m->task->engine->store;

	*ret = c->starts && known ? m->task->doubted_action : m->action_id;
	return !c->starts || known || (action_start(s, m->server_uuid, c->starts->action, c->who, ret, err) && mig_update_action(s, m, *ret, err) &&
		(!c->starts->event || action_event_start(s, *ret, c->starts->event, m->source, err)));
}

/* @ret_action: its instance action from now on */
static bool write_change(struct mig *m, const struct step_change *c, int64_t now, int64_t *ret_action, GError **err)
{
	struct engine *e = m->task->engine;
	int from = m->phase;
	struct server *s = mig_server(m);
	bool known;

	if (!write_from(m, &from, &c->row, now, err))
		return false;
	known = from != m->phase && from == c->row.phase; /* its event is in the history already */
	if (from == m->phase && !write_remarks(m, err)) /* else a commit that was doubted has written them */
		return false;
	if (!known && !mig_add_event(e->store, m, from, c->row.phase, c->why, now, err))
		return false;
	if (s && server_draft_differs(s, &c->server) && !fleet_server_write(e->fleet, s, &c->server, err))
		return false;
	if (m->kind->stages[c->row.phase].end != TASK_GOES_ON && !mig_update_progress(e->store, m, now, err))
		return false;
	return write_options(m, c, err) && write_given_up(m, c, known, err) && write_start(m, c, known, ret_action, err) && write_action(m, c, *ret_action, err) &&
	       (!c->also || c->also(m, c->user, err));
}

/* Answers that are under way will be dropped: they are no longer wanted. */
static void leave_phase(struct mig *m)
{
	m->task->turn++;
	clock_cancel(&m->task->timer);
	if (m->kind->left)
		m->kind->left(m);
	engine_moved(m);
	queue_moved(m);
}

static bool owns(const struct task_stage *st)
{
	return st->task != SERVER_TASK_NONE || st->task_of_action;
}

/* Its server is its hosts' again. */
static void release(const struct mig *m, struct server *s)
{
	s->progress = 0;
	fleet_server_freed(m->task->engine->fleet, s);
}

static void log_change(const struct mig *m, const struct task_stage *old, const char *why)
{
	if (m->kind->migration)
		log_info("migration_phase", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("from", old->name),
			 LOG_S("to", mig_phase_name(m)), LOG_S("source", m->source), LOG_S("dest", m->dest), LOG_S("why", why));
	else
		log_info("task_phase", LOG_D("task", m->id), LOG_S("action", m->action->name), LOG_S("server", m->server_uuid),
			 LOG_S("from", old->name), LOG_S("to", mig_phase_name(m)), LOG_S("host", m->source), LOG_S("why", why));
}

/* After the commit. */
static void take_change(struct mig *m, const struct step_change *c, int64_t now)
{
	struct task *p = m->task;
	struct server *s = mig_server(m);
	const struct task_stage *old = mig_stage(m);

	p->doubted = 0;
	p->row_ended = 0;
	p->options_stale = false;
	g_clear_pointer(&p->remarks, g_ptr_array_unref);
	m->updated_us = now;
	mig_take_draft(m, &c->row);
	if (s && server_draft_differs(s, &c->server))
		fleet_server_take(p->engine->fleet, s, &c->server);
	if (old != mig_stage(m) || c->given_up)
		leave_phase(m);
	if (s && owns(old) && !owns(mig_stage(m)) && !mig_is_final(m))
		release(m, s);
	log_change(m, old, c->why);
	news_phase(m, old, c->why);
}

static void set_vm(const struct mig *m, int vm, struct server_draft *d)
{
	switch (vm) {
	case TASK_VM_STAYS:
		break;
	case TASK_VM_BEFORE:
		d->vm = m->vm_before;
		break;
	case TASK_VM_OF_ACTION:
		set_vm(m, m->action->after, d);
		break;
	default:
		d->vm = (enum server_vm)(vm - TASK_VM_FIRST);
	}
}

void step_server(const struct mig *m, const struct task_stage *st, struct server_draft *d)
{
	/* What neither the stage that is left owned nor this one does may be another task's. */
	if (owns(st) || owns(mig_stage(m)))
		d->task = st->task_of_action ? m->action->task : st->task;
	set_vm(m, st->vm, d);
	if (st->at != TASK_AT_STAYS)
		d->host = st->at == TASK_AT_DEST ? m->dest : m->source;
}

struct step_change step_change(const struct mig *m, int next, const char *why)
{
	const struct server *s = mig_server(m);
	struct step_change c = { .row = mig_draft_of(m, next), .why = why };

	if (s)
		c.server = server_draft(s);
	if (next != m->phase)
		step_server(m, &m->kind->stages[next], &c.server);
	return c;
}

bool step_set(struct mig *m, const struct step_change *c, GError **err)
{
	struct store *s = m->task->engine->store;
	int64_t now = clock_wall_us(), action;

	g_assert(kind_follows(m->kind, m->phase, c->row.phase));
	if (!store_begin(s, err))
		return false;
	if (!write_change(m, c, now, &action, err)) {
		store_rollback(s);
		return false;
	}
	if (!store_commit(s, err)) {
		m->task->doubted |= 1u << c->row.phase;
		m->task->doubted_action = action;
		return false;
	}
	m->action_id = action;
	take_change(m, c, now);
	return true;
}

bool step_write(struct mig *m, const struct step_change *c)
{
	g_autoptr(GError) err = NULL;

	if (step_set(m, c, &err))
		return true;
	step_not_written(m, err);
	return false;
}

bool step_note(struct mig *m, int next, const char *why, step_also_f *also, void *user)
{
	struct step_change c = step_change(m, next, why);

	c.also = also;
	c.user = user;
	return step_write(m, &c);
}

/* The database did not take the change: the phase is as it was, and so is the world. Again. */
/*
 * It is to be stopped, and its stage is one that is undone then. When the database has refused that, an answer of a host that was still under
 * way must not take it on, to where there is no way back.
 */
static bool must_undo(const struct mig *m, int next)
{
	const struct task_stage *st = mig_stage(m);

	return m->abort_wanted && !m->kind->stop && st->undo && st->stop == TASK_STOP_ASKS && next != m->phase && next != st->undo &&
	       !m->kind->stages[next].end;
}

bool step_go(struct mig *m, int next, const char *why, step_also_f *also, void *user)
{
	bool undo = must_undo(m, next);

	if (!undo && step_note(m, next, why, also, user))
		return true;
	step_later(m, undo ? 0 : RETRY_MS);
	return false;
}

void step_own_changed(struct mig *m)
{
	m->task->options_stale = true;
}

bool step_save_own(struct mig *m)
{
	struct mig_draft d = mig_draft_of(m, m->phase);
	g_autoptr(GError) why = NULL;

	m->task->options_stale = !mig_update_options(m->task->engine->store, m, &d, &why);
	if (why)
		step_not_written(m, why);
	return !m->task->options_stale;
}

void step_set_claimed_cpus(struct mig *m, const char *text)
{
	m->task->options_stale |= g_strcmp0(m->claimed_cpus, text) != 0;
	util_replace(&m->claimed_cpus, text);
}

void step_save_progress(struct mig *m)
{
	struct store *s = m->task->engine->store;
	g_autoptr(GError) why = NULL;

	m->updated_us = clock_wall_us();
	if (!store_begin(s, &why) || !write_remarks(m, &why) || !mig_update_progress(s, m, m->updated_us, &why) || !store_commit(s, &why)) {
		store_rollback(s);
		log_warning("migration_progress_not_saved", LOG_D("migration", m->id), LOG_S("error", why->message));
		return;
	}
	g_clear_pointer(&m->task->remarks, g_ptr_array_unref);
}

void step_remark(struct mig *m, const char *why)
{
	struct task *t = m->task;
	struct remark *r = g_new(struct remark, 1);

	*r = (struct remark){ .at_us = clock_wall_us(), .why = g_strdup(why) };
	if (!t->remarks)
		t->remarks = g_ptr_array_new_with_free_func(remark_free);
	g_ptr_array_add(t->remarks, r);
	log_change(m, mig_stage(m), why);
	news_phase(m, mig_stage(m), why);
}

/* ---- the row, after a doubt ---- */

static void take(struct mig *m, const struct mig *row)
{
	struct mig_draft d = mig_draft_of(row, row->phase);
	const struct task_stage *was = mig_stage(m);

	d.priority = m->priority;
	mig_take_draft(m, &d);
	m->action_id = row->action_id;
	m->task->doubted = 0;
	leave_phase(m);
	log_warning("migration_row_taken", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("from", was->name),
		    LOG_S("to", mig_phase_name(m)), LOG_S("source", m->source), LOG_S("dest", m->dest));
	news_phase(m, was, "the database had written it before it lost the answer");
}

/*
 * A change was refused because the row has strayed from memory. Memory takes its phase and what was written with it, as a restart
 * would; what was under way is dropped. Of a row that has come to its end only that is noted (row_ended). Return: false while the
 * database cannot say it.
 */
static bool take_row(struct mig *m)
{
	struct engine *e = m->task->engine;
	struct mig_rows from = engine_rows(e);
	g_autoptr(GPtrArray) rows = NULL;
	g_autoptr(GError) why = NULL;
	const struct mig *row;

	if (!m->task->strayed)
		return true;
	rows = mig_query(&from, Q_MIG_BY_UUID, STORE_ARGS(SV_S(m->uuid)), &why);
	if (!rows) {
		log_error("migration_not_read", LOG_D("migration", m->id), LOG_S("error", why->message));
		return false;
	}
	m->task->strayed = false;
	row = rows->len > 0 ? g_ptr_array_index(rows, 0) : NULL;
	if (row && mig_is_final(row)) {
		m->task->row_ended = row->phase;
		m->task->doubted |= 1u << row->phase;
	} else if (row && (row->phase != m->phase || row->action != m->action)) {
		take(m, row);
		if (mig_stage(m)->taken)
			mig_stage(m)->taken(m);
	}
	return true;
}

/* ---- entering a stage ---- */

void step_enter(struct mig *m)
{
	const struct task_stage *st;

	clock_cancel(&m->task->timer);
	if (mig_is_final(m))
		return;
	if (!take_row(m)) {
		step_later(m, RETRY_MS);
		return;
	}
	st = mig_stage(m);
	if (m->task->row_ended)
		step_end(m, m->task->row_ended, m->kind->stages[m->task->row_ended].end == TASK_DONE ? NULL : m->error);
	else if (!mig_server(m)) /* its record cannot go while a migration owns it (sync.c), so the database was edited */
		step_end(m, kind_final(m->kind, TASK_ERROR), "the server's record is gone");
	else if (m->abort_wanted && st->stop == TASK_STOPS)
		step_end(m, kind_final(m->kind, TASK_CANCELLED), "aborted");
	else if (st->rests && task_of_server(m->task->engine, m->server_uuid))
		step_later(m, RETRY_MS); /* as of a server that was reset meanwhile */
	else if (m->abort_wanted && st->undo && st->stop == TASK_STOP_ASKS && !m->kind->stop)
		step_fail(m, "aborted");
	else if (!st->enter)
		return; /* the queue moves it on, or time */
	else if (st->stop == TASK_STOPS && !fleet_settled(m->task->engine->fleet))
		step_later(m, RETRY_MS); /* right after a start no host is up yet, and none is to be refused for that */
	else
		st->enter(m);
}

/* ---- the end ---- */

struct end {
	const struct task_stage *from;
	enum task_end end;
};

static bool write_end(struct mig *m, void *user, GError **err)
{
	const struct end *end = user;

	return !m->kind->write_end || m->kind->write_end(m, end->from, end->end, err);
}

void step_end(struct mig *m, int phase, const char *details)
{
	struct server *s = mig_server(m);
	g_autofree char *kept = g_strdup(details);
	struct end end = { mig_stage(m), m->kind->stages[phase].end };
	struct step_change c = step_change(m, phase, kept ? kept : "done");

	if (kept)
		c.row.error = kept;
	c.details = kept;
	c.also = write_end;
	c.user = &end;
	if (!step_write(m, &c)) {
		step_later(m, RETRY_MS);
		return;
	}
	if (s)
		release(m, s);
	engine_ended(m);
	if (m->kind->ended)
		m->kind->ended(m, end.from, end.end);
}

/* ---- a stage that fails ---- */

static int end_of(const struct mig *m)
{
	if (m->abort_wanted && kind_has(m->kind, TASK_CANCELLED))
		return kind_final(m->kind, TASK_CANCELLED);
	return kind_final(m->kind, kind_has(m->kind, TASK_FAILED) ? TASK_FAILED : TASK_ERROR);
}

void step_fail(struct mig *m, const char *why)
{
	g_autofree char *kept = g_strdup(why);
	struct step_change c;

	if (!mig_stage(m)->undo) {
		step_end(m, end_of(m), kept);
		return;
	}
	c = step_change(m, mig_stage(m)->undo, kept);
	c.row.error = kept;
	if (step_write(m, &c))
		step_enter(m);
	else
		step_later(m, RETRY_MS);
}

void step_undone(struct mig *m)
{
	step_end(m, end_of(m), m->error);
}
