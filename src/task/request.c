/* SPDX-License-Identifier: Apache-2.0 */
#include "task/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "task/news.h"
#include "task/queue.h"
#include "task/step.h"

#define UNSURE_MS 1000 /* between looks whether a refused request was written */

/* ---- a new task ---- */

static bool is_unsure(const struct engine *e, const struct server *s);

static const struct task_action *action_of(const struct task_request *r)
{
	return r->action ? r->action : r->kind->actions;
}

static const char *verb_of(const struct task_action *a)
{
	return a->verb ? a->verb : a->name;
}

/* The task of the server whose place the action takes; NULL: it takes none's. */
static struct mig *overtaken_by(const struct engine *e, const struct task_request *r)
{
	struct mig *m = task_of_server(e, r->server->uuid);

	return m && m->kind == r->kind && action_of(r)->over & TASK_STATE_BIT(r->server->task) ? m : NULL;
}

/*
 * The server's states are such that it can be asked for it; in Nova's order (compute/api.py, check_instance_state()).
 * @busy: its task is one whose place the action takes
 */
static bool state_ok(const struct server *s, const struct task_action *a, bool busy, GError **err)
{
	const char *verb = verb_of(a);

	if (s->unknown)
		return server_refuse_unknown(s, verb, err);
	if (!(a->vm & TASK_VM_BIT(s->vm)))
		return server_refuse_vm(s, verb, err);
	return busy || s->task == SERVER_TASK_NONE || server_refuse_task(s, verb, err);
}

/* No task is on its way that owns no server, as a confirmation. */
static bool free_ok(const struct engine *e, const struct task_request *r, GError **err)
{
	const struct mig *m = task_of_server(e, r->server->uuid);

	if (m)
		g_set_error(err, ERR, ERR_CONFLICT, "Cannot '%s' instance %s while migration %" G_GINT64_FORMAT " of it is %s", verb_of(action_of(r)),
			    r->server->uuid, m->id, mig_phase_name(m));
	return !m;
}

static bool lock_ok(const struct task_request *r, GError **err)
{
	if (!r->server->locked || r->who.admin || action_of(r)->past_lock)
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Instance %s is locked", r->server->uuid);
	return false;
}

static bool request_ok(struct engine *e, const struct task_request *r, GError **err)
{
	g_autofree char *unreadable = NULL;

	if (!lock_ok(r, err) || !state_ok(r->server, action_of(r), false, err) || !free_ok(e, r, err) ||
	    (r->kind->allows && !r->kind->allows(e->fleet, r->server, action_of(r), err)))
		return false;
	if (g_hash_table_contains(e->unknown.servers, r->server->uuid)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Instance %s has a task that this version does not know", r->server->uuid);
		return false;
	}
	if (is_unsure(e, r->server)) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "The database lost the answer to the last request for instance %s; try again in a moment.",
			    r->server->uuid);
		return false;
	}
	if (!r->server->host) {
		g_set_error(err, ERR, ERR_CONFLICT, "Instance %s is on no host", r->server->uuid);
		return false;
	}
	unreadable = r->kind->migration ? server_unreadable_text(r->server) : NULL;
	if (unreadable) {
		g_set_error(err, ERR, ERR_CONFLICT, "Instance %s cannot be migrated: %s", r->server->uuid, unreadable);
		return false;
	}
	if (r->host && !fleet_host(e->fleet, r->host)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Compute host %s could not be found.", r->host);
		return false;
	}
	return true;
}

static struct mig *build(struct engine *e, const struct task_request *r)
{
	struct mig *m = g_new0(struct mig, 1);
	g_autofree char *uuid = util_uuid_new();

	g_strlcpy(m->uuid, uuid, sizeof m->uuid);
	g_strlcpy(m->server_uuid, r->server->uuid, sizeof m->server_uuid);
	m->kind = r->kind;
	m->action = action_of(r);
	m->vm_before = r->server->vm;
	task_attach(e, m);
	m->source = g_strdup(r->server->host);
	m->requested_host = g_strdup(r->host);
	m->block = r->block;
	m->disk_check = r->disk_check;
	m->force = r->force;
	m->priority = r->priority;
	mig_set_own(m, r->own);
	m->user_id = g_strdup(r->who.user_id);
	m->project_id = g_strdup(r->who.project_id);
	m->request_id = g_strdup(r->who.request_id);
	return m;
}

