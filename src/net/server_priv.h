/* SPDX-License-Identifier: Apache-2.0
 *
 * What server.c (all connections), conn.c (one of them) and peer.c (the addresses) share.
 */
#ifndef NET_SERVER_PRIV_H
#define NET_SERVER_PRIV_H

#include "net/holder.h"
#include "net/server.h"

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
	int64_t timer_ms;
	size_t bodies, bodies_peak;
	struct net_stats stats;
	bool full_told, stopping;
	loop_f *stopped;
	void *stopped_user;
	char input[NET_INPUT];
};

/* ---- peer.c ---- */

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

/* ---- conn.c ---- */

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
/** net_limit_ms() - how long a connection may be in that state; 0: as long as it takes. */
int net_limit_ms(enum net_state s);
/** net_waits() - whether a connection in that state waits for its client, which may lose it to another. */
bool net_waits(enum net_state s);

/* ---- server.c ---- */

/** net_enter() - the one writer of a connection's state; starts its deadline. */
void net_enter(struct net_conn *c, enum net_state state);
/** net_may_handle() - whether there are not too many requests, in all and of its address, whose handlers have not answered. */
bool net_may_handle(const struct net_conn *c);
/** net_room_for() - bytes of a body came. Return: false if there are too many, in all or of its address, and none could be refused instead. */
bool net_room_for(struct net_conn *c, size_t len);
/** net_body_done() - the bytes of its body are no longer there. */
void net_body_done(struct net_conn *c);
void net_check_stopped(struct net_server *s);

/** net_share() - of so many in all, how many one may have. */
static inline unsigned net_share(const struct net_params *p, unsigned n)
{
	return MAX(1, n / p->share);
}

#endif
