/* SPDX-License-Identifier: Apache-2.0
 *
 * service: what a server and what answers its requests know of each other.
 */
#ifndef NET_SERVICE_H
#define NET_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "net/http1.h"

enum net_state { NET_HANDSHAKE, NET_IDLE, NET_HEAD, NET_BODY, NET_HANDLE, NET_SEND, NET_STREAM, NET_UPGRADED, NET_LINGER, NET_STATE_N };

struct net_server;
struct tls;
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
	/* An upgraded connection: bytes came. net_end(), net_send() and net_pause() are fine from in here. NULL: none is upgraded */
	void (*bytes)(struct net_conn *c, const char *data, size_t len);
	/* ... all that it was to send has gone to the kernel. The same are fine */
	void (*sent)(struct net_conn *c);
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

struct net_response {
	int status;
	const char *reason;
	const char *fields;        /* "Name: value\r\n" ...; beside Date, Connection, Content-Length and Transfer-Encoding */
	GString *body;             /* taken; NULL: none */
	bool stream;               /* instead: more() gives it */
};

#endif
