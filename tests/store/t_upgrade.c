/* SPDX-License-Identifier: Apache-2.0
 *
 * Upgrades of the schema, with a schema of our own that has three versions; then those of the real one.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "fixture.h"

#define STEP_1 \
	"CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version (version) VALUES (0);" \
	"CREATE TABLE t (id @ID@, a TEXT NOT NULL); INSERT INTO t (a) VALUES ('kept');"
#define STEP_2 "ALTER TABLE t ADD COLUMN b BIGINT NOT NULL DEFAULT 7;"
#define STEP_3 "CREATE TABLE u (id @ID@); UPDATE t SET b = b + 1;"

static const struct schema_step good[] = { { 1, STEP_1 }, { 2, STEP_2 }, { 3, STEP_3 } };
/* its last statement is wrong, behind some that work */
static const struct schema_step broken[] = { { 1, STEP_1 }, { 2, STEP_2 }, { 3, STEP_3 "UPDATE missing SET x = 1;" } };
/* long enough to be killed in */
static const struct schema_step slow[] = {
	{ 1, STEP_1 },
	{ 2, STEP_2 "CREATE TABLE big AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 400000) SELECT x FROM c;" },
};

static bool try_open(const struct schema_step *steps, int n, GError **err)
{
	struct store *s = store_open_steps(fx_url(), steps, n, err);

	store_close(s);
	return s != NULL;
}

static void must_open(const struct schema_step *steps, int n)
{
	g_autoptr(GError) err = NULL;

	try_open(steps, n, &err);
	g_assert_no_error(err);
}

static void expect_sql(const char *sql, const char *want)
{
	g_autofree char *got = fx_sql(sql);

	g_assert_cmpstr(got, ==, want);
}

static bool has_table(const char *name)
{
	g_autofree char *sql = fx_is_sqlite() ? g_strdup_printf("SELECT count(*) FROM sqlite_master WHERE name = '%s'", name)
					      : g_strdup_printf("SELECT count(*) FROM pg_class WHERE oid = to_regclass('%s')", name);
	g_autofree char *got = fx_sql(sql);

	return strcmp(got, "1\n") == 0;
}

static void test_from_nothing(void)
{
	fx_reset();
	must_open(good, 3);
	expect_sql("SELECT version FROM schema_version", "3\n");
	expect_sql("SELECT id, a, b FROM t", "1|kept|8\n");
	must_open(good, 3); /* again: nothing to do */
	expect_sql("SELECT id, a, b FROM t", "1|kept|8\n");
}

static void test_from_older(void)
{
	fx_reset();
	must_open(good, 1);
	expect_sql("SELECT * FROM t", "1|kept\n");
	must_open(good, 2);
	expect_sql("SELECT * FROM t", "1|kept|7\n");
	must_open(good, 3);
	expect_sql("SELECT * FROM t", "1|kept|8\n");
}

static void test_half_way(void)
{
	g_autoptr(GError) err = NULL;

	fx_reset();
	must_open(good, 1);
	g_assert_false(try_open(broken, 3, &err));
	g_assert_error(err, ERR, ERR_STORE);
	g_assert_true(g_str_has_prefix(err->message, "cannot upgrade the database from schema version 2 to 3: "));
	expect_sql("SELECT version FROM schema_version", "2\n"); /* the step before is kept */
	expect_sql("SELECT * FROM t", "1|kept|7\n");
	g_assert_false(has_table("u"));
	must_open(good, 3);
	expect_sql("SELECT * FROM t", "1|kept|8\n");
}

static void test_newer(void)
{
	g_autoptr(GError) err = NULL;

	fx_reset();
	must_open(good, 3);
	g_assert_false(try_open(good, 2, &err));
	g_assert_error(err, ERR, ERR_STORE);
	g_assert_cmpstr(err->message, ==,
			"the database has schema version 3, this program knows versions up to 2: it is older than the database");
	expect_sql("SELECT version FROM schema_version", "3\n");
}

