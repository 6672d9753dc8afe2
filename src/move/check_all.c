/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_all.h"

#include <string.h>

#include "base/json.h"
#include "move/service.h"
#include "task/engine.h"

#define AT_ONCE 8

struct all {
	struct check_set *set;
	struct check_request req;
	char *server_uuid;
	GPtrArray *kinds;   /* const struct task_kind *: those that have checks, and leave hosts that live */
	GPtrArray *hosts;   /* struct check_host *, in the order of the answer */
	guint begun, ended; /* runs: of each host, each kind's */
	check_all_f *done;
	void *user;
};

/* One run: whose. */
struct part {
	struct all *all;    /* a reference */
	struct check_way *way;
};

static void asked_free(void *data)
{
	struct check_host *h = data;

	for (guint i = 0; i < h->n; i++)
		g_clear_pointer(&h->ways[i].checks, g_ptr_array_unref);
	g_free(h->ways);
	g_free(h->host);
	g_free(h);
}

static void all_clear(void *data)
{
	struct all *a = data;

	g_free(a->server_uuid);
	g_ptr_array_unref(a->kinds);
	g_ptr_array_unref(a->hosts);
}

static void part_free(void *data)
{
	struct part *p = data;

	g_rc_box_release_full(p->all, all_clear);
	g_free(p);
}

static guint runs(const struct all *a)
{
	return a->hosts->len * a->kinds->len;
}

static void more(struct all *a);

static void part_done(struct check_report *r, void *user)
{
	struct part *p = user;
	struct all *a = p->all;

	p->way->checks = g_steal_pointer(&r->checks);
	p->way->fits = !r->err;
	if (++a->ended == runs(a))
		a->done(a->hosts, a->user);
	else
		more(a);
}

/* A request for it can have that. */
static bool takes(const struct task_kind *k, const char *name)
{
	const struct task_action *a = k->actions;

	for (size_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i].name, name) == 0)
			return true;
	return false;
}

static void begin(struct all *a, const char *host, struct check_way *w)
{
	struct check_request req = a->req;
	struct part *p = g_new(struct part, 1);

	*p = (struct part){ .all = g_rc_box_acquire(a), .way = w };
	req.kind = w->kind;
	req.server_uuid = a->server_uuid;
	req.dest = host;
	req.force &= takes(w->kind, "force");
	req.block = takes(w->kind, "block_migration") ? req.block : MIG_BLOCK_AUTO;
	req.chosen = false;
	req.to_the_end = true;
	req.free_user = part_free;
	(void)check_begin(a->set, &req, part_done, p); /* it is never cancelled */
}

static void more(struct all *a)
{
	while (a->begun < runs(a) && a->begun - a->ended < AT_ONCE) {
		struct check_host *h = g_ptr_array_index(a->hosts, a->begun / a->kinds->len);

		begin(a, h->host, &h->ways[a->begun++ % a->kinds->len]);
	}
}

static void add_host(struct all *a, const char *name)
{
	struct check_host *h = g_new0(struct check_host, 1);

	h->host = g_strdup(name);
	h->n = a->kinds->len;
	h->ways = g_new0(struct check_way, h->n);
	for (guint i = 0; i < h->n; i++)
		h->ways[i].kind = g_ptr_array_index(a->kinds, i);
	g_ptr_array_add(a->hosts, h);
}

static GPtrArray *kinds_with_checks(const struct engine *e)
{
	GPtrArray *found = g_ptr_array_new();

	for (const struct task_kind *const *k = engine_kinds(e); *k; k++)
		if ((*k)->checks && !(*k)->class->leaves_dead) /* of a server whose host lives */
			g_ptr_array_add(found, (void *)*k);
	return found;
}

void check_all(struct engine *e, const struct check_request *r, check_all_f *done, void *user)
{
	struct all *a = g_rc_box_new0(struct all);
	GPtrArray *hosts = fleet_hosts(engine_fleet(e));

	a->set = service_of(e)->checks;
	a->req = *r;
	a->server_uuid = g_strdup(r->server_uuid);
	a->kinds = kinds_with_checks(e);
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
