/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_link.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/registry.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000
#define LOOK_MS 500 /* between two looks at a host where nothing accepts connections */

struct host_link {
	struct hv *hv;
	const struct host_link_calls *calls;
	void *user;
	struct clock_timer *retry, *poll, *part;
	struct host_list list; /* while it is taken, a part in a turn */
	int64_t backoff_ms;
	bool told;        /* that it cannot be reached is in the log */
	bool polling;     /* a poll is unanswered */
	uint64_t turn;    /* counts connections; an answer of an older one is dropped */
};

struct ask {
	struct fleet *fleet;
	char *host;
	uint64_t turn;
	uint64_t number; /* of the questions of all hosts */
};

static struct ask *ask_new(struct host *h)
{
	struct ask *a = g_new0(struct ask, 1);

	a->fleet = h->fleet;
	a->host = g_strdup(h->name);
	a->turn = h->link->turn;
	a->number = registry_next_ask(h->fleet);
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
	return h && h->link->turn == turn ? h : NULL;
}

void host_link_new(struct host *h, struct hv *hv, const struct host_link_calls *calls, void *user)
{
	h->link = g_new0(struct host_link, 1);
	h->link->hv = hv;
	h->link->calls = calls;
	h->link->user = user;
}

static void drop_list(struct host_link *l)
{
	clock_cancel(&l->part);
	g_clear_pointer(&l->list.doms, g_ptr_array_unref);
}

void host_link_free(struct host *h)
{
	if (!h->link)
		return;
	host_link_close(h);
	g_clear_pointer(&h->link, g_free);
}

static void set_conn(struct host *h, enum host_conn conn)
{
	h->conn = conn;
	if (host_states[conn].down && !h->same_as) /* else the reason stays while it is asked again */
		util_replace(&h->down_reason, host_states[conn].down);
	room_note(h);
}

/* The seam's host goes by the URI that it was made with. */
static void take_uri(struct host *h)
{
	if (h->hv && strcmp(h->hv->uri, h->uri) != 0)
		hv_host_remove(g_steal_pointer(&h->hv));
	if (!h->hv)
		h->hv = hv_host_add(h->link->hv, h->name, h->uri);
}

static void retry(void *user)
{
	struct host *h = user;

	h->link->retry = NULL;
	take_uri(h);
	set_conn(h, HOST_CONNECTING);
	hv_host_open(h->hv);
}

void host_link_open(struct host *h)
{
	h->link->backoff_ms = BACKOFF_FIRST_MS;
	h->link->told = false;
	h->tried |= h->refused;
	if (!h->refused)
		retry(h);
}

void host_link_close(struct host *h)
{
	h->link->turn++;
	clock_cancel(&h->link->retry);
	clock_cancel(&h->link->poll);
	drop_list(h->link);
	h->link->polling = false;
	h->waits_since_us = HOST_OWES_NOTHING;
	set_conn(h, HOST_CLOSED);
	if (h->hv)
		hv_host_remove(h->hv);
	h->hv = NULL;
}

static void state_changed(struct host *h, enum host_conn was)
{
	h->link->calls->state(h, was, h->link->user);
}

static void set_polling(struct host *h, bool polling)
{
	h->link->polling = polling;
	h->waits_since_us = polling ? clock_now_us() : HOST_OWES_NOTHING;
	room_note(h);
}

/* A sign of life. After a silence that counted as down, it is up again without a new connection. */
static void heard(struct host *h)
{
	bool was_up = host_is_up(h->fleet, h);

	h->last_seen_us = clock_wall_us();
	set_polling(h, h->link->polling);
	if (!was_up && host_is_up(h->fleet, h))
		state_changed(h, h->conn);
}

static void plan_retry(struct host *h, bool unreached)
{
	struct host_link *l = h->link;

	l->retry = clock_after(unreached ? LOOK_MS : l->backoff_ms, retry, h);
	if (!unreached)
		l->backoff_ms = MIN(l->backoff_ms * 2, BACKOFF_MAX_MS);
}

/* @unreached: nothing accepts connections there. A host that comes back is to be seen within a second: it may run what runs elsewhere by now */
static void closed(struct host *h, const char *why, bool unreached)
{
	enum host_conn was = h->conn;

	if (was == HOST_CLOSED)
		return;
	h->link->turn++;
	/* A connection that ends says nothing of the next one. */
	h->tried |= was == HOST_CONNECTING;
	set_polling(h, false);
	set_conn(h, HOST_CLOSED);
	util_replace(&h->down_reason, why);
	clock_cancel(&h->link->poll);
	drop_list(h->link);
	plan_retry(h, unreached);
	if (was == HOST_UP || !h->link->told)
		log_warning("host_closed", LOG_S("host", h->name), LOG_S("reason", why));
	h->link->told = true;
	if (was == HOST_UP)
		state_changed(h, was);
	if (was == HOST_CONNECTING)
		h->link->calls->tried(h, false, h->link->user);
}

