/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upgrade.h"

#include "net/head.h"
#include "net/inner.h"
#include "net/io.h"
#include "net/peer.h"
#include "net/state.h"

void net_upgrade(struct net_conn *c, const char *fields)
{
	g_assert(c->served && !c->answered && c->state == NET_HANDLE);
	c->answered = true;
	c->keep = c->paused = false;
	net_put_begin(c->out, 101, "Switching Protocols", fields);
	g_string_append(c->out, "\r\n");
	net_bound_buffer(c);
	net_enter(c, NET_UPGRADED);
	net_ready(c);
}

void net_send(struct net_conn *c, const char *data, size_t len)
{
	g_assert(c->state == NET_UPGRADED);
	g_string_append_len(c->out, data, (gssize)len);
	net_ready(c);
}

size_t net_unsent(const struct net_conn *c)
{
	return c->out->len - c->out_at;
}

void net_pause(struct net_conn *c, bool paused)
{
	g_assert(c->state == NET_UPGRADED);
	c->paused = paused;
	net_ready(c);
}

void net_end(struct net_conn *c)
{
	g_assert(c->state == NET_UPGRADED);
	net_enter(c, NET_SEND);
	net_ready(c);
}

/* Return: it is still the other protocol's. */
static bool take_bytes(struct net_conn *c)
{
	struct net_input *in = &c->in;
	size_t n = net_input_have(in);
	const char *data = in->data + in->at;

	in->at += n;
	if (n)
		c->s->p.service->bytes(c, data, n);
	return c->state == NET_UPGRADED;
}

/* NEXT_EVENT: there is no more now, or none is wanted. */
static enum next receive_bytes(struct net_conn *c)
{
	size_t budget = NET_PIECE;

	while (!c->paused && budget) {
		ssize_t n;

		if (!take_bytes(c))
			return NEXT_STATE;
		if (c->paused)
			break;
		n = net_io_fill(c);
		if (n <= 0)
			return net_no_input(n);
		budget -= MIN(budget, (size_t)n);
	}
	return c->paused ? NEXT_EVENT : NEXT_TURN;
}

static enum next send_bytes(struct net_conn *c)
{
	size_t budget = NET_PIECE;
	enum next next;

	do {
		next = net_flush(c, &budget);
		if (next == NEXT_STATE)
			c->s->p.service->sent(c);
		if (c->state != NET_UPGRADED)
			return NEXT_STATE;
	} while (next == NEXT_STATE && net_unsent(c));
	return next == NEXT_STATE ? NEXT_EVENT : next;
}

enum next net_pass_bytes(struct net_conn *c)
{
	enum next in = receive_bytes(c), out;

	if (in == NEXT_STATE || in == NEXT_CLOSE)
		return in;
	out = send_bytes(c);
	return out == NEXT_EVENT ? in : out;
}
