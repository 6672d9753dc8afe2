/* SPDX-License-Identifier: Apache-2.0
 *
 * D10: what clients look for in names and addresses: literals on the loop, regular expressions on a worker.
 */
#include "api/compute/pattern.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "compute_world.h"
#include "fleet/fleet_priv.h"

/* ---- what a pattern fits: a literal as the regular expression that it is ---- */

static const struct {
	const char *pattern, *text;
	bool anchored, fits;
} cases[] = {
	{ "s0500", "s0500", false, true },
	{ "s0500", "xs05001", false, true },
	{ "s0500", "s050", false, false },
	{ "WEB", "my-web-1", false, true },
	{ "web", "My-WEB-1", false, true },
	{ "^web", "web-1", false, true },
	{ "^web", "a-web", false, false },
	{ "web$", "a-web", false, true },
	{ "web$", "web-1", false, false },
	{ "web$", "web-web", false, true },
	{ "^web$", "web", false, true },
	{ "^web$", "webweb", false, false },
	{ "^$", "", false, true },
	{ "^$", "a", false, false },
	{ "a.c", "xabcx", false, true },
	{ "a.c", "ac", false, false },
	{ "a.c", "a\xc3\xbc" "c", false, true },
	{ "a..c", "a\xc3\xbc" "c", false, false },
	{ "a\\.c", "a.c", false, true },
	{ "a\\.c", "abc", false, false },
	{ "a\\+b", "xa+b", false, true },
	{ "a b-c_d#1", "a b-c_d#1", false, true },
	{ "aab", "aaab", false, true },
	{ "10.0", "10.0.0.5", true, true },
	{ "0.0", "10.0.0.5", true, false },
	{ "FE80:", "fe80::1", true, true },
	{ "^10.0.0.5$", "10.0.0.5", true, true },
	{ "^10.0.0.5$", "10.0.0.55", true, false },
};

static void found_one(const struct pattern *failed, const char *why, void *user)
{
	g_assert_null(failed);
	g_assert_null(why);
	*(bool *)user = true;
}

static bool regex_fits(const char *text, bool anchored, const char *have)
{
	g_autofree char *grouped = g_strdup_printf("(?:%s)", text); /* no literal */
	struct pattern *p = pattern_new(grouped, anchored, 1);
	bool done = false, fits;

	g_assert_true(pattern_is_regex(p));
	pattern_add(p, 7, have);
	g_assert_true(pattern_match(&p, 1, "u", found_one, &done, NULL));
	g_assert_true(done);
	fits = pattern_found(p, 7);
	pattern_free(p);
	return fits;
}

static void test_literals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct pattern *p = pattern_new(cases[i].pattern, cases[i].anchored, 1);

		g_assert_nonnull(p);
		if (pattern_is_regex(p) || pattern_fits(p, cases[i].text) != cases[i].fits)
			g_error("%s in %s", cases[i].pattern, cases[i].text);
		if (regex_fits(cases[i].pattern, cases[i].anchored, cases[i].text) != cases[i].fits)
			g_error("as a regular expression: %s in %s", cases[i].pattern, cases[i].text);
		pattern_free(p);
	}
}

static void test_no_literals(void)
{
	static const char *const some[] = { "a*", "a+", "a|b", "[ab]", "(a)", "a{2}", "\\d", "\\w+", "a^b", "M\xc3\xbcller", "a\tb",
		"a{0,255}", "(a{10}){10}", "([a{99}]{99}){9}", "(\\(a{99}){9}", "((a|b){9}c{9,}){2}" };
	static const char *const wrong[] = { "*", "(", "a{2", "[", "\\",
		/* PCRE2 would write out too much */
		"(?:(?:(?:a{0,99}){0,99}){0,9})", "(a{99}){99}", "((b|a{50,}){50}){3}", "(a{99})(a{99}){50}" };

	for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
		struct pattern *p = pattern_new(some[i], false, 1);

		if (!p || !pattern_is_regex(p))
			g_error("%s", some[i]);
		pattern_free(p);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		struct pattern *p = pattern_new(wrong[i], false, 1);

		if (p && strcmp(wrong[i], "a{2") != 0)
			g_error("%s", wrong[i]);
		pattern_free(p);
	}
}

