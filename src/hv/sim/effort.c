/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/effort.h"

#include "hv/sim/world.h"

bool sim_dom_locked(const struct sim_dom *d)
{
	return d->job || d->effort != SIM_RESTS;
}

void sim_effort_begin(struct sim_dom *d, enum sim_effort what, int64_t ms, void (*end)(void *dom), struct sim_call *call)
{
	d->effort = what;
	d->effort_call = call;
	d->effort_end = clock_world(ms, end, d);
}

void sim_effort_end(struct sim_dom *d, const char *why)
{
	struct sim_call *call = g_steal_pointer(&d->effort_call);

	clock_cancel(&d->effort_end);
	if (d->effort == SIM_RESTS)
		return;
	d->effort = SIM_RESTS;
	sim_over(d->host->w, call, ERR_HV, why);
	sim_notify(d->host->w, &(struct sim_notice){ .kind = SIM_UNLOCKED, .dom = d });
}

void sim_effort_cease(struct sim_dom *d)
{
	clock_cancel(&d->stopping);
	sim_effort_end(d, "operation failed: domain is not running");
}
