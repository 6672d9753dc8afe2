/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/addr.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "fleet/fleet_priv.h"
#include "fleet/registry.h"

#define AT_ONCE 2            /* guests of a host that are asked at once */
#define WRITE_AFTER_MS 5000
#define WRITE_AGAIN_MS 60000
#define NICS_MAX 256
#define STORED_MAX (64 << 10)

/* A guest that starts gets its address some time later: how long to wait before each question, until one is known. */
static const int64_t first_ms[] = { 1000, 10000, 30000, 60000, 300000 };

/* Of a host. */
struct host_addrs {
	struct due queue;          /* struct server: those to be asked, by when */
	struct clock_timer *timer; /* when the first is due, at .timer_ms */
	int64_t timer_ms;
	unsigned busy;             /* how many are being asked */
};

/* ---- interfaces ---- */

static void nic_free(void *data)
{
	struct server_nic *n = data;

	g_free(n->mac);
	g_free(n->network);
	g_free(n);
}

static void add_nic(GPtrArray *nics, const char *mac, const char *network)
{
	struct server_nic *n = g_new0(struct server_nic, 1);

	n->mac = g_ascii_strdown(mac, -1);
	n->network = g_strdup(network);
	g_ptr_array_add(nics, n);
}

static const char *network_of(const struct hv_nic *n)
{
	return n->bridge ? n->bridge : n->type ? n->type : "unknown";
}

/* A host writes it in one way each time, small. */
static bool same_mac(const char *known, const char *told)
{
	return strcmp(known, told) == 0 || g_ascii_strcasecmp(known, told) == 0;
}

/* Looked at with each poll: most of the time nothing has changed. */
static bool same_nics(const GPtrArray *have, const GPtrArray *told)
{
	if (!have || have->len != told->len)
		return false;
	for (guint i = 0; i < have->len; i++) {
		const struct server_nic *n = g_ptr_array_index(have, i);
		const struct hv_nic *t = g_ptr_array_index(told, i);

		if (!same_mac(n->mac, t->mac ? t->mac : "") || strcmp(n->network, network_of(t)) != 0)
			return false;
	}
	return true;
}

static bool has_nic(const struct server *s, const char *mac)
{
	for (guint i = 0; s->nics && i < s->nics->len; i++)
		if (strcmp(((const struct server_nic *)g_ptr_array_index(s->nics, i))->mac, mac) == 0)
			return true;
	return false;
}

static void take_nics(struct server *s, const GPtrArray *told)
{
	g_clear_pointer(&s->nics, g_ptr_array_unref);
	s->nics = g_ptr_array_new_with_free_func(nic_free);
	for (guint i = 0; i < told->len; i++) {
		const struct hv_nic *t = g_ptr_array_index(told, i);

		add_nic(s->nics, t->mac ? t->mac : "", network_of(t));
	}
	for (guint i = s->addrs ? s->addrs->len : 0; i-- > 0;)
		if (!has_nic(s, g_array_index(s->addrs, struct hv_addr, i).mac))
			g_array_remove_index(s->addrs, i);
}

const struct hv_addr *addr_of(const struct server *s, const char *mac, guint i)
{
	for (guint k = 0; s->addrs && k < s->addrs->len; k++) {
		const struct hv_addr *a = &g_array_index(s->addrs, struct hv_addr, k);

		if (strcmp(a->mac, mac) == 0 && i-- == 0)
			return a;
	}
	return NULL;
}

/* ---- rows ---- */

static void put_nic(struct jout *o, const struct server *s, const struct server_nic *n)
{
	const struct hv_addr *a;

	jout_open(o, '{');
	jout_kv(o, "network", str, n->network);
	jout_kv(o, "mac", str, n->mac);
	jout_key(o, "addresses");
	jout_open(o, '[');
	for (guint i = 0; (a = addr_of(s, n->mac, i)); i++) {
		g_autofree char *text = g_strdup_printf("%s/%d", a->text, a->prefix);

		jout_str(o, text);
	}
	jout_close(o, ']');
	jout_close(o, '}');
}

/* Return: owned by the caller; NULL without an address: interfaces alone are told soon enough. */
static char *text_of(const struct server *s)
{
	struct jout o;

	if (!s->addrs || s->addrs->len == 0)
		return NULL;
	jout_init(&o, g_string_new(NULL), 1);
	jout_open(&o, '[');
	for (guint i = 0; s->nics && i < s->nics->len; i++)
		put_nic(&o, s, g_ptr_array_index(s->nics, i));
	jout_close(&o, ']');
	return g_string_free(o.s, FALSE);
}

static void load_addr(GArray *all, const char *mac, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text ? text : "", "/", 2);
	struct hv_addr a;

	if (parts[0] && hv_addr_parse(mac, parts[0], parts[1] ? g_ascii_strtoll(parts[1], NULL, 10) : 0, &a))
		hv_addrs_add(all, &a);
}

