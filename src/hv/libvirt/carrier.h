/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_CARRIER_START, HV_CARRIER_GET, HV_CARRIER_LIST. See hv/carrier.h.
 */
#ifndef LV_CARRIER_H
#define LV_CARRIER_H

#include "hv/libvirt/call.h"

lv_work_f lv_carrier_start, lv_carrier_get, lv_carrier_list;
/** lv_carrier_get_silent() - HV_CARRIER_GET of one whose QEMU does not answer. */
lv_work_f lv_carrier_get_silent;

#endif
