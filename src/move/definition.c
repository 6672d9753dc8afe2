/* SPDX-License-Identifier: Apache-2.0 */
#include "move/definition.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/half.h"
#include "hv/xml/domdef.h"
#include "store/columns.h"
#include "store/row.h"

#define AGAIN_MS 10000
#define SURE_MS 45000  /* a call to define or to undefine that was lost does not come later than this */
#define CALL_MS 120000 /* a call to migrate that has not come back by then will not */

static const char *const kind_names[] = { [DEFINITION_GUEST] = "guest", [DEFINITION_REPLACED] = "replaced", [DEFINITION_LEFT] = "left",
					[DEFINITION_STAYED] = "stayed" };
static_assert(G_N_ELEMENTS(kind_names) == DEFINITION_KIND_N, "kind_names is missing one");

struct definitions {
	struct fleet *fleet;
	struct store *store;
	GHashTable *all;             /* struct definition *, by server, host and kind */
	GHashTable *by_task;         /* task -> its first one, whose .next is the second */
	GPtrArray *unsure;           /* struct unsure *: rows that were written in a transaction that is not known to be committed; mostly none */
	guint due;                   /* how many of them are due; mostly none, while each copy under way has one */
	struct definition_asks asks;
	struct clock_timer *sweeper; /* tries again to do what is due */
	bool stopping;
};

/* A row whose commit's answer has not come, or was lost. */
struct unsure {
	int64_t id;
	char *server_uuid, *host;
	enum definition_kind kind;
};

/* ---- the set ---- */

static guint hash(const void *key)
{
	const struct definition *d = key;

	return g_str_hash(d->server_uuid) ^ g_str_hash(d->host) ^ (guint)d->kind;
}

static gboolean equal(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;

	return x->kind == y->kind && strcmp(x->host, y->host) == 0 && strcmp(x->server_uuid, y->server_uuid) == 0;
}

static void join_task(struct definition *d)
{
	d->next = g_hash_table_lookup(d->set->by_task, &d->task);
	g_hash_table_replace(d->set->by_task, &d->task, d);
}

/* The key of a task's rows lies in the first of them. */
static void leave_task(struct definition *d)
{
	struct definition *first = g_hash_table_lookup(d->set->by_task, &d->task), *before = first;

	if (first == d) {
		g_hash_table_remove(d->set->by_task, &d->task);
		if (d->next)
			g_hash_table_insert(d->set->by_task, &d->next->task, d->next);
		return;
	}
	while (before->next != d)
		before = before->next;
	before->next = d->next;
}

static void set_due(struct definition *d, bool due)
{
	d->set->due += due - d->due;
	d->due = due;
}

static void definition_free(void *data)
{
	struct definition *d = data;

	d->set->due -= d->due;
	leave_task(d);
	g_free(d->server_uuid);
	g_free(d->host);
	g_free(d->xml);
	g_free(d);
}

static void unsure_free(void *data)
{
	struct unsure *u = data;

	g_free(u->server_uuid);
	g_free(u->host);
	g_free(u);
}

static bool is_of(const struct unsure *u, const struct definition *d)
{
	return u->kind == d->kind && strcmp(u->host, d->host) == 0 && strcmp(u->server_uuid, d->server_uuid) == 0;
}

/* Once: a database that refuses each commit gives the same id again and again. */
static void note_unsure(struct definitions *set, const struct definition *d)
{
	struct unsure *u;

	for (guint i = 0; i < set->unsure->len; i++) {
		u = g_ptr_array_index(set->unsure, i);
		if (u->id == d->id && is_of(u, d))
			return;
	}
	u = g_new(struct unsure, 1);
	*u = (struct unsure){ d->id, g_strdup(d->server_uuid), g_strdup(d->host), d->kind };
	g_ptr_array_add(set->unsure, u);
}

/* The one that counts is known. */
static void forget_unsure(struct definitions *set, const struct definition *d)
{
	for (guint i = set->unsure->len; i-- > 0;)
		if (is_of(g_ptr_array_index(set->unsure, i), d))
			g_ptr_array_remove_index_fast(set->unsure, i);
}

struct definition *definition_find(struct definitions *set, const char *server_uuid, const char *host, enum definition_kind kind)
{
	struct definition key = { .server_uuid = (char *)server_uuid, .host = (char *)host, .kind = kind };

