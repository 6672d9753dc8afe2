/* SPDX-License-Identifier: Apache-2.0
 *
 * act_job: the calls that begin, watch and steer a migration, with the refusals of libvirt.
 */
#ifndef SIM_ACT_JOB_H
#define SIM_ACT_JOB_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* HV_MIGRATE. */
void sim_act_migrate(struct sim_call *sc);
/* HV_JOB_*, HV_POSTCOPY, HV_POSTCOPY_PAUSE. */
void sim_act_job(struct sim_call *sc);

#endif
