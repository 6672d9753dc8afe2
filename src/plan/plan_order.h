/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_order: the order in which the steps of a plan begin, where a user has changed it.
 *
 * A step's number is its name, and stays. What is kept are the moves ("5<2,7>3": step 5 just before step 2, then 7 just after 3), with the plan's
 * options, so that a change of the order is a change of one row; they are made again of a plan that is read.
 */
#ifndef PLAN_ORDER_H
#define PLAN_ORDER_H

#include "plan/plan_record.h"

#define PLAN_MOVES_MAX 500

/* Of a step: just before another one, or just behind it. */
struct plan_move {
	struct plan_step *step, *other;
	bool behind;
};

/** plan_order_make() - the order of all steps, of a plan whose steps have been read, or made. */
void plan_order_make(struct plan_record *p);
/** plan_order_check() - may it be moved so? Return: owned, why not; NULL: it may. */
char *plan_order_check(const struct plan_record *p, const struct plan_move *m);
/** plan_order_moves() - the moves of a plan and one more. Return: owned; NULL: that would be too many. */
char *plan_order_moves(const struct plan_record *p, const struct plan_move *m);
/** plan_order_move() - the step stands there from now on. */
void plan_order_move(struct plan_record *p, const struct plan_move *m);

#endif
