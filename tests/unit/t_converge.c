/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "live/converge.h"

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

static struct converge_params defaults(enum converge_policy policy)
{
	return (struct converge_params){ .policy = policy, .downtime_ms = 500, .downtime_steps = 10, .downtime_delay_s = 75,
					 .completion_timeout_s = 800, .timeout_action = CONVERGE_TIMEOUT_ABORT, .data_gb = 2 };
}

/* ---- Nova's ramp, from its own worked examples (nova.md 4.3) ---- */

static const struct {
	const char *name;
	int64_t memory_mb, at_s, want_ms; /* 0: no step yet */
} ramp[] = {
	{ "8 GiB, at the start",   8192, 0,    0 },
	{ "8 GiB, first step",     8192, 1,    50 },
	{ "8 GiB, not over 600 s", 8192, 600,  50 },
	{ "8 GiB, second step",    8192, 601,  95 },
	{ "8 GiB, third step",     8192, 1201, 140 },
	{ "8 GiB, last step",      8192, 6001, 500 },
	{ "8 GiB, beyond",         8192, 6399, 500 },
	{ "small counts as 2 GiB", 512,  151,  95 },
};

static void test_ramp(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ramp); i++) {
		struct converge_params p = defaults(CONVERGE_NOVA);
		struct converge_history h = { 0 };
		struct converge_sample s = { .at_ms = ramp[i].at_s * 1000, .remaining = GIB, .total = GIB };
		struct converge_decision d;

		p.data_gb = converge_data_gb(ramp[i].memory_mb, NULL, 0);
		converge_note(&h, &s);
		d = converge_decide(&p, &h, &s);
		if (d.value != ramp[i].want_ms || (d.action == CONVERGE_SET_DOWNTIME) != (ramp[i].want_ms > 0))
			g_error("%s: got %s %d, want %d", ramp[i].name, converge_action_name(d.action), (int)d.value, (int)ramp[i].want_ms);
		converge_took(&h, &d);
		g_assert_cmpint(converge_decide(&p, &h, &s).action, ==, CONVERGE_NONE); /* only sent when it changes */
	}
}

static void test_data_gb(void)
{
	const int64_t disks[] = { GIB / 2, 10 * GIB };

	g_assert_cmpfloat(converge_data_gb(512, NULL, 0), ==, 2);
	g_assert_cmpfloat(converge_data_gb(8192, NULL, 0), ==, 8);
	g_assert_cmpfloat(converge_data_gb(3072, disks, 2), ==, 3 + 2 + 10);
}

/* ---- timeouts ---- */

static const struct {
	const char *name;
	enum converge_timeout action;
	bool post_copy, in_postcopy;
	int64_t progress_timeout_s, at_s;
	enum converge_action want;
	const char *reason;
} timeouts[] = {
	{ "not yet",          CONVERGE_TIMEOUT_ABORT, false, false, 0,  1600, CONVERGE_NONE,     "" },
	{ "abort",            CONVERGE_TIMEOUT_ABORT, false, false, 0,  1601, CONVERGE_ABORT,    "live migration not completed after 1600 sec" },
	{ "abort anyway",     CONVERGE_TIMEOUT_ABORT, true,  false, 0,  1601, CONVERGE_ABORT,    "live migration not completed after 1600 sec" },
	{ "force by pause",   CONVERGE_TIMEOUT_FORCE, false, false, 0,  1601, CONVERGE_PAUSE,    "live migration not completed after 1600 sec" },
	{ "force post-copy",  CONVERGE_TIMEOUT_FORCE, true,  false, 0,  1601, CONVERGE_POSTCOPY, "live migration not completed after 1600 sec" },
	{ "post-copy goes on", CONVERGE_TIMEOUT_ABORT, true, true,  0,  9999, CONVERGE_NONE,     "" },
	{ "stuck",            CONVERGE_TIMEOUT_ABORT, false, false, 150, 152, CONVERGE_ABORT,    "live migration stuck for 152 sec" },
};

