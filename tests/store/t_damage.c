/* SPDX-License-Identifier: Apache-2.0
 *
 * D21: a damaged file of SQLite is refused, before anything is written or served or where it is read, and what is in it is never taken for rows.
 */
#include <sqlite3.h>
#include <string.h>

#include "base/err.h"
#include "fixture.h"

#define PAGE 4096

static bool not_here(void)
{
	if (!fx_is_sqlite())
		g_test_skip("the server checks its files");
	return !fx_is_sqlite();
}

static const char *path(void)
{
	return fx_url() + strlen("sqlite://");
}

/* By another program, each on a connection of its own: it reads the schema again. */
static void edit(const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	g_assert_cmpint(sqlite3_open(path(), &db), ==, SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		g_error("%s: %s", sql, why);
	sqlite3_close(db);
}

static void make_host(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	fx_reset();
	s = fx_open();
	g_assert_true(fx_put_host(s, "h1", false, &err));
}

/* Whether it is open by now or not: nothing is written, and nothing served. Return: why; owned */
static char *refusal(void)
{
	g_autoptr(GError) why = NULL, of_begin = NULL, of_write = NULL, of_serve = NULL;
	g_autoptr(store) s = store_open(fx_url(), &why);

	if (!s) {
		g_assert_error(why, ERR, ERR_STORE);
		return g_strdup(why->message);
	}
	g_assert_false(store_begin(s, &of_begin));
	g_assert_error(of_begin, ERR, ERR_STORE);
	g_assert_false(fx_put_host(s, "h2", false, &of_write));
	g_assert_error(of_write, ERR, ERR_STORE);
	g_assert_false(store_serve(s, &of_serve));
	g_assert_error(of_serve, ERR, ERR_STORE);
	g_assert_cmpstr(of_begin->message, ==, of_serve->message);
	return g_strdup(of_serve->message);
}

/* A schema that allows NULL for as long as it takes to write one. */
static void test_null(void)
{
	g_autofree char *why = NULL;

	if (not_here())
		return;
	make_host();
	edit("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'uuid TEXT NOT NULL', 'uuid TEXT') WHERE name = 'hosts'");
	edit("UPDATE hosts SET uuid = NULL");
	edit("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'uuid TEXT,', 'uuid TEXT NOT NULL,') WHERE name = 'hosts'");
	why = refusal();
	g_assert_nonnull(strstr(why, "is damaged: NULL value in hosts.uuid"));
}

/* What the check of the file does not see is seen where it is read. */
static void test_rows(void)
{
	static const struct {
		const char *sql, *want;
	} cases[] = {
		{ "UPDATE hosts SET name = CAST(x'68ff' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET name = CAST(x'680031' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET name = CAST(x'6868686868686800' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET name = CAST(x'ff68686868686868' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET name = CAST(x'6868686868686868ff' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET name = CAST(x'68686868686868c3' AS TEXT)", "column name has text that is not UTF-8" },
		{ "UPDATE hosts SET uri = x'6869'", "column uri has a value of another kind" },
		{ "UPDATE hosts SET created_at = 1.5", "column created_at has a value of another kind" },
	};

	if (not_here())
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) err = NULL;
		g_autoptr(store) s = NULL;

		make_host();
		edit(cases[i].sql);
		s = fx_open();
		g_assert_null(fx_dump(s, Q_HOST_ALL, STORE_NO_ARGS, &err));
		g_assert_error(err, ERR, ERR_STORE);
		if (!strstr(err->message, cases[i].want))
			g_error("%s: %s", cases[i].sql, err->message);
	}
}

/* Any UTF-8 is, also a character that lies across the eighth byte. */
static void test_text(void)
{
	static const char *const names[] = { "", "h", "1234567", "12345678", "123456789", "1234567\u00e9", "123456\u20ac8", "\x01\x7f\xc2\x80", "\U0001f600" };

	if (not_here())
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) err = NULL;
		g_autofree char *all = NULL;
		g_autoptr(store) s = NULL;

		fx_reset();
		s = fx_open();
		g_assert_true(fx_put_host(s, names[i], false, &err));
		all = fx_dump(s, Q_HOST_ALL, STORE_NO_ARGS, &err);
		g_assert_no_error(err);
		g_assert_nonnull(strstr(all, names[i]));
	}
}

/* Each page of it in turn. */
static void test_pages(void)
{
	g_autofree char *whole = NULL, *broken = NULL;
	gsize len;

	if (not_here())
		return;
	make_host();
	g_assert_true(g_file_get_contents(path(), &whole, &len, NULL));
	g_assert_cmpuint(len, >, 20 * PAGE);
	broken = g_malloc(len);
	for (gsize at = 0; at < len; at += PAGE) {
		g_autofree char *why = NULL, *after = NULL;

		memcpy(broken, whole, len);
		memset(broken + at, 0xa5, PAGE);
		fx_reset();
		g_assert_true(g_file_set_contents(path(), broken, (gssize)len, NULL));
		why = refusal();
		g_assert_true(g_file_get_contents(path(), &after, NULL, NULL));
		g_assert_cmpmem(after, len, broken, len);
	}
}

void t_damage_add(void)
{
	g_test_add_func("/store/D21/null", test_null);
	g_test_add_func("/store/D21/rows", test_rows);
	g_test_add_func("/store/D21/text", test_text);
	g_test_add_func("/store/D21/pages", test_pages);
}
