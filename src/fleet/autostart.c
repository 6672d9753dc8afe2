/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/autostart.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/host_link.h"
#include "fleet/registry.h"
#include "fleet/server_row.h"

#define SURE_MS 60000 /* what was lost may act for so long */

/* Of a host. */
struct host_autostart {
	GQueue *queue;      /* char *, owned: UUIDs of servers whose flag is to be switched */
	GHashTable *queued; /* the same, borrowed */
	struct clock_timer *timer;
	bool busy;          /* one is being switched */
};

/* ---- the rules ---- */

static enum autostart_act keep(struct autostart_state *s, bool flag)
{
	if (flag) {
		*s = (struct autostart_state){ .wish = true, .ours = true };
		return AUTOSTART_SET_OFF;
	}
	s->wish &= s->ours;
	s->off = s->ours;
	return AUTOSTART_NOTHING;
}

static enum autostart_act give_back(struct autostart_state *s, bool flag)
{
	if (s->ours && s->wish && !flag) {
		s->off = false; /* from now on it may be on */
		return AUTOSTART_SET_ON;
	}
	*s = (struct autostart_state){ .wish = flag };
	return AUTOSTART_NOTHING;
}

enum autostart_act autostart_decide(struct autostart_state *s, bool kept, bool flag)
{
	return kept ? keep(s, flag) : give_back(s, flag);
}

bool autostart_is_kept(const struct host *h)
{
	return h && h->has_agent && fleet_conf(h->fleet)->keep_autostart;
}

bool autostart_may_be_hosts(const struct server *s)
{
	return s->autostart && !s->autostart_off;
}

static struct autostart_state state_of(const struct server *s)
{
	return (struct autostart_state){ .wish = s->autostart, .ours = s->autostart_ours, .off = s->autostart_off };
}

/* Return: whether that is another one. */
static bool take(struct server *s, const struct autostart_state *next)
{
	bool differs = s->autostart != next->wish || s->autostart_ours != next->ours || s->autostart_off != next->off;

	s->autostart = next->wish;
	s->autostart_ours = next->ours;
	s->autostart_off = next->off;
	return differs;
}

static void lost(struct server *s)
{
	s->autostart_lost_ms = MAX(1, clock_now_ms());
}

void autostart_load(struct fleet *f)
{
	const GPtrArray *servers = fleet_servers(f);

	for (guint i = 0; i < servers->len; i++) {
		struct server *s = g_ptr_array_index(servers, i);

		if (s->autostart_ours && !s->autostart_off)
			lost(s);
	}
}

/* It is being switched, or was asked for before that was answered; or a switch may act yet whose answer was lost. */
static bool is_unsure(const struct server *s)
{
	return s->dom_ask < s->autostart_ask || (s->autostart_lost_ms && clock_now_ms() - s->autostart_lost_ms < SURE_MS);
}

bool autostart_seen(struct fleet *f, struct server *s, const struct hv_dom *d)
{
	struct autostart_state next = state_of(s);

	if (!d->kept.told || is_unsure(s))
		return false;
	(void)autostart_decide(&next, autostart_is_kept(fleet_host(f, s->host)), d->kept.autostart);
	return take(s, &next);
}

bool autostart_set(struct fleet *f, struct server *s, bool wish, GError **err)
{
	const struct autostart_state was = state_of(s), next = { .wish = wish, .ours = wish, .off = wish && s->autostart_off };

	if (s->unknown || s->task != SERVER_TASK_NONE)
		return s->unknown ? server_refuse_unknown(s, "set autostart", err) : server_refuse_task(s, "set autostart", err);
	if (!autostart_is_kept(fleet_host(f, s->host))) {
		g_set_error(err, ERR, ERR_CONFLICT, "Server %s starts with its host %s if libvirt says so there (virsh autostart): the host has no fence "
			    "agent, or keep_autostart is off.", s->uuid, s->host);
		return false;
	}
	if (!take(s, &next))
		return true;
	if (!fleet_server_save(f, s, err)) {
		(void)take(s, &was);
		return false;
	}
	log_info("server_autostart", LOG_S("server", s->uuid), LOG_D("wish", wish));
	return true;
}

/* ---- switching the flag ---- */

struct question {
	struct fleet *fleet;
	char *host;
	char uuid[UTIL_UUID_LEN + 1];
	bool on;
};

static void ask_next(struct host *h);

static void answered(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct host *h = fleet_host(q->fleet, q->host);
	struct server *s = fleet_server(q->fleet, q->uuid);

	/* What came of it is seen with the next list. */
	if (s && r->err && err_code(r->err) != ERR_HV_LOST && !s->autostart_refused)
		log_warning("autostart_not_set", LOG_S("server", s->uuid), LOG_S("host", q->host), LOG_D("wanted", q->on), LOG_S("error", r->err->message));
	if (s) {
		s->autostart_ask = registry_next_ask(q->fleet);
		s->autostart_refused = r->err && err_code(r->err) != ERR_HV_LOST;
		if (r->err && !s->autostart_refused)
			lost(s);
	}
	if (h) {
		h->autostart->busy = false;
		ask_next(h);
	}
	g_free(q->host);
	g_free(q);
}

