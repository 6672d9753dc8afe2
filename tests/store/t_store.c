/* SPDX-License-Identifier: Apache-2.0
 *
 * The store on the database that DROVER_TEST_DB names; run starts this once for
 * each. Here: transactions, opening, refusals. Beside it: records, upgrades,
 * durability, full disks, lost connections.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "fixture.h"

static struct store *fresh(void)
{
	fx_reset();
	return fx_open();
}

static void expect_hosts(struct store *s, const char *want)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *rows = fx_dump(s, Q_HOST_ALL, STORE_NO_ARGS, &err);
	g_autoptr(GString) names = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;

	g_assert_no_error(err);
	lines = g_strsplit(rows, "\n", -1);
	for (char **l = lines; *l && **l; l++) {
		g_auto(GStrv) cells = g_strsplit(*l, "|", -1);

		g_string_append_printf(names, "%s%s", names->len ? " " : "", cells[1]);
	}
	g_assert_cmpstr(names->str, ==, want);
}

static bool put(struct store *s, const char *name, GError **err)
{
	return fx_put_host(s, name, true, err);
}

/* ---- transactions ---- */

static void test_rollback(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = fresh();

	g_assert_true(store_begin(s, &err) && put(s, "a", &err) && put(s, "b", &err));
	expect_hosts(s, "a b"); /* a transaction sees what it wrote */
	store_rollback(s);
	expect_hosts(s, "");
	store_rollback(s); /* without one: nothing */
	g_assert_true(store_begin(s, &err) && put(s, "c", &err) && store_commit(s, &err));
	store_rollback(s); /* behind a commit: nothing */
	expect_hosts(s, "c");
}

static void test_close_rolls_back(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s = fresh();

	g_assert_true(put(s, "a", &err) && store_begin(s, &err) && put(s, "b", &err));
	store_close(s);
	s = fx_open();
	expect_hosts(s, "a");
	store_close(s);
	store_close(NULL);
}

/* A name twice: a mistake that both databases see in the middle of a transaction. */
static bool break_it(struct store *s, GError **err)
{
	return store_run(s, Q_USER_PUT, STORE_ARGS(SV_S("u1"), SV_S("same"), SV_S("SECRETHASH"), SV_NULL, SV_I(1), SV_I(1)), NULL, err) &&
	       store_run(s, Q_USER_PUT, STORE_ARGS(SV_S("u2"), SV_S("same"), SV_S("SECRETHASH"), SV_NULL, SV_I(1), SV_I(1)), NULL, err);
}

static void test_failed_statement(void)
{
	g_autoptr(GError) err = NULL, later = NULL, commit = NULL;
	g_autoptr(store) s = fresh();

	g_assert_true(store_begin(s, &err) && put(s, "a", &err));
	g_assert_false(break_it(s, &err));
	g_assert_error(err, ERR, ERR_STORE);
	g_assert_true(g_str_has_prefix(err->message, "user_put: "));
	g_assert_null(strstr(err->message, "SECRETHASH"));
	g_assert_false(put(s, "b", &later)); /* not a transaction of its own */
	g_assert_error(later, ERR, ERR_STORE);
	g_assert_false(store_commit(s, &commit));
	g_assert_error(commit, ERR, ERR_STORE);
	expect_hosts(s, "");
	g_clear_error(&err);
	g_assert_true(fx_put_host(s, "c", false, &err));
	expect_hosts(s, "c");
}

/* Alone, a statement that failed harms no other. */
static void test_failed_alone(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = fresh();

	g_assert_false(break_it(s, &err));
	g_clear_error(&err);
	g_assert_true(put(s, "a", &err));
	expect_hosts(s, "a");
}

static void test_wrong_count(void)
{
	g_autoptr(store) s = NULL;

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_failed();
		g_test_trap_assert_stderr("*def->args == n*");
		return;
	}
	s = fresh();
	(void)store_run(s, Q_HOST_DELETE, STORE_NO_ARGS, NULL, NULL); /* it does not return */
}

/* ---- opening ---- */

static void test_mode(void)
{
	static const char *const tails[] = { "", "-wal" };
	mode_t old = umask(0);
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = fresh();

	umask(old);
	if (!fx_is_sqlite()) {
		g_test_skip("the server owns its files");
		return;
	}
	g_assert_true(put(s, "a", &err));
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		g_autofree char *path = g_strconcat(fx_url() + strlen("sqlite://"), tails[i], NULL);
		struct stat st;

		g_assert_cmpint(stat(path, &st), ==, 0);
		g_assert_cmpint(st.st_mode & 07777, ==, 0600);
	}
}

/* D22: what the daemon narrows is all that is there. */
static void test_files(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = fresh();
	g_auto(GStrv) files = store_files(fx_url());
	g_autofree char *folder = files[0] ? g_path_get_dirname(files[0]) : NULL;
	const char *name;
	GDir *dir;

	if (!fx_is_sqlite()) {
		g_assert_null(files[0]);
		return;
	}
	g_assert_true(put(s, "a", &err));
	g_assert_cmpstr(files[0], ==, fx_url() + strlen("sqlite://"));
	dir = g_dir_open(folder, 0, &err);
	g_assert_no_error(err);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		g_assert_true(!g_str_has_prefix(path, files[0]) || g_strv_contains((const char *const *)files, path));
	}
	g_dir_close(dir);
}

