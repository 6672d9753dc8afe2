/* SPDX-License-Identifier: Apache-2.0
 *
 * D9: how much a list of migrations costs, by the plan of each database and, on SQLite, by the steps that it took.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define ROWS 20000
/* Steps of SQLite's machine: a row that is examined takes some ten, a row of an answer some fifty. */
#define FEW_STEPS 1000

/* All belong to user u, project p and one of 200 servers, but the third: that one is rare's. */
#define FILL \
	"INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, dest, options, user_id, project_id, request_id, action_id, " \
	"created_at, updated_at) WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) " \
	"SELECT 'm' || x, 's' || (x % 200), 'live-migration', 'done', 'completed', 'h1', 'h2', '{}', " \
	"CASE WHEN x = 3 THEN 'rare' ELSE 'u' END, CASE WHEN x = 3 THEN 'rare' ELSE 'p' END, 'r', x, x, x FROM c"

#define TOP I(INT64_MAX)

static const struct list {
	const char *name;
	enum query q;
	struct store_val args[12];
	const char *want;             /* the first column of its rows */
	const char *sqlite;           /* its plan */
	const char *postgres;         /* the index by which it goes backwards */
} lists[] = {
	{ "the newest", Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), TOP, I(1) }, "20000",
	  "SEARCH migrations USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "migrations_pkey" },
	{ "a later page", Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), I(10), I(2) }, "9 8",
	  "SEARCH migrations USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "migrations_pkey" },
	{ "a part, which none of its rows fits", Q_MIG_LIST, { N, S("h3"), S("error"), N, N, N, N, N, N, I(10000), I(10050), I(9) }, "",
	  "SEARCH migrations USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "migrations_pkey" },
	{ "one of a rare user", Q_MIG_LIST_USER, { N, N, N, N, N, S("rare"), N, N, N, I(0), TOP, I(1) }, "3",
	  "SEARCH migrations USING INDEX migrations_user (user_id=? AND id>? AND id<?)", "migrations_user" },
	{ "a later page of a user", Q_MIG_LIST_USER, { N, N, N, N, N, S("u"), N, N, N, I(0), I(5), I(2) }, "4 2",
	  "SEARCH migrations USING INDEX migrations_user (user_id=? AND id>? AND id<?)", "migrations_pkey" /* nearly all are this user's */ },
	{ "of an unknown user", Q_MIG_LIST_USER, { N, N, N, N, N, S("x"), N, N, N, I(0), TOP, I(1000) }, "",
	  "SEARCH migrations USING INDEX migrations_user (user_id=? AND id>? AND id<?)", "migrations_user" },
	{ "of a rare project", Q_MIG_LIST_PROJECT, { N, N, N, N, N, N, S("rare"), N, N, I(0), TOP, I(1000) }, "3",
	  "SEARCH migrations USING INDEX migrations_project (project_id=? AND id>? AND id<?)", "migrations_project" },
	{ "the last of a server", Q_MIG_LIST_SERVER, { S("s7"), N, N, N, N, N, N, N, N, I(0), TOP, I(1) }, "19807",
	  "SEARCH migrations USING INDEX migrations_server (server_uuid=? AND id>? AND id<?)", "migrations_server" },
	{ "a later page of a server", Q_MIG_LIST_SERVER, { S("s7"), N, N, N, N, N, N, N, N, I(0), I(300), I(9) }, "207 7",
	  "SEARCH migrations USING INDEX migrations_server (server_uuid=? AND id>? AND id<?)", "migrations_server" },
};

/* A piece ends where it is to, not where all ends that may go. */
static const struct list purges[] = {
	{ "servers", Q_PURGE_SERVERS, { TOP, I(1), I(1) }, NULL, "SEARCH shadow_servers USING PRIMARY KEY ((deleted_at,id)<(?,?))" },
	{ "migrations", Q_PURGE_MIGS, { TOP, I(1), I(1) }, NULL, "SEARCH shadow_migrations USING PRIMARY KEY ((deleted_at,id)<(?,?))" },
	{ "their events", Q_PURGE_MIG_EVENTS, { TOP, I(1), I(1) }, NULL,
	  "SEARCH shadow_migration_events USING PRIMARY KEY ((deleted_at,migration_id)<(?,?))" },
	{ "actions", Q_PURGE_ACTIONS, { TOP, I(1), I(1) }, NULL, "SEARCH shadow_instance_actions USING PRIMARY KEY ((deleted_at,id)<(?,?))" },
	{ "their events", Q_PURGE_ACTION_EVENTS, { TOP, I(1), I(1) }, NULL,
	  "SEARCH shadow_instance_action_events USING PRIMARY KEY ((deleted_at,action_id)<(?,?))" },
};

static void fill(void)
{
	fx_reset();
	store_close(fx_open());
	g_free(fx_sql(FILL));
}

static bool add_first(const struct store_row *row, void *user)
{
	GString *out = user;

	g_string_append_printf(out, "%s%s", out->len ? " " : "", store_text(row, 0));
	return true;
}

