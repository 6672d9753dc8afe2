/* SPDX-License-Identifier: Apache-2.0
 *
 * sched: which host could take what a task needs, and which one should.
 *
 * Filters say no with a reason, weighers rank what is left; both are rows of
 * tables. Those that compare numbers are one straight function over all hosts;
 * those that look closer are asked of the hosts that passed it, and only of them.
 * Pure: it reads the fleet and changes nothing.
 *
 * A host that only has no inbound slot (max_concurrent_inbound_live_migrations)
 * fits, but is busy now: that is no reason to refuse, but to wait.
 */
#ifndef SCHED_H
#define SCHED_H

#include "fleet/host.h"
#include "fleet/server.h"
#include "fleet/task_class.h"

struct fleet;

/* What is looked for. All that it points to is borrowed. */
struct sched_need {
	int vcpus;
	int64_t memory_mb, disk_gb;
	const char *arch;            /* of the guest; NULL: not known */
	bool kvm;                    /* it needs KVM */
	const struct hv_ties *numa;  /* it must find CPUs and nodes like these; NULL: not asked */
	const char *server_uuid;     /* what this server takes is not in the way of .numa; NULL */
	const char *source;          /* the host that it leaves, and which is not asked; NULL: none */
	const struct task_class *class; /* whose inbound slots it takes; NULL: none */
	const char *only_host;       /* consider just this one; NULL for all */
	GHashTable *exclude;         /* host names -> reason (char *); may be NULL */
	const struct host *claimed;  /* where it has a claim already, which does not count against it; NULL */
};

/** sched_need_of() - what a server needs to leave its host for a task of that class. It borrows from @s. */
struct sched_need sched_need_of(const struct server *s, const struct task_class *class);

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
struct host *sched_best(struct fleet *f, const struct sched_need *need, struct host **ret_busy);
/** sched_any() - is there a host that fits, be it busy or not? */
bool sched_any(struct fleet *f, const struct sched_need *need);
/** sched_fits() - does this one fit, be it busy or not? */
bool sched_fits(struct fleet *f, const struct sched_need *need, const struct host *h);
/** sched_is_busy() - it has no inbound slot of that class now. @class: NULL: it needs none */
bool sched_is_busy(struct fleet *f, const struct host *h, const struct task_class *class);

/** sched_select() - judge every host. Return: owned by the caller. */
struct sched_result *sched_select(struct fleet *f, const struct sched_need *need);
void sched_result_free(struct sched_result *r);

/**
 * sched_reasons() - "h2: RamFilter: ...; h3: ComputeFilter: ..." of the rejected, for a fault's text.
 *
 * Return: owned by the caller.
 */
char *sched_reasons(const struct sched_result *r);

#endif
