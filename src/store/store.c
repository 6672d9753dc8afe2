/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"

/*
 * Theory of operation: transactions
 * ---------------------------------
 * The two databases differ in what is left after a statement failed inside a
 * transaction: PostgreSQL refuses everything until the rollback and answers a
 * COMMIT with a silent rollback; SQLite goes on, or, when the disk is full, has
 * rolled back by itself, so that the next statement would be a transaction of
 * its own. Here both are one: after a failure, every further statement and the
 * commit are refused until store_rollback(). A transaction is never half.
 */
struct store {
	const struct store_ops *ops;
	void *db;
	GThread *thread; /* the one that opened it */
	bool in_tx;
	bool failed;     /* a statement of this transaction failed */
	bool in_each;
	int64_t began_us;
	struct metric_hist seconds;
	uint64_t failures;
	store_lost_f *on_lost;
	void *lost_user;
};

static const struct store_ops *const all_ops[] = { &store_sqlite_ops, &store_postgres_ops };

/* ---- rows and parameters ---- */

struct store_val store_text_or_null(const char *s)
{
	return (struct store_val){ .type = s ? STORE_TEXT : STORE_NULL, .s = s };
}

int64_t store_int(const struct store_row *row, int col)
{
	g_assert(col >= 0 && col < row->n);
	return row->get_int(row, col);
}

const char *store_text(const struct store_row *row, int col)
{
	g_assert(col >= 0 && col < row->n);
	return row->get_text(row, col);
}

/* ---- what it costs ---- */

const struct metric_hist *store_seconds(const struct store *s)
{
	return &s->seconds;
}

uint64_t store_failures(const struct store *s)
{
	return s->failures;
}

static void look_for_loss(struct store *s)
{
	const char *why = s->ops->lost && s->on_lost ? s->ops->lost(s->db) : NULL;

	if (why)
		s->on_lost(why, s->lost_user);
}

static void count(struct store *s, bool ok)
{
	if (!ok)
		look_for_loss(s);
	if (ok)
		metric_observe(&s->seconds, (double)(clock_now_us() - s->began_us) / 1e6);
	else
		s->failures++;
}

/* ---- transactions ---- */

static void check_use(const struct store *s)
{
	g_assert(s->thread == g_thread_self());
	g_assert(!s->in_each);
}

static bool begin(struct store *s, bool (*fn)(void *db, GError **err), GError **err)
{
	check_use(s);
	g_assert(!s->in_tx);
	s->began_us = clock_now_us();
	if (!fn(s->db, err)) {
		count(s, false);
		return false;
	}
	s->in_tx = true;
	s->failed = false;
	return true;
}

bool store_begin(struct store *s, GError **err)
{
	return begin(s, s->ops->begin, err);
}

bool store_begin_soft(struct store *s, GError **err)
{
	return begin(s, s->ops->begin_soft ? s->ops->begin_soft : s->ops->begin, err);
}

static bool refuse_failed(GError **err)
{
	g_set_error(err, ERR, ERR_STORE, "an earlier statement of this transaction failed, nothing of it is written");
	return false;
}

bool store_commit(struct store *s, GError **err)
{
	bool ok;

	check_use(s);
	g_assert(s->in_tx);
	ok = s->failed ? refuse_failed(err) : s->ops->commit(s->db, err);
	if (!ok) {
		store_rollback(s);
		return false;
	}
	s->in_tx = false;
	count(s, true);
	return true;
}

void store_rollback(struct store *s)
{
	check_use(s);
	if (!s->in_tx)
		return;
	s->ops->rollback(s->db);
	s->in_tx = false;
	count(s, false); /* what went well is not rolled back */
}

/* ---- whose it is ---- */

bool store_serve(struct store *s, GError **err)
{
	check_use(s);
	return !s->ops->serve || s->ops->serve(s->db, err);
}

