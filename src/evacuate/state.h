/* SPDX-License-Identifier: Apache-2.0
 *
 * state: what is known of an evacuation by this process alone, and what its row has beside the record.
 */
#ifndef EVAC_STATE_H
#define EVAC_STATE_H

#include "evacuate/phase.h"
#include "evacuate/probe.h"
#include "move/move.h"

/* mig.own */
struct evac_own {
	bool stays_off;  /* microversion 2.95 and later: the guest is not started */
	bool resumed;    /* it was told to run at its destination, and may have; written before */
	bool last;       /* no other host is tried: its old one lives */
	bool off;        /* its old host was off, for all that is known, after it had it last: it was fenced, or has booted. From SPAWN on */
	bool starts;     /* ... and starts it by itself when it boots, as libvirt's flag was not known to be off. From SPAWN on */
};

struct evac_answers;
struct look;

/* All zero: nothing was asked by this process. Each field is written by the module that a comment names, else by settle.c; the others read it. */
struct evac {
	struct move move;           /* first: move_of() */
	const struct evac_answers *answers; /* where answers go; borrowed */
	int awaited;                /* answers that are awaited */
	struct hv_dom *at_home;     /* CLEAN: what the server's own host has said last; owned; NULL: no answer */
	enum evac_verdict verdict;  /* of the last answers; it outlives them */
	int repeats;                /* the same verdict in a row */
	bool alarmed;               /* the alarm of a verdict was given; fault.c's */
	bool unsure;                /* ... that its old host's fence agent does not answer; look.c's */
	bool looked;                /* its old host was looked for since the guest waits at its destination, and is silent; look.c's */
	struct look *look;          /* under way, or done before the guest waits; NULL; look.c's */
	enum hv_op act;             /* the act whose answer is awaited; act.c's */
	int refusals;               /* how often an act was refused in a row; act.c's, and none in a new stage */
	bool stuck;                 /* CLEAN cannot go on by itself, and holds up no host */
};

/** evac_of() - of an evacuation that is under way. Borrowed. */
static inline struct evac *evac_of(const struct mig *m)
{
	return m->priv;
}

/** evac_own() - borrowed. */
static inline struct evac_own *evac_own(const struct mig *m)
{
	return m->own;
}

/** evac_runs() - the guest is to run when it is moved. Nova: of a server in error nothing is known, and it is started. */
static inline bool evac_runs(const struct mig *m)
{
	return m->vm_before == SERVER_ERROR || (m->vm_before == SERVER_ACTIVE && !evac_own(m)->stays_off);
}

#endif
