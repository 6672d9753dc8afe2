/* SPDX-License-Identifier: Apache-2.0
 *
 * pace: how much a transaction of ours does beside a daemon, and how long it rests then.
 *
 * SQLite has one writer at a time, so a request that comes while our transaction is open waits for its end. Alone, a transaction takes as many rows as are
 * cheapest. Beside a daemon it takes as many as PACE_HOLD_US are enough for, as the last ones took, and lets the daemon have the database for
 * PACE_REST times as long: so few requests wait at all, and none for long. PostgreSQL's writers do not wait for each other, so there it rests as
 * long as it worked, for the disk's sake.
 */
#ifndef MANAGE_PACE_H
#define MANAGE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define PACE_HOLD_US 1000
#define PACE_REST 2
#define PACE_ROWS_MIN 20

struct pace {
	struct store *store;
	int64_t rows_max;
	int64_t rows;     /* for the next transaction */
	int64_t began_us; /* of the one that is open */
};

/** pace_init() - @s: from store_open_beside(), borrowed. @rows_max: of a transaction when no daemon has the database. */
void pace_init(struct pace *p, struct store *s, int64_t rows_max);
/** pace_begin() - we have the database from now on. */
void pace_begin(struct pace *p);
/** pace_end() - it is the daemon's again, if there is one: rest. */
void pace_end(struct pace *p);
/** pace_next() - so many rows are right for the next transaction, where the last one had so many to do and took so long. Pure. */
int64_t pace_next(int64_t rows, int64_t rows_max, int64_t held_us);

#endif
