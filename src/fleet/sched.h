/* SPDX-License-Identifier: Apache-2.0
 *
 * sched: which host could take a server, and which one should.
 *
 * Filters say no with a reason, weighers rank what is left; both are rows of
 * tables. Pure: it reads the fleet and changes nothing.
 *
 * A host that only has no inbound slot (max_concurrent_inbound_live_migrations)
 * fits, but is busy now: that is no reason to refuse, but to wait.
 */
#ifndef SCHED_H
#define SCHED_H

#include "fleet/fleet.h"

struct sched_request {
	const struct server *server;
	const char *only_host;       /* consider just this one; NULL for all */
	GHashTable *exclude;         /* host names -> reason (char *); may be NULL */
	const struct host *held;     /* where the server has a claim already, which does not count against it; NULL */
};

struct sched_verdict {
	struct host *host;           /* borrowed */
	const char *filter;          /* the filter that said no; NULL: it passed */
	char *reason;                /* why not; NULL: it passed */
	bool busy;                   /* the only reason is that it has no inbound slot now */
	double weight;
};

struct sched_result {
	GPtrArray *hosts;            /* struct sched_verdict *, best first, then the busy, then the rejected */
	guint passed, busy;
};

/** sched_best() - the best host, without reasons. Return: NULL if none passes; @ret_busy is then one that is busy, or NULL. */
struct host *sched_best(struct fleet *f, const struct sched_request *r, struct host **ret_busy);
/** sched_any() - is there a host that fits, be it busy or not? */
bool sched_any(struct fleet *f, const struct sched_request *r);
/** sched_fits() - does this one fit, be it busy or not? */
bool sched_fits(struct fleet *f, const struct sched_request *r, const struct host *h);
/** sched_is_busy() - it has no inbound slot now. */
bool sched_is_busy(struct fleet *f, const struct host *h);

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
