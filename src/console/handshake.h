/* SPDX-License-Identifier: Apache-2.0
 *
 * handshake: the opening of a WebSocket (RFC 6455, 4.2), pure: a head in, an answer out.
 *
 * Host and Origin are judged as Nova's proxy does, with its words. A client without an Origin is no browser, and may come.
 */
#ifndef CONSOLE_HANDSHAKE_H
#define CONSOLE_HANDSHAKE_H

#include <stdbool.h>

#include "net/http1.h"

#define HANDSHAKE_ACCEPT_LEN 28
#define HANDSHAKE_TOKEN_MAX 128

struct handshake_rules {
	char *const *allowed_origins; /* hosts beside that of Host, NULL-terminated */
	bool https;                   /* browsers reach the proxy by TLS, its own or another's in front of it */
};

struct handshake {
	bool wanted;                  /* the client asks for a WebSocket; else nothing below counts */
	int status;                   /* 101, or that of a refusal */
	const char *why;              /* ... and its reason, a sentence without its full stop */
	char accept[HANDSHAKE_ACCEPT_LEN + 1];
	bool binary;                  /* the client knows the subprotocol "binary" */
	char token[HANDSHAKE_TOKEN_MAX + 1]; /* of the query, of path in it, or of the cookie; "": none */
};

void handshake_judge(const struct http1_head *h, const struct handshake_rules *rules, struct handshake *ret);

#endif
