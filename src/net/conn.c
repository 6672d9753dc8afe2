/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection: what it does in each state. A step goes on until the socket has no more, or takes no more, until a request was answered, or
 * NET_PIECE bytes have passed.
 */
#include "net/conn.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "net/head.h"
#include "net/inner.h"
#include "net/io.h"
#include "net/peer.h"
#include "net/room.h"
#include "net/state.h"
#include "net/step.h"
#include "net/upgrade.h"

#define STREAM_PIECE (16 * 1024)
#define JOINED_MAX 4096            /* a body that is sent with its head, in one piece */

static net_step_f do_handshake, read_head, read_body, wait_handler, send_answer, send_stream, linger;

/* late: what its client is told. */
static const struct {
	net_step_f *step;
	const char *late;
} states[] = {
	[NET_HANDSHAKE] = { do_handshake },
	[NET_IDLE]      = { read_head },
	[NET_HEAD]      = { read_head, "The head of the request did not come in time" },
	[NET_BODY]      = { read_body, "The body of the request did not come in time" },
	[NET_HANDLE]    = { wait_handler },
	[NET_SEND]      = { send_answer },
	[NET_STREAM]    = { send_stream },
	[NET_UPGRADED]  = { net_pass_bytes },
	[NET_LINGER]    = { linger },
};
static_assert(G_N_ELEMENTS(states) == NET_STATE_N, "states is missing one");

/* ---- answers ---- */

static void take_content(struct net_conn *c, GString *body)
{
	if (body && !c->no_content && body->len <= JOINED_MAX)
		g_string_append_len(c->out, body->str, (gssize)body->len);
	if (body && (c->no_content || body->len <= JOINED_MAX)) {
		g_string_free(body, TRUE);
		body = NULL;
	}
	c->content = body;
	c->content_at = 0;
}

static void end_stream(struct net_conn *c)
{
	if (c->minor > 0)
		g_string_append(c->out, "0\r\n\r\n");
	c->stream = false;
	net_enter(c, NET_SEND);
}

void net_answer(struct net_conn *c, const struct net_response *a)
{
	g_assert(c->served && !c->answered);
	c->answered = true;
	/* Behind a request that was not read to its end, the begin of the next one is unknown; the end of HTTP/1.0's stream is that of the connection. */
	c->keep = c->keep && c->state == NET_HANDLE && !c->s->stopping && !(a->stream && c->minor == 0);
	c->stream = a->stream && !c->no_content;
	net_put_head(c, a);
	take_content(c, a->body);
	c->sent = 0;
	c->wakes = true;
	if (!c->stream) {
		net_enter(c, NET_SEND);
	} else if (c->s->stopping) {
		end_stream(c);
	} else {
		net_bound_buffer(c);
		net_enter(c, NET_STREAM);
	}
	net_ready(c);
}

/* The request is over, however it ended. */
static void end_request(struct net_conn *c)
{
	if (c->served) {
		c->served = false;
		c->s->p.service->over(c);
		c->own = NULL;
	}
	net_room_give(c);
	c->answered = c->stream = false;
	if (c->content)
		g_string_free(c->content, TRUE);
	c->content = NULL;
	c->content_at = 0;
}

void net_conn_refuse(struct net_conn *c, int status, const char *why)
{
	struct net_response a = { .status = status, .reason = http1_reason(status), .fields = "Content-Type: application/json\r\n" };

	end_request(c);
	a.body = c->s->p.service->refusal(status, why);
	c->s->stats.refused++;
	c->keep = false;
	c->no_content = false;
	c->answered = true;
	c->sent = 0;
	net_put_head(c, &a);
	take_content(c, a.body);
	net_enter(c, NET_SEND);
	net_ready(c);
}

static enum next refuse(struct net_conn *c, int status, const char *why)
{
	net_conn_refuse(c, status, why);
	return NEXT_STATE;
}

/* ---- the steps: a request ---- */

static enum next do_handshake(struct net_conn *c)
{
	ssize_t n = net_io_tls(c, tls_handshake(c->ssl));

	if (n < 0)
		return n == NET_IO_WAIT ? NEXT_EVENT : NEXT_CLOSE;
	net_enter(c, NET_IDLE);
	return NEXT_STATE;
}

