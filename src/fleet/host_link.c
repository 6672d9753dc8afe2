/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: the connection of one host.
 *
 *	CLOSED --connect--> CONNECTING --open--> SYNCING --list--> UP
 *	   ^                    |                   |              |
 *	   +----(wait)----------+---- closed, or a poll that got no answer
 *
 * Each connection has a turn number; an answer that belongs to an earlier turn
 * says nothing about this one and is dropped.
 */
#include "fleet/fleet.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/addr.h"
#include "fleet/fleet_priv.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000

struct ask {
	struct fleet *fleet;
	char *host;
	uint64_t turn;
	uint64_t number; /* of the questions of all hosts */
};

static struct ask *ask_new(struct host *h)
{
	struct ask *a = g_new0(struct ask, 1);

	a->fleet = h->priv->fleet;
	a->host = g_strdup(h->name);
	a->turn = h->priv->turn;
	a->number = ++a->fleet->asks;
	return a;
}

/* The host that an answer is for, or NULL if it is gone or was reconnected. @ret_number: may be NULL. Frees the ask. */
static struct host *ask_take(struct ask *a, uint64_t *ret_number)
{
	struct host *h = fleet_host(a->fleet, a->host);
	uint64_t turn = a->turn;

	if (ret_number)
		*ret_number = a->number;
	g_free(a->host);
	g_free(a);
	return h && h->priv->turn == turn ? h : NULL;
}

void host_set_cpus(struct host *h, const char *shared, const char *dedicated)
{
	h->shared_cpus = h->dedicated_cpus = (struct cpuset){ { 0 } };
	if (shared)
		(void)cpuset_parse(shared, &h->shared_cpus); /* conf.c has checked them */
	if (dedicated)
		(void)cpuset_parse(dedicated, &h->dedicated_cpus);
	h->shares_cpus = !cpuset_is_empty(&h->shared_cpus);
}

struct host *host_new(struct fleet *f, const char *name, const char *uri)
{
	struct host *h = g_new0(struct host, 1);

	h->name = g_strdup(name);
	h->uri = g_strdup(uri);
	h->down_reason = g_strdup("not connected yet");
	h->room = f->room;
	h->servers = g_hash_table_new(NULL, NULL);
	h->claims = g_hash_table_new(NULL, NULL);
	host_set_cpus(h, f->conf->cpu_shared_set, f->conf->cpu_dedicated_set);
	h->index = HOST_NOWHERE;
	h->waits_since_us = HOST_OWES_NOTHING;
	h->priv = g_new0(struct host_private, 1);
	h->priv->fleet = f;
	addr_host_new(h);
	room_info(h, NULL);
	return h;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	host_disconnect(h);
	addr_host_free(h);
	g_hash_table_unref(h->servers);
	g_hash_table_unref(h->claims);
	hv_host_info_free(h->info);
	g_free(h->name);
	g_free(h->uri);
	g_free(h->inbound_addr);
	g_free(h->migration_uri);
	g_free(h->vnc_listen);
	g_free(h->disabled_reason);
	g_free(h->down_reason);
	g_free(h->same_as);
	g_free(h->priv);
	g_free(h);
}

static void set_conn(struct host *h, enum host_conn conn)
{
	h->conn = conn;
	room_note(h);
}

/* The seam's host goes by the URI that it was made with. */
static void take_uri(struct host *h)
{
	if (h->hv && strcmp(h->hv->uri, h->uri) != 0)
		hv_host_remove(g_steal_pointer(&h->hv));
	if (!h->hv)
		h->hv = hv_host_add(h->priv->fleet->hv, h->name, h->uri);
}

static void retry(void *user)
{
	struct host *h = user;

	h->priv->retry = NULL;
	take_uri(h);
	set_conn(h, HOST_CONNECTING);
	hv_host_open(h->hv);
}

void host_connect(struct host *h)
{
	h->priv->backoff_ms = BACKOFF_FIRST_MS;
	h->priv->tried |= h->priv->refused;
	if (!h->priv->refused)
		retry(h);
}

void host_disconnect(struct host *h)
{
	h->priv->turn++;
	clock_cancel(&h->priv->retry);
	clock_cancel(&h->priv->poll);
	h->priv->polling = false;
	h->waits_since_us = HOST_OWES_NOTHING;
	addr_host_down(h);
	set_conn(h, HOST_CLOSED);
	if (h->hv)
		hv_host_remove(h->hv);
	h->hv = NULL;
}

static void tell_listener(struct host *h)
{
	struct fleet_listener *l = &h->priv->fleet->listener;

	tell_host_state(h);
	if (l->host)
		l->host(h, l->user);
}