/* The events of its action that begin with it. A migration's are the controller's. */
static bool start_events(const struct engine *e, const struct mig *m, GError **err)
{
	const char *begins = mig_stage(m)->begins, *own = m->action->event, *host = m->kind->migration ? NULL : m->source;

	return (!begins || action_event_start(e->store, m->action_id, begins, NULL, err)) &&
	       (!own || action_event_start(e->store, m->action_id, own, host, err));
}

/* @ret_unsure: it failed in the commit, which may have been done all the same. */
static bool insert(struct engine *e, struct mig *m, struct server *s, const struct requester *who, bool *ret_unsure, GError **err)
{
	const struct task_stage *st = mig_stage(m);
	struct server_draft d = server_draft(s);
	bool whole;

	*ret_unsure = false;
	if (!store_begin(e->store, err))
		return false;
	step_server(m, st, &d);
	whole = action_start(e->store, s->uuid, m->action->action, who, &m->action_id, err) &&
		start_events(e, m, err) && mig_insert(e->store, m, err) &&
		fleet_server_write(e->fleet, s, &d, err);
	if (whole && store_commit(e->store, err)) {
		fleet_server_take(e->fleet, s, &d);
		return true;
	}
	store_rollback(e->store);
	*ret_unsure = whole;
	return false;
}

/* ---- requests that were refused, and may have been written ---- */

static void look_for_unsure(void *user);

static void unsure_later(struct engine *e)
{
	if (!e->unsurer && e->unsure->len > 0)
		e->unsurer = clock_after(UNSURE_MS, look_for_unsure, e);
}

static const char refused[] = "refused: the database lost the answer to the request";

/* The server's row has the task of the request, memory has not. */
static bool write_refused(struct mig *m, void *unused, GError **err)
{
	struct server *s = mig_server(m);

	(void)unused;
	return !s || fleet_server_save(m->task->engine->fleet, s, err);
}

/* Return: false while the database cannot say it. */
static bool end_unsure(struct engine *e, struct mig *m)
{
	struct mig_rows from = engine_rows(e);
	struct step_change c;
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) rows = mig_query(&from, Q_MIG_BY_UUID, STORE_ARGS(SV_S(m->uuid)), &why);

	if (!rows)
		return false;
	if (rows->len == 0)
		return true;
	if (mig_is_final(g_ptr_array_index(rows, 0)))
		return true;
	queue_add(m);
	c = step_change(m, kind_final(m->kind, TASK_ERROR), refused);
	c.row.error = c.details = refused;
	c.also = write_refused;
	return step_set(m, &c, &why);
}

static void look_for_unsure(void *user)
{
	struct engine *e = user;

	e->unsurer = NULL;
	for (guint i = e->unsure->len; i > 0; i--)
		if (end_unsure(e, g_ptr_array_index(e->unsure, i - 1)))
			g_ptr_array_remove_index(e->unsure, i - 1);
	unsure_later(e);
}

static bool is_unsure(const struct engine *e, const struct server *s)
{
	for (guint i = 0; i < e->unsure->len; i++)
		if (strcmp(((const struct mig *)g_ptr_array_index(e->unsure, i))->server_uuid, s->uuid) == 0)
			return true;
	return false;
}

static void first_step(void *user)
{
	struct mig *m = user;

	m->task->timer = NULL;
	step_enter(m);
}

static void log_request(const struct mig *m)
{
	if (m->kind->migration)
		log_info("migration_requested", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source),
			 LOG_S("requested_host", m->requested_host), LOG_S("request", m->request_id));
	else
		log_info("task_requested", LOG_D("task", m->id), LOG_S("action", m->action->name), LOG_S("server", m->server_uuid),
			 LOG_S("host", m->source), LOG_S("request", m->request_id));
}

/* ---- a task that a user moves on ---- */

