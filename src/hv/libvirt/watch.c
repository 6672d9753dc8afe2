/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/watch.h"

#include "base/clock.h"
#include "base/loop.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/event.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/loop.h"
#include "hv/libvirt/spawn.h"

/* ---- the link with the callbacks: one piece of work at a time ---- */

static void watch_begin(struct lv_conn *c, loop_f *run)
{
	g_assert(c->watch && !c->watched);
	c->watched = true;
	lv_spawn(run, c);
}

static void teardown_end(void *user)
{
	struct lv_conn *c = user;

	c->watched = false;
	lv_link_close(g_steal_pointer(&c->watch));
}

static void teardown_run(void *user)
{
	struct lv_conn *c = user;

	lv_link_enter(c->watch);
	lv_events_deregister(c);
	/* A callback that is under way holds a reference of libvirt's: the event thread would close the connection. */
	lv_loop_flush();
	lv_link_leave(c->watch);
	loop_post(teardown_end, c);
}

/* Return: false if the host has let go meanwhile; the callbacks are then taken off. */
static bool watch_end(struct lv_conn *c)
{
	c->watched = false;
	c->missed = 0;
	if (c->host)
		return true;
	watch_begin(c, teardown_run);
	return false;
}

static void ping_end(void *user)
{
	struct lv_conn *c = user;
	bool lost = c->ping_lost;

	if (watch_end(c) && lost)
		lv_conn_lost(c, "the connection failed");
}

/* libvirtd answers this one in a thread that is kept for what waits for nothing. */
static void ping_run(void *user)
{
	struct lv_conn *c = user;
	virConnectPtr vir = lv_link_enter(c->watch);
	unsigned long version;

	(void)virConnectGetLibVersion(vir, &version);
	c->ping_lost = lv_lost(vir);
	lv_link_leave(c->watch);
	loop_post(ping_end, c);
}

static void host_is_silent(struct lv_conn *c)
{
	for (GList *l = c->links.head; l; l = l->next)
		lv_link_cut(l->data);
	lv_conn_lost(c, "the host stopped answering");
}

/* Ticks are counted, not time: a loop that was held up itself has seen only one. */
static void tick(void *user)
{
	struct lv_conn *c = user;

	c->tick = NULL;
	if (c->watched && ++c->missed >= LV_PING_N) {
		host_is_silent(c);
		return;
	}
	c->tick = clock_after(LV_PING_S * 1000, tick, c);
	if (!c->watched)
		watch_begin(c, ping_run);
}

/* ---- opening ---- */

static void setup_end(void *user)
{
	struct lv_conn *c = user;

	if (!watch_end(c))
		return;
	if (c->setup_err) {
		lv_conn_lost(c, c->setup_err->message);
		return;
	}
	c->open = true;
	hv_emit(c->host, &(struct hv_event){ .type = HV_EV_OPEN });
}

static void setup_run(void *user)
{
	struct lv_conn *c = user;

	lv_link_enter(c->watch);
	(void)lv_events_register(c, &c->setup_err);
	lv_link_leave(c->watch);
	loop_post(setup_end, c);
}

static void connected(struct lv_link *l, const char *why, void *user)
{
	struct lv_conn *c = user;

	if (!l || !c->host) {
		lv_link_close(l);
		lv_conn_lost(c, why);
		lv_conn_unref(c);
		return;
	}
	c->watch = l;
	c->tick = clock_after(LV_PING_S * 1000, tick, c);
	watch_begin(c, setup_run);
	lv_conn_unref(c); /* the link has one */
}

void lv_conn_open(struct hv_host *h)
{
	struct lv_conn *c = lv_conn_new(h);

	c->lost = lv_conn_lost;
	h->impl = c;
	lv_link_open(c, c->uri, false, connected, lv_conn_ref(c));
}

/* ---- closing ---- */

void lv_conn_detach(struct lv_conn *c)
{
	lv_conn_forget(c);
	c->host->impl = NULL;
	c->host = NULL;
	c->open = false;
	clock_cancel(&c->tick);
	lv_call_flush(c);
	/* Their callers have gone. What has a link of its own goes on. */
	for (GList *l = c->links.head; l; l = l->next) {
		if (!((struct lv_link *)l->data)->own)
			lv_link_hurry(l->data);
	}
	if (c->watch && !c->watched)
		watch_begin(c, teardown_run);
	lv_conn_unref(c);
}

void lv_conn_lost(struct lv_conn *c, const char *why)
{
	struct hv_host *h = c->host;
	g_autofree char *text = NULL;
	bool unreached;

	if (!h)
		return;
	text = g_strdup(why);
	unreached = c->unreached;
	lv_conn_detach(c);
	hv_emit(h, &(struct hv_event){ .type = HV_EV_CLOSED, .text = text, .unreached = unreached });
}
