/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: HV_VOL_COPY.
 */
#ifndef LV_COPY_H
#define LV_COPY_H

#include "hv/hv.h"
#include "hv/libvirt/conn.h"

/** lv_vol_copy() - submit HV_VOL_COPY. Loop thread. */
void lv_vol_copy(struct lv_conn *c, struct hv_call *call);

#endif
