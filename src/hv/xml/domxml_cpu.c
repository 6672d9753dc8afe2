/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_cpu.h"

#include <string.h>

#include "hv/xml/xml.h"

static bool is_cpu_part(const xmlNode *n)
{
	static const char *const parts[] = { "model", "vendor", "feature" };

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, parts[i]))
			return true;
	}
	return false;
}

/* Topology, NUMA cells and caches are the guest's alone; no host lacks them. */
static void strip_cpu(xmlNode *cpu)
{
	for (xmlNode *n = cpu->children, *next; n; n = next) {
		next = n->next;
		if (is_cpu_part(n))
			continue;
		xmlUnlinkNode(n);
		xmlFreeNode(n);
	}
}

bool domxml_cpu(const char *xml, struct domxml_cpu *ret, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	xmlNode *root, *type, *cpu;

	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	type = xml_child(xml_child(root, "os"), "type");
	cpu = xml_child(root, "cpu");
	memset(ret, 0, sizeof(*ret));
	ret->virt_type = xml_attr(root, "type");
	ret->arch = xml_attr(type, "arch");
	ret->machine = xml_attr(type, "machine");
	ret->emulator = xml_text(xml_child(xml_child(root, "devices"), "emulator"));
	if (!cpu)
		return true;
	ret->mode = xml_attr(cpu, "mode");
	if (!ret->mode)
		ret->mode = g_strdup("custom");
	strip_cpu(cpu);
	ret->xml = xml_dump(cpu);
	return true;
}

void domxml_cpu_clear(struct domxml_cpu *c)
{
	g_clear_pointer(&c->virt_type, g_free);
	g_clear_pointer(&c->arch, g_free);
	g_clear_pointer(&c->machine, g_free);
	g_clear_pointer(&c->emulator, g_free);
	g_clear_pointer(&c->mode, g_free);
	g_clear_pointer(&c->xml, g_free);
}
