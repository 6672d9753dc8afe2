/* SPDX-License-Identifier: Apache-2.0
 *
 * end: the guest's end of a session at a server's console, whatever kind of console that is (serial.h, vnc.h).
 *
 * Bytes go both ways. It finds the guest wherever the server's record says that it is. Its calls come on later turns of the loop alone.
 *
 * What all kinds share: a turn, which comes when it is due, looks at the record, ends the session where its server has ended, and else is the kind's.
 */
#ifndef CONSOLE_END_H
#define CONSOLE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct clock_timer;
struct engine;
struct hv_event;
struct server;

struct end_calls {
	/* bytes of the guest; lent */
	void (*data)(const char *data, size_t len, void *user);
	/* end_unsent() has become less */
	void (*room)(void *user);
	/* it has ended, and end_free() is due. @code: of ws.h */
	void (*ended)(int code, const char *why, void *user);
};

struct end;

/* What a kind of console has for each. */
struct end_ops {
	void (*turn)(struct end *e, const struct server *s); /* go on; the server has not ended */
	void (*send)(struct end *e, const char *data, size_t len);
	size_t (*unsent)(const struct end *e);
	void (*pause)(struct end *e, bool paused);
	void (*event)(struct end *e, const struct hv_event *ev); /* of its domain at some host; NULL: nothing is done with it */
	void (*free)(struct end *e); /* all but end_clear() */
};

/* Embedded first in what a kind knows of it. */
struct end {
	const struct end_ops *ops;
	const struct end_calls *calls;
	void *user;
	struct engine *engine;
	char uuid[UTIL_UUID_LEN + 1]; /* the server's */
	char *host;                /* of its console, or that was asked last; the kind's */
	unsigned tries;            /* in a row, to reach it */
	/* end.c's alone */
	struct clock_timer *timer; /* the next turn */
	int64_t due_ms;            /* ... when */
	int code;                  /* of the end that is on its way; 0 */
	char *why;
};

/** end_send() - what came from the client; copied. */
void end_send(struct end *e, const char *data, size_t len);
/** end_unsent() - bytes of it that the host has not taken yet. */
size_t end_unsent(const struct end *e);
/** end_pause() - the client is slow: have the guest wait; or go on. */
void end_pause(struct end *e, bool paused);
/** end_look() - the server's record may have changed. */
void end_look(struct end *e);
/** end_event() - its domain has changed at a host. */
void end_event(struct end *e, const struct hv_event *ev);
/** end_free() - leave the console. NULL is fine. */
void end_free(struct end *e);

/** end_over() - @v: NULL: there is none. Return: the code of ws.h by which its consoles end, @ret_why: static; 0: they go on. */
int end_over(const struct server *v, const char **ret_why);

/* ---- for kinds ---- */

/** end_init() - the first turn is due. @e: all zero; @calls: of static lifetime; @engine: borrowed */
void end_init(struct end *e, const struct end_ops *ops, struct engine *engine, const char *server_uuid, const struct end_calls *calls);
/** end_turn_in() - there is one then, at the latest. */
void end_turn_in(struct end *e, int64_t ms);
/** end_again() - there is one after 0.1, 0.3, 1, then 3 s: what failed may succeed. */
void end_again(struct end *e);
/** end_with() - it has ended; the first reason is the one. @why: copied */
void end_with(struct end *e, int code, const char *why);
/** end_server() - NULL: it is gone. */
const struct server *end_server(const struct end *e);

#endif
