/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/prepare.h"

#include "task/step.h"
#include "task/task.h"

/* The answer counts if the migration still waits for it, the file's count in any case. */
struct call {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	struct volume *volume; /* NULL: of a file that is not ours, or of none */
	prepare_answer_f *answer;
	prepare_done_f *done;
};

struct prepared prepare_is(enum prepare_next next)
{
	return (struct prepared){ .next = next };
}

struct prepared prepare_because(enum prepare_next next, const char *why)
{
	return (struct prepared){ next, g_strdup(why) };
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

struct prepared prepare_ask(struct mig *m, struct host *h, struct hv_req *req, struct volume *v, prepare_answer_f *answer, prepare_done_f *done)
{
	struct call *c;

	if (!host_connected(h))
		return prepare_is(PREPARE_LATER);
	c = g_new(struct call, 1);
	*c = (struct call){ .engine = m->task->engine, .id = m->id, .turn = m->task->turn, .volume = v, .answer = answer, .done = done };
	if (v)
		volume_call_begins(v);
	req->uuid = m->server_uuid;
	(void)host_call(h, req, answered, c); /* it is connected */
	return prepare_is(PREPARE_WAITS);
}
