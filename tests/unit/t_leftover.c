/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done about leftovers: every combination of what is seen, which row explains it, and what the server's own host says.
 */
#include "move/leftover.h"

/* What must hold, whatever the table says. Return: NULL, or what is wrong. */
static const char *wrong(enum leftover_seen seen, enum leftover_row row, enum leftover_home home, enum leftover_act act)
{
	if (act == LEFTOVER_KEEP)
		return NULL;
	if (row == LEFTOVER_NO_ROW)
		return "what no row explains stays";
	if (seen == LEFTOVER_CARRIER)
		return act == LEFTOVER_DESTROY && row == LEFTOVER_OVER ? NULL : "a carrier is destroyed when its task is over, and not before";
	if (row == LEFTOVER_ACTIVE || row == LEFTOVER_OVER)
		return "of a carrier alone";
	if (seen == LEFTOVER_RUNNING)
		return "what runs is never touched";
	if (home == LEFTOVER_HOME_SILENT || home == LEFTOVER_HOME_BUSY || home == LEFTOVER_HOME_OTHER)
		return "the guest's own host must have said that it is there, and has no job";
	if (act == LEFTOVER_DESTROY && seen != LEFTOVER_WAITING)
		return "only a half that never ran is destroyed";
	if (act == LEFTOVER_UNDEFINE && (seen != LEFTOVER_OFF || (row != LEFTOVER_DEFINED && row != LEFTOVER_LEFT)))
		return "a definition goes only by its row";
	if (act == LEFTOVER_UNDEFINE && home != LEFTOVER_HOME_RUNS && row != LEFTOVER_LEFT)
		return "while the guest is off, the definition could be the newer one";
	return NULL;
}

static void test_safe(void)
{
	for (int seen = 0; seen < LEFTOVER_SEEN_N; seen++) {
		for (int row = 0; row < LEFTOVER_ROW_N; row++) {
			for (int home = 0; home < LEFTOVER_HOME_N; home++) {
				enum leftover_act act = leftover_decide((enum leftover_seen)seen, (enum leftover_row)row, (enum leftover_home)home);
				const char *why = wrong((enum leftover_seen)seen, (enum leftover_row)row, (enum leftover_home)home, act);

				if (why)
					g_error("seen %d, row %d, home %d: act %d: %s", seen, row, home, (int)act, why);
			}
		}
	}
}

/* What is removed at all, and its neighbours. */
static const struct {
	const char *name;
	enum leftover_seen seen;
	enum leftover_row row;
	enum leftover_home home;
	enum leftover_act want;
} cases[] = {
	{ "waiting, the guest runs",      LEFTOVER_WAITING, LEFTOVER_UNDONE,  LEFTOVER_HOME_RUNS,   LEFTOVER_DESTROY },
	{ "waiting, the guest is off",    LEFTOVER_WAITING, LEFTOVER_UNDONE,  LEFTOVER_HOME_OFF,    LEFTOVER_DESTROY },
	{ "waiting, the guest has a job", LEFTOVER_WAITING, LEFTOVER_UNDONE,  LEFTOVER_HOME_BUSY,   LEFTOVER_KEEP },
	{ "waiting, not yet asked",       LEFTOVER_WAITING, LEFTOVER_UNDONE,  LEFTOVER_HOME_SILENT, LEFTOVER_KEEP },
	{ "waiting, and of no row",       LEFTOVER_WAITING, LEFTOVER_NO_ROW,  LEFTOVER_HOME_RUNS,   LEFTOVER_KEEP },
	{ "defined, the guest runs",      LEFTOVER_OFF,     LEFTOVER_DEFINED, LEFTOVER_HOME_RUNS,   LEFTOVER_UNDEFINE },
	{ "defined, the guest is off",    LEFTOVER_OFF,     LEFTOVER_DEFINED, LEFTOVER_HOME_OFF,    LEFTOVER_KEEP },
	{ "defined, and by no row",       LEFTOVER_OFF,     LEFTOVER_UNDONE,  LEFTOVER_HOME_RUNS,   LEFTOVER_KEEP },
	{ "left, the guest runs",         LEFTOVER_OFF,     LEFTOVER_LEFT,    LEFTOVER_HOME_RUNS,   LEFTOVER_UNDEFINE },
	{ "left, the guest is off",       LEFTOVER_OFF,     LEFTOVER_LEFT,    LEFTOVER_HOME_OFF,    LEFTOVER_UNDEFINE },
	{ "left, and it may be the last", LEFTOVER_OFF,     LEFTOVER_LEFT,    LEFTOVER_HOME_OTHER,  LEFTOVER_KEEP },
	{ "left, its host is silent",     LEFTOVER_OFF,     LEFTOVER_LEFT,    LEFTOVER_HOME_SILENT, LEFTOVER_KEEP },
	{ "left, and started there",      LEFTOVER_RUNNING, LEFTOVER_LEFT,    LEFTOVER_HOME_RUNS,   LEFTOVER_KEEP },
	{ "carrier, its task is over",    LEFTOVER_CARRIER, LEFTOVER_OVER,    LEFTOVER_HOME_SILENT, LEFTOVER_DESTROY },
	{ "carrier, its task goes on",    LEFTOVER_CARRIER, LEFTOVER_ACTIVE,  LEFTOVER_HOME_RUNS,   LEFTOVER_KEEP },
	{ "carrier, of no row",           LEFTOVER_CARRIER, LEFTOVER_NO_ROW,  LEFTOVER_HOME_OFF,    LEFTOVER_KEEP },
	{ "it runs there",                LEFTOVER_RUNNING, LEFTOVER_DEFINED, LEFTOVER_HOME_OFF,    LEFTOVER_KEEP },
};

static void test_cases(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		g_assert_cmpint((int)leftover_decide(cases[i].seen, cases[i].row, cases[i].home), ==, (int)cases[i].want);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/leftover/safe", test_safe);
	g_test_add_func("/leftover/cases", test_cases);
	return g_test_run();
}