/* Return: its id; 0 with @err. */
static int64_t move(struct mig *m, const struct step_change *c, GError **err)
{
	if (!step_set(m, c, err)) {
		/* It may have been written all the same: then it goes on from there. */
		m->task->strayed = true;
		step_later(m, UNSURE_MS);
		return 0;
	}
	step_enter(m);
	return m->id;
}

/* One that rests. */
static int64_t move_on(struct engine *e, const struct task_request *r, GError **err)
{
	const struct task_action *a = r->action;
	struct step_change c;
	struct mig *m;

	if (!lock_ok(r, err) || !state_ok(r->server, a, false, err))
		return 0;
	m = task_resting(e, r->server->uuid, r->kind, a->from);
	if (!m) {
		g_set_error_literal(err, ERR, ERR_BAD_REQUEST, a->none);
		return 0;
	}
	c = step_change(m, a->to, a->name);
	c.starts = a;
	c.who = &r->who;
	return move(m, &c, err);
}

/* One that is under way for something else: it goes on as this. */
static int64_t overtake(struct mig *m, const struct task_request *r, GError **err)
{
	const struct task_action *a = action_of(r);
	g_autofree char *why = g_strdup_printf("given up: %s was asked for", a->name);
	struct step_change c;

	if (!lock_ok(r, err) || !state_ok(r->server, a, true, err))
		return 0;
	c = step_change(m, a->to, why);
	c.row.action = a;
	c.server.task = a->task;
	c.starts = a;
	c.who = &r->who;
	c.given_up = why;
	log_info("task_overtaken", LOG_D("task", m->id), LOG_S("action", m->action->name), LOG_S("by", a->name), LOG_S("server", m->server_uuid),
		 LOG_S("request", r->who.request_id));
	return move(m, &c, err);
}

void request_begin(struct engine *e, const struct task_request *r, request_accepted_f *done, void *user)
{
	g_autoptr(GError) why = NULL;
	bool unsure;
	struct mig *m = overtaken_by(e, r);

	if (m || action_of(r)->from) {
		int64_t id = m ? overtake(m, r, &why) : move_on(e, r, &why);

		done(id, why, user);
		return;
	}
	if (!request_ok(e, r, &why)) {
		done(0, why, user);
		return;
	}
	m = build(e, r);
	if (!insert(e, m, r->server, &r->who, &unsure, &why)) {
		if (unsure)
			g_ptr_array_add(e->unsure, m);
		else
			task_free(m);
		unsure_later(e);
		done(0, why, user);
		return;
	}
	engine_add(e, m);
	queue_add(m);
	log_request(m);
	news_phase(m, NULL, "requested");
	if (r->wait_checks) {
		m->task->accepted = done;
		m->task->accepted_user = user;
	}
	m->task->timer = clock_after(0, first_step, m);
	if (!r->wait_checks)
		done(m->id, NULL, user);
}

static bool status_refused(const struct mig *m, const char *verb, GError **err)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST,
		    "Migration %" G_GINT64_FORMAT " state of instance %s is %s. Cannot %s while the migration is in this state.", m->id,
		    m->server_uuid, mig_status(m), verb);
	return false;
}

/* The migration @id as the database has it. Return: owned; NULL with ERR_NOT_FOUND, or ERR_STORE. */
static struct mig *row_of(struct engine *e, int64_t id, GError **err)
{
	struct mig_rows from = engine_rows(e);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
	struct mig *m = mig_query_one(&from, Q_MIG_GET, STORE_ARGS(SV_I(id)), text, err);

	if (!m || m->kind->migration)
		return m;
	mig_free(m);
	g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %s could not be found.", text);
	return NULL;
}

/* The migration @id of this server that is not final, or the error that Nova would give. */
static struct mig *find_for(struct engine *e, struct server *s, int64_t id, const char *action, const char *verb, GError **err)
{
	g_autoptr(GError) why = NULL;
	struct mig *m = engine_find(e, id), *row;

