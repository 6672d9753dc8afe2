/* SPDX-License-Identifier: Apache-2.0
 *
 * room: how many bytes of bodies are there, in all and of each address.
 */
#ifndef NET_ROOM_H
#define NET_ROOM_H

#include "net/inner.h"

/**
 * net_room_lacks() - whether there is no room for @len bytes more of a connection's body.
 * @ret_other: whose body has to go, one of the same address if that has its share; NULL: none can
 */
bool net_room_lacks(const struct net_conn *c, size_t len, struct net_conn **ret_other);
/** net_room_take() - they came. */
void net_room_take(struct net_conn *c, size_t len);
/** net_room_give() - the bytes of its body are no longer there. */
void net_room_give(struct net_conn *c);

#endif
