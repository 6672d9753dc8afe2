/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_FACTS_GET, HV_CPU_BASELINE.
 */
#include "hv/libvirt/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "hv/libvirt/caps.h"
#include "hv/libvirt/cert.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/xml/xml.h"

#define CPUS_MAX 64
#define INTERFACES_MAX 256 /* so many are asked */

/* ---- the user that QEMU runs as ---- */

/* "+64055:+64055" */
static void read_user(const char *label, struct hv_facts *f)
{
	g_auto(GStrv) ids = g_strsplit(label ? label : "", ":", 2);
	int64_t uid, gid;

	if (g_strv_length(ids) != 2 || *ids[0] != '+' || *ids[1] != '+' || !util_parse_int(ids[0] + 1, 0, UINT32_MAX, &uid) ||
	    !util_parse_int(ids[1] + 1, 0, UINT32_MAX, &gid))
		return;
	f->qemu_uid = uid;
	f->qemu_gid = gid;
}

static void read_model(const xmlNode *secmodel, struct hv_facts *f)
{
	g_autofree char *model = xml_text(xml_child(secmodel, "model"));

	if (!model || strlen(model) > DOMXML_NAME_MAX || g_str_equal(model, "none"))
		return;
	if (!g_str_equal(model, "dac")) {
		util_replace(&f->security, model);
		return;
	}
	for (const xmlNode *n = xml_child(secmodel, "baselabel"); n; n = xml_next(n, "baselabel")) {
		g_autofree char *label = xml_attr_is(n, "type", "kvm") || f->qemu_uid == HV_NOT_KNOWN ? xml_text(n) : NULL;

		read_user(label, f);
	}
}

static bool read_capabilities(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	char *text = virConnectGetCapabilities(x->vir);
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "capabilities", err) : NULL;
	const xmlNode *host = doc ? xml_child(xmlDocGetRootElement(doc), "host") : NULL;

	if (!text)
		return lv_error(x->vir, "read the host's capabilities", err);
	free(text); /* libvirt's */
	if (!doc)
		return false;
	for (const xmlNode *n = xml_child(host, "secmodel"); n; n = xml_next(n, "secmodel"))
		read_model(n, f);
	return true;
}

/* ---- the best CPU ---- */

static const xmlNode *host_model(const xmlNode *domcaps)
{
	for (const xmlNode *n = xml_child(xml_child(domcaps, "cpu"), "mode"); n; n = xml_next(n, "mode"))
		if (xml_attr_is(n, "name", "host-model") && xml_attr_is(n, "supported", "yes"))
			return n;
	return NULL;
}

static char *cpu_from(const xmlNode *mode)
{
	GString *s = g_string_new("<cpu mode='custom' match='exact'>");
	static const char *const parts[] = { "model", "vendor", "feature" };

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		for (xmlNode *n = xml_child(mode, parts[i]); n; n = xml_next(n, parts[i])) {
			g_autofree char *text = xml_dump(n);

			g_string_append(s, text ? text : "");
		}
	g_string_append(s, "</cpu>");
	return g_string_free(s, FALSE);
}

/* A host that cannot say it is no worse for it. */
static bool read_cpu(const struct lv_ctx *x, struct hv_facts *f, GError **err)
{
	static const char *const types[] = { "kvm", "qemu" };

	for (size_t i = 0; i < G_N_ELEMENTS(types) && !f->cpu; i++) {
		char *text = virConnectGetDomainCapabilities(x->vir, NULL, NULL, NULL, types[i], 0);
		g_autoptr(xmlDoc) doc = text ? xml_read(text, "domainCapabilities", NULL) : NULL;
		const xmlNode *mode = doc ? host_model(xmlDocGetRootElement(doc)) : NULL;

		free(text);
		if (mode) {
			f->cpu = cpu_from(mode);
			f->virt_type = g_strdup(types[i]);
		}
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
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "interface", NULL) : NULL;
	g_autofree char *size = doc ? xml_attr(xml_child(xmlDocGetRootElement(doc), "mtu"), "size") : NULL;
	int64_t mtu;

	if (size && util_parse_int(size, 1, INT32_MAX, &mtu))
		hv_facts_mtu(f, name, mtu);
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
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "pool", NULL) : NULL;
	char *path = doc ? xml_text(xml_child(xml_child(xmlDocGetRootElement(doc), "target"), "path")) : NULL;

	/* One that this program has made for the length of a call ends so (pool.h). */
	if (path && *path == '/' && strlen(path) <= DOMXML_TEXT_MAX && !g_str_has_suffix(path, "/."))
		g_ptr_array_add(f->folders, g_steal_pointer(&path));
	g_free(path);
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

bool lv_cpu_baseline(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(req->xml ? req->xml : "", "cpus", err);
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	g_autofree char *type = xml_attr(root, "type"), *arch = xml_attr(root, "arch");
	g_autoptr(GPtrArray) cpus = g_ptr_array_new_with_free_func(g_free);
	char *best;

	if (!root)
		return false;
	for (xmlNode *n = xml_child(root, "cpu"); n && cpus->len < CPUS_MAX; n = xml_next(n, "cpu"))
		g_ptr_array_add(cpus, xml_dump(n));
	best = virConnectBaselineHypervisorCPU(x->vir, NULL, arch, NULL, type, (const char **)cpus->pdata, cpus->len,
					       VIR_CONNECT_BASELINE_CPU_MIGRATABLE);
	if (!best)
		return lv_error(x->vir, "find a CPU that all hosts have", err);
	r->definition = g_strndup(best, DOMXML_MAX);
	free(best);
	return true;
}
