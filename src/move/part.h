/* SPDX-License-Identifier: Apache-2.0
 *
 * part: one part of what is done for a guest before it goes, and what it says is to be done next.
 *
 * A part looks at what is known and returns. Where it has to ask a host first, its answer
 * function returns the same; the function that was handed to the part acts on that.
 */
#ifndef PART_H
#define PART_H

#include "fleet/fleet.h"
#include "task/record.h"
#include "task/volume.h"

enum part_next {
	PART_READY,            /* this part is done. Of an answer: go on with the first part again, with what is known of the hosts */
	PART_WAITS,            /* a host was asked */
	PART_AGAIN,            /* ask both hosts for the guest again, now */
	PART_LATER,            /* the same in a moment: a host or the database cannot be asked, or something is under way */
	PART_NEXT_DESTINATION, /* nothing of the guest is at this one */
	PART_FAILED,
	PART_NEXT_N
};

struct part {
	enum part_next next;
	char *why; /* owned; of the last two */
};

/* Acts on what an answer has come to. Takes @p's text. */
typedef void part_done_f(struct mig *m, struct part p);
/* A host's answer. @done: for further questions */
typedef struct part part_answer_f(struct mig *m, struct hv_reply *r, part_done_f *done);

/** part_is() - without a reason. */
struct part part_is(enum part_next next);
/** part_because() - @why: copied. */
struct part part_because(enum part_next next, const char *why);

/**
 * part_ask() - ask a host for @m; the answer is dropped if @m has moved on meanwhile.
 * @h: may be NULL, a host that is gone
 * @req: uuid NULL: the guest's
 * @v: the file that it is about: not removed meanwhile; NULL
 *
 * Return: WAITS; LATER if the host is not connected.
 */
struct part part_ask(struct mig *m, struct host *h, struct hv_req *req, struct volume *v, part_answer_f *answer, part_done_f *done);

#endif