static enum next handle(struct net_conn *c)
{
	if (!net_may_handle(c))
		return refuse(c, 503, "Too many requests are being handled");
	net_enter(c, NET_HANDLE);
	c->s->p.service->whole(c);
	return c->answered ? NEXT_STATE : NEXT_EVENT;
}

static enum next begin(struct net_conn *c, const struct http1_head *h)
{
	c->minor = h->minor;
	c->keep = h->keep_alive && !c->s->stopping;
	c->no_content = strcmp(h->method, "HEAD") == 0;
	http1_body_begin(&c->body, h);
	c->served = true;
	c->s->p.service->head(c, h);
	if (c->answered)
		return NEXT_STATE;
	if (http1_body_ended(&c->body))
		return handle(c);
	if (h->expects_continue && net_input_have(&c->in) == 0)
		g_string_append(c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	net_enter(c, NET_BODY);
	return NEXT_STATE;
}

/* A head is looked at when it begins, whenever a line of it ends, and when no line may be as long. */
static bool worth_parsing(const struct net_input *in)
{
	size_t n = net_input_have(in);

	return n && (in->parsed == 0 || n > HTTP1_LINE_MAX || memchr(in->data + in->at + in->parsed, '\n', n - in->parsed));
}

/* Return: false if more of it is to come. */
static bool parse(struct net_conn *c, enum next *ret)
{
	struct net_input *in = &c->in;
	struct http1_head head;
	enum http1_result r = http1_parse(in->data + in->at, net_input_have(in), &head);

	in->parsed = net_input_have(in);
	if (r == HTTP1_MORE)
		return false;
	if (r == HTTP1_BAD) {
		*ret = refuse(c, head.status, head.why);
		return true;
	}
	in->at += head.size;
	in->parsed = 0;
	*ret = begin(c, &head);
	return true;
}

/* Of IDLE and HEAD. */
static enum next read_head(struct net_conn *c)
{
	enum next next;
	ssize_t n;

	for (;;) {
		if (worth_parsing(&c->in) && parse(c, &next))
			return next;
		n = net_io_fill(c);
		if (n <= 0)
			return net_no_input(n);
		if (c->state == NET_IDLE)
			net_enter(c, NET_HEAD);
	}
}

/* The bytes of a body; others that came in part have to go for them. Return: false if there are too many, and none could go. */
static bool take_room(struct net_conn *c, size_t len)
{
	struct net_conn *other;

	while (net_room_lacks(c, len, &other)) {
		if (!other)
			return false;
		net_conn_refuse(other, 503, "Too many bodies are being received");
	}
	net_room_take(c, len);
	return true;
}

/* Give what is there of the body to the service. NEXT_EVENT: more of it is to come. */
static enum next use_body(struct net_conn *c)
{
	struct net_input *in = &c->in;

	while (net_input_have(in) && !http1_body_ended(&c->body)) {
		const char *piece;
		size_t used, n;

		if (!http1_body_next(&c->body, in->data + in->at, net_input_have(in), &used, &piece, &n))
			return refuse(c, 400, "The chunks of the body are malformed");
		in->at += used;
		if (n && !take_room(c, n))
			return refuse(c, 503, "Too many bodies are being received");
		if (n)
			c->s->p.service->body(c, piece, n);
		if (c->answered)
			return NEXT_STATE;
	}
	return http1_body_ended(&c->body) ? handle(c) : NEXT_EVENT;
}

static enum next read_body(struct net_conn *c)
{
	size_t budget = NET_PIECE;
	enum next next = net_flush(c, &budget); /* "100 Continue" */

	if (next == NEXT_CLOSE)
		return next;
	while (budget) {
		ssize_t n;

		next = use_body(c);
		if (next != NEXT_EVENT || c->state != NET_BODY)
			return next;
		n = net_io_fill(c);
		if (n <= 0)
			return net_no_input(n);
		budget -= MIN(budget, (size_t)n);
	}
	return NEXT_TURN;
}

/* Its client may have closed its side and wait for the answer; what is gone for good is seen before any step. */
static enum next wait_handler(struct net_conn *c)
{
	(void)c;
	return NEXT_EVENT;
}

/* ---- the steps: an answer ---- */

static enum next begin_linger(struct net_conn *c)
{
	net_input_drop(&c->in);
	if (c->ssl)
		tls_close(c->ssl);
	/* A connection that is gone is seen by the read. */
	(void)shutdown(c->fd, SHUT_WR);
	net_enter(c, NET_LINGER);
	return NEXT_STATE;
}

static enum next after_answer(struct net_conn *c)
{
	bool keep = c->keep;

