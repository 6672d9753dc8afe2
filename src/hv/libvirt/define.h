/* SPDX-License-Identifier: Apache-2.0
 *
 * define: definitions of domains, and whether they are started with their host.
 */
#ifndef LV_DEFINE_H
#define LV_DEFINE_H

#include "hv/libvirt/call.h"

lv_work_f lv_dom_definition, lv_dom_define, lv_dom_undefine, lv_dom_autostart;

#endif
