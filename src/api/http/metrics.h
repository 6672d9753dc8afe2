/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics: GET /metrics, Prometheus' text format.
 *
 * Prometheus has no Keystone token, so by default every client that reaches the API
 * may read it, and it holds nothing that names a server, a project or a host:
 * counts of the whole fleet. [api] metrics makes that more (hosts by name), less
 * (administrators with a token only, with the hosts too) or nothing.
 */
#ifndef METRICS_H
#define METRICS_H

#include "api/http/types.h"

#include <stdint.h>

struct metrics;

extern const struct route_table metrics_routes;

/** metrics_new() - begin to measure how late the loop is. */
struct metrics *metrics_new(void);
/** metrics_began_us() - since when: the controller's start, by the wall clock. @m: NULL: 0 */
int64_t metrics_began_us(const struct metrics *m);
/** metrics_free() - NULL is fine. */
void metrics_free(struct metrics *m);

#endif
