/* SPDX-License-Identifier: Apache-2.0 */
#include "task/engine.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "task/news.h"
#include "task/queue.h"
#include "task/step.h"
#include "task/volume.h"

#define UNSURE_MS 1000 /* between looks whether a refused request was written */
#define PART_IDS 2000 /* numbers of migrations that one engine_list_part() looks at */

/* ---- life ---- */

static struct mig_rows rows_of(const struct engine *e)
{
	return (struct mig_rows){ e->store, e->kinds, NULL };
}

static void on_domain(const struct hv_event *ev, void *user)
{
	struct mig *m = task_of_server(user, ev->uuid);

	if (m)
		m->kind->event(m, ev);
}

/* The next service from @i on, and its place; NULL: there is no other. */
static const struct task_service *next_service(const struct engine *e, int *i)
{
	for (; e->kinds[*i]; (*i)++) {
		const struct task_service *s = e->kinds[*i]->service;
		bool again = !s;

		for (int k = 0; k < *i; k++)
			again |= e->kinds[k]->service == s;
		if (!again)
			return s;
	}
	return NULL;
}

#define EACH_SERVICE(e, s, i) for (int i = 0; ((s) = next_service((e), &i)); i++)

static void host_changed(struct mig *m)
{
	m->kind->host(m);
}

static void on_host(struct host *h, void *user)
{
	struct engine *e = user;
	const struct task_service *s;
	g_autoptr(GPtrArray) touched = g_ptr_array_new();

	for (guint i = 0; i < e->active->len; i++) {
		struct mig *m = g_ptr_array_index(e->active, i);

		if (mig_is_final(m))
			continue;
		if (g_strcmp0(m->source, h->name) == 0 || g_strcmp0(m->dest, h->name) == 0)
			g_ptr_array_add(touched, m);
	}
	/* One of them may end another's wait, never another's life. */
	for (guint i = 0; i < touched->len; i++)
		host_changed(g_ptr_array_index(touched, i));
	volumes_sweep(e->volumes);
	EACH_SERVICE(e, s, i)
		s->host(e);
	queue_host(e->queue, h);
}

static void on_room(struct host *h, void *user)
{
	struct engine *e = user;

	queue_room(e->queue, h);
}

static void on_leftover(struct host *h, const struct hv_dom *d, void *user)
{
	struct engine *e = user;
	const struct task_service *s;

	EACH_SERVICE(e, s, i)
		s->leftover(e, h, d);
}

/* A server whose row says that a migration owns it, while none does: the two are written together, so only a restored database has this. */
static bool release_servers(struct engine *e, GHashTable *unknown, GError **err)
{
	GPtrArray *servers = fleet_servers(e->fleet);

	for (guint i = 0; i < servers->len; i++) {
		struct server *s = g_ptr_array_index(servers, i);

		if (s->task == SERVER_TASK_NONE || engine_active_of(e, s->uuid) || g_hash_table_contains(unknown, s->uuid))
			continue;
		log_warning("task_without_migration", LOG_S("server", s->uuid), LOG_S("task", server_task_name(s->task)));
		s->task = SERVER_TASK_NONE;
		if (!fleet_server_save(e->fleet, s, err))
			return false;
	}
	return true;
}

static bool is_alive(int64_t id, void *user)
{
	return engine_find(user, id) != NULL;
}

/* A guest that is on its way to that host needs the file. */
static bool is_needed(const struct volume *v, void *user)
{
	const struct engine *e = user;

	for (guint i = 0; i < e->active->len; i++) {
		const struct mig *m = g_ptr_array_index(e->active, i);
		const struct server *s = mig_is_final(m) || g_strcmp0(m->dest, v->host) != 0 ? NULL : mig_server(m);

		if (s && strcmp(s->uuid, v->server_uuid) != 0 && volume_is_used_by(s->dom, v->path))
			return true;
	}
	return false;
}

