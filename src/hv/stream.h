/* SPDX-License-Identifier: Apache-2.0
 *
 * stream: bytes to and from a domain's console, as HV_CONSOLE gives them.
 *
 * Theory of operation
 * -------------------
 * A pipe both ways that goes through the host's own connection, so that nothing else of the host need be reachable. No byte is lost or comes
 * in another order while it lasts; where it ends, what the host had not taken of hv_stream.unsent is lost, and nothing tells how much that was.
 *
 * It belongs to the code that took it out of the reply. From hv_stream_use() on its calls come on the loop thread, never from
 * inside a function of this header, and none after hv_stream_close() or .ended.
 *
 * It ends with the domain's process, with its half of a migration, with the host's connection, or when another session takes the console.
 */
#ifndef HV_STREAM_H
#define HV_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct hv_stream;

struct hv_stream_calls {
	/* bytes of the guest; lent */
	void (*data)(const char *data, size_t len, void *user);
	/* .unsent has become less */
	void (*room)(void *user);
	/* it has ended; hv_stream_close() is still due. @why: for people; lent */
	void (*ended)(const char *why, void *user);
};

/* What an implementation has for each. */
struct hv_stream_ops {
	void (*use)(struct hv_stream *s); /* calls may come from now on */
	void (*send)(struct hv_stream *s, const char *data, size_t len);
	void (*pause)(struct hv_stream *s, bool paused);
	void (*close)(struct hv_stream *s);
};

/* Embedded in what an implementation knows of it. */
struct hv_stream {
	const struct hv_stream_ops *ops;
	const struct hv_stream_calls *calls; /* NULL: it is not used yet, or not any more */
	void *user;
	size_t unsent;   /* bytes that were given and that the host has not taken yet; the user sees to it that they do not become too many */
	bool ended;      /* .ended was called */
};

/** hv_stream_use() - begin to listen. @calls: of static lifetime, all set */
void hv_stream_use(struct hv_stream *s, const struct hv_stream_calls *calls, void *user);
/** hv_stream_send() - to the guest, behind what was given before; copied. Dropped once it has ended. */
void hv_stream_send(struct hv_stream *s, const char *data, size_t len);
/** hv_stream_pause() - have the guest wait with what it writes, or go on. What is under way still comes: 256 KiB or so. */
void hv_stream_pause(struct hv_stream *s, bool paused);
/** hv_stream_close() - give it back; NULL is fine. The console is free for another session a moment later. */
void hv_stream_close(struct hv_stream *s);

#endif
