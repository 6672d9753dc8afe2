/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/task.h"

#include "base/clock.h"
#include "migrate/mig.h"

struct mig *engine_find(struct engine *e, int64_t id)
{
	return g_hash_table_lookup(e->by_id, &id);
}

/* The last one takes the place of one that goes. */
static void active_remove(struct engine *e, struct mig *m)
{
	guint at = m->priv->index;

	g_ptr_array_remove_index_fast(e->active, at);
	if (at < e->active->len)
		((struct mig *)g_ptr_array_index(e->active, at))->priv->index = at;
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
	struct engine *e = m->priv->engine;

	g_hash_table_remove(e->by_id, &m->id);
	g_hash_table_remove(e->by_server, m->server_uuid);
	g_ptr_array_add(e->ended, m);
	/* In a turn of its own: the code that ended it may still hold it. */
	if (!e->reaper)
		e->reaper = clock_after(0, reap, e);
}

void engine_accept(struct mig *m, const GError *err)
{
	engine_accepted_f *done = m->priv->accepted;

	m->priv->accepted = NULL;
	if (done)
		done(err ? 0 : m->id, err, m->priv->accepted_user);
}
