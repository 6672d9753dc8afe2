/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verdict asks for: is there an answer for each, in each phase, and is it waited for where there is no way back?
 */
#include <glib.h>

#include "live/settle.h"

static const enum mig_phase phases[] = { MIG_COPY, MIG_UNDO, MIG_FINISH };

/* Verdicts that two answers of different instants could fake, and that end the migration or raise an alarm. */
static bool wants_to_be_sure(enum probe_verdict v)
{
	return v == PROBE_SPLIT || v == PROBE_UNDECIDED || v == PROBE_MEMORY_LOST || v == PROBE_ORPHANED || v == PROBE_LOST;
}

/* What nothing but the two hosts decides, whatever the row's phase. */
static bool same_in_each(enum probe_verdict v)
{
	return wants_to_be_sure(v) || v == PROBE_WAIT || v == PROBE_POSTCOPY_RUN || v == PROBE_POSTCOPY_BROKEN || v == PROBE_POSTCOPY_RESUME;
}

static void check_row(enum probe_verdict v)
{
	settle_f *acts[G_N_ELEMENTS(phases)];
	int seen;

	g_test_message("%s", probe_verdict_name(v));
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
		acts[i] = settle_rule(v, phases[i], &seen);
		g_assert_nonnull(acts[i]);
		g_assert_cmpint(seen, ==, wants_to_be_sure(v) ? 3 : 1);
	}
	if (same_in_each(v))
		g_assert_true(acts[0] == acts[1] && acts[1] == acts[2]);
	else
		g_assert_true(acts[2] != acts[0] && acts[2] != acts[1]);
}

static void test_complete(void)
{
	for (int v = 0; v < PROBE_VERDICT_N; v++)
		check_row(v);
}

/* A guest that runs at its destination and whose source has a job again, by hand: without the destination's word nothing is done. */
static void test_silent_destination(void)
{
	struct sending sending = { .watch.polling = false };
	struct live priv = { .sending = &sending };
	struct mig m = { .phase = MIG_FINISH, .priv = &priv };
	int seen;

	g_assert_cmpint(settle_rule(PROBE_COPYING, MIG_FINISH, &seen)(&m), ==, LIVE_AGAIN);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/settle/complete", test_complete);
	g_test_add_func("/settle/finish-and-a-silent-destination", test_silent_destination);
	return g_test_run();
}
