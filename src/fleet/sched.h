/* SPDX-License-Identifier: Apache-2.0
 *
 * sched: which host could take a server, and which one should.
 *
 * Filters say no with a reason, weighers rank what is left; both are rows of
 * tables. Pure: it reads the fleet and changes nothing.
 */
#ifndef SCHED_H
#define SCHED_H

#include "fleet/fleet.h"

struct sched_request {
	const struct server *server;
	const char *only_host;       /* consider just this one; NULL for all */
	GHashTable *exclude;         /* host names -> reason (char *); may be NULL */
};

struct sched_verdict {
	struct host *host;           /* borrowed */
	const char *filter;          /* the filter that said no; NULL: it passed */
	char *reason;                /* why not; NULL: it passed */
	double weight;
};

struct sched_result {
	GPtrArray *hosts;            /* struct sched_verdict *, best first, the rejected behind the passed */
	guint passed;
};

/** sched_select() - judge every host. Return: owned by the caller. */
struct sched_result *sched_select(struct fleet *f, const struct sched_request *r);
void sched_result_free(struct sched_result *r);

/**
 * sched_reasons() - "h2: RamFilter: ...; h3: ComputeFilter: ..." of the rejected, for a fault's text.
 *
 * Return: owned by the caller.
 */
char *sched_reasons(const struct sched_result *r);

#endif
