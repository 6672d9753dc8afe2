/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "live/probe.h"

#define H(x) HV_HALF_##x

/* The rows of "What a restart does" in docs/ARCHITECTURE.md. */
static const struct {
	const char *name;
	enum hv_half source, dest;
	bool job;
	enum probe_verdict want;
} cases[] = {
	{ "copying",                       H(RUN),      H(INCOMING), true,  PROBE_COPYING },
	{ "copying, not yet there",        H(RUN),      H(ABSENT),   true,  PROBE_COPYING },
	{ "copying, destination silent",   H(RUN),      H(UNKNOWN),  true,  PROBE_COPYING },
	{ "never began",                   H(RUN),      H(ABSENT),   false, PROBE_NOT_MOVED },
	{ "never began, old definition",   H(RUN),      H(OFF),      false, PROBE_NOT_MOVED },
	{ "paused guest, never began",     H(PAUSED),   H(ABSENT),   false, PROBE_NOT_MOVED },
	{ "the source gave up",            H(RUN),      H(INCOMING), false, PROBE_LEFTOVER },
	{ "post-copy",                     H(POSTCOPY), H(RUN),      true,  PROBE_POSTCOPY_RUN },
	{ "post-copy at both",             H(POSTCOPY), H(POSTCOPY), true,  PROBE_POSTCOPY_RUN },
	{ "post-copy broken",              H(BROKEN),   H(RUN),      false, PROBE_POSTCOPY_BROKEN },
	{ "post-copy broken, link hangs",  H(BROKEN),   H(POSTCOPY), true,  PROBE_POSTCOPY_BROKEN },
	{ "... destination silent",        H(BROKEN),   H(UNKNOWN),  true,  PROBE_POSTCOPY_BROKEN },
	{ "... not yet running there",     H(BROKEN),   H(INCOMING), true,  PROBE_POSTCOPY_BROKEN },
	{ "post-copy broken at both",      H(BROKEN),   H(BROKEN),   true,  PROBE_POSTCOPY_RESUME },
	{ "... and no job",                H(BROKEN),   H(BROKEN),   false, PROBE_POSTCOPY_RESUME },
	{ "post-copy, resumed there",      H(POSTCOPY), H(BROKEN),   true,  PROBE_POSTCOPY_RUN },
	{ "destination died in post-copy", H(BROKEN),   H(OFF),      false, PROBE_MEMORY_LOST },
	{ "... and has no definition",     H(BROKEN),   H(ABSENT),   true,  PROBE_MEMORY_LOST },
	{ "source died in post-copy",      H(CRASHED),  H(BROKEN),   false, PROBE_MEMORY_LOST },
	{ "... the destination's libvirtd is new", H(CRASHED), H(POSTCOPY), false, PROBE_MEMORY_LOST },
	{ "... with its host",             H(OFF),      H(POSTCOPY), false, PROBE_MEMORY_LOST },
	{ "post-copy done, not yet told",  H(MIGRATED), H(POSTCOPY), false, PROBE_WAIT },
	{ "stopped in the switch-over",    H(SWITCH),   H(INCOMING), false, PROBE_LEFTOVER },
	{ "stopped, destination cleaned",  H(SWITCH),   H(ABSENT),   false, PROBE_RESUME_SOURCE },
	{ "switching",                     H(SWITCH),   H(INCOMING), true,  PROBE_COPYING },
	{ "succeeded",                     H(ABSENT),   H(RUN),      false, PROBE_MOVED },
	{ "succeeded, still defined",      H(MIGRATED), H(RUN),      false, PROBE_MOVED },
	{ "succeeded, paused guest",       H(ABSENT),   H(PAUSED),   false, PROBE_MOVED },
	{ "succeeded, then shut off",      H(ABSENT),   H(OFF),      false, PROBE_MOVED },
	{ "confirmation lost",             H(SWITCH),   H(RUN),      false, PROBE_STALE_SOURCE },
	{ "... and its host has died",     H(SWITCH),   H(OFF),      false, PROBE_UNDECIDED },
	{ "... and nothing would be left", H(SWITCH),  H(NO_TRACE),  false, PROBE_UNDECIDED },
	{ "gone, and nothing would be left", H(ABSENT), H(NO_TRACE), false, PROBE_LOST },
	{ "never began, no definition",    H(RUN),      H(NO_TRACE), false, PROBE_NOT_MOVED },
	{ "could not begin there",         H(SWITCH),   H(FAILED),   false, PROBE_RESUME_SOURCE },
	{ "split brain",                   H(RUN),      H(RUN),      false, PROBE_SPLIT },
	{ "split brain, one paused",       H(RUN),      H(PAUSED),   false, PROBE_SPLIT },
	{ "lost",                          H(ABSENT),   H(ABSENT),   false, PROBE_LOST },
	{ "shut off meanwhile",            H(OFF),      H(ABSENT),   false, PROBE_STOPPED },
	{ "source unreachable",            H(UNKNOWN),  H(RUN),      false, PROBE_WAIT },
	{ "both unreachable",              H(UNKNOWN),  H(UNKNOWN),  false, PROBE_WAIT },
	{ "destination unreachable",       H(RUN),      H(UNKNOWN),  false, PROBE_NOT_MOVED_BLIND },
	{ "paused, destination silent",    H(PAUSED),   H(UNKNOWN),  false, PROBE_WAIT },
	{ "gone, destination silent",      H(ABSENT),   H(UNKNOWN),  false, PROBE_WAIT },
	{ "shuts off, copying",            H(ENDING),   H(INCOMING), true,  PROBE_COPYING },
	{ "shuts off, still waiting there", H(ENDING),  H(INCOMING), false, PROBE_WAIT },
	{ "shuts off, never began",        H(ENDING),   H(ABSENT),   false, PROBE_WAIT },
	{ "half of it runs there already", H(ENDING),   H(RUN),      false, PROBE_WAIT },
	{ "moved, then shuts off",         H(ABSENT),   H(ENDING),   false, PROBE_WAIT },
	{ "stopped, half there is ending", H(SWITCH),   H(ENDING),   false, PROBE_WAIT },
	{ "never began, half is ending",   H(RUN),      H(ENDING),   false, PROBE_WAIT },
	{ "destination is dying in post-copy", H(BROKEN), H(ENDING), false, PROBE_POSTCOPY_BROKEN },
	{ "gone, still waiting there",     H(ABSENT),   H(INCOMING), false, PROBE_ORPHANED },
	{ "moved, not yet told there",     H(MIGRATED), H(INCOMING), false, PROBE_WAIT },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		enum probe_verdict got = probe_decide(cases[i].source, cases[i].dest, cases[i].job);

		if (got != cases[i].want)
			g_error("%s: got %s, want %s", cases[i].name, probe_verdict_name(got), probe_verdict_name(cases[i].want));
	}
}

