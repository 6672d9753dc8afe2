/* SPDX-License-Identifier: Apache-2.0
 *
 * order: moves in an order in which each finds room, one after the other; of planner.c.
 */
#ifndef PLAN_ORDER_H
#define PLAN_ORDER_H

#include "plan/problem.h"

struct planner_cycle {
	GArray *guests, *hosts;   /* guint */
	guint through;            /* the third host; PLANNER_ANY: there is none, and its servers cannot go */
};

struct order_move {
	guint guest, from, to;
	bool detour;
};

struct order_made {
	GArray *moves;            /* struct order_move */
	GArray *pending;          /* guint: guests that do not get to where they were to go */
	GPtrArray *cycles;        /* struct planner_cycle * */
};

/**
 * order_make() - @to: of each guest a host, or PLANNER_STAYS.
 * @small_first: those that take the least time go first; else those that take the most
 */
struct order_made *order_make(const struct planner_fleet *f, const guint *to, bool small_first);
void order_made_free(struct order_made *m);

void planner_cycle_free(void *cycle);

#endif
