/* SPDX-License-Identifier: Apache-2.0
 *
 * What was deleted is archived and purged: by the program, through every option, beside a daemon that has the database; and by a
 * process that is killed at every statement.
 *
 * A world is servers, every other one deleted, each with 2 actions of 3 events and 2 migrations of 5 events: 21 rows.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "manage/archive.h"
#include "manage/pace.h"

#define TREE 21
#define SERVERS 9524 /* of the matrix: 4762 are deleted, 100,002 rows */
#define BASE "1767225600" /* 2026-01-01: server n was deleted n seconds after it */

static const char *const tables[] = { "servers", "migrations", "migration_events", "instance_actions", "instance_action_events" };

/* ---- the world ---- */

static const struct store_ops *ops(void)
{
	return fx_is_sqlite() ? &store_sqlite_ops : &store_postgres_ops;
}

/*
 * A connection of its own, beside the one under test. PostgreSQL's stays, because each costs a login; SQLite's must not
 * be open when the process is forked.
 */
static void *open_db(void)
{
	static void *kept;
	g_autoptr(GError) err = NULL;
	void *db = kept ? kept : ops()->open_beside(fx_url(), &err);

	g_assert_no_error(err);
	if (!fx_is_sqlite())
		kept = db;
	return db;
}

static void close_db(void *db)
{
	if (fx_is_sqlite())
		ops()->close(db);
}

static void run_sql(const char *sql)
{
	g_autoptr(GError) err = NULL;
	void *db = open_db();

	ops()->script(db, sql, &err);
	g_assert_no_error(err);
	close_db(db);
}

static bool take_number(const struct store_row *row, void *user)
{
	*(int64_t *)user = store_int(row, 0);
	return true;
}

static int64_t number(const char *format, ...) G_GNUC_PRINTF(1, 2);
static int64_t number(const char *format, ...)
{
	g_autofree char *sql = NULL;
	g_autoptr(GError) err = NULL;
	void *db = open_db();
	int64_t n = -1;
	va_list list;

	va_start(list, format);
	sql = g_strdup_vprintf(format, list);
	va_end(list);
	ops()->each(db, -1, sql, NULL, 0, take_number, &n, NULL, &err);
	g_assert_no_error(err);
	close_db(db);
	return n;
}

#define NUMBERS_2 "(SELECT 1 AS x UNION ALL SELECT 2) k"
#define NUMBERS_3 "(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3) k"
#define NUMBERS_5 "(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) k"

static void make_world(int servers)
{
	g_autoptr(GString) sql = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		g_string_append_printf(sql, "DELETE FROM %s; DELETE FROM shadow_%s;", tables[i], tables[i]);
	g_string_append_printf(sql,
		"INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, "
		"created_at, deleted_at, locked) WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < %d) "
		"SELECT 'server-' || x, 'n', 'l', 'deleted', 0, 1, 1, 1, 'u', 'p', 1, "
		"CASE WHEN x %% 2 = 0 THEN NULL ELSE (" BASE " + x) * CAST(1000000 AS BIGINT) END, 0 FROM c;", servers);
	g_string_append(sql,
		"INSERT INTO instance_actions (server_uuid, action, request_id, user_id, project_id, start_at, updated_at) "
		"SELECT s.uuid, 'stop', 'r', 'u', 'p', 1, 1 FROM servers s CROSS JOIN " NUMBERS_2 ";"
		"INSERT INTO instance_action_events (action_id, n, event, start_at, details) "
		"SELECT a.id, k.x, 'e', 1, 'of ' || a.server_uuid FROM instance_actions a CROSS JOIN " NUMBERS_3 ";"
		"INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, options, user_id, project_id, request_id, action_id, "
		"created_at, updated_at, ended_at) SELECT s.uuid || '-' || k.x, s.uuid, 'live-migration', 'done', 'completed', 'h1', '{}', 'u', 'p', "
		"'r', 1, 1, 1, 1 FROM servers s CROSS JOIN " NUMBERS_2 ";"
		"INSERT INTO migration_events (migration_id, n, new_phase, why, at) "
		"SELECT m.id, k.x, 'done', m.uuid, 1 FROM migrations m CROSS JOIN " NUMBERS_5 ";");
	run_sql(sql->str);
}

static int64_t count_all(const char *prefix)
{
	int64_t sum = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		sum += number("SELECT count(*) FROM %s%s", prefix, tables[i]);
	return sum;
}

