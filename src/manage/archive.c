/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/archive.h"

#include <assert.h>

#include "base/err.h"
#include "manage/pace.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/store.h"

#define TRIES 5
#define TREES_FIRST 32 /* servers that are looked at for a transaction: PostgreSQL counts the rows of each, also of those that are not taken */
#define TREES_MORE 8   /* than the last one had */

int64_t archive_batch_rows = 500;

/* In the order of the moves: a server's row first, because it says whether the rest may go; events while what they belong to is there. */
static const struct table {
	const char *name;
	enum query move, drop;
	enum { BOUND_NONE, BOUND_MIGS, BOUND_ACTIONS } bound;
} tables[] = {
	[ARCHIVE_SERVERS] = { "servers", Q_ARCHIVE_SERVERS, Q_ARCHIVE_SERVERS_DROP, BOUND_NONE },
	[ARCHIVE_MIG_EVENTS] = { "migration_events", Q_ARCHIVE_MIG_EVENTS, Q_ARCHIVE_MIG_EVENTS_DROP, BOUND_MIGS },
	[ARCHIVE_MIGS] = { "migrations", Q_ARCHIVE_MIGS_MOVE, Q_ARCHIVE_MIGS_DROP, BOUND_MIGS },
	[ARCHIVE_ACTION_EVENTS] = { "instance_action_events", Q_ARCHIVE_ACTION_EVENTS, Q_ARCHIVE_ACTION_EVENTS_DROP, BOUND_ACTIONS },
	[ARCHIVE_ACTIONS] = { "instance_actions", Q_ARCHIVE_ACTIONS_MOVE, Q_ARCHIVE_ACTIONS_DROP, BOUND_ACTIONS },
};
static_assert(G_N_ELEMENTS(tables) == ARCHIVE_N, "tables[] is missing one");

/* What one transaction moves. */
struct batch {
	struct pace *pace;
	int64_t trees;   /* so many servers are looked at, at most */
	int64_t limit;   /* rows */
	bool any;        /* but one tree at least */
	int64_t servers; /* the first so many; 0: there is none */
	int64_t rows;
	char *first;     /* the first one's UUID */
	bool piece;      /* of the first one, whose row stays: migrations and actions up to these ids */
	int64_t bound[3];
};

static const struct batch whole = { .bound = { [BOUND_MIGS] = G_MAXINT64, [BOUND_ACTIONS] = G_MAXINT64 } };

const char *archive_table_name(enum archive_table t)
{
	return tables[t].name;
}

int64_t archive_total(const struct archive_counts *c)
{
	int64_t sum = 0;

	for (size_t t = 0; t < ARCHIVE_N; t++)
		sum += c->rows[t];
	return sum;
}

/* ---- what goes next ---- */

struct tree {
	const char *uuid;
	int64_t rows;
};

struct own {
	int64_t id, rows;
};

#define TREE_FIELD(n, col, type, f) ROW_FIELD_##type(tree, col, f),
static const struct row_field tree_fields[] = { ARCHIVE_NEXT_ROW(TREE_FIELD, TREE_FIELD) };
#define OWN_FIELD(n, col, type, f) ROW_FIELD_##type(own, col, f),
static const struct row_field own_fields[] = { ARCHIVE_OWN_ROW(OWN_FIELD, OWN_FIELD) };

static bool take_server(const struct store_row *row, void *user)
{
	struct batch *b = user;
	struct tree t = { .rows = 0 };

	(void)row_read(row, tree_fields, G_N_ELEMENTS(tree_fields), &t); /* it has no words */
	if (b->servers > 0 && b->rows + t.rows > MIN(b->limit, b->pace->rows))
		return false;
	if (b->servers++ == 0)
		b->first = g_strdup(t.uuid);
	b->rows += t.rows;
	return true;
}

struct piece {
	int64_t bound, rows, size;
};

static bool take_own(const struct store_row *row, void *user)
{
	struct piece *p = user;
	struct own o = { .id = 0 };

	(void)row_read(row, own_fields, G_N_ELEMENTS(own_fields), &o); /* likewise */
	p->bound = o.id;
	p->rows += o.rows;
	return p->rows < p->size;
}

/* Of a tree that is too large for a transaction: some of its migrations; when it has none any more, some of its actions. */
static bool plan_piece(struct store *s, struct batch *b, GError **err)
{
	struct piece migs = { .size = b->pace->rows }, actions = { .size = b->pace->rows };

	if (!store_each(s, Q_ARCHIVE_MIGS, STORE_ARGS(SV_S(b->first)), take_own, &migs, err) ||
	    (migs.rows == 0 && !store_each(s, Q_ARCHIVE_ACTIONS, STORE_ARGS(SV_S(b->first)), take_own, &actions, err)))
		return false;
	b->piece = migs.rows + actions.rows > 0;
	b->servers = 1;
	if (b->piece) {
		b->bound[BOUND_MIGS] = migs.bound;
		b->bound[BOUND_ACTIONS] = actions.bound;
	}
	return true;
}

