/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "identity/token.h"

static const uint8_t key[TOKEN_KEY_LEN] = { 1, 2, 3 };

static const struct token_claims claims[] = {
	{ .methods = TOKEN_PASSWORD, .issued_us = 1, .expires_us = 2, .audit = { 1 }, .mark = { 2 }, .user_id = "u", .project_id = "p" },
	{ .methods = TOKEN_TOKEN, .issued_us = G_MININT64, .expires_us = G_MAXINT64, .user_id = "", .project_id = "" },
	{ .methods = 3, .user_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  .project_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
	{ .methods = TOKEN_APP, .user_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  .project_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  .app_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
};

static void test_round(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(claims); i++) {
		g_autofree char *token = token_seal(key, &claims[i]), *again = token_seal(key, &claims[i]);
		struct token_claims got;

		g_assert_cmpuint(strlen(token), <=, TOKEN_TEXT_MAX);
		g_assert_cmpstr(token, !=, again);
		memset(&got, 0xff, sizeof got);
		g_assert_true(token_open(key, token, &got));
		g_assert_cmpuint(got.methods, ==, claims[i].methods);
		g_assert_cmpint(got.issued_us, ==, claims[i].issued_us);
		g_assert_cmpint(got.expires_us, ==, claims[i].expires_us);
		g_assert_cmpmem(got.audit, sizeof got.audit, claims[i].audit, sizeof got.audit);
		g_assert_cmpmem(got.mark, sizeof got.mark, claims[i].mark, sizeof got.mark);
		g_assert_cmpstr(got.user_id, ==, claims[i].user_id);
		g_assert_cmpstr(got.project_id, ==, claims[i].project_id);
		g_assert_cmpstr(got.app_id, ==, claims[i].app_id);
	}
}

/* Each character changed to each other one, each length cut: nothing of it opens. */
static void test_tampered(void)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_= \n";
	g_autofree char *token = token_seal(key, &claims[0]);
	static const uint8_t other[TOKEN_KEY_LEN] = { 1, 2, 4 };
	struct token_claims got;

	for (size_t i = 0; token[i]; i++) {
		char was = token[i];

		for (const char *l = letters; *l; l++) {
			token[i] = *l;
			if (*l != was)
				g_assert_false(token_open(key, token, &got));
		}
		token[i] = '\0';
		g_assert_false(token_open(key, token, &got));
		token[i] = was;
	}
	g_assert_true(token_open(key, token, &got));
	g_assert_false(token_open(other, token, &got));
}

static void test_garbage(void)
{
	g_autofree char *token = token_seal(key, &claims[0]);
	g_autofree char *padded = g_strconcat(token, "=", NULL), *longer = g_strconcat(token, "AAAA", NULL), *blank = g_strconcat(" ", token, NULL);
	g_autofree char *huge = g_strnfill(1 << 20, 'A');
	const char *const bad[] = { "", "A", "AQ", "AAAAAAAA", "====", "gAAAAABkXYZ", "\xff", padded, longer, blank, huge };
	struct token_claims got;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		if (token_open(key, bad[i], &got))
			g_error("%.40s was opened", bad[i]);
}

static void test_key(void)
{
	g_autofree char *dir = g_dir_make_tmp("t_token_XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "token.key", NULL);
	uint8_t a[TOKEN_KEY_LEN], b[TOKEN_KEY_LEN];
	g_autoptr(GError) err = NULL;
	struct stat st;

	g_assert_true(token_key_load(path, a, &err));
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	chmod(path, 0644);
	g_assert_true(token_key_load(path, b, &err));
	g_assert_cmpmem(a, sizeof a, b, sizeof b);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_assert_true(g_file_set_contents(path, "not a key", -1, NULL));
	g_assert_false(token_key_load(path, b, &err));
	g_assert_nonnull(strstr(err->message, "is not a token key"));
	g_unlink(path);
	g_rmdir(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/token/round", test_round);
	g_test_add_func("/token/tampered", test_tampered);
	g_test_add_func("/token/garbage", test_garbage);
	g_test_add_func("/token/key", test_key);
	return g_test_run();
}
