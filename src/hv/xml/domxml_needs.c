/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules are those of libvirt 9.0 (qemuMigrationSrcIsAllowed and the start of
 * a domain) and of QEMU 7.2 (devices without a migratable state).
 */
#include "hv/xml/domxml_needs.h"

#include <string.h>

#include "base/util.h"
#include "hv/needs.h"
#include "hv/xml/domxml_rewrite.h"
#include "hv/xml/domxml_ties.h"
#include "hv/xml/xml.h"
#include "hv/xml/xml_served.h"

typedef bool take_f(const xmlNode *n, struct domxml_needs *ret, GError **err);

static void block(struct domxml_needs *ret, char *why)
{
	if (ret->blocker)
		g_free(why);
	else
		ret->blocker = why;
}

/* Takes @name; NULL and "" are nothing. */
static struct hv_need *want(GPtrArray *needs, enum hv_need_kind kind, char *name, GError **err)
{
	g_autofree char *owned = name;

	if (strlen(owned) > DOMXML_TEXT_MAX || needs->len >= HV_NEEDS_MAX)
		return xml_refuse(err, "more than a guest can need of its host");
	return hv_need_add(needs, kind, owned);
}

static bool want_attr(const xmlNode *n, const char *attr, enum hv_need_kind kind, struct domxml_needs *ret, GError **err)
{
	char *name = xml_attr(n, attr);

	if (name && *name)
		return want(ret->dest, kind, name, err);
	g_free(name);
	return true;
}

static bool add_path(GPtrArray *paths, char *path, GError **err)
{
	if (!path || *path != '/') {
		g_free(path);
		return true;
	}
	if (strlen(path) > DOMXML_TEXT_MAX || paths->len >= DOMXML_DEVICES_MAX) {
		g_free(path);
		return xml_refuse(err, "too many paths, or one that is too long");
	}
	g_ptr_array_add(paths, path);
	return true;
}

/* ---- devices ---- */

static bool take_secret(const xmlNode *secret, struct domxml_needs *ret, GError **err)
{
	g_autofree char *uuid = xml_attr(secret, "uuid"), *type = xml_attr(secret, "type");
	char *usage = xml_attr(secret, "usage");
	struct hv_need *n;

	if (uuid && util_uuid_valid(uuid)) {
		g_free(usage);
		return want(ret->dest, HV_NEED_SECRET, g_steal_pointer(&uuid), err);
	}
	if (!usage || !*usage) {
		g_free(usage);
		return true;
	}
	n = want(ret->dest, HV_NEED_SECRET, usage, err);
	if (n && !n->usage)
		n->usage = g_strdup(type && strlen(type) <= DOMXML_NAME_MAX && !g_str_equal(type, "passphrase") ? type : "volume");
	return n;
}

/* <secret> stands in <auth> and <encryption>, which stand in the disk, its source or a backing file. */
static bool take_secrets(const xmlNode *n, int depth, struct domxml_needs *ret, GError **err)
{
	if (!depth)
		return true;
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (!strcmp((const char *)c->name, "secret") ? !take_secret(c, ret, err) : !take_secrets(c, depth - 1, ret, err))
			return false;
	}
	return true;
}

#define SECRET_DEPTH (2 * DOMXML_BACKING_MAX)

static bool take_disk(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	char *target = xml_attr(xml_child(n, "target"), "dev");

	if (xml_child(n, "transient"))
		block(ret, g_strdup_printf("its disk %s is transient", target ? target : ""));
	if (target && *target && !xml_attr_is(n, "device", "cdrom") && !xml_attr_is(n, "device", "floppy")) {
		if (!want(ret->source, HV_NEED_DISK_IDLE, target, err))
			return false;
	} else {
		g_free(target);
	}
	return take_secrets(n, SECRET_DEPTH, ret, err);
}

/* libvirt gives names of its own beginning, and other ones where they are in use. */
static bool take_tap(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	static const char *const own[] = { "vnet", "macvtap", "macvlan" };
	g_autofree char *name = xml_attr(xml_child(n, "target"), "dev"), *managed = xml_attr(xml_child(n, "target"), "managed");

	if (!name || !*name || xml_attr_is(n, "type", "hostdev") || xml_attr_is(n, "type", "vdpa") || xml_attr_is(n, "type", "vhostuser") ||
	    !g_strcmp0(managed, "no"))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
		if (g_str_has_prefix(name, own[i]))
			return true;
	return want(ret->dest, HV_NEED_NO_INTERFACE, g_steal_pointer(&name), err);
}

