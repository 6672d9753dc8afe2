/* SPDX-License-Identifier: Apache-2.0
 *
 * console: servers' consoles for clients outside: tokens, and the proxy that lets in whatever shows one.
 *
 * Theory of operation
 * -------------------
 * The proxy has a listener of its own, with a net/server.h: WebSockets are upgraded connections there. A session is such a
 * connection, its frames (ws.h), its token, and the guest's end (serial.h); all on the loop's thread. What one end does not take holds up the
 * other: neither has more than SESSION_FULL bytes waiting here, and what is over waits with its sender.
 *
 * Each PING_MS a session is pinged, and one that has said nothing for three of these is gone. At the same time it is looked whether the user of each
 * token may still see its server. A server that is stopped or deleted revokes its tokens, as soon as the record says so.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/loop.h"
#include "console/token.h"

struct consoles;
struct engine;
struct identity;

/** consoles_new() - read the tokens; where the configuration wants it, listen. @e, @id: borrowed. Return: NULL with ERR_CONF or the store's error. */
struct consoles *consoles_new(struct engine *e, struct identity *id, GError **err);
/** consoles_free() - end all sessions. NULL is fine. */
void consoles_free(struct consoles *all);

/** consoles_reload() - read the certificate and its key again, for connections from now on. A mistake is logged, and all is as before. */
void consoles_reload(struct consoles *all);

/** consoles_cert_ends_us() - when the certificate that the proxy shows is good no more; 0: it has none. */
int64_t consoles_cert_ends_us(const struct consoles *all);
/** consoles_has() - a kind of console is switched on. */
bool consoles_has(const struct consoles *all, enum console_kind kind);
/** consoles_file() - what the proxy serves at @path, "/core/rfb.js". Return: borrowed; NULL: no such file, or no screens are served. */
GBytes *consoles_file(const struct consoles *all, const char *path);
/** consoles_sockets() - where WebSockets of that kind are opened: "wss://console.example:6080". Return: owned by the caller; NULL: it is switched off. */
char *consoles_sockets(const struct consoles *all, enum console_kind kind);
/** consoles_url() - a new token, as the address that a client opens. Return: owned by the caller; NULL with the error of console_token_make(). */
char *consoles_url(struct consoles *all, const struct console_token *of, GError **err);
/** consoles_token() - what a token is for, if it is good. Return: borrowed, for now; NULL. */
const struct console_token *consoles_token(struct consoles *all, const char *text);

#endif
