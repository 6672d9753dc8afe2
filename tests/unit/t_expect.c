/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a live migration would take.
 */
#include <glib.h>

#include "plan/expect.h"

#define MIB (1 << 20)

static const struct {
	const char *name;
	int64_t bytes, dirty_bps;
	bool paused;
	int64_t link_bps;
	struct expect want; /* without its bytes */
} cases[] = {
	{ "writes at half the rate", 1000 * MIB, 25 * MIB, false, 100 * MIB, { .low_ms = 10000, .ms = 13333, .high_ms = 20000, .measured = true } },
	{ "twice as fast it does not end", 1000 * MIB, 50 * MIB, false, 100 * MIB, { .low_ms = 10000, .ms = 20000, .high_ms = -1, .measured = true } },
	{ "is slowed down", 1000 * MIB, 200 * MIB, false, 100 * MIB, { .low_ms = 10000, .ms = 80000, .high_ms = -1, .measured = true } },
	{ "never migrated", 1000 * MIB, 0, false, 100 * MIB, { .low_ms = 10000, .ms = 10000, .high_ms = -1, .measured = false } },
	{ "paused", 1000 * MIB, 50 * MIB, true, 100 * MIB, { .low_ms = 10000, .ms = 10000, .high_ms = 10000, .measured = true } },
	{ "nothing to send", 0, 0, false, 100 * MIB, { .low_ms = 0, .ms = 0, .high_ms = -1, .measured = false } },
	{ "no rate", 1000, 1, false, 0, { .low_ms = 1000000, .ms = 1000000, .high_ms = -1, .measured = true } },
	{ "as large as it can be", G_MAXINT64 / 2, 1, false, 1 << 30, { .low_ms = 4294967296000, .ms = 4294967300000, .high_ms = 4294967304000, .measured = true } },
};

static void table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct expect got = expect_of(cases[i].bytes, cases[i].dirty_bps, cases[i].paused, cases[i].link_bps);
		const struct expect *want = &cases[i].want;

		if (got.low_ms != want->low_ms || got.ms != want->ms || got.high_ms != want->high_ms || got.measured != want->measured)
			g_error("%s: low %" G_GINT64_FORMAT " ms %" G_GINT64_FORMAT " high %" G_GINT64_FORMAT " measured %d", cases[i].name, got.low_ms, got.ms, got.high_ms, got.measured);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/expect/table", table);
	return g_test_run();
}
