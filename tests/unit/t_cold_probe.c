/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "cold/probe.h"

#define S(x) COLD_##x
#define H(x) COLD_H_##x
#define C(x) COLD_C_##x

/* Of a guest that ran, past LAND where the stage says so. */
static const struct {
	const char *name;
	enum cold_stage stage;
	enum cold_half source, dest;
	enum cold_carrier carrier;
	enum cold_verdict want;
} rows[] = {
	{ "runs still",                           S(STOP),    H(LIVES),   H(ABSENT),  C(NEEDLESS), COLD_SHUT_OFF },
	{ "runs, the destination is silent",      S(STOP),    H(LIVES),   H(UNKNOWN), C(NEEDLESS), COLD_SHUT_OFF },
	{ "off",                                  S(STOP),    H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_STOPPED },
	{ "undefined by other hands",             S(STOP),    H(ABSENT),  H(ABSENT),  C(NEEDLESS), COLD_LOST },
	{ "moved by other hands",                 S(STOP),    H(ABSENT),  H(OFF),     C(NEEDLESS), COLD_ELSEWHERE },
	{ "started at the destination",           S(STOP),    H(OFF),     H(LIVES),   C(NEEDLESS), COLD_ELSEWHERE },
	{ "source silent",                        S(STOP),    H(UNKNOWN), H(ABSENT),  C(NEEDLESS), COLD_WAIT },
	{ "nothing to carry",                     S(CARRY),   H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_CARRIED },
	{ "nothing is sent yet",                  S(CARRY),   H(OFF),     H(ABSENT),  C(NONE),     COLD_SEND },
	{ "copying",                              S(CARRY),   H(OFF),     H(ABSENT),  C(COPYING),  COLD_WATCH },
	{ "copying, the destination is silent",   S(CARRY),   H(OFF),     H(UNKNOWN), C(COPYING),  COLD_WATCH },
	{ "the copy failed",                      S(CARRY),   H(OFF),     H(ABSENT),  C(STUCK),    COLD_DROP_CARRIER },
	{ "arrived",                              S(CARRY),   H(OFF),     H(ABSENT),  C(ARRIVED),  COLD_CARRIED },
	{ "arrived, and not gone from the source", S(CARRY), H(OFF), H(ABSENT),  C(LEAVING),  COLD_CARRIED },
	{ "the carrier is not told",              S(CARRY),   H(OFF),     H(ABSENT),  C(UNKNOWN),  COLD_WAIT },
	{ "the destination fell silent",          S(CARRY),   H(OFF),     H(UNKNOWN), C(NEEDLESS), COLD_GIVE_UP },
	{ "started at the source while carried",  S(CARRY),   H(LIVES),   H(ABSENT),  C(COPYING),  COLD_SOURCE_STARTED },
	{ "source silent while carried",          S(CARRY),   H(UNKNOWN), H(ABSENT),  C(ARRIVED),  COLD_WAIT },
	{ "to be defined",                        S(LAND),    H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_DEFINE },
	{ "defined",                              S(LAND),    H(OFF),     H(OFF),     C(ARRIVED),  COLD_LANDED },
	{ "defined, and started by other hands",  S(LAND),    H(OFF),     H(LIVES),   C(NEEDLESS), COLD_LANDED },
	{ "started at the source before START",   S(LAND),    H(LIVES),   H(OFF),     C(NEEDLESS), COLD_SOURCE_STARTED },
	{ "landing at a silent host",             S(LAND),    H(OFF),     H(UNKNOWN), C(NEEDLESS), COLD_WAIT },
	{ "nowhere",                              S(LAND),    H(ABSENT),  H(ABSENT),  C(NEEDLESS), COLD_LOST },
	{ "to be started",                        S(START),   H(OFF),     H(OFF),     C(NEEDLESS), COLD_START_DEST },
	{ "the carrier is in the way",            S(START),   H(OFF),     H(OFF),     C(ARRIVED),  COLD_DROP_CARRIER },
	{ "the carrier leaves the source yet",    S(START),   H(OFF),     H(OFF),     C(LEAVING),  COLD_DROP_CARRIER },
	{ "it copies, though it has landed",      S(START),   H(OFF),     H(OFF),     C(COPYING),  COLD_WAIT },
	{ "its definition is gone again",         S(START),   H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_DEFINE },
	{ "started",                              S(START),   H(OFF),     H(LIVES),   C(NEEDLESS), COLD_ARRIVED },
	{ "started, the source is silent",        S(START),   H(UNKNOWN), H(LIVES),   C(NEEDLESS), COLD_ARRIVED },
	{ "not started, the source is silent",    S(START),   H(UNKNOWN), H(OFF),     C(NEEDLESS), COLD_WAIT },
	{ "starting at a silent host",            S(START),   H(OFF),     H(UNKNOWN), C(NEEDLESS), COLD_WAIT },
	{ "two states of it",                     S(START),   H(LIVES),   H(OFF),     C(NEEDLESS), COLD_TWO_SIDES },
	{ "split in START",                       S(START),   H(LIVES),   H(LIVES),   C(NEEDLESS), COLD_SPLIT },
	{ "rests",                                S(VERIFY),  H(OFF),     H(LIVES),   C(NEEDLESS), COLD_REST },
	{ "rests, silent",                        S(VERIFY),  H(UNKNOWN), H(UNKNOWN), C(NEEDLESS), COLD_REST },
	{ "split in VERIFY",                      S(VERIFY),  H(LIVES),   H(LIVES),   C(NEEDLESS), COLD_SPLIT },
	{ "to be forgotten",                      S(CONFIRM), H(OFF),     H(LIVES),   C(NEEDLESS), COLD_UNDEFINE_SOURCE },
	{ "to be forgotten, off",                 S(CONFIRM), H(OFF),     H(OFF),     C(NEEDLESS), COLD_UNDEFINE_SOURCE },
	{ "forgotten",                            S(CONFIRM), H(ABSENT),  H(LIVES),   C(NEEDLESS), COLD_CONFIRMED },
	{ "the source to forget is silent",       S(CONFIRM), H(UNKNOWN), H(LIVES),   C(NEEDLESS), COLD_CONFIRMED_BLIND },
	{ "not to be forgotten: the only one",    S(CONFIRM), H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_ONE_SIDED },
	{ "not to be forgotten: it runs again",   S(CONFIRM), H(LIVES),   H(OFF),     C(NEEDLESS), COLD_TWO_SIDES },
	{ "confirm, the destination is silent",   S(CONFIRM), H(OFF),     H(UNKNOWN), C(NEEDLESS), COLD_WAIT },
	{ "split in CONFIRM",                     S(CONFIRM), H(LIVES),   H(LIVES),   C(NEEDLESS), COLD_SPLIT },
	{ "revert: runs there",                   S(REVERT),  H(OFF),     H(LIVES),   C(NEEDLESS), COLD_DESTROY_DEST },
	{ "revert: stopped there",                S(REVERT),  H(OFF),     H(OFF),     C(NEEDLESS), COLD_UNDEFINE_DEST },
	{ "revert: gone there",                   S(REVERT),  H(OFF),     H(ABSENT),  C(NEEDLESS), COLD_START_SOURCE },
	{ "revert: runs again",                   S(REVERT),  H(LIVES),   H(ABSENT),  C(NEEDLESS), COLD_REVERTED },
	{ "revert: no way back",                  S(REVERT),  H(ABSENT),  H(LIVES),   C(NEEDLESS), COLD_ONE_SIDED },
	{ "revert: destination silent",           S(REVERT),  H(OFF),     H(UNKNOWN), C(NEEDLESS), COLD_WAIT },
	{ "revert: source silent",                S(REVERT),  H(UNKNOWN), H(LIVES),   C(NEEDLESS), COLD_WAIT },
	{ "revert: nowhere",                      S(REVERT),  H(ABSENT),  H(ABSENT),  C(NEEDLESS), COLD_LOST },
	{ "split in REVERT",                      S(REVERT),  H(LIVES),   H(LIVES),   C(NEEDLESS), COLD_SPLIT },
	{ "undo: carrier left",                   S(UNDO),    H(OFF),     H(ABSENT),  C(STUCK),    COLD_DROP_CARRIER },
	{ "undo: carrier not told",               S(UNDO),    H(OFF),     H(ABSENT),  C(UNKNOWN),  COLD_WAIT },
	{ "undo: carrier at a host that is not told", S(UNDO), H(OFF), H(ABSENT), C(GONE),     COLD_WAIT },
	{ "undo: definition left",                S(UNDO),    H(OFF),     H(OFF),     C(NONE),     COLD_UNDEFINE_DEST },
	{ "undo: to run again",                   S(UNDO),    H(OFF),     H(ABSENT),  C(NONE),     COLD_START_SOURCE },
	{ "undo: may be defined at a silent host", S(UNDO),   H(OFF),     H(UNKNOWN), C(NONE),     COLD_WAIT },
	{ "undo: runs, a carrier may be left",    S(UNDO),    H(LIVES),   H(UNKNOWN), C(GONE),     COLD_UNDONE_BLIND },
	{ "undo: runs, destination silent",       S(UNDO),    H(LIVES),   H(UNKNOWN), C(NONE),     COLD_UNDONE_BLIND },
	{ "undo: runs",                           S(UNDO),    H(LIVES),   H(ABSENT),  C(NONE),     COLD_UNDONE },
	{ "undo: the only definition",            S(UNDO),    H(ABSENT),  H(OFF),     C(NONE),     COLD_ONE_SIDED },
	{ "undo: started at the destination",     S(UNDO),    H(OFF),     H(LIVES),   C(NONE),     COLD_ELSEWHERE },
};