void addr_load(struct server *s)
{
	const char *text = s->addrs_stored;
	g_autoptr(json_t) root = text && strlen(text) <= STORED_MAX ? json_parse(text, strlen(text), NULL) : NULL;

	if (!json_is_array(root)) {
		g_clear_pointer(&s->addrs_stored, g_free); /* what is not there, or cannot be read, will be asked for */
		return;
	}
	s->nics = g_ptr_array_new_with_free_func(nic_free);
	s->addrs = hv_addrs_new();
	for (size_t i = 0; i < MIN(json_array_size(root), NICS_MAX); i++) {
		const json_t *n = json_array_get(root, i), *list = json_object_get(n, "addresses");
		const char *mac = json_string_value(json_object_get(n, "mac")), *network = json_string_value(json_object_get(n, "network"));

		if (!mac || !network)
			continue;
		add_nic(s->nics, mac, network);
		for (size_t k = 0; k < MIN(json_array_size(list), HV_ADDRS_MAX); k++)
			load_addr(s->addrs, mac, json_string_value(json_array_get(list, k)));
	}
}

static bool write_all(struct fleet *f, GError **err)
{
	for (guint i = 0; i < f->addrs_unsaved->len; i++) {
		const struct server *s = fleet_server(f, g_ptr_array_index(f->addrs_unsaved, i));
		g_autofree char *text = s ? text_of(s) : NULL;

		if (s && !store_run(f->store, Q_SERVER_ADDRS, STORE_ARGS(SV_S(s->uuid), SV_S(text)), NULL, err))
			return false;
	}
	return true;
}

static void write_later(struct fleet *f, int64_t after_ms);

static void write_now(void *user)
{
	struct fleet *f = user;
	g_autoptr(GError) why = NULL;

	f->addrs_writing = NULL;
	if (!store_begin_soft(f->store, &why) || !write_all(f, &why) || !store_commit(f->store, &why)) {
		store_rollback(f->store);
		log_warning("addresses_not_saved", LOG_D("servers", f->addrs_unsaved->len), LOG_S("error", why->message));
		write_later(f, WRITE_AGAIN_MS);
		return;
	}
	g_ptr_array_set_size(f->addrs_unsaved, 0);
}

static void write_later(struct fleet *f, int64_t after_ms)
{
	if (!f->addrs_writing)
		f->addrs_writing = clock_after(after_ms, write_now, f);
}

static void changed(struct fleet *f, struct server *s)
{
	g_autofree char *text = text_of(s);

	if (g_strcmp0(text, s->addrs_stored) == 0)
		return;
	util_replace(&s->addrs_stored, text);
	g_ptr_array_add(f->addrs_unsaved, g_strdup(s->uuid));
	write_later(f, WRITE_AFTER_MS);
}

/* ---- when to ask ---- */

static int64_t interval_ms(const struct fleet *f)
{
	return f->conf->address_refresh_interval * 1000;
}

/* A share of @ms that is the server's own, so that those of a host are not asked all at once. */
static int64_t share(const struct server *s, int64_t ms)
{
	return ms * (int64_t)(g_str_hash(s->uuid) % 1024) / 1024;
}

static bool is_known(const struct server *s)
{
	return s->addrs && s->addrs->len > 0;
}

static void leave_queue(struct server *s)
{
	if (s->addrs_queue)
		due_remove(s->addrs_queue, s);
	s->addrs_queue = NULL;
}

/* Of two that are due at once the older record is first: the order is the same in each run. */
static void plan_at(struct fleet *f, struct server *s, int64_t due_ms)
{
	struct host *h = fleet_host(f, s->host);

	leave_queue(s);
	s->addrs_due_ms = due_ms;
	if (!h)
		return;
	s->addrs_queue = &h->addrs->queue;
	due_add(s->addrs_queue, s, due_ms, (uint64_t)s->nth);
}

static void plan(struct fleet *f, struct server *s)
{
	int64_t ms = interval_ms(f);

	if (s->addrs_asked < G_N_ELEMENTS(first_ms) && (s->addrs_asked == 0 || !is_known(s)))
		plan_at(f, s, clock_now_ms() + MIN(first_ms[s->addrs_asked], ms));
	else
		plan_at(f, s, clock_now_ms() + ms * 3 / 4 + share(s, ms / 2));
}

static void step(void *user);

static void wake(struct host *h, int64_t after_ms)
{
	struct host_addrs *a = h->addrs;

	if (a->timer && a->timer_ms <= clock_now_ms() + after_ms)
		return;
	clock_cancel(&a->timer);
	a->timer_ms = clock_now_ms() + after_ms;
	a->timer = clock_after(after_ms, step, h);
}

static void wake_for(struct fleet *f, const struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	if (h && h->conn == HOST_UP)
		wake(h, MAX(0, s->addrs_due_ms - clock_now_ms()));
}

/* ---- asking ---- */

struct question {
	struct fleet *fleet;
	char *host;
	char uuid[UTIL_UUID_LEN + 1];
};

