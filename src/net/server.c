/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/conn.h"
#include "net/inner.h"
#include "net/peer.h"
#include "net/state.h"

#define EVENTS_MAX 512
#define AGAIN_MS 100            /* before a deadline is looked at again whose connection has something to do first */
#define TURN_US 5000

struct loop_source {
	GSource source;
	struct net_server *s;
	gpointer tag;
};

/* ---- events ---- */

static void note_event(struct net_conn *c, uint32_t events)
{
	c->readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	c->writable |= (events & EPOLLOUT) != 0;
	c->left |= (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
	c->gone |= (events & (EPOLLHUP | EPOLLERR)) != 0;
	net_ready(c);
}

static void poll_events(struct net_server *s)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++)
		note_event(events[i].data.ptr, events[i].events);
}

/* What is due and has nothing to do. What has, shows in its step whether it is late. */
static void expire(GQueue *q, int64_t now_ms, int64_t *next_ms)
{
	GList *link = q->head;

	while (link) {
		struct net_conn *c = link->data;

		link = link->next;
		if (c->deadline_ms > now_ms) {
			*next_ms = MIN(*next_ms, c->deadline_ms);
			return;
		}
		if (c->queued)
			*next_ms = MIN(*next_ms, now_ms + AGAIN_MS);
		else
			net_conn_expire(c);
	}
}

static void on_deadline(void *user)
{
	struct net_server *s = user;
	int64_t now_ms = clock_now_ms(), next_ms = INT64_MAX;

	s->timer = NULL;
	poll_events(s);
	for (int i = 0; i < NET_STATE_N; i++)
		for (int trusted = 0; trusted < 2; trusted++)
			expire(&s->states[i][trusted], now_ms, &next_ms);
	if (next_ms != INT64_MAX)
		net_arm(s, next_ms);
}

static gboolean source_prepare(GSource *source, int *timeout_ms)
{
	const struct net_server *s = ((struct loop_source *)source)->s;

	*timeout_ms = -1;
	return s->peers.ring.length > 0;
}

static gboolean source_check(GSource *source)
{
	const struct loop_source *l = (struct loop_source *)source;

	return l->s->peers.ring.length > 0 || g_source_query_unix_fd(source, l->tag) != 0;
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, void *user)
{
	struct net_server *s = ((struct loop_source *)source)->s;
	int64_t until_us = clock_now_us() + TURN_US;
	struct net_conn *c;

	(void)fn;
	(void)user;
	poll_events(s);
	s->turn++;
	while ((c = net_next(s))) {
		net_conn_step(c);
		if (clock_now_us() > until_us)
			break;
	}
	(void)net_rest(s); /* prepare() looks itself */
	return G_SOURCE_CONTINUE;
}

static void add_source(struct net_server *s)
{
	static GSourceFuncs funcs = { .prepare = source_prepare, .check = source_check, .dispatch = source_dispatch };
	struct loop_source *l;

	s->source = g_source_new(&funcs, sizeof *l);
	g_source_set_name(s->source, "net");
	/* No dispatch is nested here. GLib takes the descriptor of any other source out of its poll for each dispatch, and wakes itself for that twice. */
	g_source_set_can_recurse(s->source, TRUE);
	l = (struct loop_source *)s->source;
	l->s = s;
	l->tag = g_source_add_unix_fd(s->source, s->epoll_fd, G_IO_IN);
	g_source_attach(s->source, g_main_loop_get_context(loop_main()));
}

/* ---- room ---- */

/* The stranger that has kept us waiting longest. */
static struct net_conn *oldest_waiting(const struct net_server *s)
{
	struct net_conn *oldest = NULL;

	for (int i = 0; i < NET_STATE_N; i++) {
		struct net_conn *c = net_waits((enum net_state)i) ? g_queue_peek_head((GQueue *)&s->states[i][0]) : NULL;

		if (c && (!oldest || c->since < oldest->since))
			oldest = c;
	}
	return oldest;
}

static bool evict(struct net_server *s, struct net_conn *c)
{
	if (!c)
		return false;
	s->stats.evicted++;
	net_conn_close(c);
	return true;
}

static void tell_full(struct net_server *s)
{
	if (!s->full_told)
		log_warning("connections_full", LOG_D("limit", s->p.connections_max));
	s->full_told = true;
}

/* Return: whether there is room for a connection of that address, perhaps made at the cost of a client that keeps us waiting. */
static bool make_room(struct net_server *s, const union net_address *from)
{
	struct net_peer *p = net_peer_find(&s->peers, from);

	if (s->open >= s->p.connections_max) {
		tell_full(s);
		if (!evict(s, oldest_waiting(s)))
			return false;
		p = net_peer_find(&s->peers, from);
	}
	return !p || p->local || p->open < net_share(&s->p, s->p.connections_max) || evict(s, g_queue_peek_head(&p->waiting[0]));
}

void net_accept(int fd, const union net_address *from, void *user)
{
	struct net_server *s = user;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct net_conn *c;

	if (s->stopping || !make_room(s, from)) {
		close(fd);
		return;
	}
	c = net_conn_new(s, fd);
	c->peer = net_peer_enter(&s->peers, from, c);
	s->open++;
	s->stats.accepted++;
	net_enter(c, c->ssl ? NET_HANDSHAKE : NET_IDLE);
	ev.data.ptr = c;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return;
	log_warning("accept_failed", LOG_S("why", g_strerror(errno)));
	net_conn_close(c);
}

/* ---- start and end ---- */

struct net_server *net_server_new(const struct net_params *p)
{
	struct net_server *s = g_new0(struct net_server, 1);

	s->p = *p;
	s->deadline = on_deadline;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		g_error("epoll_create1: %s", g_strerror(errno));
	net_peers_init(&s->peers);
	s->holders = holders_new(net_trusted_max(p->connections_max), net_share(p, p->connections_max));
	for (int i = 0; i < NET_STATE_N; i++)
		for (int trusted = 0; trusted < 2; trusted++)
			g_queue_init(&s->states[i][trusted]);
	add_source(s);
	return s;
}

void net_server_free(struct net_server *s)
{
	if (!s)
		return;
	s->stopped = NULL;
	for (int i = 0; i < NET_STATE_N; i++)
		for (int trusted = 0; trusted < 2; trusted++)
			while (s->states[i][trusted].head)
				net_conn_close(s->states[i][trusted].head->data);
	clock_cancel(&s->timer);
	g_source_destroy(s->source);
	g_source_unref(s->source);
	close(s->epoll_fd);
	holders_free(s->holders);
	net_peers_clear(&s->peers);
	g_free(s);
}

void net_stop(struct net_server *s, loop_f *done, void *user)
{
	s->stopping = true;
	s->stopped = done;
	s->stopped_user = user;
	for (int trusted = 0; trusted < 2; trusted++) {
		for (GList *link = s->states[NET_STREAM][trusted].head, *next; link; link = next) {
			next = link->next;
			(void)net_conn_end_stream(link->data); /* one whose client does not read is not waited for */
		}
	}
	net_check_stopped(s);
}

struct net_stats net_server_stats(const struct net_server *s)
{
	struct net_stats st = s->stats;

	for (int i = 0; i < NET_STATE_N; i++)
		st.state[i] = s->states[i][0].length + s->states[i][1].length;
	st.trusted = holders_count(s->holders);
	st.body_bytes = s->bodies;
	return st;
}
