/* SPDX-License-Identifier: Apache-2.0
 *
 * One store for all runs of a process. Making the schema and preparing the
 * statements again takes longer than most runs do, and the store itself has, with
 * good reason, no call that empties it. So the linker puts our function around
 * SQLite's open (--wrap), and the tables are emptied behind the store's back.
 *
 * Between the store and SQLite stands a gate, which counts what passes and can
 * fail one call as a database does: refuse it, or lose the connection before or
 * after it was done. A lost connection rolls back what was not committed, and
 * stays away for a while.
 */
#include <assert.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/err.h"
#include "scn.h"

#define OUTAGE_MS 3000

int __real_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs);

static sqlite3 *handle;

static const char *const fault_names[] = {
	[STORE_REFUSED] = "db-refused", [STORE_LOST_BEFORE] = "db-lost-before", [STORE_LOST_AFTER] = "db-lost-after",
};
static_assert(G_N_ELEMENTS(fault_names) == STORE_FAULT_N, "fault_names is missing one");

static struct {
	const struct store_fault *fault; /* NULL: none */
	GArray *calls;                   /* int: what passed, enum query or SCN_BEGIN, SCN_COMMIT; NULL: not kept */
	int64_t n, hits;
	int64_t of[Q_N];                 /* how often each statement came */
	int64_t away_until_ms;
	bool in_tx;
	char *lose_phase;                /* the commit that brings a migration into it loses its answer; NULL: none */
	bool lose_commit;                /* it is the next one */
} gate;

const char *store_fault_name(enum store_fault_kind k)
{
	return fault_names[k];
}

const char *store_call_name(int call)
{
	return call == SCN_BEGIN ? "begin" : call == SCN_COMMIT ? "commit" : query_table[call].name;
}

/* ---- the gate ---- */

static bool is_away(GError **err)
{
	if (clock_now_ms() >= gate.away_until_ms)
		return false;
	g_set_error(err, ERR, ERR_UNAVAILABLE, "the database cannot be reached");
	return true;
}

/* Return: STORE_FAULT_N if it passes. */
static enum store_fault_kind meets(int call)
{
	if (gate.calls)
		g_array_append_val(gate.calls, call);
	gate.n++;
	if (call >= 0 && call < Q_N)
		gate.of[call]++;
	if (!gate.fault || gate.n != gate.fault->nth)
		return STORE_FAULT_N;
	gate.hits++;
	return gate.fault->kind;
}

/* The connection is gone, and with it what was not committed. */
static void lose(void *db)
{
	store_sqlite_ops.rollback(db);
	gate.away_until_ms = clock_now_ms() + OUTAGE_MS;
}

static bool refuse(GError **err)
{
	g_set_error(err, ERR, ERR_STORE, "database: refused by the test");
	return false;
}

static bool lost_before(void *db, GError **err)
{
	lose(db);
	g_set_error(err, ERR, ERR_UNAVAILABLE, "the connection to the database was lost");
	return false;
}

static bool lost_after(void *db, GError **err)
{
	lose(db);
	g_set_error(err, ERR, ERR_STORE, "the connection to the database was lost during this, the outcome is unknown");
	return false;
}

static bool gate_begin(void *db, GError **err)
{
	enum store_fault_kind k;

	if (is_away(err))
		return false;
	k = meets(SCN_BEGIN);
	if (k == STORE_REFUSED)
		return refuse(err);
	if (k != STORE_FAULT_N)
		return lost_before(db, err);
	gate.in_tx = store_sqlite_ops.begin(db, err);
	return gate.in_tx;
}

/* The writer cannot tell whether the loss was before or after. */
static bool gate_commit(void *db, GError **err)
{
	enum store_fault_kind k = meets(SCN_COMMIT);

	if (gate.lose_commit) {
		k = STORE_LOST_AFTER;
		gate.hits++;
	}
	gate.lose_commit = false;
	gate.in_tx = false;
	if (k == STORE_REFUSED)
		return refuse(err); /* the store rolls back */
	if (k != STORE_LOST_BEFORE && !store_sqlite_ops.commit(db, err))
		return false;
	return k == STORE_FAULT_N || lost_after(db, err);
}