static enum cold_verdict must(const char *name, const struct cold_sight *s, enum cold_verdict want)
{
	enum cold_verdict got = cold_decide(s);

	if (got != want)
		g_error("%s: got %s, want %s", name, cold_verdict_name(got), cold_verdict_name(want));
	return got;
}

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct cold_sight s = { .stage = rows[i].stage, .source = rows[i].source, .dest = rows[i].dest, .carrier = rows[i].carrier,
			.ran = true, .landed = rows[i].stage >= COLD_LAND };

		must(rows[i].name, &s, rows[i].want);
	}
}

/* What the row says beside the stage. */
static void test_row_says(void)
{
	must("was off: not started", &(struct cold_sight){ COLD_START, H(OFF), H(OFF), C(NEEDLESS), .landed = true }, COLD_ARRIVED);
	must("was off: not started again", &(struct cold_sight){ COLD_REVERT, H(OFF), H(ABSENT), C(NONE), .landed = true }, COLD_REVERTED);
	must("was off: undone", &(struct cold_sight){ COLD_UNDO, H(OFF), H(ABSENT), C(NONE), .landed = true }, COLD_UNDONE);
	must("was off: undone at a silent host", &(struct cold_sight){ COLD_UNDO, H(OFF), H(UNKNOWN), C(NEEDLESS), .landed = true }, COLD_UNDONE_BLIND);
	must("was off: carried to a silent host", &(struct cold_sight){ COLD_UNDO, H(OFF), H(UNKNOWN), C(GONE) }, COLD_UNDONE_BLIND);
	must("silent before it had anything", &(struct cold_sight){ COLD_UNDO, H(OFF), H(UNKNOWN), C(NEEDLESS), .ran = true }, COLD_START_SOURCE);
	must("silent while it was carried", &(struct cold_sight){ COLD_UNDO, H(OFF), H(UNKNOWN), C(GONE), .ran = true }, COLD_START_SOURCE);
	must("an older definition stays", &(struct cold_sight){ COLD_UNDO, H(OFF), H(OFF), C(NONE), .ran = true }, COLD_START_SOURCE);
	must("may yet shut off", &(struct cold_sight){ COLD_UNDO, H(LIVES), H(ABSENT), C(NONE), .ran = true, .pressed = true }, COLD_SETTLE);
	must("has shut off since", &(struct cold_sight){ COLD_UNDO, H(OFF), H(ABSENT), C(NONE), .ran = true, .pressed = true }, COLD_START_SOURCE);
}

