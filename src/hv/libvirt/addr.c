/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_DOM_ADDRS: what addresses a domain's interfaces have.
 *
 * Sources are asked in the order of enum hv_addr_source. Which of them know a
 * guest depends on its network; one that fails says nothing about the others.
 *
 * The agent is the guest's own program. libvirt's virDomainInterfaceAddresses()
 * waits without a limit for one that answers its first question and keeps silent
 * on the next, and holds one of libvirtd's few workers meanwhile: some hostile
 * guests could stop their host's libvirtd for all its clients. So it is asked by
 * virDomainQemuAgentCommand(), which has a time limit for each of the two; the
 * price is a mark in libvirt's log, once for each start of a guest with an agent
 * ("tainted: custom-ga-command").
 *
 * libvirt 9.0 cannot read the ARP table of newer kernels (seen with Linux 6.18:
 * "wrong nlmsg len"); with Debian 12's it can.
 */
#include "hv/libvirt/addr.h"

#include <libvirt/libvirt-qemu.h>

#include "hv/addr.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"

#define AGENT_S 5

static void take_nic(GArray *all, const virDomainInterface *nic)
{
	for (unsigned i = 0; i < MIN(nic->naddrs, HV_ADDRS_MAX); i++) {
		struct hv_addr a;

		if (hv_addr_parse(nic->hwaddr, nic->addrs[i].addr, nic->addrs[i].prefix, &a))
			hv_addrs_add(all, &a);
	}
}

static GArray *ask_libvirt(virDomainPtr dom, unsigned source)
{
	GArray *all = hv_addrs_new();
	virDomainInterfacePtr *nics = NULL;
	int n = virDomainInterfaceAddresses(dom, &nics, source, 0);

	for (int i = 0; i < n; i++) {
		take_nic(all, nics[i]);
		virDomainInterfaceFree(nics[i]);
	}
	free(nics); /* libvirt's, by malloc() */
	return all;
}

static void add_all(GArray *all, const GArray *more)
{
	for (guint i = 0; i < more->len; i++)
		hv_addrs_add(all, &g_array_index(more, struct hv_addr, i));
}

static void ask_leases(virDomainPtr dom, GArray *all)
{
	g_autoptr(GArray) leases = ask_libvirt(dom, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE);

	add_all(all, leases);
}

static void ask_agent(virDomainPtr dom, GArray *all)
{
	char *text = virDomainQemuAgentCommand(dom, "{\"execute\": \"guest-network-get-interfaces\"}", AGENT_S, 0);

	if (text)
		(void)hv_addrs_of_agent(all, text, NULL); /* what it says is a help, whatever it is */
	free(text);
}

/* The table keeps addresses that an interface had before; where a better source knows it, they are left out. */
static void ask_arp(virDomainPtr dom, GArray *all)
{
	g_autoptr(GArray) arp = ask_libvirt(dom, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP);
	g_autoptr(GArray) fresh = hv_addrs_new();

	for (guint i = 0; i < arp->len; i++) {
		const struct hv_addr *a = &g_array_index(arp, struct hv_addr, i);

		if (!hv_addrs_know(all, a->mac))
			hv_addrs_add(fresh, a);
	}
	add_all(all, fresh);
}

static const struct {
	enum hv_addr_source source;
	void (*ask)(virDomainPtr dom, GArray *all);
} sources[] = {
	{ HV_ADDR_LEASE, ask_leases },
	{ HV_ADDR_AGENT, ask_agent },
	{ HV_ADDR_ARP,   ask_arp },
};

bool lv_dom_addrs(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	if (!dom)
		return false;
	r->addrs = hv_addrs_new();
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		if (!(req->addr_sources & sources[i].source))
			continue;
		sources[i].ask(dom, r->addrs);
		if (lv_lost(x->vir)) {
			g_set_error(err, ERR, ERR_HV_LOST, "ask for the domain's addresses: the connection is lost");
			return false;
		}
	}
	return true;
}