void store_on_lost(struct store *s, store_lost_f *fn, void *user)
{
	s->on_lost = fn;
	s->lost_user = user;
}

bool store_check(struct store *s, GError **err)
{
	bool ok;

	check_use(s);
	g_assert(!s->in_tx);
	ok = !s->ops->check || s->ops->check(s->db, err);
	if (!ok)
		look_for_loss(s);
	return ok;
}

/* ---- its file ---- */

bool store_checkpoint(struct store *s, GError **err)
{
	check_use(s);
	g_assert(!s->in_tx);
	return !s->ops->checkpoint || s->ops->checkpoint(s->db, err);
}

bool store_shrink(struct store *s, int64_t pages, bool *ret_more, GError **err)
{
	check_use(s);
	g_assert(!s->in_tx);
	*ret_more = false;
	return !s->ops->shrink || s->ops->shrink(s->db, pages, ret_more, err);
}

bool store_check_all(struct store *s, GError **err)
{
	check_use(s);
	g_assert(!s->in_tx);
	return !s->ops->look_through || s->ops->look_through(s->db, err);
}

/* ---- statements ---- */

/*
 * PostgreSQL refuses text that is not UTF-8, SQLite keeps it. What hosts say is
 * not always UTF-8, and must not make a phase change fail.
 *
 * Return: args with such text replaced, held by *ret_copies, which is made then; usually args itself
 */
static const struct store_val *make_valid(const struct store_val *args, size_t n, GPtrArray **ret_copies)
{
	struct store_val *changed = NULL;

	for (size_t i = 0; i < n; i++) {
		if (args[i].type != STORE_TEXT || util_is_text(args[i].s, strlen(args[i].s)))
			continue;
		if (!changed) {
			changed = g_memdup2(args, n * sizeof *args);
			*ret_copies = g_ptr_array_new_with_free_func(g_free);
			g_ptr_array_add(*ret_copies, changed);
		}
		changed[i].s = g_utf8_make_valid(args[i].s, -1);
		g_ptr_array_add(*ret_copies, (char *)changed[i].s);
	}
	return changed ? changed : args;
}

static bool each(struct store *s, enum query q, const struct store_val *args, size_t n, store_row_f *fn, void *user,
		 int64_t *ret_changed, GError **err)
{
	const struct query_def *def = &query_table[q];
	g_autoptr(GPtrArray) copies = NULL;
	bool ok;

	check_use(s);
	g_assert(q >= 0 && q < Q_N && (size_t)def->args == n);
	if (s->in_tx && s->failed)
		return refuse_failed(err);
	args = make_valid(args, n, &copies);
	s->in_each = true;
	if (!s->in_tx)
		s->began_us = clock_now_us();
	ok = s->ops->each(s->db, (int)q, def->sql, args, n, fn, user, ret_changed, err);
	s->in_each = false;
	s->failed = s->failed || !ok;
	if (!s->in_tx)
		count(s, ok);
	if (!ok)
		g_prefix_error(err, "%s: ", def->name);
	return ok;
}

bool store_each(struct store *s, enum query q, const struct store_val *args, size_t n, store_row_f *fn, void *user, GError **err)
{
	return each(s, q, args, n, fn, user, NULL, err);
}

bool store_run(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret_changed, GError **err)
{
	return each(s, q, args, n, NULL, NULL, ret_changed, err);
}

struct first_int {
	int64_t v;
	int rows;
};

static bool take_int(const struct store_row *row, void *user)
{
	struct first_int *first = user;

	if (first->rows++ == 0)
		first->v = store_int(row, 0);
	return true;
}

bool store_number(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret, GError **err)
{
	struct first_int first = { 0 };

	if (!each(s, q, args, n, take_int, &first, NULL, err))
		return false;
	g_assert(first.rows == 1); /* every such statement of the table has an aggregate, or makes or changes one row */
	*ret = first.v;
	return true;
}

bool store_insert(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret_id, GError **err)
{
	return store_number(s, q, args, n, ret_id, err);
}

