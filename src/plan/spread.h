/* SPDX-License-Identifier: Apache-2.0
 *
 * spread: how unevenly the hosts of a cell are taken, and the moves that make it more even.
 */
#ifndef PLAN_SPREAD_H
#define PLAN_SPREAD_H

#include "plan/problem.h"

struct planner_target {
	double memory, vcpus;     /* of the fullest host's share to the emptiest one's of a cell, at most: percent points */
	double load;              /* likewise, of its CPUs by what its guests use; 0: it is not looked at */
	double hysteresis;        /* nothing is moved until one of them is over by so much */
};

struct planner_spread {
	double memory, vcpus, load; /* percent points */
};

/** planner_spread_of() - as the hosts are now. */
struct planner_spread planner_spread_of(const struct planner_fleet *f);
/**
 * planner_balance() - the fewest moves that bring the spread under the target.
 * @guests: the fleet's, which may be changed: their wishes are set
 *
 * Return: what the spread is then; it may still be over the target, where no move brings it down.
 */
struct planner_spread planner_balance(const struct planner_fleet *f, struct planner_guest *guests, const struct planner_target *t);

#endif
