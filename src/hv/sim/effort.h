/* SPDX-License-Identifier: Apache-2.0
 *
 * effort: that libvirt starts or saves a domain, or its guest stops by itself, and the end of it.
 */
#ifndef SIM_EFFORT_H
#define SIM_EFFORT_H

#include "hv/sim/types.h"

/* Its job lock is held. */
bool sim_dom_locked(const struct sim_dom *d);
/* It takes @ms, under the job lock; @call waits for it. @end must say sim_effort_end(). */
void sim_effort_begin(struct sim_dom *d, enum sim_effort what, int64_t ms, void (*end)(void *dom), struct sim_call *call);
/* It is over. @why: NULL: well. */
void sim_effort_end(struct sim_dom *d, const char *why);
/* Its QEMU is gone, and with it all that was to come of it. */
void sim_effort_cease(struct sim_dom *d);

#endif
