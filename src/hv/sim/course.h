/* SPDX-License-Identifier: Apache-2.0
 *
 * course: the course of a migration, from the call to the end.
 */
#ifndef SIM_COURSE_H
#define SIM_COURSE_H

#include "hv/sim/job.h"
#include "hv/sim/types.h"

/* Begin a part that lasts @ms. */
void sim_job_enter(struct sim_job *j, enum sim_part part, int64_t ms);
/* It begins; @call waits for the end. Return: borrowed. */
struct sim_job *sim_job_begin(struct sim_dom *src, struct sim_dom *dst, const struct hv_migrate_params *p, struct sim_call *call);
/* Go to post-copy if that was asked and the two halves can reach each other. */
void sim_job_take_postcopy(struct sim_job *j);

#endif
