/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: what a migration left where it could not look.
 *
 * A migration whose destination is silent is undone without it: the guest runs
 * at its source, and is not kept waiting for a host that may be dead. When that
 * host is back it may still hold the waiting half, paused, with the guest's
 * memory taken, or a definition. Here the half is destroyed, or the definition
 * removed, if all of this is true:
 *  - it waits for a migration and has no job, and a migration of ours to this
 *    very host ended without success; or it is shut off, and a row says that such a
 *    migration may have left the guest's definition there (definition.h). What is
 *    defined otherwise than the row says is not ours, and stays;
 *  - no migration owns the server;
 *  - the server's own host has said, after the half was first seen, that the
 *    guest lives there and has no job. For a waiting half, which never ran, it
 *    is enough that the guest is there, shut off.
 * What is not seen any more is forgotten: one that comes later is another one.
 * A migration begun by hand at that moment is refused by libvirt,
 * because the domain exists at the destination.
 */
#include "move/leftover.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/half.h"
#include "move/definition.h"
#include "task/task.h"

#define POLLS_MISSED 2

/* When it was first seen, and last, ms. */
struct sight {
	int64_t first, last;
};

struct ask {
	struct engine *engine;
	char *key, *server, *host;
	bool definition;
};

/* The row has served: what lies there now is not what it is about. */
static void forget_row(const struct ask *a)
{
	struct definition *d = definition_find(a->engine->definitions, a->server, a->host, DEFINITION_GUEST);

	if (d && d->due)
		definition_forget(d);
	definitions_sweep(a->engine->definitions);
}

static void discarded(struct hv_reply *r, void *user)
{
	struct ask *a = user;

	if (a->definition && !a->engine->stopping && (!r->err || err_code(r->err) == ERR_CONFLICT))
		forget_row(a);
	if (r->err)
		log_warning("leftover_kept", LOG_S("server", a->server), LOG_S("host", a->host), LOG_S("error", r->err->message));
	else
		log_info("leftover_removed", LOG_S("server", a->server), LOG_S("host", a->host));
	/* Seen again, it begins again. */
	if (!a->engine->stopping)
		g_hash_table_remove(a->engine->leftovers, a->key);
	g_free(a->key);
	g_free(a->server);
	g_free(a->host);
	g_free(a);
}

/* @own: the row of what may be undefined; NULL: it waits, and is destroyed */
static void discard(struct engine *e, struct host *h, const struct server *s, const char *key, const struct definition *own)
{
	struct hv_req req = { .op = own ? HV_DOM_UNDEFINE : HV_DOM_DESTROY, .uuid = s->uuid, .xml = own ? own->xml : NULL };
	struct ask *a = g_new0(struct ask, 1);

	a->engine = e;
	a->definition = own != NULL;
	a->key = g_strdup(key);
	a->server = g_strdup(s->uuid);
	a->host = g_strdup(h->name);
	hv_call(h->hv, &req, discarded, a);
}

static bool is_ours(struct engine *e, const struct host *h, const struct server *s)
{
	struct mig_filter f = { .server_uuid = s->uuid, .host = h->name };
	struct mig_rows from = { e->store, e->kinds, NULL };
	g_autoptr(GPtrArray) rows = mig_list(&from, &f, 0, NULL);

	for (guint i = 0; rows && i < rows->len; i++) {
		const struct mig *m = g_ptr_array_index(rows, i);

		if (g_strcmp0(m->dest, h->name) == 0 && mig_is_final(m) && mig_stage(m)->end != TASK_DONE)
			return true;
	}
	return false;
}

/*
 * A half that waits is none of the guest, whether that runs at home or was
 * stopped since. A definition could be the newer one while the guest is off.
 */
static bool is_at_home(const struct server *s, bool waits)
{
	enum hv_half half = hv_source_half(s->dom);

	if (half == HV_HALF_RUN || half == HV_HALF_PAUSED)
		return !s->dom->job_active;
	return waits && (half == HV_HALF_OFF || half == HV_HALF_CRASHED);
}

/* Return: since when it is seen at every poll; 0: only now. */
static int64_t note_sight(struct engine *e, const char *key)
{
	int64_t now = clock_now_ms(), patience = (POLLS_MISSED + 1) * fleet_conf(e->fleet)->report_interval * 1000;
	struct sight *s = g_hash_table_lookup(e->leftovers, key);

	if (s && now - s->last <= patience) {
		s->last = now;
		return s->first;
	}
	s = g_new(struct sight, 1);
	*s = (struct sight){ now, now };
	g_hash_table_replace(e->leftovers, g_strdup(key), s);
	return 0;
}

void leftover_seen(struct engine *e, struct host *h, const struct hv_dom *d)
{
	struct server *s = fleet_server(e->fleet, d->uuid);
	g_autofree char *key = g_strdup_printf("%s %s", d->uuid, h->name);
	bool waits = hv_dest_half(d) == HV_HALF_INCOMING;
	const struct definition *own = waits ? NULL : definition_find(e->definitions, d->uuid, h->name, DEFINITION_GUEST);
	int64_t first;

	if (!s || task_of_server(e, s->uuid) || !(waits ? is_ours(e, h, s) : own && own->due))
		return;
	first = note_sight(e, key);
	if (!first) {
		log_info("leftover_found", LOG_S("server", s->uuid), LOG_S("host", h->name), LOG_S("lives_on", s->host));
		fleet_server_refresh(e->fleet, s);
	} else if (is_at_home(s, waits) && s->dom_ms > first) {
		discard(e, h, s, key, own);
	}
}
