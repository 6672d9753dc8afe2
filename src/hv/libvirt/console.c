/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_CONSOLE: a domain's serial console over libvirt's own stream.
 *
 * Theory of operation
 * -------------------
 * Each console has a link for itself, as a migration has. What the guest writes is read without a thread that waits: libvirt's
 * client takes the stream's packets from the socket on the event thread (or in a worker that is in the link then), puts them into a list and sets
 * a timer of the event thread, whose callback takes them out of the list. That is virStreamRecv() of a stream that does not block: it looks at
 * the list alone and sends nothing (virnetclientstream.c, virNetClientStreamRecvPacket()), so it is no call in the sense of conn.h, and may run
 * while a worker is in the link.
 *
 * What goes to the guest is a call: a worker goes into the link, sends all that is there, and comes out again; one at a time. So does the end of a
 * stream, once no worker is in the link any more.
 *
 * libvirt's client takes whatever its socket has, without a bound. So a console that is paused has its socket taken out of the event
 * loop (lv_socket_pause()): the kernel's window fills, and libvirtd stops to read the guest's. That does not hide a dead host: its
 * watch finds that out, and cuts the link.
 */
#include "hv/libvirt/console.h"

#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/spawn.h"
#include "hv/libvirt/why.h"
#include "hv/stream.h"

#define PIECE (64 * 1024)
#define OVER "the console was closed by the host"

/* Shared by the loop thread, the worker, and the callback, which is taken off before the last reference goes. */
struct console {
	struct hv_stream s;        /* first */
	struct lv_link *link;
	virStreamPtr st;           /* set by the first worker */
	bool callback;             /* ... it is registered */
	/* loop thread */
	struct hv_call *call;      /* until it is open */
	bool used, working, closing;
	GByteArray *to_send;       /* not yet with a worker */
	GByteArray *sending;       /* with the worker */
	/* the worker's, until it has posted its end */
	char *send_failed;
	/* under the lock */
	GMutex lock;
	GByteArray *got;           /* from the callback to the loop */
	char *why;                 /* it has ended; NULL: it goes on */
	bool posted;               /* the loop is to look */
};

static void console_clear(void *p)
{
	struct console *c = p;

	g_mutex_clear(&c->lock);
	g_byte_array_unref(c->to_send);
	g_byte_array_unref(c->sending);
	g_byte_array_unref(c->got);
	g_free(c->send_failed);
	g_free(c->why);
}

static void console_unref(void *p)
{
	g_atomic_rc_box_release_full(p, console_clear);
}

static struct console *console_of(struct hv_stream *s)
{
	return (struct console *)(void *)s;
}

/* ---- from the guest ---- */

static void deliver(struct console *c, const GByteArray *got, const char *why)
{
	if (got->len && c->s.calls)
		c->s.calls->data((const char *)got->data, got->len, c->s.user);
	if (!why || !c->s.calls || c->s.ended)
		return;
	c->s.ended = true;
	c->s.calls->ended(why, c->s.user);
}

/* On the loop thread; holds a reference. */
static void look(void *user)
{
	struct console *c = user;
	g_autoptr(GByteArray) got = NULL;
	g_autofree char *why = NULL;

	g_mutex_lock(&c->lock);
	c->posted = false;
	if (c->used) {
		got = c->got;
		c->got = g_byte_array_new();
		why = g_strdup(c->why);
	}
	g_mutex_unlock(&c->lock);
	if (got)
		deliver(c, got, why);
	console_unref(c);
}

/* Under the lock. */
static void post_look(struct console *c)
{
	if (c->posted)
		return;
	c->posted = true;
	loop_post(look, g_atomic_rc_box_acquire(c));
}

/* The first reason is the one. */
static void end(struct console *c, char *why)
{
	g_mutex_lock(&c->lock);
	if (!c->why)
		c->why = g_steal_pointer(&why);
	post_look(c);
	g_mutex_unlock(&c->lock);
	g_free(why);
}

static void add(struct console *c, const char *data, size_t len)
{
	g_mutex_lock(&c->lock);
	g_byte_array_append(c->got, (const guint8 *)data, (guint)len);
	post_look(c);
	g_mutex_unlock(&c->lock);
}

/* Event thread. It looks at what the client has got, and sends nothing. */
static void on_stream(virStreamPtr st, int events, void *user)
{
	struct console *c = user;
	char buf[PIECE];
	int n;

	while ((n = virStreamRecv(st, buf, sizeof buf)) > 0)
		add(c, buf, (size_t)n);
	if (n == -2 && !(events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)))
		return;
	end(c, n == -1 ? lv_why(virGetLastError()) : g_strdup(OVER));
	/* It would be called again and again for an end that is known. */
	(void)virStreamEventUpdateCallback(st, 0);
}

/* ---- to the guest ---- */

static void send_end(void *user);

