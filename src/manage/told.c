/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/told.h"

#include "base/clock.h"
#include "base/loop.h"
#include "hv/hv.h"
#include "manage/seam.h"

#define ANSWER_MS 60000

struct asking {
	GPtrArray *hosts;
	struct hv *hv;
	GHashTable *links; /* struct hv_host * by name */
	guint left;
	bool ended; /* what is said now comes too late */
};

/* Of a host's calls, one after the other. */
struct call {
	struct asking *all;
	struct told *told;
	struct hv_host *host;
};

struct told *told_new(const char *name, const char *uri)
{
	struct told *t = g_new0(struct told, 1);

	t->name = g_strdup(name);
	t->uri = g_strdup(uri);
	return t;
}

void told_free(struct told *t)
{
	g_free(t->name);
	g_free(t->uri);
	g_free(t->why);
	g_clear_pointer(&t->doms, g_ptr_array_unref);
	g_clear_pointer(&t->carriers, g_ptr_array_unref);
	g_free(t);
}

/* @why: NULL: all was told */
static void over(struct asking *a, struct told *t, const char *why)
{
	if (a->ended || t->why)
		return;
	t->why = g_strdup(why);
	if (--a->left == 0)
		loop_quit();
}

static void on_carriers(struct hv_reply *r, void *user)
{
	struct call *c = user;

	if (!r->err && !c->all->ended && !c->told->why)
		c->told->carriers = g_steal_pointer(&r->carriers);
	over(c->all, c->told, r->err ? r->err->message : NULL);
	g_free(c);
}

static void on_doms(struct hv_reply *r, void *user)
{
	const struct hv_req carriers = { .op = HV_CARRIER_LIST };
	struct call *c = user;

	if (r->err || c->all->ended || c->told->why) {
		over(c->all, c->told, r->err ? r->err->message : NULL);
		g_free(c);
		return;
	}
	c->told->doms = g_steal_pointer(&r->doms);
	hv_call(c->host, &carriers, on_carriers, c);
}

static struct told *find(const GPtrArray *hosts, const char *name)
{
	for (guint i = 0; i < hosts->len; i++)
		if (g_str_equal(((struct told *)g_ptr_array_index(hosts, i))->name, name))
			return g_ptr_array_index(hosts, i);
	return NULL;
}

/* It is asked once: a connection that is lost is not made again. */
static void on_event(const struct hv_event *ev, void *user)
{
	const struct hv_req doms = { .op = HV_DOM_LIST };
	struct asking *a = user;
	struct told *t = a->ended ? NULL : find(a->hosts, ev->host);
	struct call *c;

	if (!t || t->carriers || t->why)
		return;
	if (ev->type == HV_EV_CLOSED)
		over(a, t, ev->text ? ev->text : "its connection was lost");
	if (ev->type != HV_EV_OPEN)
		return;
	c = g_new0(struct call, 1);
	c->all = a;
	c->told = t;
	c->host = g_hash_table_lookup(a->links, t->name);
	hv_call(c->host, &doms, on_doms, c);
}

static void on_limit(void *user)
{
	struct asking *a = user;

	for (guint i = 0; i < a->hosts->len; i++) {
		struct told *t = g_ptr_array_index(a->hosts, i);

		if (!t->carriers)
			over(a, t, "it has not answered within a minute");
	}
}

static void open_all(struct asking *a)
{
	for (guint i = 0; i < a->hosts->len; i++) {
		struct told *t = g_ptr_array_index(a->hosts, i);

		g_hash_table_insert(a->links, t->name, hv_host_add(a->hv, t->name, t->uri));
	}
	for (guint i = 0; i < a->hosts->len; i++)
		hv_host_open(g_hash_table_lookup(a->links, ((struct told *)g_ptr_array_index(a->hosts, i))->name));
}

bool told_ask(GPtrArray *hosts, GError **err)
{
	struct asking a = { .hosts = hosts, .left = hosts->len };
	struct clock_timer *limit;

	if (!hosts->len)
		return true;
	if (!seam_used()->init(err))
		return false;
	loop_init();
	a.links = g_hash_table_new(g_str_hash, g_str_equal);
	a.hv = hv_new(on_event, &a);
	for (const struct hv_ops *const *ops = seam_used()->ops; *ops; ops++)
		hv_register(a.hv, *ops);
	limit = clock_after(ANSWER_MS, on_limit, &a);
	open_all(&a);
	loop_run();
	clock_cancel(&limit);
	a.ended = true;
	hv_free(a.hv);
	g_hash_table_unref(a.links);
	return true;
}
