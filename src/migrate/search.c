/* SPDX-License-Identifier: Apache-2.0
 *
 * The search for a destination: CHECK, where it is only known whether there is
 * one, and SCHEDULE, where the best that fits is taken.
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "migrate/mig.h"
#include "migrate/precheck.h"

#define RETRY_MS 1000

/* Before anything was done at a host. */
static void refuse(struct mig *m, const GError *why)
{
	g_autoptr(GError) kept = g_error_copy(why);

	live_end(m, MIG_ERROR, kept->message);
	if (mig_is_final(m))
		engine_accept(m, kept);
}

static bool write_checked(struct mig *m, GError **err)
{
	return action_event_finish(m->priv->engine->store, m->action_id, "conductor_live_migrate_instance", NULL, err);
}

static void to_queue(struct mig *m)
{
	if (!live_go(m, MIG_QUEUED, "checks passed", write_checked))
		return;
	engine_accept(m, NULL);
	engine_pump(m->priv->engine);
}

static void found(struct mig *m, struct host *h)
{
	struct engine *e = m->priv->engine;

	if (m->phase == MIG_CHECK) {
		to_queue(m);
		return;
	}
	util_replace(&m->dest, h->name);
	fleet_claim(e->fleet, h, mig_server(m), m->id);
	if (live_go(m, MIG_PREPARE, m->requested_host ? "requested" : "best of those that fit", NULL)) {
		live_enter(m);
		return;
	}
	fleet_unclaim(e->fleet, h, mig_server(m));
	util_replace(&m->dest, NULL);
}

static void none_found(struct mig *m, const struct sched_result *res)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *reasons = sched_reasons(res);

	g_set_error(&why, ERR, ERR_NO_VALID_HOST, "No valid host was found. %s", reasons);
	refuse(m, why);
}

static void next_host(struct mig *m);

/* Why the run ended where it did. */
static const char *last_reason(const struct precheck_report *r)
{
	const struct precheck_check *c = r->checks->len ? g_ptr_array_index(r->checks, r->checks->len - 1) : NULL;

	return c && c->reason ? c->reason : r->err->message;
}

static void judged(struct precheck_report *r, void *user)
{
	struct mig *m = user;
	struct host *h = fleet_host(m->priv->engine->fleet, m->priv->candidate);

	m->priv->precheck = NULL;
	if (r->xml) {
		util_replace(&m->priv->xml, r->xml);
		util_replace(&m->priv->xml_inactive, r->xml_inactive);
	}
	if (r->source_lost) {
		live_later(m, RETRY_MS);
	} else if (!r->err && h) {
		found(m, h);
	} else if (m->requested_host || r->hopeless) {
		refuse(m, r->err);
	} else {
		g_hash_table_replace(m->priv->excluded, g_strdup(m->priv->candidate), g_strdup(r->err ? last_reason(r) : "the host was removed"));
		next_host(m);
	}
}

static void try_host(struct mig *m, const char *host, bool chosen)
{
	struct precheck_request req = {
		.server_uuid = m->server_uuid, .dest = host, .block = m->block, .force = m->force, .chosen = chosen, .own_migration = m->id,
	};

	util_replace(&m->priv->candidate, host);
	precheck_cancel(m->priv->precheck);
	m->priv->precheck = precheck_begin(m->priv->engine, &req, judged, m);
}

/* One turn of the search: the best host that was not refused yet. */
static void next_host(struct mig *m)
{
	struct sched_request req = { .server = mig_server(m), .exclude = m->priv->excluded };
	struct sched_result *res;

	if (m->requested_host) {
		try_host(m, m->requested_host, false);
		return;
	}
	res = sched_select(m->priv->engine->fleet, &req);
	if (res->passed)
		try_host(m, ((struct sched_verdict *)g_ptr_array_index(res->hosts, 0))->host->name, true);
	else
		none_found(m, res);
	sched_result_free(res);
}

static bool some_host_fits(struct mig *m)
{
	struct sched_request req = { .server = mig_server(m) };
	struct sched_result *res;
	bool fits;

	if (m->requested_host)
		return true; /* its own checks have said so */
	res = sched_select(m->priv->engine->fleet, &req);
	fits = res->passed > 0;
	if (!fits)
		none_found(m, res);
	sched_result_free(res);
	return fits;
}

static bool quick_checks(struct mig *m)
{
	struct precheck_request req = { .server_uuid = m->server_uuid, .dest = m->requested_host, .block = m->block, .force = m->force };
	g_autoptr(GError) why = NULL;

	if (precheck_quick(m->priv->engine, &req, &why))
		return true;
	refuse(m, why);
	return false;
}

void search_check(struct mig *m)
{
	if (!quick_checks(m))
		return;
	if (m->priv->accepted)
		next_host(m);
	else if (some_host_fits(m)) /* nobody waits: hosts are asked when the destination is chosen */
		to_queue(m);
}

void search_schedule(struct mig *m)
{
	if (m->priv->checked || quick_checks(m)) {
		m->priv->checked = true;
		next_host(m);
	}
}
