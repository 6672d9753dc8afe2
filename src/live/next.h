/* SPDX-License-Identifier: Apache-2.0
 *
 * next: what a step of the running copy says is to be done next. flow.c does it.
 */
#ifndef NEXT_H
#define NEXT_H

#include "hv/hv.h"

struct mig;

enum live_next {
	LIVE_WAIT,     /* nothing: an answer, an event or a timer is awaited, or the migration has ended */
	LIVE_WATCH,    /* ask the source for its job in a moment */
	LIVE_POLL,     /* now */
	LIVE_SETTLE,   /* ask both hosts for the domain */
	LIVE_JUDGE,    /* what both hosts said last, in the phase that the row is in now */
	LIVE_AGAIN,    /* nothing can be done: ask both hosts again later, and later each time */
	LIVE_ACT,      /* do at a host what the last verdict asks for */
	LIVE_RECOVER,  /* look after a post-copy in which nothing moves */
	LIVE_CALL,     /* COPY: make libvirt's call to migrate */
	LIVE_DOWNTIME, /* it is over: ask how long the guest stood still, and end */
	LIVE_ENTER,    /* the phase is another one, whose work begins elsewhere */
	LIVE_NEXT_N
};

/* Gets a host's answer. Handed down by flow.c: what comes of an answer is its to do. */
typedef void live_answer_f(struct mig *m, struct hv_reply *r);

#endif
