/* SPDX-License-Identifier: Apache-2.0
 *
 * event: libvirt's callbacks.
 */
#ifndef LV_EVENT_H
#define LV_EVENT_H

#include <stdbool.h>

#include <glib.h>

#include "hv/libvirt/conn.h"

/** lv_events_register() - register the callbacks of a new connection. Worker, in c->watch. */
bool lv_events_register(struct lv_conn *c, GError **err);
/** lv_events_deregister() - take them off. Worker, in c->watch. */
void lv_events_deregister(struct lv_conn *c);

#endif