	end_request(c);
	if (!keep)
		return begin_linger(c);
	c->in.parsed = 0;
	if (net_input_have(&c->in) == 0)
		net_input_drop(&c->in);
	net_enter(c, net_input_have(&c->in) ? NET_HEAD : NET_IDLE);
	return net_input_have(&c->in) || c->readable ? NEXT_TURN : NEXT_EVENT;
}

static enum next send_answer(struct net_conn *c)
{
	size_t budget = NET_PIECE;
	enum next next = net_flush(c, &budget);

	return next == NEXT_STATE ? after_answer(c) : next;
}

bool net_conn_end_stream(struct net_conn *c)
{
	if (c->out->len)
		return false;
	c->keep = false;
	end_stream(c);
	net_ready(c);
	return true;
}

/* Return: whether there was a piece. */
static bool put_piece(struct net_conn *c)
{
	char piece[STREAM_PIECE];
	ssize_t n = c->s->p.service->more(c, piece, sizeof piece);

	if (n <= 0) {
		c->wakes = false;
		if (n < 0)
			end_stream(c);
		return false;
	}
	if (c->minor > 0)
		g_string_append_printf(c->out, "%zx\r\n", (size_t)n);
	g_string_append_len(c->out, piece, n);
	if (c->minor > 0)
		g_string_append(c->out, "\r\n");
	return true;
}

static enum next send_stream(struct net_conn *c)
{
	size_t budget = NET_PIECE;

	while (budget) {
		enum next next = net_flush(c, &budget);

		if (next != NEXT_STATE)
			return next;
		if (!c->wakes)
			return NEXT_EVENT;
		if (!put_piece(c))
			return c->state == NET_SEND ? NEXT_STATE : NEXT_EVENT;
	}
	return NEXT_TURN;
}

static enum next linger(struct net_conn *c)
{
	size_t budget = NET_PIECE;

	while (budget) {
		ssize_t n = net_io_read_plain(c, c->s->input, NET_INPUT);

		if (n <= 0)
			return net_no_input(n);
		budget -= MIN(budget, (size_t)n);
	}
	return NEXT_TURN;
}

/* ---- life ---- */

struct net_conn *net_conn_new(struct net_server *s, int fd)
{
	struct net_conn *c = g_new0(struct net_conn, 1);

	c->s = s;
	c->fd = fd;
	c->minor = 1;
	c->in_state.data = c->in_peer.data = c->in_holder.data = c->in_ready.data = c->in_unfinished.data = c;
	c->state = NET_STATE_N;
	c->out = g_string_sized_new(0);
	c->readable = c->writable = true;
	c->ssl = s->p.tls ? tls_accept(s->p.tls, fd) : NULL;
	return c;
}

void net_conn_close(struct net_conn *c)
{
	struct net_server *s = c->s;

	net_leave(c);
	if (c->served) {
		c->served = false;
		s->p.service->over(c);
	}
	net_room_give(c);
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

void net_conn_step(struct net_conn *c)
{
	enum next next = c->gone ? NEXT_CLOSE : NEXT_STATE;

	c->turn = c->s->turn;
	c->stepping = true;
	while (next == NEXT_STATE)
		next = states[c->state].step(c);
	c->stepping = false;
	net_input_keep(c);
	if (next == NEXT_CLOSE)
		net_conn_close(c);
	else if (next == NEXT_TURN)
		net_ready(c);
}

void net_conn_expire(struct net_conn *c)
{
	if (states[c->state].late)
		net_conn_refuse(c, 408, states[c->state].late);
	else if (c->state == NET_STREAM && c->out->len == 0)
		net_enter(c, NET_STREAM); /* it waits for news, not for its client */
	else
		net_conn_close(c);
}

/* ---- for the service ---- */

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
