/* SPDX-License-Identifier: Apache-2.0
 *
 * access: what a user may do by what it got some time ago, and holds without a token: a console.
 */
#ifndef IDENTITY_ACCESS_H
#define IDENTITY_ACCESS_H

#include <stdint.h>

#include "identity/auth.h"

struct identity;

/** identity_stamp() - the wall time, for what identity_role_since() is asked of later: also where the clock was set back, it is later than what ended a token before. */
int64_t identity_stamp(struct identity *id);
/**
 * identity_role_since() - of something that a user of a project got at a time, such as a console: the highest role that it has by it now.
 * @app_id: the application credential that the user came by; NULL: none
 *
 * Return: ROLE_N: what would have ended a token of then has ended it, too.
 */
enum role identity_role_since(const struct identity *id, const char *user_id, const char *project_id, const char *app_id, int64_t since_us);

#endif
