/* SPDX-License-Identifier: Apache-2.0
 *
 * fail: what befalls migrations: cut cables, dead hosts, dead daemons, dead guests.
 */
#ifndef SIM_FAIL_H
#define SIM_FAIL_H

#include "hv/sim/job.h"
#include "hv/sim/types.h"

/* A host's link, rate or power changed: rates and time limits of its jobs follow. */
void sim_job_link(struct sim_host *h);
/* One of its domains was destroyed or its QEMU died; call before the state is changed. */
void sim_job_killed(struct sim_dom *d);
void sim_job_host_off(struct sim_host *h);
void sim_job_libvirtd_off(struct sim_host *h);
/* libvirtd is back: it looks after what it finds. */
void sim_job_libvirtd_on(struct sim_host *h);
/** sim_job_drop() - forget a domain's migration and leave both halves as they are: libvirt lost track of it. */
void sim_job_drop(struct sim *w, const char *uuid);

#endif
