/* SPDX-License-Identifier: Apache-2.0
 *
 * check_all: where could a server go, and how? The tables of checks of all kinds that move a guest, for every host, without a task: a few
 * runs at a time, so that a large fleet is not asked all at once.
 */
#ifndef CHECK_ALL_H
#define CHECK_ALL_H

#include "move/check.h"

struct engine;

/* How a kind could move it to a host. */
struct check_way {
	const struct task_kind *kind;
	bool fits;
	GPtrArray *checks; /* struct check_finding *: the whole table */
};

struct check_host {
	char *host;
	struct check_way *ways; /* in the order of the engine's kinds: the first that fits is the one to choose */
	guint n;
};

/* @hosts: struct check_host *, by id of the host; lent. */
typedef void check_all_f(GPtrArray *hosts, void *user);

/**
 * check_all() - run the tables to their ends for every host.
 * @r: with dest, for that one alone. block and force count for kinds whose requests have them; kind, chosen and to_the_end do not count
 * @done: called once, later; not after the engine was stopped
 */
void check_all(struct engine *e, const struct check_request *r, check_all_f *done, void *user);

#endif
