/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/definition.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

static const char *const kind_names[] = { [DEFINITION_GUEST] = "guest", [DEFINITION_REPLACED] = "replaced" };
static_assert(G_N_ELEMENTS(kind_names) == DEFINITION_KIND_N, "kind_names is missing one");

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

static void definition_free(void *data)
{
	struct definition *d = data;

	g_free(d->server_uuid);
	g_free(d->host);
	g_free(d->xml);
	g_free(d);
}

struct definition *definition_find(struct engine *e, const char *server_uuid, const char *host, enum definition_kind kind)
{
	struct definition key = { .server_uuid = (char *)server_uuid, .host = (char *)host, .kind = kind };

	return host ? g_hash_table_lookup(e->definitions, &key) : NULL;
}

static void add(struct engine *e, const struct definition *like)
{
	struct definition *d = g_memdup2(like, sizeof *like);

	d->engine = e;
	d->server_uuid = g_strdup(like->server_uuid);
	d->host = g_strdup(like->host);
	d->xml = g_strdup(like->xml);
	g_hash_table_add(e->definitions, d); /* frees one that is equal */
}

void definition_forget(struct definition *d)
{
	g_autoptr(GError) why = NULL;

	if (!store_run(d->engine->store, Q_DEFINITION_DELETE, STORE_ARGS(SV_I(d->id)), NULL, &why))
		log_warning("definition_not_forgotten", LOG_S("server", d->server_uuid), LOG_S("host", d->host), LOG_S("error", why->message));
	g_hash_table_remove(d->engine->definitions, d);
}

/* ---- reading ---- */

struct reader {
	struct engine *engine;
	char *bad;
};

static bool read_row(const struct store_row *row, void *user)
{
	struct reader *r = user;
	const char *kind = store_text(row, 4);
	struct definition d = {
		.id = store_int(row, 0), .migration_id = store_int(row, 1), .server_uuid = (char *)store_text(row, 2),
		.host = (char *)store_text(row, 3), .xml = (char *)store_text(row, 5), .autostart = store_int(row, 6), .due = store_int(row, 7),
	};

	while (d.kind < DEFINITION_KIND_N && g_strcmp0(kind, kind_names[d.kind]) != 0)
		d.kind++;
	if (d.kind == DEFINITION_KIND_N) {
		r->bad = g_strdup_printf("definition %d has the unknown kind %s", (int)d.id, kind);
		return false;
	}
	/* Rows and the end of their migration are written together, so only in a database edited by hand is it gone. */
	d.due |= !engine_find(r->engine, d.migration_id);
	d.due_ms = clock_now_ms();
	add(r->engine, &d);
	return true;
}

bool definition_load(struct engine *e, GError **err)
{
	struct reader r = { .engine = e };

	e->definitions = g_hash_table_new_full(hash, equal, definition_free, NULL);
	if (!store_each(e->store, Q_DEFINITION_ALL, STORE_NO_ARGS, read_row, &r, err))
		return false;
	if (!r.bad)
		return true;
	g_set_error(err, ERR, ERR_STORE, "%s", r.bad);
	g_free(r.bad);
	return false;
}

void definition_stop(struct engine *e)
{
	clock_cancel(&e->definer);
	g_clear_pointer(&e->definitions, g_hash_table_unref);
}

/* ---- writing ---- */

bool definition_insert(struct mig *m, struct definition *d, GError **err)
{
	struct engine *e = m->task->engine;

	d->migration_id = m->id;
	d->server_uuid = m->server_uuid;
	d->host = m->dest;
	return store_insert(e->store, Q_DEFINITION_INSERT,
			    STORE_ARGS(SV_I(m->id), SV_S(m->server_uuid), SV_S(m->dest), SV_S(kind_names[d->kind]), SV_S(d->xml), SV_I(d->autostart),
				       SV_I(clock_wall_us())),
			    &d->id, err);
}

void definition_add(struct engine *e, const struct definition *d)
{
	add(e, d);
}

bool definition_take(struct mig *m, struct definition *d, GError **err)
{
	if (!store_run(m->task->engine->store, Q_DEFINITION_TAKE, STORE_ARGS(SV_I(d->id), SV_I(m->id)), NULL, err))
		return false;
	d->migration_id = m->id;
	d->due = d->told = false;
	return true;
}

/* ---- the end of a migration ---- */

/* Return: the rows that an end judges; struct definition *, borrowed. */
static GPtrArray *of_migration(const struct mig *m)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, m->task->engine->definitions);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		struct definition *d = key;

		if (!d->due && d->migration_id == m->id)
			g_ptr_array_add(list, d);
	}
	return list;
}

/* The destination has said since that it has nothing of ours, and no call is under way that could make something. */
static bool is_clean(const struct mig *m)
{
	const struct hv_dom *d = m->priv->probe.dest;

	return d && (d->state == HV_ABSENT || m->priv->dest_theirs) && !g_hash_table_contains(m->task->engine->calls, m->server_uuid);
}

/*
 * Neither host has anything of the guest any more, though it had arrived; and it was not seen defined at its destination since. A
 * guest that a person has destroyed and undefined meanwhile is not brought back.
 */
static bool is_nowhere(const struct mig *m)
{
	const struct mig_private *p = m->priv;

	return (p->arrived || m->phase == MIG_FINISH) && !p->dest_defined && p->probe.source && p->probe.dest && p->probe.source->state == HV_ABSENT &&
	       p->probe.dest->state == HV_ABSENT;
}

/* Is there still something to do for it at its host, when its migration has ended? */
static bool becomes_due(struct mig *m, const struct definition *d, enum volume_fate fate)
{
	struct hv_req lacks;

	if (fate == VOLUME_MOVED)
		return (d->kind == DEFINITION_GUEST || !definition_find(d->engine, d->server_uuid, d->host, DEFINITION_GUEST)) &&
		       m->priv->probe.dest && definition_lacks(m, &lacks);
	if (d->kind == DEFINITION_REPLACED)
		return true;
	return fate == VOLUME_STAYED ? !is_clean(m) : is_nowhere(m);
}

bool definition_write_end(struct mig *m, enum volume_fate fate, GError **err)
{
	g_autoptr(GPtrArray) mine = of_migration(m);

	for (guint i = 0; i < mine->len; i++) {
		const struct definition *d = g_ptr_array_index(mine, i);

		if (!store_run(m->task->engine->store, becomes_due(m, d, fate) ? Q_DEFINITION_DUE : Q_DEFINITION_DELETE, STORE_ARGS(SV_I(d->id)), NULL,
			       err))
			return false;
	}
	return true;
}

void definition_ended(struct mig *m, enum volume_fate fate)
{
	struct engine *e = m->task->engine;
	g_autoptr(GPtrArray) mine = of_migration(m);

	/* What is due first: what it is judged by must still be there. */
	for (guint i = 0; i < mine->len; i++) {
		struct definition *d = g_ptr_array_index(mine, i);

		d->due = becomes_due(m, d, fate);
		d->due_ms = clock_now_ms();
	}
	for (guint i = 0; i < mine->len; i++) {
		struct definition *d = g_ptr_array_index(mine, i);

		if (!d->due)
			g_hash_table_remove(e->definitions, d);
	}
	if (mine->len)
		definition_sweep(e);
}
