/* SPDX-License-Identifier: Apache-2.0
 *
 * act_define: the calls on definitions, with the refusals of libvirt.
 */
#ifndef SIM_ACT_DEFINE_H
#define SIM_ACT_DEFINE_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* HV_DOM_DEFINITION, _DEFINE, _UNDEFINE, _AUTOSTART, HV_SNAPSHOTS_*. */
void sim_act_define(struct sim_call *sc);

#endif
