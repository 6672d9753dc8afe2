/* SPDX-License-Identifier: Apache-2.0
 *
 * peer: one libvirtd reaches another one.
 */
#ifndef LV_PEER_H
#define LV_PEER_H

#include "hv/libvirt/conn.h"

/** lv_peer_try() - HV_PEER_TRY. */
void lv_peer_try(struct lv_conn *c, struct hv_call *call);

#endif
