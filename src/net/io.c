/* SPDX-License-Identifier: Apache-2.0 */
#include "net/io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/state.h"

#define PROGRESS (16 * 1024)       /* what a reader must have taken for its deadline to begin again */

/* ---- bytes in and out; they keep account of what the socket can do ---- */

ssize_t net_io_read_plain(struct net_conn *c, void *buf, size_t max)
{
	ssize_t n = recv(c->fd, buf, max, 0);

	if (n < 0 && errno == EINTR)
		return net_io_read_plain(c, buf, max);
	if (n < 0 && errno != EAGAIN)
		return NET_IO_FAILED;
	/* What comes after a short read is an event of its own. Not the end, if that was announced with the data. */
	if (n < 0 || ((size_t)n < max && !c->left))
		c->readable = false;
	return n < 0 ? NET_IO_WAIT : n;
}

ssize_t net_io_tls(struct net_conn *c, ssize_t n)
{
	if (n == TLS_WANTS_READ)
		c->readable = false;
	else if (n == TLS_WANTS_WRITE)
		c->writable = false;
	return n == TLS_WANTS_WRITE ? NET_IO_WAIT : n;
}

static ssize_t read_some(struct net_conn *c, void *buf, size_t max)
{
	return c->ssl ? net_io_tls(c, tls_read(c->ssl, buf, max)) : net_io_read_plain(c, buf, max);
}

static ssize_t write_plain(struct net_conn *c, struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);

	if (sent >= 0)
		return sent;
	if (errno == EINTR)
		return write_plain(c, iov, n);
	if (errno != EAGAIN)
		return NET_IO_FAILED;
	c->writable = false;
	return NET_IO_WAIT;
}

ssize_t net_io_write(struct net_conn *c, size_t max)
{
	struct iovec iov[2];
	int n = 0;

	if (c->out->len > c->out_at)
		iov[n++] = (struct iovec){ c->out->str + c->out_at, MIN(max, c->out->len - c->out_at) };
	if (n)
		max -= iov[0].iov_len;
	if (max && c->content && c->content->len > c->content_at)
		iov[n++] = (struct iovec){ c->content->str + c->content_at, MIN(max, c->content->len - c->content_at) };
	if (!n)
		return 0;
	return c->ssl ? net_io_tls(c, tls_write(c->ssl, iov[0].iov_base, iov[0].iov_len)) : write_plain(c, iov, n);
}

void net_io_sent(struct net_conn *c, size_t n)
{
	size_t of_out = MIN(n, c->out->len - c->out_at);

	c->out_at += of_out;
	c->content_at += n - of_out;
	if (c->out_at == c->out->len) {
		g_string_truncate(c->out, 0);
		c->out_at = 0;
	}
	c->sent += n;
	if (c->sent < PROGRESS)
		return;
	c->sent = 0;
	net_enter(c, c->state);
}

/* ---- what was read and not yet used ---- */

void net_input_drop(struct net_input *in)
{
	if (!in->lent)
		g_free(in->data);
	*in = (struct net_input){ .data = NULL };
}

/* Room behind what is there: the server's own memory if nothing is, which is given back at the end of the step. */
static void make_room(struct net_conn *c)
{
	struct net_input *in = &c->in;

	if (net_input_have(in) == 0) {
		size_t parsed = in->parsed;

		net_input_drop(in);
		*in = (struct net_input){ .data = c->s->input, .size = NET_INPUT, .lent = true, .parsed = parsed };
	} else if (in->len == in->size && in->at) {
		memmove(in->data, in->data + in->at, net_input_have(in));
		in->len -= in->at;
		in->at = 0;
	} else if (in->len == in->size) {
		g_assert(!in->lent); /* a head that net_io_fills it is refused */
		in->size = MAX(2 * in->size, 1024);
		in->data = g_realloc(in->data, in->size);
	}
}

void net_input_keep(struct net_conn *c)
{
	struct net_input *in = &c->in;
	size_t n = net_input_have(in), parsed = in->parsed;
	char *own;

	if (!in->lent)
		return;
	own = n ? g_memdup2(in->data + in->at, n) : NULL;
	*in = (struct net_input){ .data = own, .len = n, .size = n, .parsed = parsed };
}

ssize_t net_io_fill(struct net_conn *c)
{
	ssize_t n;

	if (!c->readable)
		return NET_IO_WAIT;
	make_room(c);
	n = read_some(c, c->in.data + c->in.len, c->in.size - c->in.len);
	if (n > 0)
		c->in.len += (size_t)n;
	return n;
}

enum next net_flush(struct net_conn *c, size_t *budget)
{
	while (*budget) {
		ssize_t n = net_io_write(c, *budget);

		if (n == 0)
			return NEXT_STATE;
		if (n < 0)
			return n == NET_IO_WAIT ? NEXT_EVENT : NEXT_CLOSE;
		net_io_sent(c, (size_t)n);
		*budget -= (size_t)n;
	}
	return NEXT_TURN;
}

enum next net_no_input(ssize_t n)
{
	return n == NET_IO_WAIT ? NEXT_EVENT : NEXT_CLOSE;
}