static void test_timeouts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(timeouts); i++) {
		struct converge_params p = defaults(CONVERGE_NOVA);
		struct converge_history h = { 0 };
		struct converge_sample s = { .at_ms = 0, .remaining = GIB, .total = GIB, .postcopy = timeouts[i].in_postcopy };
		struct converge_decision d;

		p.timeout_action = timeouts[i].action;
		p.permit_post_copy = timeouts[i].post_copy;
		p.progress_timeout_s = timeouts[i].progress_timeout_s;
		converge_note(&h, &s);
		s.at_ms = timeouts[i].at_s * 1000;
		s.processed = 1;
		converge_note(&h, &s);
		h.downtime_ms = 500; /* the ramp has nothing to say any more */
		d = converge_decide(&p, &h, &s);
		if (d.action == CONVERGE_SET_DOWNTIME)
			d = (struct converge_decision){ .action = CONVERGE_NONE };
		if (d.action != timeouts[i].want || strcmp(d.reason, timeouts[i].reason) != 0)
			g_error("%s: got %s \"%s\", want %s", timeouts[i].name, converge_action_name(d.action), d.reason,
				converge_action_name(timeouts[i].want));
	}
}

/* ---- a guest, in half-second samples ---- */

struct guest {
	int64_t memory, working_set; /* bytes */
	int64_t dirty_bps, bps;
	/* state */
	int64_t left, processed, iteration, at_ms, iteration_ms;
	int64_t downtime_ms;
	bool paused, postcopy, done;
};

/* What an iteration of @ms dirties: never more than the working set. */
static int64_t dirtied(const struct guest *g, int64_t ms)
{
	return MIN(g->working_set, g->dirty_bps * ms / 1000);
}

static void guest_run(struct guest *g, int64_t ms)
{
	for (; ms > 0 && !g->done; ms -= 10) {
		int64_t sent = MIN(g->left, g->bps * 10 / 1000);

		g->left -= sent;
		g->processed += sent;
		g->at_ms += 10;
		g->iteration_ms += 10;
		if (g->left > 0)
			continue;
		if (g->paused || g->postcopy) {
			g->done = true;
			break;
		}
		g->left = dirtied(g, g->iteration_ms);
		g->iteration++;
		g->iteration_ms = 0;
		if (g->left <= g->bps * g->downtime_ms / 1000) /* QEMU asks it at each sync */
			g->done = true;
	}
}

static struct converge_sample guest_sample(const struct guest *g)
{
	return (struct converge_sample){ .at_ms = g->at_ms, .iteration = g->iteration, .processed = g->processed, .remaining = g->left,
					 .total = g->memory, .bps = g->bps, .dirty_bps = g->iteration > 1 ? g->dirty_bps : 0, .postcopy = g->postcopy };
}

static void guest_obey(struct guest *g, const struct converge_decision *d)
{
	if (d->action == CONVERGE_SET_DOWNTIME)
		g->downtime_ms = d->value;
	else if (d->action == CONVERGE_POSTCOPY)
		g->postcopy = true;
	else if (d->action == CONVERGE_PAUSE)
		g->paused = true;
}

/* Run to the end, or to the abort. Return: the last action that was not a downtime. */
static enum converge_action guest_migrate(struct guest *g, const struct converge_params *p)
{
	struct converge_history h = { 0 };
	enum converge_action last = CONVERGE_NONE;

	g->left = g->memory;
	g->iteration = 1;
	g->downtime_ms = 300;
	while (!g->done && g->at_ms < 4000 * 1000) {
		struct converge_sample s = guest_sample(g);
		struct converge_decision d;

		converge_note(&h, &s);
		d = converge_decide(p, &h, &s);
		converge_took(&h, &d);
		guest_obey(g, &d);
		if (d.action != CONVERGE_NONE && d.action != CONVERGE_SET_DOWNTIME)
			last = d.action;
		if (d.action == CONVERGE_ABORT)
			break;
		guest_run(g, 500);
	}
	return last;
}

