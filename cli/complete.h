/* SPDX-License-Identifier: Apache-2.0
 *
 * complete: the words that a shell offers.
 *
 * The shells' scripts are thin: they hand the words over and show what comes
 * back. Commands, options and columns come from the commands' tables; names of
 * servers, hosts, plans and migrations from the server, kept for five seconds.
 * A shell is not kept waiting: after 200 ms the program ends with what it has.
 */
#ifndef COMPLETE_H
#define COMPLETE_H

#include "cli.h"

#define COMPLETE_WORD "__complete"

/**
 * complete_run() - print what may stand where the last word is begun, "WORD<tab>MEANING" a line.
 * @argv: the words of the line behind "drover"; the last one is the one that is completed, maybe empty
 */
void complete_run(struct cli *c, int argc, char **argv);

extern const struct command_table completion_commands;

#endif
