/* SPDX-License-Identifier: Apache-2.0
 *
 * stats: what is counted of migrations. news.c counts, the metrics show it.
 */
#ifndef STATS_H
#define STATS_H

#include "base/metric.h"
#include "task/kind.h"

/* Migrations that ended since the start, by their ends; the histograms are of those that are done. */
struct mig_counts {
	uint64_t ended[TASK_END_N];
	uint64_t unforeseen; /* libvirt refused to begin what every precheck had passed */
	struct metric_hist seconds, bytes, downtime_seconds; /* from the request to the end; sent; of the guest's pause */
};

#endif
