/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/link.h"

#include <math.h>

/* How many flows share this direction of a host's link. */
static int sharers(const struct sim_host *h, const GPtrArray *flows, bool out)
{
	int n = 0;

	for (guint i = 0; i < flows->len; i++) {
		const struct sim_flow *f = g_ptr_array_index(flows, i);

		n += (out ? f->from : f->to) == h && f->kind->flows(f);
	}
	return n;
}

double sim_link_share(const struct sim_host *h, bool out)
{
	return h->rate > 0 ? h->rate / MAX(sharers(h, h->jobs, out) + sharers(h, h->copies, out), 1) : INFINITY;
}

static void plan_all(const GPtrArray *flows)
{
	for (guint i = 0; i < flows->len; i++) {
		struct sim_flow *f = g_ptr_array_index(flows, i);

		f->kind->plan(f);
	}
}

void sim_link_replan(struct sim_host *h)
{
	for (guint i = 0; i < h->jobs->len; i++) {
		struct sim_flow *f = g_ptr_array_index(h->jobs, i);

		f->kind->account(f);
	}
	plan_all(h->jobs);
	plan_all(h->copies);
}
