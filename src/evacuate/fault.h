/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: verdicts after which an evacuation cannot go on by itself. No guest is touched.
 */
#ifndef EVAC_FAULT_H
#define EVAC_FAULT_H

#include "evacuate/next.h"
#include "evacuate/state.h"

/** evac_split() - it lives on both: an alarm, and its old host is fenced again, where that has an agent and [ha] returning says so. */
enum evac_next evac_split(struct mig *m);
/** evac_cut_off() - its old host is back, was never off, and runs it on: the same. */
enum evac_next evac_cut_off(struct mig *m);
/** evac_dest_lives() - @h, a destination that was given up as dead, runs it, and the host that has it now does, too: the same, once. */
void evac_dest_lives(const struct mig *m, struct host *h);
/** evac_last_copy() - what its old host has may be the last of the guest: an alarm. */
enum evac_next evac_last_copy(struct mig *m);

#endif
