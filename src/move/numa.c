/* SPDX-License-Identifier: Apache-2.0 */
#include "move/numa.h"

#include "base/log.h"
#include "move/move.h"
#include "task/queue.h"
#include "task/step.h"

void numa_claim(struct mig *m, const struct host *dest, const struct hv_numa_fit *p)
{
	bool had = m->claimed_cpus;
	g_autofree char *text = NULL;
	struct place_use *use;

	if (p) {
		use = place_use_new();
		place_use_add(use, p, &dest->shared_cpus);
		text = place_use_text(use);
		place_use_free(use);
	}
	step_set_claimed_cpus(m, text && *text ? text : NULL);
	if (had || m->claimed_cpus)
		queue_claim_cpus(m);
}

struct part numa_prepare(struct mig *m, part_done_f *done)
{
	struct move *v = move_of(m);
	const struct server *s = mig_server(m);
	const struct hv_ties *ties = v->at_source->ties ? v->at_source->ties : s->ties;
	g_autoptr(GError) why = NULL;
	struct hv_numa_fit *there;

	(void)done;
	g_clear_pointer(&v->numa_fit, hv_numa_fit_free);
	if (!ties)
		return part_is(PART_READY);
	there = room_find_numa_fit(mig_source(m), mig_dest(m), s->uuid, ties, &why);
	if (!there)
		return part_because(PART_NEXT_DESTINATION, why->message);
	numa_claim(m, mig_dest(m), there);
	if (place_equal(there, ties->numa_fit)) {
		hv_numa_fit_free(there);
	} else {
		log_info("placed_anew", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("takes", m->claimed_cpus));
		v->numa_fit = there;
	}
	return part_is(PART_READY);
}