static void gate_rollback(void *db)
{
	gate.in_tx = gate.lose_commit = false;
	store_sqlite_ops.rollback(db);
}

static bool gate_each(void *db, int q, const char *sql, const struct store_val *args, size_t n, store_row_f *fn, void *user,
		      int64_t *ret_changed, GError **err)
{
	enum store_fault_kind k;

	if (q < 0)
		return store_sqlite_ops.each(db, q, sql, args, n, fn, user, ret_changed, err);
	if (!gate.in_tx && is_away(err))
		return false;
	if ((q == Q_MIG_PHASE && g_strcmp0(gate.lose_phase, args[2].s) == 0) || (q == Q_MIG_INSERT && g_strcmp0(gate.lose_phase, "request") == 0)) {
		g_clear_pointer(&gate.lose_phase, g_free);
		gate.lose_commit = true;
	}
	k = meets(q);
	if (k == STORE_REFUSED)
		return refuse(err);
	/* Inside a transaction nothing is done before the commit. */
	if (k == STORE_LOST_BEFORE || (k == STORE_LOST_AFTER && gate.in_tx))
		return lost_before(db, err);
	return store_sqlite_ops.each(db, q, sql, args, n, fn, user, ret_changed, err) && (k == STORE_FAULT_N || lost_after(db, err));
}

int64_t scn_store_times(const char *statement)
{
	for (int q = 0; q < Q_N; q++)
		if (g_str_equal(query_table[q].name, statement))
			return gate.of[q];
	g_error("there is no statement %s", statement);
}

int64_t scn_store_hits(void)
{
	return gate.hits;
}

void scn_store_lose(const char *phase)
{
	util_replace(&gate.lose_phase, phase);
}

bool scn_store_away(void)
{
	return is_away(NULL);
}

/* ---- the database ---- */

int __wrap_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs)
{
	int code = __real_sqlite3_open_v2(name, ret, flags, vfs);

	if (!handle) /* tests open others beside it */
		handle = *ret;
	return code;
}

static int add_delete(void *user, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	g_string_append_printf(user, "DELETE FROM \"%s\";", values[0]);
	return 0;
}

/* "BEGIN; DELETE FROM ...; COMMIT" of every table but the schema's version. */
static char *make_wipe(void)
{
	GString *sql = g_string_new("BEGIN;");

	if (sqlite3_exec(handle, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version'", add_delete, sql, NULL))
		g_error("%s", sqlite3_errmsg(handle));
	return g_string_free(g_string_append(sql, "COMMIT"), FALSE);
}

struct store *scn_store(const struct store_fault *fault, GArray *calls)
{
	static struct store *store;
	static struct store_ops ops;
	static char *wipe;
	g_autoptr(GError) why = NULL;

	gate.fault = NULL;
	gate.calls = NULL;
	gate.away_until_ms = INT64_MIN;
	gate.in_tx = gate.lose_commit = false;
	g_clear_pointer(&gate.lose_phase, g_free);
	if (!store) {
		ops = store_sqlite_ops;
		ops.begin = gate_begin;
		ops.commit = gate_commit;
		ops.rollback = gate_rollback;
		ops.each = gate_each;
		store = store_open_ops(&ops, "sqlite://:memory:", &why);
		if (!store)
			g_error("%s", why->message);
		wipe = make_wipe();
	}
	if (sqlite3_exec(handle, wipe, NULL, NULL, NULL))
		g_error("%s", sqlite3_errmsg(handle));
	gate.n = gate.hits = 0;
	memset(gate.of, 0, sizeof gate.of);
	gate.fault = fault;
	gate.calls = calls;
	return store;
}

static int add_row(void *user, int n, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < n; i++)
		g_string_append_printf(user, "%s%s", i ? "|" : "", values[i] ? values[i] : "~");
	g_string_append_c(user, '\n');
	return 0;
}

char *scn_sql(const char *sql)
{
	GString *rows = g_string_new(NULL);

	if (sqlite3_exec(handle, sql, add_row, rows, NULL))
		g_error("%s: %s", sql, sqlite3_errmsg(handle));
	return g_string_free(rows, FALSE);
}

void scn_store_calm(void)
{
	gate.fault = NULL;
	gate.calls = NULL;
}
