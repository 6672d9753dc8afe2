/* SPDX-License-Identifier: Apache-2.0
 *
 * next: what a step of an evacuation says is to be done next. settle.c does it.
 */
#ifndef EVAC_NEXT_H
#define EVAC_NEXT_H

#include "task/step.h"

enum evac_next {
	EVAC_N_NOTHING, /* an answer, an event or a timer is awaited, or the stage is another one, which was entered */
	EVAC_N_ASK,     /* ask the hosts for the guest */
	EVAC_N_AGAIN,   /* nothing can be done: ask again later, and later each time */
	EVAC_N_N
};

struct evac_seen;

/* Get the answers. Handed down by settle.c: what comes of an answer is its to do. */
struct evac_answers {
	step_answer_f *act;                        /* of an act at a host: evac_acted() */
	void (*look)(struct mig *m, const struct evac_seen *seen); /* of the look for the old host: evac_looked() */
};

#endif