static void test_damaged(void)
{
	g_autoptr(GError) err = NULL;

	fx_reset();
	must_open(good, 3);
	expect_sql("INSERT INTO schema_version (version) VALUES (2)", "");
	g_assert_false(try_open(good, 3, &err));
	g_assert_nonnull(strstr(err->message, "schema_version has 2 rows instead of 1"));
	g_clear_error(&err);
	expect_sql("DELETE FROM schema_version", "");
	g_assert_false(try_open(good, 3, &err));
	g_assert_nonnull(strstr(err->message, "schema_version has 0 rows instead of 1"));
}

/* A foreign database: refused, and nothing is added to it. */
static void test_foreign(void)
{
	g_autoptr(GError) err = NULL;

	fx_reset();
	expect_sql("CREATE TABLE t (theirs TEXT)", "");
	g_assert_false(try_open(good, 3, &err));
	g_assert_true(g_str_has_prefix(err->message, "cannot upgrade the database from schema version 0 to 1: "));
	g_assert_false(has_table("schema_version"));
}

/* ---- killed in the middle ---- */

/* The child writes a byte before it begins; the pipe ends with it. */
static pid_t start_upgrade(int *ret_pipe)
{
	int fds[2];
	pid_t pid;

	g_assert_cmpint(pipe(fds), ==, 0);
	pid = fx_fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		bool ok = write(fds[1], "", 1) == 1 && try_open(slow, 2, NULL);

		_exit(!ok);
	}
	close(fds[1]);
	*ret_pipe = fds[0];
	return pid;
}

/* Kill it at a random moment, unless it ends before. */
static void kill_upgrade(long within_ns)
{
	struct timespec moment = { .tv_nsec = g_test_rand_int_range(0, (gint32)within_ns) };
	struct pollfd p = { .events = POLLIN };
	pid_t pid = start_upgrade(&p.fd);

	g_assert_cmpint(read(p.fd, &(char){ 0 }, 1), ==, 1);
	g_assert_cmpint(ppoll(&p, 1, &moment, NULL), >=, 0);
	g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	close(p.fd);
}

static void test_killed(void)
{
	enum { ROUNDS = 14 };
	int new = 0;

	for (int round = 0; round < ROUNDS; round++) {
		g_autofree char *rows = NULL, *version = NULL;

		fx_reset();
		must_open(slow, 1);
		kill_upgrade(round % 2 ? 20000000 : 400000000);
		/* PostgreSQL may still be at it: its lock on t makes this wait for the end. */
		rows = fx_sql("SELECT * FROM t");
		version = fx_sql("SELECT version FROM schema_version");
		if (strcmp(version, "2\n") == 0)
			new++;
		else
			g_assert_cmpstr(version, ==, "1\n");
		g_assert_cmpstr(rows, ==, version[0] == '2' ? "1|kept|7\n" : "1|kept\n");
		g_assert_cmpint(has_table("big"), ==, version[0] == '2');
		must_open(slow, 2);
	}
	g_test_message("killed at %d random moments: %d at the old version, %d at the new", ROUNDS, ROUNDS - new, new);
}

/* Two controllers that start at the same time. */
static void test_two_at_once(void)
{
	enum { PROGRAMS = 4 };
	pid_t pids[PROGRAMS];

	if (fx_is_sqlite()) {
		g_test_skip("the second one is refused");
		return;
	}
	fx_reset();
	for (int i = 0; i < PROGRAMS; i++) {
		pids[i] = fx_fork();
		g_assert_cmpint(pids[i], >=, 0);
		if (pids[i] == 0) {
			g_autoptr(GError) err = NULL;

			/* each waits for the one before, or is refused because that took long */
			_exit(!try_open(good, 3, &err) && !strstr(err->message, "in use by another droverd"));
		}
	}
	for (int i = 0; i < PROGRAMS; i++) {
		int status;

		g_assert_cmpint(waitpid(pids[i], &status, 0), ==, pids[i]);
		g_assert_cmpint(status, ==, 0);
	}
	expect_sql("SELECT id, a, b FROM t", "1|kept|8\n");
}

