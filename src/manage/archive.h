/* SPDX-License-Identifier: Apache-2.0
 *
 * archive: rows of servers that were deleted go to tables of their own.
 *
 * Theory of operation
 * -------------------
 * A server that was deleted keeps its row, with deleted_at, and all that belongs to it: its instance actions, its migrations, and the
 * events of both. So they are deleted with it, and nothing of them is written for that. Archiving moves such a tree to the tables
 * shadow_NAME, where each row has its server's deleted_at.
 *
 * A transaction moves whole trees, of some hundred rows in all, the oldest deletion first; one tree that is larger goes in pieces, its server
 * last. Beside a daemon it moves less (pace.h). A row is moved and taken away in the same transaction, so that it is in one table, however the program ends.
 *
 * A daemon works on the same database meanwhile, and holds none of these rows, but it may bring a server back whose guest is there
 * again. Then its row is no longer one of a deleted server: a transaction that has seen it as one finds fewer rows to
 * take away than it has copied, is rolled back, and begins again.
 */
#ifndef MANAGE_ARCHIVE_H
#define MANAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct store;

enum archive_table { ARCHIVE_SERVERS, ARCHIVE_MIG_EVENTS, ARCHIVE_MIGS, ARCHIVE_ACTION_EVENTS, ARCHIVE_ACTIONS, ARCHIVE_N };

/** archive_table_name() - of the table in the database. */
const char *archive_table_name(enum archive_table t);

struct archive_counts {
	int64_t rows[ARCHIVE_N];
};

/** archive_total() - of all tables. */
int64_t archive_total(const struct archive_counts *c);

/** ARCHIVE_ANY - for before_us: whenever it was deleted. */
#define ARCHIVE_ANY G_MAXINT64

/**
 * archive_rows() - move rows, in small transactions; beside a daemon in smaller ones, and with time between them.
 * @before_us: of servers that were deleted before
 * @max_rows: no more than this, but at least one server with what belongs to it, or a piece of a tree that is larger than a transaction
 * @stop: becomes true when it is to end early, between two transactions; atomic, may be NULL
 * @counts: what was moved is added, also when it fails later
 *
 * Blocks. Return: false with ERR_STORE or ERR_UNAVAILABLE; what was committed by then stays moved.
 */
bool archive_rows(struct store *s, int64_t before_us, int64_t max_rows, const int *stop, struct archive_counts *counts, GError **err);

/** archive_batch_rows - about so many in one transaction, if no daemon has the database. Tests change it. */
extern int64_t archive_batch_rows;

#endif
