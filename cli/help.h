/* SPDX-License-Identifier: Apache-2.0
 *
 * help: the help texts, and the commands by their names; both from the commands' rows.
 */
#ifndef HELP_H
#define HELP_H

#include <stdio.h>

#include "cli.h"

/** help_print() - the help of everything, of a group, or of a command; both may be NULL. */
void help_print(FILE *out, const struct command_table *t, const struct command *cmd);

/** help_table() - a group's table by its name. Return: NULL with CLI_USAGE and a suggestion. */
const struct command_table *help_table(const char *group, GError **err);

/** help_command() - a command of a group by its name. Return: NULL with CLI_USAGE and a suggestion. */
const struct command *help_command(const struct command_table *t, const char *name, GError **err);

/** help_missing() - CLI_USAGE for a line that ends before its command; names the group's commands, or with NULL the groups. */
void help_missing(const struct command_table *t, GError **err);

#endif
