/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a migration's guest goes on its destination.
 *
 * What it takes there hangs on its claim, so that two migrations into one host
 * never get the same CPUs, and stands in its row, so that this holds after a
 * restart too, when libvirt may already have been told.
 */
#include "base/log.h"
#include "migrate/mig.h"
#include "task/queue.h"
#include "task/step.h"

void placing_take(struct mig *m, const struct host *dest, const struct hv_numa_fit *p)
{
	bool had = m->place;
	g_autofree char *text = NULL;
	struct place_use *use;

	if (p) {
		use = place_use_new();
		place_use_add(use, p, &dest->shared_cpus);
		text = place_use_text(use);
		place_use_free(use);
	}
	step_set_place(m, text && *text ? text : NULL);
	if (had || m->place)
		queue_place(m);
}

bool placing_prepare(struct mig *m, GError **err)
{
	struct mig_private *p = m->priv;
	const struct server *s = mig_server(m);
	const struct hv_ties *ties = p->probe.source->ties ? p->probe.source->ties : s->ties;
	struct hv_numa_fit *there;

	g_clear_pointer(&p->there, hv_numa_fit_free);
	if (!ties)
		return true;
	there = room_find_place(mig_source(m), mig_dest(m), s->uuid, ties, err);
	if (!there)
		return false;
	placing_take(m, mig_dest(m), there);
	if (place_equal(there, ties->numa_fit)) {
		hv_numa_fit_free(there);
		return true;
	}
	log_info("placed_anew", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("takes", m->place));
	p->there = there;
	return true;
}
