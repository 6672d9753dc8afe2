/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_check: "drover host check"; a part of the table of cmd_host.c.
 */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "cli.h"

#define CHECK_HOSTS_MAX 1000

command_f check_run;

extern const struct opt check_opts[3];
extern const struct col check_cols[8];

#define CHECK_MORE \
	"Looks at what migrations between hosts need: connections, names, certificates, storage, users,\n" \
	"CPUs, versions, clocks and more. Each finding says what it breaks, what to change, and where.\n" \
	"What libvirt does not tell is listed as not checked. Without hosts, all are checked.\n" \
	"--deep also sends an empty guest of 16 MiB live from each host to each other.\n" \
	"Exit status: 0 nothing was found, 1 something was, 2 the check did not run.\n"

#endif
