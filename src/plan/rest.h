/* SPDX-License-Identifier: Apache-2.0
 *
 * rest: the servers that a map does not name. Where they may be anywhere, some make room for those that it names.
 */
#ifndef PLAN_REST_H
#define PLAN_REST_H

#include "plan/problem.h"

/**
 * rest_make_room() - of each host that would be full, some guests without a wish may go anywhere: as few as will do.
 * @guests: the fleet's, which may be changed: their wishes are set. Those that cannot move, or are to stay, are left alone.
 */
void rest_make_room(const struct planner_fleet *f, struct planner_guest *guests);

/** rest_then() - what each host has when all wishes are done, without those that may go anywhere. Return: owned, by the hosts' indices. */
struct usage *rest_then(const struct planner_fleet *f);

#endif
