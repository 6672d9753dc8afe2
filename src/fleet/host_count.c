/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_count.h"

#include "fleet/host_fence.h"
#include "fleet/registry.h"

struct host_counts fleet_host_counts(const struct fleet *f)
{
	const GPtrArray *hosts = fleet_hosts(f);
	struct host_counts n = { .hosts = hosts->len };

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);

		n.up += host_is_up(f, h);
		n.forced_down += h->forced_down;
		n.disabled += h->disabled;
		n.fenced += host_is_fenced(h);
	}
	n.down = n.hosts - n.up - n.forced_down;
	return n;
}