/* No row is in both tables, and none is in neither. */
static void judge_world(int servers)
{
	static const struct {
		const char *table, *key;
		int per_server;
	} rows[] = { { "servers", "id", 1 }, { "migrations", "id", 2 }, { "instance_actions", "id", 2 } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(number("SELECT count(*) FROM %s a WHERE EXISTS (SELECT 1 FROM shadow_%s b WHERE b.id = a.id)", rows[i].table, rows[i].table), ==, 0);
		g_assert_cmpint(number("SELECT (SELECT count(*) FROM %s) + (SELECT count(*) FROM shadow_%s)", rows[i].table, rows[i].table), ==,
				(int64_t)servers * rows[i].per_server);
	}
	/* Events lie where what they belong to does, and whole. */
	g_assert_cmpint(number("SELECT count(*) FROM migrations m WHERE (SELECT count(*) FROM migration_events e WHERE e.migration_id = m.id "
			       "AND e.why = m.uuid) <> 5"), ==, 0);
	g_assert_cmpint(number("SELECT count(*) FROM shadow_migrations m WHERE (SELECT count(*) FROM shadow_migration_events e "
			       "WHERE e.deleted_at = m.deleted_at AND e.migration_id = m.id AND e.why = m.uuid) <> 5"), ==, 0);
	g_assert_cmpint(number("SELECT count(*) FROM instance_actions a WHERE (SELECT count(*) FROM instance_action_events e "
			       "WHERE e.action_id = a.id) <> 3"), ==, 0);
	g_assert_cmpint(number("SELECT count(*) FROM shadow_instance_actions a WHERE (SELECT count(*) FROM shadow_instance_action_events e "
			       "WHERE e.deleted_at = a.deleted_at AND e.action_id = a.id) <> 3"), ==, 0);
	g_assert_cmpint(number("SELECT (SELECT count(*) FROM migration_events) + (SELECT count(*) FROM shadow_migration_events)"), ==, (int64_t)servers * 10);
	g_assert_cmpint(number("SELECT (SELECT count(*) FROM instance_action_events) + (SELECT count(*) FROM shadow_instance_action_events)"), ==, (int64_t)servers * 6);
	/* A server is gone from its table only with all that belongs to it, and one that lives is as it was. */
	g_assert_cmpint(number("SELECT count(*) FROM migrations m WHERE NOT EXISTS (SELECT 1 FROM servers s WHERE s.uuid = m.server_uuid)"), ==, 0);
	g_assert_cmpint(number("SELECT count(*) FROM instance_actions m WHERE NOT EXISTS (SELECT 1 FROM servers s WHERE s.uuid = m.server_uuid)"), ==, 0);
	g_assert_cmpint(number("SELECT count(*) FROM archive_batch"), ==, 0);
}

static void make_empty(void)
{
	fx_reset();
	store_close(fx_open());
}

/* ---- the program ---- */

static char *write_conf(void)
{
	char *path = g_build_filename(fx_dir(), "drover.conf", NULL);
	g_autofree char *text = g_strdup_printf("[DEFAULT]\nstate_path = /\n[database]\nconnection = %s\n", fx_url());

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

/* @args: of db; "audit" stands alone */
static char **command(const char *conf, const char *args)
{
	g_autofree char *line = g_strdup_printf("%s --config %s %s%s", g_getenv("DROVER_MANAGE"), conf, g_str_has_prefix(args, "audit") ? "" : "db ", args);
	g_autoptr(GError) err = NULL;
	char **argv = NULL;

	g_assert_true(g_shell_parse_argv(line, NULL, &argv, &err));
	return argv;
}

static void expect(const char *args, int want_status, const char *want)
{
	g_autofree char *conf = write_conf(), *got = NULL, *told = NULL;
	g_auto(GStrv) argv = command(conf, args);
	g_autoptr(GError) err = NULL;
	int status;

	g_assert_true(g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &got, &told, &status, &err));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want_status || (want && strcmp(got, want) != 0))
		g_error("db %s: status %d, want %d; it says:\n%s%s\nwant:\n%s", args, status, want_status, got, told, want ? want : "anything");
}

