/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of copies: how they are thinned, and whose are remembered.
 */
#include <glib.h>

#include "task/samples.h"

#define HALF ((int64_t)G_USEC_PER_SEC / 2)

static void add(struct samples *all, int64_t id, int64_t at_us)
{
	samples_add(all, id, &(struct sample){ .at_us = at_us, .left_bytes = at_us });
}

static int64_t at(const GArray *rows, guint i)
{
	return g_array_index(rows, struct sample, i).at_us;
}

/* However long it takes, they are as far from each other, but for the last ones; the first stays. */
static void thinned(void)
{
	struct samples *all = samples_new();
	const GArray *rows;

	g_assert_null(samples_of(all, 7));
	for (int64_t i = 0; i < 100000; i++) {
		add(all, 7, i * HALF);
		rows = samples_of(all, 7);
		g_assert_cmpuint(rows->len, <=, SAMPLES_MAX);
		g_assert_cmpint(at(rows, 0), ==, 0);
		if (i >= SAMPLES_MAX)
			g_assert_cmpuint(rows->len, >=, SAMPLES_MAX / 2);
	}
	for (guint i = 2; i < rows->len; i++)
		g_assert_cmpint(at(rows, i) - at(rows, i - 1), ==, at(rows, 1) - at(rows, 0));
	g_assert_cmpint(100000 * HALF - at(rows, rows->len - 1), <=, at(rows, 1) - at(rows, 0));
	samples_free(all);
}

static void remembered(void)
{
	struct samples *all = samples_new();

	for (int64_t id = 1; id <= SAMPLES_MIGRATIONS; id++)
		add(all, id, id);
	add(all, 1, SAMPLES_SILENT_US);
	/* 2 is the one that was silent longest, though not for long */
	add(all, 1000, SAMPLES_SILENT_US + 1);
	g_assert_null(samples_of(all, 1000));
	add(all, 1000, SAMPLES_SILENT_US + 2);
	g_assert_nonnull(samples_of(all, 1000));
	g_assert_null(samples_of(all, 2));
	g_assert_nonnull(samples_of(all, 1));
	g_assert_nonnull(samples_of(all, 3));
	samples_free(all);
	samples_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/samples/thinned", thinned);
	g_test_add_func("/samples/remembered", remembered);
	return g_test_run();
}