static bool quiet(enum cold_half h)
{
	return h == COLD_H_ABSENT || h == COLD_H_OFF;
}

static bool here(enum cold_half h)
{
	return h == COLD_H_LIVES || h == COLD_H_OFF;
}

/* It may run at the destination, for all that is known. */
static bool may_run_there(const struct cold_sight *s)
{
	return s->dest == COLD_H_LIVES || (s->dest == COLD_H_UNKNOWN && s->landed);
}

static bool source_has_authority(const struct cold_sight *s)
{
	return s->stage < COLD_START || s->stage == COLD_UNDO || s->stage == COLD_REVERT;
}

/* No guest is started while it runs or may run on the other host, or while a carrier may have its files. */
static void check_starts(const struct cold_sight *s, enum cold_verdict v)
{
	if (v == COLD_START_DEST)
		g_assert_true(s->stage == COLD_START && quiet(s->source) && s->dest == COLD_H_OFF && s->ran);
	if (v == COLD_START_SOURCE)
		g_assert_true((s->stage == COLD_REVERT || s->stage == COLD_UNDO) && s->source == COLD_H_OFF && !may_run_there(s) && s->ran);
	if (v == COLD_START_DEST || v == COLD_START_SOURCE)
		g_assert_true(s->carrier == COLD_C_NEEDLESS || s->carrier == COLD_C_NONE ||
			      (v == COLD_START_SOURCE && s->carrier == COLD_C_GONE && s->dest == COLD_H_UNKNOWN));
	if (v == COLD_SEND)
		g_assert_true(s->stage == COLD_CARRY && s->source == COLD_H_OFF && quiet(s->dest));
}

