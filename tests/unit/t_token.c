/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "identity/token_keys.h"

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

/* ---- the keys ---- */

#define LIFE_S INT64_C(3600)
#define RELOAD_S INT64_C(3600) /* that a daemon has to take a new key */

static char *dir, *path;

static void begin(void)
{
	clock_manual(1700000000000000);
	dir = g_dir_make_tmp("t_token_XXXXXX", NULL);
	path = g_build_filename(dir, TOKEN_KEYS_FILE, NULL);
}

static void end(void)
{
	g_unlink(path);
	g_assert_cmpint(g_rmdir(dir), ==, 0); /* nothing else is left */
	g_clear_pointer(&path, g_free);
	g_clear_pointer(&dir, g_free);
}

static void load(struct token_keys *keys)
{
	g_autoptr(GError) err = NULL;

	(void)token_keys_load(path, keys, &err);
	g_assert_no_error(err);
}

static void rotate(void)
{
	g_autoptr(GError) err = NULL;

	(void)token_keys_rotate(path, LIFE_S * G_USEC_PER_SEC, &err);
	g_assert_no_error(err);
}

static void expect_mode(void)
{
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
}

static void test_key(void)
{
	struct token_keys a, b;

	begin();
	load(&a);
	expect_mode();
	g_assert_cmpint(chmod(path, 0644), ==, 0);
	load(&b);
	g_assert_cmpuint(b.n, ==, 1);
	g_assert_cmpmem(a.all[0].key, TOKEN_KEY_LEN, b.all[0].key, TOKEN_KEY_LEN);
	expect_mode();
	end();
}

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"

static void test_files(void)
{
	static const struct {
		const char *name, *text;
		unsigned n; /* 0: refused */
	} rows[] = {
		{ "one, as before there were several", KEY_A, 1 },
		{ "a line", KEY_A "\n", 1 },
		{ "an older one until it is removed", KEY_A "\n" KEY_B "\n", 2 },
		{ "an older one for a while", KEY_A "\n" KEY_B " 1700000001\n", 2 },
		{ "its time is over", KEY_A "\n" KEY_B " 1700000000\n", 1 },
		{ "empty", "", 0 },
		{ "an empty line first", "\n" KEY_A "\n", 0 },
		{ "no key", "not a key", 0 },
		{ "a short one", KEY_A "\nAAAA\n", 0 },
		{ "the first has an end", KEY_A " 1800000000\n", 0 },
		{ "no time", KEY_A "\n" KEY_B " \n", 0 },
		{ "no number", KEY_A "\n" KEY_B " tomorrow\n", 0 },
		{ "a number too large", KEY_A "\n" KEY_B " 9223372036854775807\n", 0 },
		{ "negative", KEY_A "\n" KEY_B " -1\n", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct token_keys keys = { .n = 77 };
		g_autoptr(GError) err = NULL;

		begin();
		g_assert_true(g_file_set_contents(path, rows[i].text, -1, NULL));
		if (token_keys_reload(path, &keys, &err) != (rows[i].n > 0))
			g_error("%s", rows[i].name);
		g_assert_cmpuint(keys.n, ==, rows[i].n ? rows[i].n : 77);
		if (err)
			g_assert_nonnull(strstr(err->message, "is not a token key"));
		end();
	}
}

static bool opens(const struct token_keys *keys, const char *token, int64_t *ret_expires_us)
{
	struct token_claims got;

	if (!token_keys_open(keys, token, &got))
		return false;
	*ret_expires_us = got.expires_us;
	return true;
}

/* What the old key has sealed is good until it ends, what the new one seals too; the old key opens nothing after that, whatever it sealed. */
static void test_rotate(void)
{
	struct token_claims soon = claims[0], forged = claims[0];
	int64_t now_us, expires_us = 0;
	struct token_keys before, keys;
	g_autofree char *old = NULL, *theirs = NULL, *new = NULL;

	begin();
	load(&before);
	now_us = clock_wall_us();
	soon.expires_us = now_us + LIFE_S * G_USEC_PER_SEC;
	forged.expires_us = INT64_MAX;
	old = token_keys_seal(&before, &soon);
	theirs = token_keys_seal(&before, &forged);
	rotate();
	expect_mode();
	load(&keys);
	g_assert_cmpuint(keys.n, ==, 2);
	new = token_keys_seal(&keys, &soon);
	g_assert_false(opens(&before, new, &expires_us));
	g_assert_true(opens(&keys, new, &expires_us));
	g_assert_true(opens(&keys, old, &expires_us));
	g_assert_cmpint(expires_us, ==, soon.expires_us);
	/* one that never ends, sealed by whom the old key is known to: it ends with the key */
	g_assert_true(opens(&keys, theirs, &expires_us));
	g_assert_cmpint(expires_us, ==, now_us + (LIFE_S + RELOAD_S) * G_USEC_PER_SEC);
	clock_advance_ms((LIFE_S + RELOAD_S) * 1000 - 1);
	g_assert_true(opens(&keys, old, &expires_us));
	clock_advance_ms(1);
	g_assert_false(opens(&keys, old, &expires_us));
	g_assert_true(opens(&keys, new, &expires_us));
	load(&keys);
	g_assert_cmpuint(keys.n, ==, 1);
	end();
}

/* Each one goes on opening, in the order of their ages; there is an end to how many. */
static void test_rotate_often(void)
{
	char *tokens[TOKEN_KEYS_MAX];
	g_autoptr(GError) err = NULL;
	struct token_keys keys;
	int64_t expires_us = 0;

	begin();
	for (int i = 0; i < TOKEN_KEYS_MAX; i++) {
		load(&keys);
		g_assert_cmpuint(keys.n, ==, i + 1);
		tokens[i] = token_keys_seal(&keys, &claims[0]);
		for (int k = 0; k <= i; k++)
			g_assert_true(opens(&keys, tokens[k], &expires_us));
		if (i < TOKEN_KEYS_MAX - 1)
			rotate();
	}
	g_assert_false(token_keys_rotate(path, LIFE_S * G_USEC_PER_SEC, &err));
	g_assert_nonnull(strstr(err->message, "still needed"));
	clock_advance_ms((LIFE_S + RELOAD_S) * 1000);
	rotate();
	load(&keys);
	g_assert_cmpuint(keys.n, ==, 2);
	for (int i = 0; i < TOKEN_KEYS_MAX; i++)
		g_free(tokens[i]);
	end();
}

/* A file that is not there, or is none, is not made by a rotation; what a daemon has, it keeps. */
static void test_refused(void)
{
	g_autoptr(GError) missing = NULL, wrong = NULL;
	struct token_keys keys = { .n = 77 };
	g_autofree char *text = NULL;

	begin();
	g_assert_false(token_keys_rotate(path, 1, &missing));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_set_contents(path, "not a key", -1, NULL));
	g_assert_false(token_keys_rotate(path, 1, &wrong));
	g_assert_false(token_keys_reload(path, &keys, NULL));
	g_assert_cmpuint(keys.n, ==, 77);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "not a key");
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/token/round", test_round);
	g_test_add_func("/token/tampered", test_tampered);
	g_test_add_func("/token/garbage", test_garbage);
	g_test_add_func("/token/key", test_key);
	g_test_add_func("/token/keys/files", test_files);
	g_test_add_func("/token/keys/rotate", test_rotate);
	g_test_add_func("/token/keys/often", test_rotate_often);
	g_test_add_func("/token/keys/refused", test_refused);
	return g_test_run();
}