static bool take_word(const struct store_row *row, void *user)
{
	*(char **)user = g_strdup(store_text(row, 0));
	return false;
}

bool store_word(struct store *s, enum query q, const struct store_val *args, size_t n, char **ret, GError **err)
{
	char *word = NULL;

	if (!each(s, q, args, n, take_word, &word, NULL, err)) {
		g_free(word);
		return false;
	}
	*ret = word;
	return true;
}

/* ---- schema ---- */

static bool int_of(struct store *s, const char *sql, struct first_int *ret, GError **err)
{
	*ret = (struct first_int){ 0 };
	return s->ops->each(s->db, -1, sql, NULL, 0, take_int, ret, NULL, err);
}

/* 0 is a database without our tables. */
static bool read_version(struct store *s, int64_t *ret_version, GError **err)
{
	struct first_int v;

	if (!int_of(s, s->ops->has_version, &v, err))
		return false;
	if (v.v == 0) {
		*ret_version = 0;
		return true;
	}
	if (!int_of(s, query_table[Q_SCHEMA_VERSION].sql, &v, err))
		return false;
	if (v.rows != 1) {
		g_set_error(err, ERR, ERR_STORE, "the database is damaged: schema_version has %d rows instead of 1", v.rows);
		return false;
	}
	*ret_version = v.v;
	return true;
}

static bool apply(struct store *s, const struct schema_step *step, GError **err)
{
	g_autoptr(GString) sql = g_string_new(step->sql);

	g_string_replace(sql, "@ID@", s->ops->id_type, 0);
	g_string_replace(sql, "@CLUSTERED@", s->ops->clustered, 0);
	return s->ops->script(s->db, sql->str, err) &&
	       store_run(s, Q_SCHEMA_SET, STORE_ARGS(SV_I(step->version)), NULL, err);
}

/* One step in one transaction. The version is read inside it: another daemon may have been faster. */
static bool upgrade_once(struct store *s, const struct schema_step *steps, int n, bool *ret_done, GError **err)
{
	int64_t version;

	if (s->ops->upgrade_lock && !s->ops->script(s->db, s->ops->upgrade_lock, err))
		return false;
	if (!read_version(s, &version, err))
		return false;
	*ret_done = version == n;
	if (version == n)
		return true;
	if (version < 0 || version > n) {
		g_set_error(err, ERR, ERR_STORE, "the database has schema version %" G_GINT64_FORMAT
			    ", this program knows versions up to %d: it is older than the database", version, n);
		return false;
	}
	g_assert(steps[version].version == version + 1);
	if (apply(s, &steps[version], err))
		return true;
	g_prefix_error(err, "cannot upgrade the database from schema version %d to %d: ", (int)version, (int)version + 1);
	return false;
}

static bool upgrade(struct store *s, const struct schema_step *steps, int n, GError **err)
{
	bool done = false;
	int applied = -1; /* the last turn finds nothing to do */
	int64_t version;

	/* Nothing to be written, as at most starts. */
	if (read_version(s, &version, err) && version == n)
		return true;
	g_clear_error(err);
	for (; !done; applied++) {
		if (!store_begin(s, err))
			return false;
		if (!upgrade_once(s, steps, n, &done, err)) {
			store_rollback(s);
			return false;
		}
		if (!store_commit(s, err))
			return false;
	}
	return !applied || store_checkpoint(s, err);
}

/* ---- opening ---- */

static const struct store_ops *ops_for(const char *url, GError **err)
{
	g_autofree char *scheme = g_uri_parse_scheme(url);

	for (size_t i = 0; scheme && i < G_N_ELEMENTS(all_ops); i++)
		if (g_strv_contains(all_ops[i]->schemes, scheme))
			return all_ops[i];
	/* The URL itself may hold a password, its scheme cannot. */
	g_set_error(err, ERR, ERR_STORE, "no database is known for the scheme '%s'; sqlite:///PATH and postgresql://... are",
		    scheme ? scheme : "");
	return NULL;
}

