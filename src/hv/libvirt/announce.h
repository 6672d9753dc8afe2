/* SPDX-License-Identifier: Apache-2.0
 *
 * announce: HV_ANNOUNCE.
 */
#ifndef LV_ANNOUNCE_H
#define LV_ANNOUNCE_H

#include "hv/libvirt/call.h"

lv_work_f lv_announce;

#endif
