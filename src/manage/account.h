/* SPDX-License-Identifier: Apache-2.0
 *
 * account: drover-manage user, project and role: for when no administrator can log in. droverd, which keeps them in memory, must be stopped.
 */
#ifndef MANAGE_ACCOUNT_H
#define MANAGE_ACCOUNT_H

#include "manage/command.h"

/** account_commands - NULL-terminated by its name. */
extern const struct command account_commands[];

#endif