/* Events had numbers of their own; now they are counted by what they belong to, and none is lost or changes its place. */
static void test_events_clustered(void)
{
	g_autoptr(store) s = NULL;
	g_autoptr(GError) err = NULL;
	g_autofree char *of_7 = NULL, *of_8 = NULL, *of_action = NULL;

	fx_reset();
	must_open(schema_steps, 2);
	g_free(fx_sql("INSERT INTO migration_events (migration_id, old_phase, new_phase, why, at) VALUES "
		      "(7, NULL, 'check', 'requested', 4), (8, NULL, 'check', 'requested', 5), (7, 'check', 'queued', NULL, 5)"));
	g_free(fx_sql("INSERT INTO instance_action_events (action_id, event, host, start_at, finish_at, result, details) VALUES "
		      "(2, 'conductor', NULL, 21, 22, 'Success', NULL), (2, 'compute_live_migration', 'h1', 22, NULL, NULL, 'd')"));
	s = fx_open();
	g_assert_true(store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(7), SV_S("queued"), SV_S("schedule"), SV_NULL, SV_I(6)), NULL, &err));
	g_assert_true(store_run(s, Q_AEVENT_START, STORE_ARGS(SV_I(2), SV_S("post"), SV_NULL, SV_I(23)), NULL, &err));
	of_7 = fx_dump(s, Q_MIG_EVENTS, STORE_ARGS(SV_I(7)), &err);
	g_assert_cmpstr(of_7, ==, "~|check|requested|4\ncheck|queued|~|5\nqueued|schedule|~|6\n");
	of_8 = fx_dump(s, Q_MIG_EVENTS, STORE_ARGS(SV_I(8)), &err);
	g_assert_cmpstr(of_8, ==, "~|check|requested|5\n");
	of_action = fx_dump(s, Q_AEVENT_LIST, STORE_ARGS(SV_I(2)), &err);
	g_assert_cmpstr(of_action, ==, "post|~|23|~|~|~\ncompute_live_migration|h1|22|~|d|~\nconductor|~|21|Success|~|22\n");
}

/* Whether a migration went by post-copy was to be seen in its status alone, as long as it ran. */
static void test_post_copy_kept(void)
{
	static const char insert[] =
		"INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, options, user_id, project_id, request_id, action_id, "
		"created_at, updated_at) VALUES "
		"('m1', 's1', 'live-migration', 'copy', 'running (post-copy)', 'h1', '{}', 'u', 'p', 'r', 1, 1, 1), "
		"('m2', 's2', 'live-migration', 'copy', 'running', 'h1', '{}', 'u', 'p', 'r', 2, 2, 2)";

	fx_reset();
	must_open(schema_steps, 3);
	g_free(fx_sql(insert));
	must_open(schema_steps, schema_version);
	expect_sql("SELECT uuid, post_copy FROM migrations ORDER BY id", "m1|1\nm2|0\n");
}

/* Servers of before have no autostart until their hosts say else, and migrations owe no definitions. */
static void test_definitions(void)
{
	static const char insert[] =
		"INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, created_at, "
		"locked) VALUES ('s1', 'web', 'web', 'active', 1, 1, 64, 1, 'u', 'p', 1, 0)";

	fx_reset();
	must_open(schema_steps, 4);
	g_free(fx_sql(insert));
	must_open(schema_steps, schema_version);
	expect_sql("SELECT uuid, autostart FROM servers", "s1|0\n");
	expect_sql("SELECT count(*) FROM migration_definitions", "0\n");
}

/*
 * F5: a host that is renamed is renamed wherever its name stands. A change that adds such a column adds a statement to
 * fleet/host_rename.c, and the column here. What was archived keeps the names of its time.
 */
static void test_host_columns(void)
{
	static const char sqlite[] =
		"SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'shadow_%' "
		"AND c.name IN ('host', 'source', 'dest', 'requested_host', 'node', 'hypervisor') ORDER BY 1, 2";
	static const char postgres[] =
		"SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema() "
		"AND table_name NOT LIKE 'shadow_%' AND column_name IN ('host', 'source', 'dest', 'requested_host', 'node', 'hypervisor') ORDER BY 1, 2";

	fx_reset();
	must_open(schema_steps, schema_version);
	expect_sql(fx_is_sqlite() ? sqlite : postgres,
		   "ha_hosts|host\ninstance_action_events|host\nmigration_definitions|host\nmigration_volumes|host\nmigrations|dest\nmigrations|requested_host\nmigrations|source\nplan_hosts|host\nplan_steps|dest\nplan_steps|source\nservers|host\nstorage_markers|host\n");
}

