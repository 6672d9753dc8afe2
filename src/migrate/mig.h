/* SPDX-License-Identifier: Apache-2.0
 *
 * mig: the record of a migration and the one writer of its phase.
 * Between engine.c (requests, queue) and live.c (the stages of a live migration).
 */
#ifndef MIG_H
#define MIG_H

#include "migrate/copy.h"
#include "migrate/engine.h"
#include "migrate/live.h"
#include "migrate/news.h"
#include "migrate/postcopy.h"
#include "migrate/probe.h"
#include "migrate/queue.h"
#include "migrate/settle.h"
#include "migrate/task.h"
#include "migrate/tune.h"
#include "migrate/volume.h"
#include "migrate/watch.h"

struct engine {
	struct fleet *fleet;
	struct store *store;
	const struct task_kind *const *kinds;
	GPtrArray *active;          /* struct mig *, in no order; those that just ended too, until the next turn */
	GPtrArray *ended;           /* struct mig *, borrowed: those */
	GHashTable *by_id;          /* id -> struct mig *, not final */
	GHashTable *by_server;      /* server uuid -> struct mig *, not final */
	struct queue *queue;
	struct volumes *volumes;
	GHashTable *definitions;    /* struct definition *, by server, host and kind: see definition.h */
	struct clock_timer *definer; /* tries again to do what is due */
	GHashTable *calls;          /* uuids of servers with an HV_MIGRATE that has not come back, owned */
	struct check_set *checks;   /* runs under way */
	GPtrArray *unsure;          /* struct mig *: refused requests whose rows may have been written; see engine.c */
	struct clock_timer *unsurer;
	GHashTable *leftovers;      /* "uuid host" -> when it was first seen, ms (int64_t *) */
	struct clock_timer *reaper; /* takes the final ones out of active */
	struct engine_stats stats;
	bool stopping;
};

struct mig_private {
	struct engine *engine;
	engine_accepted_f *accepted; /* the caller that waits for the prechecks; NULL */
	void *accepted_user;
	guint index;                 /* in active */
	struct queue_entry entry;
	struct clock_timer *timer;   /* the next step or poll */
	uint64_t turn;               /* answers of an earlier turn are dropped */
	uint32_t doubted;            /* a bit for each phase that the row may have come to by a commit that failed */
	bool options_stale;          /* the row's options may be others than memory's */
	bool strayed;                /* the row is in no phase from which the last change could go on */
	int row_ended;               /* the final phase that the row was found to have; 0: none */
	/* CHECK, SCHEDULE: the search for a destination */
	GHashTable *excluded;        /* host -> reason */
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
	struct hv_place *there;      /* where it goes at the destination, when that differs */
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

/** mig_server() - the server it moves. NULL if its record is gone. */
struct server *mig_server(const struct mig *m);
struct host *mig_source(const struct mig *m);
/** mig_dest() - NULL until one is chosen. */
struct host *mig_dest(const struct mig *m);

/* ---- placing.c ---- */

/**
 * placing_take() - what @m takes at @dest, its destination or the one that it is about to get, is what @p takes; NULL: nothing certain.
 *
 * In memory, and on its claim there.
 */
void placing_take(struct mig *m, const struct host *dest, const struct hv_place *p);
/** placing_prepare() - find and take @m's place by what its source has just said. ERR_PRECHECK if there is none any more. */
bool placing_prepare(struct mig *m, GError **err);

/* ---- search.c ---- */

/** search_check() - CHECK: may it go at all? */
void search_check(struct mig *m);
/** search_schedule() - SCHEDULE: find the best host that fits and go to PREPARE with it. */
void search_schedule(struct mig *m);

/* ---- leftover.c ---- */

/** leftover_seen() - a host has the waiting half of a migration that is over. */
void leftover_seen(struct engine *e, struct host *h, const struct hv_dom *d);

#endif
