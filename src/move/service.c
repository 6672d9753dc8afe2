/* SPDX-License-Identifier: Apache-2.0 */
#include "move/service.h"

#include "move/check.h"
#include "move/definition_end.h"
#include "move/leftover.h"
#include "move/reap.h"
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

/* A task that rests keeps what its server has left at its source, to which it may come back. */
static bool is_owned(const char *server_uuid, const char *host, void *user)
{
	const struct mig *resting = task_resting(user, server_uuid, NULL, ~0u);

	return task_of_server(user, server_uuid) || (resting && g_strcmp0(resting->source, host) == 0);
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

/* What the description says, where it can be read, must be what the row says. */
static bool is_of(const struct carrier *c, const struct mig *m)
{
	g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, m->id);

	return (!c->task || g_str_equal(c->task, id)) && (!c->guest || g_str_equal(c->guest, m->server_uuid));
}

static enum leftover_row row_of(const struct carrier *c, int64_t *ret_task, void *user)
{
	const struct engine *e = user;
	struct mig_rows from = { e->store, e->kinds, NULL };
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) rows = mig_query(&from, Q_MIG_BY_UUID, STORE_ARGS(SV_S(c->uuid)), &why);
	const struct mig *m = rows && rows->len > 0 ? g_ptr_array_index(rows, 0) : NULL;

	/* Whichever controller has begun it: at worst the check of another one says that its guest was gone. */
	if (g_strcmp0(c->task, CARRIER_CHECK) == 0)
		return LEFTOVER_OVER;
	if (!rows)
		return LEFTOVER_ROW_N;
	if (!m || !is_of(c, m))
		return LEFTOVER_NO_ROW;
	*ret_task = m->id;
	return mig_is_final(m) ? LEFTOVER_OVER : LEFTOVER_ACTIVE;
}

static void was_decided(struct host *h, void *user)
{
	const struct engine *e = user;

	fleet_host_cleaned(e->fleet, h);
}

/* ---- the service ---- */

static void *begin(struct engine *e)
{
	struct move_service *s = g_new(struct move_service, 1);

	s->calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	s->checks = check_set_new(e->fleet, e->volumes);
	s->definitions = definitions_new(e->fleet, &(struct definition_asks){ is_alive, is_moving, is_calling, e });
	s->leftovers = leftovers_new(e->fleet, s->definitions, &(struct leftover_asks){ is_owned, was_undone, was_decided, e });
	s->reap = reap_new(e->fleet, &(struct reap_asks){ row_of, was_decided, e });
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
	reap_stop(s->reap);
}

static void end(void *state)
{
	struct move_service *s = state;

	check_set_free(s->checks);
	leftovers_free(s->leftovers);
	reap_free(s->reap);
	definitions_free(s->definitions);
	g_hash_table_unref(s->calls);
	g_free(s);
}

static void host(void *state)
{
	struct move_service *s = state;

	definitions_sweep(s->definitions);
	reap_sweep(s->reap);
}

static bool clean(void *state, struct host *h)
{
	struct move_service *s = state;
	bool reaped = reap_host(s->reap, h);

	return reaped && leftovers_decided(s->leftovers, h);
}

static void leftover(void *state, struct host *h, const struct hv_dom *d)
{
	struct move_service *s = state;

	leftovers_seen(s->leftovers, h, d);
}

static guint owed(const void *state)
{
	const struct move_service *s = state;

	return definitions_due(s->definitions) + reap_owed(s->reap);
}

const struct task_service move_service = {
	.begin = begin, .load = load, .stop = stop, .free = end, .host = host, .clean = clean, .leftover = leftover, .owed = owed,
};
