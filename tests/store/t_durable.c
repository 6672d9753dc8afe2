/* SPDX-License-Identifier: Apache-2.0
 *
 * What was acknowledged is there, and nothing is half: the writer is killed,
 * the whole PostgreSQL server is killed, at random moments.
 *
 * The writer is a child: each transaction is one migration with EVENTS events;
 * over a pipe it tells how each commit ended. A kill does not take what the
 * kernel holds, so /store/disk/synced shows besides that each commit syncs.
 */
#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "fixture.h"

#define EVENTS 3

enum told { TOLD_WRITTEN, TOLD_UNKNOWN, TOLD_NOTHING };

struct report {
	int n;
	enum told told;
};

/* ---- the writer ---- */

static bool write_one(struct store *s, int n, GError **err)
{
	g_autofree char *uuid = g_strdup_printf("%d", n);
	int64_t id;

	if (!store_begin(s, err) ||
	    !store_insert(s, Q_MIG_INSERT, FX_MIGRATION(uuid, 1), &id, err))
		return false;
	for (int i = 0; i < EVENTS; i++)
		if (!store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(id), SV_NULL, SV_S("queue"), SV_S(uuid), SV_I(i)), NULL, err))
			return false;
	return store_commit(s, err);
}

static enum told how_it_ended(const GError *err)
{
	if (!err)
		return TOLD_WRITTEN;
	return strstr(err->message, "outcome is unknown") ? TOLD_UNKNOWN : TOLD_NOTHING;
}

/* Until it is killed, or until a commit fails. */
static void writer(int fd, int n)
{
	g_autoptr(GError) err = NULL;
	struct store *s = store_open(fx_url(), &err);

	if (!s)
		_exit(1);
	for (;; n++) {
		bool ok = write_one(s, n, &err);
		struct report r = { n, how_it_ended(err) };

		if (write(fd, &r, sizeof r) != sizeof r || !ok)
			_exit(0);
	}
}

static pid_t start_writer(int n, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	g_assert_cmpint(pipe(fds), ==, 0);
	pid = fx_fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		close(fds[0]);
		writer(fds[1], n);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

/* ---- its judge ---- */

/* Read @count reports, all up to the end if @count is negative. Return: false if that end came. */
static bool hear(int fd, GArray *reports, int count)
{
	struct report r;

	for (; count != 0; count--) {
		if (read(fd, &r, sizeof r) != sizeof r)
			return false;
		g_array_append_val(reports, r);
	}
	return true;
}

/* After some acknowledged rows, go on for a moment that ends anywhere within a transaction. */
static void hear_for_a_while(int fd, GArray *reports)
{
	struct timespec moment = { .tv_nsec = g_test_rand_int_range(0, 1500000) };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (!hear(fd, reports, g_test_rand_int_range(1, 60)))
		return;
	while (ppoll(&p, 1, &moment, NULL) > 0 && hear(fd, reports, 1))
		moment.tv_nsec /= 2;
}

static void judge_reports(const GArray *reports, GHashTable *rows)
{
	for (guint i = 0; i < reports->len; i++) {
		const struct report *r = &g_array_index(reports, struct report, i);
		g_autofree char *uuid = g_strdup_printf("%d", r->n);
		bool there = g_hash_table_contains(rows, uuid);

		if (r->told == TOLD_WRITTEN && !there)
			g_error("row %d was acknowledged and is lost", r->n);
		if (r->told == TOLD_NOTHING && there)
			g_error("row %d was said not to be written and is there", r->n);
	}
}

/*
 * Everything that was told is true, and there is nothing that is half.
 *
 * Return: the highest row's number, told or not
 */
static int judge(const GArray *reports)
{
	g_autofree char *half = fx_sql("SELECT count(*) FROM migrations m WHERE "
				       "(SELECT count(*) FROM migration_events e WHERE e.migration_id = m.id AND e.why = m.uuid) <> 3");
	g_autofree char *orphans = fx_sql("SELECT count(*) FROM migration_events e WHERE "
					  "NOT EXISTS (SELECT 1 FROM migrations m WHERE m.id = e.migration_id)");
	g_autofree char *text = fx_sql("SELECT uuid FROM migrations");
	g_autoptr(GHashTable) rows = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	int highest = 0;

	static_assert(EVENTS == 3, "the SQL above counts them");
	g_assert_cmpstr(half, ==, "0\n");
	g_assert_cmpstr(orphans, ==, "0\n");
	for (char **l = lines; *l; l++) {
		g_hash_table_add(rows, *l);
		highest = MAX(highest, atoi(*l));
	}
	judge_reports(reports, rows);
	return highest;
}

/* ---- cases ---- */

static void make_empty(void)
{
	fx_reset();
	store_close(fx_open());
}

static void test_writer_killed(void)
{
	enum { ROUNDS = 25 };
	g_autoptr(GArray) reports = g_array_new(FALSE, FALSE, sizeof(struct report));
	int highest = 0, killed = 0;

	make_empty();
	for (int round = 0; round < ROUNDS; round++) {
		int fd, status;
		/* one more than any that may still be committed by a server that has not noticed the loss */
		pid_t pid = start_writer(highest + 2, &fd);

		hear_for_a_while(fd, reports);
		g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		killed += WIFSIGNALED(status);
		hear(fd, reports, -1);
		close(fd);
		highest = MAX(judge(reports), g_array_index(reports, struct report, reports->len - 1).n);
	}
	g_assert_cmpint(killed, >, 0);
	g_test_message("%u acknowledged rows, %d kills: none lost, none half", reports->len, killed);
}

static void server_killed(int signum, int rounds)
{
	g_autoptr(GArray) reports = g_array_new(FALSE, FALSE, sizeof(struct report));
	int count[3] = { 0 }, highest = 0;

	make_empty();
	for (int round = 0; round < rounds; round++) {
		int fd, status;
		pid_t pid = start_writer(highest + 2, &fd);

		hear_for_a_while(fd, reports);
		fx_server_kill(signum);
		hear(fd, reports, -1); /* the writer's commit fails, it tells how, and ends */
		close(fd);
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		g_assert_cmpint(status, ==, 0);
		fx_server_start();
		highest = MAX(judge(reports), g_array_index(reports, struct report, reports->len - 1).n);
	}
	for (guint i = 0; i < reports->len; i++)
		count[g_array_index(reports, struct report, i).told]++;
	g_test_message("%d server deaths: %d rows acknowledged, %d of unknown outcome, %d refused: all true", rounds,
		       count[TOLD_WRITTEN], count[TOLD_UNKNOWN], count[TOLD_NOTHING]);
}

static bool no_server_of_ours(void)
{
	if (!fx_is_sqlite() && fx_dir())
		return false;
	g_test_skip(fx_is_sqlite() ? "there is no server" : "the server is not ours to kill");
	return true;
}

static void test_server_killed(void)
{
	if (!no_server_of_ours())
		server_killed(SIGKILL, 8);
}

static void test_server_stopped(void)
{
	if (!no_server_of_ours())
		server_killed(SIGQUIT, 4); /* PostgreSQL's immediate stop */
}

void t_durable_add(void)
{
	g_test_add_func("/store/durable/writer-killed", test_writer_killed);
	g_test_add_func("/store/durable/server-killed", test_server_killed);
	g_test_add_func("/store/durable/server-stopped", test_server_stopped);
}
