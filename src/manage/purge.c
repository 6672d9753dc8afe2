/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/purge.h"

#include <assert.h>

#include "manage/pace.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/store.h"

#define BATCH_ROWS 1000 /* of a transaction, if no daemon has the database */
#define PAGES_MAX 64    /* likewise, of the file */

static const struct {
	enum query at, drop;
} tables[] = {
	[ARCHIVE_SERVERS] = { Q_PURGE_SERVERS_AT, Q_PURGE_SERVERS },
	[ARCHIVE_MIG_EVENTS] = { Q_PURGE_MIG_EVENTS_AT, Q_PURGE_MIG_EVENTS },
	[ARCHIVE_MIGS] = { Q_PURGE_MIGS_AT, Q_PURGE_MIGS },
	[ARCHIVE_ACTION_EVENTS] = { Q_PURGE_ACTION_EVENTS_AT, Q_PURGE_ACTION_EVENTS },
	[ARCHIVE_ACTIONS] = { Q_PURGE_ACTIONS_AT, Q_PURGE_ACTIONS },
};
static_assert(G_N_ELEMENTS(tables) == ARCHIVE_N, "tables[] is missing one");

/* The last row of a transaction, in the order of the table's key. */
struct place {
	int64_t deleted_us, id;
};

#define PLACE_FIELD(n, col, type, f) ROW_FIELD_##type(place, col, f),
static const struct row_field place_fields[] = { PURGE_PLACE_ROW(PLACE_FIELD, PLACE_FIELD) };

static bool take_place(const struct store_row *row, void *user)
{
	(void)row_read(row, place_fields, G_N_ELEMENTS(place_fields), user); /* it has no words */
	return false;
}

static bool stopped(const int *stop)
{
	return stop && g_atomic_int_get(stop);
}

static bool transaction(struct pace *pace, enum archive_table t, int64_t before_us, const struct place *to, int64_t *ret_gone, GError **err)
{
	struct store *s = pace->store;

	if (!store_begin(s, err))
		return false;
	pace_begin(pace);
	if (store_run(s, tables[t].drop, STORE_ARGS(SV_I(before_us), SV_I(to->deleted_us), SV_I(to->id)), ret_gone, err))
		return store_commit(s, err);
	store_rollback(s);
	return false;
}

static bool purge_table(struct store *s, enum archive_table t, int64_t before_us, const int *stop, int64_t *rows, GError **err)
{
	struct pace pace;
	int64_t gone = 1;

	pace_init(&pace, s, BATCH_ROWS);
	while (gone > 0 && !stopped(stop)) {
		struct place to = { G_MAXINT64, G_MAXINT64 };

		if (!store_each(s, tables[t].at, STORE_ARGS(SV_I(before_us), SV_I(pace.rows - 1)), take_place, &to, err) ||
		    !transaction(&pace, t, before_us, &to, &gone, err))
			return false;
		*rows += gone;
		if (gone > 0)
			pace_end(&pace);
	}
	return true;
}

static bool shrink(struct store *s, const int *stop, GError **err)
{
	struct pace pace;
	bool more = true;

	pace_init(&pace, s, PAGES_MAX);
	while (more && !stopped(stop)) {
		pace_begin(&pace);
		if (!store_shrink(s, pace.rows, &more, err))
			return false;
		if (more)
			pace_end(&pace);
	}
	return true;
}

bool purge_rows(struct store *s, int64_t before_us, const int *stop, struct archive_counts *counts, GError **err)
{
	for (size_t t = 0; t < ARCHIVE_N; t++)
		if (!purge_table(s, (enum archive_table)t, before_us, stop, &counts->rows[t], err))
			return false;
	return archive_total(counts) == 0 || shrink(s, stop, err);
}