/* What is told of an interface takes the place of what was known of it; nothing takes the place of nothing. */
static void take(struct server *s, const GArray *told)
{
	g_autoptr(GArray) old = told->len > 0 ? s->addrs : NULL;

	if (told->len == 0)
		return;
	s->addrs = hv_addrs_new();
	for (guint i = 0; i < told->len; i++) {
		const struct hv_addr *a = &g_array_index(told, struct hv_addr, i);

		if (has_nic(s, a->mac))
			hv_addrs_add(s->addrs, a);
	}
	for (guint i = 0; old && i < old->len; i++) {
		const struct hv_addr *a = &g_array_index(old, struct hv_addr, i);

		if (!hv_addrs_know(told, a->mac))
			hv_addrs_add(s->addrs, a);
	}
}

static void ask_due(struct host *h);

static void answered(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct host *h = fleet_host(q->fleet, q->host);
	struct server *s = fleet_server(q->fleet, q->uuid);

	if (h && h->addrs->busy > 0)
		h->addrs->busy--;
	if (s && g_strcmp0(s->host, q->host) != 0) {
		/* It has moved meanwhile: it is asked where it is. */
		s->addrs_asking = false;
		plan_at(q->fleet, s, clock_now_ms() + first_ms[0]);
		wake_for(q->fleet, s);
	} else if (s) {
		s->addrs_asking = false;
		if (!r->err && !server_is_taken(s)) {
			take(s, r->addrs);
			changed(q->fleet, s);
		}
		plan(q->fleet, s);
	}
	g_free(q->host);
	g_free(q);
	if (h)
		ask_due(h);
}

static void ask(struct host *h, struct server *s)
{
	struct fleet *f = h->fleet;
	struct hv_req req = { .op = HV_DOM_ADDRS, .uuid = s->uuid, .addr_sources = f->conf->address_source_bits };
	struct question *q = g_new0(struct question, 1);

	q->fleet = f;
	q->host = g_strdup(h->name);
	memcpy(q->uuid, s->uuid, sizeof q->uuid);
	leave_queue(s);
	s->addrs_asking = true;
	s->addrs_asked = MIN(s->addrs_asked + 1, (unsigned)G_N_ELEMENTS(first_ms));
	h->addrs->busy++;
	hv_call(h->hv, &req, answered, q);
}

/* Its host is in the middle of something with one that has a task. */
static bool may_be_asked(const struct server *s)
{
	return !server_is_taken(s) && !s->unknown && s->nics && s->nics->len > 0;
}

static void ask_due(struct host *h)
{
	struct server *s;

	if (h->conn != HOST_UP || !h->hv || interval_ms(h->fleet) == 0 || !h->fleet->conf->address_source_bits)
		return;
	while (h->addrs->busy < AT_ONCE && (s = due_first(&h->addrs->queue))) {
		if (s->addrs_due_ms > clock_now_ms()) {
			wake(h, s->addrs_due_ms - clock_now_ms());
			return;
		}
		if (s->addrs_follow && may_be_asked(s))
			ask(h, s);
		else
			leave_queue(s); /* until addr_took_dom() finds that it may be */
	}
}

static void step(void *user)
{
	struct host *h = user;

	h->addrs->timer = NULL;
	ask_due(h);
}

/* ---- what happens to servers and hosts ---- */

void addr_took_dom(struct fleet *f, struct server *s)
{
	bool running = s->dom->state == HV_RUNNING, other = !same_nics(s->nics, s->dom->nics);
	bool first = s->dom_ms == 0;

	if (other) {
		take_nics(s, s->dom->nics);
		changed(f, s);
	}
	if (running && (other || !s->addrs_follow)) {
		/* After a start of the controller what the row has will do for a while. */
		s->addrs_asked = first && is_known(s) ? (unsigned)G_N_ELEMENTS(first_ms) : 0;
		plan(f, s);
		if (first && is_known(s))
			plan_at(f, s, clock_now_ms() + share(s, interval_ms(f)));
		wake_for(f, s);
	} else if (running && may_be_asked(s) && !s->addrs_queue && !s->addrs_asking) {
		/* What was due while it had a task is due now. */
		plan_at(f, s, MAX(s->addrs_due_ms, clock_now_ms()));
		wake_for(f, s);
	}
	s->addrs_follow = running;
}

/* What is known of it is so still, and what is not known after all these questions hardly another host knows: one will do. */
void addr_moved(struct server *s)
{
	leave_queue(s);
	s->addrs_due_ms = clock_now_ms() + first_ms[0];
}

void addr_host_new(struct host *h)
{
	h->addrs = g_new0(struct host_addrs, 1);
	h->addrs->queue = (struct due)DUE_OF(struct server, addrs_place);
}

void addr_host_free(struct host *h)
{
	struct due *q = &h->addrs->queue;

	for (guint i = 0; i < q->len; i++)
		((struct server *)q->slots[i].item)->addrs_queue = NULL;
	due_clear(q);
	clock_cancel(&h->addrs->timer);
	g_clear_pointer(&h->addrs, g_free);
}

void addr_host_up(struct host *h)
{
	wake(h, 0);
}

void addr_host_down(struct host *h)
{
	clock_cancel(&h->addrs->timer);
}

void addr_stop(struct fleet *f)
{
	clock_cancel(&f->addrs_writing);
}
