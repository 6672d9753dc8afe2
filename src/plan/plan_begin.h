/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_begin: which steps of a plan may begin now. Of the runner's turn (runner.h).
 */
#ifndef PLAN_BEGIN_H
#define PLAN_BEGIN_H

#include "plan/plans_state.h"

/* What is asked of many steps in a turn; counted once, of all plans, when it is asked for first. By the hosts' indices. Zeros at first. */
struct plan_begin_tally {
	struct usage *reserved; /* room that has been asked for, and that no claim has yet */
};

/** plan_begin_may() - a step that waits may begin; else what it waits for is noted, or it is over, because it makes no sense any more. */
bool plan_begin_may(struct plans *ps, struct plan_record *p, struct plan_step *st, struct plan_begin_tally *t);
/** plan_begin_reserve() - its room is about to be asked for. */
void plan_begin_reserve(const struct plans *ps, struct plan_begin_tally *t, const struct plan_step *st);
void plan_begin_clear(struct plan_begin_tally *t);

#endif
