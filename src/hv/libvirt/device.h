/* SPDX-License-Identifier: Apache-2.0
 *
 * device: HV_DEVICE_GET.
 */
#ifndef LV_DEVICE_H
#define LV_DEVICE_H

#include "hv/libvirt/call.h"

lv_work_f lv_device_get;

#endif
