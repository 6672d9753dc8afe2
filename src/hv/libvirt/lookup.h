/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup: HV_LOOKUP.
 */
#ifndef LV_LOOKUP_H
#define LV_LOOKUP_H

#include "hv/libvirt/call.h"

lv_work_f lv_lookup;

#endif
