/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: one part of what is done for a guest before it goes, and what it says is to be done next.
 *
 * A part looks at what is known and returns. Where it has to ask a host first, its answer
 * function returns the same; the function that was handed to the part acts on that.
 */
#ifndef PREPARE_H
#define PREPARE_H

#include "fleet/fleet.h"
#include "task/record.h"
#include "task/volume.h"

enum prepare_next {
	PREPARE_READY,            /* this part is done. Of an answer: go on with the first part again, with what is known of the hosts */
	PREPARE_WAITS,            /* a host was asked */
	PREPARE_AGAIN,            /* ask both hosts for the guest again, now */
	PREPARE_LATER,            /* the same in a moment: a host or the database cannot be asked, or something is under way */
	PREPARE_NEXT_DESTINATION, /* nothing of the guest is at this one */
	PREPARE_FAILED,
	PREPARE_NEXT_N
};

struct prepared {
	enum prepare_next next;
	char *why; /* owned; of the last two */
};

/* Acts on what an answer has come to. Takes @p's text. */
typedef void prepare_done_f(struct mig *m, struct prepared p);
/* A host's answer. @done: for further questions */
typedef struct prepared prepare_answer_f(struct mig *m, struct hv_reply *r, prepare_done_f *done);

/** prepare_is() - without a reason. */
struct prepared prepare_is(enum prepare_next next);
/** prepare_because() - @why: copied. */
struct prepared prepare_because(enum prepare_next next, const char *why);

/**
 * prepare_ask() - ask a host for @m; the answer is dropped if @m has moved on meanwhile.
 * @h: may be NULL, a host that is gone
 * @v: the file that it is about: not removed meanwhile; NULL
 *
 * Return: WAITS; LATER if the host is not connected.
 */
struct prepared prepare_ask(struct mig *m, struct host *h, struct hv_req *req, struct volume *v, prepare_answer_f *answer, prepare_done_f *done);

#endif
