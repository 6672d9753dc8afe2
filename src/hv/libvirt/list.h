/* SPDX-License-Identifier: Apache-2.0
 *
 * list: HV_DOM_LIST.
 */
#ifndef LV_LIST_H
#define LV_LIST_H

#include "hv/libvirt/call.h"

lv_work_f lv_dom_list;

#endif
