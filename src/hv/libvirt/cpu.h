/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu: HV_CPU_COMPARE.
 */
#ifndef LV_CPU_H
#define LV_CPU_H

#include "hv/libvirt/call.h"

lv_work_f lv_cpu_compare;

#endif