	return host ? g_hash_table_lookup(set->all, &key) : NULL;
}

void definition_add(struct definitions *set, const struct definition *like)
{
	struct definition *d = g_memdup2(like, sizeof *like);

	d->set = set;
	d->server_uuid = g_strdup(like->server_uuid);
	d->host = g_strdup(like->host);
	d->xml = g_strdup(like->xml);
	set->due += d->due;
	forget_unsure(set, d);
	g_hash_table_add(set->all, d); /* frees one that is equal */
	join_task(d);
}

void definition_forget(struct definition *d)
{
	g_autoptr(GError) why = NULL;

	if (!store_run(d->set->store, Q_DEFINITION_DELETE, STORE_ARGS(SV_I(d->id)), NULL, &why))
		log_warning("definition_not_forgotten", LOG_S("server", d->server_uuid), LOG_S("host", d->host), LOG_S("error", why->message));
	g_hash_table_remove(d->set->all, d);
}

/* ---- reading ---- */

static const char *kind_word(int i)
{
	return kind_names[i];
}

#define ROW_FIELD_KIND(s, col, f) ROW_FIELD_WORD(s, col, f, kind_word, DEFINITION_KIND_N)
#define FIELD(n, col, type, f) ROW_FIELD_##type(definition, col, f),

static const struct row_field new_fields[] = { DEFINITION_NEW(FIELD, FIELD) }, row_fields[] = { DEFINITION_ROW(FIELD, FIELD) };

static bool read_row(const struct store_row *row, void *user)
{
	struct definitions *set = user;
	struct definition d = { .id = 0 };
	g_autofree char *wrong = row_read(row, row_fields, G_N_ELEMENTS(row_fields), &d);

	if (wrong) {
		log_error("definition_unreadable", LOG_D("definition", d.id), LOG_S("server", d.server_uuid), LOG_S("host", d.host), LOG_S("reason", wrong));
		return true;
	}
	/* Rows and the end of their task are written together, so only in a database edited by hand is it gone. */
	d.due |= !set->asks.alive(d.task, set->asks.user);
	d.due_ms = clock_now_ms();
	definition_add(set, &d);
	return true;
}

bool definitions_load(struct definitions *set, GError **err)
{
	return store_each(set->store, Q_DEFINITION_ALL, STORE_NO_ARGS, read_row, set, err);
}

struct definitions *definitions_new(struct fleet *f, const struct definition_asks *asks)
{
	struct definitions *set = g_new0(struct definitions, 1);

	set->fleet = f;
	set->store = fleet_store(f);
	set->all = g_hash_table_new_full(hash, equal, definition_free, NULL);
	set->by_task = g_hash_table_new(g_int64_hash, g_int64_equal);
	set->unsure = g_ptr_array_new_with_free_func(unsure_free);
	set->asks = *asks;
	return set;
}

void definitions_stop(struct definitions *set)
{
	set->stopping = true;
	clock_cancel(&set->sweeper);
}

void definitions_free(struct definitions *set)
{
	if (!set)
		return;
	clock_cancel(&set->sweeper);
	g_hash_table_unref(set->all);
	g_hash_table_unref(set->by_task);
	g_ptr_array_unref(set->unsure);
	g_free(set);
}

/* ---- writing ---- */

/* By their ids: there is no index of servers and hosts. The id of one that was not committed after all may be another's now. */
static bool delete_like(struct definitions *set, const struct definition *d, GError **err)
{
	const struct definition *known = definition_find(set, d->server_uuid, d->host, d->kind);

	if (known && !store_run(set->store, Q_DEFINITION_DELETE, STORE_ARGS(SV_I(known->id)), NULL, err))
		return false;
	for (guint i = 0; i < set->unsure->len; i++) {
		const struct unsure *u = g_ptr_array_index(set->unsure, i);

		if (is_of(u, d) && !store_run(set->store, Q_DEFINITION_DELETE_UNSURE,
					      STORE_ARGS(SV_I(u->id), SV_S(d->server_uuid), SV_S(d->host), SV_S(kind_names[d->kind])), NULL, err))
			return false;
	}
	return true;
}

