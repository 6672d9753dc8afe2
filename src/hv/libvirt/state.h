/* SPDX-License-Identifier: Apache-2.0
 *
 * state: libvirt's numbers as ours.
 */
#ifndef LV_STATE_H
#define LV_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <libvirt/libvirt.h>

#include "hv/hv.h"

void lv_state(int vir_state, int vir_reason, enum hv_state *ret_state, enum hv_reason *ret_reason);
/**
 * lv_event_state() - the state that a lifecycle event leaves behind; HV_UNKNOWN where it does not say.
 * @active: the domain has a process
 */
void lv_event_state(int event, int detail, bool active, enum hv_state *ret_state, enum hv_reason *ret_reason);
/* Bounds of what a host says of a job: twice the bytes, and pages of a size, are numbers too. */
#define LV_JOB_BYTES_MAX (INT64_C(1) << 60)
#define LV_JOB_PAGES_MAX (INT64_C(1) << 32)
#define LV_JOB_PAGE_MAX (INT64_C(1) << 30)
#define LV_JOB_COUNT_MAX INT32_MAX
#define LV_JOB_MS_MAX (INT64_C(1) << 40)
/** lv_job() - job statistics from libvirt's parameters, each between 0 and its bound. */
void lv_job(int vir_type, virTypedParameterPtr params, int n, struct hv_job *ret);
/** lv_param() - a number among typed parameters, whatever its type; false if there is none. */
bool lv_param(virTypedParameterPtr params, int n, const char *name, int64_t *ret);
/** lv_param_string() - a text among typed parameters, or NULL. Borrowed. */
const char *lv_param_string(virTypedParameterPtr params, int n, const char *name);

#endif
