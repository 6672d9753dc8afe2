/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a console's token, on a clock of the test's: to its first use, in use, after it, after a restart; and how many there may be.
 */
#include "console/token.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#define TTL_S 600
#define BEGIN_US (INT64_C(1790000000) * G_USEC_PER_SEC)

static struct store *store;
static struct console_tokens *tokens;

static void open_all(void)
{
	g_autoptr(GError) err = NULL;

	clock_manual(BEGIN_US);
	store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	tokens = console_tokens_new(store, TTL_S, &err);
	g_assert_no_error(err);
}

static void close_all(void)
{
	console_tokens_free(tokens);
	store_close(store);
}

/* As after a start of the daemon: from the rows. */
static void restart(void)
{
	g_autoptr(GError) err = NULL;

	console_tokens_free(tokens);
	tokens = console_tokens_new(store, TTL_S, &err);
	g_assert_no_error(err);
}

static char *make(const char *server, const char *user, const char *project, GError **err)
{
	struct console_token of = { .kind = CONSOLE_NOVNC, .user_id = (char *)user, .project_id = (char *)project, .created_us = clock_wall_us() };

	g_strlcpy(of.server_uuid, server, sizeof of.server_uuid);
	return console_token_make(tokens, &of, err);
}

static struct console_token *begin(const char *text)
{
	struct console_token *t = console_token_find(tokens, text);

	g_assert_nonnull(t);
	g_assert_true(console_token_begin(tokens, t, NULL));
	return t;
}

static void test_first_use(void)
{
	g_autofree char *text = NULL;

	open_all();
	text = make("server", "user", "project", NULL);
	g_assert_null(console_token_find(tokens, "another"));
	clock_advance_ms(TTL_S * 1000 - 1);
	g_assert_nonnull(console_token_find(tokens, text));
	clock_advance_ms(1);
	g_assert_null(console_token_find(tokens, text));
	restart();
	g_assert_null(console_token_find(tokens, text));
	close_all();
}

static void test_in_use(void)
{
	g_autofree char *text = NULL;
	struct console_token *t;

	open_all();
	text = make("server", "user", "project", NULL);
	t = begin(text);
	clock_advance_ms(10 * TTL_S * 1000);
	g_assert_true(console_token_find(tokens, text) == t);
	console_token_end(tokens, t);
	clock_advance_ms(TOKEN_AGAIN_S * 1000 - 1);
	g_assert_true(begin(text) == t);
	console_token_end(tokens, t);
	clock_advance_ms(TOKEN_AGAIN_S * 1000);
	g_assert_null(console_token_find(tokens, text));
	close_all();
}

static void test_restart(void)
{
	g_autofree char *used = NULL, *unused = NULL;

	open_all();
	used = make("server", "user", "project", NULL);
	unused = make("server", "user", "project", NULL);
	(void)begin(used);
	clock_advance_ms(10 * TTL_S * 1000);
	restart();
	g_assert_null(console_token_find(tokens, unused));
	clock_advance_ms(TOKEN_AGAIN_S * 1000 - 1);
	g_assert_nonnull(console_token_find(tokens, used));
	clock_advance_ms(1);
	g_assert_null(console_token_find(tokens, used));
	close_all();
}

/* The oldest that is not in use goes; where all are in use, no more are given out. */
static void test_user(void)
{
	g_autofree char *first = NULL, *second = NULL, *other = NULL, *refused = NULL;
	g_autoptr(GError) err = NULL;

	open_all();
	first = make("server", "user", "project", NULL);
	(void)begin(first);
	clock_advance_ms(1);
	second = make("server", "user", "project", NULL);
	for (int i = 2; i < TOKENS_USER_MAX; i++) {
		clock_advance_ms(1);
		g_free(make("server", "user", "project", NULL));
	}
	g_assert_nonnull(console_token_find(tokens, second));
	other = make("another", "user", "project", NULL);
	g_free(make("server", "user", "project", NULL));
	g_assert_null(console_token_find(tokens, second));
	g_assert_nonnull(console_token_find(tokens, first));
	g_assert_nonnull(console_token_find(tokens, other));
	g_assert_cmpuint(console_tokens_count(tokens), ==, TOKENS_USER_MAX + 1);
	restart();
	g_assert_cmpuint(console_tokens_count(tokens), ==, TOKENS_USER_MAX + 1);
	for (int i = 0; i < TOKENS_USER_MAX; i++) {
		g_autofree char *text = make("third", "user", "project", NULL);

		(void)begin(text);
	}
	refused = make("third", "user", "project", &err);
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_assert_null(refused);
	close_all();
}

static void test_project(void)
{
	g_autofree char *first = NULL, *other = NULL;

	open_all();
	other = make("server", "somebody", "another project", NULL);
	clock_advance_ms(1);
	first = make("server", "user", "project", NULL);
	for (int i = 1; i < TOKENS_PROJECT_MAX; i++) {
		g_autofree char *server = g_strdup_printf("server-%d", i / 10), *user = g_strdup_printf("user-%d", i);

		clock_advance_ms(1);
		g_free(make(server, user, "project", NULL));
	}
	g_assert_nonnull(console_token_find(tokens, first));
	g_free(make("server", "the last", "project", NULL));
	g_assert_null(console_token_find(tokens, first));
	g_assert_nonnull(console_token_find(tokens, other));
	close_all();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/token/first-use", test_first_use);
	g_test_add_func("/token/in-use", test_in_use);
	g_test_add_func("/token/restart", test_restart);
	g_test_add_func("/token/user", test_user);
	g_test_add_func("/token/project", test_project);
	return g_test_run();
}
