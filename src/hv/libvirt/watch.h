/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: the life of a host's connection: it is opened, asked whether the host still
 * answers, and closed.
 */
#ifndef LV_WATCH_H
#define LV_WATCH_H

#include "hv/libvirt/conn.h"

/** lv_conn_open() - begin to connect @h; it gets HV_EV_OPEN or HV_EV_CLOSED. */
void lv_conn_open(struct hv_host *h);
/** lv_conn_detach() - the host lets go of its connection, without an event. */
void lv_conn_detach(struct lv_conn *c);
/** lv_conn_lost() - detach and report HV_EV_CLOSED; nothing if detached already. Loop thread. */
void lv_conn_lost(struct lv_conn *c, const char *why);

#endif
