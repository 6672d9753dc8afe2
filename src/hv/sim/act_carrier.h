/* SPDX-License-Identifier: Apache-2.0
 *
 * act_carrier: HV_CARRIER_*.
 */
#ifndef SIM_ACT_CARRIER_H
#define SIM_ACT_CARRIER_H

#include "hv/sim/front.h"

void sim_act_carrier(struct sim_call *sc);

#endif
