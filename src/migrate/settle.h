/* SPDX-License-Identifier: Apache-2.0
 *
 * settle: after a doubt, ask both hosts, decide, act.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/hv.h"
#include "migrate/probe.h"

struct mig;

struct settle {
	uint64_t probe;              /* counts probes */
	int probes_open;             /* answers that are awaited, and one for the asking itself */
	enum probe_verdict verdict;  /* of the last one */
	int repeats;                 /* the same verdict in a row, for those that want to be sure */
	bool told;                   /* the alarm of a verdict was given */
	enum hv_op act;              /* the act that is under way, or was the last */
	int refusals;                /* FINISH: how often it was refused in a row */
	uint64_t given_up;           /* FINISH: a bit for each op that was refused too often */
};

/** settle() - ask both hosts, decide, act; for COPY, FINISH and UNDO. */
void settle(struct mig *m);
/** settle_moved() - FINISH in memory, after the commit: the guest is at its destination. */
void settle_moved(struct mig *m);
/** settle_left() - the phase has changed: answers under way will be dropped. */
void settle_left(struct settle *s);

#endif
