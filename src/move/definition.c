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

static const char *const kind_names[] = { [DEFINITION_GUEST] = "guest", [DEFINITION_REPLACED] = "replaced", [DEFINITION_LEFT] = "left",
					[DEFINITION_STAYED] = "stayed" };
static_assert(G_N_ELEMENTS(kind_names) == DEFINITION_KIND_N, "kind_names is missing one");

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
	definition_set_due(d, false);
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

bool definition_is_ours(const struct definitions *set, const char *server_uuid)
{
	const struct server *s = fleet_server(set->fleet, server_uuid);

	return s && s->autostart_ours;
}

bool definition_lacks(struct definitions *set, const char *server_uuid, const char *host, const struct hv_dom *there, struct hv_req *ret)
{
	const struct definition *own = definition_find(set, server_uuid, host, DEFINITION_GUEST);
	const struct definition *replaced = definition_find(set, server_uuid, host, DEFINITION_REPLACED);
	const struct definition *wanted = own ? own : replaced;
	bool autostart = !definition_is_ours(set, server_uuid) && ((own && own->autostart) || (replaced && replaced->autostart));

	*ret = (struct hv_req){ .uuid = server_uuid, .xml = wanted ? wanted->xml : NULL, .autostart = true };
	ret->op = wanted && !there->persistent ? HV_DOM_DEFINE : HV_DOM_AUTOSTART;
	return wanted && (!there->persistent || (autostart && !there->kept.autostart));
}
