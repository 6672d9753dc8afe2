/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite and its disk: each commit is synced, a sync can fail, a disk can be full.
 */
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "fixture.h"

static int syncs;         /* by the thread that commits */
static gint others;       /* by others */
static bool sync_fails;
static gint checkpoints;
static gint meets;        /* a checkpoint of another thread waits until one more was committed */
static gint waiting;      /* ... and does so */
static GThread *committer;

/* In the place of the C library's; SQLite calls it for its log. */
int fdatasync(int fd)
{
	if (g_thread_self() != committer) {
		g_atomic_int_inc(&others);
		return (int)syscall(SYS_fdatasync, fd);
	}
	syncs++;
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* In the place of SQLite's. */
int sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode, int *in_log, int *in_file)
{
	int (*own)(sqlite3 *, const char *, int, int *, int *) = NULL;
	int code;

	*(void **)&own = dlsym(RTLD_NEXT, "sqlite3_wal_checkpoint_v2");
	g_atomic_int_inc(&checkpoints);
	code = own(db, name, mode, in_log, in_file);
	if (g_thread_self() == committer || !g_atomic_int_get(&meets))
		return code;
	g_atomic_int_set(&waiting, true);
	while (g_atomic_int_get(&waiting))
		g_thread_yield();
	return code;
}

static bool not_here(void)
{
	if (!fx_is_sqlite())
		g_test_skip("the server owns its disk");
	return !fx_is_sqlite();
}

static void test_synced(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	for (int i = 0; i < 10; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i);

		syncs = 0;
		g_assert_true(store_begin(s, &err) && fx_put_host(s, name, true, &err));
		g_assert_cmpint(syncs, ==, 0);
		g_assert_true(store_commit(s, &err));
		g_assert_cmpint(syncs, >=, 1);
	}
}

/* The one that commits does not wait for the disk; another thread brings it there. The next transaction is waited for again. */
static void test_soft(void)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *names = NULL;
	struct store *s;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	g_assert_true(fx_put_host(s, "first", false, &err)); /* the log's own head is synced, whatever begins it */
	syncs = 0;
	g_atomic_int_set(&others, 0);
	g_assert_true(store_begin_soft(s, &err) && fx_put_host(s, "soft", true, &err) && store_commit(s, &err));
	g_assert_cmpint(syncs, ==, 0);
	while (g_atomic_int_get(&others) == 0)
		g_thread_yield();
	g_assert_true(fx_put_host(s, "hard", false, &err));
	g_assert_cmpint(syncs, >=, 1);
	syncs = 0;
	g_assert_true(store_begin_soft(s, &err) && fx_put_host(s, "no", true, &err));
	store_rollback(s);
	g_assert_true(fx_put_host(s, "hard too", false, &err));
	g_assert_cmpint(syncs, >=, 1);
	store_close(s);
	names = fx_sql("SELECT name FROM hosts ORDER BY id");
	g_assert_cmpstr(names, ==, "first\nsoft\nhard\nhard too\n");
}

/* The log becomes long, and goes into the file, and not by the thread that commits. */
static void test_checkpoint(void)
{
	const char *path = fx_url() + strlen("sqlite://");
	g_autoptr(GError) err = NULL;
	g_autofree char *text = g_strnfill(100000, 'x');
	g_autoptr(store) s = NULL;
	struct stat file;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	for (int i = 0; i < 60; i++) {
		g_autofree char *name = g_strdup_printf("%d%s", i, text);

		g_assert_true(fx_put_host(s, name, false, &err));
	}
	do {
		g_thread_yield();
		g_assert_cmpint(stat(path, &file), ==, 0);
	} while (file.st_size < 60 * 100000 / 2);
}

static int64_t log_bytes(void)
{
	g_autofree char *log = g_strconcat(fx_url() + strlen("sqlite://"), "-wal", NULL);
	struct stat file;

	g_assert_cmpint(stat(log, &file), ==, 0);
	return file.st_size;
}

