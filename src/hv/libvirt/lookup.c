/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_LOOKUP: which of the things that a guest needs by name a host has.
 *
 * Only an answer that the thing is not there counts against the host. Any other
 * error (a driver that is not built or not running, no permission) says that it
 * cannot be found out. A lost connection ends the whole question.
 */
#include "hv/libvirt/lookup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/caps.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/why.h"
#include "hv/xml/xml.h"

static void found(struct hv_need *n, bool there, const char *why)
{
	n->found = there ? HV_FOUND : HV_FOUND_NOT;
	n->why = g_strdup(why);
}

/* The last error's: is it one of @codes (0 ends them), the thing is not there. */
static void not_found(struct hv_need *n, const int *codes, bool with_words)
{
	g_autofree char *why = lv_why(virGetLastError());

	for (; *codes; codes++) {
		if (lv_error_is(*codes)) {
			found(n, false, with_words ? why : NULL);
			return;
		}
	}
	n->found = HV_FOUND_UNKNOWN;
	n->why = g_steal_pointer(&why);
}

static void look_name(const struct lv_ctx *x, const char *uuid, struct hv_need *n)
{
	g_autoptr(virDomain) dom = virDomainLookupByName(x->vir, n->name);
	char other[VIR_UUID_STRING_BUFLEN];

	if (!dom && lv_error_is(VIR_ERR_NO_DOMAIN))
		found(n, true, NULL);
	else if (!dom || virDomainGetUUIDString(dom, other) < 0)
		not_found(n, (const int[]){ 0 }, true);
	else
		found(n, !g_ascii_strcasecmp(other, uuid), other);
}

static void look_snapshots(const struct lv_ctx *x, const char *uuid, struct hv_need *n)
{
	g_autoptr(virDomain) dom = virDomainLookupByUUIDString(x->vir, uuid);
	int count = dom ? virDomainSnapshotNum(dom, 0) : -1;
	g_autofree char *text = g_strdup_printf("%d", count);

	if (count < 0)
		not_found(n, (const int[]){ 0 }, true);
	else
		found(n, count == 0, text);
}

/* libvirt migrates a domain that has some, and forgets them (9.0): their bitmaps would be left in the images with no name. */
static void look_checkpoints(const struct lv_ctx *x, const char *uuid, struct hv_need *n)
{
	g_autoptr(virDomain) dom = virDomainLookupByUUIDString(x->vir, uuid);
	int count = dom ? virDomainListAllCheckpoints(dom, NULL, 0) : -1;
	g_autofree char *text = g_strdup_printf("%d", count);

	if (count < 0 && dom && lv_error_is(VIR_ERR_NO_SUPPORT))
		found(n, true, NULL);
	else if (count < 0)
		not_found(n, (const int[]){ 0 }, true);
	else
		found(n, count == 0, text);
}

/* A backup is one, too. */
static void look_disk(const struct lv_ctx *x, const char *uuid, struct hv_need *n)
{
	g_autoptr(virDomain) dom = virDomainLookupByUUIDString(x->vir, uuid);
	virDomainBlockJobInfo info;
	int jobs = dom ? virDomainGetBlockJobInfo(dom, n->name, &info, 0) : -1;

	if (jobs < 0)
		not_found(n, (const int[]){ 0 }, true);
	else
		found(n, jobs == 0, NULL);
}

static void look_interface(const struct lv_ctx *x, struct hv_need *n)
{
	virInterfacePtr i = virInterfaceLookupByName(x->vir, n->name);

	if (i) {
		found(n, true, NULL);
		(void)virInterfaceFree(i);
	} else {
		/* The kernel does not list a bridge of Open vSwitch's own datapath. */
		not_found(n, n->usage ? (const int[]){ 0 } : (const int[]){ VIR_ERR_NO_INTERFACE, 0 }, false);
	}
}

static void look_no_interface(const struct lv_ctx *x, struct hv_need *n)
{
	look_interface(x, n);
	if (n->found == HV_FOUND)
		n->found = HV_FOUND_NOT;
	else if (n->found == HV_FOUND_NOT)
		n->found = HV_FOUND;
}

static void look_network(const struct lv_ctx *x, struct hv_need *n)
{
	virNetworkPtr net = virNetworkLookupByName(x->vir, n->name);
	int active = net ? virNetworkIsActive(net) : -1;

	if (active >= 0)
		found(n, active, active ? NULL : "it is not active");
	else
		not_found(n, (const int[]){ VIR_ERR_NO_NETWORK, 0 }, false);
	if (net)
		(void)virNetworkFree(net);
}