/* An answer that never came: drop the connection, its workers may hang for long. */
static void failed(struct host *h, const char *why)
{
	h->tried = true;
	hv_host_close(h->hv);
	closed(h, why, false);
}

void host_link_drop(struct host *h, const char *why)
{
	if (h->conn != HOST_CLOSED)
		failed(h, why);
	else
		util_replace(&h->down_reason, why);
}

void host_link_hurry(struct host *h)
{
	if (!h->link->retry)
		return;
	clock_cancel(&h->link->retry);
	retry(h);
}

static void poll(void *user);

static void plan_poll(struct host *h)
{
	if (!h->link->poll)
		h->link->poll = clock_after(fleet_conf(h->fleet)->report_interval * 1000, poll, h);
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

/* A host of a thousand guests must not hold the loop. Until all are taken, the host has not answered what it was asked. */
static void take_part(void *user)
{
	struct host *h = user;
	struct host_link *l = h->link;
	guint n = l->list.doms->len;

	l->part = NULL;
	if (!l->calls->part(h, &l->list, l->user)) {
		l->part = clock_after(0, take_part, h);
		return;
	}
	drop_list(l);
	h->listed = l->list.ask;
	h->told = true;
	l->calls->list(h, n, l->user);
	plan_poll(h);
}

static void got_list(struct hv_reply *r, void *user)
{
	uint64_t number;
	struct host *h = take_answer(r, user, &number);

	if (!h)
		return;
	set_polling(h, false);
	h->tried |= h->conn == HOST_UP;
	if (h->conn == HOST_SYNCING)
		set_conn(h, HOST_CLEANING);
	drop_list(h->link); /* an older one is overtaken */
	h->link->list = (struct host_list){ .doms = g_steal_pointer(&r->doms), .ask = number };
	take_part(h);
}

void host_link_up(struct host *h)
{
	enum host_conn was = h->conn;

	g_assert(was == HOST_CLEANING);
	h->tried = true;
	set_conn(h, HOST_UP);
	h->link->backoff_ms = BACKOFF_FIRST_MS;
	h->link->told = false;
	state_changed(h, was);
}

static void got_info(struct hv_reply *r, void *user)
{
	struct host *h = take_answer(r, user, NULL);
	struct hv_req req = { .op = HV_DOM_LIST };
	g_autofree char *why_not = NULL;

	if (!h)
		return;
	why_not = h->link->calls->info(h, g_steal_pointer(&r->info), h->link->user);
	if (why_not)
		failed(h, why_not);
	else
		hv_call(h->hv, &req, got_list, ask_new(h));
}

/* Both questions of a poll together have the time that is left before the host counts as down. */
static void ask_all(struct host *h)
{
	const struct conf *c = fleet_conf(h->fleet);
	struct hv_req req = { .op = HV_HOST_GET, .timeout_ms = MAX(1, c->service_down_time - c->report_interval) * 1000 };

	if (!h->link->polling)
		set_polling(h, true);
	hv_call(h->hv, &req, got_info, ask_new(h));
}

static void poll(void *user)
{
	struct host *h = user;

	h->link->poll = NULL;
	ask_all(h);
}

static void ask_now(struct host *h)
{
	clock_cancel(&h->link->poll);
	ask_all(h);
}

void host_link_ask_again(struct host *h)
{
	h->tried = false;
	if (h->link->polling)
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
		h->link->calls->domain(h, &r->dom, number, h->link->user);
	}
	/* An error here is no news: the next poll asks again and judges the host. */
}

uint64_t host_link_turn(const struct host *h)
{
	return h->link->turn;
}

bool host_connected(const struct host *h)
{
	return h && h->hv && host_states[h->conn].asked;
}

bool host_call(struct host *h, const struct hv_req *req, hv_done_f *done, void *user)
{
	if (!host_connected(h))
		return false;
	hv_call(h->hv, req, done, user);
	return true;
}

void host_link_refresh(struct host *h, const char *uuid)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = uuid };

	if (host_connected(h))
		hv_call(h->hv, &req, got_dom, ask_new(h));
}

void host_link_event(struct host *h, const struct hv_event *ev)
{
	switch (ev->type) {
	case HV_EV_OPEN:
		h->link->turn++;
		h->told = false;
		set_conn(h, HOST_SYNCING);
		ask_all(h);
		h->link->calls->tried(h, true, h->link->user);
		break;
	case HV_EV_CLOSED:
		closed(h, ev->text, ev->unreached);
		break;
	case HV_EV_DOM:
	case HV_EV_ITERATION:
	case HV_EV_JOB_DONE:
	case HV_EV_REBOOT:
		heard(h);
		h->link->calls->event(h, ev, h->link->user);
		break;
	case HV_EV_N:
		g_assert_not_reached();
	}
}