	if (s->task == SERVER_TASK_NONE) {
		server_refuse_task(s, action, err);
		return NULL;
	}
	if (m && m->kind->migration && strcmp(m->server_uuid, s->uuid) == 0)
		return m;
	row = row_of(e, id, &why);
	if (!row && !g_error_matches(why, ERR, ERR_NOT_FOUND))
		g_propagate_error(err, g_steal_pointer(&why));
	else if (!row || strcmp(row->server_uuid, s->uuid) != 0)
		g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %" G_GINT64_FORMAT " not found for instance %s", id, s->uuid);
	else
		status_refused(row, verb, err);
	mig_free(row);
	return NULL;
}

/* What is asked of one that is under way. */
struct asked {
	const char *action;
	const struct requester *who;
};

static bool write_action(struct mig *m, void *user, GError **err)
{
	const struct asked *a = user;

	return action_done(m->task->engine->store, m->server_uuid, a->action, a->who, err);
}

/* Write what was asked into the row, and the action that asked it. */
static bool write_asked(struct mig *m, struct step_change *c, const char *action, const struct requester *who, GError **err)
{
	struct asked a = { action, who };

	c->why = action;
	c->also = write_action;
	c->user = &a;
	return step_set(m, c, err);
}

/* A request to stop what waits, or is being prepared, is of later versions of the API. */
static bool may_stop(const struct mig *m, bool also_queued)
{
	switch (mig_stage(m)->stop) {
	case TASK_STOPS:
		return also_queued && mig_in_progress(m);
	case TASK_STOP_ASKS:
		return !mig_is_committed(m);
	case TASK_STOP_NOT:
		break;
	}
	return false;
}

bool request_abort(struct engine *e, struct server *s, int64_t id, bool also_queued, const struct requester *who, GError **err)
{
	static const char request[] = "abort live migration";
	struct mig *m = find_for(e, s, id, request, request, err);
	struct step_change c;

	if (!m)
		return false;
	if (!m->kind->stop_action || !may_stop(m, also_queued))
		return status_refused(m, request, err);
	if (m->abort_wanted)
		return true;
	c = step_change(m, m->phase, NULL);
	c.row.abort_wanted = true;
	if (!write_asked(m, &c, m->kind->stop_action, who, err))
		return false;
	if (mig_stage(m)->stop == TASK_STOPS)
		step_enter(m);
	else if (m->kind->stop)
		m->kind->stop(m);
	else
		step_enter(m);
	return true;
}

bool request_force_complete(struct engine *e, struct server *s, int64_t id, const struct requester *who, GError **err)
{
	struct step_change c;
	struct mig *m;

	if (s->vm != SERVER_ACTIVE)
		return server_refuse_vm(s, "force_complete", err);
	m = find_for(e, s, id, "force_complete", "force complete", err);
	if (!m)
		return false;
	if (!mig_stage(m)->forces || mig_is_committed(m))
		return status_refused(m, "force complete", err);
	if (m->force_wanted)
		return true;
	c = step_change(m, m->phase, NULL);
	m->kind->want_force(m, &c.row);
	if (!write_asked(m, &c, m->kind->force_action, who, err))
		return false;
	m->kind->force(m);
	return true;
}

bool request_set_priority(struct engine *e, int64_t id, int priority, GError **err)
{
	struct mig *m = engine_find(e, id);
	g_autofree char *why = g_strdup_printf("priority %d", priority);
	struct step_change c;

	if (!m || !m->kind->migration || mig_rests(m)) {
		struct mig *row = row_of(e, id, err);

		if (row)
			g_set_error(err, ERR, ERR_CONFLICT, "Migration %" G_GINT64_FORMAT " is %s; its priority can no longer be changed.", id, mig_status(row));
		mig_free(row);
		return false;
	}
	c = step_change(m, m->phase, why);
	c.row.priority = priority;
	if (!step_set(m, &c, err))
		return false;
	queue_reorder(m);
	return true;
}

/* ---- life ---- */

static void free_task(void *m)
{
	task_free(m);
}

void requests_open(struct engine *e)
{
	e->unsure = g_ptr_array_new_with_free_func(free_task);
}

void requests_close(struct engine *e)
{
	clock_cancel(&e->unsurer);
	g_ptr_array_unref(e->unsure);
}
