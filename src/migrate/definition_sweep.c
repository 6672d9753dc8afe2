/* SPDX-License-Identifier: Apache-2.0
 *
 * What migrations owe to hosts, when they are over: definitions to put back, and rows that say what may be there still.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "migrate/definition.h"

#define AGAIN_MS 10000
#define SURE_MS 45000  /* a call to undefine that was lost does not come later than this */
#define CALL_MS 120000 /* a call to migrate that has not come back by then will not */

/* A row can be replaced while its host is asked; the id tells. */
struct ask {
	struct engine *engine;
	char *server_uuid, *host;
	enum definition_kind kind;
	int64_t id;
	void (*done)(struct definition *d, struct hv_reply *r);
};

static void fired(void *user)
{
	struct engine *e = user;

	e->definer = NULL;
	definition_sweep(e);
}

static void later(struct definition *d)
{
	struct engine *e = d->engine;

	d->asked = false;
	if (!e->definer)
		e->definer = clock_after(AGAIN_MS, fired, e);
}

static void answered(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct definition *d = a->engine->stopping ? NULL : definition_find(a->engine, a->server_uuid, a->host, a->kind);

	if (d && d->id == a->id)
		a->done(d, r);
	g_free(a->server_uuid);
	g_free(a->host);
	g_free(a);
}

static void ask(struct definition *d, struct hv_req *req, void (*done)(struct definition *d, struct hv_reply *r))
{
	struct host *h = fleet_host(d->engine->fleet, d->host);
	struct ask *a = g_new(struct ask, 1);

	*a = (struct ask){ d->engine, g_strdup(d->server_uuid), g_strdup(d->host), d->kind, d->id, done };
	req->uuid = d->server_uuid;
	hv_call(h->hv, req, answered, a);
}

static void begin(struct definition *d);

/* Whatever came of it, the host is asked again. */
static void acted(struct definition *d, struct hv_reply *r)
{
	bool refused = r->err && err_code(r->err) != ERR_HV_LOST;

	if (refused && !d->told)
		log_error("definition_not_restored", LOG_S("server", d->server_uuid), LOG_S("host", d->host), LOG_S("error", r->err->message));
	d->told |= refused;
	d->asked = false;
	if (r->err)
		later(d);
	else
		begin(d);
}

static void act(struct definition *d, enum hv_op op)
{
	struct hv_req req = { .op = op, .xml = op == HV_DOM_DEFINE ? d->xml : NULL, .autostart = true };

	ask(d, &req, acted);
}

static void settled(struct definition *d)
{
	log_info("definition_restored", LOG_S("server", d->server_uuid), LOG_S("host", d->host));
	definition_forget(d);
}

/* It is there, and no late call takes it away again. */
static void seen(struct definition *d)
{
	if (clock_now_ms() - d->due_ms < SURE_MS)
		later(d);
	else
		settled(d);
}

/* The guest's own is there first to be removed: what lies there is that. */
static void put_back(struct definition *d, const struct hv_dom *there)
{
	if (definition_find(d->engine, d->server_uuid, d->host, DEFINITION_GUEST) || probe_dest_half(there) == PROBE_H_INCOMING)
		later(d);
	else if (!there->persistent)
		act(d, HV_DOM_DEFINE);
	else if (d->autostart && !there->kept.autostart)
		act(d, HV_DOM_AUTOSTART);
	else
		seen(d);
}

/* A call that is under way, or hangs, could still bring the guest's definition there. */
static bool may_still_come(struct definition *d)
{
	return g_hash_table_contains(d->engine->calls, d->server_uuid) && clock_now_ms() - d->due_ms < CALL_MS;
}

/*
 * The guest lives at that host and its definition could not be made there, or it lives nowhere and this is all that there is of it;
 * or it lives elsewhere, and what was left here could not be seen.
 */
static void sort_own(struct definition *d, const struct hv_dom *there)
{
	const struct server *s = fleet_server(d->engine->fleet, d->server_uuid);
	bool lives_there = s && g_strcmp0(s->host, d->host) == 0, lost = s && server_is_lost(s) && there->state == HV_ABSENT;

	if (lost || (lives_there && !there->persistent))
		act(d, HV_DOM_DEFINE);
	else if (lives_there && d->autostart && !there->kept.autostart)
		act(d, HV_DOM_AUTOSTART);
	else if (lives_there)
		settled(d);
	else if (!s || (there->state == HV_ABSENT && !may_still_come(d)))
		definition_forget(d);
	else
		later(d); /* leftover.c has its own conditions */
}

static bool is_moving(const struct definition *d)
{
	const struct mig *m = task_of_server(d->engine, d->server_uuid);

	return m && (g_strcmp0(m->source, d->host) == 0 || g_strcmp0(m->dest, d->host) == 0);
}

static void got_dom(struct definition *d, struct hv_reply *r)
{
	if (r->err || is_moving(d) || !d->due)
		later(d);
	else if (d->kind == DEFINITION_REPLACED)
		put_back(d, r->dom);
	else
		sort_own(d, r->dom);
}

static void begin(struct definition *d)
{
	struct host *h = fleet_host(d->engine->fleet, d->host);
	struct hv_req req = { .op = HV_DOM_GET };

	if (d->asked || !h || !h->hv || !host_is_up(d->engine->fleet, h))
		return; /* its return is an event */
	if (is_moving(d)) {
		later(d);
		return;
	}
	d->asked = true;
	ask(d, &req, got_dom);
}

void definition_sweep(struct engine *e)
{
	g_autoptr(GList) all = NULL;

	if (e->stopping || g_hash_table_size(e->definitions) == 0)
		return;
	all = g_hash_table_get_keys(e->definitions);
	for (GList *l = all; l; l = l->next)
		if (((struct definition *)l->data)->due)
			begin(l->data);
}

guint definition_due(const struct engine *e)
{
	GHashTableIter i;
	guint n = 0;
	void *key;

	g_hash_table_iter_init(&i, e->definitions);
	while (g_hash_table_iter_next(&i, &key, NULL))
		n += ((const struct definition *)key)->due;
	return n;
}
