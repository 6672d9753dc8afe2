/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/source.h"

#include "base/err.h"
#include "fleet/host_fence.h"

/* One that answers is in use, whatever an administrator has said of it. */
bool source_check(const struct fleet *f, const struct host *h, GError **err)
{
	if (!h || host_is_up(f, h) || host_connected(h)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Compute service of %s is still in use.", h ? h->name : "-");
		return false;
	}
	if (host_is_fenced(h) || h->forced_down)
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Compute service of %s is down, and the host may still run its servers: fence it (drover host fence %s), or make sure "
		    "that it is off and say so (openstack compute service set --down %s nova-compute).", h->name, h->name, h->name);
	return false;
}
