/* SPDX-License-Identifier: Apache-2.0
 *
 * wire: a non-blocking connection, plain or TLS (OpenSSL, 1.2 and later); private to api/.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <glib.h>

struct wire;
struct wire_tls; /* a certificate and its key */

/** wire_tls_new() - load them. Return: NULL with ERR_CONF, which names the file. */
struct wire_tls *wire_tls_new(const char *cert_file, const char *key_file, GError **err);
void wire_tls_free(struct wire_tls *t);

/** wire_new() - @fd: a non-blocking socket, taken; @tls: borrowed, NULL for a plain one. */
struct wire *wire_new(int fd, struct wire_tls *tls);
/** wire_free() - close at once. */
void wire_free(struct wire *w);
int wire_fd(const struct wire *w);

#define WIRE_AGAIN (-1)  /* nothing can be done now: wait for wire_waits() */
#define WIRE_BROKEN (-2)

/** wire_read(), wire_write() - Return: bytes, 0 at the end of the input, WIRE_AGAIN, or WIRE_BROKEN. The handshake is part of it. */
ssize_t wire_read(struct wire *w, void *buf, size_t len);
ssize_t wire_write(struct wire *w, const void *buf, size_t len);

/** wire_waits() - after WIRE_AGAIN: EPOLLIN or EPOLLOUT. */
unsigned wire_waits(const struct wire *w);
/** wire_held() - true if bytes were taken off the socket that wire_read() has not given yet: the socket will not tell of them. */
bool wire_held(const struct wire *w);

/** wire_finish() - say that nothing more will be sent. */
void wire_finish(struct wire *w);

#endif
