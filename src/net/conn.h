/* SPDX-License-Identifier: Apache-2.0
 *
 * conn: one connection, and the request that it carries.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/service.h"

/* ---- for the service that answers the request; net_trust() is state.h's ---- */

/** net_answer() - answer it. Once. */
void net_answer(struct net_conn *c, const struct net_response *a);
/** net_wake() - more() has something, or the end. Not from within it. */
void net_wake(struct net_conn *c);
/** net_left() - the client has closed its side. */
bool net_left(const struct net_conn *c);
/** net_address_name() - "192.0.2.1", the peer's; "unix" for a socket of the machine. Borrowed from the connection. */
const char *net_address_name(const struct net_conn *c);

void *net_user(const struct net_conn *c);
/** net_set_own(), net_own() - what the service keeps of a request; NULL between over() and the next head(). */
void net_set_own(struct net_conn *c, void *own);
void *net_own(const struct net_conn *c);

/* ---- for server.c ---- */

struct net_conn *net_conn_new(struct net_server *s, int fd);
/** net_conn_close() - now, whatever it does. */
void net_conn_close(struct net_conn *c);
/** net_conn_step() - do what is to be done; the connection may be gone afterwards. */
void net_conn_step(struct net_conn *c);
/** net_conn_expire() - its deadline has passed. It may be gone afterwards. */
void net_conn_expire(struct net_conn *c);
/** net_conn_refuse() - answer with an error and end the connection; what it carried is over. */
void net_conn_refuse(struct net_conn *c, int status, const char *why);
/** net_conn_end_stream() - Return: false if the client does not read, so that no end can be sent. */
bool net_conn_end_stream(struct net_conn *c);

#endif
