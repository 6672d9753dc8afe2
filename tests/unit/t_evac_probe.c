/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "evacuate/probe.h"

#define S(x) EVAC_##x
#define H(x) EVAC_H_##x

/* Of a guest that is to run, unless the row says else. */
static const struct {
	const char *name;
	enum evac_stage stage;
	enum evac_half source, dest;
	bool off, resumed, looked, lost, was_off;
	enum evac_verdict want;
} rows[] = {
	{ "nothing there",                     S(SPAWN), H(SILENT),  H(ABSENT),  .want = EVAC_DEFINE },
	{ "defined",                           S(SPAWN), H(SILENT),  H(OFF),     .want = EVAC_START },
	{ "being started",                     S(SPAWN), H(SILENT),  H(BUSY),    .want = EVAC_WAIT },
	{ "it waits",                          S(SPAWN), H(SILENT),  H(PAUSED),  .want = EVAC_LOOK },
	{ "it waits, and its host is silent",  S(SPAWN), H(SILENT),  H(PAUSED),  .looked = true, .want = EVAC_RESUME },
	{ "it runs",                           S(SPAWN), H(SILENT),  H(RUNS),    .resumed = true, .want = EVAC_ARRIVED },
	{ "the destination is silent",         S(SPAWN), H(SILENT),  H(UNKNOWN), .resumed = true, .want = EVAC_WAIT },
	{ "defined, and it is to be off",      S(SPAWN), H(SILENT),  H(OFF),     .off = true, .want = EVAC_ARRIVED },
	{ "its host is back without it",       S(SPAWN), H(ABSENT),  H(PAUSED),  .want = EVAC_RESUME },
	{ "its host is back, and it is off",   S(SPAWN), H(OFF),     H(ABSENT),  .want = EVAC_DEFINE },
	{ "its host is back, and does not say", S(SPAWN), H(UNKNOWN), H(PAUSED), .looked = true, .want = EVAC_WAIT },
	{ "its host is back, and runs it",     S(SPAWN), H(RUNS),    H(PAUSED),  .looked = true, .want = EVAC_BACK },
	{ "its host starts it",                S(SPAWN), H(BUSY),    H(OFF),     .want = EVAC_BACK },
	{ "its host runs it, nothing there",   S(SPAWN), H(RUNS),    H(ABSENT),  .want = EVAC_BACK },
	{ "two copies",                        S(SPAWN), H(RUNS),    H(RUNS),    .resumed = true, .want = EVAC_SPLIT },
	{ "two copies, one was told to run",   S(SPAWN), H(RUNS),    H(PAUSED),  .resumed = true, .want = EVAC_SPLIT },
	{ "its host was switched on, waits",   S(SPAWN), H(SILENT),  H(PAUSED),  .looked = true, .lost = true, .want = EVAC_WAIT },
	{ "its host was switched on, nothing", S(SPAWN), H(SILENT),  H(ABSENT),  .lost = true, .want = EVAC_WAIT },
	{ "its host was switched on, it runs", S(SPAWN), H(SILENT),  H(RUNS),    .resumed = true, .lost = true, .want = EVAC_ARRIVED },
	{ "the destination is dead",           S(SPAWN), H(SILENT),  H(DEAD),    .want = EVAC_DEST_DEAD },
	{ "the same, it was told to run",      S(SPAWN), H(SILENT),  H(DEAD),    .resumed = true, .want = EVAC_DEST_DEAD },
	{ "its host runs it, the other is dead", S(SPAWN), H(RUNS),  H(DEAD),    .resumed = true, .want = EVAC_BACK },
	{ "undo: the destination is dead",     S(UNDO),  H(SILENT),  H(DEAD),    .resumed = true, .want = EVAC_UNDONE },
	{ "undo: it waits",                    S(UNDO),  H(RUNS),    H(PAUSED),  .want = EVAC_DESTROY_DEST },
	{ "undo: it was told to run",          S(UNDO),  H(SILENT),  H(PAUSED),  .resumed = true, .want = EVAC_ARRIVED },
	{ "undo: defined",                     S(UNDO),  H(SILENT),  H(OFF),     .want = EVAC_UNDEFINE_DEST },
	{ "undo: nothing there",               S(UNDO),  H(RUNS),    H(ABSENT),  .want = EVAC_UNDONE },
	{ "undo: it runs there",               S(UNDO),  H(SILENT),  H(RUNS),    .want = EVAC_ARRIVED },
	{ "undo: two copies",                  S(UNDO),  H(RUNS),    H(RUNS),    .want = EVAC_SPLIT },
	{ "clean: nothing left",               S(CLEAN), H(ABSENT),  H(RUNS),    .want = EVAC_COMPLETED },
	{ "clean: defined",                    S(CLEAN), H(OFF),     H(RUNS),    .want = EVAC_UNDEFINE_SOURCE },
	{ "clean: defined, off at home",       S(CLEAN), H(OFF),     H(OFF),     .want = EVAC_UNDEFINE_SOURCE },
	{ "clean: the last definition",        S(CLEAN), H(OFF),     H(ABSENT),  .want = EVAC_LAST_COPY },
	{ "clean: home is silent",             S(CLEAN), H(OFF),     H(UNKNOWN), .want = EVAC_WAIT },
	{ "clean: it was started, runs at home", S(CLEAN), H(RUNS),  H(RUNS),    .was_off = true, .want = EVAC_DESTROY_SOURCE },
	{ "clean: it never ended, runs at home", S(CLEAN), H(RUNS),  H(RUNS),    .want = EVAC_CUT_OFF },
	{ "clean: it waits, runs at home",     S(CLEAN), H(PAUSED),  H(RUNS),    .want = EVAC_CUT_OFF },
	{ "clean: it runs, and is off at home", S(CLEAN), H(RUNS),   H(OFF),     .want = EVAC_LAST_COPY },
	{ "clean: it runs, home is silent",    S(CLEAN), H(RUNS),    H(UNKNOWN), .want = EVAC_WAIT },
	{ "clean: silent again",               S(CLEAN), H(SILENT),  H(RUNS),    .want = EVAC_AWAY },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct evac_sight s = { rows[i].stage, rows[i].source, rows[i].dest, !rows[i].off, rows[i].resumed, rows[i].looked, rows[i].lost, rows[i].was_off };

		g_test_message("%s", rows[i].name);
		g_assert_cmpstr(evac_verdict_name(evac_decide(&s)), ==, evac_verdict_name(rows[i].want));
	}
}

