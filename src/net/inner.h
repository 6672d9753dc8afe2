/* SPDX-License-Identifier: Apache-2.0
 *
 * inner: what the server keeps, for the files of net/ alone: state.c (states, their order and deadlines, trust), peer.c (addresses and turns), io.c
 * (bytes in and out), head.c (the first lines of an answer), conn.c and upgrade.c (a connection's steps), server.c (all of them).
 */
#ifndef NET_INNER_H
#define NET_INNER_H

#include "base/clock.h"
#include "base/loop.h"
#include "net/holder.h"
#include "net/listen.h"
#include "net/service.h"
#include "net/tls.h"

#define NET_INPUT (64 * 1024) /* read at once, at most */

/* An address, what it has of the server, and those of its connections that have something to do. */
struct net_peer {
	uint8_t key[16];
	unsigned open, handled, trusted;
	size_t bodies;          /* bytes */
	bool local;             /* of this machine: it has no limits */
	GQueue *ringing;        /* peers.ring or peers.rested; NULL: none of its connections is ready */
	GList in_ring;
	GQueue ready;           /* struct net_conn */
	GQueue waiting[2];      /* those that wait for their clients, the longest first; [0] may be closed to make room, [1] are trusted */
	GQueue unfinished;      /* those whose bodies have come in part, the oldest first */
};

struct net_peers {
	GHashTable *all;        /* by key */
	GQueue ring;            /* struct net_peer: has connections that are ready */
	GQueue rested;          /* the same, and each of them had its step in this turn */
};

/* Bytes that were read and not yet used. */
struct net_input {
	char *data;
	size_t at, len, size;
	size_t parsed;          /* of a head that is not whole: what was looked at */
	bool lent;              /* the server's own memory, for the length of a step */
};

struct net_conn {
	struct net_server *s;
	struct net_peer *peer;
	int fd;
	SSL *ssl;               /* NULL: plain */
	enum net_state state;
	int64_t deadline_ms;
	uint64_t since;         /* of net_server.moves: it came to its state */
	struct holder *holder; /* NULL: it has shown no token, or is not trusted any more because there are too many */
	GList in_state, in_peer, in_holder, in_ready, in_unfinished;
	char name[64];
	bool readable, writable, left, gone, queued, stepping, waits, unfinished;
	uint64_t turn;          /* in which it had its last step */
	struct net_input in;
	/* the request */
	void *own;
	struct http1_body body;
	size_t body_bytes;
	int minor;
	bool served;            /* between head() and over() */
	bool answered, keep, no_content;
	/* the answer */
	GString *out, *content; /* what is not sent of head and framing, and of the body */
	size_t out_at, content_at, sent;
	bool stream, wakes;     /* more() has or may have something */
	bool paused;            /* upgraded: what comes stays where it is */
};

struct net_server {
	struct net_params p;
	int epoll_fd;
	GSource *source;
	uint64_t turn, moves;
	struct net_peers peers;
	struct holders *holders;
	GQueue states[NET_STATE_N][2]; /* [trusted] */
	unsigned open;
	struct clock_timer *timer;
	loop_f *deadline;       /* the timer's */
	int64_t timer_ms;
	size_t bodies, bodies_peak;
	struct net_stats stats;
	bool full_told, stopping;
	loop_f *stopped;
	void *stopped_user;
	char input[NET_INPUT];
};

/** net_share() - of so many in all, how many one may have. */
static inline unsigned net_share(const struct net_params *p, unsigned n)
{
	return MAX(1, n / p->share);
}

#endif
