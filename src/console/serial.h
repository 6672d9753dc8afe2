/* SPDX-License-Identifier: Apache-2.0
 *
 * serial: one session at a server's serial console, wherever the server is.
 *
 * Theory of operation
 * -------------------
 * It has a stream (hv/stream.h) at the host that the server's record names. When the stream ends, or the record names another host, it opens the
 * next one and goes on: a live migration, a guest that is started again in another process, a libvirtd that was restarted are gaps.
 * It ends when the server is stopped or gone, or when its first stream is refused.
 *
 *	(opening) -> open -> (waits, AGAIN_MS at most) -> (opening) ...
 *
 * What is typed in a gap waits, HELD_MAX bytes of it, and is sent at the next host. What the guest's process had not read of what it was
 * sent when it ended is lost, and so is what a guest writes before the next stream is there: libvirt keeps neither.
 */
#ifndef CONSOLE_SERIAL_H
#define CONSOLE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

struct fleet;
struct serial;
struct server;

#define SERIAL_HELD_MAX (64 * 1024)

struct serial_calls {
	/* bytes of the guest; lent */
	void (*data)(const char *data, size_t len, void *user);
	/* serial_unsent() has become less */
	void (*room)(void *user);
	/* it has ended, and serial_free() is due. @code: of ws.h */
	void (*ended)(int code, const char *why, void *user);
};

/** serial_new() - begin. @f: borrowed; @calls: of static lifetime, called on later turns of the loop alone */
struct serial *serial_new(struct fleet *f, const char *server_uuid, const struct serial_calls *calls, void *user);
/** serial_free() - leave the console. NULL is fine. */
void serial_free(struct serial *s);

/** serial_send() - what was typed; copied. */
void serial_send(struct serial *s, const char *data, size_t len);
/** serial_unsent() - bytes of it that the host has not taken yet. */
size_t serial_unsent(const struct serial *s);
/** serial_pause() - the reader is slow: have the guest wait; or go on. */
void serial_pause(struct serial *s, bool paused);
/** serial_look() - the server's record may have changed. */
void serial_look(struct serial *s);
/** serial_over() - @v: NULL: there is none. Return: the code of ws.h by which its consoles end, @ret_why: static; 0: they go on. */
int serial_over(const struct server *v, const char **ret_why);

#endif
