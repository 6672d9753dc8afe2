/* SPDX-License-Identifier: Apache-2.0
 *
 * sse: server-sent events (WHATWG HTML 9.2) out of bytes as they come.
 */
#ifndef SSE_H
#define SSE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define SSE_BLOCK_MAX (1024 * 1024)

struct sse {
	GString *line, *data, *id;
	char *last_id;     /* where to go on; NULL before the first */
	bool after_cr;     /* a line feed that follows belongs to it */
};

/* Gets the data of an event; false ends it. */
typedef bool sse_event_f(const char *data, void *user);

void sse_init(struct sse *s);
/** sse_restart() - another stream begins; what was begun of an event is forgotten, the last id is not. */
void sse_restart(struct sse *s);
void sse_clear(struct sse *s);

/** sse_feed() - take @len bytes. Return: false if @fn said so, or for a line or an event above SSE_BLOCK_MAX. */
bool sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_f *fn, void *user);

#endif
