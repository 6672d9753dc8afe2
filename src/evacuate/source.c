/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/source.h"

#include "base/err.h"
#include "fleet/autostart.h"
#include "fleet/host_fence.h"

static bool is_silent(const struct fleet *f, const struct host *h)
{
	return h && !host_is_up(f, h) && !host_connected(h);
}

bool source_is_dead(const struct fleet *f, const struct host *h)
{
	return is_silent(f, h) && (host_is_fenced(h) || h->forced_down);
}

/* One that answers is in use, whatever an administrator has said of it. */
bool source_check(const struct fleet *f, const struct host *h, GError **err)
{
	if (!is_silent(f, h)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Compute service of %s is still in use.", h ? h->name : "-");
		return false;
	}
	if (source_is_dead(f, h))
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Compute service of %s is down, and the host may still run its servers: fence it (drover host fence %s), or make sure "
		    "that it is off and say so (openstack compute service set --down %s nova-compute).", h->name, h->name, h->name);
	return false;
}

bool source_check_server(const struct fleet *f, const struct server *s, const struct host *h, GError **err)
{
	if (!source_check(f, h, err))
		return false;
	if (h->forced_down || !autostart_may_be_hosts(s))
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Server %s starts with its host %s by libvirt's autostart, also when it runs elsewhere by then: make sure that the host "
		    "does not boot with it, and say so (openstack compute service set --down %s nova-compute).", s->uuid, h->name, h->name);
	return false;
}
