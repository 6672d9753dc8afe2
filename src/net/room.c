/* SPDX-License-Identifier: Apache-2.0 */
#include "net/room.h"

#include "base/memory.h"

#define TRIM_BYTES (8 << 20)    /* of bodies: when so much fewer are there, the memory goes back to the system */

/* Of those in a queue whose bodies have not ended the one that began first. */
static struct net_conn *oldest_body(const GQueue *q, const struct net_conn *not_that)
{
	for (GList *link = q->head; link; link = link->next) {
		struct net_conn *c = link->data;

		if (c != not_that && c->body_bytes)
			return c;
	}
	return NULL;
}

bool net_room_lacks(const struct net_conn *c, size_t len, struct net_conn **ret_other)
{
	const struct net_server *s = c->s;

	if (!c->peer->local && c->peer->bodies + len > s->p.bodies_max / s->p.share)
		*ret_other = oldest_body(&c->peer->unfinished, c);
	else if (s->bodies + len > s->p.bodies_max)
		*ret_other = oldest_body(&s->states[NET_BODY][oldest_body(&s->states[NET_BODY][0], c) == NULL], c);
	else
		return false;
	return true;
}

void net_room_take(struct net_conn *c, size_t len)
{
	struct net_server *s = c->s;

	if (!c->unfinished)
		g_queue_push_tail_link(&c->peer->unfinished, &c->in_unfinished);
	c->unfinished = true;
	c->body_bytes += len;
	c->peer->bodies += len;
	s->bodies += len;
	s->bodies_peak = MAX(s->bodies_peak, s->bodies);
}

void net_room_give(struct net_conn *c)
{
	struct net_server *s = c->s;

	if (!c->body_bytes)
		return;
	s->bodies -= c->body_bytes;
	c->peer->bodies -= c->body_bytes;
	c->body_bytes = 0;
	if (s->bodies_peak < TRIM_BYTES || s->bodies > s->bodies_peak / 4)
		return;
	s->bodies_peak = s->bodies;
	memory_trim();
}
