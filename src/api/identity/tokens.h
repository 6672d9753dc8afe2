/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens: logins, for all that hand out tokens.
 */
#ifndef API_TOKENS_H
#define API_TOKENS_H

#include "api/identity/body.h"

/** tokens_by_password() - answer with a token for a user and password, as @a->reply does it, or refuse. What is in @a is taken. */
void tokens_by_password(struct api_req *r, struct auth_request *a);

#endif
