/* SPDX-License-Identifier: Apache-2.0
 *
 * wire: connections that this program makes: TCP, and over it TLS where that is wanted. On the loop's thread.
 *
 * Theory of operation
 * -------------------
 * All sockets are in one epoll descriptor, level-triggered, which is one source of the loop. A name is looked up by a job; its addresses are tried
 * one after the other. A connection that is paused is not read, so the kernel's window fills and its other end waits. What is sent
 * and not yet taken by the kernel waits here: the sender looks at wire_unsent().
 *
 *	looks up -> connects -> ready() [-> wire_secure() -> ready()] -> ended()
 *
 * One whose other end is silent for WIRE_DEAD_MS, although the kernel asks, has ended.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#define WIRE_DEAD_MS 20000

struct tls;
struct wires;
struct wire;

/* All are called on later turns of the loop alone. In each of them wire_free() is fine. */
struct wire_calls {
	/* it is connected; after wire_secure(): TLS is there */
	void (*ready)(void *user);
	/* bytes; lent */
	void (*data)(const char *data, size_t len, void *user);
	/* all that was sent has gone to the kernel */
	void (*sent)(void *user);
	/* it could not be made, or has ended: wire_free() is due. @why: for people; lent */
	void (*ended)(const char *why, void *user);
};

struct wires *wires_new(void);
/** wires_free() - there is none any more. NULL is fine. */
void wires_free(struct wires *all);

/** wire_new() - connect. @host: a name or an address; @calls: of static lifetime, all set */
struct wire *wire_new(struct wires *all, const char *host, int port, const struct wire_calls *calls, void *user);
/** wire_free() - close it now. NULL is fine. */
void wire_free(struct wire *w);

/** wire_secure() - begin TLS, once, when nothing waits to be sent. @t: tls_client_new()'s, borrowed */
void wire_secure(struct wire *w, struct tls *t);
/** wire_send() - behind what was given before; copied. */
void wire_send(struct wire *w, const void *data, size_t len);
/** wire_unsent() - bytes that the kernel has not taken yet. */
size_t wire_unsent(const struct wire *w);
/** wire_pause() - leave what comes where it is, or go on. */
void wire_pause(struct wire *w, bool paused);

#endif
