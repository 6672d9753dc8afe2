/* SPDX-License-Identifier: Apache-2.0
 *
 * ask: many questions to many hosts, one at a time to each, and not to too many at once.
 */
#ifndef ASK_H
#define ASK_H

#include "fleet/fleet.h"

/* One question: what it is about is its maker's to say. */
struct ask {
	guint host;      /* its place, and whose turn it takes */
	guint what, k;
};

struct ask_calls {
	const char *(*host)(guint host, void *user);                              /* its name */
	void (*make)(const struct ask *a, struct hv_req *req, void *user);        /* what is asked; texts live until the answer */
	void (*asking)(const struct ask *a, void *user);                          /* now; NULL */
	void (*answer)(const struct ask *a, struct hv_reply *reply, void *user);  /* a host that cannot be asked: reply.err, ERR_HV_LOST */
	void (*end)(void *user);                                                  /* all are answered; once, never from inside asks_start(). May free it */
};

struct asks;

/** asks_new() - @f: borrowed; @calls: of static lifetime; @open: how many at once */
struct asks *asks_new(struct fleet *f, const struct ask_calls *calls, guint open, void *user);
/** asks_free() - no answer is owed. NULL is fine. */
void asks_free(struct asks *set);
/** asks_add() - one more. */
void asks_add(struct asks *set, const struct ask *a);
/** asks_start() - begin. */
void asks_start(struct asks *set);
/** asks_stop() - what has not begun is dropped, and answers are not told. Return: an answer is owed, and calls.end is called when all have come. */
bool asks_stop(struct asks *set);

#endif
