/* SPDX-License-Identifier: Apache-2.0
 *
 * power: guests start, stop by themselves or not, and are saved.
 */
#ifndef SIM_POWER_H
#define SIM_POWER_H

#include "hv/sim/types.h"

/* It is shut off, and starts: it boots, or goes on from its managed save image. @call waits for it. */
void sim_power_start(struct sim_dom *d, bool paused, struct sim_call *call);
/* The power button: a guest that runs and hears it stops after a while. @again: and boots again. */
void sim_power_press(struct sim_dom *d, bool again);
/* It boots again at once. */
void sim_power_reset(struct sim_dom *d);
/* Its memory is written to its managed save image. @call waits for it. */
void sim_power_save(struct sim_dom *d, struct sim_call *call);
/* The host's libvirtd has died. */
void sim_power_libvirtd_off(struct sim_host *h);

#endif
