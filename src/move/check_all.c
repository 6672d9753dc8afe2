/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_all.h"

#include "move/service.h"
#include "task/engine.h"

#define AT_ONCE 8

struct all {
	struct check_set *set;
	struct check_request req;
	char *server_uuid;
	GPtrArray *hosts;   /* struct check_host *, in the order of the answer */
	guint begun, ended;
	check_all_f *done;
	void *user;
};

/* One run: which host's. */
struct part {
	struct all *all;    /* a reference */
	struct check_host *host;
};

static void asked_free(void *data)
{
	struct check_host *h = data;

	g_free(h->host);
	g_clear_pointer(&h->checks, g_ptr_array_unref);
	g_free(h);
}

static void all_clear(void *data)
{
	struct all *a = data;

	g_free(a->server_uuid);
	g_ptr_array_unref(a->hosts);
}

static void part_free(void *data)
{
	struct part *p = data;

	g_rc_box_release_full(p->all, all_clear);
	g_free(p);
}

static void more(struct all *a);

static void part_done(struct check_report *r, void *user)
{
	struct part *p = user;
	struct all *a = p->all;

	p->host->checks = g_steal_pointer(&r->checks);
	p->host->fits = !r->err;
	if (++a->ended == a->hosts->len)
		a->done(a->hosts, a->user);
	else
		more(a);
}

static void begin(struct all *a, struct check_host *h)
{
	struct check_request req = a->req;
	struct part *p = g_new(struct part, 1);

	*p = (struct part){ .all = g_rc_box_acquire(a), .host = h };
	req.server_uuid = a->server_uuid;
	req.dest = h->host;
	req.chosen = false;
	req.to_the_end = true;
	req.free_user = part_free;
	(void)check_begin(a->set, &req, part_done, p); /* it is never cancelled */
}

static void more(struct all *a)
{
	while (a->begun < a->hosts->len && a->begun - a->ended < AT_ONCE)
		begin(a, g_ptr_array_index(a->hosts, a->begun++));
}

static void add_host(struct all *a, const char *name)
{
	struct check_host *h = g_new0(struct check_host, 1);

	h->host = g_strdup(name);
	g_ptr_array_add(a->hosts, h);
}

void check_all(struct engine *e, const struct check_request *r, check_all_f *done, void *user)
{
	struct all *a = g_rc_box_new0(struct all);
	GPtrArray *hosts = fleet_hosts(engine_fleet(e));

	a->set = service_of(e)->checks;
	a->req = *r;
	a->server_uuid = g_strdup(r->server_uuid);
	a->hosts = g_ptr_array_new_with_free_func(asked_free);
	a->done = done;
	a->user = user;
	if (r->dest)
		add_host(a, r->dest);
	for (guint i = 0; !r->dest && i < hosts->len; i++)
		add_host(a, ((const struct host *)g_ptr_array_index(hosts, i))->name);
	more(a);
	g_rc_box_release_full(a, all_clear);
}
