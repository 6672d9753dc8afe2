/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: the parts of what is done for a guest before it goes, in their order.
 */
#ifndef PLAN_H
#define PLAN_H

#include "move/part.h"
#include "task/kind.h"

/* What an earlier part has done, or had answered, it does not do again. @done: for its answers */
typedef struct part part_f(struct mig *m, part_done_f *done);

struct plan {
	part_f *const *parts;
	size_t n;
	enum task_end failed;          /* the end of one that has failed, and has changed nothing */
	void (*ready)(struct mig *m);  /* all of them are */
};

/** plan_run() - go through the parts of @plan, which has static storage, from the first one. What the hosts have said before counts no more. */
void plan_run(struct mig *m, const struct plan *plan);
/** plan_act() - what a part has come to, when it is not ready; ready: through the plan again. Takes @p's text. */
void plan_act(struct mig *m, struct part p);

/* ---- parts that every plan has ---- */

/** plan_copies() - what is to be copied to its destination; the search knows it already, but for a restart. */
struct part plan_copies(struct mig *m, part_done_f *done);
/** plan_ask_dest() - what its destination has of it (move.at_dest). */
struct part plan_ask_dest(struct mig *m, part_done_f *done);

#endif
