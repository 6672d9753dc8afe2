/* SPDX-License-Identifier: Apache-2.0
 *
 * check_all: a table of checks for every host: a few runs at a time, so that a large fleet is not asked all at once.
 */
#ifndef CHECK_ALL_H
#define CHECK_ALL_H

#include "move/check.h"

struct engine;

struct check_host {
	char *host;
	bool fits;
	GPtrArray *checks; /* struct check_finding *: the whole table */
};

/* @hosts: struct check_host *, by id of the host; lent. */
typedef void check_all_f(GPtrArray *hosts, void *user);

/**
 * check_all() - run the table of @r's kind to its end for every host. No task is begun.
 * @r: with dest, for that one alone; chosen and to_the_end do not count
 * @done: called once, later; not after the engine was stopped
 */
void check_all(struct engine *e, const struct check_request *r, check_all_f *done, void *user);

#endif
