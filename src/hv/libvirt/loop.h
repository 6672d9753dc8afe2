/* SPDX-License-Identifier: Apache-2.0
 *
 * loop: the event loop that libvirt asks its program for, on a thread of its own.
 */
#ifndef LV_LOOP_H
#define LV_LOOP_H

#include <stdbool.h>

#define LV_PING_S 3         /* a silent host is lost after LV_PING_S * (LV_PING_N + 1) seconds */
#define LV_PING_N 3

struct lv_socket; /* of a link; it can be cut as long as libvirt has it */

struct lv_socket *lv_socket_new(void);
void lv_socket_unref(struct lv_socket *s);
/** lv_socket_opens() - what virConnectOpen() opens on this thread is @s; NULL ends it. */
void lv_socket_opens(struct lv_socket *s);
/** lv_socket_cut() - shut it down; nothing if libvirt does not have it. Any thread. */
void lv_socket_cut(struct lv_socket *s);

/** lv_socket_pause() - the event thread leaves it alone, so that what its host sends stays with the kernel; or takes it up again. Any thread. */
void lv_socket_pause(struct lv_socket *s, bool paused);

/** lv_loop_start() - give libvirt its event loop, on a thread of its own; before the first connection. */
void lv_loop_start(void);
/** lv_loop_flush() - wait until the callback that the event thread is in, if any, has returned. Worker. */
void lv_loop_flush(void);

#endif
