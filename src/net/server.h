/* SPDX-License-Identifier: Apache-2.0
 *
 * server: HTTP/1.1 on sockets, on the loop's thread, for many clients of which some are hostile.
 *
 * Theory of operation
 * -------------------
 * Each connection is in one state, a row of the tables in conn.c, what it does when its socket is ready, and state.c, how long it may stay and whether it
 * may be closed to make room. It carries one request at a time:
 *
 *	[HANDSHAKE ->] IDLE -> HEAD -> BODY -> HANDLE -> SEND -> IDLE (or HEAD, if more came already)
 *	                                       HANDLE -> STREAM -> SEND (the end of a stream)
 *	                                       HANDLE -> UPGRADED -> SEND (another protocol, net_upgrade(), and its end)
 *	                       refused, or the last one: SEND -> LINGER -> closed
 *
 * All sockets are in one epoll descriptor, edge-triggered, which is one source of the loop. An event only marks the connection and puts it into
 * the queue of those that are ready. A turn of the loop then takes steps, a client's address at a time and of each address its connections in
 * the order in which they became ready: a step is one request or 256 KiB, a connection has one step in a turn, and after
 * 5 ms the rest waits for the next turn. So what one address sends costs another address one step of waiting, and timers
 * and migrations a turn.
 *
 * Deadlines: connections of one state (and class) stand in a queue in the order in which they came to it. As all of a row stay equally long, that
 * is the order of their deadlines too, so one timer looks at the queues' heads; and it is the order in which they are closed when there is no more
 * room: the client that has kept the server waiting longest goes first. Never one whose request is being handled, nor one that has shown a valid
 * token (net_trust()); how many of these there may be, net_trusted_max() says. A deadline is judged after what came meanwhile was read.
 *
 * A refused request is answered and then read to nowhere for some seconds: to close a socket with unread bytes would take the answer away.
 *
 * A handler that answers 101 is given the connection's bytes from then on (UPGRADED), a turn at a time as all others. Its end is the
 * handler's to say: it stays as long as that wants, but for a client that does not take what is sent to it before the end.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "base/loop.h"
#include "net/listen.h"
#include "net/service.h"

/** net_server_new() - @p: copied. */
struct net_server *net_server_new(const struct net_params *p);
/** net_server_free() - close all connections. NULL is fine. */
void net_server_free(struct net_server *s);

/** net_accept() - serve a new connection; a listen_accepted_f for listen_open(), @user being the server. */
void net_accept(int fd, const union net_address *from, void *user);

/** net_stop() - connections end behind the answers that are under way, streams now, but for those whose clients do not read. @done: then, once */
void net_stop(struct net_server *s, loop_f *done, void *user);
struct net_stats net_server_stats(const struct net_server *s);

#endif
