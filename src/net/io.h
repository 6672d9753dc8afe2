/* SPDX-License-Identifier: Apache-2.0
 *
 * io: a connection's bytes in and out, which keep account of what its socket can do, and those that were read and not yet used.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "net/inner.h"
#include "net/step.h"

enum { NET_IO_EOF = TLS_EOF, NET_IO_WAIT = -1, NET_IO_FAILED = -3 };

/** net_io_tls() - what TLS returned, as these do. */
ssize_t net_io_tls(struct net_conn *c, ssize_t n);
/** net_io_read_plain() - past TLS. Return: bytes, NET_IO_EOF, NET_IO_WAIT or NET_IO_FAILED. */
ssize_t net_io_read_plain(struct net_conn *c, void *buf, size_t max);
/** net_io_fill() - read what fits behind what is there. Return: the same. */
ssize_t net_io_fill(struct net_conn *c);
/** net_io_write() - send of what waits, @max bytes at most. Return: how many, 0 if nothing waits; NET_IO_WAIT, NET_IO_FAILED. */
ssize_t net_io_write(struct net_conn *c, size_t max);
/** net_io_sent() - so many of them have gone. */
void net_io_sent(struct net_conn *c, size_t n);

/** net_input_have() - bytes that are there. */
static inline size_t net_input_have(const struct net_input *in)
{
	return in->len - in->at;
}
void net_input_drop(struct net_input *in);
/** net_input_keep() - the end of a step: what is left moves to memory of its own. */
void net_input_keep(struct net_conn *c);

/** net_flush() - send what waits, @budget bytes at most, which becomes less. Return: NEXT_STATE: all was sent. */
enum next net_flush(struct net_conn *c, size_t *budget);
/** net_no_input() - what is next after a read that brought nothing. @n: it */
enum next net_no_input(ssize_t n);

#endif
