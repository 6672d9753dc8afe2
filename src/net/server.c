/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/server_priv.h"

#define EVENTS_MAX 512
#define AGAIN_MS 100            /* before a deadline is looked at again whose connection has something to do first */
#define TRIM_BYTES (8 << 20)    /* of bodies: when so much fewer are there, the memory goes back to the system */

struct loop_source {
	GSource source;
	struct net_server *s;
	gpointer tag;
};

/* ---- states and deadlines ---- */

static void on_deadline(void *user);

static void arm(struct net_server *s, int64_t at_ms)
{
	if (s->timer && s->timer_ms <= at_ms)
		return;
	clock_cancel(&s->timer);
	s->timer_ms = at_ms;
	s->timer = clock_after(at_ms - clock_now_ms(), on_deadline, s);
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
	int limit_ms = net_limit_ms(state);

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
		arm(c->s, c->deadline_ms);
	net_check_stopped(c->s);
}

/* Of so many connections, those that may be kept because of their tokens. Others are left, so that a client can come and show its token. */
static unsigned trusted_max(unsigned n)
{
	return MAX(1, n - (n + 3) / 4);
}

/* Return: the queue of which one must leave before another with that token is kept; NULL: there is room. */
static GQueue *trusted_full(const struct net_conn *c, const char *name)
{
	const struct net_params *p = &c->s->p;

	if (!c->peer->local && c->peer->trusted >= trusted_max(net_share(p, p->connections_max)))
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
		arm(s, next_ms);
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
	int64_t until_us = clock_now_us() + NET_TURN_US;
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

void net_conn_close(struct net_conn *c)
{
	struct net_server *s = c->s;

	leave_state(c);
	drop_holder(c);
	c->state = NET_STATE_N;
	if (c->served) {
		c->served = false;
		s->p.service->over(c);
	}
	net_body_done(c);
	net_peer_leave(&s->peers, c);
	s->open--;
	if (s->open < s->p.connections_max / 8 * 7)
		s->full_told = false;
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	if (!c->in.lent)
		g_free(c->in.data);
	g_string_free(c->out, TRUE);
	if (c->content)
		g_string_free(c->content, TRUE);
	g_free(c);
	net_check_stopped(s);
}

/* ---- requests and bodies ---- */

bool net_may_handle(const struct net_conn *c)
{
	const struct net_server *s = c->s;
	const struct net_peer *p = c->peer;

	return s->states[NET_HANDLE][0].length + s->states[NET_HANDLE][1].length < s->p.handled_max &&
	       (p->local || p->handled < net_share(&s->p, s->p.handled_max));
}

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

/* Whether there is no room for @len bytes more of @c. @ret_other: whose body has to go, one of the same address if that has its share; NULL: none can */
static bool in_the_way(const struct net_conn *c, size_t len, struct net_conn **ret_other)
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

bool net_room_for(struct net_conn *c, size_t len)
{
	struct net_server *s = c->s;
	struct net_conn *other;

	while (in_the_way(c, len, &other)) {
		if (!other)
			return false;
		net_conn_refuse(other, 503, "Too many bodies are being received");
	}
	if (!c->unfinished)
		g_queue_push_tail_link(&c->peer->unfinished, &c->in_unfinished);
	c->unfinished = true;
	c->body_bytes += len;
	c->peer->bodies += len;
	s->bodies += len;
	s->bodies_peak = MAX(s->bodies_peak, s->bodies);
	return true;
}

void net_body_done(struct net_conn *c)
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
	(void)malloc_trim(0); /* whether there was something to give back */
}

/* ---- requests ---- */

void net_wake(struct net_conn *c)
{
	if (c->state != NET_STREAM || c->wakes)
		return;
	c->wakes = true;
	net_ready(c);
}

bool net_left(const struct net_conn *c)
{
	return c->left;
}

const char *net_address_name(const struct net_conn *c)
{
	return c->name;
}

void *net_user(const struct net_conn *c)
{
	return c->s->p.user;
}

void net_set_own(struct net_conn *c, void *own)
{
	c->own = own;
}

void *net_own(const struct net_conn *c)
{
	return c->own;
}

/* ---- start and end ---- */

struct net_server *net_server_new(const struct net_params *p)
{
	struct net_server *s = g_new0(struct net_server, 1);

	s->p = *p;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		g_error("epoll_create1: %s", g_strerror(errno));
	net_peers_init(&s->peers);
	s->holders = holders_new(trusted_max(p->connections_max), net_share(p, p->connections_max));
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

struct net_stats net_stats(const struct net_server *s)
{
	struct net_stats st = s->stats;

	for (int i = 0; i < NET_STATE_N; i++)
		st.state[i] = s->states[i][0].length + s->states[i][1].length;
	st.trusted = holders_count(s->holders);
	st.body_bytes = s->bodies;
	return st;
}
