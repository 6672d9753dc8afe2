/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "base/cpuset.h"

static const struct {
	const char *text, *want; /* NULL: refused */
	int count;
} texts[] = {
	{ "0", "0", 1 },           { "0-3", "0-3", 4 },         { " 4 - 12 , ^8 , 15 ", "4-7,9-12,15", 9 },
	{ "^2,0-3", "0-1,3", 3 },  { "0-3,^1-2", "0,3", 2 },    { "3,1,2,3", "1-3", 3 },
	{ "63-64", "63-64", 2 },   { "2047", "2047", 1 },       { "0-2047", "0-2047", 2048 },
	{ "1,,2", "1-2", 2 },      { "2048", NULL, 0 },         { "", NULL, 0 },
	{ "^1", NULL, 0 },         { "1,^1", NULL, 0 },         { "3-1", NULL, 0 },
	{ "a", NULL, 0 },          { "1-", NULL, 0 },           { "-1", NULL, 0 },
	{ "1-2-3", NULL, 0 },      { "^", NULL, 0 },            { "99999999999999999999", NULL, 0 },
};

static void test_text(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct cpuset s = { { 0 } };
		bool ok = cpuset_parse(texts[i].text, &s);
		g_autofree char *back = cpuset_text(&s);

		g_test_message("\"%s\" is \"%s\"", texts[i].text, back);
		g_assert_cmpint(ok, ==, texts[i].want != NULL);
		g_assert_cmpstr(back, ==, ok ? texts[i].want : "");
		g_assert_cmpint(cpuset_count(&s), ==, texts[i].count);
		g_assert_cmpint(cpuset_is_empty(&s), ==, !ok);
	}
}

/* F4: a guest may name CPUs that no host has. */
static const struct {
	const char *text, *want; /* NULL: refused */
} host_texts[] = {
	{ "0-4095", "0-2047" }, { "0,16383", "0" },  { "2047-2048", "2047" }, { "^0,0-16383", "1-2047" }, { "0-3", "0-3" },
	{ "2048", NULL },       { "16383", NULL },   { "0,16384", NULL },     { "0-16384", NULL },        { "0,^0,4095", NULL },
};

static void test_host_text(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(host_texts); i++) {
		struct cpuset s = { { 0 } };
		bool ok = cpuset_parse_host(host_texts[i].text, &s);
		g_autofree char *back = cpuset_text(&s);

		g_test_message("\"%s\" is \"%s\"", host_texts[i].text, back);
		g_assert_cmpint(ok, ==, host_texts[i].want != NULL);
		g_assert_cmpstr(back, ==, ok ? host_texts[i].want : "");
	}
}

static const struct {
	const char *a, *b, *join, *meet, *without;
} sums[] = {
	{ "0-3", "2-5", "0-5", "2-3", "0-1" },
	{ "0", "64", "0,64", "", "0" },
	{ "1-2", "1-2", "1-2", "1-2", "" },
};

static void assert_text(const struct cpuset *s, const char *want)
{
	g_autofree char *text = cpuset_text(s);

	g_assert_cmpstr(text, ==, want);
}

static void test_sums(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
		struct cpuset a, b, s;

		g_assert_true(cpuset_parse(sums[i].a, &a) && cpuset_parse(sums[i].b, &b));
		s = a;
		cpuset_join(&s, &b);
		assert_text(&s, sums[i].join);
		g_assert_true(cpuset_contains(&s, &a) && cpuset_contains(&s, &b));
		s = a;
		cpuset_meet(&s, &b);
		assert_text(&s, sums[i].meet);
		g_assert_cmpint(cpuset_equal(&s, &b), ==, cpuset_contains(&a, &b));
		s = a;
		cpuset_without(&s, &b);
		assert_text(&s, sums[i].without);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cpuset/text", test_text);
	g_test_add_func("/cpuset/host-text", test_host_text);
	g_test_add_func("/cpuset/sums", test_sums);
	return g_test_run();
}
