/* SPDX-License-Identifier: Apache-2.0 */
#include "fence/runs.h"

#include "base/clock.h"

struct runs {
	const struct fence_ops *ops;
	guint max, under_way;
	GQueue *first, *others; /* struct run *: those that wait */
	struct clock_timer *timer;
};

struct run {
	struct runs *set;
	struct agent agent;
	enum agent_act act;
	int64_t limit_ms;
	agent_f *done;
	void *user;
	struct agent_run *process; /* NULL: it waits */
	bool is_first;
};

struct runs *runs_new(const struct fence_ops *ops, guint max)
{
	struct runs *rs = g_new0(struct runs, 1);

	*rs = (struct runs){ .ops = ops, .max = max, .first = g_queue_new(), .others = g_queue_new() };
	return rs;
}

void runs_free(struct runs *rs)
{
	if (!rs)
		return;
	g_assert(g_queue_is_empty(rs->first) && g_queue_is_empty(rs->others) && rs->under_way == 0);
	clock_cancel(&rs->timer);
	g_queue_free(rs->first);
	g_queue_free(rs->others);
	g_free(rs);
}

static void serve(struct runs *rs);

static void step(void *user)
{
	struct runs *rs = user;

	rs->timer = NULL;
	serve(rs);
}

/* A place is free. Not at once: what ends, or is cancelled, may be one of many. */
static void freed(struct runs *rs)
{
	rs->under_way--;
	if (!rs->timer)
		rs->timer = clock_after(0, step, rs);
}

static void ended(const struct agent_answer *a, void *user)
{
	struct run *r = user;

	r->process = NULL; /* it is gone */
	freed(r->set);
	r->done(a, r->user);
	g_free(r);
}

static void serve(struct runs *rs)
{
	while (rs->under_way < rs->max) {
		struct run *r = g_queue_pop_head(g_queue_is_empty(rs->first) ? rs->others : rs->first);

		if (!r)
			break;
		rs->under_way++;
		r->process = rs->ops->start(&r->agent, r->act, r->limit_ms, ended, r);
	}
}

struct run *runs_start(struct runs *rs, const struct agent *a, enum agent_act act, bool first, int64_t limit_ms, agent_f *done, void *user)
{
	struct run *r = g_new(struct run, 1);

	*r = (struct run){ .set = rs, .agent = *a, .act = act, .limit_ms = limit_ms, .done = done, .user = user, .is_first = first };
	g_queue_push_tail(first ? rs->first : rs->others, r);
	serve(rs);
	return r;
}

void runs_cancel(struct run **at)
{
	struct run *r = g_steal_pointer(at);

	if (!r)
		return;
	if (r->process) {
		r->set->ops->cancel(&r->process);
		freed(r->set);
	} else {
		g_queue_remove(r->is_first ? r->set->first : r->set->others, r);
	}
	g_free(r);
}
