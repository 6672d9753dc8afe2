/* SPDX-License-Identifier: Apache-2.0
 *
 * got: the answer to a call to the seam, kept for a test to look at.
 */
#ifndef GOT_H
#define GOT_H

#include <stdbool.h>

#include "hv/hv.h"

/* Begin with .code -1. */
struct got {
	bool answered;
	int code;          /* -1: no error */
	char *text;        /* the error's, or "" */
	struct hv_reply r; /* all of the reply but the error */
};

/** got_clear() - forget the answer. */
void got_clear(struct got *g);
/** got_ask() - forget the last answer and call. */
void got_ask(struct got *g, struct hv_host *h, const struct hv_req *req);
/** got_wait() - let time pass until it is answered, as long as need be. */
void got_wait(struct got *g);

#endif
