/* SPDX-License-Identifier: Apache-2.0 */
#include "move/call.h"

#include "move/service.h"

struct call {
	struct engine *engine;
	char *server_uuid;
	int64_t task;
	uint64_t turn;
	step_answer_f *done;
};

static void answered(struct hv_reply *r, void *user)
{
	struct call *c = user;
	struct mig *m = c->engine->stopping ? NULL : engine_find(c->engine, c->task);

	if (!c->engine->stopping)
		g_hash_table_remove(service_of(c->engine)->calls, c->server_uuid);
	if (m && m->task->turn == c->turn)
		c->done(m, r);
	g_free(c->server_uuid);
	g_free(c);
}

bool call_migrate(struct mig *m, struct host *source, const struct hv_req *req, step_answer_f *done)
{
	struct call *c;

	g_assert(req->op == HV_MIGRATE);
	if (!host_connected(source))
		return false;
	c = g_new(struct call, 1);
	*c = (struct call){ m->task->engine, g_strdup(m->server_uuid), m->id, m->task->turn, done };
	g_hash_table_add(service_of(m->task->engine)->calls, g_strdup(m->server_uuid));
	return host_call(source, req, answered, c);
}

bool call_is_under_way(const struct engine *e, const char *server_uuid)
{
	return g_hash_table_contains(service_of(e)->calls, server_uuid);
}
