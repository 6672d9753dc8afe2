/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrations that an older version left, in each phase and under each schema: the version of now takes the database over and brings them to
 * their ends.
 */
#include <sqlite3.h>
#include <unistd.h>

#include "live/live.h"
#include "scn.h"

#define WAIT_TEST_MS 600000

/* One server each, in a migration from h1 to h2. @at: where its guest runs; @wants: what its row says besides */
static const struct left {
	const char *phase, *status, *at, *wants, *end;
} lefts[] = {
	{ "check",    "accepted",       "h1", "",                          "done" },
	{ "queued",   "queued",         "h1", "",                          "done" },
	{ "schedule", "pre-migrating",  "h1", "",                          "done" },
	{ "prepare",  "preparing",      "h1", "dest = 'h2'",               "done" },
	{ "copy",     "running",        "h1", "dest = 'h2'",               "done" },
	{ "copy",     "running",        "h2", "dest = 'h2'",               "done" },
	{ "finish",   "post-migrating", "h2", "dest = 'h2'",               "done" },
	{ "undo",     "running",        "h1", "dest = 'h2', abort_wanted = 1", "cancelled" },
	{ "queued",   "queued",         "h1", "abort_wanted = 1",          "cancelled" },
	{ "copy",     "running",        "h1", "dest = 'h2', abort_wanted = 1", "cancelled" },
	{ "done",     "completed",      "h2", "dest = 'h2'",               "done" },
	{ "error",    "error",          "h1", "",                          "error" },
	{ "failed",   "error",          "h1", "dest = 'h2'",               "failed" },
	{ "cancelled", "cancelled",     "h1", "dest = 'h2'",               "cancelled" },
};

static struct scn scn = {
	.name = (char *)"before",
	.conf = (char *)"[DEFAULT]\nlog_format = text\n[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n",
};

static char *guest(size_t i)
{
	return g_strdup_printf("11111111-0000-4000-8000-%012zu", i + 1);
}

/* ---- the database of an older version ---- */

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		g_error("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void add_left(GString *sql, size_t i)
{
	const struct left *l = &lefts[i];
	g_autofree char *uuid = guest(i);
	const char *task = g_str_equal(l->phase, l->end) ? "NULL" : "'migrating'";

	g_string_append_printf(sql,
		"INSERT INTO servers (uuid, name, host, libvirt_name, vm_state, task_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, "
		"created_at, locked) VALUES ('%s', 'g%zu', '%s', 'g%zu', 'active', %s, 1, 1, 512, 1, 'u', 'p', 1, 0);", uuid, i,
		g_str_equal(l->phase, "finish") || g_str_equal(l->phase, "done") ? "h2" : "h1", i, task);
	g_string_append_printf(sql,
		"INSERT INTO instance_actions (server_uuid, action, request_id, user_id, project_id, start_at, updated_at) "
		"VALUES ('%s', 'live-migration', 'r%zu', 'u', 'p', 1, 1);", uuid, i);
	g_string_append_printf(sql,
		"INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, options, user_id, project_id, request_id, action_id, created_at, "
		"updated_at) VALUES ('22222222-0000-4000-8000-%012zu', '%s', 'live-migration', '%s', '%s', 'h1', '{}', 'u', 'p', 'r%zu', %zu, 1, 1);",
		i + 1, uuid, l->phase, l->status, i, i + 1);
	if (*l->wants)
		g_string_append_printf(sql, "UPDATE migrations SET %s WHERE server_uuid = '%s';", l->wants, uuid);
}

static void make_database(const char *path, int version)
{
	g_autofree char *url = g_strconcat("sqlite://", path, NULL);
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) sql = g_string_new("BEGIN;");
	struct store *s = store_open_steps(url, schema_steps, version, &err);

	g_assert_no_error(err);
	store_close(s);
	for (size_t i = 0; i < G_N_ELEMENTS(lefts); i++)
		add_left(sql, i);
	/* from schema 12 on the row says itself that it is over */
	if (version >= 12)
		g_string_append(sql, "UPDATE migrations SET ended_at = 1 WHERE phase IN ('done', 'error', 'failed', 'cancelled');");
	g_string_append(sql, "COMMIT;");
	run_sql(path, sql->str);
}

/* ---- what becomes of it ---- */

static bool all_ended(struct run *r, void *unused)
{
	(void)unused;
	return all_up(r, NULL) && engine_active(r->engine)->len == 0;
}

static void check_ends(struct run *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(lefts); i++) {
		g_autofree char *uuid = guest(i);
		struct server *s = fleet_server(r->fleet, uuid);
		struct mig *m = engine_get(r->engine, (int64_t)i + 1, NULL);

		g_test_message("%s at %s, %s", lefts[i].phase, lefts[i].at, lefts[i].wants);
		g_assert_nonnull(m);
		g_assert_cmpstr(mig_phase_name(m), ==, lefts[i].end);
		g_assert_nonnull(s);
		g_assert_cmpint(s->task, ==, SERVER_TASK_NONE);
		g_assert_cmpstr(s->host, ==, g_str_equal(lefts[i].end, "done") ? "h2" : "h1");
		mig_free(m);
	}
}

static void test_version(gconstpointer data)
{
	static const struct scn_options opt = { .seed = 1 };
	int version = GPOINTER_TO_INT(data);
	struct run r = { .scn = &scn, .opt = &opt };
	g_autofree char *folder = g_dir_make_tmp("before-XXXXXX", NULL), *path = g_strconcat(folder, "/db", NULL);
	g_autofree char *url = g_strconcat("sqlite://", path, NULL), *wrong = NULL;
	g_autoptr(GError) err = NULL;

	run_begin(&r, NULL);
	for (int h = 1; h <= 2; h++)
		sim_host_add(r.world, h == 1 ? "h1" : "h2", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 1000, .latency_ms = 4 });
	for (size_t i = 0; i < G_N_ELEMENTS(lefts); i++) {
		g_autofree char *uuid = guest(i), *name = g_strdup_printf("g%zu", i);

		sim_dom_add(r.world, lefts[i].at, &(struct sim_dom_spec){ .uuid = uuid, .name = name, .mem_mib = 512 });
	}
	make_database(path, version);
	r.store = store_open(url, &err);
	g_assert_no_error(err);
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, all_ended, NULL));
	check_ends(&r);
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	controller_stop(&r);
	store_close(r.store);
	run_end(&r);
	for (const char *const *end = (const char *const []){ "", "-wal", "-shm", "-lock", NULL }; *end; end++) {
		g_autofree char *file = g_strconcat(path, *end, NULL);

		(void)unlink(file); /* not each is left behind */
	}
	g_assert_cmpint(rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (int v = 1; v <= schema_version; v++) {
		g_autofree char *name = g_strdup_printf("/before/schema %d", v);

		g_test_add_data_func(name, GINT_TO_POINTER(v), test_version);
	}
	return g_test_run();
}
