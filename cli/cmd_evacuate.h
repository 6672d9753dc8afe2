/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_evacuate: "drover host evacuate"; a part of the table of cmd_host.c.
 */
#ifndef CMD_EVACUATE_H
#define CMD_EVACUATE_H

#include "cli.h"

command_f evacuate_run;

extern const struct opt evacuate_opts[2];
extern const struct col evacuate_cols[5];

#define EVACUATE_MORE "The host must be down, and fenced or forced down. Servers with the highest drover.priority go first.\nExits with 1 if a server was refused.\n"

#endif
