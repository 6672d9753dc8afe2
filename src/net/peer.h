/* SPDX-License-Identifier: Apache-2.0
 *
 * peer: addresses of clients, and whose turn it is. A host of IPv6 has a /64 to itself, so that is what counts as one address.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "net/inner.h"

void net_peers_init(struct net_peers *all);
void net_peers_clear(struct net_peers *all);
/** net_peer_enter() - a connection of that address. Return: it is the peer's until net_peer_leave(). */
struct net_peer *net_peer_enter(struct net_peers *all, const union net_address *from, struct net_conn *c);
void net_peer_leave(struct net_peers *all, struct net_conn *c);
/** net_peer_find() - NULL: none is open. */
struct net_peer *net_peer_find(const struct net_peers *all, const union net_address *from);

/** net_ready() - the connection has something to do: a step, in this turn or the next one. */
void net_ready(struct net_conn *c);
void net_unready(struct net_conn *c);
/** net_next() - the next one to have its step. NULL: none in this turn. */
struct net_conn *net_next(struct net_server *s);
/** net_rest() - the turn is over. Return: whether some are still ready. */
bool net_rest(struct net_server *s);

#endif
