/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_parse.h"

#include <string.h>

#include "base/util.h"
#include "hv/xml/domxml_device.h"
#include "hv/xml/domxml_ties.h"
#include "hv/xml/xml.h"
#include "hv/xml/xml_served.h"

/* vCPUs that are plugged: current, of a maximum that is the element's text. */
static int vcpu_count(const xmlNode *n)
{
	g_autofree char *current = xml_attr(n, "current");
	g_autofree char *text = xml_text(n);
	int64_t v;

	if (!n)
		return 1;
	return util_parse_int(current ? current : text ? text : "", 1, 65536, &v) ? (int)v : -1;
}

/* What the operator has put there for this program; a text that is no number is the caller's to refuse. */
static bool parse_metadata(const xmlNode *root, struct hv_dom *d, GError **err)
{
	const xmlNode *guest = xml_child_in(xml_child(root, "metadata"), DOMXML_NAMESPACE, "guest");
	g_autofree char *limit = xml_attr(guest, "os_shutdown_timeout"), *priority = xml_attr(guest, "priority");
	int64_t number;

	if (priority && util_parse_int(priority, HV_PRIORITY_MIN, HV_PRIORITY_MAX, &number))
		d->priority = (int)number;
	return xml_bounded(util_line(limit, DOMXML_NAME_MAX), DOMXML_NAME_MAX, &d->shutdown_timeout, err);
}

static bool parse_head(const xmlNode *root, struct hv_dom *d, GError **err)
{
	const xmlNode *type = xml_child(xml_child(root, "os"), "type");
	g_autofree char *uuid = xml_text(xml_child(root, "uuid"));
	g_autofree char *title = xml_text(xml_child(root, "title"));

	if (!uuid || !util_uuid_valid(uuid))
		return xml_refuse(err, "no valid <uuid>");
	for (size_t i = 0; i < UTIL_UUID_LEN; i++)
		d->uuid[i] = g_ascii_tolower(uuid[i]);
	d->vcpus = vcpu_count(xml_child(root, "vcpu"));
	d->mem_mib = xml_mib(xml_child(root, "memory"), NULL);
	if (d->vcpus < 0 || d->mem_mib < 0)
		return xml_refuse(err, "no valid <vcpu> or <memory>");
	if (!xml_bounded(xml_text(xml_child(root, "name")), DOMXML_NAME_MAX, &d->name, err) ||
	    !xml_bounded(util_line(title, DOMXML_TEXT_MAX), DOMXML_TEXT_MAX, &d->title, err) ||
	    !xml_name_attr(root, "type", &d->virt_type, err) || !xml_name_attr(type, "arch", &d->arch, err) ||
	    !xml_name_attr(type, "machine", &d->machine, err))
		return false;
	if (!d->name)
		return xml_refuse(err, "no <name>");
	return true;
}

/* Where a disk's contents are: the attribute depends on the type of the disk. */
static const struct {
	const char *type, *attr;
	enum hv_source kind;
} disk_types[] = {
	{ "file",      "file",   HV_SOURCE_FILE },
	{ "block",     "dev",    HV_SOURCE_DEVICE },
	{ "dir",       "dir",    HV_SOURCE_OTHER },
	{ "volume",    "volume", HV_SOURCE_FILE }, /* of a pool, which may say that it is something else */
	{ "network",   "name",   HV_SOURCE_NETWORK },
	{ "nvme",      NULL,     HV_SOURCE_OTHER },
	{ "vhostuser", NULL,     HV_SOURCE_OTHER },
	{ "vhostvdpa", "dev",    HV_SOURCE_OTHER },
};

/* Where the kernel shows devices. What is there is none of a file system's files, whatever a description calls it. */
static bool is_device_path(const char *path)
{
	return path && g_str_has_prefix(path, "/dev/");
}

/* A file is libvirt's default. A type that is in none of the rows has no rule either. */
static size_t find_type(const char *type)
{
	size_t i = 0;

	while (i < G_N_ELEMENTS(disk_types) && strcmp(type ? type : "file", disk_types[i].type))
		i++;
	return i;
}

/* @n: a <disk> or a <backingStore>, which are alike in this */
static bool disk_source(const xmlNode *n, struct hv_disk *k, GError **err)
{
	const xmlNode *src = xml_child(n, "source");
	g_autofree char *type = xml_attr(n, "type");
	g_autofree char *proto = NULL, *path = NULL;
	size_t at = find_type(type);

	if (at == G_N_ELEMENTS(disk_types)) {
		k->kind = HV_SOURCE_OTHER;
		return true;
	}
	k->kind = disk_types[at].kind;
	if (disk_types[at].attr)
		path = xml_attr(src, disk_types[at].attr);
	if (k->kind == HV_SOURCE_FILE && is_device_path(path))
		k->kind = HV_SOURCE_DEVICE;
	if (!g_strcmp0(type, "volume") && !xml_name_attr(src, "pool", &k->pool, err))
		return false;
	if (k->kind != HV_SOURCE_NETWORK)
		return xml_bounded(g_steal_pointer(&path), DOMXML_TEXT_MAX, &k->source, err);
	if (xml_served_locally(src))
		k->kind = HV_SOURCE_LOOPBACK;
	proto = xml_attr(src, "protocol");
	if (!proto)
		return true;
	return xml_bounded(g_strdup_printf("%s:%s", proto, path ? path : ""), DOMXML_TEXT_MAX, &k->source, err);
}

