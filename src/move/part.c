/* SPDX-License-Identifier: Apache-2.0 */
#include "move/part.h"

#include "task/step.h"
#include "task/task.h"

/* The answer counts if the migration still waits for it, the file's count in any case. */
struct call {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	struct volume *volume; /* NULL: of a file that is not ours, or of none */
	part_answer_f *answer;
	part_done_f *done;
};

struct part part_is(enum part_next next)
{
	return (struct part){ .next = next };
}

struct part part_because(enum part_next next, const char *why)
{
	return (struct part){ next, g_strdup(why) };
}

static void answered(struct hv_reply *r, void *user)
{
	struct call *c = user;
	struct mig *m = c->engine->stopping ? NULL : engine_find(c->engine, c->id);

	if (c->volume && !c->engine->stopping)
		volume_call_ended(c->volume);
	if (m && m->task->turn == c->turn)
		c->done(m, c->answer(m, r, c->done));
	g_free(c);
}

struct part part_ask(struct mig *m, struct host *h, struct hv_req *req, struct volume *v, part_answer_f *answer, part_done_f *done)
{
	struct call *c;

	if (!host_connected(h))
		return part_is(PART_LATER);
	c = g_new(struct call, 1);
	*c = (struct call){ .engine = m->task->engine, .id = m->id, .turn = m->task->turn, .volume = v, .answer = answer, .done = done };
	if (v)
		volume_call_begins(v);
	if (!req->uuid)
		req->uuid = m->server_uuid;
	(void)host_call(h, req, answered, c); /* it is connected */
	return part_is(PART_WAITS);
}
