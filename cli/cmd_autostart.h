/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_autostart: "drover server autostart"; a part of the table of cmd_server.c.
 */
#ifndef CMD_AUTOSTART_H
#define CMD_AUTOSTART_H

#include "cli.h"

command_f autostart_run;

extern const struct col autostart_cols[4];

#define AUTOSTART_MORE "Where Drover starts the guests of a host that boots (hosts with a fence agent), on and off change the wish;\n" \
	"elsewhere it is libvirt's: virsh autostart.\n"

#endif
