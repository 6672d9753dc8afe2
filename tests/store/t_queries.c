/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of statements and schema steps, without a database.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "store/columns.h"
#include "store/queries.h"

#define ARGS_MAX 32

/* The distinct $n of a statement, which must be $1 to $args without a gap. */
static int count_args(const char *name, const char *sql)
{
	bool seen[ARGS_MAX + 1] = { false };
	int n = 0;

	for (const char *p = strchr(sql, '$'); p; p = strchr(p + 1, '$')) {
		long at = strtol(p + 1, NULL, 10);

		if (at < 1 || at > ARGS_MAX)
			g_error("%s: parameter $%ld", name, at);
		n += !seen[at];
		seen[at] = true;
	}
	for (int i = 1; i <= n; i++)
		if (!seen[i])
			g_error("%s: $%d is missing", name, i);
	return n;
}

static void test_table(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	for (int q = 0; q < Q_N; q++) {
		const struct query_def *d = &query_table[q];

		if (!d->name || !d->sql)
			g_error("query %d has no name or no SQL", q);
		if (!g_hash_table_add(names, (char *)d->name))
			g_error("%s: the name is there twice", d->name);
		if (count_args(d->name, d->sql) != d->args)
			g_error("%s: %d parameters in the SQL, %d in the table", d->name, count_args(d->name, d->sql), d->args);
		if (strchr(d->sql, ';') || strchr(d->sql, '?'))
			g_error("%s: one statement, and parameters are $n", d->name);
	}
}

#define NUMBER(n, column, type, field) n,
#define LIST(list) { #list, { list(NUMBER, NUMBER) } }

/* What writes a row gives its values in the order of the list: its numbers count. */
static void test_columns(void)
{
	static const struct {
		const char *name;
		int numbers[ARGS_MAX];
	} lists[] = {
		LIST(HOST_COLUMNS), LIST(SERVER_COLUMNS), LIST(MIG_NEW), LIST(MIG_STEP), LIST(MIG_PROGRESS), LIST(MIG_EVENT_ROW), LIST(VOLUME_CHANGES),
		LIST(VOLUME_NEW), LIST(DEFINITION_NEW), LIST(KEPT_COLUMNS), LIST(MARKER_COLUMNS), LIST(ACTION_NEW), LIST(ACTION_EVENT_START), LIST(ACTION_EVENT_END), LIST(USER_ROW), LIST(PROJECT_ROW),
		LIST(GRANT_ROW), LIST(APP_ROW), LIST(REVOKED_ROW), LIST(NOT_BEFORE_ROW),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const int *n = lists[i].numbers; n[1]; n++)
			if (n[1] != n[0] + 1)
				g_error("%s: $%d comes behind $%d", lists[i].name, n[1], n[0]);
}

static void test_schema(void)
{
	g_assert_cmpint(schema_version, >=, 1);
	for (int i = 0; i < schema_version; i++) {
		g_assert_cmpint(schema_steps[i].version, ==, i + 1);
		g_assert_nonnull(schema_steps[i].sql);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/queries/table", test_table);
	g_test_add_func("/queries/columns", test_columns);
	g_test_add_func("/queries/schema", test_schema);
	return g_test_run();
}