static void test_no_files(void)
{
	static const char *const urls[] = { "sqlite://:memory:", "postgresql://u:p@h/d", "what://is/this" };

	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_auto(GStrv) files = store_files(urls[i]);

		g_assert_null(files[0]);
	}
}

static void test_memory(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) a = store_open("sqlite://:memory:", &err), b = store_open("sqlite://:memory:", &err);

	g_assert_no_error(err);
	g_assert_true(put(a, "a", &err) && put(b, "b", &err));
	expect_hosts(a, "a");
	expect_hosts(b, "b");
}

/* Of another process, and of this one: its locks are shared, so SQLite must tell them apart. */
static void test_second_opener(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (!fx_is_sqlite()) {
		g_test_skip("PostgreSQL serves many; which one leads is decided by another lock");
		return;
	}
	if (g_test_subprocess()) {
		g_assert_null(store_open(fx_url(), &err));
		g_assert_error(err, ERR, ERR_STORE);
		g_assert_nonnull(strstr(err->message, "is in use by another process"));
		return;
	}
	s = fresh();
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_assert_null(store_open(fx_url(), &err));
	g_assert_nonnull(strstr(err->message, "is in use by another process"));
	g_clear_error(&err);
	g_assert_true(put(s, "a", &err)); /* and the first one still has its lock */
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	store_close(g_steal_pointer(&s));
	s = fx_open();
	expect_hosts(s, "a");
}

/* No message shows a secret: hunter2, and what follows an unescaped '@', '/' or '?' in it. */
static const struct {
	const char *name, *url, *want;
} bad_urls[] = {
	{ "other database", "mysql://drover:hunter2@h/db", "no database is known for the scheme 'mysql'" },
	{ "no scheme", "host=/tmp password=hunter2", "no database is known for the scheme ''" },
	{ "empty", "", "no database is known for the scheme ''" },
	{ "relative", "sqlite://hunter2/file.db", "neither sqlite:///ABSOLUTE/PATH" },
	{ "no folder", "sqlite:///nonexistent/test.db", "cannot create database /nonexistent/test.db: No such file or directory" },
	{ "folder", "sqlite:///", "database /: unable to open database file" },
	{ "not a database", "sqlite:///proc/self/status", "database /proc/self/status: " },
	{ "no slashes", "postgresql:drover:hunter2@h/db", "URL is malformed" },
	{ "at", "postgresql://drover:x@hunter2@127.0.0.1:1/db", "URL is malformed" },
	{ "slash", "postgresql://drover:hunter2/x@127.0.0.1:1/db", "URL is malformed" },
	{ "slash, then colon", "postgresql://drover:x/hunter2:y@127.0.0.1:1/db", "URL is malformed" },
	{ "percent", "postgresql://drover:hunter2%zz@127.0.0.1:1/db", "URL is malformed" },
	{ "port", "postgresql://drover@127.0.0.1:hunter2/db", "URL is malformed" },
	{ "unknown option", "postgresql://drover:hunter2@127.0.0.1:1/db?hunter2=3", "URL is malformed" },
	{ "no listener", "postgresql://drover:hunter2@127.0.0.1:1/db", "Connection refused" },
	{ "no socket", "postgres://drover:hunter2@%2Fnonexistent/db", "No such file or directory" },
	{ "password in the query", "postgresql+psycopg2://drover@127.0.0.1:1/db?password=hunter2", "Connection refused" },
};

static void test_bad_urls(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad_urls); i++) {
		g_autoptr(GError) err = NULL;
		g_autoptr(store) s = store_open(bad_urls[i].url, &err);

		if (s)
			g_error("%s: it opened", bad_urls[i].name);
		g_assert_error(err, ERR, ERR_STORE);
		if (!strstr(err->message, bad_urls[i].want) || strstr(err->message, "hunter2"))
			g_error("%s: \"%s\"", bad_urls[i].name, err->message);
	}
}

static void test_wrong_password(void)
{
	static const struct {
		const char *from, *to, *want;
	} changes[] = {
		{ "://drover:", "://drover:hunter2", "password authentication failed for user \"drover\"" },
		{ "://drover:", "://nobody:hunter2", "password authentication failed for user \"nobody\"" },
		{ "/postgres", "/nosuch", "database \"nosuch\" does not exist" },
	};

	if (fx_is_sqlite()) {
		g_test_skip("a file has no password");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(GError) err = NULL;
		g_autoptr(GString) url = g_string_new(fx_url());

		g_assert_cmpuint(g_string_replace(url, changes[i].from, changes[i].to, 1), ==, 1);
		g_assert_null(store_open(url->str, &err));
		g_assert_error(err, ERR, ERR_STORE);
		if (!strstr(err->message, changes[i].want) || strstr(err->message, "hunter2") || strstr(err->message, "s3cret"))
			g_error("%s: \"%s\"", changes[i].to, err->message);
	}
}

