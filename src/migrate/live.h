/* SPDX-License-Identifier: Apache-2.0
 *
 * live: the kind "live migration": a guest goes to another host while it runs.
 */
#ifndef LIVE_H
#define LIVE_H

#include "task/kind.h"

/* Its stages: the indices of live_kind.stages. */
enum mig_phase {
	MIG_CHECK,     /* prechecks; hosts are asked */
	MIG_QUEUED,    /* waits for a slot */
	MIG_SCHEDULE,  /* a slot is held; the destination is chosen and claimed */
	MIG_PREPARE,   /* both hosts are asked, the destination's XML is made */
	MIG_COPY,      /* libvirt may have been called */
	MIG_FINISH,    /* it runs at the destination; the source is cleaned */
	MIG_UNDO,      /* it stays at the source; the destination is cleaned */
	MIG_DONE, MIG_ERROR, MIG_FAILED, MIG_CANCELLED,
	MIG_PHASE_N
};

extern const struct task_kind live_kind;

/** live_destination_failed() - nothing of the guest is there yet: the next destination, or the end. */
void live_destination_failed(struct mig *m, const char *why);
/** live_describe() - set the guest's XML, live and defined, and the listeners of the live one (NULL: to be read from it). All are taken. */
void live_describe(struct mig *m, char *xml, char *xml_inactive, GPtrArray *listeners);
/** live_copies() - set what must be copied: struct block_item *, taken; NULL: not known. */
void live_copies(struct mig *m, GPtrArray *items);
/**
 * live_elsewhere() - give the chosen destination up and look for the next one.
 * @why: what was wrong with it; it is not asked again for this migration
 *
 * Only for a guest that lives at its source alone, and a destination that has nothing of it.
 * Return: false, with nothing changed, if the destination was requested, none other fits, or
 * migrate_max_retries is reached.
 */
bool live_elsewhere(struct mig *m, const char *why);

#endif
