/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of a connection queue up and are delivered one a turn, in order; the
 * receiver may close the connection from inside, so nothing is touched after it.
 *
 * A connection that the controller closes does not take back what it has sent:
 * such calls still act, and their answers are dropped, unless they are delayed by a
 * fault. One that breaks loses them, and a libvirtd that dies all it was sent.
 */
#include "hv/sim/conn.h"

#include "hv/sim/call.h"
#include "hv/sim/console.h"
#include "hv/sim/uri.h"
#include "hv/sim/world.h"

/* ---- events ---- */

static void deliver(void *user);

static void arm_delivery(struct sim_conn *c)
{
	if (!c->deliver && !g_queue_is_empty(&c->events))
		c->deliver = clock_arrival(c->closing ? 0 : c->host->latency_ms / 2, deliver, c);
}

static void deliver(void *user)
{
	struct sim_conn *c = user;
	struct hv_event *ev;
	g_autofree char *text = NULL;

	c->deliver = NULL;
	if (!c->closing && !sim_host_reachable(c->host))
		return; /* the link's return arms it again */
	ev = g_queue_pop_head(&c->events);
	text = (char *)ev->text;
	if (ev->type == HV_EV_CLOSED)
		c->closing = false;
	arm_delivery(c);
	if (!c->host->w->dead)
		hv_emit(c->h, ev);
	g_free(ev);
}

static void push_event(struct sim_conn *c, const struct hv_event *ev)
{
	struct hv_event *copy = g_memdup2(ev, sizeof *ev);

	copy->text = g_strdup(ev->text);
	g_queue_push_tail(&c->events, copy);
	arm_delivery(c);
}

static void drop_events(struct sim_conn *c)
{
	struct hv_event *ev;

	clock_cancel(&c->deliver);
	while ((ev = g_queue_pop_head(&c->events))) {
		g_free((char *)ev->text);
		g_free(ev);
	}
}

void sim_conn_tell(struct sim_host *host, const struct hv_event *ev)
{
	if (!host->libvirtd)
		return;
	for (guint i = 0; i < host->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(host->conns, i);

		if (c->open)
			push_event(c, ev);
	}
}

/* ---- ends ---- */

void sim_conn_drop(struct sim_conn *c, const char *why)
{
	struct hv_event closed = { .type = HV_EV_CLOSED, .text = why };

	c->open = false;
	sim_console_drop(c->host, why);
	clock_cancel(&c->opening);
	clock_cancel(&c->keepalive);
	while (c->calls->len > 0) {
		struct sim_call *sc = g_ptr_array_steal_index(c->calls, 0);

		sim_call_lose(sc, why);
	}
	if (!sim_host_reachable(c->host))
		drop_events(c);
	c->closing = true;
	push_event(c, &closed);
}

static void conn_silent(void *user)
{
	struct sim_conn *c = user;

	c->keepalive = NULL;
	sim_conn_drop(c, "keepalive timeout");
}

void sim_conn_reset(struct sim_host *h, const char *why)
{
	for (guint i = 0; i < h->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(h->conns, i);

		if (c->open)
			sim_conn_drop(c, why);
	}
}

static void connected(void *user);

void sim_conn_reach(struct sim_host *h)
{
	bool reachable = sim_host_reachable(h);

	for (guint i = 0; i < h->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(h->conns, i);

		if (reachable)
			clock_cancel(&c->keepalive);
		else if (c->open && !c->keepalive)
			c->keepalive = clock_world(SIM_KEEPALIVE_MS, conn_silent, c);
		if (reachable && c->opening) {
			clock_cancel(&c->opening);
			c->opening = clock_world(SIM_AGAIN_MS, connected, c);
		}
	}
}

void sim_conn_back(struct sim_host *h)
{
	while (h->stalled->len > 0)
		sim_call_arrive(g_ptr_array_index(h->stalled, 0));
	for (guint i = 0; i < h->conns->len; i++)
		arm_delivery(g_ptr_array_index(h->conns, i));
}

/* ---- opening and closing ---- */

static void connected(void *user)
{
	struct sim_conn *c = user;
	struct hv_event open = { .type = HV_EV_OPEN };

	c->opening = NULL;
	if (c->host->w->dead)
		return;
	if (!sim_host_reachable(c->host)) {
		sim_conn_drop(c, "No route to host");
	} else if (!c->host->libvirtd) {
		sim_conn_drop(c, "Connection refused");
	} else {
		sim_host_fill(c->host);
		c->open = true;
		push_event(c, &open);
	}
}

void sim_conn_open(struct hv_host *h, struct sim *w)
{
	struct sim_conn *c = h->impl;

	if (!c) {
		c = h->impl = g_new0(struct sim_conn, 1);
		c->h = h;
		c->host = sim_host_of_uri(w, h->uri);
		c->calls = g_ptr_array_new();
		g_queue_init(&c->events);
		g_ptr_array_add(c->host->conns, c);
		g_hash_table_replace(c->host->w->aliases, g_strdup(h->name), c->host);
	}
	if (!c->open && !c->opening)
		c->opening = clock_world(sim_host_reachable(c->host) ? sim_jitter(c->host->w, 4 * c->host->latency_ms) : SIM_NO_ROUTE_MS, connected, c);
}

void sim_conn_close(struct hv_host *h)
{
	struct sim_conn *c = g_steal_pointer(&h->impl);

	if (!c)
		return;
	sim_console_drop(c->host, "the connection was closed");
	while (c->calls->len > 0) {
		struct sim_call *sc = g_ptr_array_steal_index(c->calls, 0);

		sc->conn = NULL;
		/* What was sent and waits for nothing but time, arrives; what a slow network still has, does not. */
		if (!sc->timer || sc->acted || sc->fault == SIM_DELAY)
			sim_call_lose(sc, "the connection was closed");
	}
	clock_cancel(&c->opening);
	clock_cancel(&c->keepalive);
	drop_events(c);
	g_ptr_array_remove(c->host->conns, c);
	g_ptr_array_unref(c->calls);
	g_free(c);
}
