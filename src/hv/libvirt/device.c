/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_DEVICE_GET: what a host says of a block device, and what is in it.
 *
 * libvirt learns a disk's serial and its links from the host's udev (node devices of
 * the capability "storage"), and a volume's key from the pool that has it: of an LV
 * its UUID, of a LUN its serial. A key that is merely the path says nothing.
 *
 * libvirt reads a device only for a domain that has it. So a probe is a domain
 * that is defined, asked and undefined. It is never started, so nothing ever writes to
 * the device, and libvirtd reads it by itself, whatever user QEMU is.
 */
#include "hv/libvirt/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/pool.h"
#include "hv/xml/xml.h"

#define DEVICES_MAX 4096

static inline void node_free(virNodeDevicePtr n)
{
	if (n)
		(void)virNodeDeviceFree(n);
}

/* ---- identity ---- */

/* @s: taken. What is too long is as good as nothing. */
static void set_id(struct hv_device *d, enum hv_device_id id, char *s)
{
	if (s && *s && strlen(s) <= DOMXML_NAME_MAX && !d->id[id])
		d->id[id] = g_strdup(s);
	g_free(s);
}

/* Links that udev makes of a World Wide Name. */
static const char *const wwn_links[] = { "/dev/disk/by-id/wwn-", "/dev/disk/by-id/nvme-eui.", "/dev/disk/by-id/nvme-uuid." };

static void take_link(struct hv_device *d, const char *link)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wwn_links); i++)
		if (g_str_has_prefix(link, wwn_links[i]))
			set_id(d, HV_ID_WWN, g_strdup(link + strlen(wwn_links[i])));
}

/* Does this node device go by that path? */
static bool goes_by(const xmlNode *root, const char *path)
{
	for (const xmlNode *n = xml_child(root, "devnode"); n; n = xml_next(n, "devnode")) {
		g_autofree char *name = xml_text(n);

		if (!g_strcmp0(name, path))
			return true;
	}
	return false;
}

static void take_node(struct hv_device *d, const xmlNode *root)
{
	set_id(d, HV_ID_SERIAL, xml_text(xml_child(xml_child(root, "capability"), "serial")));
	for (const xmlNode *n = xml_child(root, "devnode"); n; n = xml_next(n, "devnode")) {
		g_autofree char *link = xml_text(n);

		if (link)
			take_link(d, link);
	}
}

/* Return: it is the device. One that is not to be read is none: others are asked. */
static bool look_at_node(virNodeDevicePtr node, const char *path, struct hv_device *d)
{
	char *xml = virNodeDeviceGetXMLDesc(node, 0);
	g_autoptr(xmlDoc) doc = xml ? xml_read(xml, "device", NULL) : NULL;
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	bool it = root && goes_by(root, path);

	if (it)
		take_node(d, root);
	free(xml);
	return it;
}

/* A host whose libvirt has no node devices says nothing of them. */
static bool ask_nodes(virConnectPtr vir, const char *path, struct hv_device *d, GError **err)
{
	virNodeDevicePtr *nodes = NULL;
	int n = virConnectListAllNodeDevices(vir, &nodes, VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE);
	bool found = false;

	if (n < 0)
		return !lv_lost(vir) || lv_error(vir, "list the node devices", err);
	for (int i = 0; i < n; i++) {
		found = found || (i < DEVICES_MAX && look_at_node(nodes[i], path, d));
		node_free(nodes[i]);
	}
	free(nodes);
	return !lv_lost(vir) || lv_error(vir, "read the node devices", err);
}

static bool ask_pools(virConnectPtr vir, const char *path, struct hv_device *d, GError **err)
{
	g_autoptr(virStorageVol) vol = virStorageVolLookupByPath(vir, path);
	const char *key = vol ? virStorageVolGetKey(vol) : NULL;

	if (key && strcmp(key, path))
		set_id(d, HV_ID_VOLUME, g_strdup(key));
	return vol || !lv_lost(vir) || lv_error(vir, "look up the volume", err);
}

/* ---- what is in it ---- */

static virDomainPtr define_probe(virConnectPtr vir, const struct hv_vol_params *v, GError **err)
{
	bool device = g_str_has_prefix(v->path, "/dev/");
	g_autofree char *name = hv_probe_name(v->probe);
	g_autofree char *arch = v->arch ? g_markup_printf_escaped(" arch='%s'", v->arch) : g_strdup("");
	g_autofree char *head = g_markup_printf_escaped(
		"<domain type='%s'><name>%s</name><uuid>%s</uuid><metadata><d:probe xmlns:d='urn:drover'/></metadata>"
		"<memory unit='KiB'>16384</memory>", v->virt_type ? v->virt_type : "qemu", name, v->probe);
	g_autofree char *devices = g_markup_printf_escaped(
		"<devices><disk type='%s' device='disk'><driver name='qemu' type='raw'/><source %s='%s'/><target dev='vda' bus='virtio'/>"
		"<readonly/></disk><controller type='usb' model='none'/><memballoon model='none'/></devices></domain>",
		device ? "block" : "file", device ? "dev" : "file", v->path);
	g_autofree char *xml = g_strconcat(head, "<os><type", arch, ">hvm</type></os>", devices, NULL);
	virDomainPtr dom = virDomainDefineXML(vir, xml);

	if (!dom)
		(void)lv_error(vir, "define a domain to read the device through", err);
	return dom;
}

static bool read_sample(virConnectPtr vir, virDomainPtr dom, int i, struct hv_device *d, GError **err)
{
	int64_t at = hv_sample_at(d->size_bytes, i), bytes = MIN(d->size_bytes - at, HV_SAMPLE_BYTES);
	g_autofree guint8 *buffer = g_malloc((gsize)bytes);

	if (virDomainBlockPeek(dom, "vda", (unsigned long long)at, (size_t)bytes, buffer, 0) < 0)
		return lv_error(vir, "read the device", err);
	d->samples[i] = g_compute_checksum_for_data(G_CHECKSUM_SHA256, buffer, (gsize)bytes);
	return true;
}

static bool read_samples(virConnectPtr vir, virDomainPtr dom, struct hv_device *d, GError **err)
{
	virDomainBlockInfo info;

	if (virDomainGetBlockInfo(dom, "vda", &info, 0) < 0)
		return lv_error(vir, "ask for the device's size", err);
	d->size_bytes = (int64_t)MIN(info.capacity, (unsigned long long)INT64_MAX);
	if (d->size_bytes == 0) {
		g_set_error(err, ERR, ERR_HV, "the device has no bytes");
		return false;
	}
	for (int i = 0; i < HV_SAMPLES; i++)
		if (!read_sample(vir, dom, i, d, err))
			return false;
	return true;
}

static bool probe(virConnectPtr vir, const struct hv_vol_params *v, struct hv_device *d, GError **err)
{
	g_autoptr(virDomain) dom = define_probe(vir, v, err);
	bool ok = dom && read_samples(vir, dom, d, err);

	/* If this fails, the owner of the row that says there is one removes it. */
	if (dom)
		(void)virDomainUndefine(dom);
	return ok;
}

bool lv_device_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	const struct hv_vol_params *v = &req->vol;

	r->device = g_new0(struct hv_device, 1);
	return ask_nodes(x->vir, v->path, r->device, err) && ask_pools(x->vir, v->path, r->device, err) &&
	       (!v->probe || probe(x->vir, v, r->device, err));
}
