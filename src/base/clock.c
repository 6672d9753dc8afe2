/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

struct clock_timer {
	int64_t due_ms;
	uint64_t seq;
	clock_f *fn;
	void *user;
	GSource *source;      /* real mode */
	GSequenceIter *place; /* manual mode */
};

static GMainContext *context;
static GSequence *pending; /* manual mode: timers by (due, seq); NULL in real mode */
static int64_t manual_ms;
static int64_t manual_wall_us;
static uint64_t next_seq;

void clock_use_context(GMainContext *ctx)
{
	context = ctx;
}

int64_t clock_now_ms(void)
{
	return pending ? manual_ms : g_get_monotonic_time() / 1000;
}

int64_t clock_now_us(void)
{
	return pending ? manual_ms * 1000 : g_get_monotonic_time();
}

int64_t clock_wall_us(void)
{
	return pending ? manual_wall_us + manual_ms * 1000 : g_get_real_time();
}

static int compare(const void *a, const void *b, void *user)
{
	const struct clock_timer *x = a, *y = b;

	(void)user;
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static gboolean fire(void *data)
{
	struct clock_timer *t = data;
	clock_f *fn = t->fn;
	void *user = t->user;

	if (t->source)
		g_source_unref(t->source);
	g_free(t);
	fn(user);
	return G_SOURCE_REMOVE;
}

struct clock_timer *clock_after(int64_t ms, clock_f *fn, void *user)
{
	struct clock_timer *t = g_new0(struct clock_timer, 1);

	t->due_ms = clock_now_ms() + MAX(ms, 0);
	t->seq = next_seq++;
	t->fn = fn;
	t->user = user;
	if (pending) {
		t->place = g_sequence_insert_sorted(pending, t, compare, NULL);
		return t;
	}
	t->source = ms <= 0 ? g_idle_source_new() : g_timeout_source_new((guint)MIN(ms, G_MAXINT));
	g_source_set_priority(t->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(t->source, fire, t, NULL);
	g_source_attach(t->source, context);
	return t;
}

void clock_cancel(struct clock_timer **t)
{
	if (!*t)
		return;
	if ((*t)->source) {
		g_source_destroy((*t)->source);
		g_source_unref((*t)->source);
	} else {
		g_sequence_remove((*t)->place);
	}
	g_free(*t);
	*t = NULL;
}

void clock_manual(int64_t wall_us)
{
	if (pending) {
		GSequenceIter *i = g_sequence_get_begin_iter(pending);

		for (; !g_sequence_iter_is_end(i); i = g_sequence_iter_next(i))
			g_free(g_sequence_get(i));
		g_sequence_free(pending);
	}
	pending = g_sequence_new(NULL);
	manual_ms = 0;
	manual_wall_us = wall_us;
	next_seq = 0;
}

/* Fire the first timer if it is due by @limit_ms. */
static bool step_until(int64_t limit_ms)
{
	GSequenceIter *first = g_sequence_get_begin_iter(pending);
	struct clock_timer *t;

	if (g_sequence_iter_is_end(first))
		return false;
	t = g_sequence_get(first);
	if (t->due_ms > limit_ms)
		return false;
	g_sequence_remove(first);
	manual_ms = MAX(manual_ms, t->due_ms);
	fire(t);
	return true;
}

bool clock_step(void)
{
	g_assert(pending);
	return step_until(INT64_MAX);
}

void clock_advance_ms(int64_t ms)
{
	int64_t until = manual_ms + ms;

	g_assert(pending);
	while (step_until(until))
		;
	manual_ms = until;
}
