/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_power: "drover server start", "stop" and what else is one request for a server and its answer; a part of the table of cmd_server.c.
 */
#ifndef CMD_POWER_H
#define CMD_POWER_H

#include "cli.h"

/* "server start", ...: the command's name says which. _now: what is done when it is answered, as "server lock". */
command_f power_run, power_run_now;

extern const struct opt power_opts[1], power_reboot_opts[2], power_evacuate_opts[1], power_lock_opts[1];

#define POWER_MORE "With --wait, shows what the server is doing until it has ended. Ctrl-C then stops waiting;\nthe server goes on.\n"

#endif
