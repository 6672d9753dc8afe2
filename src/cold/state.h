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
	int64_t press_us;   /* wall clock: a request to shut off is unanswered, or about to be sent, and may get to the guest until then; 0: none is */
	bool goes_back;     /* REVERT: the destination has forgotten it: the rest is its source's */
};

struct cold_answers;

/* All zero: nothing was asked by this process. Each field is written by the module that a comment names, else by settle.c; the others read it. */
struct cold {
	struct move move;           /* first: move_of() */
	const struct cold_answers *answers; /* where answers go; borrowed */
	int awaited;                /* answers that are awaited */
	enum cold_verdict verdict;  /* of the last answers; it outlives them */
	int repeats;                /* the same verdict in a row; carry.c forgets it while a copy runs */
	bool alarmed;               /* the alarm of a verdict was given; fault.c's */
	int64_t pressed_ms;         /* when the guest was last asked to shut off; 0: not by this process; stop.c's */
	int presses;                /* requests to shut off that are not answered: the guest may still get them; stop.c's */
	int64_t press_ms;           /* likewise, until then: one whose answer was lost, or that an earlier process has sent; 0: none; stop.c's */
	int64_t heed_for_ms;        /* how long a guest may take to heed one; stop.c's */
	int64_t heed_ms;            /* the guest may heed the last request until then; 0: none was answered; stop.c's */
	enum hv_op act;             /* the act whose answer is awaited; act.c's */
	int refusals;               /* how often an act was refused in a row; act.c's, and none in a new stage */
	bool busy;                  /* a part waits for a host: nothing else is begun; prepare.c's, and not so in a new stage */
	bool streamed;              /* all that was to be carried has come without a carrier; carry.c's */
	bool compared;              /* what has arrived is what was carried; carry.c's, until both hosts are asked again */
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

/** cold_was_pressed() - the guest was asked to shut off, by this process or an earlier one. */
static inline bool cold_was_pressed(const struct mig *m)
{
	return cold_own(m)->stop_by_us != 0;
}

#endif
