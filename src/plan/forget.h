/* SPDX-License-Identifier: Apache-2.0
 *
 * forget: plans that are deleted. No client sees them any more; their rows go some with each turn of the loop, and what is left with the next start.
 */
#ifndef PLAN_FORGET_H
#define PLAN_FORGET_H

#include "plan/plans_state.h"

/** forget_plan() - one that is a draft, or over. The store's errors: it is as it was, or will go with the next start. */
bool forget_plan(struct plans *ps, int64_t id, GError **err);
/** forget_rows() - of one whose row says already that it is being made. */
void forget_rows(struct plans *ps, int64_t id);
/** forget_start() - go on, once the plans have been started. */
void forget_start(struct plans *ps);

#endif
