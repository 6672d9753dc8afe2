/* SPDX-License-Identifier: Apache-2.0
 *
 * state: what is known of a cold migration by this process alone, and what its row has beside the record.
 */
#ifndef COLD_STATE_H
#define COLD_STATE_H

#include "cold/phase.h"
#include "cold/probe.h"
#include "move/move.h"

/* mig.own */
struct cold_own {
	int64_t stop_by_us; /* wall clock: the guest was asked to shut off, and is stopped hard then; 0: it was not asked */
};

/* All zero: nothing was asked by this process. settle.c's, but for .move. */
struct cold {
	struct move move;           /* first: move_of() */
	int awaited;                /* answers that are awaited */
	enum cold_verdict verdict;  /* of the last answers; it outlives them */
	int repeats;                /* the same verdict in a row */
	bool alarmed;               /* the alarm of a verdict was given */
	int64_t pressed_ms;         /* when the guest was last asked to shut off; 0: not by this process */
	int presses;                /* requests to shut off that are not answered: the guest may still get them */
	enum hv_op act;             /* the act whose answer is awaited */
	int refusals;               /* how often an act was refused in a row */
	bool busy;                  /* a part waits for a host: nothing else is begun */
	bool streamed;              /* all that was to be carried has come without a carrier */
	bool compared;              /* what has arrived is what was carried */
};

/** cold_of() - of a cold migration that is under way. Borrowed. */
static inline struct cold *cold_of(const struct mig *m)
{
	return m->priv;
}

/** cold_own() - borrowed. */
static inline struct cold_own *cold_own(const struct mig *m)
{
	return m->own;
}

#endif
