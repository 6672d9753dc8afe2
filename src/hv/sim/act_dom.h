/* SPDX-License-Identifier: Apache-2.0
 *
 * act_dom: the calls on a domain.
 */
#ifndef SIM_ACT_DOM_H
#define SIM_ACT_DOM_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* Carry out the ops on one domain, and HV_DOM_LIST. */
void sim_act_dom(struct sim_call *sc);

#endif
