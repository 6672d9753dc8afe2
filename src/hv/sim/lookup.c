/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_LOOKUP: hosts of the simulator have every network, secret and machine type
 * that a guest can need, but for those that sim_host_lacks() names.
 */
#include "hv/sim/int.h"
#include "hv/sim/sim.h"

static void say(struct hv_need *n, bool there, char *why)
{
	n->found = there ? HV_FOUND : HV_FOUND_NOT;
	n->why = why;
}

static void answer(struct sim_host *h, const struct sim_dom *d, const char *uuid, struct hv_need *n)
{
	const char *other;

	switch (n->kind) {
	case HV_NEED_NAME:
		other = sim_name_taken(h, n->name, uuid);
		say(n, !other, other ? g_strdup(other) : NULL);
		break;
	case HV_NEED_NO_SNAPSHOT:
		say(n, !d || d->kept.snapshots == 0, d && d->kept.snapshots ? g_strdup_printf("%d", d->kept.snapshots) : NULL);
		break;
	case HV_NEED_NO_CHECKPOINT:
		say(n, !d || d->kept.checkpoints == 0, d && d->kept.checkpoints ? g_strdup_printf("%d", d->kept.checkpoints) : NULL);
		break;
	case HV_NEED_DISK_IDLE: case HV_NEED_NO_INTERFACE:
		say(n, true, NULL);
		break;
	case HV_NEED_INTERFACE: case HV_NEED_NETWORK: case HV_NEED_NWFILTER: case HV_NEED_SECRET: case HV_NEED_MACHINE:
	case HV_NEED_SECURITY: case HV_NEED_DEVICE:
		say(n, !g_hash_table_contains(h->lacks, n->name), NULL);
		break;
	case HV_NEED_KIND_N:
		g_assert_not_reached();
	}
}

void sim_act_lookup(struct sim_call *sc)
{
	struct hv_call *call = sc->call;
	const struct sim_dom *d = sim_dom_get(sc->host, call->req.uuid);

	call->reply.needs = hv_needs_copy(call->req.needs);
	for (guint i = 0; i < call->reply.needs->len; i++)
		answer(sc->host, d, call->req.uuid, g_ptr_array_index(call->reply.needs, i));
	sim_call_finish(sc);
}

void sim_host_lacks(struct sim *w, const char *name, const char *thing)
{
	g_hash_table_add(sim_host_find(w, name)->lacks, g_strdup(thing));
}