static void set_polling(struct host *h, bool polling)
{
	h->priv->polling = polling;
	h->waits_since_us = polling ? clock_now_us() : HOST_OWES_NOTHING;
	room_note(h);
}

/* A sign of life. After a silence that counted as down, it is up again without a new connection. */
static void heard(struct host *h)
{
	bool was_up = host_is_up(h->priv->fleet, h);

	h->last_seen_us = clock_wall_us();
	set_polling(h, h->priv->polling);
	if (!was_up && host_is_up(h->priv->fleet, h))
		tell_listener(h);
}

static void closed(struct host *h, const char *why)
{
	bool was_up = h->conn == HOST_UP;

	if (h->conn == HOST_CLOSED)
		return;
	h->priv->turn++;
	/* A connection that ends says nothing of the next one. */
	h->priv->tried |= h->conn == HOST_CONNECTING;
	set_polling(h, false);
	set_conn(h, HOST_CLOSED);
	util_replace(&h->down_reason, why);
	clock_cancel(&h->priv->poll);
	addr_host_down(h);
	h->priv->retry = clock_after(h->priv->backoff_ms, retry, h);
	if (was_up || h->priv->backoff_ms == BACKOFF_FIRST_MS)
		log_warning("host_closed", LOG_S("host", h->name), LOG_S("reason", why));
	h->priv->backoff_ms = MIN(h->priv->backoff_ms * 2, BACKOFF_MAX_MS);
	if (was_up)
		tell_listener(h);
}

/* An answer that never came: drop the connection, its workers may hang for long. */
static void failed(struct host *h, const char *why)
{
	h->priv->tried = true;
	hv_host_close(h->hv);
	closed(h, why);
}

static void poll(void *user);

static void plan_poll(struct host *h)
{
	if (!h->priv->poll)
		h->priv->poll = clock_after(fleet_conf(h->priv->fleet)->report_interval * 1000, poll, h);
}

/* The host, if the answer to a poll is for it and a good one. */
static struct host *take_answer(const struct hv_reply *r, struct ask *a, uint64_t *ret_number)
{
	struct host *h = ask_take(a, ret_number);

	if (h && r->err) {
		failed(h, r->err->message);
		return NULL;
	}
	if (h)
		heard(h);
	return h;
}

static void got_list(struct hv_reply *r, void *user)
{
	uint64_t number;
	struct host *h = take_answer(r, user, &number);

	if (!h)
		return;
	set_polling(h, false);
	h->priv->tried = true;
	h->priv->listed = number;
	sync_list(h->priv->fleet, h, r->doms, number);
	if (h->conn == HOST_SYNCING) {
		set_conn(h, HOST_UP);
		h->priv->backoff_ms = BACKOFF_FIRST_MS;
		log_info("host_up", LOG_S("host", h->name), LOG_D("domains", r->doms->len), LOG_D("vcpus", h->info->vcpus),
			 LOG_D("memory_mb", h->info->mem_mib));
		tell_listener(h);
		addr_host_up(h);
	}
	sync_missing(h->priv->fleet, h);
	fleet_host_save_again(h->priv->fleet, h);
	plan_poll(h);
}

static void got_info(struct hv_reply *r, void *user)
{
	struct host *h = take_answer(r, user, NULL);
	struct hv_req req = { .op = HV_DOM_LIST };
	g_autofree char *why_not = NULL;

	if (!h)
		return;
	if (h->conn == HOST_SYNCING)
		why_not = host_uuid_take(h->priv->fleet, h, r->info);
	if (why_not) {
		/* Nothing of it counts: it is another host's. */
		room_info(h, NULL);
		failed(h, why_not);
		return;
	}
	room_info(h, g_steal_pointer(&r->info));
	hv_call(h->hv, &req, got_list, ask_new(h));
}

/* Both questions of a poll together have the time that is left before the host counts as down. */
static void ask_all(struct host *h)
{
	const struct conf *c = fleet_conf(h->priv->fleet);
	struct hv_req req = { .op = HV_HOST_GET, .timeout_ms = MAX(1, c->service_down_time - c->report_interval) * 1000 };

	if (!h->priv->polling)
		set_polling(h, true);
	hv_call(h->hv, &req, got_info, ask_new(h));
}

static void poll(void *user)
{
	struct host *h = user;

	h->priv->poll = NULL;
	ask_all(h);
}

static void ask_now(struct host *h)
{
	clock_cancel(&h->priv->poll);
	ask_all(h);
}

