/* SPDX-License-Identifier: Apache-2.0
 *
 * host: HV_HOST_GET.
 */
#ifndef LV_HOST_H
#define LV_HOST_H

#include "hv/libvirt/call.h"

lv_work_f lv_host_get;

#endif
