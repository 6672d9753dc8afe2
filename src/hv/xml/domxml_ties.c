/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_ties.h"

#include <string.h>

#include "base/util.h"
#include "hv/xml/domxml_device.h"
#include "hv/xml/xml.h"

#define DEFAULT_HUGE_KIB 2048 /* <hugepages/> alone takes the host's default size, which the XML does not tell */

/* A number, also hexadecimal; -1 if it is none or not there. */
static int64_t number(const xmlNode *n, const char *attr, int64_t max)
{
	g_autofree char *text = xml_attr(n, attr);
	char *end = NULL;
	guint64 v = text ? g_ascii_strtoull(text, &end, 0) : 0;

	return text && *text && *text != '-' && !*end && v <= (guint64)max ? (int64_t)v : -1;
}

/* Not there, or empty, is no set. */
static bool set_attr(const xmlNode *n, const char *attr, struct cpuset *ret, GError **err)
{
	g_autofree char *text = xml_attr(n, attr);

	if (!text || !*g_strstrip(text))
		return true;
	return cpuset_parse_host(text, ret) || xml_refuse(err, "no valid set of CPUs");
}

/* ---- devices ---- */

bool domxml_failover(const xmlNode *n)
{
	return xml_attr_is(xml_child(n, "teaming"), "type", "transient");
}

char *domxml_pci(const xmlNode *n)
{
	const xmlNode *a = xml_child(xml_child(n, "source"), "address");

	return g_strdup_printf("%04x:%02x:%02x.%x", (unsigned)MAX(number(a, "domain", 0xffffffff), 0), (unsigned)MAX(number(a, "bus", 255), 0),
			       (unsigned)MAX(number(a, "slot", 31), 0), (unsigned)MAX(number(a, "function", 7), 0));
}

/* libvirt takes the place only where vendor and product are not there. */
char *domxml_usb(const xmlNode *n)
{
	const xmlNode *source = xml_child(n, "source"), *a = xml_child(source, "address");
	int64_t vendor = number(xml_child(source, "vendor"), "id", 0xffff), product = number(xml_child(source, "product"), "id", 0xffff);

	if (vendor >= 0 && product >= 0)
		return g_strdup_printf("%04x:%04x", (unsigned)vendor, (unsigned)product);
	return g_strdup_printf("bus %d device %d", (int)MAX(number(a, "bus", 65535), 0), (int)MAX(number(a, "device", 65535), 0));
}

static bool parse_hostdev(const xmlNode *n, struct hv_dom *d, GError **err)
{
	g_autofree char *type = xml_attr(n, "type"), *name = NULL;
	char *uuid;

	if (!g_strcmp0(type, "mdev")) {
		uuid = xml_attr(xml_child(xml_child(n, "source"), "address"), "uuid");
		if (!uuid || !util_uuid_valid(uuid)) {
			g_free(uuid);
			return xml_refuse(err, "a mediated device without a UUID");
		}
		g_ptr_array_add(d->ties->mdevs, uuid);
	} else if (!g_strcmp0(type, "pci") && !domxml_failover(n)) {
		name = domxml_pci(n);
		g_ptr_array_add(d->ties->devices, g_strconcat("pci ", name, NULL));
	} else if (!g_strcmp0(type, "usb")) {
		name = domxml_usb(n);
		g_ptr_array_add(d->ties->devices, g_strconcat("usb ", name, NULL));
	} else if (g_strcmp0(type, "pci")) {
		g_ptr_array_add(d->ties->devices, g_strdup(type && strlen(type) <= DOMXML_NAME_MAX ? type : "unknown"));
	}
	return true;
}

static bool parse_memory_device(const xmlNode *n, struct hv_dom *d, GError **err)
{
	(void)err;
	d->ties->vpmem += xml_attr_is(n, "model", "nvdimm") || xml_attr_is(n, "model", "virtio-pmem");
	return true;
}

static bool parse_share(const xmlNode *n, struct hv_dom *d, GError **err)
{
	(void)n;
	(void)err;
	d->ties->shares++;
	return true;
}

static bool parse_tpm(const xmlNode *n, struct hv_dom *d, GError **err)
{
	const xmlNode *backend = xml_child(n, "backend");

	(void)err;
	if (!xml_attr_is(backend, "type", "emulator"))
		d->ties->tpm = HV_TPM_HOST;
	else
		d->ties->tpm = xml_child(backend, "encryption") ? HV_TPM_SECRET : HV_TPM_EMULATOR;
	return true;
}

static const struct domxml_device devices[] = {
	{ "hostdev",    parse_hostdev },
	{ "memory",     parse_memory_device },
	{ "filesystem", parse_share },
	{ "tpm",        parse_tpm },
};

static bool parse_sealed(const xmlNode *root, struct hv_ties *t)
{
	const xmlNode *n = xml_child(root, "launchSecurity");
	g_autofree char *type = xml_attr(n, "type");

	if (n)
		t->sealed = g_strdup(type && *type && strlen(type) <= DOMXML_NAME_MAX ? type : "unknown");
	return true;
}

/* ---- CPUs and NUMA nodes ---- */

