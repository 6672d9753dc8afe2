/* SPDX-License-Identifier: Apache-2.0 */
#include "move/definition_end.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/half.h"

#define AGAIN_MS 10000
#define SURE_MS 45000  /* a call to define or to undefine that was lost does not come later than this */
#define CALL_MS 120000 /* a call to migrate that has not come back by then will not */

/* ---- when the outcome is known ---- */

/* Return: the rows that are judged; struct definition *, borrowed. */
static GPtrArray *judged(const struct definitions *set, int64_t task)
{
	GPtrArray *list = g_ptr_array_new();

	for (struct definition *d = g_hash_table_lookup(set->by_task, &task); d; d = d->next)
		if (!d->due)
			g_ptr_array_add(list, d);
	return list;
}

/*
 * Is there still something to do for it at its host? A guest that a person has destroyed and undefined, after it had arrived, is
 * not brought back.
 */
static bool becomes_due(const struct definition *d, const struct definition_end *end, enum volume_fate fate)
{
	if (fate == VOLUME_MOVED)
		return end->lacks && (d->kind == DEFINITION_GUEST || !definition_find(d->set, d->server_uuid, d->host, DEFINITION_GUEST));
	if (d->kind == DEFINITION_REPLACED)
		return true;
	return fate == VOLUME_STAYED ? !end->clean && !end->left : end->nowhere;
}

/* The guest's own, as the row of its task has it. Return: NULL: it has none. */
static const struct definition *own_of(const struct definitions *set, int64_t task)
{
	const struct definition *own = g_hash_table_lookup(set->by_task, &task);

	while (own && own->kind != DEFINITION_GUEST)
		own = own->next;
	return own;
}

/* Where it may be left. Return: false: nothing is. */
static bool left_of(const struct definitions *set, const struct definition_end *end, struct definition *ret)
{
	const struct definition *own = own_of(set, end->task);

	if (!own || !end->left)
		return false;
	*ret = (struct definition){
		.id = end->left_id, .task = end->task, .server_uuid = own->server_uuid, .host = (char *)end->left, .kind = DEFINITION_LEFT, .xml = own->xml,
		.due = true, .due_ms = clock_now_ms(),
	};
	return true;
}

/* Where it stays, and is to be started by its host again. Return: false: it is not. */
static bool stayed_of(const struct definitions *set, const struct definition_end *end, struct definition *ret)
{
	const struct definition *own = own_of(set, end->task);

	if (!own || !own->autostart || !end->stays)
		return false;
	*ret = (struct definition){
		.id = end->stays_id, .task = end->task, .server_uuid = own->server_uuid, .host = (char *)end->stays, .kind = DEFINITION_STAYED,
		.xml = own->xml, .autostart = true, .due = true, .due_ms = clock_now_ms(),
	};
	return true;
}

static bool insert(struct definitions *set, struct definition *d, int64_t *ret_id, GError **err)
{
	if (!definition_insert(set, d, err))
		return false;
	*ret_id = d->id;
	return true;
}

static bool write_remains(struct definitions *set, struct definition_end *end, GError **err)
{
	struct definition left, stayed;

	return (!left_of(set, end, &left) || insert(set, &left, &end->left_id, err)) &&
	       (!stayed_of(set, end, &stayed) || insert(set, &stayed, &end->stays_id, err));
}

bool definitions_write_fate(struct definitions *set, struct definition_end *end, enum volume_fate fate, GError **err)
{
	g_autoptr(GPtrArray) list = judged(set, end->task);

	if (!write_remains(set, end, err))
		return false;
	for (guint i = 0; i < list->len; i++) {
		const struct definition *d = g_ptr_array_index(list, i);

		if (!store_run(set->store, becomes_due(d, end, fate) ? Q_DEFINITION_DUE : Q_DEFINITION_DELETE, STORE_ARGS(SV_I(d->id)), NULL, err))
			return false;
	}
	return true;
}

void definitions_resolve(struct definitions *set, const struct definition_end *end, enum volume_fate fate)
{
	g_autoptr(GPtrArray) list = judged(set, end->task);
	struct definition left, stayed;
	bool stays = stayed_of(set, end, &stayed);

	if (left_of(set, end, &left))
		definition_add(set, &left);
	if (stays)
		definition_add(set, &stayed);
	/* What is due first: what it is judged by must still be there. */
	for (guint i = 0; i < list->len; i++) {
		struct definition *d = g_ptr_array_index(list, i);

		definition_set_due(d, becomes_due(d, end, fate));
		d->due_ms = clock_now_ms();
	}
	for (guint i = 0; i < list->len; i++) {
		struct definition *d = g_ptr_array_index(list, i);

		if (!d->due)
			g_hash_table_remove(set->all, d);
	}
	if (list->len || stays)
		definitions_sweep(set);
}

/* ---- what is owed to hosts, when a task is over: definitions to put back, and rows that say what may be there still ---- */

