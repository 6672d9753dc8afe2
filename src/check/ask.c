/* SPDX-License-Identifier: Apache-2.0 */
#include "check/ask.h"

#include "base/clock.h"
#include "base/err.h"

struct asks {
	struct fleet *fleet;
	const struct ask_calls *calls;
	void *user;
	guint most, open;
	GHashTable *hosts;        /* place -> GQueue of struct ask *: those that wait, of hosts that have some */
	GQueue ready;             /* places of hosts with questions and none open */
	struct clock_timer *timer;
	bool stopped;
};

struct open {
	struct asks *set;
	struct ask *ask;
};

static void queue_free(void *data)
{
	g_queue_free_full(data, g_free);
}

struct asks *asks_new(struct fleet *f, const struct ask_calls *calls, guint open, void *user)
{
	struct asks *set = g_new0(struct asks, 1);

	*set = (struct asks){ .fleet = f, .calls = calls, .user = user, .most = open };
	set->hosts = g_hash_table_new_full(NULL, NULL, NULL, queue_free);
	g_queue_init(&set->ready);
	return set;
}

void asks_free(struct asks *set)
{
	if (!set)
		return;
	g_assert(set->open == 0);
	clock_cancel(&set->timer);
	g_hash_table_unref(set->hosts);
	g_queue_clear(&set->ready);
	g_free(set);
}

void asks_add(struct asks *set, const struct ask *a)
{
	GQueue *waiting = g_hash_table_lookup(set->hosts, GUINT_TO_POINTER(a->host));

	if (!waiting) {
		waiting = g_queue_new();
		g_hash_table_insert(set->hosts, GUINT_TO_POINTER(a->host), waiting);
		g_queue_push_tail(&set->ready, GUINT_TO_POINTER(a->host));
	}
	g_queue_push_tail(waiting, g_memdup2(a, sizeof *a));
}

static void go_on(void *user);

/* On the next turn: a call is not begun from the answer of another. */
static void go_on_later(struct asks *set)
{
	if (!set->timer)
		set->timer = clock_after(0, go_on, set);
}

static void answer(struct asks *set, const struct ask *a, struct hv_reply *r)
{
	GQueue *waiting = g_hash_table_lookup(set->hosts, GUINT_TO_POINTER(a->host));

	set->calls->answer(a, r, set->user);
	if (waiting && !g_queue_is_empty(waiting))
		g_queue_push_tail(&set->ready, GUINT_TO_POINTER(a->host));
	go_on_later(set);
}

static void take(struct open *o, struct hv_reply *r)
{
	struct asks *set = o->set;

	set->open--;
	if (!set->stopped)
		answer(set, o->ask, r);
	g_free(o->ask);
	g_free(o);
	if (set->stopped && set->open == 0)
		set->calls->end(set->user);
}

static void answered(struct hv_reply *r, void *user)
{
	take(user, r);
}

static void not_asked(void *user)
{
	struct open *o = user;
	struct hv_reply none = { .err = NULL };

	g_set_error(&none.err, ERR, ERR_HV_LOST, "host %s is not connected", o->set->calls->host(o->ask->host, o->set->user));
	take(o, &none);
	hv_reply_clear(&none);
}

static void begin(struct asks *set, struct ask *a)
{
	struct host *h = fleet_host(set->fleet, set->calls->host(a->host, set->user));
	struct open *o = g_new0(struct open, 1);
	struct hv_req req = { .op = HV_OP_N };

	*o = (struct open){ .set = set, .ask = a };
	set->open++;
	set->calls->make(a, &req, set->user);
	if (set->calls->asking)
		set->calls->asking(a, set->user);
	if (!host_call(h, &req, answered, o))
		(void)clock_after(0, not_asked, o);
}

static void go_on(void *user)
{
	struct asks *set = user;

	set->timer = NULL;
	while (set->open < set->most && !g_queue_is_empty(&set->ready)) {
		guint host = GPOINTER_TO_UINT(g_queue_pop_head(&set->ready));

		begin(set, g_queue_pop_head(g_hash_table_lookup(set->hosts, GUINT_TO_POINTER(host))));
	}
	if (set->open == 0)
		set->calls->end(set->user);
}

void asks_start(struct asks *set)
{
	go_on_later(set);
}

bool asks_stop(struct asks *set)
{
	set->stopped = true;
	clock_cancel(&set->timer);
	return set->open > 0;
}
