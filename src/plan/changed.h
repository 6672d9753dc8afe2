/* SPDX-License-Identifier: Apache-2.0
 *
 * changed: what has changed in the fleet, of what matters for a draft's steps, since it was made. Looked at in pieces, one a turn of the loop.
 */
#ifndef PLAN_CHANGED_H
#define PLAN_CHANGED_H

#include "plan/plan_record.h"
#include "plan/snapshot.h"

/* Zeros at first. */
struct changed {
	struct snapshot_sum sum;
	bool summed;    /* the fleet has another version than the plan */
	guint at;       /* in the plan's steps */
	int n;          /* so many things have changed */
	GString *text;  /* the first of them: "server web has gone; ..."; NULL: none */
};

/** changed_more() - look at some more of it. Return: that was all, and .n and .text have it. */
bool changed_more(struct changed *c, struct fleet *f, const struct plan_record *p);
void changed_clear(struct changed *c);

#endif