static void look_nwfilter(const struct lv_ctx *x, struct hv_need *n)
{
	virNWFilterPtr f = virNWFilterLookupByName(x->vir, n->name);

	if (f) {
		found(n, true, NULL);
		(void)virNWFilterFree(f);
	} else {
		not_found(n, (const int[]){ VIR_ERR_NO_NWFILTER, 0 }, false);
	}
}

/* Whatever it is: only its address is in the guest's description. */
static void look_pci(const struct lv_ctx *x, struct hv_need *n)
{
	g_autofree char *address = g_strdelimit(g_strdup(n->name), ":.", '_'), *name = g_strconcat("pci_", address, NULL);
	virNodeDevicePtr d = virNodeDeviceLookupByName(x->vir, name);

	if (d) {
		found(n, true, NULL);
		(void)virNodeDeviceFree(d);
	} else {
		not_found(n, (const int[]){ VIR_ERR_NO_NODE_DEVICE, 0 }, false);
	}
}

/* ---- node devices that have no name of their own ---- */

#define NODES_MAX 4096

typedef bool is_node_f(virNodeDevicePtr node, const char *name);

static bool is_number(const xmlNode *n, const char *attr, int base, unsigned want)
{
	g_autofree char *text = attr ? xml_attr(n, attr) : xml_text(n);
	guint64 v;

	return text && g_ascii_string_to_unsigned(g_str_has_prefix(text, "0x") ? text + 2 : text, (guint)base, 0, 65535, &v, NULL) && v == want;
}

/* @name: as domxml_usb() has it */
static bool is_usb(virNodeDevicePtr node, const char *name)
{
	char *xml = virNodeDeviceGetXMLDesc(node, 0);
	g_autoptr(xmlDoc) doc = xml ? xml_read(xml, "device", NULL) : NULL;
	const xmlNode *usb = doc ? xml_child(xmlDocGetRootElement(doc), "capability") : NULL;
	unsigned a, b;

	free(xml); /* libvirt's */
	if (sscanf(name, "bus %u device %u", &a, &b) == 2)
		return is_number(xml_child(usb, "bus"), NULL, 10, a) && is_number(xml_child(usb, "device"), NULL, 10, b);
	return sscanf(name, "%x:%x", &a, &b) == 2 && is_number(xml_child(usb, "vendor"), "id", 16, a) && is_number(xml_child(usb, "product"), "id", 16, b);
}

/* libvirt names it by its UUID, and its parent behind that. @name: the UUID */
static bool is_mdev(virNodeDevicePtr node, const char *name)
{
	g_autofree char *uuid = g_strdelimit(g_ascii_strdown(name, -1), "-", '_'), *prefix = g_strconcat("mdev_", uuid, NULL);
	const char *has = virNodeDeviceGetName(node);

	return has && g_str_has_prefix(has, prefix);
}

static void look_nodes(const struct lv_ctx *x, struct hv_need *n, unsigned flags, is_node_f *is)
{
	virNodeDevicePtr *nodes = NULL;
	int count = virConnectListAllNodeDevices(x->vir, &nodes, flags);
	bool there = false;

	if (count < 0) {
		not_found(n, (const int[]){ 0 }, true);
		return;
	}
	for (int i = 0; i < count; i++) {
		there = there || (i < NODES_MAX && is(nodes[i], n->name));
		(void)virNodeDeviceFree(nodes[i]);
	}
	free(nodes); /* libvirt's */
	found(n, there, NULL);
}

static void look_usb(const struct lv_ctx *x, struct hv_need *n)
{
	look_nodes(x, n, VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV, is_usb);
}

static void look_mdev(const struct lv_ctx *x, struct hv_need *n)
{
	look_nodes(x, n, VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV | VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE, is_mdev);
}

/* ---- the rest ---- */

static int usage_type(const char *usage)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {
		{ "ceph", VIR_SECRET_USAGE_TYPE_CEPH }, { "iscsi", VIR_SECRET_USAGE_TYPE_ISCSI }, { "tls", VIR_SECRET_USAGE_TYPE_TLS },
		{ "vtpm", VIR_SECRET_USAGE_TYPE_VTPM },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_equal(types[i].name, usage))
			return types[i].type;
	return VIR_SECRET_USAGE_TYPE_VOLUME;
}