static void resume(struct mig *m)
{
	log_info("migration_resumed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("phase", mig_phase_name(m)));
	step_enter(m);
}

/* The queue has given it its slots, and a host if one fits. */
static bool start(struct mig *m)
{
	if (!step_note(m, m->kind->choosing, "a slot is free", NULL, NULL))
		return false;
	step_enter(m);
	return true;
}

/* Keys are borrowed from the migration, which outlives its entry. */
static void index_add(struct engine *e, struct mig *m)
{
	g_hash_table_insert(e->by_id, &m->id, m);
	g_hash_table_insert(e->by_server, m->server_uuid, m);
}

static bool load_services(struct engine *e, GError **err)
{
	const struct task_service *s;

	EACH_SERVICE(e, s, i)
		if (!s->load(e, err))
			return false;
	return true;
}

static void free_task(void *m)
{
	task_free(m);
}

struct engine *engine_new(struct fleet *f, const struct task_kind *const *kinds, GError **err)
{
	struct engine *e = g_new0(struct engine, 1);
	g_autoptr(GHashTable) unknown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct mig_rows rows = { fleet_store(f), kinds, unknown };
	struct fleet_listener l = { .domain = on_domain, .leftover = on_leftover, .host = on_host, .room = on_room, .user = e };

	e->fleet = f;
	e->store = fleet_store(f);
	e->kinds = kinds;
	e->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
	e->by_server = g_hash_table_new(g_str_hash, g_str_equal);
	e->queue = queue_new(e, start);
	news_init(&e->stats);
	e->calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	e->ended = g_ptr_array_new();
	e->unsure = g_ptr_array_new_with_free_func(free_task);
	e->leftovers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	e->volumes = volumes_new(f, &(struct volume_asks){ .alive = is_alive, .needed = is_needed, .user = e });
	e->active = mig_query(&rows, Q_MIG_ACTIVE, STORE_NO_ARGS, err);
	if (e->active)
		g_ptr_array_set_free_func(e->active, free_task);
	for (guint i = 0; e->active && i < e->active->len; i++) {
		struct mig *m = g_ptr_array_index(e->active, i);

		task_attach(e, m);
		m->task->index = i;
		index_add(e, m);
		queue_add(m);
	}
	if (!e->active || !volumes_load(e->volumes, err) || !load_services(e, err) || !release_servers(e, unknown, err)) {
		engine_free(e);
		return NULL;
	}
	fleet_listen(f, &l);
	for (guint i = 0; i < e->active->len; i++)
		resume(g_ptr_array_index(e->active, i));
	return e;
}

void engine_free(struct engine *e)
{
	struct fleet_listener none = { .user = NULL };
	const struct task_service *s;

	if (!e)
		return;
	e->stopping = true;
	volumes_stop(e->volumes);
	EACH_SERVICE(e, s, i)
		s->stop(e);
	for (guint i = 0; e->active && i < e->active->len; i++)
		((struct mig *)g_ptr_array_index(e->active, i))->task->turn++;
	fleet_listen(e->fleet, &none);
	fleet_stop(e->fleet);
	clock_cancel(&e->reaper);
	clock_cancel(&e->unsurer);
	g_ptr_array_unref(e->unsure);
	g_hash_table_unref(e->by_id);
	g_hash_table_unref(e->by_server);
	queue_free(e->queue);
	g_hash_table_unref(e->calls);
	g_hash_table_unref(e->leftovers);
	g_ptr_array_unref(e->ended);
	if (e->active)
		g_ptr_array_unref(e->active);
	EACH_SERVICE(e, s, i)
		s->free(e);
	volumes_free(e->volumes);
	g_free(e);
}

guint engine_owed(const struct engine *e)
{
	const struct task_service *s;
	guint n = volumes_doomed(e->volumes);

	EACH_SERVICE(e, s, i)
		n += s->owed(e);
	return n;
}

struct check_set *engine_checks(struct engine *e)
{
	return e->checks;
}

const struct task_kind *const *engine_kinds(const struct engine *e)
{
	return e->kinds;
}

struct fleet *engine_fleet(struct engine *e)
{
	return e->fleet;
}

/* ---- requests ---- */

static bool is_unsure(const struct engine *e, const struct server *s);

static bool request_ok(struct engine *e, const struct mig_request *r, GError **err)
{
	g_autofree char *unreadable = NULL;

	if (!r->kind->allows(r->server, err))
		return false;
	if (is_unsure(e, r->server)) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "The database lost the answer to the last request for instance %s; try again in a moment.",
			    r->server->uuid);
		return false;
	}
	if (!r->server->host) {
		g_set_error(err, ERR, ERR_CONFLICT, "Instance %s is on no host", r->server->uuid);
		return false;
	}
	unreadable = server_unreadable_text(r->server);
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