/* It goes on while we write as a daemon does. Return: its exit status */
static int beside(struct store *s, const char *args)
{
	g_autofree char *conf = write_conf();
	g_auto(GStrv) argv = command(conf, args);
	g_autoptr(GError) err = NULL;
	struct pollfd ended = { .events = POLLIN };
	int status;
	GPid pid;

	g_assert_true(g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid, &err));
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	g_assert_cmpint(ended.fd, >=, 0);
	for (int n = 0; poll(&ended, 1, 2) == 0; n++) {
		g_autofree char *name = g_strdup_printf("h%d", n % 100);

		fx_put_host(s, name, false, &err);
		g_assert_no_error(err);
	}
	close(ended.fd);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_trees(int64_t left, int64_t archived)
{
	g_assert_cmpint(number("SELECT count(*) FROM servers WHERE deleted_at IS NOT NULL"), ==, left);
	g_assert_cmpint(count_all(""), ==, (left + SERVERS / 2) * TREE);
	g_assert_cmpint(count_all("shadow_"), ==, archived * TREE);
}

static void test_refusals(void)
{
	make_empty();
	expect("archive_deleted_rows --max_rows -1", 2, "Must supply a positive value for max_rows\n");
	expect("archive_deleted_rows --max_rows 2147483648", 2, "max rows must be <= 2147483647\n");
	expect("archive_deleted_rows --max_rows many", 2, "");
	expect("archive_deleted_rows --before yesteryear", 4, "Invalid value for --before: Unknown string format: yesteryear\n");
	expect("purge", 1, "Either --before or --all is required\n");
	expect("purge --before 2026-02-31", 2, "Invalid value for --before: Unknown string format: 2026-02-31\n");
	expect("purge --all", 3, "");
	expect("archive_deleted_rows", 0, "");
	expect("archive_deleted_rows --verbose --until-complete", 0, "Archiving...complete\nNothing was archived.\n");
	expect("archive_deleted_rows extra", 2, "");
	expect("nonsense", 2, "");
}

static void set_version(int version)
{
	g_autofree char *sql = g_strdup_printf("UPDATE schema_version SET version = %d", version);

	run_sql(sql);
}

static void test_schema(void)
{
	g_autofree char *number_of = g_strdup_printf("%d\n", schema_version);
	g_autofree char *whole = g_strdup_printf("The database is whole, and has schema version %d.\n", schema_version);
	store *s;

	fx_reset();
	expect("sync", 0, "");
	expect("version", 0, number_of);
	expect("check", 0, whole);
	set_version(schema_version + 1);
	expect("archive_deleted_rows", 3, "");
	expect("purge --all", 255, "");
	expect("purge --all --all-cells", 4, "");
	expect("check", 1, "");
	set_version(schema_version);
	s = fx_open();
	expect("sync", 1, ""); /* a daemon has it */
	expect("version", 0, number_of);
	store_close(s);
}

static const char table_1000[] =
	"+------------------------+-------------------------+\n"
	"| Table                  | Number of Rows Archived |\n"
	"+------------------------+-------------------------+\n"
	"| instance_action_events | 282                     |\n"
	"| instance_actions       | 94                      |\n"
	"| migration_events       | 470                     |\n"
	"| migrations             | 94                      |\n"
	"| servers                | 47                      |\n"
	"+------------------------+-------------------------+\n";

static const char table_purge[] =
	"+--------------------------------+-------------------------+\n"
	"| Table                          | Number of Rows Archived |\n"
	"+--------------------------------+-------------------------+\n"
	"| default.instance_action_events | 600                     |\n"
	"| default.instance_actions       | 200                     |\n"
	"| default.migration_events       | 1000                    |\n"
	"| default.migrations             | 200                     |\n"
	"| default.servers                | 100                     |\n"
	"+--------------------------------+-------------------------+\n"
	"Rows were archived, running purge...\n"
	"Deleted 400 rows from shadow_servers\n"
	"Deleted 4000 rows from shadow_migration_events\n"
	"Deleted 800 rows from shadow_migrations\n"
	"Deleted 2400 rows from shadow_instance_action_events\n"
	"Deleted 800 rows from shadow_instance_actions\n";

static const char table_before[] =
	"Deleted 600 rows from shadow_servers based on timestamp column deleted_at\n"
	"Deleted 6000 rows from shadow_migration_events based on timestamp column deleted_at\n"
	"Deleted 1200 rows from shadow_migrations based on timestamp column deleted_at\n"
	"Deleted 3600 rows from shadow_instance_action_events based on timestamp column deleted_at\n"
	"Deleted 1200 rows from shadow_instance_actions based on timestamp column deleted_at\n";

