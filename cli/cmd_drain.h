/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_drain: "drover host drain" and "undrain", "drover plan bulk" and "drover rebalance": plans that the command line describes.
 */
#ifndef CMD_DRAIN_H
#define CMD_DRAIN_H

#include "cli.h"

#define DRAIN_HOSTS_MAX 1000
#define DRAIN_MORE \
	"All hosts are disabled before the first server leaves, and stay disabled. The plan is shown first, and goes on\n" \
	"without this program; Ctrl-C only ends the wait.\n"
#define UNDRAIN_MORE "The hosts are enabled; with --bring-back the servers that the last drain took away come back.\n"

#define BULK_SERVERS_MAX 1000
#define BULK_MORE "Each server goes where it fits best, or all of them to --to. The plan is shown first, and goes on without this program.\n"

extern const struct opt drain_opts[8], undrain_opts[6], bulk_opts[8];

command_f drain_run, drain_run_undo, drain_run_bulk;

#endif
