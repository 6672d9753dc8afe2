/* SPDX-License-Identifier: Apache-2.0
 *
 * api_call: a request to the API of a run's controller, and its answer. In place of an identity there are two tokens: "admin", and any other one,
 * which has the role member.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/http/incoming.h"
#include "scn.h"

#define API_CALL_MS 60000 /* on the run's clock: an answer takes no longer */

struct api_answer {
	int status;   /* 0: none yet */
	char *body;   /* owned */
};

/** api_ask() - begin a request; @ret is filled now or in a later turn of the loop. The rest as of api_call(). */
void api_ask(struct api *api, const char *token, const char *method, const char *target, const char *body, struct api_answer *ret);
/** api_wait() - let time pass until it is answered. */
void api_wait(struct run *r, struct api_answer *a);

/**
 * api_call() - ask, and let time pass until the answer is there.
 * @target: a path, perhaps with '?' and a query
 * @body: NULL: none
 * @status: that the answer must have
 * @text: that must be in it; NULL: whatever it says
 *
 * Return: the body, owned.
 */
char *api_call(struct run *r, struct api *api, const char *token, const char *method, const char *target, const char *body, int status, const char *text);

#endif
