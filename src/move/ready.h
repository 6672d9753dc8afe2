/* SPDX-License-Identifier: Apache-2.0
 *
 * ready: what a guest needs at its destination is made there, one thing after the other.
 *
 * Theory of operation
 * -------------------
 * The guest's description and what must be copied are known from the search; after
 * a restart they are read again. Then both hosts are asked for the guest, and the parts look at the answers in turn: may it go at all, the
 * definitions, its place, its files, its XML. A part that has to ask a host says what the answer has come to (part.h). Nothing is
 * remembered of how far it has come: each part finds out what is there. So a restart, and a reply that was lost, begin at the first part.
 */
#ifndef READY_H
#define READY_H

#include "hv/half.h"
#include "task/record.h"

#define READY_FROM(half) (1u << HV_HALF_##half)

/* How a kind goes. */
struct ready_way {
	unsigned from;                 /* READY_FROM() of what the guest may be at its source */
	void (*done)(struct mig *m);   /* all is there, and both hosts' answers are of now */
};

/**
 * ready_make() - begin, or go on with what is known.
 * @way: borrowed, of static storage
 *
 * Ends with its done(), with the next destination (search.h), or with the task's failure.
 */
void ready_make(struct mig *m, const struct ready_way *way);
/** ready_again() - in memory, after a commit that began again: files may be partial. */
void ready_again(struct mig *m);

#endif
