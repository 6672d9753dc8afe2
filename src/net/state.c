/* SPDX-License-Identifier: Apache-2.0 */
#include "net/state.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "net/inner.h"

/* limit_ms: how long it may stay. waits: for its client, which may lose it to another one, if it is not trusted. */
static const struct {
	const char *name;
	int limit_ms;
	bool waits;
} states[] = {
	[NET_HANDSHAKE] = { "handshake", 10000, true },
	[NET_IDLE]      = { "idle", 75000, true },
	[NET_HEAD]      = { "head", 15000, true },
	[NET_BODY]      = { "body", 30000, true },
	[NET_HANDLE]    = { "handle", 0, false },
	[NET_SEND]      = { "send", 30000, true },
	[NET_STREAM]    = { "stream", 75000, false },
	[NET_UPGRADED]  = { "upgraded", 0, false },
	[NET_LINGER]    = { "linger", 2000, true },
};
static_assert(G_N_ELEMENTS(states) == NET_STATE_N, "states is missing one");

const char *net_state_name(enum net_state s)
{
	return states[s].name;
}

bool net_waits(enum net_state s)
{
	return states[s].waits;
}

void net_arm(struct net_server *s, int64_t at_ms)
{
	if (s->timer && s->timer_ms <= at_ms)
		return;
	clock_cancel(&s->timer);
	s->timer_ms = at_ms;
	s->timer = clock_after(at_ms - clock_now_ms(), s->deadline, s);
}

static void leave_state(struct net_conn *c)
{
	if (c->state == NET_STATE_N)
		return;
	g_queue_unlink(&c->s->states[c->state][c->holder != NULL], &c->in_state);
	if (c->waits)
		g_queue_unlink(&c->peer->waiting[c->holder != NULL], &c->in_peer);
	if (c->waits && c->holder)
		g_queue_unlink(&c->holder->waiting, &c->in_holder);
	if (c->unfinished)
		g_queue_unlink(&c->peer->unfinished, &c->in_unfinished);
	if (c->state == NET_HANDLE)
		c->peer->handled--;
	c->waits = c->unfinished = false;
}

static void enter_state(struct net_conn *c, enum net_state state)
{
	int limit_ms = states[state].limit_ms;

	c->state = state;
	c->since = ++c->s->moves;
	c->waits = net_waits(state);
	g_queue_push_tail_link(&c->s->states[state][c->holder != NULL], &c->in_state);
	if (c->waits)
		g_queue_push_tail_link(&c->peer->waiting[c->holder != NULL], &c->in_peer);
	if (c->waits && c->holder)
		g_queue_push_tail_link(&c->holder->waiting, &c->in_holder);
	c->unfinished = state == NET_BODY && c->body_bytes;
	if (c->unfinished)
		g_queue_push_tail_link(&c->peer->unfinished, &c->in_unfinished);
	if (state == NET_HANDLE)
		c->peer->handled++;
	c->deadline_ms = limit_ms ? clock_now_ms() + limit_ms : INT64_MAX;
	if (limit_ms)
		net_arm(c->s, c->deadline_ms);
	net_check_stopped(c->s);
}

unsigned net_trusted_max(unsigned n)
{
	return MAX(1, n - (n + 3) / 4);
}

/* Return: the queue of which one must leave before another with that token is kept; NULL: there is room. */
static GQueue *trusted_full(const struct net_conn *c, const char *name)
{
	const struct net_params *p = &c->s->p;

	if (!c->peer->local && c->peer->trusted >= net_trusted_max(net_share(p, p->connections_max)))
		return &c->peer->waiting[1];
	return holders_full(c->s->holders, name);
}

static void drop_holder(struct net_conn *c)
{
	if (!c->holder)
		return;
	holders_leave(c->s->holders, c->holder);
	c->holder = NULL;
	c->peer->trusted--;
}

void net_enter(struct net_conn *c, enum net_state state)
{
	leave_state(c);
	/* An end has no privilege: what is closed is closed. */
	if (state == NET_LINGER)
		drop_holder(c);
	enter_state(c, state);
}

static void untrust(struct net_conn *c)
{
	leave_state(c);
	drop_holder(c);
	enter_state(c, c->state);
}

void net_trust(struct net_conn *c, const char *holder)
{
	struct net_conn *other = NULL;
	GQueue *full;

	if (c->holder && strcmp(c->holder->name, holder) == 0)
		return;
	leave_state(c);
	drop_holder(c);
	while ((full = trusted_full(c, holder)) && (other = g_queue_peek_head(full)))
		untrust(other);
	if (!full) {
		c->holder = holders_join(c->s->holders, holder);
		c->peer->trusted++;
	}
	enter_state(c, c->state);
}

void net_leave(struct net_conn *c)
{
	leave_state(c);
	drop_holder(c);
	c->state = NET_STATE_N;
}

/* ---- what there is of each ---- */

bool net_may_handle(const struct net_conn *c)
{
	const struct net_server *s = c->s;
	const struct net_peer *p = c->peer;

	return s->states[NET_HANDLE][0].length + s->states[NET_HANDLE][1].length < s->p.handled_max &&
	       (p->local || p->handled < net_share(&s->p, s->p.handled_max));
}

unsigned net_unfinished(const struct net_server *s)
{
	unsigned n = 0;

	for (int trusted = 0; trusted < 2; trusted++)
		n += s->states[NET_HANDLE][trusted].length + s->states[NET_SEND][trusted].length;
	return n;
}

void net_check_stopped(struct net_server *s)
{
	loop_f *stopped = s->stopped;

	if (!stopped || net_unfinished(s))
		return;
	s->stopped = NULL;
	loop_post(stopped, s->stopped_user); /* it may free the server in the middle of a step */
}
