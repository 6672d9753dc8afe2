/* SPDX-License-Identifier: Apache-2.0
 *
 * log: HV_LOG_GET.
 */
#ifndef LV_LOG_H
#define LV_LOG_H

#include "hv/hv.h"
#include "hv/libvirt/call.h"

lv_work_f lv_log_get;

#endif