static void look_secret(const struct lv_ctx *x, struct hv_need *n)
{
	virSecretPtr s = n->usage ? virSecretLookupByUsage(x->vir, usage_type(n->usage), n->name) : virSecretLookupByUUIDString(x->vir, n->name);

	if (s) {
		found(n, true, NULL);
		(void)virSecretFree(s);
	} else {
		not_found(n, (const int[]){ VIR_ERR_NO_SECRET, 0 }, false);
	}
}

static void look_machine(const struct lv_ctx *x, struct hv_need *n)
{
	char *caps = virConnectGetDomainCapabilities(x->vir, n->emulator, n->arch, n->name, n->virt_type, 0);

	if (caps)
		found(n, true, NULL);
	else /* a missing emulator is a system error */
		not_found(n, (const int[]){ VIR_ERR_CONFIG_UNSUPPORTED, VIR_ERR_INVALID_ARG, VIR_ERR_SYSTEM_ERROR, 0 }, true);
	free(caps);
}

/* What libvirt checks before a start is what it lists. */
static void look_device(const struct lv_ctx *x, struct hv_need *n)
{
	char *caps = virConnectGetDomainCapabilities(x->vir, n->emulator, n->arch, n->usage, n->virt_type, 0);

	if (!caps) {
		not_found(n, (const int[]){ 0 }, true); /* the machine type's lookup says it */
		return;
	}
	n->found = lv_domcaps_device(caps, n->name);
	if (n->found == HV_FOUND_UNKNOWN)
		n->why = g_strdup("its libvirt does not list such devices");
	free(caps);
}

static void look_security(const struct lv_ctx *x, struct hv_need *n)
{
	char *text = virConnectGetCapabilities(x->vir);
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "capabilities", NULL) : NULL;
	const xmlNode *host = doc ? xml_child(xmlDocGetRootElement(doc), "host") : NULL;
	bool there = false;

	if (!host)
		not_found(n, (const int[]){ 0 }, true);
	for (xmlNode *m = xml_child(host, "secmodel"); m; m = xml_next(m, "secmodel")) {
		g_autofree char *model = xml_text(xml_child(m, "model"));

		there |= !g_strcmp0(model, n->name);
	}
	if (host)
		found(n, there, NULL);
	free(text);
}

/* How each kind is looked for: it is the host's, or one of the guest there. */
static const struct {
	void (*of_host)(const struct lv_ctx *x, struct hv_need *n);
	void (*of_guest)(const struct lv_ctx *x, const char *uuid, struct hv_need *n);
} looks[] = {
	[HV_NEED_NAME]          = { .of_guest = look_name },
	[HV_NEED_NO_SNAPSHOT]   = { .of_guest = look_snapshots },
	[HV_NEED_NO_CHECKPOINT] = { .of_guest = look_checkpoints },
	[HV_NEED_DISK_IDLE]     = { .of_guest = look_disk },
	[HV_NEED_INTERFACE]     = { look_interface },
	[HV_NEED_NO_INTERFACE]  = { look_no_interface },
	[HV_NEED_NETWORK]       = { look_network },
	[HV_NEED_NWFILTER]      = { look_nwfilter },
	[HV_NEED_PCI]           = { look_pci },
	[HV_NEED_USB]           = { look_usb },
	[HV_NEED_MDEV]          = { look_mdev },
	[HV_NEED_SECRET]        = { look_secret },
	[HV_NEED_MACHINE]       = { look_machine },
	[HV_NEED_DEVICE]        = { look_device },
	[HV_NEED_SECURITY]      = { look_security },
};
static_assert(G_N_ELEMENTS(looks) == HV_NEED_KIND_N, "a kind of need is not looked for");

static void look(const struct lv_ctx *x, const char *uuid, struct hv_need *n)
{
	if (looks[n->kind].of_guest)
		looks[n->kind].of_guest(x, uuid, n);
	else
		looks[n->kind].of_host(x, n);
}

bool lv_lookup(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(GPtrArray) needs = hv_needs_copy(req->needs);

	for (guint i = 0; i < needs->len; i++) {
		struct hv_need *n = g_ptr_array_index(needs, i);

		look(x, req->uuid, n);
		if (n->found == HV_FOUND_UNKNOWN && lv_lost(x->vir))
			return lv_error(x->vir, "look for what the guest needs", err);
	}
	r->needs = g_steal_pointer(&needs);
	return true;
}
