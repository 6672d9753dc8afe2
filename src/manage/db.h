/* SPDX-License-Identifier: Apache-2.0
 *
 * db: drover-manage db ..., with the options, messages and exit statuses of nova-manage.
 */
#ifndef MANAGE_DB_H
#define MANAGE_DB_H

#include "manage/command.h"

/** db_commands - NULL-terminated by its name. */
extern const struct command db_commands[];

#endif