static const struct {
	const char *name;
	int64_t working_mib, dirty_mibs, bps_mibs; /* of 2 GiB */
	bool post_copy, force;
	enum converge_action want;
	int64_t within_s, downtime_max_ms;
	int64_t limit_ms; /* the longest permitted pause; 0: 500 */
	int64_t deadline_s; /* 0: 1600 */
} guests[] = {
	{ "idle",                        1,    0,   100, false, false, CONVERGE_NONE,     25,   50 },
	{ "light",                       500,  10,  100, false, false, CONVERGE_NONE,     30,   50 },
	{ "half the speed",              1500, 50,  100, false, false, CONVERGE_NONE,     60,   50 },
	{ "small hot set, very fast",    30,   900, 100, false, false, CONVERGE_NONE,     60,   500 },
	{ "hot set just within",         40,   900, 100, false, false, CONVERGE_NONE,     60,   500 },
	/* Iterations of 2.56 s, seen each half second: seen first when up to a fifth of one is gone. */
	{ "size seen late",              512,  500, 200, false, false, CONVERGE_NONE,     35,   3100, 5000 },
	{ "size seen late, slow",        384,  60,  50,  false, false, CONVERGE_NONE,     110,  9300, 20000 },
	{ "never, abort",                1500, 200, 100, false, false, CONVERGE_ABORT,    1602, 500 },
	{ "never, post-copy",            1500, 200, 100, true,  false, CONVERGE_POSTCOPY, 120,  500 },
	{ "never, forced near the deadline", 1500, 200, 100, false, true, CONVERGE_PAUSE, 1600, 500 },
	/* 20 s for all of it, and then 15 s an iteration: too few to tell a stall. */
	{ "deadline before it is known, forced",    1500, 200, 100, false, true, CONVERGE_PAUSE,    40, 500, 0, 40 },
	{ "deadline before it is known, post-copy", 1500, 200, 100, true, false, CONVERGE_POSTCOPY, 40, 500, 0, 40 },
	{ "ends by itself just in time",            500,  10,  100, true, true,  CONVERGE_NONE,     26, 50,  0, 26 },
};

static void test_adaptive(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(guests); i++) {
		struct converge_params p = defaults(CONVERGE_ADAPTIVE);
		struct guest g = { .memory = 2 * GIB, .working_set = guests[i].working_mib * MIB, .dirty_bps = guests[i].dirty_mibs * MIB,
				   .bps = guests[i].bps_mibs * MIB };
		enum converge_action got;

		p.downtime_ms = guests[i].limit_ms ? guests[i].limit_ms : p.downtime_ms;
		p.completion_timeout_s = guests[i].deadline_s ? guests[i].deadline_s / (int64_t)p.data_gb : p.completion_timeout_s;
		p.permit_post_copy = guests[i].post_copy;
		p.timeout_action = guests[i].force ? CONVERGE_TIMEOUT_FORCE : CONVERGE_TIMEOUT_ABORT;
		got = guest_migrate(&g, &p);
		g_test_message("%s: %s at %d s, downtime %d ms", guests[i].name, converge_action_name(got), (int)(g.at_ms / 1000), (int)g.downtime_ms);
		if (got != guests[i].want || g.at_ms > guests[i].within_s * 1000 || g.downtime_ms > guests[i].downtime_max_ms)
			g_error("%s: got %s at %d s with %d ms, want %s within %d s and %d ms", guests[i].name, converge_action_name(got),
				(int)(g.at_ms / 1000), (int)g.downtime_ms, converge_action_name(guests[i].want), (int)guests[i].within_s,
				(int)guests[i].downtime_max_ms);
		g_assert_true(g.done == (got != CONVERGE_ABORT));
	}
}

