/* SPDX-License-Identifier: Apache-2.0
 *
 * metric: what is counted, and Prometheus' text format (0.0.4) for it.
 *
 * Modules count in their own structs, on the loop thread; the handler of a
 * scrape reads them and writes with these functions. Values are in base units, seconds
 * and bytes.
 */
#ifndef METRIC_H
#define METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#define METRIC_BUCKETS_MAX 16

/* Upper limits of buckets, ascending; what is above the last is counted too. */
struct metric_bounds {
	double le[METRIC_BUCKETS_MAX];
	size_t n;
};
extern const struct metric_bounds metric_turn_seconds; /* 0.5 ms to 5 s */
extern const struct metric_bounds metric_call_seconds; /* 0.5 ms to 30 s */

struct metric_hist {
	const struct metric_bounds *bounds;
	uint64_t counts[METRIC_BUCKETS_MAX + 1]; /* each its own, not cumulative */
	double sum;
};

/** metric_observe() - count one value. */
void metric_observe(struct metric_hist *h, double v);
/** metric_count() - how many there were. */
uint64_t metric_count(const struct metric_hist *h);

/** metric_family() - the two lines before a family's samples. @type: "counter", "gauge", "histogram" */
void metric_family(GString *s, const char *name, const char *type, const char *help);

/* A name and a value; a list ends with a NULL name. */
struct metric_label {
	const char *name, *value;
};
#define METRIC_LABELS(...) ((const struct metric_label[]){ __VA_ARGS__ __VA_OPT__(,) { NULL, NULL } })

/** metric_sample() - one line of a counter or a gauge. */
void metric_sample(GString *s, const char *name, const struct metric_label *labels, double v);
/** metric_histogram() - the lines of a histogram: its buckets, sum and count. */
void metric_histogram(GString *s, const char *name, const struct metric_label *labels, const struct metric_hist *h);

#endif