/* The log cannot begin again, while a reader is in it: that is no reason for a checkpoint at every commit. */
static void test_log_stays(void)
{
	g_autofree char *text = g_strnfill(1000000, 'x');
	const char *path = fx_url() + strlen("sqlite://");
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	sqlite3 *reader = NULL;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	g_assert_cmpint(sqlite3_open(path, &reader), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(reader, "BEGIN; SELECT 1 FROM hosts", NULL, NULL, NULL), ==, SQLITE_OK);
	for (int i = 0; i < 6; i++) {
		g_autofree char *name = g_strdup_printf("%d%s", i, text);

		g_assert_true(fx_put_host(s, name, false, &err));
	}
	g_atomic_int_set(&checkpoints, 0);
	for (int i = 0; i < 100; i++) {
		g_autofree char *name = g_strdup_printf("small%d", i);

		g_assert_true(fx_put_host(s, name, false, &err));
	}
	g_assert_cmpint(log_bytes(), >, 1500 * 4096);
	g_assert_cmpint(g_atomic_int_get(&checkpoints), <=, 3 * 3);
	g_assert_cmpint(sqlite3_close(reader), ==, SQLITE_OK);
}

/* Commits without a pause: it begins again all the same. */
static void test_log_ends(void)
{
	g_autofree char *text = g_strnfill(1000000, 'x');
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	for (int i = 0; i < 100; i++) {
		g_autofree char *name = g_strdup_printf("%d%s", i, text);

		g_assert_true(fx_put_host(s, name, false, &err));
		g_assert_cmpint(log_bytes(), <, 18000 * 4096);
	}
}

/* Something is committed at each moment at which the thread has brought all over: the log begins again, and does not grow to where commits wait for it. */
static void test_log_begins_again(void)
{
	enum { ROUNDS = 20, PASSES = 3 };
	g_autofree char *text = g_strnfill(2500000, 'x');
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	g_atomic_int_set(&meets, true);
	for (int i = 0; i < ROUNDS; i++) {
		g_autofree char *name = g_strdup_printf("%d%s", i, text);

		g_assert_true(fx_put_host(s, name, false, &err));
		for (int k = 0; k < PASSES; k++) {
			do
				g_assert_true(fx_put_host(s, "small", false, &err));
			while (!g_atomic_int_get(&waiting));
			g_assert_true(fx_put_host(s, "meanwhile", false, &err));
			g_atomic_int_set(&waiting, false);
		}
	}
	g_assert_cmpint(log_bytes(), <, 6000 * 4096);
	g_atomic_int_set(&meets, false);
	g_atomic_int_set(&waiting, false);
}

static void test_sync_fails(void)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *names = NULL;
	struct store *s;

	if (not_here())
		return;
	fx_reset();
	s = fx_open();
	g_assert_true(fx_put_host(s, "before", false, &err));
	sync_fails = true;
	g_assert_false(fx_put_host(s, "lost", false, &err));
	sync_fails = false;
	g_assert_error(err, ERR, ERR_STORE);
	g_assert_nonnull(strstr(err->message, "outcome is unknown"));
	g_clear_error(&err);
	g_assert_true(fx_put_host(s, "after", false, &err));
	store_close(s);
	names = fx_sql("SELECT name FROM hosts ORDER BY id");
	g_assert_cmpstr(names, ==, "before\nafter\n");
}

/* ---- a full disk ---- */

/* One migration with two events that are large. */
static bool write_large(struct store *s, int n, GError **err)
{
	g_autofree char *uuid = g_strdup_printf("%d", n), *why = g_strnfill(30000, 'w');
	int64_t id;

	return store_begin(s, err) &&
	       store_insert(s, Q_MIG_INSERT, FX_MIGRATION(uuid, 1), &id, err) &&
	       store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(id), SV_NULL, SV_S("queue"), SV_S(why), SV_I(1)), NULL, err) &&
	       store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(id), SV_S("queue"), SV_S("claim"), SV_S(why), SV_I(2)), NULL, err) &&
	       store_commit(s, err);
}

/* Write until it fails. Return: the number of transactions that were acknowledged, from @n on */
static int fill(struct store *s, int n, GError **err)
{
	int written = 0;

	while (written < 10000 && write_large(s, n + written, err))
		written++;
	g_assert_cmpint(written, <, 10000);
	store_rollback(s);
	return written;
}