static bool parse_backing(const xmlNode *n, struct hv_disk *k, GError **err)
{
	struct hv_backing *b = g_new0(struct hv_backing, 1);
	struct hv_disk source = { .source = NULL };
	bool ok = disk_source(n, &source, err) && xml_name_attr(xml_child(n, "format"), "type", &b->format, err);

	b->path = source.source;
	b->kind = source.kind;
	b->pool = source.pool;
	if (!k->backing)
		k->backing = g_ptr_array_new_with_free_func((GDestroyNotify)hv_backing_free);
	g_ptr_array_add(k->backing, b);
	return ok;
}

/* Each <backingStore> has the next one in it; an empty one says that the chain ends there. */
static bool parse_backings(const xmlNode *n, struct hv_disk *k, GError **err)
{
	for (n = xml_child(n, "backingStore"); n && xml_child(n, "source"); n = xml_child(n, "backingStore")) {
		if (k->backing && k->backing->len >= DOMXML_BACKING_MAX)
			return xml_refuse(err, "too many backing files");
		if (!parse_backing(n, k, err))
			return false;
	}
	return true;
}

static bool parse_disk(const xmlNode *n, struct hv_dom *d, GError **err)
{
	struct hv_disk *k = g_new0(struct hv_disk, 1);
	g_autofree char *device = xml_attr(n, "device");

	g_ptr_array_add(d->disks, k);
	k->cdrom = !g_strcmp0(device, "cdrom");
	k->readonly = xml_child(n, "readonly") != NULL;
	k->shareable = xml_child(n, "shareable") != NULL;
	return xml_name_attr(xml_child(n, "target"), "dev", &k->target, err) &&
	       xml_name_attr(xml_child(n, "driver"), "type", &k->format, err) && disk_source(n, k, err) && parse_backings(n, k, err);
}

/* A running interface of a network names the bridge too; the network is what other hosts know. */
static const char *const nic_sources[] = { "network", "bridge", "dev" };

static bool parse_nic(const xmlNode *n, struct hv_dom *d, GError **err)
{
	struct hv_nic *k = g_new0(struct hv_nic, 1);
	const xmlNode *src = xml_child(n, "source");
	g_autofree char *mode = NULL, *floor = NULL;

	g_ptr_array_add(d->nics, k);
	for (size_t i = 0; i < G_N_ELEMENTS(nic_sources) && !k->bridge; i++) {
		if (!xml_name_attr(src, nic_sources[i], &k->bridge, err))
			return false;
	}
	if (!xml_name_attr(n, "type", &k->type, err) || !xml_name_attr(xml_child(n, "mac"), "address", &k->mac, err))
		return false;
	mode = xml_attr(src, "mode");
	k->passthrough = !g_strcmp0(k->type, "hostdev") || !g_strcmp0(k->type, "vdpa") ||
			 (!g_strcmp0(k->type, "direct") && !g_strcmp0(mode, "passthrough"));
	k->failover = domxml_failover(n);
	floor = xml_attr(xml_child(xml_child(n, "bandwidth"), "inbound"), "floor");
	if (floor && !util_parse_int(floor, 0, INT64_MAX, &k->floor_kibs))
		return xml_refuse(err, "no valid <inbound floor>");
	return true;
}

/* One without an address listens where the host's configuration says. */
static bool read_listen(const xmlNode *n, char **ret, GError **err)
{
	if (!xml_name_attr(n, "listen", ret, err))
		return false;
	if (!*ret && !xml_name_attr(xml_child(n, "listen"), "address", ret, err))
		return false;
	if (!*ret)
		*ret = g_strdup("");
	return true;
}

/* What qemu.conf's vnc_auto_unix_socket makes, or a definition itself. */
static bool has_no_address(const xmlNode *graphics)
{
	g_autofree char *type = xml_attr(xml_child(graphics, "listen"), "type");

	return !g_strcmp0(type, "socket") || !g_strcmp0(type, "none");
}

static bool parse_graphics(const xmlNode *n, struct hv_dom *d, GError **err)
{
	g_autofree char *type = xml_attr(n, "type");
	g_autofree char *port = xml_attr(n, "port");
	int64_t v;

	if (!g_strcmp0(type, "spice") && !d->spice_listen)
		return read_listen(n, &d->spice_listen, err);
	if (g_strcmp0(type, "vnc") || d->vnc_listen)
		return true;
	if (port && util_parse_int(port, 1, 65535, &v))
		d->vnc_port = (int)v;
	if (has_no_address(n))
		d->vnc_listen = g_strdup(HV_NO_ADDRESS);
	return d->vnc_listen || read_listen(n, &d->vnc_listen, err);
}

static bool parse_vsock(const xmlNode *n, struct hv_dom *d, GError **err)
{
	const xmlNode *cid = xml_child(n, "cid");
	g_autofree char *address = xml_attr(cid, "address"), *chosen = xml_attr(cid, "auto");

	(void)err;
	if (address && !util_parse_int(address, 3, UINT32_MAX, &d->vsock_cid))
		d->vsock_cid = 0;
	d->vsock_auto = !g_strcmp0(chosen, "yes");
	return true;
}

static const struct domxml_device devices[] = {
	{ "disk", parse_disk },
	{ "interface", parse_nic },
	{ "graphics", parse_graphics },
	{ "vsock", parse_vsock },
};

struct hv_dom *domxml_parse(const char *xml, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	struct hv_dom *d;
	xmlNode *root;

	if (!doc)
		return NULL;
	root = xmlDocGetRootElement(doc);
	d = hv_dom_new();
	if (parse_head(root, d, err) && parse_metadata(root, d, err) && domxml_devices(root, devices, G_N_ELEMENTS(devices), d, err) && domxml_ties(root, d, err))
		return d;
	hv_dom_free(d);
	return NULL;
}
