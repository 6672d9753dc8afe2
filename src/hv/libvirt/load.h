/* SPDX-License-Identifier: Apache-2.0
 *
 * load: HV_DOM_LOADS.
 */
#ifndef LV_LOAD_H
#define LV_LOAD_H

#include "hv/libvirt/call.h"

lv_work_f lv_dom_loads;

#endif
