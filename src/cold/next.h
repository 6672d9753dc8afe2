/* SPDX-License-Identifier: Apache-2.0
 *
 * next: what a step of a cold migration says is to be done next. settle.c does it.
 */
#ifndef COLD_NEXT_H
#define COLD_NEXT_H

#include "move/part.h"
#include "task/step.h"

enum cold_next {
	COLD_N_NOTHING, /* an answer, an event or a timer is awaited, or the stage is another one, which was entered */
	COLD_N_ASK,     /* ask both hosts for the guest */
	COLD_N_JUDGE,   /* what both hosts said last, in the stage that the row is in now */
	COLD_N_AGAIN,   /* nothing can be done: ask both hosts again later, and later each time */
	COLD_N_N
};

/* Get the answers. Handed down by settle.c: what comes of an answer is its to do. */
struct cold_answers {
	step_answer_f *act;    /* of an act at a host: cold_acted() */
	part_done_f *prepare;  /* of what is made ready, and of the carrier's parts but for two: cold_prepared() */
	part_done_f *stream;   /* of sending: cold_streamed() */
	part_done_f *compare;  /* of comparing: cold_compared() */
};

#endif