/* A pool of a virtual network's, from which libvirt takes one, has no address here. */
static bool take_pci(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	return !xml_child(xml_child(n, "source"), "address") || want(ret->dest, HV_NEED_PCI, domxml_pci(n), err);
}

/* A guest whose device is optional starts without it. */
static bool take_usb(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	return xml_attr_is(xml_child(n, "source"), "startupPolicy", "optional") || want(ret->dest, HV_NEED_USB, domxml_usb(n), err);
}

static bool take_mdev(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	return want_attr(xml_child(xml_child(n, "source"), "address"), "uuid", HV_NEED_MDEV, ret, err);
}

static bool take_hostdev(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	static const struct {
		const char *type;
		take_f *take;
	} types[] = { { "pci", take_pci }, { "usb", take_usb }, { "mdev", take_mdev } };

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (xml_attr_is(n, "type", types[i].type))
			return types[i].take(n, ret, err);
	return true;
}

static bool take_interface(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	const xmlNode *source = xml_child(n, "source"), *port = xml_child(n, "virtualport");
	struct hv_need *bridge;
	char *name = NULL;

	if (!want_attr(xml_child(n, "filterref"), "filter", HV_NEED_NWFILTER, ret, err) || !take_tap(n, ret, err))
		return false;
	if (xml_attr_is(n, "type", "hostdev"))
		return take_pci(n, ret, err);
	if (xml_attr_is(n, "type", "network"))
		return want_attr(source, "network", HV_NEED_NETWORK, ret, err);
	if (xml_attr_is(n, "type", "vhostuser") && !xml_attr_is(source, "mode", "server"))
		return add_path(ret->paths, xml_attr(source, "path"), err);
	if (xml_attr_is(n, "type", "direct"))
		return want_attr(source, "dev", HV_NEED_INTERFACE, ret, err);
	if (xml_attr_is(n, "type", "bridge"))
		name = xml_attr(source, "bridge");
	if (!name)
		return true;
	bridge = want(ret->dest, HV_NEED_INTERFACE, name, err);
	if (bridge && port && !bridge->usage)
		bridge->usage = g_strdup("openvswitch");
	return bridge;
}

static bool take_shmem(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	g_autofree char *name = xml_attr(n, "name");

	(void)err;
	if (!xml_attr_is(n, "role", "master"))
		block(ret, g_strdup_printf("its shared memory %s cannot be migrated", name ? name : ""));
	return true;
}

static bool take_input(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	if (xml_attr_is(n, "type", "passthrough"))
		block(ret, g_strdup("it has an input device of its host (virtio-input-host)"));
	if (xml_attr_is(n, "type", "evdev"))
		return add_path(ret->paths, xml_attr(xml_child(n, "source"), "dev"), err);
	return true;
}

static bool take_video(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	const xmlNode *model = xml_child(n, "model");

	(void)err;
	if (xml_attr_is(model, "type", "virtio") && xml_attr_is(xml_child(model, "acceleration"), "accel3d", "yes"))
		block(ret, g_strdup("its video device has 3D acceleration (virgl), whose state QEMU cannot send"));
	return true;
}

/* Every host has libvirt's own folders. */
static bool add_made(GPtrArray *made, char *file, GError **err)
{
	if (!file || !g_str_has_prefix(file, "/var/lib/libvirt/qemu/"))
		return add_path(made, file, err);
	g_free(file);
	return true;
}

/* A file and a socket that listens are made where the guest comes, in a folder that must be there. */
static bool take_chardev(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	const xmlNode *source = xml_child(n, "source");

	if (!add_made(ret->made, xml_attr(xml_child(n, "log"), "file"), err))
		return false;
	if (xml_attr_is(n, "type", "file") || (xml_attr_is(n, "type", "unix") && xml_attr_is(source, "mode", "bind")))
		return add_made(ret->made, xml_attr(source, "path"), err);
	if (xml_attr_is(n, "type", "dev") || xml_attr_is(n, "type", "pipe") || xml_attr_is(n, "type", "unix"))
		return add_path(ret->paths, xml_attr(source, "path"), err);
	return true;
}

static void console_free(void *data)
{
	struct domxml_console *c = data;

	g_free(c->type);
	g_free(c->address);
	g_free(c);
}

static int port_of(const xmlNode *n)
{
	g_autofree char *port = xml_attr_is(n, "autoport", "yes") ? NULL : xml_attr(n, "port");
	int64_t v;

	return port && util_parse_int(port, 1, 65535, &v) ? (int)v : 0;
}

