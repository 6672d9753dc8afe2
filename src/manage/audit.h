/* SPDX-License-Identifier: Apache-2.0
 *
 * audit: drover-manage audit: the database against what is on the hosts, and against itself.
 *
 * It goes on beside a daemon, and writes nothing. --fix takes away rows that belong to nothing, which no daemon holds; what else differs
 * is droverd's to follow, or a person's to decide (audit_rules.h).
 */
#ifndef MANAGE_AUDIT_H
#define MANAGE_AUDIT_H

#include "manage/command.h"

/** audit_commands - NULL-terminated by its name. */
extern const struct command audit_commands[];

#endif
