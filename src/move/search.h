/* SPDX-License-Identifier: Apache-2.0
 *
 * search: the search for a destination, by the table of checks of the move's kind.
 *
 * CHECK finds out whether there is one; SCHEDULE takes the best that fits. The
 * stages are the kind's (task_kind: queued, choosing, chosen).
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "move/check.h"

/** search_check() - may it go at all? Enters the first stage of the common way. */
void search_check(struct mig *m);
/** search_schedule() - find the best host that fits, claim it and go on with it. Enters the stage in which a destination is chosen. */
void search_schedule(struct mig *m);

/**
 * search_copies() - what has to be copied to the chosen destination: the search knew it, but for a restart.
 * @done: as of check_begin(); the run is move.precheck, which it sets to NULL
 */
void search_copies(struct mig *m, check_done_f *done);

/**
 * search_next_destination() - give the chosen destination up and look for the next one.
 * @why: what was wrong with it; it is not asked again for this migration
 *
 * Only for a guest that lives at its source alone, and a destination that has nothing of it.
 * Return: false, with nothing changed, if the destination was requested, none other fits, or
 * migrate_max_retries is reached.
 */
bool search_next_destination(struct mig *m, const char *why);
/** search_destination_failed() - likewise; without another one the migration has failed. */
void search_destination_failed(struct mig *m, const char *why);
/** search_destination_left() - in memory, after the commit: the row names no destination any more. */
void search_destination_left(struct mig *m);

#endif
