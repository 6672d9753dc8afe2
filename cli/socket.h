/* SPDX-License-Identifier: Apache-2.0
 *
 * socket: a WebSocket to a cloud's console, whose bytes are this terminal's.
 *
 * Theory of operation: libcurl makes the connection, with the cloud's certificates, and passes bytes; the opening is written here; wslay has the
 * frames. One thread waits for the terminal and the connection at a time.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <stdbool.h>

#include <glib.h>

#include "client.h"

#define SOCKET_ESCAPE 0x1d /* Ctrl-] */

/* How a session ended. */
enum socket_end {
	SOCKET_LEFT,   /* the user has left it */
	SOCKET_LOST,   /* the connection is gone; the same address may be good again */
	SOCKET_ENDED,  /* the other end has ended it, and says why */
};

struct socket_result {
	enum socket_end end;
	int code;      /* of the WebSocket's end; 0 */
	char why[128];
	bool opened;   /* it was a console for a while */
};

/**
 * socket_run() - be a session until it ends.
 * @url: ws:// or wss://
 * @in, @out: descriptors of the terminal
 *
 * Return: false with @err if the other end refuses the session, or no connection is made (CLI_NET).
 */
bool socket_run(struct client *c, const char *url, int in, int out, struct socket_result *ret, GError **err);

#endif