bool definition_insert(struct definitions *set, struct definition *d, GError **err)
{
	int64_t now = clock_wall_us();
	struct store_val row[1 + G_N_ELEMENTS(new_fields)] = { SV_I(now) };

	row_values(new_fields, G_N_ELEMENTS(new_fields), d, now, row + 1);
	if (!delete_like(set, d, err) || !store_insert(set->store, Q_DEFINITION_INSERT, row, G_N_ELEMENTS(row), &d->id, err))
		return false;
	note_unsure(set, d);
	return true;
}

bool definition_take(struct definition *d, int64_t task, GError **err)
{
	if (!store_run(d->set->store, Q_DEFINITION_TAKE, STORE_ARGS(SV_I(d->id), SV_I(task)), NULL, err))
		return false;
	leave_task(d);
	d->task = task;
	join_task(d);
	d->told = false;
	set_due(d, false);
	return true;
}

/* ---- judging ---- */

char *definition_in_the_way(const char *host, const char *name, const struct hv_dom *d)
{
	const struct hv_kept *k = &d->kept;

	if (g_strcmp0(d->name, name) != 0)
		return g_strdup_printf("%s has another domain of the guest's UUID: it is named %s there, and %s is not touched", host, d->name, d->name);
	if (k->managed_save)
		return g_strdup_printf("%s keeps a managed save image of %s, which it would go on from one day: remove it there "
				       "(virsh managedsave-remove)", host, d->name);
	if (k->snapshots || k->checkpoints)
		return g_strdup_printf("%s keeps %d snapshots and %d checkpoints of %s: remove them there first", host, k->snapshots, k->checkpoints,
				       d->name);
	return NULL;
}

char *definition_refusal(const char *host, const char *theirs, const char *guests)
{
	g_autofree char *differs = NULL;

	/* A guest without a definition of its own leaves the other one as it is. */
	if (!guests || domdef_same(theirs, guests, &differs))
		return NULL;
	return g_strdup_printf("%s defines the guest otherwise: %s; make the two definitions equal, or undefine it there", host, differs);
}

/* It is Drover's to start the guest: libvirt's flag is to be off. */
static bool is_ours(const struct definitions *set, const char *server_uuid)
{
	const struct server *s = fleet_server(set->fleet, server_uuid);

	return s && s->autostart_ours;
}

bool definition_lacks(struct definitions *set, const char *server_uuid, const char *host, const struct hv_dom *there, struct hv_req *ret)
{
	const struct definition *own = definition_find(set, server_uuid, host, DEFINITION_GUEST);
	const struct definition *replaced = definition_find(set, server_uuid, host, DEFINITION_REPLACED);
	const struct definition *wanted = own ? own : replaced;
	bool autostart = !is_ours(set, server_uuid) && ((own && own->autostart) || (replaced && replaced->autostart));

	*ret = (struct hv_req){ .uuid = server_uuid, .xml = wanted ? wanted->xml : NULL, .autostart = true };
	ret->op = wanted && !there->persistent ? HV_DOM_DEFINE : HV_DOM_AUTOSTART;
	return wanted && (!there->persistent || (autostart && !there->kept.autostart));
}

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

static bool write_remains(struct definitions *set, struct definition_end *end, GError **err)
{
	struct definition d;

	if (left_of(set, end, &d)) {
		if (!definition_insert(set, &d, err))
			return false;
		end->left_id = d.id;
	}
	if (stayed_of(set, end, &d)) {
		if (!definition_insert(set, &d, err))
			return false;
		end->stays_id = d.id;
	}
	return true;
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

		set_due(d, becomes_due(d, end, fate));
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
	else if (lives_there && d->autostart && !there->kept.autostart && !is_ours(d->set, d->server_uuid))
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

	if (!s || g_strcmp0(s->host, d->host) != 0 || !there->persistent || is_ours(d->set, d->server_uuid))
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

static void got_dom(struct definition *d, struct hv_reply *r)
{
	if (r->err || is_moving(d) || !d->due)
		later(d);
	else if (d->kind == DEFINITION_REPLACED)
		put_back(d, r->dom);
	else if (d->kind == DEFINITION_LEFT)
		judge_left(d, r->dom);
	else if (d->kind == DEFINITION_STAYED)
		judge_stayed(d, r->dom);
	else
		judge_own(d, r->dom);
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
