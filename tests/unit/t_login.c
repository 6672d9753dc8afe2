/* SPDX-License-Identifier: Apache-2.0
 *
 * D4, D23: what stands between a login and its hash: turns, delays, memory, and how often the log tells.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/often.h"
#include "identity/fair.h"
#include "identity/guess.h"
#include "identity/password.h"

/* ---- turns ---- */

static const struct {
	const char *address, *name, *item;
} pushed[] = {
	{ "a", "root", "1" }, { "a", "root", "2" }, { "a", "root", "3" }, { "a", "bob", "4" },
	{ "b", "root", "5" }, { "b", "root", "6" }, { "c", "eve", "7" },
};

static void push_all(struct fair *f)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pushed); i++)
		fair_push(f, pushed[i].address, pushed[i].name, (void *)pushed[i].item);
}

static void expect_rest(struct fair *f, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);

	for (const char *item = fair_pop(f); item; item = fair_pop(f))
		g_string_append(got, item);
	g_assert_cmpstr(got->str, ==, want);
	g_assert_cmpuint(fair_length(f), ==, 0);
}

static void test_fair(void)
{
	struct fair *f = fair_new();

	g_assert_null(fair_pop(f));
	g_assert_null(fair_shed(f));
	push_all(f);
	g_assert_cmpuint(fair_length(f), ==, G_N_ELEMENTS(pushed));
	expect_rest(f, "1574623");
	push_all(f);
	g_assert_cmpstr(fair_shed(f), ==, "3"); /* root of a */
	g_assert_cmpstr(fair_shed(f), ==, "2"); /* a has the most still */
	g_assert_cmpstr(fair_pop(f), ==, "1");
	g_assert_cmpstr(fair_shed(f), ==, "6");
	expect_rest(f, "574");
	fair_free(f);
}

/* ---- delays ---- */

static void test_guess(void)
{
	static const unsigned want[] = { 300, 300, 300, 300, 300, 600, 1200, 2400, 4800, 9600, 19200, 30000, 30000 };
	struct guess *g = guess_new();

	clock_manual(0);
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++)
		g_assert_cmpuint(guess_refused(g, "a", "root"), ==, want[i]);
	g_assert_cmpuint(guess_refused(g, "b", "root"), ==, 30000); /* the name, from everywhere */
	g_assert_cmpuint(guess_refused(g, "a", "bob"), ==, 30000);  /* the address, for every name */
	g_assert_cmpuint(guess_refused(g, "c", "eve"), ==, 300);
	guess_accepted(g, "root");
	g_assert_cmpuint(guess_refused(g, "c", "root"), ==, 300);
	g_assert_cmpuint(guess_refused(g, "a", "root"), ==, 30000);
	clock_advance_ms(20 * GUESS_FORGET_MS);
	g_assert_cmpuint(guess_refused(g, "a", "root"), ==, 300);
	guess_free(g);
}

/* Names cost nothing: they fill no memory, and do not make an address forgotten. */
static void test_guess_names(void)
{
	struct guess *g = guess_new();

	clock_manual(0);
	for (int i = 0; i < 3 * GUESS_KEYS_MAX; i++) {
		g_autofree char *name = g_strdup_printf("user%d", i);
		unsigned delay_ms = guess_refused(g, "a", name);

		g_assert_cmpuint(delay_ms, >=, i < 12 ? 300 : 30000);
	}
	guess_free(g);
}

/* ---- memory ---- */

static int hash_with_little(void)
{
	g_autofree char *text = NULL, *hash = NULL;
	g_autoptr(GError) err = NULL;
	struct rlimit little;
	rlim_t pages = 0;

	if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
		return 2;
	pages = g_ascii_strtoull(text, NULL, 10);
	little.rlim_cur = little.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (4 << 20);
	if (setrlimit(RLIMIT_AS, &little) != 0)
		return 3;
	hash = password_hash_now("secret", &err);
	return hash ? 4 : g_error_matches(err, ERR, ERR_UNAVAILABLE) ? 0 : 5;
}

/* D23: not enough memory is no wrong password, and no end of the program. */
static void test_memory(void)
{
	g_autofree char *hash = password_hash_now("secret", NULL);
	int status;
	pid_t pid;

	g_assert_nonnull(hash);
#ifdef __SANITIZE_ADDRESS__
	g_test_skip("AddressSanitizer needs all addresses");
	return;
#endif
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(hash_with_little());
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

/* ---- the log ---- */

static void test_often(void)
{
	struct often o = { 0 };
	unsigned told = 0;
	uint64_t held = 7;

	clock_manual(0);
	for (int i = 0; i < 1000; i++)
		told += often_tell(&o, &held);
	g_assert_cmpuint(told, ==, OFTEN_BURST);
	g_assert_cmpuint(held, ==, 0);
	clock_advance_ms(OFTEN_S * 1000);
	g_assert_true(often_tell(&o, &held));
	g_assert_cmpuint(held, ==, 1000 - OFTEN_BURST);
	g_assert_true(often_tell(&o, &held));
	g_assert_cmpuint(held, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/login/D4/fair", test_fair);
	g_test_add_func("/login/D4/guess", test_guess);
	g_test_add_func("/login/D4/guess-names", test_guess_names);
	g_test_add_func("/login/D4/often", test_often);
	g_test_add_func("/login/D23/memory", test_memory);
	return g_test_run();
}
