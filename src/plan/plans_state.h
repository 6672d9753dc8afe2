/* SPDX-License-Identifier: Apache-2.0
 *
 * plans_state: the plans that are not over, and what is written and told when one changes; of plans.h.
 */
#ifndef PLANS_STATE_H
#define PLANS_STATE_H

#include "plan/plan_record.h"
#include "task/engine.h"

#define PLANS_ROWS 200   /* of new steps that a turn of the loop writes */
#define PLANS_CHANGED 50 /* of steps that change: each is logged and told as well */

struct plans_counts {
	int by_state[PLAN_STATE_N];               /* those that are not over */
	uint64_t steps_ended[PLAN_STEP_STATE_N];  /* since the start */
	uint64_t ended[PLAN_STATE_N];             /* likewise, plans */
};
struct plans {
	struct engine *engine;
	struct fleet *fleet;
	struct store *store;
	GPtrArray *active;         /* struct plan_record *, by id */
	struct clock_timer *timer; /* the next turn */
	GArray *gone;              /* int64_t: plans whose rows go (forget.h) */
	struct clock_timer *forgetter;
	bool started;
	int making;                /* so many are being made */
	struct plans_counts stats;
};

/** plans_go() - a plan is in another state from now on: it is written, and told. Return: false, and it is as it was. */
bool plans_go(struct plans *ps, struct plan_record *p, enum plan_state state, const char *why, GError **err);
/** plans_tell() - subscribers hear of it. @st: NULL: of the plan itself */
void plans_tell(struct plans *ps, const struct plan_record *p, const struct plan_step *st);
/** plans_flush() - write steps that are .unsaved, a bounded number, in one transaction. Return: all are written; else they are with the next turns. */
bool plans_flush(struct plans *ps, struct plan_record *p);
/** plans_leave() - the plan at that place of .active is active no more; what it has of 50,000 steps is freed on a worker. */
void plans_leave(struct plans *ps, guint at);
/** plan_goes_to_one() - its servers go where the plan says, and nowhere else. */
bool plan_goes_to_one(const struct plan_record *p);

#endif
