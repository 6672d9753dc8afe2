/* SPDX-License-Identifier: Apache-2.0
 *
 * upgrade: a connection whose bytes are another protocol's: from net_upgrade() on they are passed both ways.
 */
#ifndef NET_UPGRADE_H
#define NET_UPGRADE_H

#include "net/service.h"
#include "net/step.h"

/**
 * net_upgrade() - answer with 101: from then on the connection's bytes are another protocol's, until over().
 * @fields: as of struct net_response; Upgrade and Connection are among them
 *
 * It has no deadline and is not closed to make room: the service looks after both.
 */
void net_upgrade(struct net_conn *c, const char *fields);
/** net_send() - send on an upgraded connection, behind what was given before; copied. Nothing after net_end(). */
void net_send(struct net_conn *c, const char *data, size_t len);
/** net_unsent() - bytes of those that the kernel has not taken yet. */
size_t net_unsent(const struct net_conn *c);
/** net_pause() - leave what comes where it is, or go on. */
void net_pause(struct net_conn *c, bool paused);
/** net_end() - close an upgraded connection behind what it has to send; as an answer, it has a deadline for that. over() follows, later. */
void net_end(struct net_conn *c);

/* ---- for conn.c ---- */

/** net_pass_bytes() - NET_UPGRADED: both ways: a client that does not take what is sent to it is read all the same. */
net_step_f net_pass_bytes;

#endif