static bool lives(enum hv_half h)
{
	return h == HV_HALF_RUN || h == HV_HALF_PAUSED;
}

static bool in_postcopy(enum hv_half h)
{
	return h == HV_HALF_POSTCOPY || h == HV_HALF_BROKEN;
}

/* What neither destroys, undefines nor starts one of the halves. */
static bool leaves_halves_alone(enum probe_verdict v)
{
	return v == PROBE_WAIT || v == PROBE_COPYING || v == PROBE_POSTCOPY_RUN || v == PROBE_POSTCOPY_BROKEN || v == PROBE_POSTCOPY_RESUME ||
	       v == PROBE_MEMORY_LOST;
}

/* Whatever the states are: what a verdict lets the engine destroy or start is never the wrong copy. */
static void check_safe(enum hv_half src, enum hv_half dst, bool job, enum probe_verdict v)
{
	if (v == PROBE_LEFTOVER) /* destroys at the destination */
		g_assert_true(dst == HV_HALF_INCOMING && !job && !in_postcopy(src));
	if (v == PROBE_RESUME_SOURCE) /* starts at the source */
		g_assert_true(src == HV_HALF_SWITCH && !job && (dst == HV_HALF_ABSENT || dst == HV_HALF_FAILED));
	if (v == PROBE_STALE_SOURCE) /* destroys at the source */
		g_assert_true(src == HV_HALF_SWITCH && !job && lives(dst));
	if (v == PROBE_MOVED) /* undefines at the source */
		g_assert_true(!lives(src) && src != HV_HALF_SWITCH && !in_postcopy(src) && src != HV_HALF_UNKNOWN && !job);
	if (v == PROBE_NOT_MOVED) /* begins again */
		g_assert_true(lives(src) && !lives(dst) && dst != HV_HALF_INCOMING && dst != HV_HALF_UNKNOWN && !job);
	if (in_postcopy(src) || in_postcopy(dst))
		g_assert_true(leaves_halves_alone(v));
	if (v == PROBE_POSTCOPY_RESUME)
		g_assert_true(src == HV_HALF_BROKEN && dst == HV_HALF_BROKEN);
	if (v == PROBE_MEMORY_LOST) /* one of them is not there any more */
		g_assert_true(in_postcopy(src) != in_postcopy(dst));
	if (v == PROBE_ORPHANED)
		g_assert_true(src == HV_HALF_ABSENT && dst == HV_HALF_INCOMING && !job);
	if (src == HV_HALF_UNKNOWN)
		g_assert_cmpint(v, ==, PROBE_WAIT);
	/* What is about to end says nothing yet. */
	if (!job && !in_postcopy(src) && !in_postcopy(dst) && (src == HV_HALF_ENDING || dst == HV_HALF_ENDING))
		g_assert_cmpint(v, ==, PROBE_WAIT);
	if (src == HV_HALF_RUN && dst == HV_HALF_RUN)
		g_assert_cmpint(v, ==, PROBE_SPLIT);
}