/* What an iteration had to send, though it was first seen when some of that was gone. In MiB. */
static const struct {
	const char *name;
	struct {
		int64_t iteration, processed, remaining;
	} s[2];
	int64_t want;
} sizes[] = {
	{ "the same iteration",          { { 2, 2048, 300 }, { 2, 2148, 200 } }, 300 },
	{ "the next one, at its start",  { { 2, 2048, 100 }, { 3, 2148, 400 } }, 400 },
	{ "the next one, a while later", { { 2, 2048, 40 },  { 3, 2148, 340 } }, 400 },
	{ "after pages of zeros",        { { 1, 100, 1000 }, { 2, 300, 340 } },  340 },
	{ "several passed",              { { 2, 2048, 10 },  { 6, 2148, 7 } },   25 },
	{ "several passed, a large one", { { 2, 2048, 10 },  { 4, 2148, 90 } },  90 },
	{ "never more than all",         { { 2, 1000, 0 },   { 3, 9000, 10 } },  2048 },
	{ "begun again",                  { { 5, 5000, 100 }, { 1, 10, 2038 } },  2038 },
};

static void test_sizes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct converge_history h = { 0 };

		for (int k = 0; k < 2; k++)
			converge_note(&h, &(struct converge_sample){
				.at_ms = k * 500, .iteration = sizes[i].s[k].iteration, .processed = sizes[i].s[k].processed * MIB,
				.remaining = sizes[i].s[k].remaining * MIB, .total = 2048 * MIB,
			});
		if (h.iteration_size != sizes[i].want * MIB)
			g_error("%s: %d MiB, want %d", sizes[i].name, (int)(h.iteration_size / MIB), (int)sizes[i].want);
	}
}

/* The saw-tooth's teeth are no stall, and its falls no progress. */
static void test_stall(void)
{
	struct converge_history h = { 0 };
	struct converge_sample s = { .total = 2 * GIB, .remaining = 2 * GIB, .iteration = 1, .bps = 100 * MIB };

	for (s.iteration = 1; s.iteration <= 5; s.iteration++) {
		for (int tick = 0; tick < 20; tick++) {
			s.remaining = (s.iteration == 1 ? 2 * GIB : 400 * MIB) * (20 - tick) / 20;
			s.at_ms += 500;
			s.processed += 50 * MIB;
			converge_note(&h, &s);
			if (s.iteration <= 4)
				g_assert_false(converge_stalled(&h));
		}
	}
	g_assert_true(converge_stalled(&h));
}

static void test_eta(void)
{
	struct converge_params p = defaults(CONVERGE_ADAPTIVE);
	struct converge_history h = { 0 };
	struct converge_sample s = { .total = 2 * GIB, .remaining = 1000 * MIB, .iteration = 1, .bps = 100 * MIB, .at_ms = 1000 };
	struct converge_eta e;

	g_assert_false(converge_eta(&p, &h, &s).known); /* nothing is known yet */
	converge_note(&h, &s);
	h.downtime_ms = 1000;
	e = converge_eta(&p, &h, &s);
	g_assert_true(e.known);
	g_assert_cmpint(e.ms, ==, 9000);
	s.dirty_bps = 50 * MIB;
	s.at_ms = 1500;
	converge_note(&h, &s);
	g_assert_cmpint(converge_eta(&p, &h, &s).ms, ==, 18000);
	s.dirty_bps = 900 * MIB;
	converge_note(&h, &s);
	g_assert_false(converge_eta(&p, &h, &s).known); /* dirtied faster than sent */
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/converge/data_gb", test_data_gb);
	g_test_add_func("/converge/ramp", test_ramp);
	g_test_add_func("/converge/timeouts", test_timeouts);
	g_test_add_func("/converge/sizes", test_sizes);
	g_test_add_func("/converge/stall", test_stall);
	g_test_add_func("/converge/adaptive", test_adaptive);
	g_test_add_func("/converge/eta", test_eta);
	return g_test_run();
}
