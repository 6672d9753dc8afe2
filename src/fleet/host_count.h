/* SPDX-License-Identifier: Apache-2.0
 *
 * host_count: how many hosts are in which state.
 */
#ifndef HOST_COUNT_H
#define HOST_COUNT_H

#include <glib.h>

struct fleet;

struct host_counts {
	guint hosts, up, down, forced_down; /* the last three are all of them */
	guint disabled, fenced;             /* in any state */
};

/** fleet_host_counts() - as they are now: each host is looked at. */
struct host_counts fleet_host_counts(const struct fleet *f);

#endif