/* A row can be replaced while its host is asked; the id tells. */
struct ask {
	struct definitions *set;
	char *server_uuid, *host;
	enum definition_kind kind;
	int64_t id;
	void (*done)(struct definition *d, struct hv_reply *r);
};

static void fired(void *user)
{
	struct definitions *set = user;

	set->sweeper = NULL;
	definitions_sweep(set);
}

static void later(struct definition *d)
{
	struct definitions *set = d->set;

	d->asked = false;
	if (!set->sweeper)
		set->sweeper = clock_after(AGAIN_MS, fired, set);
}

static void answered(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct definition *d = a->set->stopping ? NULL : definition_find(a->set, a->server_uuid, a->host, a->kind);

	if (d && d->id == a->id)
		a->done(d, r);
	g_free(a->server_uuid);
	g_free(a->host);
	g_free(a);
}

static void ask(struct definition *d, struct hv_req *req, void (*done)(struct definition *d, struct hv_reply *r))
{
	struct host *h = fleet_host(d->set->fleet, d->host);
	struct ask *a = g_new(struct ask, 1);

	*a = (struct ask){ d->set, g_strdup(d->server_uuid), g_strdup(d->host), d->kind, d->id, done };
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
	if (definition_find(d->set, d->server_uuid, d->host, DEFINITION_GUEST) || hv_dest_half(there) == HV_HALF_INCOMING)
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
	return d->set->asks.calling(d->server_uuid, d->set->asks.user) && clock_now_ms() - d->due_ms < CALL_MS;
}

/*
 * The guest lives at that host and its definition could not be made there, or it lives nowhere and this is all that there is of it;
 * or it lives elsewhere, and what was left here could not be seen.
 */
static void judge_own(struct definition *d, const struct hv_dom *there)
{
	const struct server *s = fleet_server(d->set->fleet, d->server_uuid);
	bool lives_there = s && g_strcmp0(s->host, d->host) == 0, lost = s && server_is_lost(s) && there->state == HV_ABSENT;

	if (lost || (lives_there && !there->persistent))
		act(d, HV_DOM_DEFINE);
	else if (lives_there && d->autostart && !there->kept.autostart && !definition_is_ours(d->set, d->server_uuid))
		act(d, HV_DOM_AUTOSTART);
	else if (lives_there)
		settled(d);
	else if (!s || (there->state == HV_ABSENT && !may_still_come(d)))
		definition_forget(d);
	else
		later(d); /* leftover.c has its own conditions */
}

/*
 * The guest has come back to that host, or nothing is left there and nothing comes late, or nothing is known of the guest: then what is there may be the
 * last of it.
 */
static void judge_left(struct definition *d, const struct hv_dom *there)
{
	const struct server *s = fleet_server(d->set->fleet, d->server_uuid);

	if (!s || g_strcmp0(s->host, d->host) == 0 || (there->state == HV_ABSENT && clock_now_ms() - d->due_ms >= SURE_MS))
		definition_forget(d);
	else
		later(d); /* leftover.c has its own conditions */
}

/* The guest is there, and its host starts it again; or it has gone, or Drover starts it now. */
static void judge_stayed(struct definition *d, const struct hv_dom *there)
{
	const struct server *s = fleet_server(d->set->fleet, d->server_uuid);

	if (!s || g_strcmp0(s->host, d->host) != 0 || !there->persistent || definition_is_ours(d->set, d->server_uuid))
		definition_forget(d);
	else if (!there->kept.told)
		later(d);
	else if (!there->kept.autostart)
		act(d, HV_DOM_AUTOSTART);
	else
		settled(d);
}

static bool is_moving(const struct definition *d)
{
	return d->set->asks.moving(d->server_uuid, d->host, d->set->asks.user);
}

static void (*const judges[])(struct definition *d, const struct hv_dom *there) = {
	[DEFINITION_GUEST] = judge_own, [DEFINITION_REPLACED] = put_back, [DEFINITION_LEFT] = judge_left, [DEFINITION_STAYED] = judge_stayed,
};
static_assert(G_N_ELEMENTS(judges) == DEFINITION_KIND_N, "judges is missing one");

static void got_dom(struct definition *d, struct hv_reply *r)
{
	if (r->err || is_moving(d) || !d->due)
		later(d);
	else
		judges[d->kind](d, r->dom);
}

static void begin(struct definition *d)
{
	struct host *h = fleet_host(d->set->fleet, d->host);
	struct hv_req req = { .op = HV_DOM_GET };

	if (d->asked || !h || !h->hv || !host_is_up(d->set->fleet, h))
		return; /* its return is an event */
	if (is_moving(d)) {
		later(d);
		return;
	}
	d->asked = true;
	ask(d, &req, got_dom);
}

void definitions_sweep(struct definitions *set)
{
	g_autoptr(GList) all = NULL;

	if (set->stopping || set->due == 0)
		return;
	all = g_hash_table_get_keys(set->all);
	for (GList *l = all; l; l = l->next)
		if (((struct definition *)l->data)->due)
			begin(l->data);
}

guint definitions_due(const struct definitions *set)
{
	return set->due;
}