/* Networks and sockets of the host are its own affair. */
static bool take_graphics(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	const xmlNode *listen = xml_child(n, "listen");
	g_autofree char *type = xml_attr(n, "type"), *address = NULL;
	struct domxml_console *c;

	if (g_strcmp0(type, "vnc") && g_strcmp0(type, "spice"))
		return true;
	if (listen && !xml_attr_is(listen, "type", "address"))
		return true;
	address = listen ? xml_attr(listen, "address") : xml_attr(n, "listen");
	if ((address && strlen(address) > DOMXML_NAME_MAX) || ret->consoles->len >= DOMXML_DEVICES_MAX)
		return xml_refuse(err, "too many consoles, or an address that is too long");
	c = g_new0(struct domxml_console, 1);
	c->type = g_steal_pointer(&type);
	c->address = g_strdup(address ? address : "");
	c->port = port_of(n);
	g_ptr_array_add(ret->consoles, c);
	return true;
}

static bool take_rng(const xmlNode *n, struct domxml_needs *ret, GError **err)
{
	const xmlNode *backend = xml_child(n, "backend");
	char *path = xml_attr_is(backend, "model", "random") ? xml_text(backend) : NULL;

	/* Every host has those. */
	if (!g_strcmp0(path, "/dev/random") || !g_strcmp0(path, "/dev/urandom"))
		g_clear_pointer(&path, g_free);
	return add_path(ret->paths, path, err);
}

static const struct {
	const char *name;
	take_f *take;
} devices[] = {
	{ "disk", take_disk },       { "interface", take_interface }, { "shmem", take_shmem },       { "input", take_input },
	{ "video", take_video },     { "serial", take_chardev },      { "parallel", take_chardev },  { "console", take_chardev },
	{ "channel", take_chardev }, { "smartcard", take_chardev },   { "rng", take_rng },
	{ "graphics", take_graphics }, { "hostdev", take_hostdev },
};

static bool take_devices(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	const xmlNode *all = xml_child(root, "devices");

	for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
		for (xmlNode *n = xml_child(all, devices[i].name); n; n = xml_next(n, devices[i].name))
			if (!devices[i].take(n, ret, err))
				return false;
	return true;
}

/* ---- the rest ---- */

/* 0: it is not said. */
static int64_t tsc_frequency(const xmlNode *root)
{
	const xmlNode *clock = xml_child(root, "clock");
	int64_t hz = 0;

	for (xmlNode *n = xml_child(clock, "timer"); n && !hz; n = xml_next(n, "timer")) {
		g_autofree char *frequency = xml_attr_is(n, "name", "tsc") ? xml_attr(n, "frequency") : NULL;

		if (frequency && !util_parse_int(frequency, 0, INT64_MAX, &hz))
			hz = 0;
	}
	return hz;
}

/* libvirt writes no model that stands for all drivers, or for none. */
static bool take_labels(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	for (xmlNode *n = xml_child(root, "seclabel"); n; n = xml_next(n, "seclabel"))
		if (!xml_attr_is(n, "model", "none") && !want_attr(n, "model", HV_NEED_SECURITY, ret, err))
			return false;
	return true;
}

static void take_cpu(const xmlNode *root, struct domxml_needs *ret)
{
	const xmlNode *cpu = xml_child(root, "cpu");

	ret->tsc_hz = tsc_frequency(root);
	ret->all_features = xml_attr_is(root, "type", "kvm") && xml_attr_is(cpu, "migratable", "off");
	for (xmlNode *n = xml_child(cpu, "feature"); n; n = xml_next(n, "feature"))
		if (xml_attr_is(n, "name", "invtsc") && !xml_attr_is(n, "policy", "disable") && !xml_attr_is(n, "policy", "forbid") && !ret->tsc_hz)
			block(ret, g_strdup("its CPU has invtsc, and the frequency of its tsc timer is not set"));
}

static bool take_files(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	static const char *const names[] = { "kernel", "initrd", "dtb", "loader" };
	const xmlNode *os = xml_child(root, "os");

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!add_path(ret->files, xml_text(xml_child(os, names[i])), err))
			return false;
	return true;
}

static bool take_nvram(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	const xmlNode *nvram = xml_child(xml_child(root, "os"), "nvram"), *source = xml_child(nvram, "source");
	g_autofree char *path = source ? xml_attr(source, "file") : xml_text(nvram), *template = xml_attr(nvram, "template");

	/* One on the network is where it is for all hosts. */
	if (!path || *path != '/')
		return true;
	if (strlen(path) > DOMXML_TEXT_MAX || (template && strlen(template) > DOMXML_TEXT_MAX))
		return xml_refuse(err, "a path that is too long");
	ret->nvram = g_steal_pointer(&path);
	ret->nvram_template = template && *template == '/' ? g_steal_pointer(&template) : NULL;
	return true;
}