/* Nothing of the side that has the authority is destroyed, and no definition while the other side is not known to have the guest. */
static void check_destroys(const struct cold_sight *s, enum cold_verdict v)
{
	if (v == COLD_DESTROY_DEST)
		g_assert_true(s->stage == COLD_REVERT && s->source == COLD_H_OFF && s->dest == COLD_H_LIVES);
	if (v == COLD_UNDEFINE_DEST)
		g_assert_true(source_has_authority(s) && s->landed && here(s->source) && s->dest == COLD_H_OFF);
	if (v == COLD_UNDEFINE_SOURCE)
		g_assert_true(s->stage == COLD_CONFIRM && s->source == COLD_H_OFF && here(s->dest));
	if (v == COLD_SHUT_OFF)
		g_assert_true(s->stage == COLD_STOP && s->source == COLD_H_LIVES);
	if (v == COLD_DROP_CARRIER)
		g_assert_true(s->carrier == COLD_C_STUCK || s->carrier == COLD_C_ARRIVED || s->carrier == COLD_C_LEAVING || s->stage == COLD_UNDO || s->stage == COLD_REVERT);
	if (v == COLD_SEND) /* makes the files at the destination again */
		g_assert_true(s->carrier == COLD_C_NONE);
}

/* What ends a stage needs certain answers; "blind" says of which host it has none. */
static void check_ends(const struct cold_sight *s, enum cold_verdict v)
{
	if (v == COLD_STOPPED || v == COLD_CARRIED)
		g_assert_cmpint(s->source, ==, COLD_H_OFF);
	if (v == COLD_CARRIED)
		g_assert_true(s->carrier == COLD_C_NEEDLESS || s->carrier == COLD_C_ARRIVED || s->carrier == COLD_C_LEAVING);
	if (v == COLD_LANDED || v == COLD_ARRIVED)
		g_assert_true(here(s->dest) && s->source != COLD_H_LIVES);
	if (v == COLD_CONFIRMED)
		g_assert_true(s->source == COLD_H_ABSENT && here(s->dest));
	if (v == COLD_CONFIRMED_BLIND)
		g_assert_true(s->source == COLD_H_UNKNOWN && here(s->dest));
	if (v == COLD_REVERTED)
		g_assert_true(here(s->source) && s->dest == COLD_H_ABSENT);
	if (v == COLD_UNDONE || v == COLD_UNDONE_BLIND)
		g_assert_true(here(s->source) && s->dest != COLD_H_LIVES);
	if ((v == COLD_REVERTED || v == COLD_UNDONE) && s->ran)
		g_assert_cmpint(s->source, ==, COLD_H_LIVES);
}