void host_ask_again(struct host *h)
{
	h->priv->tried = false;
	if (h->priv->polling)
		set_polling(h, true);
	else if (h->conn == HOST_UP)
		ask_now(h);
}

static void got_dom(struct hv_reply *r, void *user)
{
	uint64_t number;
	struct host *h = ask_take(user, &number);

	if (h && !r->err) {
		heard(h);
		sync_one(h->priv->fleet, h, &r->dom, number);
	}
	/* An error here is no news: the next poll asks again and judges the host. */
}

bool host_connected(const struct host *h)
{
	return h && h->hv && h->conn >= HOST_SYNCING;
}

bool host_call(struct host *h, const struct hv_req *req, hv_done_f *done, void *user)
{
	if (!host_connected(h))
		return false;
	hv_call(h->hv, req, done, user);
	return true;
}

void host_refresh(struct host *h, const char *uuid)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = uuid };

	if (host_connected(h))
		hv_call(h->hv, &req, got_dom, ask_new(h));
}

void fleet_server_refresh(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	if (h)
		host_refresh(h, s->uuid);
}

void fleet_server_freed(struct fleet *f, struct server *s)
{
	s->first_ask = f->asks + 1;
	fleet_server_refresh(f, s);
}

/* What is read of a server that the engine moves, is dropped (sync.c); the engine has it read when it is done with it. */
static bool is_moved(struct fleet *f, const char *uuid)
{
	const struct server *s = fleet_server(f, uuid);

	return s && s->task != SERVER_TASK_NONE;
}

static void domain_event(struct fleet *f, struct host *h, const struct hv_event *ev)
{
	heard(h);
	if (f->listener.domain)
		f->listener.domain(ev, f->listener.user);
	if (ev->type == HV_EV_DOM && !is_moved(f, ev->uuid))
		host_refresh(h, ev->uuid);
}

void host_event(const struct hv_event *ev, void *user)
{
	struct fleet *f = user;
	struct host *h = fleet_host(f, ev->host);

	if (!h || !h->hv)
		return;
	switch (ev->type) {
	case HV_EV_OPEN:
		h->priv->turn++;
		set_conn(h, HOST_SYNCING);
		if (!h->same_as) /* else the reason stays while it is asked again */
			util_replace(&h->down_reason, "its domains are not known yet");
		ask_all(h);
		break;
	case HV_EV_CLOSED:
		closed(h, ev->text);
		break;
	case HV_EV_DOM:
	case HV_EV_ITERATION:
	case HV_EV_JOB_DONE:
		domain_event(f, h, ev);
		break;
	case HV_EV_N:
		g_assert_not_reached();
	}
}

/* ---- what others ask of a host ---- */

bool host_is_up(const struct fleet *f, const struct host *h)
{
	return h->conn == HOST_UP && !h->forced_down && h->waits_since_us >= room_since_us(f->room);
}

char *host_state_text(const struct fleet *f, const struct host *h)
{
	if (host_is_up(f, h))
		return g_strdup("up");
	if (h->forced_down)
		return g_strdup("forced down");
	return g_strdup_printf("down: %s", h->conn == HOST_UP ? "it has not answered for too long" : h->down_reason);
}

const char *host_listen(struct fleet *f, const struct host *h, const char *type)
{
	const char *spice = fleet_conf(f)->spice_server_listen;

	return spice && g_str_equal(type, "spice") ? spice : h->vnc_listen;
}

struct usage host_used(const struct host *h)
{
	return h->used;
}

struct usage host_claimed(const struct host *h)
{
	return h->claimed;
}

struct usage host_total(const struct host *h)
{
	struct usage u = { 0 };

	if (!h->info)
		return u;
	u.vcpus = h->info->vcpus;
	u.memory_mb = h->info->mem_mib;
	u.disk_gb = h->info->disk_bytes / FLEET_UNIT_GIB;
	return u;
}

struct usage host_capacity(const struct host *h)
{
	return h->capacity;
}

const char *host_dest_uri(const struct host *h)
{
	return h->migration_uri ? h->migration_uri : h->uri;
}

char *host_migrate_uri(const struct host *h)
{
	g_autoptr(GUri) uri = g_uri_parse(h->uri, G_URI_FLAGS_NONE, NULL);
	const char *addr = h->inbound_addr;

	if (!addr && uri)
		addr = g_uri_get_host(uri);
	if (!addr || !*addr)
		return NULL;
	return strchr(addr, ':') ? g_strdup_printf("tcp://[%s]", addr) : g_strdup_printf("tcp://%s", addr);
}