static bool make_ours(struct store *s, const struct schema_step *steps, int n, GError **err)
{
	return (!s->ops->lock || s->ops->lock(s->db, err)) && upgrade(s, steps, n, err) && (steps != schema_steps || n < schema_version || !s->ops->take || s->ops->take(s->db, err));
}

static struct store *store_new(const struct store_ops *ops, void *db)
{
	struct store *s = g_new0(struct store, 1);

	s->seconds.bounds = &metric_call_seconds;
	s->ops = ops;
	s->db = db;
	s->thread = g_thread_self();
	return s;
}

static struct store *open_with(const struct store_ops *ops, const char *url, const struct schema_step *steps, int n, GError **err)
{
	void *db = ops->open(url, err);
	struct store *s;

	if (!db)
		return NULL;
	s = store_new(ops, db);
	if (make_ours(s, steps, n, err))
		return s;
	store_close(s);
	return NULL;
}

static bool version_is_ours(struct store *s, GError **err)
{
	int64_t version;

	if (!read_version(s, &version, err))
		return false;
	if (version == schema_version)
		return true;
	g_set_error(err, ERR, ERR_STORE, "the database has schema version %" G_GINT64_FORMAT ", this program needs version %d: %s", version,
		    schema_version, version < schema_version ? "start droverd, or run drover-manage db sync" : "it is older than the database");
	return false;
}

static struct store *open_beside(const char *url, GError **err)
{
	const struct store_ops *ops = ops_for(url, err);
	void *db = ops ? ops->open_beside(url, err) : NULL;

	return db ? store_new(ops, db) : NULL;
}

struct store *store_open_beside(const char *url, GError **err)
{
	struct store *s = open_beside(url, err);

	if (!s || version_is_ours(s, err))
		return s;
	store_close(s);
	return NULL;
}

bool store_in_use(struct store *s)
{
	return s->ops->in_use(s->db);
}

const char *store_kind(const struct store *s)
{
	return s->ops->schemes[0];
}

bool store_one_writer(const struct store *s)
{
	return s->ops->one_writer;
}

bool store_version(const char *url, int64_t *ret_version, GError **err)
{
	struct store *s = open_beside(url, err);
	bool ok = s && read_version(s, ret_version, err);

	store_close(s);
	return ok;
}

struct store *store_open_steps(const char *url, const struct schema_step *steps, int n, GError **err)
{
	const struct store_ops *ops = ops_for(url, err);

	return ops ? open_with(ops, url, steps, n, err) : NULL;
}

struct store *store_open_ops(const struct store_ops *ops, const char *url, GError **err)
{
	return open_with(ops, url, schema_steps, schema_version, err);
}

struct store *store_open(const char *url, GError **err)
{
	return store_open_steps(url, schema_steps, schema_version, err);
}

bool store_backup(const char *url, const char *path, GError **err)
{
	const struct store_ops *ops = ops_for(url, err);

	if (ops && !ops->backup)
		g_set_error(err, ERR, ERR_STORE, "a copy of a %s database is made by its own program: pg_dump", ops->name);
	return ops && ops->backup && ops->backup(url, path, err);
}

bool store_restore(const char *url, int from, char **ret_aside, GError **err)
{
	const struct store_ops *ops = ops_for(url, err);

	if (ops && !ops->restore)
		g_set_error(err, ERR, ERR_STORE, "a copy of a %s database is brought back by its own program: pg_restore", ops->name);
	return ops && ops->restore && ops->restore(url, from, ret_aside, err);
}

char **store_files(const char *url)
{
	const struct store_ops *ops = ops_for(url, NULL);

	return ops && ops->files ? ops->files(url) : g_new0(char *, 1);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_rollback(s);
	s->ops->close(s->db);
	g_free(s);
}
