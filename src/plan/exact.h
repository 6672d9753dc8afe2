/* SPDX-License-Identifier: Apache-2.0
 *
 * exact: the order with the fewest moves, where there are so few servers and hosts that all can be tried.
 */
#ifndef PLAN_EXACT_H
#define PLAN_EXACT_H

#include "plan/order.h"

/**
 * order_exact() - the fewest moves, for a few guests: all orders are tried.
 *
 * Return: like order_make(), with none pending; NULL: there are too many guests or hosts for that, or there is no way.
 */
struct order_made *order_exact(const struct planner_fleet *f, const guint *to);

#endif
