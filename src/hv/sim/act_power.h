/* SPDX-License-Identifier: Apache-2.0
 *
 * act_power: answer calls that start and stop guests.
 */
#ifndef SIM_ACT_POWER_H
#define SIM_ACT_POWER_H

#include "hv/sim/front.h"

void sim_act_power(struct sim_call *sc);

#endif
