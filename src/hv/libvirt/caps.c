/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/caps.h"

#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "hv/xml/xml.h"

#define FEATURES_MAX 1024

/* A value that names something; what is too long is not one. Takes @s. */
static char *short_name(char *s)
{
	if (s && strlen(s) <= DOMXML_NAME_MAX)
		return s;
	g_free(s);
	return NULL;
}

/* They are for people to look at: comparisons go by the whole <cpu>. */
static void parse_features(const xmlNode *cpu, struct hv_host_info *info)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (xmlNode *f = xml_child(cpu, "feature"); f && names->len < FEATURES_MAX; f = xml_next(f, "feature")) {
		char *name = short_name(xml_attr(f, "name"));

		if (name)
			g_ptr_array_add(names, name);
	}
	g_ptr_array_add(names, NULL);
	info->cpu_features = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* <counter name='tsc' frequency='2200000000' scaling='no'/> */
static void parse_tsc(const xmlNode *cpu, struct hv_host_info *info)
{
	for (xmlNode *n = xml_child(cpu, "counter"); n; n = xml_next(n, "counter")) {
		g_autofree char *name = xml_attr(n, "name"), *frequency = xml_attr(n, "frequency"), *scaling = xml_attr(n, "scaling");

		if (g_strcmp0(name, "tsc") || !frequency || !util_parse_int(frequency, 1, INT64_MAX, &info->tsc_hz))
			continue;
		info->tsc_scaling = !g_strcmp0(scaling, "no") ? HV_NO : !g_strcmp0(scaling, "yes") ? HV_YES : HV_NOT_TOLD;
	}
}

static bool offers_kvm(const xmlNode *guest)
{
	const xmlNode *arch = xml_child(guest, "arch");

	for (xmlNode *d = xml_child(arch, "domain"); d; d = xml_next(d, "domain")) {
		g_autofree char *type = xml_attr(d, "type");

		if (!g_strcmp0(type, "kvm"))
			return true;
	}
	return false;
}

/* ---- NUMA nodes ---- */

/* A CPU or a node that makes no sense is left out: no guest is placed on it, and the host is a host all the same. */

static bool number(const xmlNode *n, const char *attr, int64_t max, int64_t *ret)
{
	g_autofree char *text = xml_attr(n, attr);

	return text && util_parse_int(text, 0, max, ret);
}

static void parse_cpu(const xmlNode *n, struct hv_numa *numa, struct hv_node *node)
{
	g_autofree char *siblings = xml_attr(n, "siblings");
	struct cpuset core;
	int64_t id;

	if (!number(n, "id", CPUSET_MAX - 1, &id))
		return;
	cpuset_add(&node->cpus, (int)id);
	if (siblings && cpuset_parse_host(siblings, &core))
		numa->core[id] = (int16_t)cpuset_next(&core, 0);
}

static void parse_pages(const xmlNode *cell, struct hv_node *node)
{
	int i = 0;

	for (xmlNode *n = xml_child(cell, "pages"); n && i < HV_PAGE_SIZES; n = xml_next(n, "pages")) {
		int64_t bytes = xml_bytes(n, "size"), total = 0;
		g_autofree char *text = xml_text(n);

		/* What is no number are no pages. */
		if (bytes <= 4096 || !util_parse_int(text, 1, INT64_MAX >> 22, &total))
			continue;
		node->pages[i].size_kib = bytes / 1024;
		node->pages[i++].total = total;
	}
}

static void parse_node(const xmlNode *cell, struct hv_numa *numa)
{
	struct hv_node node = { .mem_mib = xml_mib(xml_child(cell, "memory"), NULL) };
	const xmlNode *cpus = xml_child(cell, "cpus");
	int64_t id;

	if (!number(cell, "id", CPUSET_MAX - 1, &id) || numa->nodes->len >= DOMXML_CELLS_MAX)
		return;
	node.id = (int)id;
	node.mem_mib = MAX(node.mem_mib, 0);
	for (xmlNode *n = xml_child(cpus, "cpu"); n; n = xml_next(n, "cpu"))
		parse_cpu(n, numa, &node);
	parse_pages(cell, &node);
	g_array_append_val(numa->nodes, node);
}

