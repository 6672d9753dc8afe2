/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: runs of the check of the set-up, one at a time, and the last one's report.
 *
 * A report is kept in memory until the next run ends; it is about now, and a controller that starts again has none.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "check/finding.h"
#include "fleet/fleet.h"

#define CHECKS_HOSTS_MAX 1000 /* that a run may name */

struct checks;

/* The last run that has ended, or none. */
struct check_run {
	char **hosts;              /* that were asked for, NULL-terminated; NULL: all */
	bool deep;
	int64_t began_us, ended_us; /* wall clock */
	guint checked;             /* hosts */
	struct report *report;     /* NULL: there was no run yet */
};

/** checks_new() - @f: borrowed, must outlive it */
struct checks *checks_new(struct fleet *f);
/** checks_free() - a run under way has no report. NULL is fine. */
void checks_free(struct checks *c);

/**
 * checks_begin() - begin a run.
 * @hosts: names, NULL-terminated; NULL: all
 * @deep: an empty guest goes from each to each other
 *
 * Return: false with ERR_CONFLICT (one is under way) or ERR_BAD_REQUEST (there is no host of that name).
 */
bool checks_begin(struct checks *c, const char *const *hosts, bool deep, GError **err);
/** checks_running_since() - when the run under way began, by the wall clock; 0: none is. */
int64_t checks_running_since(const struct checks *c);
/** checks_last() - Borrowed, until the loop's next turn. */
const struct check_run *checks_last(const struct checks *c);

#endif
