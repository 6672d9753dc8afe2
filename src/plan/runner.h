/* SPDX-License-Identifier: Apache-2.0
 *
 * runner: the plans that are under way.
 *
 * A turn looks at each of them: what has become of the steps that run, then which ones may begin; of many a bounded number, and at the
 * others with the next turn, which comes at once. It keeps nothing from one turn to the next but what is in the rows and how far it has
 * come, so a turn after a restart is one like the others.
 */
#ifndef PLAN_RUNNER_H
#define PLAN_RUNNER_H

#include "plan/plans_state.h"

enum runner_again {
	RUNNER_RESTS,   /* nothing goes on */
	RUNNER_LATER,   /* something may change of which nothing is heard */
	RUNNER_AT_ONCE, /* there is more to be done now */
};

/** runner_turn() - for all plans. Those that are over then are active no more. Return: when the next one is due, if nothing is heard before. */
enum runner_again runner_turn(struct plans *ps);

#endif
