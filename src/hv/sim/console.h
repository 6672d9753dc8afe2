/* SPDX-License-Identifier: Apache-2.0
 *
 * console: serial consoles of simulated guests. A guest echoes what it is sent; tests let it write more.
 */
#ifndef SIM_CONSOLE_H
#define SIM_CONSOLE_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

void sim_act_console(struct sim_call *sc);
/* QEMU's end of it is gone, if the event says so. */
void sim_console_event(struct sim_host *h, const struct hv_event *ev);
/* The controller's connection to the host is. */
void sim_console_drop(struct sim_host *h, const char *why);
/** sim_console_write() - the guest writes to its console, wherever it runs; lost where no session has it. */
void sim_console_write(struct sim *w, const char *uuid, const char *text);
/** sim_consoles() - sessions that are open, at hosts. */
guint sim_consoles(const struct sim *w);

#endif
