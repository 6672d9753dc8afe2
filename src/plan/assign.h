/* SPDX-License-Identifier: Apache-2.0
 *
 * assign: which host each server goes to that may go anywhere; of planner.c.
 */
#ifndef PLAN_ASSIGN_H
#define PLAN_ASSIGN_H

#include "plan/problem.h"

/**
 * assign_hosts() - a host for each guest whose wish is PLANNER_ANY.
 * @to: of each guest its wish; in the place of PLANNER_ANY a host, or PLANNER_ANY still: it finds none
 * @left_too: count on the room that those leave which have a destination: it has to be waited for
 *
 * Return: each has a host.
 */
bool assign_hosts(const struct planner_fleet *f, guint *to, bool left_too);

#endif
