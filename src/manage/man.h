/* SPDX-License-Identifier: Apache-2.0
 *
 * man: the manual page of drover-manage, drover-manage(8), as scdoc's source: from the tables of commands and their options.
 */
#ifndef MANAGE_MAN_H
#define MANAGE_MAN_H

#include <stddef.h>
#include <stdio.h>

#include "manage/command.h"

/** man_print() - write the page. @groups: tables of commands, each ended by one without a name; @n of them */
void man_print(FILE *out, const struct command *const *groups, size_t n);

#endif
