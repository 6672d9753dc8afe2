/* SPDX-License-Identifier: Apache-2.0
 *
 * addr: HV_DOM_ADDRS.
 */
#ifndef LV_ADDR_H
#define LV_ADDR_H

#include "hv/libvirt/call.h"

lv_work_f lv_dom_addrs;

#endif