static void test_safe(void)
{
	for (int src = 0; src < HV_HALF_N; src++)
		for (int dst = 0; dst < HV_HALF_N; dst++)
			for (int job = 0; job <= 1; job++)
				check_safe(src, dst, job, probe_decide(src, dst, job));
}

static void test_halves(void)
{
	struct hv_dom d = { .state = HV_PAUSED, .reason = HV_R_MIGRATION };

	g_assert_cmpint(hv_source_half(&d), ==, HV_HALF_SWITCH);
	g_assert_cmpint(hv_dest_half(&d), ==, HV_HALF_INCOMING);
	g_assert_cmpint(hv_source_half(NULL), ==, HV_HALF_UNKNOWN);
	d = (struct hv_dom){ .state = HV_PAUSED, .reason = HV_R_USER, .job_incoming = true };
	g_assert_cmpint(hv_dest_half(&d), ==, HV_HALF_INCOMING);
	d = (struct hv_dom){ .state = HV_RUNNING, .reason = HV_R_POSTCOPY };
	g_assert_cmpint(hv_dest_half(&d), ==, HV_HALF_POSTCOPY);
	d = (struct hv_dom){ .state = HV_SHUTDOWN, .job_incoming = true };
	g_assert_cmpint(hv_dest_half(&d), ==, HV_HALF_ENDING);
	g_assert_cmpint(hv_source_half(&d), ==, HV_HALF_ENDING);
	d = (struct hv_dom){ .state = HV_SHUTOFF, .reason = HV_R_MIGRATED };
	g_assert_cmpint(hv_source_half(&d), ==, HV_HALF_MIGRATED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/probe/rows", test_rows);
	g_test_add_func("/probe/safe", test_safe);
	g_test_add_func("/probe/halves", test_halves);
	return g_test_run();
}
