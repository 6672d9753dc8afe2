/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_console: "drover server console": a server's serial console in this terminal, or the address of its screen.
 */
#ifndef CMD_CONSOLE_H
#define CMD_CONSOLE_H

#include "cli.h"

extern const struct opt console_opts[2];

#define CONSOLE_MORE \
	"The server's serial console is attached to this terminal, until Ctrl-] is typed. It stays through live migrations and reboots of the server; when\n" \
	"the connection is lost, it is made again. --vnc prints the address of the server's screen instead, for a browser; --open opens it."

command_f console_run;

#endif
