/* SPDX-License-Identifier: Apache-2.0
 *
 * stats: what is counted of tasks. news.c counts migrations that ended, task.c those that have not; the metrics and the summary show it.
 */
#ifndef STATS_H
#define STATS_H

#include "base/metric.h"
#include "base/util.h"
#include "task/kind.h"

#define TASK_KINDS_MAX 16
#define MIG_FAILURES_KEPT 10

/* What a task that has not ended does. */
enum task_doing { TASK_WAITS, TASK_RUNS, TASK_RESTS, TASK_DOING_N };

/* A migration that ended otherwise than it should; one that was stopped by a user is none. */
struct mig_failure {
	int64_t id, at_us;
	char server_uuid[UTIL_UUID_LEN + 1];
	const char *type, *status; /* of its kind; Nova's */
	char *source, *dest, *error; /* NULL: none */
};

/* Migrations that ended since the start, by their ends; the histograms are of those that are done. */
struct mig_counts {
	uint64_t ended[TASK_END_N];
	uint64_t unforeseen; /* libvirt refused to begin what every precheck had passed */
	struct metric_hist seconds, bytes, downtime_seconds; /* from the request to the end; sent; of the guest's pause */
	uint64_t failed;     /* since the start: these are the last of them, number N at N % MIG_FAILURES_KEPT */
	struct mig_failure failures[MIG_FAILURES_KEPT];
	guint now[TASK_KINDS_MAX][TASK_DOING_N]; /* that have not ended, by the place of their kind in engine_kinds() */
};

#endif
