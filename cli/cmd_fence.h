/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_fence: "drover host fence", "unfence" and "power"; a part of the table of cmd_host.c.
 */
#ifndef CMD_FENCE_H
#define CMD_FENCE_H

#include "cli.h"

command_f fence_run, fence_run_undo, fence_run_power;

extern const struct opt fence_opts[3], fence_undo_opts[1];
extern const struct col fence_power_cols[3];

#define FENCE_MORE "Asks the host's fence agent to switch it off, and shows that it is off. Ctrl-C then stops waiting;\nthe agent goes on.\n"

#endif
