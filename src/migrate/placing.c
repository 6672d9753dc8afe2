/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a migration's guest goes on its destination.
 *
 * What it takes there hangs on its claim, so that two migrations into one host
 * never get the same CPUs, and stands in its row, so that this holds after a
 * restart too, when libvirt may already have been told.
 */
#include "base/err.h"
#include "base/log.h"
#include "migrate/step.h"

struct hv_place *placing_find(struct fleet *f, const struct server *s, const struct hv_ties *ties, struct host *dest, GError **err)
{
	const struct host *source = fleet_host(f, s->host);
	struct place_host from = { .numa = NULL }, to;
	g_autofree char *why = NULL;
	struct hv_place *p;

	/* Most guests, and counting what a host's servers take is to look at each of them. */
	if (!dest->shares_cpus && place_is_anywhere(ties->place))
		return hv_place_copy(ties->place);
	if (source)
		host_room(f, source, s->uuid, &from);
	host_room(f, dest, s->uuid, &to);
	p = place_find(ties->place, &from, &to, &why);
	host_room_clear(&from);
	host_room_clear(&to);
	if (!p)
		g_set_error(err, ERR, ERR_PRECHECK, "Migration pre-check error: Insufficient compute resources: Requested instance NUMA topology "
			    "cannot fit the given host NUMA topology: %s", why);
	return p;
}

static void hold_at(struct mig *m, struct host *dest)
{
	struct place_use *use = m->place && dest && queue_held(m) == dest ? place_use_parse(m->place) : NULL;

	if (use)
		host_claim_place(dest, m->server_uuid, use);
}

void placing_hold(struct mig *m)
{
	hold_at(m, mig_dest(m));
}

void placing_take(struct mig *m, struct host *dest, const struct hv_place *p)
{
	struct place_use *use = place_use_new();
	g_autofree char *text = NULL;

	place_use_add(use, p, &dest->shared_cpus);
	text = place_use_text(use);
	place_use_free(use);
	step_set_place(m, *text ? text : NULL);
	hold_at(m, dest);
}

bool placing_prepare(struct mig *m, GError **err)
{
	struct mig_private *p = m->priv;
	const struct server *s = mig_server(m);
	const struct hv_ties *ties = p->probe.source->ties ? p->probe.source->ties : s->ties;
	struct hv_place *there;

	g_clear_pointer(&p->there, hv_place_free);
	if (!ties)
		return true;
	there = placing_find(p->engine->fleet, s, ties, mig_dest(m), err);
	if (!there)
		return false;
	placing_take(m, mig_dest(m), there);
	if (place_equal(there, ties->place)) {
		hv_place_free(there);
		return true;
	}
	log_info("placed_anew", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("takes", m->place));
	p->there = there;
	return true;
}