/* Read without a lock: what has changed when it is moved is no harm. */
static bool plan(struct store *s, int64_t before_us, struct batch *b, GError **err)
{
	if (!store_each(s, Q_ARCHIVE_NEXT, STORE_ARGS(SV_I(before_us), SV_I(MIN(b->limit, b->trees))), take_server, b, err))
		return false;
	if (b->rows > archive_batch_rows || (b->rows > b->pace->rows && b->rows <= b->limit))
		return plan_piece(s, b, err);
	if (b->rows > b->limit && !b->any)
		b->servers = 0;
	return true;
}

/* ---- one transaction ---- */

static bool move(struct store *s, const struct table *t, const struct batch *b, int64_t *ret_rows, bool *ret_again, GError **err)
{
	struct store_val bound = SV_I(b->bound[t->bound]);
	size_t n = t->bound == BOUND_NONE ? 0 : 1;
	int64_t moved, gone;

	if (!store_run(s, t->move, &bound, n, &moved, err) || !store_run(s, t->drop, &bound, n, &gone, err))
		return false;
	*ret_rows = moved;
	*ret_again = moved != gone;
	if (*ret_again)
		g_set_error(err, ERR, ERR_STORE, "%s: %" G_GINT64_FORMAT " rows were copied, and %" G_GINT64_FORMAT " are there to be taken away", t->name,
			    moved, gone);
	return !*ret_again;
}

/* An upgrade of the schema would have added columns that we know nothing of. */
static bool still_ours(struct store *s, GError **err)
{
	int64_t version;

	if (!store_number(s, Q_SCHEMA_VERSION, STORE_NO_ARGS, &version, err))
		return false;
	if (version != schema_version)
		g_set_error(err, ERR, ERR_STORE, "the database was upgraded meanwhile, to schema version %" G_GINT64_FORMAT, version);
	return version == schema_version;
}

static bool move_all(struct store *s, int64_t before_us, const struct batch *b, struct archive_counts *moved, bool *ret_again, GError **err)
{
	if (!still_ours(s, err) || !store_run(s, Q_ARCHIVE_TAKE, STORE_ARGS(SV_I(before_us), SV_I(b->servers)), NULL, err))
		return false;
	for (size_t t = b->piece ? ARCHIVE_SERVERS + 1 : ARCHIVE_SERVERS; t < ARCHIVE_N; t++)
		if (!move(s, &tables[t], b, &moved->rows[t], ret_again, err))
			return false;
	return store_run(s, Q_ARCHIVE_END, STORE_NO_ARGS, NULL, err);
}

static bool transaction(struct store *s, int64_t before_us, const struct batch *b, struct archive_counts *counts, bool *ret_again, GError **err)
{
	struct archive_counts moved = { .rows = { 0 } };

	*ret_again = false;
	if (!store_begin(s, err))
		return false;
	pace_begin(b->pace);
	if (!move_all(s, before_us, b, &moved, ret_again, err)) {
		store_rollback(s);
		return false;
	}
	if (!store_commit(s, err))
		return false;
	for (size_t t = 0; t < ARCHIVE_N; t++)
		counts->rows[t] += moved.rows[t];
	return true;
}

struct course {
	struct pace pace;
	int64_t trees;   /* batch.trees of the next transaction */
};

static int64_t next_trees(const struct batch *b)
{
	return b->servers >= b->trees ? 2 * b->trees : b->servers + TREES_MORE;
}

/* @any: one tree, however large. @ret_more: there was something to move */
static bool archive_some(struct course *c, int64_t before_us, int64_t limit, bool any, struct archive_counts *counts, bool *ret_more, GError **err)
{
	struct store *s = c->pace.store;

	for (int i = 0;; i++) {
		struct batch b = whole;
		bool ok, again = false;

		b.pace = &c->pace;
		b.trees = c->trees;
		b.limit = limit;
		b.any = any;
		ok = plan(s, before_us, &b, err) && (b.servers == 0 || transaction(s, before_us, &b, counts, &again, err));
		*ret_more = b.servers > 0;
		c->trees = MIN(next_trees(&b), archive_batch_rows);
		g_free(b.first);
		if (ok || !again || i == TRIES - 1)
			return ok;
		g_clear_error(err);
	}
}

bool archive_rows(struct store *s, int64_t before_us, int64_t max_rows, const int *stop, struct archive_counts *counts, GError **err)
{
	int64_t start = archive_total(counts), left;
	struct course c = { .trees = TREES_FIRST };
	bool more = true;

	pace_init(&c.pace, s, archive_batch_rows);
	while (more && (left = start + max_rows - archive_total(counts)) > 0 && !(stop && g_atomic_int_get(stop))) {
		if (!archive_some(&c, before_us, left, archive_total(counts) == start, counts, &more, err))
			return false;
		if (more)
			pace_end(&c.pace);
	}
	return true;
}
