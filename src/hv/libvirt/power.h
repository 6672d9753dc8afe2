/* SPDX-License-Identifier: Apache-2.0
 *
 * power: a domain with a definition starts, its guest is asked to shut off or to boot again, its memory is saved.
 */
#ifndef LV_POWER_H
#define LV_POWER_H

#include "hv/libvirt/call.h"

lv_work_f lv_dom_start, lv_dom_shutdown, lv_dom_reboot, lv_dom_reset, lv_dom_save;

#endif