/* A table and its shadow have the same columns, but for the time of the deletion, which each shadow has. */
static void test_shadows(void)
{
	static const char sqlite[] =
		"WITH c (t, c) AS (SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table') ";
	static const char postgres[] =
		"WITH c (t, c) AS (SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema()) ";
	static const char lacks[] =
		"SELECT a.t, a.c FROM c a WHERE a.c <> 'deleted_at' AND EXISTS (SELECT 1 FROM c b WHERE b.t = 'shadow_' || a.t) "
		"AND NOT EXISTS (SELECT 1 FROM c b WHERE b.t = 'shadow_' || a.t AND b.c = a.c)";
	static const char more[] =
		"SELECT a.t, a.c FROM c a WHERE a.c <> 'deleted_at' AND a.t LIKE 'shadow_%' "
		"AND NOT EXISTS (SELECT 1 FROM c b WHERE 'shadow_' || b.t = a.t AND b.c = a.c)";
	const char *with = fx_is_sqlite() ? sqlite : postgres;
	g_autofree char *first = g_strconcat(with, lacks, NULL), *second = g_strconcat(with, more, NULL);
	g_autofree char *third = g_strconcat(with, "SELECT a.t FROM c a WHERE a.t LIKE 'shadow_%' AND a.c = 'deleted_at' ORDER BY 1", NULL);

	fx_reset();
	must_open(schema_steps, schema_version);
	expect_sql(first, "");
	expect_sql(second, "");
	expect_sql(third, "shadow_instance_action_events\nshadow_instance_actions\nshadow_migration_events\nshadow_migrations\nshadow_servers\n");
}

/* A server of before has no addresses until its host was asked. */
static void test_addresses_added(void)
{
	fx_reset();
	must_open(schema_steps, 6);
	g_free(fx_sql("INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, "
		      "created_at, locked) VALUES ('s1', 'web', 'i-1', 'active', 1, 1, 1, 1, 'u', 'p', 1, 0)"));
	must_open(schema_steps, schema_version);
	expect_sql("SELECT uuid, coalesce(addresses, '-') FROM servers", "s1|-\n");
}

/* Users of before have no application credentials, and may have one of a name each. */
static void test_apps_added(void)
{
	static const char insert[] = "INSERT INTO application_credentials (id, user_id, project_id, name, secret_hash, roles, unrestricted, created_at) "
				     "VALUES ('%s', '%s', 'p', 'robot', '$', 'member', 0, 1)";
	g_autofree char *one = g_strdup_printf(insert, "a1", "u"), *other = g_strdup_printf(insert, "a2", "v");

	fx_reset();
	must_open(schema_steps, 7);
	must_open(schema_steps, schema_version);
	g_free(fx_sql(one));
	g_free(fx_sql(other));
	expect_sql("SELECT id FROM application_credentials ORDER BY id", "a1\na2\n");
}

/* D12: tokens of before an upgrade stay as they are: no time stands against them. */
static void test_not_before_added(void)
{
	fx_reset();
	must_open(schema_steps, 8);
	g_free(fx_sql("INSERT INTO users (id, name, password_hash, enabled, created_at) VALUES ('u', 'ann', '$', 0, 1)"));
	must_open(schema_steps, schema_version);
	expect_sql("SELECT id, enabled FROM users", "u|0\n");
	expect_sql("SELECT count(*) FROM tokens_not_before", "0\n");
}

/* D9: migrations of before are found by the indexes that their lists need. */
static void test_list_indexes(void)
{
	static const char sqlite[] = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'migrations' ORDER BY 1";
	static const char postgres[] =
		"SELECT indexname::text FROM pg_indexes WHERE tablename = 'migrations' AND indexname LIKE 'migrations\\_%' "
		"AND indexdef NOT LIKE '%UNIQUE%' ORDER BY 1";

	fx_reset();
	must_open(schema_steps, 9);
	g_free(fx_sql("INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, options, user_id, project_id, request_id, "
		      "action_id, created_at, updated_at) VALUES "
		      "('m1', 's1', 'live-migration', 'done', 'completed', 'h1', '{}', 'u', 'p', 'r', 1, 1, 1)"));
	must_open(schema_steps, schema_version);
	expect_sql(fx_is_sqlite() ? sqlite : postgres, "migrations_project\nmigrations_server\nmigrations_user\n");
	expect_sql("SELECT uuid FROM migrations WHERE user_id = 'u' AND id < 9", "m1\n");
}

