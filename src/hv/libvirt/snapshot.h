/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot: what libvirt has written down of a domain's snapshots.
 */
#ifndef LV_SNAPSHOT_H
#define LV_SNAPSHOT_H

#include "hv/libvirt/call.h"

lv_work_f lv_snapshots_get, lv_snapshots_set;

#endif