/* What the flag is to be. Return: whether it is another one now. */
static bool wants(const struct host *h, const struct server *s, bool *ret_on)
{
	struct autostart_state next = state_of(s);
	enum autostart_act act;

	if (server_is_taken(s) || s->unsaved || !s->dom || !s->dom->kept.told || !s->dom->persistent || g_strcmp0(s->host, h->name) != 0)
		return false;
	act = autostart_decide(&next, autostart_is_kept(h), s->dom->kept.autostart);
	*ret_on = act == AUTOSTART_SET_ON;
	return act != AUTOSTART_NOTHING;
}

static void ask(struct host *h, struct server *s, bool on)
{
	struct hv_req req = { .op = HV_DOM_AUTOSTART, .uuid = s->uuid, .autostart = on };
	struct question *q = g_new0(struct question, 1);

	q->fleet = h->fleet;
	q->host = g_strdup(h->name);
	g_strlcpy(q->uuid, s->uuid, sizeof q->uuid);
	q->on = on;
	h->autostart->busy = true;
	s->autostart_ask = UINT64_MAX;
	(void)host_call(h, &req, answered, q); /* it is connected */
}

static void ask_next(struct host *h)
{
	struct host_autostart *a = h->autostart;

	while (!a->busy && host_connected(h) && !g_queue_is_empty(a->queue)) {
		g_autofree char *uuid = g_queue_pop_head(a->queue);
		struct server *s = fleet_server(h->fleet, uuid);
		bool on;

		g_hash_table_remove(a->queued, uuid);
		if (s && wants(h, s, &on))
			ask(h, s, on);
	}
}

static void step(void *user)
{
	struct host *h = user;

	h->autostart->timer = NULL;
	ask_next(h);
}

void autostart_act(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);
	char *uuid;
	bool on;

	if (!h || !wants(h, s, &on) || g_hash_table_contains(h->autostart->queued, s->uuid))
		return;
	uuid = g_strdup(s->uuid);
	g_queue_push_tail(h->autostart->queue, uuid);
	g_hash_table_add(h->autostart->queued, uuid);
	/* The record is durable when this turn of the loop has ended (sync.c). */
	if (!h->autostart->timer)
		h->autostart->timer = clock_after(0, step, h);
}

/* ---- whether a host has booted ---- */

static bool ran(const struct server *s)
{
	return s->power == SERVER_POWER_RUNNING || s->power == SERVER_POWER_PAUSED;
}

/*
 * All that ran there have ended, unseen by its libvirtd. On a host that was merely cut off, or whose libvirtd was started again, guests go on, or
 * libvirtd has seen them end. What the host may have started by itself says nothing.
 */
static bool has_lost_all(struct fleet *f, const struct host *h, const GPtrArray *doms)
{
	bool lost = false;

	for (guint i = 0; i < doms->len; i++) {
		const struct hv_dom *d = g_ptr_array_index(doms, i);
		const struct server *s = fleet_server(f, d->uuid);

		if (!s || g_strcmp0(s->host, h->name) != 0 || !ran(s))
			continue;
		lost |= d->state == HV_SHUTOFF && d->reason == HV_R_UNSEEN;
		if ((d->state == HV_RUNNING || d->state == HV_PAUSED) && !autostart_may_be_hosts(s))
			return false;
	}
	return lost;
}

static void save(struct fleet *f, struct host *h, bool booted)
{
	g_autoptr(GError) err = NULL;

	h->booted = booted;
	h->booted_unsaved = !store_run(fleet_store(f), Q_HOST_BOOTED, STORE_ARGS(SV_S(h->name), SV_I(booted)), NULL, &err);
	if (h->booted_unsaved)
		log_error("host_not_saved", LOG_S("host", h->name), LOG_S("error", err->message));
}

bool autostart_listed(struct fleet *f, struct host *h, const GPtrArray *doms)
{
	bool booted = h->was_fenced || has_lost_all(f, h, doms);

	if (!booted || h->booted || !autostart_is_kept(h))
		return booted;
	save(f, h, true);
	log_info("host_booted", LOG_S("host", h->name));
	return true;
}

void autostart_save(struct fleet *f, struct host *h)
{
	if (h->booted_unsaved)
		save(f, h, h->booted);
}

void autostart_done(struct fleet *f, struct host *h)
{
	save(f, h, false);
}

/* ---- hosts ---- */

void autostart_host_new(struct host *h)
{
	h->autostart = g_new0(struct host_autostart, 1);
	h->autostart->queue = g_queue_new();
	h->autostart->queued = g_hash_table_new(g_str_hash, g_str_equal);
}

void autostart_host_free(struct host *h)
{
	clock_cancel(&h->autostart->timer);
	g_hash_table_unref(h->autostart->queued);
	g_queue_free_full(h->autostart->queue, g_free);
	g_clear_pointer(&h->autostart, g_free);
}
