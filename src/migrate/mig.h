/* SPDX-License-Identifier: Apache-2.0
 *
 * mig: what a kind that moves a guest keeps for it while it is under way.
 */
#ifndef MIG_H
#define MIG_H

#include "migrate/copy.h"
#include "migrate/live.h"
#include "migrate/postcopy.h"
#include "migrate/probe.h"
#include "migrate/settle.h"
#include "migrate/tune.h"
#include "migrate/watch.h"
#include "task/task.h"
#include "task/volume.h"

/* What a kind that moves a guest has beside its task: each part is written by its module. */
struct mig_private {
	/* CHECK, SCHEDULE: the search for a destination */
	char *candidate;             /* the host that is being asked */
	struct check *precheck;      /* its run; NULL */
	char *xml, *xml_inactive;    /* the guest's migratable XML, live and defined */
	GPtrArray *listeners;        /* struct domxml_listener *: of the live one; NULL: not read yet */
	char *definition;            /* the guest's, as its source has it; NULL before it was read, or if it has none */
	int64_t definition_id;       /* of its row that is being written; 0 */
	bool arrived;                /* libvirt or a probe has said that the guest lives at its destination */
	bool dest_defined;           /* ... and a probe since that it has a definition there */
	bool dest_theirs, source_theirs; /* what is defined there is not what this migration may undefine */
	char *dest_xml, *persistent_xml; /* the same for the destination, when they differ */
	GPtrArray *copies;           /* struct block_item *: what must be copied to the destination; NULL before that is known */
	bool planned;                /* it is known */
	struct hv_numa_fit *there;      /* where it goes at the destination, when that differs */
	bool checked;                /* SCHEDULE: what needs no destination passed again */
	int elsewhere;               /* destinations given up so far */
	int pool_waits;              /* PREPARE: how often a pool was waited for since the last file was made */
	int call_waits;              /* PREPARE: how often an earlier call was waited for */
	int64_t saved_ms;            /* when the progress was last written */
	/* the live copy; each is written by its module */
	struct probe probe;
	struct copy copy;
	struct watch watch;
	struct tune tune;
	struct settle settle;
	struct postcopy postcopy;
};


/* ---- search.c ---- */

/** search_check() - CHECK: may it go at all? */
void search_check(struct mig *m);
/** search_schedule() - SCHEDULE: find the best host that fits and go to PREPARE with it. */
void search_schedule(struct mig *m);

#endif
