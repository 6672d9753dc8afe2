/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_numa.h"

#include "base/util.h"
#include "hv/xml/xml.h"

static void set(xmlNode *n, const char *attr, const struct cpuset *s)
{
	g_autofree char *text = cpuset_text(s);

	(void)xmlSetProp(n, (const xmlChar *)attr, (const xmlChar *)text);
}

static void set_cpuset(xmlNode *root, const struct cpuset *s)
{
	xmlNode *vcpu = xml_child(root, "vcpu");

	if (vcpu && !cpuset_is_empty(s))
		set(vcpu, "cpuset", s);
	else if (vcpu)
		(void)xmlUnsetProp(vcpu, (const xmlChar *)"cpuset");
}

/* A domain without one needs none: its emulator runs where <vcpu> says. */
static void set_emulator(const xmlNode *tune, const struct cpuset *s)
{
	xmlNode *n = xml_child(tune, "emulatorpin");

	if (n && !cpuset_is_empty(s)) {
		set(n, "cpuset", s);
	} else if (n) {
		xmlUnlinkNode(n);
		xmlFreeNode(n);
	}
}

static void set_pins(const xmlNode *tune, const char *name, const char *id, const GArray *pins)
{
	for (xmlNode *n = xml_child(tune, name); n; n = xml_next(n, name)) {
		g_autofree char *text = xml_attr(n, id);
		int64_t v;

		for (guint i = 0; text && util_parse_int(text, 0, DOMXML_PINS_MAX, &v) && i < pins->len; i++) {
			const struct hv_pin *pin = &g_array_index(pins, struct hv_pin, i);

			if (pin->id == v)
				set(n, "cpuset", &pin->cpus);
		}
	}
}

static void set_nodes(const xmlNode *tune, const struct hv_numa_fit *p)
{
	xmlNode *memory = xml_child(tune, "memory");
	g_autofree char *had = xml_attr(memory, "nodeset");

	if (had && !cpuset_is_empty(&p->nodes))
		set(memory, "nodeset", &p->nodes);
	for (xmlNode *n = xml_child(tune, "memnode"); n; n = xml_next(n, "memnode")) {
		g_autofree char *text = xml_attr(n, "cellid");
		int64_t id;

		if (text && util_parse_int(text, 0, (int64_t)p->cells->len - 1, &id) &&
		    !cpuset_is_empty(&g_array_index(p->cells, struct hv_cell, id).nodes))
			set(n, "nodeset", &g_array_index(p->cells, struct hv_cell, id).nodes);
	}
}

void domxml_set_numa(xmlNode *root, const struct hv_numa_fit *p)
{
	const xmlNode *tune = xml_child(root, "cputune");

	set_cpuset(root, &p->cpuset);
	set_emulator(tune, &p->emulator);
	set_pins(tune, "vcpupin", "vcpu", p->pins);
	set_pins(tune, "iothreadpin", "iothread", p->iothreads);
	set_nodes(xml_child(root, "numatune"), p);
}
