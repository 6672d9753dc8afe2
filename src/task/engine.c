/* SPDX-License-Identifier: Apache-2.0 */
#include "task/engine.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/tally.h"
#include "task/news.h"
#include "task/queue.h"
#include "task/request.h"
#include "task/samples.h"
#include "task/step.h"
#include "task/volume.h"

#define PART_IDS 2000 /* numbers of migrations that one engine_list_part() looks at */

/* ---- life ---- */

static void on_domain(const struct hv_event *ev, void *user)
{
	struct mig *m = task_of_server(user, ev->uuid), *carries = m ? NULL : task_of_carrier(user, ev->uuid);

	if (m && m->kind->event)
		m->kind->event(m, ev);
	if (carries && carries->kind->carrier_event)
		carries->kind->carrier_event(carries, ev);
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
	if (m->kind->host)
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
		s->host(engine_state(e, s));
	queue_host(e->queue, h);
	if (e->on_host)
		e->on_host(h, e->host_user);
}

static void on_room(struct host *h, void *user)
{
	struct engine *e = user;

	queue_room(e->queue, h);
}

/* A task that rests keeps what its server has left at its source, to which it may come back. */
static bool is_kept(const struct engine *e, const struct host *h, const struct hv_dom *d)
{
	const struct mig *m = task_resting(e, d->uuid, NULL, ~0u);

	return m && mig_holds(m, TASK_CLAIM_SOURCE) && g_strcmp0(m->source, h->name) == 0;
}

/* A task needs the record to say how it ended, also one in a stage without a task_state. */
static bool on_needs(const struct server *s, void *user)
{
	const struct engine *e = user;

	return task_of_server(e, s->uuid) || task_resting(e, s->uuid, NULL, ~0u);
}

/* It was evacuated from there, and that host has not forgotten it yet. */
static bool on_forsaken(const struct server *s, const struct host *h, void *user)
{
	const struct engine *e = user;

	for (guint i = 0; i < e->active->len; i++) {
		const struct mig *m = g_ptr_array_index(e->active, i);

		if (!mig_is_final(m) && mig_stage(m)->forsakes && g_strcmp0(m->source, h->name) == 0 && strcmp(m->server_uuid, s->uuid) == 0)
			return true;
	}
	return false;
}

static void on_leftover(struct host *h, const struct hv_dom *d, void *user)
{
	struct engine *e = user;
	const struct task_service *s;

	if (is_kept(e, h, d))
		return;
	EACH_SERVICE(e, s, i)
		s->leftover(engine_state(e, s), h, d);
}

static void on_back(struct host *h, const GPtrArray *doms, bool booted, void *user)
{
	struct engine *e = user;
	const struct task_service *s;

	EACH_SERVICE(e, s, i)
		if (s->back)
			s->back(engine_state(e, s), h, doms, booted);
}

static void on_duplicate(const struct server *s, struct host *h, void *user)
{
	struct engine *e = user;
	const struct task_service *v;

	EACH_SERVICE(e, v, i)
		if (v->duplicate)
			v->duplicate(engine_state(e, v), s, h);
}

static bool on_clean(struct host *h, void *user)
{
	struct engine *e = user;
	const struct task_service *s;
	bool decided = true;

	EACH_SERVICE(e, s, i)
		decided &= !s->clean || s->clean(engine_state(e, s), h);
	return decided;
}

/* A server whose row says that a migration owns it, while none does: the two are written together, so only a restored database has this. */
static bool release_servers(struct engine *e, GError **err)
{
	GPtrArray *servers = fleet_servers(e->fleet);

	for (guint i = 0; i < servers->len; i++) {
		struct server *s = g_ptr_array_index(servers, i);

		if (s->task == SERVER_TASK_NONE || s->unknown || engine_active_of(e, s->uuid) || g_hash_table_contains(e->unknown.servers, s->uuid))
			continue;
		log_warning("task_without_migration", LOG_S("server", s->uuid), LOG_S("task", server_task_name(s->task)));
		s->task = SERVER_TASK_NONE;
		tally_note(e->fleet, s);
		if (!fleet_server_save(e->fleet, s, err))
			return false;
	}
	return true;
}

