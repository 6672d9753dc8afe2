/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks before a live migration that need no host to be asked, in Nova's
 * order with Nova's words (nova.md 4.4). CPU comparison asks the destination and
 * is part of the search for one (live.c).
 */
#include <string.h>

#include "base/err.h"
#include "fleet/sched.h"
#include "migrate/mig.h"

struct subject {
	struct mig *mig;
	struct fleet *fleet;
	struct server *server;
	struct host *source, *dest; /* dest: the requested one, or NULL */
};

typedef bool check_f(const struct subject *x, GError **err);

static bool power_state(const struct subject *x, GError **err)
{
	static const char *const names[] = { [SERVER_POWER_NONE] = "NOSTATE", [SERVER_POWER_SHUTDOWN] = "SHUTDOWN", [SERVER_POWER_CRASHED] = "CRASHED",
					     [SERVER_POWER_SUSPENDED] = "SUSPENDED" };
	int power = x->server->power;

	if (power == SERVER_POWER_RUNNING || power == SERVER_POWER_PAUSED)
		return true;
	g_set_error(err, ERR, ERR_PRECHECK, "Instance %s in power_state %s. Cannot live migrate while the instance is in this state.",
		    x->server->uuid, names[power]);
	return false;
}

static bool host_up(const struct subject *x, const struct host *h, const char *name, GError **err)
{
	if (h && host_is_up(x->fleet, h))
		return true;
	g_set_error(err, ERR, ERR_PRECHECK, "Compute service of %s is unavailable at this time.", name);
	return false;
}

static bool source_up(const struct subject *x, GError **err)
{
	return host_up(x, x->source, x->mig->source, err);
}

static bool not_self(const struct subject *x, GError **err)
{
	if (!x->dest || x->dest != x->source)
		return true;
	g_set_error(err, ERR, ERR_PRECHECK, "Unable to migrate instance (%s) to current host (%s).", x->server->uuid, x->dest->name);
	return false;
}

/* A host that was forced is not judged by the scheduler, but these two hold for it too. */
static bool forced_up(const struct subject *x, GError **err)
{
	return !x->dest || !x->mig->force || host_up(x, x->dest, x->dest->name, err);
}

static bool forced_memory(const struct subject *x, GError **err)
{
	int64_t room;

	if (!x->dest || !x->mig->force)
		return true;
	room = host_capacity(x->fleet, x->dest).memory_mb - host_used(x->dest).memory_mb - host_claimed(x->dest).memory_mb;
	if (x->server->memory_mb <= room)
		return true;
	g_set_error(err, ERR, ERR_PRECHECK,
		    "Migration pre-check error: Unable to migrate %s to %s: Lack of memory(host:%" G_GINT64_FORMAT " <= instance:%" G_GINT64_FORMAT ")",
		    x->server->uuid, x->dest->name, room, x->server->memory_mb);
	return false;
}

/* Copying disks is not there yet; to say so beats copying onto shared storage, which corrupts (libvirt.md 3). */
static bool block(const struct subject *x, GError **err)
{
	if (x->mig->block != MIG_BLOCK_YES)
		return true;
	g_set_error(err, ERR, ERR_PRECHECK, "Migration pre-check error: Block migration is not supported. Use shared storage and block_migration false or auto.");
	return false;
}

static bool some_host(const struct subject *x, GError **err)
{
	struct sched_request req = { .server = x->server, .only_host = x->mig->requested_host };
	struct sched_result *found;
	bool ok;

	if (x->dest && x->mig->force)
		return true;
	found = sched_select(x->fleet, &req);
	ok = found->passed > 0;
	if (!ok) {
		g_autofree char *reasons = sched_reasons(found);

		g_set_error(err, ERR, ERR_NO_VALID_HOST, "No valid host was found. %s", reasons);
	}
	sched_result_free(found);
	return ok;
}

static bool hypervisor(const struct subject *x, GError **err)
{
	const struct hv_host_info *src = x->source->info, *dst = x->dest ? x->dest->info : NULL;

	if (!dst)
		return true;
	if (g_strcmp0(src->hv_type, dst->hv_type) != 0) {
		g_set_error(err, ERR, ERR_PRECHECK, "The supplied hypervisor type of is invalid.");
		return false;
	}
	if (src->hv_version > dst->hv_version) {
		g_set_error(err, ERR, ERR_PRECHECK, "The instance requires a newer hypervisor version than has been provided.");
		return false;
	}
	return true;
}

static const struct {
	const char *name;
	check_f *check;
} checks[] = {
	{ "power_state",        power_state },
	{ "source_up",          source_up },
	{ "not_self",           not_self },
	{ "destination_up",     forced_up },
	{ "memory",             forced_memory },
	{ "block_migration",    block },
	{ "scheduler",          some_host },
	{ "hypervisor_version", hypervisor },
};

bool precheck(struct mig *m, GError **err)
{
	struct subject x = { .mig = m, .fleet = m->priv->engine->fleet, .server = mig_server(m), .source = mig_source(m) };

	x.dest = fleet_host(x.fleet, m->requested_host);
	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++)
		if (!checks[i].check(&x, err))
			return false;
	return true;
}
