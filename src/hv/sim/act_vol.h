/* SPDX-License-Identifier: Apache-2.0
 *
 * act_vol: the calls on volumes and block devices.
 */
#ifndef SIM_ACT_VOL_H
#define SIM_ACT_VOL_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* Something is being made in the pool of the call's host: then it has its answer, which says so. */
bool sim_pool_is_busy(struct sim_call *sc);
/* HV_VOL_GET, _CREATE, _DELETE. */
void sim_act_vol(struct sim_call *sc);
/* HV_VOL_COPY. */
void sim_act_copy(struct sim_call *sc);
/* HV_VOL_FIND. */
void sim_act_find(struct sim_call *sc);
/* HV_DEVICE_GET. */
void sim_act_device(struct sim_call *sc);

#endif