/* ---- what it costs; with -m perf ---- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* As the engine writes: a row and its event, then a commit. Return: microseconds */
static int64_t one_round(struct store *s, int i)
{
	g_autofree char *uuid = g_strdup_printf("%d", i);
	g_autoptr(GError) err = NULL;
	int64_t id, begin = g_get_monotonic_time();

	(void)(store_begin(s, &err) &&
	       store_insert(s, Q_MIG_INSERT, STORE_ARGS(SV_S(uuid), SV_S("s"), SV_S("live-migration"), SV_S("queue"), SV_S("queued"),
							SV_S("h1"), SV_NULL, SV_NULL, SV_S("{}"), SV_S("u"), SV_S("p"), SV_S("r"),
							SV_I(1), SV_I(1)), &id, &err) &&
	       store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(id), SV_NULL, SV_S("queue"), SV_NULL, SV_I(1)), NULL, &err) &&
	       store_commit(s, &err));
	g_assert_no_error(err);
	return g_get_monotonic_time() - begin;
}

/* A copy is whole though what was written last stands only in the log: the program that wrote it was killed. */
static void test_backup(void)
{
	g_autofree char *path = g_build_filename(fx_dir(), "copy.sqlite", NULL), *url = g_strconcat("sqlite://", path, NULL);
	g_autofree char *other = g_build_filename(fx_dir(), "other", NULL), *other_url = g_strconcat("sqlite://", other, NULL);
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	struct stat st;
	pid_t pid;

	fx_reset();
	pid = fx_fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(!put(fx_open(), "a", NULL));
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	if (!fx_is_sqlite()) {
		g_assert_false(store_backup(fx_url(), path, &err));
		g_assert_nonnull(strstr(err->message, "pg_dump"));
		return;
	}
	g_assert_true(store_backup(fx_url(), path, &err));
	g_assert_no_error(err);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	s = store_open(url, &err);
	g_assert_no_error(err);
	expect_hosts(s, "a");
	g_assert_false(store_backup(fx_url(), path, &err)); /* nothing is written over */
	g_assert_nonnull(strstr(err->message, "File exists"));
	g_clear_error(&err);
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_true(g_file_set_contents(other, "no database at all, though it is long enough to be looked at", -1, NULL));
	g_assert_false(store_backup(other_url, path, &err));
	g_assert_nonnull(strstr(err->message, "not a database"));
	g_clear_error(&err);
	g_assert_cmpint(access(path, F_OK), !=, 0); /* no half copy stands in the way of the next one */
	g_assert_cmpint(unlink(other), ==, 0);
	g_assert_false(store_backup("sqlite:///nowhere/at.all", path, &err));
	g_assert_nonnull(strstr(err->message, "/nowhere/at.all: No such file"));
	g_assert_cmpint(access(path, F_OK), !=, 0);
}

static void test_latency(void)
{
	enum { ROUNDS = 3000 };
	g_autofree int64_t *us = g_new(int64_t, ROUNDS);
	g_autoptr(store) s = NULL;

	if (!g_test_perf()) {
		g_test_skip("a measurement: run with -m perf");
		return;
	}
	s = fresh();
	for (int i = 0; i < ROUNDS; i++)
		us[i] = one_round(s, i);
	qsort(us, ROUNDS, sizeof *us, by_value);
	g_test_message("a transaction of two rows: median %d us, 99 of 100 under %d us, longest %d us", (int)us[ROUNDS / 2],
		       (int)us[ROUNDS * 99 / 100], (int)us[ROUNDS - 1]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	clock_manual(0); /* the pause after a failed connect passes only where a case says so */
	g_test_add_func("/store/tx/rollback", test_rollback);
	g_test_add_func("/store/tx/close", test_close_rolls_back);
	g_test_add_func("/store/tx/failed", test_failed_statement);
	g_test_add_func("/store/tx/failed-alone", test_failed_alone);
	g_test_add_func("/store/tx/wrong-count", test_wrong_count);
	g_test_add_func("/store/open/mode", test_mode);
	g_test_add_func("/store/D22/files", test_files);
	g_test_add_func("/store/D22/no-files", test_no_files);
	g_test_add_func("/store/open/memory", test_memory);
	g_test_add_func("/store/open/second", test_second_opener);
	g_test_add_func("/store/open/bad-urls", test_bad_urls);
	g_test_add_func("/store/open/wrong-password", test_wrong_password);
	g_test_add_func("/store/D7/backup", test_backup);
	g_test_add_func("/store/latency", test_latency);
	t_records_add();
	t_upgrade_add();
	t_durable_add();
	t_disk_add();
	t_link_add();
	t_lists_add();
	t_owner_add();
	t_damage_add();
	return g_test_run();
}