static struct mig *build(struct engine *e, const struct mig_request *r)
{
	struct mig *m = g_new0(struct mig, 1);
	g_autofree char *uuid = util_uuid_new();

	g_strlcpy(m->uuid, uuid, sizeof m->uuid);
	g_strlcpy(m->server_uuid, r->server->uuid, sizeof m->server_uuid);
	m->kind = r->kind;
	task_attach(e, m);
	m->source = g_strdup(r->server->host);
	m->requested_host = g_strdup(r->host);
	m->block = r->block;
	m->disk_check = r->disk_check;
	m->force = r->force;
	m->priority = r->priority;
	m->user_id = g_strdup(r->who.user_id);
	m->project_id = g_strdup(r->who.project_id);
	m->request_id = g_strdup(r->who.request_id);
	return m;
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
	d.task = st->task;
	whole = action_start(e->store, s->uuid, m->kind->action, who, &m->action_id, err) &&
		(!st->begins || action_event_start(e->store, m->action_id, st->begins, NULL, err)) && mig_insert(e->store, m, err) &&
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
	struct mig_rows from = rows_of(e);
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

void engine_request(struct engine *e, const struct mig_request *r, engine_accepted_f *done, void *user)
{
	g_autoptr(GError) why = NULL;
	bool unsure;
	struct mig *m;

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
	m->task->index = e->active->len;
	g_ptr_array_add(e->active, m);
	index_add(e, m);
	queue_add(m);
	log_info("migration_requested", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source),
		 LOG_S("requested_host", m->requested_host), LOG_S("request", m->request_id));
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

/* The migration @id of this server that is not final, or the error that Nova would give. */
static struct mig *find_for(struct engine *e, struct server *s, int64_t id, const char *action, const char *verb, GError **err)
{
	struct mig_rows from = rows_of(e);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
	g_autoptr(GError) why = NULL;
	struct mig *m = engine_find(e, id), *row;

	if (s->task == SERVER_TASK_NONE) {
		server_refuse_task(s, action, err);
		return NULL;
	}
	if (m && strcmp(m->server_uuid, s->uuid) == 0)
		return m;
	row = mig_query_one(&from, Q_MIG_GET, STORE_ARGS(SV_I(id)), text, &why);
	if (!row && !g_error_matches(why, ERR, ERR_NOT_FOUND))
		g_propagate_error(err, g_steal_pointer(&why));
	else if (!row || strcmp(row->server_uuid, s->uuid) != 0)
		g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %" G_GINT64_FORMAT " not found for instance %s", id, s->uuid);
	else
		status_refused(row, verb, err);
	mig_free(row);
	return NULL;
}

struct wish {
	const char *action;
	const struct requester *who;
};

static bool write_action(struct mig *m, void *user, GError **err)
{
	const struct wish *w = user;

	return action_done(m->task->engine->store, m->server_uuid, w->action, w->who, err);
}

/* Write what was asked into the row, and the action that asked it. */
static bool write_wish(struct mig *m, struct step_change *c, const char *action, const struct requester *who, GError **err)
{
	struct wish w = { action, who };

	c->why = action;
	c->also = write_action;
	c->user = &w;
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

bool engine_abort(struct engine *e, struct server *s, int64_t id, bool also_queued, const struct requester *who, GError **err)
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
	if (!write_wish(m, &c, m->kind->stop_action, who, err))
		return false;
	if (mig_stage(m)->stop == TASK_STOPS)
		step_enter(m);
	else
		m->kind->stop(m);
	return true;
}

bool engine_force_complete(struct engine *e, struct server *s, int64_t id, const struct requester *who, GError **err)
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
	if (!write_wish(m, &c, m->kind->force_action, who, err))
		return false;
	m->kind->force(m);
	return true;
}

