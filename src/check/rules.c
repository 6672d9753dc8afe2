/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rules.h"

#include <string.h>

#include "check/rules_host.h"
#include "check/rules_storage.h"

/* In the order of reports: what other findings may come of stands first. */
static const struct rule rules[] = {
	{ "reach", FINDING_ERROR, rules_reach, "the connection from the controller to each libvirtd, with its scheme",
	  "the host is down for Drover: nothing is moved to it or from it" },
	{ "identity", FINDING_ERROR, rules_identity, "that each host has a UUID and a name of its own",
	  "libvirt refuses to migrate between hosts with the same UUID or the same host name" },
	{ "peer", FINDING_ERROR, rules_peer, "that each libvirtd reaches each other one, in both directions",
	  "live migration from the one to the other, and cold migration with local disks" },
	{ "address", FINDING_ERROR, rules_address, "that an address is known where a host's migrations come in",
	  "live migration to that host" },
	{ "certificate", FINDING_ERROR, rules_certificate, "the certificate that each libvirtd shows: names, purposes, days left",
	  "the connections to its libvirtd, the controller's and those of migrations" },
	{ "expiry", FINDING_WARNING, rules_expiry, "certificates with less than 30 days left",
	  "soon: the connections to its libvirtd" },
	{ "user", FINDING_ERROR, rules_user, "that QEMU runs as the same user everywhere",
	  "a guest's disks in a shared folder are not QEMU's to open after it was moved" },
	{ "storage", FINDING_ERROR, rules_storage, "that folders with guests' disks are the same storage on all hosts that have them, and mounted",
	  "live migration of guests with disks in that folder: they are copied beside the shared ones, or not found" },
	{ "search", FINDING_ERROR, rules_search, "that QEMU's user may search those folders",
	  "guests with disks in that folder do not start there" },
	{ "squash", FINDING_ERROR, rules_squash, "that what root makes in those folders is root's",
	  "libvirt cannot give files there to QEMU's user: guests do not start, new disks are not to be opened" },
	{ "space", FINDING_WARNING, rules_space, "the free space of those folders",
	  "disks that are copied there, or that grow, find no room" },
	{ "console", FINDING_ERROR, rules_console, "that guests' VNC and SPICE consoles listen on addresses that the other host has",
	  "the guest cannot start at the destination: its migration fails" },
	{ "cpu", FINDING_ERROR, rules_cpu, "that a guest with its host's CPU can run on each other host",
	  "live migration of guests with that host's CPU (host-passthrough, host-model)" },
	{ "version", FINDING_WARNING, rules_version, "the versions of QEMU and libvirt",
	  "live migration to a host with an older version, of guests with a newer machine type" },
	{ "pages", FINDING_ERROR, rules_pages, "huge pages, where guests have them",
	  "migration of guests with huge pages to a host without" },
	{ "mtu", FINDING_WARNING, rules_mtu, "that bridges of guests have the same MTU everywhere",
	  "the guest's connections hang after it was moved" },
	{ "clock", FINDING_WARNING, rules_clock, "that the hosts' clocks are no more than a second apart",
	  "a guest's time jumps when it is moved, and logs cannot be compared" },
	{ "autostart", FINDING_ERROR, rules_autostart, "domains that are started with a host, and whose server is on another",
	  "the next boot of the host starts a second copy of the guest" },
	{ "ports", FINDING_ERROR, rules_ports, "with --deep: that migrations come through, by an empty guest with a disk that goes from each host to each other",
	  "live migration from the one to the other" },
};

bool rules_row(size_t i, struct rules_row *ret)
{
	if (i >= G_N_ELEMENTS(rules))
		return false;
	*ret = (struct rules_row){ rules[i].name, rules[i].looks_at, rules[i].breaks };
	return true;
}

struct report *rules_judge(const struct survey *s)
{
	g_autoptr(GPtrArray) shared = g_ptr_array_new_with_free_func(g_free);
	struct report *r = report_new();

	for (guint k = 0; k < s->folders->len; k++)
		g_ptr_array_add(shared, survey_shared(s, k));
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
		rules[i].judge(&(struct judge){ &rules[i], s, (guint *const *)shared->pdata, r });
	return r;
}