static int64_t file_bytes(void)
{
	struct stat st = { .st_size = 0 };

	if (fx_is_sqlite())
		g_assert_cmpint(stat(fx_url() + strlen("sqlite://"), &st), ==, 0);
	return st.st_size;
}

/* One world, and what is left of it from row to row. */
static void test_matrix(void)
{
	store *s;
	int64_t bytes;

	make_empty();
	make_world(SERVERS);
	s = fx_open(); /* a daemon has it all the time */
	expect("archive_deleted_rows --before 1999-12-31 --verbose", 0, "Nothing was archived.\n");
	expect("archive_deleted_rows --max_rows 0", 0, "");
	expect_trees(4762, 0);
	expect("archive_deleted_rows --max_rows 1", 1, "");
	expect_trees(4761, 1);
	expect("archive_deleted_rows --verbose", 1, table_1000);
	expect_trees(4714, 48);
	judge_world(SERVERS);
	expect("archive_deleted_rows --before '2026-01-01 00:10:00' --until-complete --max_rows 2100", 1, ""); /* odd ones below 600 */
	expect_trees(4462, 300);
	expect("archive_deleted_rows --before '2026-01-01 00:10' --until-complete --verbose --sleep 1", 0, "Archiving...complete\nNothing was archived.\n");
	expect("archive_deleted_rows --purge --verbose --all-cells --max_rows 2100", 1, table_purge);
	expect_trees(4362, 0);
	g_assert_cmpint(beside(s, "archive_deleted_rows --until-complete --task-log"), ==, 1);
	expect_trees(0, 4362);
	bytes = file_bytes();
	expect("purge --before '1 Jan 2026 00:33:20' --verbose", 0, table_before); /* odd ones from 801 to 1999 */
	expect_trees(0, 3762);
	expect("purge --before 2026-01-01T00:33:20Z --verbose", 3, "");
	g_assert_cmpint(beside(s, "purge --all --all-cells"), ==, 0);
	expect_trees(0, 0);
	store_close(s);
	if (fx_is_sqlite())
		g_assert_cmpint(file_bytes(), <, bytes * 3 / 4);
	expect("check", 0, NULL);
}

/* What belongs to nothing is found, and taken away beside a daemon; what belongs to something stays. */
static void test_audit(void)
{
	int64_t all;
	store *s;

	make_empty();
	make_world(8);
	run_sql("UPDATE servers SET deleted_at = 1");
	s = fx_open();
	expect("audit", 0, "0 hosts and 0 servers were looked at: 0 findings.\n");
	all = count_all("");
	run_sql("INSERT INTO migration_events (migration_id, n, new_phase, at) VALUES (999999, 1, 'done', 1), (999999, 2, 'done', 1);"
		"INSERT INTO instance_action_events (action_id, n, event, start_at) VALUES (999999, 1, 'e', 1);"
		"INSERT INTO console_tokens (token_hash, server_uuid, kind, user_id, project_id, created_at) VALUES ('x', 'server-1', 'serial', 'u', 'p', 1);"
		"INSERT INTO tokens_not_before (user_id, project_id, at) VALUES ('u9', '', 1), ('', '', 1);"
		"INSERT INTO grants (user_id, project_id, role) VALUES ('u9', 'p9', 'member')");
	expect("audit", 1, "--fix     1 rows of console_tokens have expired, or are of no server\n"
			   "--fix     1 rows of tokens_not_before are of no user or project\n"
			   "--fix     1 rows of grants are of no user or project\n"
			   "--fix     2 rows of migration_events are of no migration\n"
			   "--fix     1 rows of instance_action_events are of no instance action\n"
			   "0 hosts and 0 servers were looked at: 5 findings.\n");
	expect("audit --fix", 0, NULL);
	expect("audit", 0, "0 hosts and 0 servers were looked at: 0 findings.\n");
	g_assert_cmpint(count_all(""), ==, all);
	g_assert_cmpint(number("SELECT count(*) FROM tokens_not_before"), ==, 1);
	store_close(s);
}