static bool take_machine(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	const xmlNode *type = xml_child(xml_child(root, "os"), "type");
	char *machine = xml_attr(type, "machine");
	struct hv_need *n;

	if (!machine)
		return true;
	n = want(ret->dest, HV_NEED_MACHINE, machine, err);
	if (!n)
		return false;
	n->arch = xml_attr(type, "arch");
	n->virt_type = xml_attr(root, "type");
	n->emulator = xml_text(xml_child(xml_child(root, "devices"), "emulator"));
	return true;
}

/* Kinds of devices that one build of QEMU has and another has not: where in a device the description says it. */
static const struct {
	const char *device, *child, *attr; /* child NULL: the device itself */
	const char *as;                    /* as HV_NEED_DEVICE has the attribute */
} builds[] = {
	{ "graphics", NULL,    "type",  "type" },
	{ "video",    "model", "type",  "model" },
	{ "rng",      NULL,    "model", "model" },
	{ "tpm",      NULL,    "model", "model" },
};

static bool take_build(const xmlNode *root, const xmlNode *n, size_t i, struct domxml_needs *ret, GError **err)
{
	const xmlNode *type = xml_child(xml_child(root, "os"), "type");
	g_autofree char *value = xml_attr(builds[i].child ? xml_child(n, builds[i].child) : n, builds[i].attr);
	struct hv_need *need;

	/* No video device is none. */
	if (!value || !*value || g_str_equal(value, "none"))
		return true;
	need = want(ret->dest, HV_NEED_DEVICE, g_strdup_printf("%s %s %s", builds[i].device, builds[i].as, value), err);
	if (!need || need->usage)
		return need;
	need->usage = xml_attr(type, "machine");
	need->arch = xml_attr(type, "arch");
	need->virt_type = xml_attr(root, "type");
	need->emulator = xml_text(xml_child(xml_child(root, "devices"), "emulator"));
	return true;
}

static bool take_builds(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	const xmlNode *all = xml_child(root, "devices");
	const xmlNode *type = xml_child(xml_child(root, "os"), "type");
	g_autofree char *machine = xml_attr(type, "machine");

	for (size_t i = 0; machine && i < G_N_ELEMENTS(builds); i++)
		for (xmlNode *n = xml_child(all, builds[i].device); n; n = xml_next(n, builds[i].device))
			if (!take_build(root, n, i, ret, err))
				return false;
	return true;
}

static bool take_name(const xmlNode *root, struct domxml_needs *ret, GError **err)
{
	char *name = xml_text(xml_child(root, "name"));

	return !name || want(ret->dest, HV_NEED_NAME, name, err);
}

bool domxml_needs(const char *xml, struct domxml_needs *ret, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_glance(xml, "domain", err);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	struct domxml_needs found = {
		.source = hv_needs_new(), .dest = hv_needs_new(),
		.files = g_ptr_array_new_with_free_func(g_free), .paths = g_ptr_array_new_with_free_func(g_free),
		.made = g_ptr_array_new_with_free_func(g_free),
		.consoles = g_ptr_array_new_with_free_func(console_free),
	};
	bool ok;

	hv_need_add(found.source, HV_NEED_NO_SNAPSHOT, "");
	hv_need_add(found.source, HV_NEED_NO_CHECKPOINT, "");
	ok = root && take_name(root, &found, err) && take_machine(root, &found, err) && take_files(root, &found, err) &&
	     take_nvram(root, &found, err) && take_labels(root, &found, err) && take_builds(root, &found, err) &&
	     take_devices(root, &found, err);
	if (ok) {
		take_cpu(root, &found);
		found.listeners = domxml_listeners_of(root);
	}
	if (!ok)
		domxml_needs_clear(&found);
	else
		*ret = found;
	return ok;
}

void domxml_needs_clear(struct domxml_needs *n)
{
	g_clear_pointer(&n->source, g_ptr_array_unref);
	g_clear_pointer(&n->dest, g_ptr_array_unref);
	g_clear_pointer(&n->files, g_ptr_array_unref);
	g_clear_pointer(&n->paths, g_ptr_array_unref);
	g_clear_pointer(&n->made, g_ptr_array_unref);
	g_clear_pointer(&n->consoles, g_ptr_array_unref);
	g_clear_pointer(&n->listeners, g_ptr_array_unref);
	g_clear_pointer(&n->nvram, g_free);
	g_clear_pointer(&n->nvram_template, g_free);
	g_clear_pointer(&n->blocker, g_free);
}