static bool send_all(struct console *c, const GByteArray *a)
{
	for (size_t at = 0; at < a->len;) {
		int n = virStreamSend(c->st, (const char *)a->data + at, MIN(a->len - at, PIECE));

		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Worker. */
static void send_run(void *user)
{
	struct console *c = user;

	(void)lv_link_enter(c->link);
	if (!send_all(c, c->sending))
		c->send_failed = lv_why(virGetLastError());
	lv_link_leave(c->link);
	loop_post(send_end, c);
}

static void send_begin(struct console *c)
{
	GByteArray *empty = c->sending;

	c->working = true;
	c->sending = c->to_send;
	c->to_send = empty;
	lv_spawn(send_run, c);
}

/* ---- the end ---- */

static void close_end(void *user)
{
	struct console *c = user;

	lv_link_close(c->link);
	console_unref(c);
}

/* Worker. */
static void close_run(void *user)
{
	struct console *c = user;

	(void)lv_link_enter(c->link);
	if (c->callback) {
		(void)virStreamEventRemoveCallback(c->st);
		lv_loop_flush(); /* it may be in the callback, which uses the stream */
	}
	/* An end that was heard of, and a connection that is gone, need none of that. */
	if (c->st) {
		(void)virStreamAbort(c->st);
		(void)virStreamFree(c->st);
	}
	lv_link_leave(c->link);
	loop_post(close_end, c);
}

static void close_now(struct console *c)
{
	lv_socket_pause(c->link->socket, false);
	lv_link_hurry(c->link);
	lv_spawn(close_run, c);
}

static void send_end(void *user)
{
	struct console *c = user;

	c->working = false;
	c->s.unsent -= c->sending->len;
	g_byte_array_set_size(c->sending, 0);
	if (c->closing) {
		close_now(c);
		return;
	}
	if (c->send_failed) {
		end(c, g_steal_pointer(&c->send_failed));
		return;
	}
	if (c->to_send->len)
		send_begin(c);
	if (c->s.calls)
		c->s.calls->room(c->s.user);
}

/* ---- what hv/stream.h asks for ---- */

static void ops_use(struct hv_stream *s)
{
	struct console *c = console_of(s);

	c->used = true;
	g_mutex_lock(&c->lock);
	post_look(c);
	g_mutex_unlock(&c->lock);
}

static void ops_send(struct hv_stream *s, const char *data, size_t len)
{
	struct console *c = console_of(s);

	g_byte_array_append(c->to_send, (const guint8 *)data, (guint)len);
	s->unsent += len;
	if (!c->working)
		send_begin(c);
}

static void ops_pause(struct hv_stream *s, bool paused)
{
	lv_socket_pause(console_of(s)->link->socket, paused);
}

static void ops_close(struct hv_stream *s)
{
	struct console *c = console_of(s);

	c->closing = true;
	if (!c->working)
		close_now(c);
}

static const struct hv_stream_ops ops = { ops_use, ops_send, ops_pause, ops_close };

/* ---- the call ---- */

/* It is taken off before the console goes; libvirt 9.0 forgets to call what frees it (remoteStreamCallbackFree()). */
static bool listen_to(struct console *c)
{
	const int events = VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP;

	c->callback = virStreamEventAddCallback(c->st, events, on_stream, c, NULL) == 0;
	return c->callback;
}

static bool console_open(struct console *c, const struct lv_ctx *x, const struct hv_req *req, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	if (!dom)
		return false;
	c->st = virStreamNew(x->vir, VIR_STREAM_NONBLOCK);
	if (!c->st || virDomainOpenConsole(dom, NULL, c->st, req->force ? VIR_DOMAIN_CONSOLE_FORCE : 0) < 0)
		return lv_error(x->vir, "open the console", err);
	return listen_to(c) || lv_error(x->vir, "listen to the console", err);
}

/* Whether its caller has given up or not: hv_complete() closes what is not taken out of the reply. */
static void open_end(void *user)
{
	struct console *c = user;
	struct hv_call *call = g_steal_pointer(&c->call);

	if (call->reply.err)
		hv_stream_close(&c->s);
	else
		call->reply.stream = &c->s;
	hv_complete(call);
}

static void open_run(void *user)
{
	struct console *c = user;
	struct lv_ctx x = { .conn = c->link->conn, .vir = lv_link_enter(c->link) };

	(void)console_open(c, &x, &c->call->req, &c->call->reply.err);
	lv_link_leave(c->link);
	loop_post(open_end, c);
}

static void connected(struct lv_link *l, const char *why, void *user)
{
	struct console *c = user;
	struct hv_call *call = c->call;

	c->link = l;
	if (l && !call->answered) {
		lv_spawn(open_run, c);
		return;
	}
	g_set_error(&call->reply.err, ERR, ERR_HV_LOST, "open the console: %s", why ? why : "not begun in time");
	hv_complete(call);
	lv_link_close(l);
	console_unref(c);
}

void lv_console(struct lv_conn *conn, struct hv_call *call)
{
	struct console *c = g_atomic_rc_box_new0(struct console);

	c->s.ops = &ops;
	c->call = call;
	g_mutex_init(&c->lock);
	c->to_send = g_byte_array_new();
	c->sending = g_byte_array_new();
	c->got = g_byte_array_new();
	lv_link_open(conn, conn->uri, false, connected, c);
}