bool engine_set_priority(struct engine *e, int64_t id, int priority, GError **err)
{
	struct mig *m = engine_find(e, id);
	g_autofree char *why = g_strdup_printf("priority %d", priority);
	struct step_change c;

	if (!m) {
		struct mig *row = engine_get(e, id, err);

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

void engine_limits_changed(struct engine *e)
{
	queue_limits(e->queue);
}

/* ---- records ---- */

const struct mig_counts *engine_stats(const struct engine *e)
{
	return &e->stats;
}

int engine_slots(const struct engine *e)
{
	int n = 0;

	for (guint i = 0; i < e->active->len; i++)
		n += mig_holds(g_ptr_array_index(e->active, i), TASK_SLOT);
	return n;
}

const char *engine_held(const struct mig *m)
{
	const struct host *h = queue_held(m);

	return h ? h->name : NULL;
}

char *engine_check(struct engine *e)
{
	return queue_check(e->queue);
}

GPtrArray *engine_active(struct engine *e)
{
	return e->active;
}

struct mig *engine_active_of(struct engine *e, const char *server_uuid)
{
	return task_of_server(e, server_uuid);
}

/* The rows' progress is seconds old; memory has the last sample. */
static void freshen(struct engine *e, struct mig *row)
{
	const struct mig *m = engine_find(e, row->id);

	if (!m)
		return;
	row->position = queue_position(m);
	row->waits_for = queue_waits_for(m);
	row->progress = m->progress;
	row->postcopy = m->postcopy;
	row->updated_us = m->updated_us;
}

static GPtrArray *list_from(struct engine *e, const struct mig_filter *f, int64_t from_id, GError **err)
{
	struct mig_rows from = rows_of(e);
	GPtrArray *list = mig_list(&from, f, from_id, err);

	for (guint i = 0; list && i < list->len; i++)
		freshen(e, g_ptr_array_index(list, i));
	return list;
}

GPtrArray *engine_list(struct engine *e, const struct mig_filter *f, GError **err)
{
	return list_from(e, f, 0, err);
}

/* Whether rows are examined that do not fit: all filters but the one whose index is used. */
static bool may_skip(const struct mig_filter *f)
{
	return f->host || f->status || f->type || f->source || f->since_us || f->before_us ||
	       (f->server_uuid != NULL) + (f->user_id != NULL) + (f->project_id != NULL) > 1;
}

static bool take_last(const struct store_row *row, void *user)
{
	*(int64_t *)user = store_int(row, 0);
	return false;
}

/* Where the next part begins: so many ids below its end. */
static bool part_from(struct engine *e, struct mig_filter *f, int64_t *ret_from, GError **err)
{
	int64_t last = 0;

	*ret_from = 0;
	if (!may_skip(f))
		return true;
	if (!f->below_id) {
		if (!store_each(e->store, Q_MIG_LAST, STORE_NO_ARGS, take_last, &last, err))
			return false;
		f->below_id = last + 1;
	}
	*ret_from = MAX(0, f->below_id - PART_IDS);
	return true;
}

bool engine_list_part(struct engine *e, struct mig_filter *f, GPtrArray *page, bool *ret_more, GError **err)
{
	g_autoptr(GPtrArray) some = NULL;
	struct mig_filter part;
	int64_t from;

	if (!part_from(e, f, &from, err))
		return false;
	part = *f;
	part.limit = f->limit ? f->limit - (int)page->len : 0;
	some = list_from(e, &part, from, err);
	if (!some)
		return false;
	while (some->len)
		g_ptr_array_add(page, g_ptr_array_steal_index(some, 0));
	f->below_id = from;
	*ret_more = from > 0 && (!f->limit || page->len < (guint)f->limit);
	return true;
}

struct mig *engine_get(struct engine *e, int64_t id, GError **err)
{
	struct mig_rows from = rows_of(e);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
	struct mig *m = mig_query_one(&from, Q_MIG_GET, STORE_ARGS(SV_I(id)), text, err);

	if (m)
		freshen(e, m);
	return m;
}

struct mig *engine_get_by_uuid(struct engine *e, const char *uuid, GError **err)
{
	struct mig_rows from = rows_of(e);
	struct mig *m = mig_query_one(&from, Q_MIG_BY_UUID, STORE_ARGS(SV_S(uuid)), uuid, err);

	if (m)
		freshen(e, m);
	return m;
}

GPtrArray *engine_events(struct engine *e, int64_t id, GError **err)
{
	return mig_events(e->store, id, err);
}
