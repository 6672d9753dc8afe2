/* SPDX-License-Identifier: Apache-2.0
 *
 * D5: a database belongs to one program. The second is refused and told which one has it; one that lost its connection
 * finds out whether the database is its own still, before it writes.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "fixture.h"

#define END_SESSIONS \
	"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'droverd' AND pid <> pg_backend_pid()"

static bool is_sqlite(void)
{
	if (fx_is_sqlite())
		g_test_skip("its file is locked as long as it is open");
	return fx_is_sqlite();
}

static void expect_refused(void)
{
	g_autofree char *me = g_strdup_printf("the database is in use by another droverd: %s, process %d, since ", g_get_host_name(), (int)getpid());
	g_autoptr(GError) err = NULL;

	g_assert_null(store_open(fx_url(), &err));
	g_assert_error(err, ERR, ERR_STORE);
	if (fx_is_sqlite())
		g_assert_nonnull(strstr(err->message, "in use by another process"));
	else if (!g_str_has_prefix(err->message, me))
		g_error("%s, want %s", err->message, me);
}

static char *row(const char *columns)
{
	g_autofree char *sql = g_strdup_printf("SELECT %s FROM leader", columns);

	return fx_sql(sql);
}

static void expect_epoch(int want)
{
	g_autofree char *got = row("epoch");

	g_assert_cmpint(atoi(got), ==, want);
}

static void test_second(void)
{
	struct store *s;

	fx_reset();
	s = fx_open();
	expect_refused();
	store_close(s);
	s = fx_open(); /* a second one, after the first */
	store_close(s);
	if (!fx_is_sqlite())
		expect_epoch(2);
}

/* A daemon of before this had no row; its schema is not touched while it may run. */
static void test_second_before_upgrade(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (is_sqlite())
		return;
	fx_reset();
	s = store_open_steps(fx_url(), schema_steps, 9, &err);
	g_assert_no_error(err);
	g_assert_null(store_open(fx_url(), &err));
	g_assert_nonnull(strstr(err->message, "the database is in use by another droverd: session "));
	store_close(s);
	store_close(fx_open());
}

static void test_killed(void)
{
	int fds[2], status;
	pid_t pid;

	fx_reset();
	g_assert_cmpint(pipe(fds), ==, 0);
	pid = fx_fork();
	if (pid == 0) {
		struct store *s = fx_open();

		g_assert_cmpint(write(fds[1], "", 1), ==, 1);
		pause();
		store_close(s);
	}
	close(fds[1]); /* a child that dies early is heard */
	g_assert_cmpint(read(fds[0], &(char){ 0 }, 1), ==, 1);
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	store_close(fx_open());
	close(fds[0]);
}

/* ---- a connection that was lost ---- */

static char *told;

static void on_lost(const char *why, void *user)
{
	g_assert_true(user == &told);
	g_free(told);
	told = g_strdup(why);
}

static struct store *open_watched(void)
{
	struct store *s = fx_open();

	g_clear_pointer(&told, g_free);
	store_on_lost(s, on_lost, &told);
	return s;
}

static void test_reconnected(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (is_sqlite())
		return;
	fx_reset();
	s = open_watched();
	for (int alone = 0; alone < 2; alone++) {
		g_free(fx_sql(END_SESSIONS));
		fx_put_host(s, alone ? "alone" : "transaction", alone, &err);
		g_assert_no_error(err);
	}
	g_free(fx_sql(END_SESSIONS));
	store_check(s, &err);
	g_assert_no_error(err);
	expect_refused(); /* it has the lock again */
	g_assert_null(told);
	store_close(s);
	expect_epoch(1);
}

static void expect_lost(struct store *s, GError *err)
{
	g_autofree char *hosts = fx_sql("SELECT count(*) FROM hosts");
	GError *again = NULL;

	g_assert_error(err, ERR, ERR_STORE);
	g_assert_true(g_str_has_prefix(err->message, "the database belongs to another droverd now: ") || strstr(err->message, ": the database belongs"));
	g_assert_nonnull(told);
	g_assert_cmpstr(hosts, ==, "0\n");
	g_assert_false(fx_put_host(s, "later", true, &again));
	g_assert_error(again, ERR, ERR_STORE);
	g_clear_error(&again);
	g_assert_false(store_check(s, &again));
	g_clear_error(&again);
}

/* Another daemon was quicker: the first must not write on its new connection, whether it writes first or asks. */
static void test_taken(const void *data)
{
	g_autoptr(GError) err = NULL;
	struct store *s, *other;

	if (is_sqlite())
		return;
	fx_reset();
	s = open_watched();
	g_free(fx_sql(END_SESSIONS));
	other = fx_open();
	if (strcmp(data, "check") == 0)
		store_check(s, &err);
	else
		fx_put_host(s, "a", strcmp(data, "alone") == 0, &err);
	expect_lost(s, err);
	g_assert_nonnull(strstr(told, g_get_host_name()));
	store_close(s);
	g_assert_true(fx_put_host(other, "b", false, NULL));
	store_close(other);
}

/* Another daemon was quicker and has ended since: nothing holds the lock, and the row tells. */
static void test_taken_and_left(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (is_sqlite())
		return;
	fx_reset();
	s = open_watched();
	g_free(fx_sql(END_SESSIONS));
	store_close(fx_open());
	g_assert_false(fx_put_host(s, "a", false, &err));
	expect_lost(s, err);
	store_close(s);
}

/* The row changes hands while the connection lives: the next transaction sees it. */
static void test_row_taken(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (is_sqlite())
		return;
	fx_reset();
	s = open_watched();
	g_free(fx_sql("UPDATE leader SET holder = 'other', epoch = epoch + 1, told = 'there, process 1'"));
	g_assert_false(fx_put_host(s, "a", false, &err));
	expect_lost(s, err);
	g_assert_nonnull(strstr(told, "there, process 1, since"));
	store_close(s);
}

/* The server is away and back: nothing was taken meanwhile. */
static void test_server_restarted(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (is_sqlite() || !fx_dir())
		return;
	fx_reset();
	s = open_watched();
	fx_server_kill(SIGKILL);
	fx_server_start();
	fx_put_host(s, "a", false, &err);
	g_assert_no_error(err);
	g_assert_null(told);
	expect_refused();
	store_close(s);
}

void t_owner_add(void)
{
	g_test_add_func("/store/D5/second is refused", test_second);
	g_test_add_func("/store/D5/second does not upgrade", test_second_before_upgrade);
	g_test_add_func("/store/D5/killed", test_killed);
	g_test_add_func("/store/D5/reconnected", test_reconnected);
	g_test_add_data_func("/store/D5/taken, transaction", "transaction", test_taken);
	g_test_add_data_func("/store/D5/taken, statement", "alone", test_taken);
	g_test_add_data_func("/store/D5/taken, check", "check", test_taken);
	g_test_add_func("/store/D5/taken and left", test_taken_and_left);
	g_test_add_func("/store/D5/row taken", test_row_taken);
	g_test_add_func("/store/D5/server restarted", test_server_restarted);
}
