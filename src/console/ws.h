/* SPDX-License-Identifier: Apache-2.0
 *
 * ws: WebSocket's frames (RFC 6455), by wslay: bytes in, messages out, and the way back.
 *
 * A client's frames must be masked; a message of WS_MESSAGE_MAX bytes or more, in however many fragments, ends the connection (1009).
 */
#ifndef CONSOLE_WS_H
#define CONSOLE_WS_H

#include <stdbool.h>
#include <stddef.h>

#define WS_MESSAGE_MAX (64 * 1024)

enum { WS_GOING_AWAY = 1001, WS_POLICY = 1008, WS_FAILED = 1011, WS_MOVED = 4001, WS_STOPPED = 4003, WS_GONE = 4004, WS_IN_USE = 4009, WS_REVOKED = 4401 };

struct ws;

struct ws_calls {
	/* bytes for the client's socket */
	void (*send)(const char *data, size_t len, void *user);
	/* a message of the client, text or binary; lent */
	void (*message)(const char *data, size_t len, void *user);
};

/** ws_new() - @calls: of static lifetime, all set. They are called from within the functions below. */
struct ws *ws_new(const struct ws_calls *calls, void *user);
void ws_free(struct ws *w);

/** ws_receive() - bytes of the client's socket. Return: false: what was sent last is the end, and the socket is to be closed. */
bool ws_receive(struct ws *w, const char *data, size_t len);
/** ws_send() - one binary message. Nothing after ws_close(). */
void ws_send(struct ws *w, const char *data, size_t len);
void ws_ping(struct ws *w);
/** ws_close() - say that it ends, and why; the socket is to be closed behind that. @why: 120 bytes of it at most */
void ws_close(struct ws *w, int code, const char *why);
/** ws_heard() - a message, or a pong, came since this was asked last. */
bool ws_heard(struct ws *w);

#endif
