/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_FACTS_GET, HV_CPU_BASELINE.
 */
#include "hv/libvirt/facts.h"

#include <stdlib.h>
#include <string.h>

#include "hv/libvirt/cert.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/xml/facts_xml.h"
#include "hv/xml/xml.h"

#define INTERFACES_MAX 256 /* so many are asked */

static bool read_capabilities(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	char *text = virConnectGetCapabilities(x->vir);
	bool ok;

	if (!text)
		return lv_error(x->vir, "read the host's capabilities", err);
	ok = facts_xml_capabilities(text, f, err);
	free(text); /* libvirt's */
	return ok;
}

/* The best one of a kind of guests. A host that cannot say it is no worse for it. */
static bool read_cpu(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	static const char *const types[] = { "kvm", "qemu" };

	for (size_t i = 0; i < G_N_ELEMENTS(types) && !f->cpu; i++) {
		char *text = virConnectGetDomainCapabilities(x->vir, NULL, NULL, NULL, types[i], 0);

		f->cpu = text ? facts_xml_cpu(text) : NULL;
		if (f->cpu)
			f->virt_type = g_strdup(types[i]);
		free(text);
	}
	return !lv_lost(x->vir) || lv_error(x->vir, "read the host's domain capabilities", err);
}

/* ---- interfaces ---- */

/* The guests' own, of which there are many, and which follow their bridge. */
static bool is_tap(const char *name)
{
	return g_str_has_prefix(name, "vnet") || g_str_has_prefix(name, "tap") || g_str_equal(name, "lo");
}

static void read_interface(virInterfacePtr iface, const char *name, struct hv_facts *f)
{
	char *text = virInterfaceGetXMLDesc(iface, 0);

	if (text)
		facts_xml_interface(text, name, f);
	free(text);
}

/* A libvirt without the driver of interfaces tells none. */
static bool read_interfaces(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	virInterfacePtr *all = NULL;
	int n = virConnectListAllInterfaces(x->vir, &all, VIR_CONNECT_LIST_INTERFACES_ACTIVE), asked = 0;

	for (int i = 0; i < n; i++) {
		const char *name = virInterfaceGetName(all[i]);

		if (name && !is_tap(name) && strlen(name) <= DOMXML_NAME_MAX && asked++ < INTERFACES_MAX)
			read_interface(all[i], name, f);
		(void)virInterfaceFree(all[i]);
	}
	free(all);
	return !lv_lost(x->vir) || lv_error(x->vir, "read the host's interfaces", err);
}

/* ---- storage pools ---- */

static void read_pool(virStoragePoolPtr pool, struct hv_facts *f)
{
	char *text = virStoragePoolGetXMLDesc(pool, 0);

	if (text)
		facts_xml_pool(text, f);
	free(text);
}

/* A libvirt without the driver of storage has none. */
static bool read_pools(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	const unsigned files = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_DIR | VIR_CONNECT_LIST_STORAGE_POOLS_FS |
			       VIR_CONNECT_LIST_STORAGE_POOLS_NETFS;
	virStoragePoolPtr *pools = NULL;
	int n = virConnectListAllStoragePools(x->vir, &pools, files);

	for (int i = 0; i < n; i++) {
		if (f->folders->len < HV_POOLS_MAX)
			read_pool(pools[i], f);
		(void)virStoragePoolFree(pools[i]);
	}
	free(pools);
	return !lv_lost(x->vir) || lv_error(x->vir, "read the host's storage pools", err);
}

/* ---- domains that are started with it ---- */

static bool read_autostarted(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(x->vir, &doms, VIR_CONNECT_LIST_DOMAINS_INACTIVE | VIR_CONNECT_LIST_DOMAINS_AUTOSTART);

	if (n < 0)
		return lv_error(x->vir, "list the domains", err);
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];

		if (f->autostarted->len < HV_FACTS_MAX && virDomainGetUUIDString(doms[i], uuid) == 0)
			g_ptr_array_add(f->autostarted, g_strdup(uuid));
		lv_domain_free(doms[i]);
	}
	free(doms);
	return true;
}

bool lv_facts_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	const char *uris[] = { req->migrate.dest_uri ? req->migrate.dest_uri : x->conn->uri, x->conn->uri, NULL };

	r->facts = hv_facts_new();
	r->facts->cert = lv_cert_see(uris);
	return read_capabilities(x, r->facts, err) && read_cpu(x, r->facts, err) && read_interfaces(x, r->facts, err) &&
	       read_pools(x, r->facts, err) && read_autostarted(x, r->facts, err);
}

/* ---- HV_CPU_BASELINE ---- */

/* Neither an old libvirtd nor one of some architectures has it. */
static bool is_not_to_be_had(void)
{
	return lv_error_is(VIR_ERR_NO_SUPPORT) || lv_error_is(VIR_ERR_OPERATION_UNSUPPORTED) || lv_error_is(VIR_ERR_CONFIG_UNSUPPORTED);
}

bool lv_cpu_baseline(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	const unsigned flags = VIR_CONNECT_BASELINE_CPU_MIGRATABLE;
	struct facts_cpus c;
	char *best = NULL;

	if (facts_xml_cpus(req->xml ? req->xml : "", &c, err)) {
		if (c.best->len > 0)
			best = virConnectBaselineHypervisorCPU(x->vir, NULL, c.arch, NULL, c.type, (const char **)c.best->pdata, c.best->len, flags);
		/* What the CPUs themselves have, and not what the hosts' QEMUs make of them. */
		if (!best && c.hosts->len > 0 && (c.best->len == 0 || is_not_to_be_had()))
			best = virConnectBaselineCPU(x->vir, (const char **)c.hosts->pdata, c.hosts->len, flags);
		if (c.best->len + c.hosts->len == 0)
			(void)xml_refuse(err, "no CPUs");
		else if (!best)
			(void)lv_error(x->vir, "find a CPU that all hosts have", err);
	}
	facts_cpus_clear(&c);
	r->definition = best ? g_strndup(best, DOMXML_MAX) : NULL;
	free(best); /* libvirt's */
	return r->definition != NULL;
}
