/* SPDX-License-Identifier: Apache-2.0
 *
 * end: the guest's end of a session at a server's console, whatever kind of console that is (serial.h, vnc.h).
 *
 * Bytes go both ways. It finds the guest wherever the server's record says that it is. Its calls come on later turns of the loop alone.
 */
#ifndef CONSOLE_END_H
#define CONSOLE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	void (*send)(struct end *e, const char *data, size_t len);
	size_t (*unsent)(const struct end *e);
	void (*pause)(struct end *e, bool paused);
	void (*look)(struct end *e);
	void (*free)(struct end *e);
};

/* Embedded first in what a kind knows of it. */
struct end {
	const struct end_ops *ops;
};

/** end_send() - what came from the client; copied. */
void end_send(struct end *e, const char *data, size_t len);
/** end_unsent() - bytes of it that the host has not taken yet. */
size_t end_unsent(const struct end *e);
/** end_pause() - the client is slow: have the guest wait; or go on. */
void end_pause(struct end *e, bool paused);
/** end_look() - the server's record may have changed. */
void end_look(struct end *e);
/** end_free() - leave the console. NULL is fine. */
void end_free(struct end *e);

/** end_over() - @v: NULL: there is none. Return: the code of ws.h by which its consoles end, @ret_why: static; 0: they go on. */
int end_over(const struct server *v, const char **ret_why);
/** end_wait_ms() - how long before attempt @tries to reach a guest, from 0 on. */
int64_t end_wait_ms(unsigned tries);

#endif