/* Runs beside each other are no daemon, and pause for none. */
static void test_in_use(void)
{
	g_autoptr(GError) err = NULL;
	store *a, *b, *daemon;

	make_empty();
	a = store_open_beside(fx_url(), &err);
	g_assert_no_error(err);
	b = store_open_beside(fx_url(), &err);
	g_assert_no_error(err);
	for (int i = 0; i < 2; i++) {
		while (store_in_use(a)) /* PostgreSQL may not have seen yet that the last one is gone */
			(void)poll(NULL, 0, 1);
		daemon = fx_open();
		g_assert_true(store_in_use(a));
		g_assert_true(store_in_use(b));
		store_close(daemon);
	}
	store_close(a);
	store_close(b);
}

/* What is not to go: a server with something under way, or with leftovers at a host. */
static void test_kept(void)
{
	make_empty();
	make_world(8);
	run_sql("UPDATE migrations SET ended_at = NULL WHERE uuid = 'server-1-1'");
	run_sql("INSERT INTO migration_definitions (migration_id, server_uuid, host, kind, xml, autostart, due, created_at) "
		"VALUES (1, 'server-3', 'h1', 'left', 'x', 0, 1, 1)");
	run_sql("INSERT INTO migration_volumes (migration_id, server_uuid, host, path, kind, due, ready, created_at) "
		"VALUES (1, 'server-5', 'h1', '/x', 'disk', 1, 1, 1)");
	expect("archive_deleted_rows --until-complete", 1, "");
	judge_world(8);
	g_assert_cmpint(number("SELECT count(*) FROM shadow_servers"), ==, 1);
	g_assert_cmpint(number("SELECT count(*) FROM shadow_servers WHERE uuid = 'server-7'"), ==, 1);
}

/* ---- in between ---- */

typedef void point_f(void);

static struct store_ops seen;         /* the real ones, with our points before and after each call */
static const struct store_ops *real;
static int points_left;               /* until the process is killed; < 0: it is not */
static point_f *at_begin, *at_drop;   /* once, before it */

static void point(void)
{
	if (points_left > 0 && --points_left == 0)
		kill(getpid(), SIGKILL);
}

static void once(point_f **fn)
{
	point_f *f = *fn;

	*fn = NULL;
	if (f)
		f();
}

static bool seen_begin(void *db, GError **err)
{
	bool ok;

	once(&at_begin);
	point();
	ok = real->begin(db, err);
	point();
	return ok;
}

static bool seen_commit(void *db, GError **err)
{
	bool ok;

	point();
	ok = real->commit(db, err);
	point();
	return ok;
}

static bool seen_each(void *db, int q, const char *sql, const struct store_val *args, size_t n, store_row_f *fn, void *user, int64_t *ret_changed,
		      GError **err)
{
	bool ok;

	if (q == Q_ARCHIVE_SERVERS_DROP)
		once(&at_drop);
	point();
	ok = real->each(db, q, sql, args, n, fn, user, ret_changed, err);
	point();
	return ok;
}

static struct store *open_seen(void)
{
	g_autoptr(GError) err = NULL;
	struct store *s;

	real = ops();
	seen = *real;
	seen.open = real->open_beside;
	seen.lock = seen.take = seen.serve = NULL;
	seen.begin = seen_begin;
	seen.commit = seen_commit;
	seen.each = seen_each;
	s = store_open_ops(&seen, fx_url(), &err);
	g_assert_no_error(err);
	return s;
}