static void parse_numa(const xmlNode *host, struct hv_host_info *info)
{
	const xmlNode *cells = xml_child(xml_child(host, "topology"), "cells");

	if (!cells)
		return;
	info->numa = hv_numa_new();
	for (xmlNode *n = xml_child(cells, "cell"); n; n = xml_next(n, "cell"))
		parse_node(n, info->numa);
}

/* ---- the whole ---- */

bool lv_caps_parse(const char *xml, struct hv_host_info *info, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "capabilities", err);
	g_autofree char *uuid = NULL;
	xmlNode *root, *host, *cpu;

	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	host = xml_child(root, "host");
	cpu = xml_child(host, "cpu");
	uuid = xml_text(xml_child(host, "uuid"));
	/* Without one the host cannot be told from another: it is then known by its name alone. */
	for (size_t i = 0; uuid && util_uuid_valid(uuid) && i < UTIL_UUID_LEN; i++)
		info->uuid[i] = g_ascii_tolower(uuid[i]);
	info->arch = short_name(xml_text(xml_child(cpu, "arch")));
	info->cpu_model = short_name(xml_text(xml_child(cpu, "model")));
	info->cpu_vendor = short_name(xml_text(xml_child(cpu, "vendor")));
	for (xmlNode *g = xml_child(root, "guest"); g && !info->kvm; g = xml_next(g, "guest"))
		info->kvm = offers_kvm(g);
	info->cpu_xml = cpu ? xml_dump(cpu) : NULL;
	parse_features(cpu, info);
	parse_tsc(cpu, info);
	parse_numa(host, info);
	return true;
}

static bool offers(const xmlNode *device, const char *name, const char *value)
{
	for (xmlNode *e = xml_child(device, "enum"); e; e = xml_next(e, "enum")) {
		g_autofree char *n = xml_attr(e, "name");

		for (xmlNode *v = xml_child(e, "value"); v && !g_strcmp0(n, name); v = xml_next(v, "value")) {
			g_autofree char *text = xml_text(v);

			if (!g_strcmp0(text, value))
				return true;
		}
	}
	return false;
}

bool lv_domcaps_parse(const char *xml, struct hv_host_info *info, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domainCapabilities", err);
	const xmlNode *tpm;

	if (!doc)
		return false;
	tpm = xml_child(xml_child(xmlDocGetRootElement(doc), "devices"), "tpm");
	info->tpm_emulator = offers(tpm, "backendModel", "emulator");
	return true;
}

/* How the capabilities call what the description calls otherwise. */
static const char *enum_of(const char *element, const char *attr)
{
	return g_str_equal(element, "video") && g_str_equal(attr, "model") ? "modelType" : attr;
}

static bool lists(const xmlNode *device, const char *name)
{
	for (xmlNode *e = xml_child(device, "enum"); e; e = xml_next(e, "enum")) {
		g_autofree char *text = xml_attr(e, "name");

		if (!g_strcmp0(text, name))
			return true;
	}
	return false;
}

enum hv_found lv_domcaps_device(const char *xml, const char *device)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domainCapabilities", NULL);
	g_auto(GStrv) words = g_strsplit(device, " ", 3);
	const xmlNode *kind;
	const char *name;

	g_assert(g_strv_length(words) == 3);
	kind = doc ? xml_child(xml_child(xmlDocGetRootElement(doc), "devices"), words[0]) : NULL;
	name = enum_of(words[0], words[1]);
	if (!lists(kind, name))
		return HV_FOUND_UNKNOWN;
	return offers(kind, name, words[2]) ? HV_FOUND : HV_FOUND_NOT;
}
