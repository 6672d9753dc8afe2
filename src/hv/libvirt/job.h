/* SPDX-License-Identifier: Apache-2.0
 *
 * job: migration jobs: statistics, abort, limits, post-copy.
 */
#ifndef LV_JOB_H
#define LV_JOB_H

#include "hv/libvirt/call.h"

lv_work_f lv_job_get, lv_job_done, lv_job_abort, lv_job_tune, lv_postcopy, lv_postcopy_pause;

#endif
