/* SPDX-License-Identifier: Apache-2.0 */
#include "net/peer.h"

#include <arpa/inet.h>
#include <string.h>

#define KEY_SIZE sizeof((struct net_peer *)NULL)->key

/* ---- by address ---- */

static guint hash_key(gconstpointer key)
{
	uint64_t half[2];

	memcpy(half, key, sizeof half);
	half[0] = (half[0] ^ half[1]) * UINT64_C(0x9e3779b97f4a7c15);
	return (guint)(half[0] >> 32);
}

static gboolean same_key(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, KEY_SIZE) == 0;
}

/* Return: whether it is an address of this machine. */
static bool make_key(const union net_address *a, uint8_t key[KEY_SIZE])
{
	struct in6_addr in6 = { 0 };

	memset(key, 0, KEY_SIZE);
	if (a->any.sa_family == AF_INET6)
		in6 = a->in6.sin6_addr;
	if (a->any.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&in6)) {
		key[0] = 4;
		memcpy(key + 12, a->any.sa_family == AF_INET ? (const void *)&a->in.sin_addr : (const void *)(in6.s6_addr + 12), 4);
		return key[12] == 127;
	}
	if (a->any.sa_family != AF_INET6)
		return true;
	key[0] = 6;
	memcpy(key + 8, in6.s6_addr, 8);
	return IN6_IS_ADDR_LOOPBACK(&in6);
}

static void write_name(const union net_address *a, char *name, size_t size)
{
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in.sin_addr, name, (socklen_t)size);
	else if (a->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, name, (socklen_t)size);
	else
		g_strlcpy(name, "unix", size);
}

void net_peers_init(struct net_peers *all)
{
	all->all = g_hash_table_new_full(hash_key, same_key, NULL, g_free);
	g_queue_init(&all->ring);
	g_queue_init(&all->rested);
}

void net_peers_clear(struct net_peers *all)
{
	g_hash_table_unref(all->all);
}

struct net_peer *net_peer_find(const struct net_peers *all, const union net_address *from)
{
	uint8_t key[KEY_SIZE];

	(void)make_key(from, key);
	return g_hash_table_lookup(all->all, key);
}

struct net_peer *net_peer_enter(struct net_peers *all, const union net_address *from, struct net_conn *c)
{
	struct net_peer *p = net_peer_find(all, from);

	if (!p) {
		p = g_new0(struct net_peer, 1);
		p->local = make_key(from, p->key);
		p->in_ring.data = p;
		g_queue_init(&p->ready);
		g_queue_init(&p->waiting[0]);
		g_queue_init(&p->waiting[1]);
		g_queue_init(&p->unfinished);
		g_hash_table_insert(all->all, p->key, p);
	}
	p->open++;
	write_name(from, c->name, sizeof c->name);
	return p;
}

void net_peer_leave(struct net_peers *all, struct net_conn *c)
{
	struct net_peer *p = c->peer;

	net_unready(c);
	if (--p->open > 0)
		return;
	if (p->ringing)
		g_queue_unlink(p->ringing, &p->in_ring);
	g_hash_table_remove(all->all, p->key);
}

/* ---- whose turn it is ---- */

static void move_to(struct net_peer *p, GQueue *ring)
{
	p->ringing = ring;
	g_queue_push_tail_link(ring, &p->in_ring);
}

void net_ready(struct net_conn *c)
{
	struct net_peer *p = c->peer;

	/* its step will say whether there is more to do */
	if (c->queued || c->stepping)
		return;
	c->queued = true;
	g_queue_push_tail_link(&p->ready, &c->in_ready);
	if (p->ringing)
		return;
	move_to(p, &c->s->peers.ring);
}

void net_unready(struct net_conn *c)
{
	if (!c->queued)
		return;
	c->queued = false;
	g_queue_unlink(&c->peer->ready, &c->in_ready);
}

struct net_conn *net_next(struct net_server *s)
{
	GList *link;

	while ((link = g_queue_pop_head_link(&s->peers.ring))) {
		struct net_peer *p = link->data;
		struct net_conn *c = g_queue_peek_head(&p->ready);

		if (!c) {
			p->ringing = NULL;
			continue;
		}
		/* The first in the line has had its step in this turn, so all have. */
		if (c->turn == s->turn) {
			move_to(p, &s->peers.rested);
			continue;
		}
		move_to(p, &s->peers.ring);
		net_unready(c);
		return c;
	}
	return NULL;
}

bool net_rest(struct net_server *s)
{
	GList *link;

	while ((link = g_queue_pop_head_link(&s->peers.rested)))
		move_to(link->data, &s->peers.ring);
	return s->peers.ring.length > 0;
}
