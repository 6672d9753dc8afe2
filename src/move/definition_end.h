/* SPDX-License-Identifier: Apache-2.0
 *
 * definition_end: what becomes of the definitions of a task when its outcome is known, and what is owed to hosts from then on (definition.h).
 */
#ifndef DEFINITION_END_H
#define DEFINITION_END_H

#include "move/definition.h"

/* Whose rows are judged, and by what. */
struct definition_end {
	int64_t task;
	bool lacks;   /* the destination lacks something of what the guest had (definition_lacks()) */
	bool clean;   /* the destination has said that it has nothing of ours, and no call is under way that could make something */
	bool nowhere; /* neither host has anything of the guest any more, though it had arrived, and was not seen defined since */
	const char *left; /* a silent host that may still have the guest's own, and is not to have it any more; NULL */
	const char *stays; /* its source, if the guest is there and not to leave it; NULL */
	int64_t left_id, stays_id; /* of the rows that say so: definitions_write_fate() sets them */
};

/** definitions_write_fate() - what becomes of the rows: their part of the caller's transaction. */
bool definitions_write_fate(struct definitions *set, struct definition_end *end, enum volume_fate fate, GError **err);
/** definitions_resolve() - the same in memory, after the commit. */
void definitions_resolve(struct definitions *set, const struct definition_end *end, enum volume_fate fate);

/** definitions_sweep() - do what is due and can be done. */
void definitions_sweep(struct definitions *set);
/** definitions_due() - how many are. */
guint definitions_due(const struct definitions *set);

#endif
