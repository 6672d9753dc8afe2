/* SPDX-License-Identifier: Apache-2.0
 *
 * act_host: HV_HOST_GET, and HV_LOOKUP: hosts have every network, secret and machine type that a guest
 * can need, but for those that sim_host_lacks() names.
 */
#ifndef SIM_ACT_HOST_H
#define SIM_ACT_HOST_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

void sim_act_host_get(struct sim_call *sc);
/* HV_LOOKUP. */
void sim_act_lookup(struct sim_call *sc);

#endif
