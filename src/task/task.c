/* SPDX-License-Identifier: Apache-2.0 */
#include "task/task.h"

#include <string.h>

#include "base/clock.h"

void task_attach(struct engine *e, struct mig *m)
{
	m->task = g_new0(struct task, 1);
	m->task->engine = e;
	m->task->counted = TASK_DOING_N;
	m->task->excluded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (m->kind->attach)
		m->kind->attach(m);
}

void task_free(struct mig *m)
{
	struct task *t = m->task;

	if (m->kind->detach)
		m->kind->detach(m);
	clock_cancel(&t->timer);
	g_hash_table_unref(t->excluded);
	g_clear_pointer(&t->remarks, g_ptr_array_unref);
	m->task = NULL;
	g_free(t);
	mig_free(m);
}

struct server *mig_server(const struct mig *m)
{
	return fleet_server(m->task->engine->fleet, m->server_uuid);
}

struct host *mig_source(const struct mig *m)
{
	return fleet_host(m->task->engine->fleet, m->source);
}

struct host *mig_dest(const struct mig *m)
{
	return fleet_host(m->task->engine->fleet, m->dest);
}

struct mig_rows engine_rows(const struct engine *e)
{
	return (struct mig_rows){ e->store, e->kinds, NULL };
}

static enum task_doing doing(const struct mig *m)
{
	if (mig_is_final(m))
		return TASK_DOING_N;
	if (mig_rests(m))
		return TASK_RESTS;
	return mig_holds(m, TASK_QUEUED) ? TASK_WAITS : TASK_RUNS;
}

static guint *counts_of(struct mig_counts *s, const struct engine *e, const struct mig *m)
{
	size_t k = 0;

	while (e->kinds[k] != m->kind)
		k++;
	g_assert(k < TASK_KINDS_MAX);
	return s->now[k];
}

static void recount(struct mig *m)
{
	struct engine *e = m->task->engine;
	enum task_doing now = doing(m);

	if (m->task->counted != TASK_DOING_N)
		counts_of(&e->stats, e, m)[m->task->counted]--;
	if (now != TASK_DOING_N)
		counts_of(&e->stats, e, m)[now]++;
	m->task->counted = (int)now;
}

bool task_check_counts(const struct engine *e)
{
	g_autofree struct mig_counts *s = g_new0(struct mig_counts, 1);

	for (guint i = 0; i < e->active->len; i++) {
		const struct mig *m = g_ptr_array_index(e->active, i);

		if (doing(m) != TASK_DOING_N)
			counts_of(s, e, m)[doing(m)]++;
	}
	return memcmp(s->now, e->stats.now, sizeof s->now) == 0;
}

/* Keys are borrowed from the migration, which outlives its entry. */
void engine_add(struct engine *e, struct mig *m)
{
	m->task->index = e->active->len;
	g_ptr_array_add(e->active, m);
	g_hash_table_insert(e->by_id, &m->id, m);
	g_hash_table_insert(e->by_uuid, m->uuid, m);
	engine_moved(m);
}

static void tell(const struct mig *m)
{
	const struct engine *e = m->task->engine;

	if (e->heard)
		e->heard(m, e->heard_user);
}

void engine_moved(struct mig *m)
{
	GHashTable *owners = m->task->engine->by_server;
	const struct mig *owner = g_hash_table_lookup(owners, m->server_uuid);

	if (engine_find(m->task->engine, m->id) != m)
		return; /* a request that was refused, and whose row is brought to its end: it owns nothing */
	recount(m);
	if (mig_rests(m))
		tell(m);
	if (owner == m && mig_rests(m))
		g_hash_table_remove(owners, m->server_uuid);
	else if (!owner && !mig_rests(m))
		g_hash_table_insert(owners, m->server_uuid, m);
}

struct mig *task_resting(const struct engine *e, const char *server_uuid, const struct task_kind *kind, unsigned stages)
{
	struct mig *newest = NULL;

	for (guint i = 0; i < e->active->len; i++) {
		struct mig *m = g_ptr_array_index(e->active, i);

		if (mig_rests(m) && strcmp(m->server_uuid, server_uuid) == 0 && (!kind || m->kind == kind) && stages & 1u << m->phase &&
		    (!newest || m->id > newest->id))
			newest = m;
	}
	return newest;
}

void *engine_state(const struct engine *e, const struct task_service *s)
{
	return g_hash_table_lookup(e->states, s);
}

struct mig *engine_find(struct engine *e, int64_t id)
{
	return g_hash_table_lookup(e->by_id, &id);
}

bool engine_keeps(const struct engine *e, int64_t id)
{
	return g_hash_table_contains(e->by_id, &id) || g_hash_table_contains(e->unknown.ids, &id);
}

struct mig *task_of_carrier(const struct engine *e, const char *uuid)
{
	return g_hash_table_lookup(e->by_uuid, uuid);
}

struct mig *task_of_server(const struct engine *e, const char *server_uuid)
{
	return g_hash_table_lookup(e->by_server, server_uuid);
}

/* The last one takes the place of one that goes. */
static void active_remove(struct engine *e, struct mig *m)
{
	guint at = m->task->index;

	g_ptr_array_remove_index_fast(e->active, at);
	if (at < e->active->len)
		((struct mig *)g_ptr_array_index(e->active, at))->task->index = at;
}

static void reap(void *user)
{
	struct engine *e = user;

	e->reaper = NULL;
	for (guint i = 0; i < e->ended->len; i++)
		active_remove(e, g_ptr_array_index(e->ended, i));
	g_ptr_array_set_size(e->ended, 0);
}

void engine_ended(struct mig *m)
{
	struct engine *e = m->task->engine;

	g_hash_table_remove(e->by_id, &m->id);
	g_hash_table_remove(e->by_uuid, m->uuid);
	if (task_of_server(e, m->server_uuid) == m)
		g_hash_table_remove(e->by_server, m->server_uuid);
	g_ptr_array_add(e->ended, m);
	tell(m);
	/* In a turn of its own: the code that ended it may still hold it. */
	if (!e->reaper)
		e->reaper = clock_after(0, reap, e);
}

void engine_accept(struct mig *m, const GError *err)
{
	void (*done)(int64_t id, const GError *err, void *user) = m->task->accepted;

	m->task->accepted = NULL;
	if (done)
		done(err ? 0 : m->id, err, m->task->accepted_user);
}
