/* SPDX-License-Identifier: Apache-2.0
 *
 * order: in which order the servers of a dead host are evacuated, and asking for it.
 */
#ifndef HA_ORDER_H
#define HA_ORDER_H

#include "task/request.h"

/** order_of() - the servers of a host, those of the highest priority first, then the oldest. Return: struct server *, owned, the servers borrowed. */
GPtrArray *order_of(const struct host *h);

/* What a request for a host's server is made of. */
struct order {
	const struct task_kind *kind; /* that evacuates */
	const char *dest;             /* NULL: the scheduler chooses */
	bool force;                   /* ... without its filters */
	struct requester who;
};

/**
 * order_begin() - ask for one of them, at its priority.
 * @err: why it was refused
 *
 * Return: the task's number; 0 with @err.
 */
int64_t order_begin(struct engine *e, const struct order *o, struct server *s, GError **err);

#endif