static bool is_alive(int64_t id, void *user)
{
	return engine_keeps(user, id);
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
	if (m->kind->migration)
		log_info("migration_resumed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("phase", mig_phase_name(m)));
	else
		log_info("task_resumed", LOG_D("task", m->id), LOG_S("action", m->action->name), LOG_S("server", m->server_uuid),
			 LOG_S("phase", mig_phase_name(m)));
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

/* It would have to write its server's row, which is another version's: so is the task. */
static bool is_of_unknown(struct engine *e, const struct mig *m)
{
	const struct server *s = fleet_server(e->fleet, m->server_uuid);

	if (!s || !s->unknown)
		return false;
	log_error("migration_unreadable", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("type", m->kind->type),
		  LOG_S("phase", mig_phase_name(m)), LOG_S("server_has", s->unknown));
	mig_unknown_add(&e->unknown, m->id, m->server_uuid);
	return true;
}

/* Those that have not ended. */
static bool load_tasks(struct engine *e, GError **err)
{
	struct mig_rows from = { e->store, e->kinds, &e->unknown };
	g_autoptr(GPtrArray) rows = mig_query(&from, Q_MIG_ACTIVE, STORE_NO_ARGS, err);

	if (!rows)
		return false;
	g_ptr_array_set_free_func(rows, NULL);
	for (guint i = 0; i < rows->len; i++) {
		struct mig *m = g_ptr_array_index(rows, i);

		if (is_of_unknown(e, m)) {
			mig_free(m);
			continue;
		}
		task_attach(e, m);
		engine_add(e, m);
		queue_add(m);
	}
	return true;
}

static void begin_services(struct engine *e)
{
	const struct task_service *s;

	e->states = g_hash_table_new(NULL, NULL);
	EACH_SERVICE(e, s, i)
		g_hash_table_insert(e->states, (void *)s, s->begin(e));
}

static bool load_services(struct engine *e, GError **err)
{
	const struct task_service *s;

	EACH_SERVICE(e, s, i)
		if (!s->load(engine_state(e, s), err))
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
	struct fleet_listener l = {
		.domain = on_domain, .leftover = on_leftover, .duplicate = on_duplicate, .back = on_back, .clean = on_clean, .forsaken = on_forsaken, .needs = on_needs, .host = on_host, .room = on_room,
		.user = e,
	};

	kinds_check(kinds);
	e->fleet = f;
	e->store = fleet_store(f);
	e->kinds = kinds;
	e->samples = samples_new();
	e->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
	e->by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	e->by_server = g_hash_table_new(g_str_hash, g_str_equal);
	mig_unknown_init(&e->unknown);
	e->queue = queue_new(e, start);
	news_init(&e->stats);
	e->active = g_ptr_array_new_with_free_func(free_task);
	e->ended = g_ptr_array_new();
	requests_open(e);
	e->volumes = volumes_new(f, &(struct volume_asks){ .alive = is_alive, .needed = is_needed, .user = e });
	begin_services(e);
	if (!load_tasks(e, err) || !volumes_load(e->volumes, err) || !load_services(e, err) || !release_servers(e, err)) {
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
		s->stop(engine_state(e, s));
	for (guint i = 0; i < e->active->len; i++)
		((struct mig *)g_ptr_array_index(e->active, i))->task->turn++;
	fleet_listen(e->fleet, &none);
	fleet_stop(e->fleet);
	clock_cancel(&e->reaper);
	requests_close(e);
	g_hash_table_unref(e->by_id);
	g_hash_table_unref(e->by_uuid);
	samples_free(e->samples);
	g_hash_table_unref(e->by_server);
	mig_unknown_clear(&e->unknown);
	queue_free(e->queue);
	g_ptr_array_unref(e->ended);
	g_ptr_array_unref(e->active);
	EACH_SERVICE(e, s, i)
		s->free(engine_state(e, s));
	g_hash_table_unref(e->states);
	volumes_free(e->volumes);
	news_clear(&e->stats);
	g_free(e);
}

guint engine_owed(const struct engine *e)
{
	const struct task_service *s;
	guint n = volumes_due(e->volumes);

	EACH_SERVICE(e, s, i)
		n += s->owed(engine_state(e, s));
	return n;
}

const struct task_kind *const *engine_kinds(const struct engine *e)
{
	return e->kinds;
}

struct fleet *engine_fleet(struct engine *e)
{
	return e->fleet;
}

void engine_limits_changed(struct engine *e)
{
	queue_limits(e->queue);
}

void engine_listen(struct engine *e, engine_heard_f *fn, void *user)
{
	e->heard = fn;
	e->heard_user = user;
}

void engine_on_host(struct engine *e, engine_host_f *fn, void *user)
{
	e->on_host = fn;
	e->host_user = user;
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

const char *engine_claim_host(const struct mig *m)
{
	const struct host *h = queue_claim_host(m);

	return h ? h->name : NULL;
}

char *engine_check(struct engine *e)
{
	return task_check_counts(e) ? queue_check(e->queue) : g_strdup("what tasks do is not as they are counted");
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
	struct mig_rows from = engine_rows(e);
	GPtrArray *list = mig_list(&from, f, from_id, err);

	for (guint i = 0; list && i < list->len; i++)
		freshen(e, g_ptr_array_index(list, i));
	return list;
}

GPtrArray *engine_list(struct engine *e, const struct mig_filter *f, GError **err)
{
	return list_from(e, f, 0, err);
}

/* Rows of tasks that are no migrations stand among the others. */
static bool has_others(const struct engine *e)
{
	for (const struct task_kind *const *k = e->kinds; *k; k++)
		if (!(*k)->migration)
			return true;
	return false;
}

/* Whether rows are examined that do not fit: all filters but the one whose index is used. */
static bool may_skip(const struct engine *e, const struct mig_filter *f)
{
	return has_others(e) || f->host || f->status || f->type || f->source || f->since_us || f->before_us ||
	       (f->server_uuid != NULL) + (f->user_id != NULL) + (f->project_id != NULL) > 1;
}

/* Where the next part begins: so many ids below its end. */
static bool part_from(struct engine *e, struct mig_filter *f, int64_t *ret_from, GError **err)
{
	int64_t last = 0;

	*ret_from = 0;
	if (!may_skip(e, f))
		return true;
	if (!f->below_id) {
		if (!store_number(e->store, Q_MIG_LAST, STORE_NO_ARGS, &last, err))
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
	struct mig_rows from = engine_rows(e);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
	struct mig *m = mig_query_one(&from, Q_MIG_GET, STORE_ARGS(SV_I(id)), text, err);

	if (m)
		freshen(e, m);
	return m;
}

struct mig *engine_get_by_uuid(struct engine *e, const char *uuid, GError **err)
{
	struct mig_rows from = engine_rows(e);
	struct mig *m = mig_query_one(&from, Q_MIG_BY_UUID, STORE_ARGS(SV_S(uuid)), uuid, err);

	if (m)
		freshen(e, m);
	return m;
}

const GArray *engine_samples(const struct engine *e, int64_t id)
{
	return samples_of(e->samples, id);
}

GPtrArray *engine_events(struct engine *e, int64_t id, GError **err)
{
	return mig_events(e->store, id, err);
}
