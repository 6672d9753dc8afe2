/* SPDX-License-Identifier: Apache-2.0
 *
 * link: a link's rate is shared evenly between the flows on it, each way by itself.
 */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "hv/sim/types.h"

struct sim_flow;

/* What flows over links: migrations, and copies of files. */
struct sim_flow_kind {
	bool (*flows)(const struct sim_flow *f);
	/* Bytes that have flowed until now; NULL: plan() does it. */
	void (*account)(struct sim_flow *f);
	/* At the rate that it has now. */
	void (*plan)(struct sim_flow *f);
};

/* The first member of what is in sim_host.jobs and .copies. */
struct sim_flow {
	const struct sim_flow_kind *kind;
	struct sim_host *from, *to;
};

/* What one more or less flow gets of a link, bytes a second; INFINITY: at once. @out: of its sending half */
double sim_link_share(const struct sim_host *h, bool out);
/* A flow began or ended, or the link changed: those that share it have another rate now. */
void sim_link_replan(struct sim_host *h);

#endif
