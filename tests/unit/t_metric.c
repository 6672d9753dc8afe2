/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/metric.h"

static void test_samples(void)
{
	static const struct {
		double v;
		const char *want;
	} rows[] = {
		{ 0, "m 0\n" }, { -3, "m -3\n" }, { 68719476736.0, "m 68719476736\n" }, { 0.25, "m 0.25\n" }, { 1.0 / 3, "m 0.333333333\n" },
		{ 1e300, "m 1e+300\n" }, { INFINITY, "m +Inf\n" }, { -INFINITY, "m -Inf\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) s = g_string_new(NULL);

		metric_sample(s, "m", METRIC_LABELS(), rows[i].v);
		g_assert_cmpstr(s->str, ==, rows[i].want);
	}
}

static void test_escapes(void)
{
	g_autoptr(GString) s = g_string_new(NULL);

	metric_family(s, "m_total", "counter", "a \"b\" \\ c\nd");
	metric_sample(s, "m_total", METRIC_LABELS({ "x", "a \"b\" \\ c\nd" }, { "y", "" }), 1);
	g_assert_cmpstr(s->str, ==, "# HELP m_total a \"b\" \\\\ c\\nd\n# TYPE m_total counter\nm_total{x=\"a \\\"b\\\" \\\\ c\\nd\",y=\"\"} 1\n");
}

static void test_histogram(void)
{
	static const struct metric_bounds bounds = { { 0.5, 1, 10 }, 3 };
	static const double values[] = { 0, 0.5, 0.6, 10, 10.5, 1000 };
	struct metric_hist h = { .bounds = &bounds };
	g_autoptr(GString) s = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		metric_observe(&h, values[i]);
	g_assert_cmpuint(metric_count(&h), ==, 6);
	metric_histogram(s, "h", METRIC_LABELS({ "op", "x" }), &h);
	g_assert_cmpstr(s->str, ==, "h_bucket{op=\"x\",le=\"0.5\"} 2\nh_bucket{op=\"x\",le=\"1\"} 3\nh_bucket{op=\"x\",le=\"10\"} 4\n"
			"h_bucket{op=\"x\",le=\"+Inf\"} 6\nh_sum{op=\"x\"} 1021.6\nh_count{op=\"x\"} 6\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/metric/samples", test_samples);
	g_test_add_func("/metric/escapes", test_escapes);
	g_test_add_func("/metric/histogram", test_histogram);
	return g_test_run();
}
