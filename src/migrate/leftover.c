/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: what a migration left where it could not look.
 *
 * A migration whose destination is silent is undone without it: the guest runs
 * at its source, and is not kept waiting for a host that may be dead. When that
 * host is back it may still hold the waiting half, paused, with the guest's
 * memory taken, or a definition. Here the half is destroyed, or the definition
 * removed, if all of this is true:
 *  - it waits for a migration and has no job, or is shut off;
 *  - a migration of ours to this very host ended without success;
 *  - no migration owns the server;
 *  - the server's own host has said, after the half was first seen, that the
 *    guest lives there and has no job. For a waiting half, which never ran, it
 *    is enough that the guest is there, shut off.
 * A migration that somebody begins by hand in that moment is refused by libvirt,
 * because the domain exists at the destination.
 */
#include "base/clock.h"
#include "base/log.h"
#include "migrate/mig.h"

struct ask {
	struct engine *engine;
	char *key, *server, *host;
};

static void discarded(struct hv_reply *r, void *user)
{
	struct ask *a = user;

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

static void discard(struct engine *e, struct host *h, const struct server *s, const char *key, enum hv_op op)
{
	struct hv_req req = { .op = op, .uuid = s->uuid };
	struct ask *a = g_new0(struct ask, 1);

	a->engine = e;
	a->key = g_strdup(key);
	a->server = g_strdup(s->uuid);
	a->host = g_strdup(h->name);
	hv_call(h->hv, &req, discarded, a);
}

static bool is_ours(struct engine *e, const struct host *h, const struct server *s)
{
	struct mig_filter f = { .server_uuid = s->uuid, .host = h->name };
	g_autoptr(GPtrArray) rows = engine_list(e, &f, NULL);

	for (guint i = 0; rows && i < rows->len; i++) {
		const struct mig *m = g_ptr_array_index(rows, i);

		if (g_strcmp0(m->dest, h->name) == 0 && mig_is_final(m) && m->phase != MIG_DONE)
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
	enum probe_half half = probe_source_half(s->dom);

	if (half == PROBE_H_RUN || half == PROBE_H_PAUSED)
		return !s->dom->job_active;
	return waits && (half == PROBE_H_OFF || half == PROBE_H_CRASHED);
}

void leftover_seen(struct engine *e, struct host *h, const struct hv_dom *d)
{
	struct server *s = fleet_server(e->fleet, d->uuid);
	g_autofree char *key = g_strdup_printf("%s %s", d->uuid, h->name);
	int64_t *first = g_hash_table_lookup(e->leftovers, key);
	bool waits = probe_dest_half(d) == PROBE_H_INCOMING;

	if (!s || engine_active_of(e, s->uuid) || !is_ours(e, h, s))
		return;
	if (!first) {
		first = g_new(int64_t, 1);
		*first = clock_now_ms();
		log_info("leftover_found", LOG_S("server", s->uuid), LOG_S("host", h->name), LOG_S("lives_on", s->host));
		g_hash_table_insert(e->leftovers, g_steal_pointer(&key), first);
		fleet_server_refresh(e->fleet, s);
		return;
	}
	if (is_at_home(s, waits) && s->dom_ms > *first)
		discard(e, h, s, key, waits ? HV_DOM_DESTROY : HV_DOM_UNDEFINE);
}
