/* SPDX-License-Identifier: Apache-2.0
 *
 * Pending timers are a binary heap, one for both modes. The real one hangs on the
 * loop as a single source: a loop looks at each of its sources on every turn, and
 * a fleet has some timers for every host.
 */
#include "base/clock.h"

#include "base/due.h"

#define AFTER_MS_MAX (INT64_C(1) << 50) /* so that the sum fits; some 35,000 years */

enum kind {
	PLAIN,
	LIMIT,   /* see clock_limit() */
	WORLD,   /* see clock_world() */
	ARRIVAL,
};

struct clock_timer {
	int64_t due_us, length_us;
	uint64_t seq;
	clock_f *fn;
	void *user;
	guint place; /* in the heap */
	enum kind kind;
};

static GMainContext *context;
static GSource *alarm_source; /* real mode: ready when the first timer is due */
static bool manual;
static int64_t manual_us;
static int64_t manual_wall_us;
static uint64_t next_seq;
static clock_late_f *late_fn;
static void *late_user;
static bool late_told; /* since timers last fired */
static struct due timers = DUE_OF(struct clock_timer, place);

/* ---- reading ---- */

int64_t clock_now_us(void)
{
	return manual ? manual_us : g_get_monotonic_time();
}

int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t clock_wall_us(void)
{
	return manual ? manual_wall_us + manual_us : g_get_real_time();
}

/* ---- lateness ---- */

void clock_on_late(clock_late_f *fn, void *user)
{
	late_fn = fn;
	late_user = user;
}

void clock_notice(void)
{
	int64_t late_us = timers.len > 0 ? clock_now_us() - timers.slots[0].due : 0;

	if (late_told || late_us < CLOCK_LATE_US)
		return;
	late_told = true;
	if (late_fn)
		late_fn(late_us, late_user);
}

/* A limit that the loop came to too late is none yet. Once: a loop that is late all the time must not keep it from firing. */
static bool grant(struct clock_timer *t, int64_t now_us)
{
	int64_t late_us = now_us - t->due_us;

	if (t->kind != LIMIT || late_us < CLOCK_LATE_US)
		return false;
	due_remove(&timers, t);
	t->due_us = now_us + MIN(late_us, t->length_us);
	t->seq = next_seq++;
	t->kind = PLAIN;
	due_add(&timers, t, t->due_us, t->seq);
	return true;
}

/* ---- firing ---- */

static void fire_one(struct clock_timer *t)
{
	clock_f *fn = t->fn;
	void *user = t->user;

	due_remove(&timers, t);
	if (manual)
		manual_us = MAX(manual_us, t->due_us);
	g_free(t);
	fn(user);
}

/* Fire the first timer if it is due by then, and older than @seq. */
static bool fire(int64_t until_us, uint64_t seq)
{
	struct clock_timer *t = due_first(&timers);

	if (!t || t->due_us > until_us || t->seq >= seq)
		return false;
	if (!grant(t, manual ? manual_us : until_us))
		fire_one(t);
	return true;
}

static void arm(void)
{
	if (alarm_source)
		g_source_set_ready_time(alarm_source, timers.len > 0 ? timers.slots[0].due : -1);
}

/*
 * What is set from within waits for the next turn. So does what is due when some ms are gone: hosts that were connected together are polled
 * together, and what they answer must not keep a client waiting until the last of them has been heard.
 */
static gboolean ring(GSource *source, GSourceFunc fn, void *user)
{
	uint64_t seq = next_seq;
	int64_t now_us = g_get_monotonic_time();
	bool more;

	(void)source;
	(void)fn;
	(void)user;
	clock_notice();
	do
		more = fire(now_us, seq);
	while (more && g_get_monotonic_time() < now_us + CLOCK_TURN_US);
	late_told &= more;
	arm();
	return G_SOURCE_CONTINUE;
}

static void alarm_drop(void)
{
	if (!alarm_source)
		return;
	g_source_destroy(alarm_source);
	g_clear_pointer(&alarm_source, g_source_unref);
}

static void alarm_set(void)
{
	static GSourceFuncs funcs = { .dispatch = ring };

	alarm_source = g_source_new(&funcs, sizeof(GSource));
	g_source_set_name(alarm_source, "clock");
	g_source_attach(alarm_source, context);
}

void clock_use_context(GMainContext *ctx)
{
	alarm_drop();
	context = ctx;
}

/* ---- timers ---- */

static struct clock_timer *add(int64_t ms, clock_f *fn, void *user, enum kind kind)
{
	struct clock_timer *t = g_new(struct clock_timer, 1);
	int64_t length_us = CLAMP(ms, 0, AFTER_MS_MAX) * 1000;

	*t = (struct clock_timer){
		.due_us = clock_now_us() + length_us, .length_us = length_us, .seq = next_seq++, .fn = fn, .user = user, .kind = kind,
	};
	due_add(&timers, t, t->due_us, t->seq);
	if (!manual && !alarm_source)
		alarm_set();
	if (due_first(&timers) == t)
		arm();
	return t;
}

struct clock_timer *clock_after(int64_t ms, clock_f *fn, void *user)
{
	return add(ms, fn, user, PLAIN);
}

struct clock_timer *clock_limit(int64_t ms, clock_f *fn, void *user)
{
	return add(ms, fn, user, LIMIT);
}

struct clock_timer *clock_world(int64_t ms, clock_f *fn, void *user)
{
	return add(ms, fn, user, WORLD);
}

struct clock_timer *clock_arrival(int64_t ms, clock_f *fn, void *user)
{
	return add(ms, fn, user, ARRIVAL);
}

void clock_cancel(struct clock_timer **t)
{
	if (!*t)
		return;
	due_remove(&timers, *t);
	g_clear_pointer(t, g_free);
}

void clock_manual(int64_t wall_us)
{
	alarm_drop();
	for (guint i = 0; i < timers.len; i++)
		g_free(timers.slots[i].item);
	timers.len = 0;
	due_clear(&timers);
	manual = true;
	manual_us = 0;
	manual_wall_us = wall_us;
	next_seq = 0;
	late_told = false;
}

bool clock_step(void)
{
	g_assert(manual);
	return fire(INT64_MAX, UINT64_MAX);
}

void clock_advance_ms(int64_t ms)
{
	int64_t until_us = manual_us + ms * 1000;

	g_assert(manual);
	while (fire(until_us, UINT64_MAX))
		;
	manual_us = until_us;
}

/* The first of a kind that is due by then. */
static bool fire_kind(enum kind kind, int64_t until_us)
{
	struct clock_timer *first = NULL;

	for (guint i = 0; i < timers.len; i++) {
		struct clock_timer *t = timers.slots[i].item;

		if (t->kind == kind && t->due_us <= until_us && (!first || t->due_us < first->due_us || (t->due_us == first->due_us && t->seq < first->seq)))
			first = t;
	}
	if (first)
		fire_one(first);
	return first;
}

void clock_stall(int64_t ms)
{
	int64_t until_us = manual_us + ms * 1000;

	g_assert(manual);
	while (fire_kind(WORLD, until_us))
		;
	manual_us = until_us;
	clock_notice();
	while (fire_kind(ARRIVAL, until_us))
		;
	late_told = false;
}

void clock_set_wall(int64_t ms)
{
	g_assert(manual);
	manual_wall_us += ms * 1000;
}