static bool parse_pins(const xmlNode *tune, const char *name, const char *id, GArray *ret, GError **err)
{
	for (xmlNode *n = xml_child(tune, name); n; n = xml_next(n, name)) {
		struct hv_pin pin = { .id = (int)number(n, id, DOMXML_PINS_MAX) };

		if (pin.id < 0 || ret->len >= DOMXML_PINS_MAX)
			return xml_refuse(err, "no valid pin of a CPU");
		if (!set_attr(n, "cpuset", &pin.cpus, err))
			return false;
		if (!cpuset_is_empty(&pin.cpus))
			g_array_append_val(ret, pin);
	}
	return true;
}

static bool parse_cells(const xmlNode *root, struct hv_numa_fit *p, GError **err)
{
	const xmlNode *numa = xml_child(xml_child(root, "cpu"), "numa");

	for (xmlNode *n = xml_child(numa, "cell"); n; n = xml_next(n, "cell")) {
		struct hv_cell cell = { .mem_mib = xml_mib(n, "memory") };
		g_autofree char *id = xml_attr(n, "id");
		int64_t at = id ? number(n, "id", DOMXML_CELLS_MAX - 1) : p->cells->len;

		if (at < 0 || at >= DOMXML_CELLS_MAX || cell.mem_mib < 0)
			return xml_refuse(err, "no valid NUMA cell");
		if (!set_attr(n, "cpus", &cell.vcpus, err))
			return false;
		if (at >= p->cells->len)
			g_array_set_size(p->cells, (guint)at + 1);
		g_array_index(p->cells, struct hv_cell, at) = cell;
	}
	return true;
}

static bool parse_nodes(const xmlNode *root, struct hv_numa_fit *p, GError **err)
{
	const xmlNode *tune = xml_child(root, "numatune"), *memory = xml_child(tune, "memory");

	/* libvirt's default is strict, and it always writes the mode. */
	p->strict = xml_attr_is(memory, "mode", "strict");
	if (!set_attr(memory, "nodeset", &p->nodes, err))
		return false;
	for (xmlNode *n = xml_child(tune, "memnode"); n; n = xml_next(n, "memnode")) {
		int64_t id = number(n, "cellid", DOMXML_CELLS_MAX - 1);

		if (id < 0 || id >= p->cells->len)
			return xml_refuse(err, "a <memnode> without a NUMA cell");
		if (!set_attr(n, "nodeset", &g_array_index(p->cells, struct hv_cell, id).nodes, err))
			return false;
		p->strict |= xml_attr_is(n, "mode", "strict");
	}
	return true;
}

static void set_pages(struct hv_numa_fit *p, const struct cpuset *cells, int64_t kib)
{
	if (cpuset_is_empty(cells))
		p->page_kib = kib;
	for (guint i = 0; i < p->cells->len; i++) {
		struct hv_cell *c = &g_array_index(p->cells, struct hv_cell, i);

		/* A size for certain cells goes before one for all, in whichever order they stand. */
		if (cpuset_has(cells, (int)i) || (cpuset_is_empty(cells) && !c->page_kib))
			c->page_kib = kib;
	}
}

static bool parse_pages(const xmlNode *root, struct hv_numa_fit *p, GError **err)
{
	const xmlNode *huge = xml_child(xml_child(root, "memoryBacking"), "hugepages");
	const xmlNode *n = xml_child(huge, "page");

	if (huge && !n)
		set_pages(p, &(struct cpuset){ { 0 } }, DEFAULT_HUGE_KIB);
	for (int i = 0; n; n = xml_next(n, "page")) {
		struct cpuset cells = { { 0 } };
		int64_t bytes = xml_bytes(n, "size");

		if (bytes <= 0 || ++i > DOMXML_CELLS_MAX)
			return xml_refuse(err, "no valid size of pages");
		if (!set_attr(n, "nodeset", &cells, err))
			return false;
		if (bytes / 1024 > 4)
			set_pages(p, &cells, bytes / 1024);
	}
	return true;
}

static bool parse_fit(const xmlNode *root, struct hv_numa_fit *p, GError **err)
{
	const xmlNode *tune = xml_child(root, "cputune");

	p->mem_mib = MAX(xml_mib(xml_child(root, "memory"), NULL), 0);
	p->threads = number(xml_child(xml_child(root, "cpu"), "topology"), "threads", 1024) > 1;
	return set_attr(xml_child(root, "vcpu"), "cpuset", &p->cpuset, err) &&
	       set_attr(xml_child(tune, "emulatorpin"), "cpuset", &p->emulator, err) &&
	       parse_pins(tune, "vcpupin", "vcpu", p->pins, err) && parse_pins(tune, "iothreadpin", "iothread", p->iothreads, err) &&
	       parse_cells(root, p, err) && parse_nodes(root, p, err) && parse_pages(root, p, err);
}

bool domxml_ties(const xmlNode *root, struct hv_dom *d, GError **err)
{
	hv_ties_unref(d->ties);
	d->ties = hv_ties_new();
	if (!domxml_devices(root, devices, G_N_ELEMENTS(devices), d, err) || !parse_sealed(root, d->ties) || !parse_fit(root, d->ties->numa_fit, err))
		return false;
	d->ties = hv_ties_share(d->ties);
	return true;
}
