/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: streams of events (server-sent events, WHATWG HTML 9.2), each a position in the fleet's ring.
 *
 * A block of a stream is an event with its id, or a comment. At its beginning, and
 * every WATCH_BEAT_MS without news, a stream tells the id of its position: a client
 * that reconnects with it as Last-Event-ID resumes where it stopped, even when the
 * filter let nothing through meanwhile. When something may be missing, the event
 * "reset" says so and why; the stream then goes on with what happens from now on.
 *
 * A stream holds the text of one event at most. It lasts as long as its token is
 * good for an administrator.
 */
#ifndef WATCH_H
#define WATCH_H

#include "api/http/handler.h"
#include "fleet/event.h"

#define WATCH_BEAT_MS 15000

struct watches;

/**
 * watches_new() - no streams yet.
 * @e: borrowed, must outlive it; its listener becomes this
 * @id: borrowed, the judge of tokens
 * @max: how many streams there may be
 */
struct watches *watches_new(struct events *e, struct identity *id, size_t max);
/** watches_free() - NULL is fine; all streams are closed before. */
void watches_free(struct watches *w);

struct watch_params {
	unsigned types;          /* bits 1 << enum event_type */
	const char *server;      /* NULL: of any, and of none */
	int64_t migration;       /* 0: the same */
	const char *last_id;     /* where to go on; NULL: with what happens from now on */
	const char *token;
	int64_t expires_us;      /* the token's */
};

/** watch_open() - begin a stream. Return: for api_reply_stream(); NULL with ERR_UNAVAILABLE if there are too many. */
struct api_stream *watch_open(struct watches *w, const struct watch_params *p, GError **err);

/* How many streams there are, and how often it had to be said why one is not complete. */
struct watches_stats {
	size_t open;
	uint64_t opened, resets[EVENT_FOUND_N];
};
/** watches_stats() - @w may be NULL. */
struct watches_stats watches_stats(const struct watches *w);

#endif
