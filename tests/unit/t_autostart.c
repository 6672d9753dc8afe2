/* SPDX-License-Identifier: Apache-2.0
 *
 * What a look at libvirt's autostart flag means: every combination, and those that a guest goes through.
 */
#include <string.h>

#include <glib.h>

#include "fleet/autostart.h"

/* What must hold, whatever the table says. */
static void check(const struct autostart_state *was, bool kept, bool flag)
{
	struct autostart_state next = *was;
	enum autostart_act act = autostart_decide(&next, kept, flag);

	if (act == AUTOSTART_SET_OFF)
		g_assert_true(kept && flag && next.wish && next.ours && !next.off); /* the wish is written before the flag goes */
	if (act == AUTOSTART_SET_ON)
		g_assert_true(!kept && !flag && next.wish && !next.off);
	if (next.off)
		g_assert_true(!flag && kept);
	if (flag)
		g_assert_true(next.wish);
	if (was->ours && was->wish)
		g_assert_true(next.wish); /* no look loses it */
	if (!next.ours)
		g_assert_true(next.wish == flag);
}

static void test_safe(void)
{
	for (int bits = 0; bits < 32; bits++) {
		struct autostart_state was = { .wish = bits & 1, .ours = bits & 2, .off = bits & 4 };

		if ((was.ours && !was.wish) || (was.off && !was.ours))
			continue; /* there is no such state */
		check(&was, bits & 8, bits & 16);
	}
}

#define NONE { .wish = false }
#define HOSTS { .wish = true }
#define TAKING { .wish = true, .ours = true }
#define OURS { .wish = true, .ours = true, .off = true }

static const struct {
	const char *name;
	struct autostart_state was;
	bool kept, flag;
	enum autostart_act act;
	struct autostart_state next;
} rows[] = {
	{ "never wished",                     NONE,   true,  false, AUTOSTART_NOTHING, NONE },
	{ "the flag is seen",                 NONE,   true,  true,  AUTOSTART_SET_OFF, TAKING },
	{ "it was seen before the option",    HOSTS,  true,  true,  AUTOSTART_SET_OFF, TAKING },
	{ "switched off by a person",         HOSTS,  true,  false, AUTOSTART_NOTHING, NONE },
	{ "not switched off yet",             TAKING, true,  true,  AUTOSTART_SET_OFF, TAKING },
	{ "switched off",                     TAKING, true,  false, AUTOSTART_NOTHING, OURS },
	{ "stays so",                         OURS,   true,  false, AUTOSTART_NOTHING, OURS },
	{ "virsh autostart",                  OURS,   true,  true,  AUTOSTART_SET_OFF, TAKING },
	{ "a host that does not keep it",     OURS,   false, false, AUTOSTART_SET_ON,  TAKING },
	{ "the same, killed in between",      TAKING, false, false, AUTOSTART_SET_ON,  TAKING },
	{ "given back",                       TAKING, false, true,  AUTOSTART_NOTHING, HOSTS },
	{ "libvirt's, and switched off",      HOSTS,  false, false, AUTOSTART_NOTHING, NONE },
	{ "libvirt's, and switched on",       NONE,   false, true,  AUTOSTART_NOTHING, HOSTS },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct autostart_state s = rows[i].was;
		enum autostart_act act = autostart_decide(&s, rows[i].kept, rows[i].flag);

		if (act != rows[i].act || s.wish != rows[i].next.wish || s.ours != rows[i].next.ours || s.off != rows[i].next.off)
			g_error("%s: act %d, wish %d, ours %d, off %d", rows[i].name, (int)act, s.wish, s.ours, s.off);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/autostart/safe", test_safe);
	g_test_add_func("/autostart/rows", test_rows);
	return g_test_run();
}
