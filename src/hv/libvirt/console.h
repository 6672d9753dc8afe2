/* SPDX-License-Identifier: Apache-2.0
 *
 * console: HV_CONSOLE.
 */
#ifndef LV_CONSOLE_H
#define LV_CONSOLE_H

#include "hv/hv.h"
#include "hv/libvirt/conn.h"

/** lv_console() - submit HV_CONSOLE. Loop thread. */
void lv_console(struct lv_conn *c, struct hv_call *call);

#endif
