/* SPDX-License-Identifier: Apache-2.0
 *
 * A restore that is killed before and behind each of its calls to the file system: what was there is whole, or the copy is, and the next restore
 * ends it. t_restore.py has what it refuses.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/sqlite_restore.h"
#include "store/store.h"

#define POINTS_MIN 15 /* it writes, syncs three times, renames twice: before and behind each */

static char *dir, *path, *url, *copy;
static int points_left; /* until the process is killed; 0: it is not */

static void point(void)
{
	if (points_left > 0 && --points_left == 0)
		kill(getpid(), SIGKILL);
}

#define WRAPPED(type, name, params, args) \
	type __real_##name params; \
	type __wrap_##name params; \
	type __wrap_##name params \
	{ \
		type got; \
		point(); \
		got = __real_##name args; \
		point(); \
		return got; \
	}
WRAPPED(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
WRAPPED(int, fsync, (int fd), (fd))
WRAPPED(int, rename, (const char *from, const char *to), (from, to))
WRAPPED(int, unlink, (const char *name), (name))

/* ---- the files ---- */

static void clear(void)
{
	g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(d))) {
		g_autofree char *file = g_build_filename(dir, name, NULL);

		if (strcmp(file, copy) != 0)
			g_assert_cmpint(g_unlink(file), ==, 0);
	}
}

static int keep_text(void *user, int n, char **values, char **names)
{
	(void)names;
	g_assert_cmpint(n, ==, 1);
	g_string_append_printf(user, "%s ", values[0]);
	return 0;
}

static void expect_user(const char *file, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);
	sqlite3 *db = NULL;

	g_assert_cmpint(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "SELECT name FROM users", keep_text, got, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
	g_assert_cmpstr(got->str, ==, want);
}

static int waited(pid_t pid)
{
	int status;

	g_assert_cmpint(pid, >=, 0);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return status;
}

/* A database with one user, as a daemon leaves it that was killed: some of it stands in the log. */
static void make_database(const char *user)
{
	g_autofree char *insert = g_strdup_printf("INSERT INTO users (id, name, password_hash, enabled, created_at) VALUES ('1', '%s', 'x', 1, 1)", user);
	pid_t pid;

	clear();
	pid = fork();
	if (pid == 0) {
		struct store *s = store_open(url, NULL);
		sqlite3 *db = NULL;

		_exit(!s || sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, insert, NULL, NULL, NULL) != SQLITE_OK);
	}
	g_assert_cmpint(waited(pid), ==, 0);
}

/* Return: the one that was moved aside, owned; NULL: there is none. */
static char *find_aside(void)
{
	g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
	char *found = NULL;
	const char *name;

	while ((name = g_dir_read_name(d))) {
		if (!strstr(name, ".before-") || g_str_has_suffix(name, "-wal") || g_str_has_suffix(name, "-shm"))
			continue;
		g_assert_null(found);
		found = g_build_filename(dir, name, NULL);
	}
	return found;
}

/* ---- the case ---- */

/* Return: whether it was killed. */
static bool restore(int n)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int from = open(copy, O_RDONLY | O_CLOEXEC);
		char *aside = NULL;

		points_left = n;
		_exit(!store_restore(url, from, &aside, NULL));
	}
	status = waited(pid);
	g_assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* Return: whether the copy is in its place. */
static bool judge(void)
{
	g_autofree char *aside = find_aside();
	g_autoptr(GError) err = NULL;
	bool there = g_file_test(path, G_FILE_TEST_EXISTS);

	g_assert_true(there || aside);
	if (aside)
		expect_user(aside, "before ");
	if (!there)
		return false;
	g_assert_true(sqlite_restore_judge(path, &err));
	g_assert_no_error(err);
	expect_user(path, aside ? "copy " : "before ");
	return aside != NULL;
}

static void test_killed(void)
{
	g_autoptr(GError) err = NULL;
	int n = 1, in_place = 0;

	make_database("copy");
	g_assert_true(store_backup(url, copy, &err));
	g_assert_no_error(err);
	for (; make_database("before"), restore(n); n++) {
		in_place += judge();
		g_assert_false(restore(0));
		expect_user(path, "copy ");
	}
	g_assert_true(judge());
	g_test_message("killed at %d points, the copy was there after %d", n - 1, in_place);
	g_assert_cmpint(n, >, POINTS_MIN);
	g_assert_cmpint(in_place, >, 0);
}

int main(int argc, char **argv)
{
	int code;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("drover-restored.XXXXXX", NULL);
	path = g_build_filename(dir, "drover.sqlite", NULL);
	copy = g_build_filename(dir, "copy.sqlite", NULL);
	url = g_strconcat("sqlite://", path, NULL);
	g_test_add_func("/restore/killed", test_killed);
	code = g_test_run();
	(void)g_unlink(copy);
	clear();
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	g_free(dir);
	g_free(path);
	g_free(copy);
	g_free(url);
	return code;
}