/* A host that does not answer is waited for; only what is named here goes on without it. */
static void check_unreachable(const struct cold_sight *s, enum cold_verdict v)
{
	if (s->source == COLD_H_UNKNOWN)
		g_assert_true(v == COLD_WAIT || v == COLD_REST || v == COLD_CONFIRMED_BLIND || (v == COLD_ARRIVED && s->dest == COLD_H_LIVES));
	if (s->dest == COLD_H_UNKNOWN && s->landed && s->stage >= COLD_LAND && s->stage != COLD_UNDO && s->stage != COLD_VERIFY)
		g_assert_true(v == COLD_WAIT || v == COLD_SOURCE_STARTED);
	if (s->source == COLD_H_LIVES && s->dest == COLD_H_LIVES)
		g_assert_cmpint(v, ==, COLD_SPLIT);
}

static void each(void (*check)(const struct cold_sight *s, enum cold_verdict v))
{
	for (int stage = 0; stage < COLD_STAGE_N; stage++)
		for (int source = 0; source < COLD_H_N; source++)
			for (int dest = 0; dest < COLD_H_N; dest++)
				for (int carrier = 0; carrier < COLD_C_N; carrier++)
					for (int bits = 0; bits < 8; bits++) {
						bool landed = stage == COLD_UNDO ? bits & 2 : stage >= COLD_LAND;
						struct cold_sight s = { stage, source, dest, carrier, bits & 1, landed, bits & 4 };

						check(&s, cold_decide(&s));
					}
}

static void test_safe(void)
{
	each(check_starts);
	each(check_destroys);
	each(check_ends);
	each(check_unreachable);
}

static void test_halves(void)
{
	static const enum cold_half want[] = {
		[HV_UNKNOWN] = COLD_H_UNKNOWN, [HV_ABSENT] = COLD_H_ABSENT, [HV_SHUTOFF] = COLD_H_OFF, [HV_RUNNING] = COLD_H_LIVES,
		[HV_PAUSED] = COLD_H_LIVES, [HV_CRASHED] = COLD_H_LIVES, [HV_SUSPENDED] = COLD_H_LIVES, [HV_SHUTDOWN] = COLD_H_LIVES,
	};

	G_STATIC_ASSERT(G_N_ELEMENTS(want) == HV_STATE_N);
	for (int state = 0; state < HV_STATE_N; state++)
		g_assert_cmpint(cold_half_of(&(struct hv_dom){ .state = state }), ==, want[state]);
	g_assert_cmpint(cold_half_of(NULL), ==, COLD_H_UNKNOWN);
}

static void test_carriers(void)
{
	static const struct {
		enum carrier_state source, dest;
		enum cold_carrier want;
	} cases[] = {
		{ CARRIER_ABSENT,   CARRIER_ABSENT,   C(NONE) },
		{ CARRIER_COPYING,  CARRIER_COMING,   C(COPYING) },
		{ CARRIER_COPYING,  CARRIER_NOT_TOLD, C(COPYING) },
		{ CARRIER_COPYING,  CARRIER_ARRIVED,  C(LEAVING) },
		{ CARRIER_IDLE,     CARRIER_ABSENT,   C(STUCK) },
		{ CARRIER_IDLE,     CARRIER_NOT_TOLD, C(STUCK) },
		{ CARRIER_IDLE,     CARRIER_COMING,   C(STUCK) },
		{ CARRIER_IDLE,     CARRIER_ARRIVED,  C(STUCK) },
		{ CARRIER_ABSENT,   CARRIER_COMING,   C(STUCK) },
		{ CARRIER_ABSENT,   CARRIER_ARRIVED,  C(ARRIVED) },
		{ CARRIER_ABSENT,   CARRIER_NOT_TOLD, C(GONE) },
		{ CARRIER_NOT_TOLD, CARRIER_ARRIVED,  C(UNKNOWN) },
		{ CARRIER_NOT_TOLD, CARRIER_ABSENT,   C(UNKNOWN) },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		enum cold_carrier got = cold_carrier_of(cases[i].source, cases[i].dest);

		if (got != cases[i].want)
			g_error("%s, %s: got %s, want %s", carrier_state_name(cases[i].source), carrier_state_name(cases[i].dest), cold_carrier_name(got),
				cold_carrier_name(cases[i].want));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cold_probe/rows", test_rows);
	g_test_add_func("/cold_probe/row_says", test_row_says);
	g_test_add_func("/cold_probe/safe", test_safe);
	g_test_add_func("/cold_probe/halves", test_halves);
	g_test_add_func("/cold_probe/carriers", test_carriers);
	return g_test_run();
}