/* Return: whether it was killed */
static bool killed_at(int n)
{
	pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		struct archive_counts counts = { .rows = { 0 } };
		struct store *s = open_seen();

		points_left = n;
		_exit(archive_rows(s, ARCHIVE_ANY, 1000000, NULL, &counts, NULL) ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* Two servers in the first transaction, one that goes in pieces. */
static void small_world(void)
{
	make_world(6);
	run_sql("UPDATE migrations SET server_uuid = 'server-5' WHERE server_uuid IN ('server-2', 'server-4', 'server-6')");
	run_sql("UPDATE instance_actions SET server_uuid = 'server-5' WHERE server_uuid IN ('server-2', 'server-4', 'server-6')");
}

static void test_killed(void)
{
	int64_t batch = archive_batch_rows;
	int n = 1;

	make_empty();
	archive_batch_rows = 45;
	for (; small_world(), killed_at(n); n++) {
		judge_world(6);
		/* The next run ends it. */
		g_assert_false(killed_at(-1));
		judge_world(6);
		g_assert_cmpint(count_all("shadow_"), ==, 6 * TREE - 3);
	}
	archive_batch_rows = batch;
	g_test_message("killed at %d points", n - 1);
	g_assert_cmpint(n, >, 60);
}

static void bring_back(void)
{
	run_sql("UPDATE servers SET deleted_at = NULL WHERE uuid = 'server-1'");
}

/* A daemon brings a server back that was just about to go. SQLite has one writer at a time, so there it comes before or after. */
static void test_back(void)
{
	struct archive_counts counts = { .rows = { 0 } };
	g_autoptr(GError) err = NULL;
	store *s;

	make_empty();
	make_world(4);
	s = open_seen();
	if (fx_is_sqlite())
		at_begin = bring_back;
	else
		at_drop = bring_back;
	archive_rows(s, ARCHIVE_ANY, 1000, NULL, &counts, &err);
	g_assert_no_error(err);
	g_assert_cmpint(archive_total(&counts), ==, TREE);
	store_close(s);
	judge_world(4);
	g_assert_cmpint(number("SELECT count(*) FROM servers WHERE uuid = 'server-1'"), ==, 1);
	g_assert_cmpint(number("SELECT count(*) FROM migrations WHERE server_uuid = 'server-1'"), ==, 2);
}

/* A guest that is back after its record was archived gets a new one, which can be archived as well. */
static void test_twice(void)
{
	make_empty();
	make_world(2);
	expect("archive_deleted_rows", 1, "");
	run_sql("INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, "
		"created_at, deleted_at, locked) VALUES ('server-1', 'n', 'l', 'deleted', 0, 1, 1, 1, 'u', 'p', 1, 2, 0)");
	expect("archive_deleted_rows", 1, "");
	g_assert_cmpint(number("SELECT count(*) FROM shadow_servers WHERE uuid = 'server-1'"), ==, 2);
}

/* How many rows are right for the next transaction beside a daemon. */
static void test_pace(void)
{
	static const struct {
		const char *what;
		int64_t rows, max, held_us, want;
	} rows[] = {
		{ "too long: half", 100, 500, PACE_HOLD_US + 1, 50 },
		{ "far too long: half", 100, 500, 100 * PACE_HOLD_US, 50 },
		{ "never below the least", 30, 500, 2 * PACE_HOLD_US, PACE_ROWS_MIN },
		{ "about right", 100, 500, PACE_HOLD_US, 100 },
		{ "about right, too", 100, 500, PACE_HOLD_US / 2, 100 },
		{ "short: some more", 100, 500, PACE_HOLD_US / 2 - 1, 126 },
		{ "nothing, as of a clock that was set back", 20, 500, -5, 26 },
		{ "never above the most", 490, 500, 0, 500 },
		{ "a most that is below the least", 5, 7, 2 * PACE_HOLD_US, 7 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].what);
		g_assert_cmpint(pace_next(rows[i].rows, rows[i].max, rows[i].held_us), ==, rows[i].want);
	}
}

/* Beside a daemon a tree of this size does not fit into one transaction at first, and still goes whole. */
static void test_beside(void)
{
	struct archive_counts counts = { .rows = { 0 } };
	g_autoptr(GError) err = NULL;
	store *daemon, *s;

	make_empty();
	make_world(40);
	daemon = fx_open();
	s = store_open_beside(fx_url(), &err);
	g_assert_no_error(err);
	g_assert_true(archive_rows(s, ARCHIVE_ANY, 1, NULL, &counts, &err));
	g_assert_cmpint(archive_total(&counts), ==, TREE);
	g_assert_true(archive_rows(s, ARCHIVE_ANY, 5 * TREE + TREE / 2, NULL, &counts, &err));
	g_assert_cmpint(archive_total(&counts), ==, 6 * TREE);
	judge_world(40);
	store_close(s);
	store_close(daemon);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (!g_getenv("DROVER_MANAGE"))
		g_error("DROVER_MANAGE is not set: the path of drover-manage");
	g_test_add_func("/archive/schema", test_schema);
	g_test_add_func("/archive/refusals", test_refusals);
	g_test_add_func("/archive/matrix", test_matrix);
	g_test_add_func("/archive/audit", test_audit);
	g_test_add_func("/archive/in-use", test_in_use);
	g_test_add_func("/archive/kept", test_kept);
	g_test_add_func("/archive/killed", test_killed);
	g_test_add_func("/archive/back", test_back);
	g_test_add_func("/archive/twice", test_twice);
	g_test_add_func("/archive/pace", test_pace);
	g_test_add_func("/archive/beside", test_beside);
	return g_test_run();
}
