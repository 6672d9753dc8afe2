/* SPDX-License-Identifier: Apache-2.0 */
#include "move/service.h"

#include "move/check.h"
#include "move/definition.h"
#include "move/leftover.h"
#include "task/task.h"

struct move_service *service_of(const struct engine *e)
{
	return engine_state(e, &move_service);
}

/* ---- what is asked of the tasks ---- */

static bool is_alive(int64_t id, void *user)
{
	return engine_keeps(user, id);
}

static bool is_owned(const char *server_uuid, void *user)
{
	return task_of_server(user, server_uuid) != NULL;
}

static bool is_moving(const char *server_uuid, const char *host, void *user)
{
	const struct mig *m = task_of_server(user, server_uuid);

	return m && (g_strcmp0(m->source, host) == 0 || g_strcmp0(m->dest, host) == 0);
}

static bool is_calling(const char *server_uuid, void *user)
{
	return g_hash_table_contains(service_of(user)->calls, server_uuid);
}

static bool was_undone(const char *server_uuid, const char *host, void *user)
{
	const struct engine *e = user;
	struct mig_filter f = { .server_uuid = server_uuid, .host = host };
	struct mig_rows from = { e->store, e->kinds, NULL };
	g_autoptr(GPtrArray) rows = mig_list(&from, &f, 0, NULL);

	for (guint i = 0; rows && i < rows->len; i++) {
		const struct mig *m = g_ptr_array_index(rows, i);

		if (g_strcmp0(m->dest, host) == 0 && mig_is_final(m) && mig_stage(m)->end != TASK_DONE)
			return true;
	}
	return false;
}

/* ---- the service ---- */

static void *begin(struct engine *e)
{
	struct move_service *s = g_new(struct move_service, 1);

	s->calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	s->checks = check_set_new(e->fleet, e->volumes);
	s->definitions = definitions_new(e->fleet, &(struct definition_asks){ is_alive, is_moving, is_calling, e });
	s->leftovers = leftovers_new(e->fleet, s->definitions, &(struct leftover_asks){ is_owned, was_undone, e });
	return s;
}

static bool load(void *state, GError **err)
{
	struct move_service *s = state;

	return definitions_load(s->definitions, err);
}

static void stop(void *state)
{
	struct move_service *s = state;

	check_set_stop(s->checks);
	definitions_stop(s->definitions);
	leftovers_stop(s->leftovers);
}

static void end(void *state)
{
	struct move_service *s = state;

	check_set_free(s->checks);
	leftovers_free(s->leftovers);
	definitions_free(s->definitions);
	g_hash_table_unref(s->calls);
	g_free(s);
}

static void host(void *state)
{
	struct move_service *s = state;

	definitions_sweep(s->definitions);
}

static void leftover(void *state, struct host *h, const struct hv_dom *d)
{
	struct move_service *s = state;

	leftovers_seen(s->leftovers, h, d);
}

static guint owed(const void *state)
{
	const struct move_service *s = state;

	return definitions_due(s->definitions);
}

const struct task_service move_service = {
	.begin = begin, .load = load, .stop = stop, .free = end, .host = host, .leftover = leftover, .owed = owed,
};