static bool may_run(enum evac_half h)
{
	return h == H(BUSY) || h == H(PAUSED) || h == H(RUNS) || h == H(UNKNOWN);
}

static bool lives(enum evac_half h)
{
	return h == H(PAUSED) || h == H(RUNS);
}

/* What no combination may lead to. */
static void judge(const struct evac_sight *s, enum evac_verdict v)
{
	g_test_message("stage %d, source %s, dest %s, runs %d, resumed %d, looked %d: %s", s->stage, evac_half_name(s->source), evac_half_name(s->dest),
		       s->runs, s->resumed, s->looked, evac_verdict_name(v));
	/* nothing is started or let run while the old host has it, or does not say */
	if (v == EVAC_START || v == EVAC_RESUME || v == EVAC_DEFINE)
		g_assert_true(s->stage == EVAC_SPAWN && !may_run(s->source) && !(s->source == H(SILENT) && s->lost));
	/* nothing that may run there is left for another host */
	if (v == EVAC_UNDONE || v == EVAC_DEST_DEAD)
		g_assert_true(s->dest == H(DEAD) || (v == EVAC_UNDONE && s->dest == H(ABSENT)));
	/* nothing runs before its old host was looked for, and nothing that is to be off */
	if (v == EVAC_RESUME)
		g_assert_true(s->runs && s->dest == H(PAUSED) && (s->source == H(SILENT) ? s->looked : s->source == H(OFF) || s->source == H(ABSENT)));
	/* nothing that may have run is taken away at the destination */
	if (v == EVAC_DESTROY_DEST)
		g_assert_true(s->stage == EVAC_UNDO && !s->resumed && s->dest == H(PAUSED));
	/* at the old host nothing goes that is not known to be at the server's own */
	if (v == EVAC_DESTROY_SOURCE)
		g_assert_true(s->stage == EVAC_CLEAN && s->off && lives(s->source) && lives(s->dest));
	if (v == EVAC_UNDEFINE_SOURCE)
		g_assert_true(s->stage == EVAC_CLEAN && s->source == H(OFF) && (lives(s->dest) || s->dest == H(OFF)));
	if (v == EVAC_UNDEFINE_DEST)
		g_assert_true(s->stage == EVAC_UNDO && s->dest == H(OFF));
	/* the record moves only while no other copy is known */
	if (v == EVAC_ARRIVED)
		g_assert_true(!may_run(s->source) && s->dest != H(ABSENT) && s->dest != H(UNKNOWN));
}

static void test_all(void)
{
	for (int stage = 0; stage < EVAC_STAGE_N; stage++)
		for (int source = 0; source < EVAC_H_N; source++)
			for (int dest = 0; dest < EVAC_H_N; dest++)
				for (int bits = 0; bits < 32; bits++) {
					struct evac_sight s = { stage, source, dest, bits & 1, bits & 2, bits & 4, bits & 8, bits & 16 };

					judge(&s, evac_decide(&s));
				}
}

static void test_halves(void)
{
	struct hv_dom d = { .state = HV_RUNNING };

	g_assert_cmpint(evac_half_of(NULL), ==, H(UNKNOWN));
	g_assert_cmpint(evac_half_of(&d), ==, H(RUNS));
	d.state = HV_PAUSED;
	d.reason = HV_R_USER;
	g_assert_cmpint(evac_half_of(&d), ==, H(PAUSED));
	d.reason = HV_R_STARTING;
	g_assert_cmpint(evac_half_of(&d), ==, H(BUSY));
	d.state = HV_SHUTOFF;
	g_assert_cmpint(evac_half_of(&d), ==, H(OFF));
	d.state = HV_ABSENT;
	g_assert_cmpint(evac_half_of(&d), ==, H(ABSENT));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/evac_probe/rows", test_rows);
	g_test_add_func("/evac_probe/all", test_all);
	g_test_add_func("/evac_probe/halves", test_halves);
	return g_test_run();
}
