/* SPDX-License-Identifier: Apache-2.0
 *
 * server: HTTP/1.1 on sockets, on the loop's thread, for many clients of which some are hostile.
 *
 * Theory of operation
 * -------------------
 * Each connection is in one state, a row of the table in conn.c: what it does when its socket is ready, how long it may stay, whether it may be
 * closed to make room. It carries one request at a time:
 *
 *	[HANDSHAKE ->] IDLE -> HEAD -> BODY -> HANDLE -> SEND -> IDLE (or HEAD, if more came already)
 *	                                       HANDLE -> STREAM -> SEND (the end of a stream)
 *	                       refused, or the last one: SEND -> LINGER -> closed
 *
 * All sockets are in one epoll descriptor, edge-triggered, which is one source of the loop. An event only marks the connection and puts it into
 * the queue of those that are ready. A turn of the loop then takes steps, a client's address at a time and of each address its connections in
 * the order in which they became ready: a step is one request or NET_PIECE bytes, a connection has one step in a turn, and after
 * NET_TURN_US the rest waits for the next turn. So what one address sends costs another address one step of waiting, and timers
 * and migrations a turn.
 *
 * Deadlines: connections of one state (and class) stand in a queue in the order in which they came to it. As all of a row stay equally long, that
 * is the order of their deadlines too, so one timer looks at the queues' heads; and it is the order in which they are closed when there is no more
 * room: the client that has kept the server waiting longest goes first. Never one whose request is being handled, nor one that has shown a valid
 * token (net_trust()); how many of these there may be, trusted_max() says. A deadline is judged after what came meanwhile was read.
 *
 * A refused request is answered and then read to nowhere for some seconds: to close a socket with unread bytes would take the answer away.
 *
 * What a later protocol on the same port needs (WebSocket): a handler that answers 101 and then is given the connection. It is a state more in the
 * table, with a step of its own; a connection in HANDLE is one whose bytes are not read by anything else.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "base/loop.h"
#include "net/http1.h"
#include "net/listen.h"
#include "net/tls.h"

#define NET_PIECE (256 * 1024)
#define NET_TURN_US 5000

enum net_state { NET_HANDSHAKE, NET_IDLE, NET_HEAD, NET_BODY, NET_HANDLE, NET_SEND, NET_STREAM, NET_LINGER, NET_STATE_N };

struct net_server;
struct net_conn; /* a connection, and the request that it carries */

/* What answers requests. All are called on the loop's thread. */
struct net_service {
	/* A head came whole. @h: lent for the call. It may be answered at once, which ends the connection behind the answer. */
	void (*head)(struct net_conn *c, const struct http1_head *h);
	/* A piece of its body. It may be answered here too, with the same end. */
	void (*body)(struct net_conn *c, const char *data, size_t len);
	/* The request is whole: net_answer(), now or later. */
	void (*whole)(struct net_conn *c);
	/* It was answered to its end, or its client is gone: net_answer() must not follow. Once for each head(). */
	void (*over)(struct net_conn *c);
	/* Put up to @max bytes of a stream into @buf. Return: how many; 0: none now, net_wake() says when; -1: that was all. */
	ssize_t (*more)(struct net_conn *c, char *buf, size_t max);
	/* The body of an answer that the server gives itself; JSON. @why: a sentence without its full stop. Return: owned. */
	GString *(*refusal)(int status, const char *why);
};

struct net_params {
	const struct net_service *service;
	void *user;                /* net_user() */
	struct tls *tls;           /* lent; NULL: plain */
	/* in all */
	unsigned connections_max;
	unsigned handled_max;      /* requests that wait for their handlers */
	size_t bodies_max;         /* bytes of bodies that were read and not yet answered */
	unsigned share;            /* one address (IPv6: one /64) may have 1/share of each of these; loopback, where proxies are, has all. A holder of
				      tokens: of the connections */
};

struct net_stats {
	unsigned state[NET_STATE_N]; /* connections */
	uint64_t accepted;
	uint64_t refused;          /* by the server: malformed, late, too many */
	uint64_t evicted;          /* closed to make room */
	unsigned trusted;          /* connections that are not closed to make room */
	size_t body_bytes;
};

struct net_answer {
	int status;
	const char *reason;
	const char *fields;        /* "Name: value\r\n" ...; beside Date, Connection, Content-Length and Transfer-Encoding */
	GString *body;             /* taken; NULL: none */
	bool stream;               /* instead: more() gives it */
};

/** net_server_new() - @p: copied. */
struct net_server *net_server_new(const struct net_params *p);
/** net_server_free() - close all connections. NULL is fine. */
void net_server_free(struct net_server *s);

/** net_accept() - serve a new connection; a listen_accepted_f for listen_open(), @user being the server. */
void net_accept(int fd, const union net_address *from, void *user);

/** net_stop() - connections end behind the answers that are under way, streams now, but for those whose clients do not read. @done: then, once */
void net_stop(struct net_server *s, loop_f *done, void *user);
/** net_unfinished() - answers that net_stop() still waits for. */
unsigned net_unfinished(const struct net_server *s);

struct net_stats net_stats(const struct net_server *s);
/** net_state_name() - "handshake", "idle" ... */
const char *net_state_name(enum net_state s);

/* ---- a request ---- */

/** net_answer() - answer it. Once. */
void net_answer(struct net_conn *c, const struct net_answer *a);
/** net_wake() - more() has something, or the end. Not from within it. */
void net_wake(struct net_conn *c);
/** net_left() - the client has closed its side. */
bool net_left(const struct net_conn *c);
/**
 * net_trust() - the client has shown a valid token: the connection is not closed to make room, as long as there are not too many such.
 * @holder: what the token belongs to, for its share
 */
void net_trust(struct net_conn *c, const char *holder);

/** net_address_name() - "192.0.2.1", the peer's; "unix" for a socket of the machine. Borrowed from the connection. */
const char *net_address_name(const struct net_conn *c);

void *net_user(const struct net_conn *c);
/** net_set_own(), net_own() - what the service keeps of a request; NULL between over() and the next head(). */
void net_set_own(struct net_conn *c, void *own);
void *net_own(const struct net_conn *c);

#endif
