/* SPDX-License-Identifier: Apache-2.0
 *
 * make: a plan in the making.
 *
 * A snapshot and its wishes on the loop, the planner on a worker, then rows, some with each turn of the loop. Until the last one is written
 * the plan is in state "making", in which no client sees it, and a start takes it away.
 */
#ifndef PLAN_MAKE_H
#define PLAN_MAKE_H

#include "plan/plans.h"

/* @p: the plan that was made, borrowed; NULL: @mistakes (struct plan_mistake *), or @err, say why not. */
typedef void plans_made_f(struct plan_record *p, const GPtrArray *mistakes, const GError *err, void *user);

/**
 * plans_make() - make one, dry; or with .start, start it as well.
 * @w: taken: it is empty then
 * @done: called exactly once, perhaps before this returns
 */
void plans_make(struct plans *ps, struct plan_wanted *w, const struct requester *who, plans_made_f *done, void *user);

#endif
