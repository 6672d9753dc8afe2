/* SPDX-License-Identifier: Apache-2.0
 *
 * command: the commands of drover-manage, a row each.
 */
#ifndef MANAGE_COMMAND_H
#define MANAGE_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include <glib.h>

#include "base/conf.h"

struct command;

/**
 * command_f() - carry one out.
 * @c: its row
 * @argv: from the command's own name on
 *
 * Return: the program's exit status
 */
typedef int command_f(const struct command *c, const struct conf *conf, int argc, char **argv);

struct command {
	const char *group, *name;
	const char *help; /* one line */
	command_f *run;
	bool as_caller; /* what it writes is the caller's, and not the daemon's */
};

#define COMMAND_USAGE 2    /* exit status: it was not understood */
#define COMMAND_BROKEN 255 /* exit status: what was not expected, as nova-manage has it */

/** command_describe() - its options and arguments to a manual page, instead of carrying it out. */
void command_describe(const struct command *c, const struct conf *conf, FILE *out);

/** command_title() - "drover-manage db backup"; one that is a group by itself has the name "". Return: owned */
char *command_title(const struct command *c);

/** command_options() - read the options; what is not known, or is left over and may not be, is told on stderr. @args: NULL: no arguments */
bool command_options(const struct command *c, const GOptionEntry *entries, const char *args, int *argc, char ***argv);

/** command_fail() - tell on stderr. Return: @status */
int command_fail(const struct command *c, const GError *err, int status);

#endif
