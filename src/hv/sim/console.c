/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/console.h"

#include <string.h>

#include "hv/sim/call.h"
#include "hv/sim/world.h"
#include "hv/stream.h"

#define STALLED_MS 100 /* between looks at a cable that is cut */

struct console {
	struct hv_stream s;       /* first */
	struct sim *w;
	struct sim_host *host;
	char uuid[UTIL_UUID_LEN + 1];
	bool used, paused, held;  /* held: a session has the guest's console */
	char *why;                /* it has ended */
	GString *to_guest, *from_guest;
	struct clock_timer *timer;
};

static void turn(void *user);

static void arm(struct console *c, int64_t ms)
{
	bool news = c->from_guest->len ? !c->paused : c->why != NULL;
	bool some = c->to_guest->len || (c->used && !c->s.ended && news);

	if (!c->timer && some)
		c->timer = clock_arrival(ms, turn, c);
}

/* The guest echoes what comes. */
static bool give(struct console *c)
{
	size_t n = c->to_guest->len;

	if (c->held)
		g_string_append_len(c->from_guest, c->to_guest->str, (gssize)n);
	g_string_truncate(c->to_guest, 0);
	c->s.unsent -= n;
	return n > 0;
}

static void take(struct console *c)
{
	g_autofree char *data = NULL;
	size_t n = c->from_guest->len;

	if (!n || c->paused)
		return;
	data = g_memdup2(c->from_guest->str, n);
	g_string_truncate(c->from_guest, 0);
	c->s.calls->data(data, n, c->s.user);
}

static void end(struct console *c)
{
	if (!c->why || c->s.ended || c->from_guest->len)
		return;
	c->s.ended = true;
	c->s.calls->ended(c->why, c->s.user);
}

/* One thing a turn: its user may close it in any of the calls. */
static void turn(void *user)
{
	struct console *c = user;

	c->timer = NULL;
	if (c->w->dead)
		return;
	if (c->held && !sim_host_reachable(c->host)) {
		arm(c, STALLED_MS);
		return;
	}
	arm(c, c->host->latency_ms / 2);
	if (c->to_guest->len && give(c)) {
		arm(c, c->host->latency_ms / 2);
		if (c->s.calls)
			c->s.calls->room(c->s.user);
	} else if (c->used && c->from_guest->len && !c->paused) {
		take(c);
	} else if (c->used) {
		end(c);
	}
}

static struct console *console_of(struct hv_stream *s)
{
	return (struct console *)(void *)s;
}

static void ops_use(struct hv_stream *s)
{
	console_of(s)->used = true;
	arm(console_of(s), 0);
}

static void ops_send(struct hv_stream *s, const char *data, size_t len)
{
	struct console *c = console_of(s);

	g_string_append_len(c->to_guest, data, (gssize)len);
	s->unsent += len;
	arm(c, c->host->latency_ms / 2);
}

static void ops_pause(struct hv_stream *s, bool paused)
{
	console_of(s)->paused = paused;
	arm(console_of(s), 0);
}

static void ops_close(struct hv_stream *s)
{
	struct console *c = console_of(s);

	clock_cancel(&c->timer);
	g_ptr_array_remove(c->w->consoles, c);
	g_string_free(c->to_guest, TRUE);
	g_string_free(c->from_guest, TRUE);
	g_free(c->why);
	g_free(c);
}

static const struct hv_stream_ops ops = { ops_use, ops_send, ops_pause, ops_close };

static void let_go(struct console *c, const char *why)
{
	if (c->why)
		return;
	c->held = false;
	c->why = g_strdup(why);
	arm(c, c->host->latency_ms / 2);
}

/* The session that has a guest's console at a host. */
static struct console *session(struct sim *w, const struct sim_host *h, const char *uuid)
{
	for (guint i = 0; i < w->consoles->len; i++) {
		struct console *c = g_ptr_array_index(w->consoles, i);

		if (c->held && c->host == h && !strcmp(c->uuid, uuid))
			return c;
	}
	return NULL;
}

static struct hv_stream *console_new(struct sim_host *h, const char *uuid)
{
	struct console *c = g_new0(struct console, 1);

	c->s.ops = &ops;
	c->w = h->w;
	c->host = h;
	g_strlcpy(c->uuid, uuid, sizeof c->uuid);
	c->held = true;
	c->to_guest = g_string_new(NULL);
	c->from_guest = g_string_new(NULL);
	g_ptr_array_add(h->w->consoles, c);
	return &c->s;
}

void sim_act_console(struct sim_call *sc)
{
	const struct hv_req *r = &sc->call->req;
	const struct sim_dom *d = sim_dom_get(sc->host, r->uuid);
	struct console *other = session(sc->w, sc->host, r->uuid);

	if (!d) {
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", r->uuid);
	} else if (!sim_dom_active(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not running");
	} else if (other && !r->force) {
		sim_call_refuse(sc, ERR_HV, "operation failed: Active console session exists for this domain");
	} else {
		if (other)
			let_go(other, "the console was closed by the host");
		sc->call->reply.stream = console_new(sc->host, r->uuid);
		sim_call_finish(sc);
	}
}

void sim_console_event(struct sim_host *h, const struct hv_event *ev)
{
	struct console *c = NULL;

	if (ev->type == HV_EV_DOM && (ev->state == HV_SHUTOFF || ev->state == HV_ABSENT))
		c = session(h->w, h, ev->uuid);
	if (c)
		let_go(c, "the console was closed by the host");
}

void sim_console_drop(struct sim_host *h, const char *why)
{
	for (guint i = 0; i < h->w->consoles->len; i++) {
		struct console *c = g_ptr_array_index(h->w->consoles, i);

		if (c->held && c->host == h)
			let_go(c, why);
	}
}

void sim_console_write(struct sim *w, const char *uuid, const char *text)
{
	for (guint i = 0; i < w->consoles->len; i++) {
		struct console *c = g_ptr_array_index(w->consoles, i);
		const struct sim_dom *d = sim_dom_get(c->host, uuid);

		if (!c->held || strcmp(c->uuid, uuid) != 0 || !d || d->state != HV_RUNNING)
			continue;
		g_string_append(c->from_guest, text);
		arm(c, c->host->latency_ms / 2);
	}
}

guint sim_consoles(const struct sim *w)
{
	guint n = 0;

	for (guint i = 0; i < w->consoles->len; i++)
		n += ((const struct console *)g_ptr_array_index(w->consoles, i))->held;
	return n;
}
