/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/load.h"

#include "base/clock.h"
#include "fleet/fleet_priv.h"
#include "fleet/host_link.h"
#include "fleet/registry.h"

#define FOLLOWS 4         /* the load goes so slowly after what is measured: a fourth of the way each time */
#define NS_IN_US 1000
#define MILLI 1000

struct host_load {
	struct clock_timer *timer;
	uint64_t turn;        /* of its connection, when it was asked last */
	int answers;          /* since it came up: two make a measurement */
	int64_t mcpu;         /* what its guests used, by the last one */
};

struct question {
	struct fleet *fleet;
	char *host;
	uint64_t turn;
};

static void ask(void *user);

static void ask_later(struct host *h)
{
	clock_cancel(&h->load->timer);
	h->load->timer = clock_after(h->fleet->conf->load_interval * 1000, ask, h);
}

/* @mcpu: what it has used since the last answer */
static void follow(struct server *s, int64_t mcpu)
{
	s->load_mcpu = s->load_known ? s->load_mcpu + (mcpu - s->load_mcpu) / FOLLOWS : mcpu;
	s->load_known = true;
}

/* The time counts from the start of a QEMU: one that is less than before is another's. Return: what it uses, if that is known. */
static int64_t take(const struct host *h, const struct hv_load *l, int64_t now_us)
{
	struct server *s = fleet_server(h->fleet, l->uuid);

	if (!s || g_strcmp0(s->host, h->name) != 0)
		return 0;
	if (s->load_host == h->id && l->cpu_ns >= s->load_ns && now_us > s->load_us)
		follow(s, (l->cpu_ns - s->load_ns) / NS_IN_US * MILLI / (now_us - s->load_us));
	s->load_host = h->id;
	s->load_ns = l->cpu_ns;
	s->load_us = now_us;
	return s->load_known ? s->load_mcpu : 0;
}

static void answered(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct host *h = fleet_host(q->fleet, q->host);
	bool ours = h && h->load && h->load->turn == q->turn && h->conn == HOST_UP;
	int64_t mcpu = 0;

	for (guint i = 0; ours && !r->err && i < r->loads->len; i++)
		mcpu += take(h, &g_array_index(r->loads, struct hv_load, i), clock_now_us());
	if (ours && !r->err) {
		h->load->answers++;
		h->load->mcpu = mcpu;
	}
	if (ours)
		ask_later(h);
	g_free(q->host);
	g_free(q);
}

static void ask(void *user)
{
	struct host *h = user;
	struct hv_req req = { .op = HV_DOM_LOADS };
	struct question *q = g_new0(struct question, 1);

	h->load->timer = NULL;
	h->load->turn = host_link_turn(h);
	*q = (struct question){ h->fleet, g_strdup(h->name), h->load->turn };
	hv_call(h->hv, &req, answered, q);
}

char *load_missing(const struct fleet *f)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		const struct host *h = g_ptr_array_index(f->hosts, i);

		if (h->conn == HOST_UP && h->load->answers < 2)
			return g_strdup_printf("host %s has not been asked twice yet", h->name);
	}
	return NULL;
}

int load_percent(const struct host *h)
{
	if (!h->load || h->load->answers < 2 || h->conn != HOST_UP || !h->info || h->info->vcpus <= 0)
		return -1;
	return (int)(h->load->mcpu * 100 / ((int64_t)h->info->vcpus * MILLI));
}

/* ---- what happens to hosts ---- */

void load_host_up(struct host *h)
{
	h->load->answers = 0;
	if (h->fleet->conf->load_interval > 0)
		ask(h);
}

void load_host_down(struct host *h)
{
	clock_cancel(&h->load->timer);
	h->load->turn = 0;
}

void load_host_new(struct host *h)
{
	h->load = g_new0(struct host_load, 1);
}

void load_host_free(struct host *h)
{
	clock_cancel(&h->load->timer);
	g_clear_pointer(&h->load, g_free);
}