/* Patterns that end too soon, in memory of their own size. */
static void test_cut(void)
{
	static const char *const some[] = {
		"[^]a\\]b-\\\\]{3,12}(?:x[[:alpha:]]\\d{2,}|(y)){1,2}$", "((((\\(", "a{,3}{-1}{+2}{99999999999999999999}", "[]", "[^]", "\\", "[\\]", "{", "a{1,",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
		for (size_t n = 0; n <= strlen(some[i]); n++) {
			g_autofree char *text = g_strndup(some[i], n);

			text = g_realloc(text, n + 1);
			pattern_free(pattern_new(text, false, 1));
		}
}

/* ---- with the loop ---- */

#define EVIL "(?:(?:(?:a%7B0,9%7D)%7B0,9%7D)%7B0,9%7D)"

static void wait_for(const struct answer *a)
{
	while (!a->status)
		g_main_context_iteration(g_main_loop_get_context(loop_main()), TRUE);
}

/* Of servers without a row, and so without an id, only those are found that fit. */
static void test_unsaved(void)
{
	struct world *w = world_new();
	struct answer a;

	world_add_servers(w, 3);
	for (guint i = 0; i < 3; i++) {
		struct server *s = g_ptr_array_index(fleet_servers(w->fleet), i);

		s->id = 0;
		util_replace(&s->name, i == 1 ? "found" : "other");
	}
	world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=f(o)und", 96, "admin", NULL, &a);
	wait_for(&a);
	g_assert_cmpint(a.status, ==, 200);
	g_assert_nonnull(strstr(a.body, "\"found\""));
	g_assert_null(strstr(a.body, "\"other\""));
	answer_clear(&a);
	world_free(w);
}

/* 50,000 servers: a name or a part of one is answered in the turn in which it was asked for. */
static void test_name_of_many(void)
{
	struct world *w = world_new();
	struct answer a;

	world_add_servers(w, 50000);
	for (guint i = 0; i < fleet_servers(w->fleet)->len; i++) {
		struct server *s = g_ptr_array_index(fleet_servers(w->fleet), i);

		g_free(s->name);
		s->name = g_strdup_printf("s%05u", i);
	}
	world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=s0500", 96, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 200);
	g_assert_nonnull(strstr(a.body, "\"s05000\""));
	g_assert_nonnull(strstr(a.body, "\"s05009\""));
	g_assert_null(strstr(a.body, "\"s05010\""));
	answer_clear(&a);
	world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=^s00500$", 96, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 200);
	g_assert_nonnull(strstr(a.body, "\"s00500\""));
	answer_clear(&a);
	/* a usual regular expression has steps enough, whatever the machine does meanwhile */
	world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=^s0050[0-9]%2B$", 96, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 0);
	wait_for(&a);
	g_assert_cmpint(a.status, ==, 200);
	g_assert_nonnull(strstr(a.body, "\"s00509\""));
	answer_clear(&a);
	world_free(w);
}

/* A regular expression is never tried on the loop: other requests are answered while it is. */
static void test_off_the_loop(void)
{
	struct world *w = world_new();
	struct answer evil, other;

	world_add_servers(w, 500);
	world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=" EVIL, 96, "admin", NULL, &evil);
	g_assert_cmpint(evil.status, ==, 0);
	world_begin(w, "GET", "/v2.1/servers?name=web", 96, "admin", NULL, &other);
	g_assert_cmpint(other.status, ==, 200);
	wait_for(&evil);
	g_assert_true(evil.status == 200 || evil.status == 400);
	answer_clear(&evil);
	answer_clear(&other);
	world_free(w);
}

/* Each user waits for a few of its own, and others are served. */
static void test_queue(void)
{
	struct world *w = world_new();
	struct answer a[60], other;
	unsigned refused = 0;

	world_add_servers(w, 100);
	for (size_t i = 0; i < G_N_ELEMENTS(a); i++)
		world_begin(w, "GET", "/v2.1/servers?all_tenants=1&name=" EVIL, 96, "admin", NULL, &a[i]);
	world_begin(w, "GET", "/v2.1/servers?name=(db)", 96, "member", NULL, &other);
	for (size_t i = 0; i < G_N_ELEMENTS(a); i++) {
		wait_for(&a[i]);
		refused += a[i].status == 503;
		answer_clear(&a[i]);
	}
	wait_for(&other);
	g_assert_cmpint(other.status, ==, 200);
	g_assert_cmpuint(refused, >=, 50);
	answer_clear(&other);
	world_free(w);
}

/* What goes while a worker has its name is not shown; its marker is told. */
static void test_gone_meanwhile(void)
{
	struct world *w = world_new();
	struct answer a, after;

	world_begin(w, "GET", "/v2.1/servers?name=(web|moved)", 96, "admin", NULL, &a);
	world_begin(w, "GET", "/v2.1/servers?name=(lost)&marker=" WORLD_WEB, 96, "admin", NULL, &after);
	fleet_server_drop(w->fleet, fleet_server(w->fleet, WORLD_WEB));
	wait_for(&a);
	wait_for(&after);
	g_assert_cmpint(a.status, ==, 200);
	g_assert_nonnull(strstr(a.body, "moved"));
	g_assert_null(strstr(a.body, "Web 1"));
	g_assert_cmpint(after.status, ==, 400);
	g_assert_nonnull(strstr(after.body, "marker [" WORLD_WEB "] not found"));
	answer_clear(&a);
	answer_clear(&after);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* before there is a loop, a worker's part is done at once */
	g_test_add_func("/D10/a/literals", test_literals);
	g_test_add_func("/D10/a/no literals", test_no_literals);
	g_test_add_func("/D10/cut", test_cut);
	g_test_add_func("/D10/b/start of the loop", loop_init);
	g_test_add_func("/D10/b/name of many", test_name_of_many);
	g_test_add_func("/D10/b/off the loop", test_off_the_loop);
	g_test_add_func("/D10/b/unsaved", test_unsaved);
	g_test_add_func("/D10/b/queue", test_queue);
	g_test_add_func("/D10/b/gone meanwhile", test_gone_meanwhile);
	return g_test_run();
}
