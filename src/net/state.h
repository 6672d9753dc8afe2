/* SPDX-License-Identifier: Apache-2.0
 *
 * state: the states of connections, their order and deadlines, and which of them are trusted.
 */
#ifndef NET_STATE_H
#define NET_STATE_H

#include "net/service.h"

/** net_state_name() - "handshake", "idle" ... */
const char *net_state_name(enum net_state s);
/** net_waits() - whether a connection in that state waits for its client, which may lose it to another. */
bool net_waits(enum net_state s);

/** net_enter() - the one writer of a connection's state; starts its deadline. */
void net_enter(struct net_conn *c, enum net_state state);
/** net_leave() - it is in no state any more, and not trusted. */
void net_leave(struct net_conn *c);
/** net_arm() - look at the deadlines then, or before. */
void net_arm(struct net_server *s, int64_t at_ms);

/**
 * net_trust() - the client has shown a valid token: the connection is not closed to make room, as long as there are not too many such.
 * @holder: what the token belongs to, for its share
 */
void net_trust(struct net_conn *c, const char *holder);

/** net_trusted_max() - of so many connections, those that may be kept because of their tokens. Others are left, so that a client can come and show its token. */
unsigned net_trusted_max(unsigned n);

/** net_may_handle() - whether there are not too many requests, in all and of its address, whose handlers have not answered. */
bool net_may_handle(const struct net_conn *c);
/** net_unfinished() - answers that net_stop() still waits for. */
unsigned net_unfinished(const struct net_server *s);

/** net_check_stopped() - tell that the server has stopped, once it has. */
void net_check_stopped(struct net_server *s);

#endif
