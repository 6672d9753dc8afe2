/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *fx_url(void)
{
	const char *url = g_getenv("DROVER_TEST_DB");

	if (!url)
		g_error("DROVER_TEST_DB is not set; start this program by tests/store/run");
	return url;
}

const char *fx_dir(void)
{
	return g_getenv("DROVER_TEST_DIR");
}

bool fx_is_sqlite(void)
{
	return g_str_has_prefix(fx_url(), "sqlite:");
}

/* ---- processes ---- */

#ifdef __SANITIZE_THREAD__
#define OWN_THREADS 2 /* the sanitizer has one */
#else
#define OWN_THREADS 1
#endif

static guint count_threads(void)
{
	g_autoptr(GDir) all = g_dir_open("/proc/self/task", 0, NULL);
	guint n = 0;

	g_assert_nonnull(all);
	while (g_dir_read_name(all))
		n++;
	return n;
}

pid_t fx_fork(void)
{
	while (count_threads() > OWN_THREADS)
		g_thread_yield();
	return fork();
}

static const struct store_ops *ops(void)
{
	return fx_is_sqlite() ? &store_sqlite_ops : &store_postgres_ops;
}

void fx_reset(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal", "-lock" };

	if (!fx_is_sqlite()) {
		g_free(fx_sql("DROP SCHEMA public CASCADE"));
		g_free(fx_sql("CREATE SCHEMA public"));
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		g_autofree char *path = g_strconcat(fx_url() + strlen("sqlite://"), tails[i], NULL);

		g_assert_true(unlink(path) == 0 || errno == ENOENT);
	}
}

struct store *fx_open(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s = store_open(fx_url(), &err);

	g_assert_no_error(err);
	g_assert_nonnull(s);
	return s;
}

static bool dump_row(const struct store_row *row, void *user)
{
	GString *out = user;

	for (int i = 0; i < row->n; i++) {
		const char *text = store_text(row, i);

		g_string_append_printf(out, "%s%s", i ? "|" : "", text ? text : "~");
	}
	g_string_append_c(out, '\n');
	return true;
}

char *fx_dump(struct store *s, enum query q, const struct store_val *args, size_t n, GError **err)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!store_each(s, q, args, n, dump_row, out, err))
		return NULL;
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *fx_sql(const char *sql)
{
	g_autoptr(GError) err = NULL;
	GString *out = g_string_new(NULL);
	void *db = ops()->open(fx_url(), &err);

	g_assert_no_error(err);
	ops()->each(db, -1, sql, NULL, 0, dump_row, out, NULL, &err);
	g_assert_no_error(err);
	ops()->close(db);
	return g_string_free(out, FALSE);
}

bool fx_put_host(struct store *s, const char *name, bool alone, GError **err)
{
	int64_t id;
	bool ok = true;

	if (!alone)
		ok = store_begin(s, err);
	ok = ok && store_insert(s, Q_HOST_PUT, FX_HOST(name, "uri", 1), &id, err);
	if (!alone)
		ok = ok && store_commit(s, err);
	if (!alone)
		store_rollback(s);
	return ok;
}

/* ---- the server's processes ---- */

static void add_process(GArray *fds, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		g_array_append_val(fds, fd);
}

static GArray *server_processes(void)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
	g_autofree char *pid_file = g_build_filename(fx_dir(), "data", "postmaster.pid", NULL);
	g_autofree char *text = NULL, *list_file = NULL, *list = NULL;
	g_auto(GStrv) pids = NULL;
	pid_t leader;

	g_assert_true(g_file_get_contents(pid_file, &text, NULL, NULL));
	leader = (pid_t)strtol(text, NULL, 10);
	g_assert_cmpint(leader, >, 1);
	g_assert_cmpint(kill(leader, SIGSTOP), ==, 0); /* it makes no more children */
	add_process(fds, leader);
	list_file = g_strdup_printf("/proc/%d/task/%d/children", leader, leader);
	g_assert_true(g_file_get_contents(list_file, &list, NULL, NULL));
	pids = g_strsplit(g_strstrip(list), " ", -1);
	for (char **p = pids; *p; p++)
		if (**p)
			add_process(fds, (pid_t)strtol(*p, NULL, 10));
	return fds;
}

void fx_server_kill(int signum)
{
	g_autoptr(GArray) fds = server_processes();

	for (guint i = 0; i < fds->len; i++) {
		/* One that has ended by itself is as good. */
		(void)syscall(SYS_pidfd_send_signal, g_array_index(fds, int, i), signum, NULL, 0);
		(void)syscall(SYS_pidfd_send_signal, g_array_index(fds, int, i), SIGCONT, NULL, 0);
	}
	for (guint i = 0; i < fds->len; i++) {
		struct pollfd p = { .fd = g_array_index(fds, int, i), .events = POLLIN };

		g_assert_cmpint(poll(&p, 1, 240000), ==, 1);
		close(p.fd);
	}
}

void fx_server_start(void)
{
	const char *argv[] = { g_getenv("DROVER_TEST_RUN"), "--start", NULL };
	g_autoptr(GError) err = NULL;
	int status;

	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &err);
	g_assert_no_error(err);
	g_assert_cmpint(status, ==, 0);
}