static void test_rows(void)
{
	g_autoptr(store) s = NULL;
	g_autoptr(GError) err = NULL;

	fill();
	s = fx_open();
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autoptr(GString) got = g_string_new(NULL);

		store_each(s, lists[i].q, lists[i].args, G_N_ELEMENTS(lists[i].args), add_first, got, &err);
		g_assert_no_error(err);
		if (strcmp(got->str, lists[i].want) != 0)
			g_error("%s: %s, want %s", lists[i].name, got->str, lists[i].want);
	}
}

/* ---- SQLite ---- */

static void bind_all(sqlite3_stmt *st, const struct store_val *args)
{
	for (int at = 1; at <= sqlite3_bind_parameter_count(st); at++) {
		const struct store_val *v = &args[atoi(sqlite3_bind_parameter_name(st, at) + 1) - 1];

		if (v->type == STORE_INT)
			sqlite3_bind_int64(st, at, v->i);
		else if (v->type == STORE_TEXT)
			sqlite3_bind_text(st, at, v->s, -1, SQLITE_STATIC);
	}
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *prefix, const struct list *l)
{
	g_autofree char *sql = g_strconcat(prefix, query_table[l->q].sql, NULL);
	sqlite3_stmt *st = NULL;

	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &st, NULL), ==, SQLITE_OK);
	bind_all(st, l->args);
	return st;
}

static void expect_plan(sqlite3 *db, const struct list *l)
{
	sqlite3_stmt *st = prepare(db, "EXPLAIN QUERY PLAN ", l);
	g_autoptr(GString) plan = g_string_new(NULL);

	while (sqlite3_step(st) == SQLITE_ROW)
		g_string_append_printf(plan, "%s%s", plan->len ? "; " : "", (const char *)sqlite3_column_text(st, 3));
	sqlite3_finalize(st);
	if (strcmp(plan->str, l->sqlite) != 0)
		g_error("%s: %s, want %s", l->name, plan->str, l->sqlite);
}

static void expect_few_steps(sqlite3 *db, const struct list *l)
{
	sqlite3_stmt *st = prepare(db, "", l);
	int steps;

	while (sqlite3_step(st) == SQLITE_ROW)
		;
	steps = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
	if (steps > FEW_STEPS || sqlite3_stmt_status(st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0) || sqlite3_stmt_status(st, SQLITE_STMTSTATUS_SORT, 0))
		g_error("%s: %d steps of SQLite's machine", l->name, steps);
	sqlite3_finalize(st);
}

static void test_sqlite_plans(void)
{
	sqlite3 *db = NULL;

	if (!fx_is_sqlite()) {
		g_test_skip("of SQLite");
		return;
	}
	fill();
	g_assert_cmpint(sqlite3_open(fx_url() + strlen("sqlite://"), &db), ==, SQLITE_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		expect_plan(db, &lists[i]);
		expect_few_steps(db, &lists[i]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(purges); i++)
		expect_plan(db, &purges[i]);
	sqlite3_close(db);
}

/* ---- PostgreSQL ---- */

static bool add_line(const struct store_row *row, void *user)
{
	g_string_append_printf(user, "%s\n", store_text(row, 0));
	return true;
}

/* The statement with its values in the text: what is not prepared is planned with them. */
static char *with_values(const struct list *l)
{
	g_autoptr(GString) sql = g_string_new("EXPLAIN ");

	for (const char *p = query_table[l->q].sql; *p; p++) {
		char *end = NULL;
		const struct store_val *v = *p == '$' ? &l->args[strtol(p + 1, &end, 10) - 1] : NULL;

		if (!v)
			g_string_append_c(sql, *p);
		else if (v->type == STORE_INT)
			g_string_append_printf(sql, "%" G_GINT64_FORMAT, v->i);
		else
			g_string_append_printf(sql, v->type == STORE_TEXT ? "'%s'" : "NULL", v->s);
		p = v ? end - 1 : p;
	}
	return g_string_free(g_steal_pointer(&sql), FALSE);
}

static void expect_index(void *db, const struct list *l)
{
	g_autofree char *explain = with_values(l);
	g_autofree char *want = g_strdup_printf("using %s ", l->postgres);
	g_autoptr(GString) plan = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	store_postgres_ops.each(db, -1, explain, NULL, 0, add_line, plan, NULL, &err);
	g_assert_no_error(err);
	if (!strstr(plan->str, "Index Scan Backward") || !strstr(plan->str, want) || strstr(plan->str, "Sort"))
		g_error("%s: %s", l->name, plan->str);
}

static void test_postgres_plans(void)
{
	g_autoptr(GError) err = NULL;
	void *db;

	if (fx_is_sqlite()) {
		g_test_skip("of PostgreSQL");
		return;
	}
	fill();
	db = store_postgres_ops.open(fx_url(), &err);
	g_assert_no_error(err);
	store_postgres_ops.script(db, "ANALYZE migrations", &err);
	g_assert_no_error(err);
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_assert_true(query_table[lists[i].q].varied);
		expect_index(db, &lists[i]);
	}
	store_postgres_ops.close(db);
}

void t_lists_add(void)
{
	g_test_add_func("/store/D9/rows", test_rows);
	g_test_add_func("/store/D9/plans of SQLite", test_sqlite_plans);
	g_test_add_func("/store/D9/plans of PostgreSQL", test_postgres_plans);
}
