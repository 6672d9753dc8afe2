/* SPDX-License-Identifier: Apache-2.0
 *
 * handler: a request and its answer, as the handlers see them; it has no more than the three headers.
 *
 *	http -> route (table, token, policy, microversion) -> handler -> api_reply_*()
 *
 * A handler gets a request whose token, policy and microversion were checked,
 * and answers it exactly once, now or later (a password is verified on a worker;
 * a migration's prechecks ask hosts). The request lives until it was answered;
 * if its client has gone, the answer is dropped silently.
 *
 * Everything here belongs to the loop thread.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/http/types.h"

#endif