/* What was active before is active, and what had ended has ended: at its last change. */
static void test_ends_known(void)
{
	static const char *const phases[] = { "check", "queued", "schedule", "prepare", "copy", "finish", "undo", "done", "error", "failed", "cancelled" };
	GString *sql = g_string_new("INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, options, user_id, project_id, request_id, "
				    "action_id, created_at, updated_at) VALUES ");
	g_autofree char *text = NULL, *active = NULL;
	g_autoptr(store) s = NULL;
	g_autoptr(GError) err = NULL;

	fx_reset();
	must_open(schema_steps, 11);
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++)
		g_string_append_printf(sql, "%s('m%d', 's%d', 'live-migration', '%s', 'x', 'h1', '{}', 'u', 'p', 'r', 1, 1, %d)", i ? ", " : "", (int)i,
				       (int)i, phases[i], 100 + (int)i);
	text = g_string_free(sql, FALSE);
	g_free(fx_sql(text));
	must_open(schema_steps, schema_version);
	active = fx_sql("SELECT phase FROM migrations WHERE ended_at IS NULL ORDER BY id");
	g_assert_cmpstr(active, ==, "check\nqueued\nschedule\nprepare\ncopy\nfinish\nundo\n");
	expect_sql("SELECT phase, ended_at FROM migrations WHERE ended_at IS NOT NULL ORDER BY id",
		   "done|107\nerror|108\nfailed|109\ncancelled|110\n");
	/* A word that is an end of one kind may be a stage of another. */
	s = fx_open();
	g_assert_true(store_run(s, Q_MIG_PHASE,
				STORE_ARGS(SV_I(1), SV_S("check"), SV_S("done"), SV_S("x"), SV_NULL, SV_I(0), SV_I(0), SV_I(0), SV_I(0), SV_NULL, SV_I(200),
					   SV_I(0), SV_NULL), NULL, &err));
	g_assert_true(store_run(s, Q_MIG_PHASE,
				STORE_ARGS(SV_I(2), SV_S("queued"), SV_S("over"), SV_S("x"), SV_NULL, SV_I(0), SV_I(0), SV_I(0), SV_I(0), SV_NULL, SV_I(200),
					   SV_I(0), SV_I(200)), NULL, &err));
	g_clear_pointer(&s, store_close);
	expect_sql("SELECT id FROM migrations WHERE ended_at IS NULL ORDER BY id", "1\n3\n4\n5\n6\n7\n");
}

void t_upgrade_add(void)
{
	g_test_add_func("/store/upgrade/shadows", test_shadows);
	g_test_add_func("/store/upgrade/ends-known", test_ends_known);
	g_test_add_func("/store/upgrade/D12/not-before", test_not_before_added);
	g_test_add_func("/store/upgrade/from-nothing", test_from_nothing);
	g_test_add_func("/store/upgrade/from-older", test_from_older);
	g_test_add_func("/store/upgrade/half-way", test_half_way);
	g_test_add_func("/store/upgrade/newer", test_newer);
	g_test_add_func("/store/upgrade/damaged", test_damaged);
	g_test_add_func("/store/upgrade/foreign", test_foreign);
	g_test_add_func("/store/upgrade/killed", test_killed);
	g_test_add_func("/store/upgrade/two-at-once", test_two_at_once);
	g_test_add_func("/store/upgrade/events-clustered", test_events_clustered);
	g_test_add_func("/store/upgrade/post-copy-kept", test_post_copy_kept);
	g_test_add_func("/store/upgrade/definitions", test_definitions);
	g_test_add_func("/store/upgrade/host-columns", test_host_columns);
	g_test_add_func("/store/upgrade/addresses-added", test_addresses_added);
	g_test_add_func("/store/upgrade/application-credentials-added", test_apps_added);
	g_test_add_func("/store/upgrade/D9/indexes", test_list_indexes);
}
