/* SPDX-License-Identifier: Apache-2.0
 *
 * carried: what becomes of a file that a carrier takes to another host.
 */
#ifndef SIM_CARRIED_H
#define SIM_CARRIED_H

#include "hv/sim/types.h"

/* What libvirt says against copying a carrier's disk. Return: the words, owned; NULL when there is nothing. */
char *sim_carried_says(const struct sim_disk *k, const struct sim_host *from, const struct sim_host *to);
/* What the source's file had is in the destination's. */
void sim_carried_arrives(const struct sim_disk *k, const struct sim_file *from, struct sim_file *to);

#endif