static bool count_rows(const struct store_row *row, void *user)
{
	(void)row;
	++*(int *)user;
	return true;
}

static void expect_rows(struct store *s, int want)
{
	g_autoptr(GError) err = NULL;
	int migrations = 0;

	g_assert_true(store_each(s, Q_MIG_ACTIVE, STORE_NO_ARGS, count_rows, &migrations, &err));
	g_assert_cmpint(migrations, ==, want);
	for (int id = 1; id <= want; id++) {
		int events = 0;

		g_assert_true(store_each(s, Q_MIG_EVENTS, STORE_ARGS(SV_I(id)), count_rows, &events, &err));
		g_assert_cmpint(events, ==, 2);
	}
}

typedef void room_f(const char *dir, bool much);

/* Fill it twice, make room, go on; then look at what a new process finds. */
static void full_disk(const char *dir, room_f *room)
{
	g_autofree char *url = g_strdup_printf("sqlite://%s/full.db", dir), *file = g_build_filename(dir, "full.db", NULL);
	g_autoptr(GError) err = NULL, again = NULL;
	struct store *s = store_open(url, &err);
	int n;

	g_assert_no_error(err);
	room(dir, false);
	n = fill(s, 0, &err);
	g_assert_error(err, ERR, ERR_STORE);
	g_test_message("full after %d transactions: %s", n, err->message);
	expect_rows(s, n);
	g_assert_false(write_large(s, n, &again)); /* it stays full, and says so again */
	store_rollback(s);
	expect_rows(s, n);
	room(dir, true);
	g_clear_error(&err);
	g_assert_true(write_large(s, n, &err));
	expect_rows(s, n + 1);
	store_close(s);
	s = store_open(url, &err);
	g_assert_no_error(err);
	expect_rows(s, n + 1);
	store_close(s);
	g_assert_cmpint(unlink(file), ==, 0);
}

/* The disk is as large as a file may become. */
static void limit(const char *dir, bool much)
{
	struct rlimit l;

	(void)dir;
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &l), ==, 0);
	l.rlim_cur = much ? l.rlim_max : 1000000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &l), ==, 0);
}

static void test_file_limit(void)
{
	if (not_here())
		return;
	signal(SIGXFSZ, SIG_IGN);
	full_disk(fx_dir(), limit);
	signal(SIGXFSZ, SIG_DFL);
}

/* A small disk of its own, and a file on it that makes room when it goes. */
static void ballast(const char *dir, bool much)
{
	g_autofree char *path = g_build_filename(dir, "ballast", NULL), *text = g_strnfill(400000, 'b');

	if (much)
		g_assert_cmpint(unlink(path), ==, 0);
	else
		g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_full_disk(void)
{
	g_autofree char *dir = NULL;

	if (not_here())
		return;
	dir = g_build_filename(fx_dir(), "small", NULL);
	g_assert_cmpint(mkdir(dir, 0700), ==, 0);
	/* in a namespace of our own, so that nothing is left mounted whatever happens */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("drover-test", dir, "tmpfs", 0, "size=1m") < 0) {
		g_test_skip("this user may not mount a file system");
		return;
	}
	full_disk(dir, ballast);
	g_assert_cmpint(umount(dir), ==, 0);
}

void t_disk_add(void)
{
	committer = g_thread_self();
	g_test_add_func("/store/disk/synced", test_synced);
	g_test_add_func("/store/disk/soft", test_soft);
	g_test_add_func("/store/disk/checkpoint", test_checkpoint);
	g_test_add_func("/store/disk/log-stays", test_log_stays);
	g_test_add_func("/store/disk/log-ends", test_log_ends);
	g_test_add_func("/store/disk/log-begins-again", test_log_begins_again);
	g_test_add_func("/store/disk/sync-fails", test_sync_fails);
	g_test_add_func("/store/disk/file-limit", test_file_limit);
	g_test_add_func("/store/disk/full", test_full_disk);
}
