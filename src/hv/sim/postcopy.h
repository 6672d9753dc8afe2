/* SPDX-License-Identifier: Apache-2.0
 *
 * postcopy: a post-copy that breaks, and is resumed.
 */
#ifndef SIM_POSTCOPY_H
#define SIM_POSTCOPY_H

#include "hv/sim/job.h"
#include "hv/sim/types.h"

/* A cable changed: since when the two are out of touch, or for how long they will go on not to notice. */
void sim_job_touch(struct sim_job *j);
/* libvirt's call is over, QEMU goes on by itself. */
void sim_job_detach(struct sim_job *j, const char *why);
/* Plan what comes next beside the flow of memory; true if memory flows. */
bool sim_job_plan_postcopy(struct sim_job *j);
/* The guest leaves for the destination, its memory follows. */
void sim_job_depart(struct sim_job *j);
/* One QEMU is gone: the one that is left is half of a guest. */
void sim_job_postcopy_broke(struct sim_job *j);
/** sim_job_hang() - the connection of a domain's post-copy is dead, and neither QEMU is told before a quarter of an hour. */
void sim_job_hang(struct sim *w, const char *uuid);
/** sim_job_reset() - the connection of a domain's post-copy is dead, and both QEMUs are told. */
void sim_job_reset(struct sim *w, const char *uuid);
/* The source's QEMU closes the connection. */
void sim_job_give_up(struct sim_job *j);
/* What libvirt says against resuming it. Return: owned; NULL for nothing. */
char *sim_job_resume_says(const struct sim_dom *src, enum err_code *ret_code);
/* The two go on; @call waits for the end. */
void sim_job_resume(struct sim_job *j, struct sim_call *call);

#endif
