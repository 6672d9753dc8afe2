/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/facts_xml.h"

#include <string.h>

#include "base/util.h"
#include "hv/xml/xml.h"

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

bool facts_xml_capabilities(const char *xml, struct hv_facts *f, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "capabilities", err);
	const xmlNode *host = doc ? xml_child(xmlDocGetRootElement(doc), "host") : NULL;

	for (const xmlNode *n = xml_child(host, "secmodel"); n; n = xml_next(n, "secmodel"))
		read_model(n, f);
	return doc != NULL;
}

/* ---- CPUs ---- */

static const xmlNode *host_model(const xmlNode *domcaps)
{
	for (const xmlNode *n = xml_child(xml_child(domcaps, "cpu"), "mode"); n; n = xml_next(n, "mode"))
		if (xml_attr_is(n, "name", "host-model") && xml_attr_is(n, "supported", "yes"))
			return n;
	return NULL;
}

char *facts_xml_cpu(const char *xml)
{
	static const char *const parts[] = { "model", "vendor", "feature" };
	g_autoptr(xmlDoc) doc = xml_read(xml, "domainCapabilities", NULL);
	const xmlNode *mode = doc ? host_model(xmlDocGetRootElement(doc)) : NULL;
	g_autoptr(GString) s = g_string_new("<cpu mode='custom' match='exact'>");

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		for (xmlNode *n = xml_child(mode, parts[i]); n; n = xml_next(n, parts[i])) {
			g_autofree char *text = xml_dump(n);

			g_string_append(s, text ? text : "");
		}
	g_string_append(s, "</cpu>");
	return mode && s->len <= FACTS_XML_CPU_MAX ? g_strdup(s->str) : NULL;
}

static void read_cpus(const xmlNode *parent, GPtrArray *to)
{
	for (xmlNode *n = xml_child(parent, "cpu"); n && to->len < FACTS_XML_CPUS_MAX; n = xml_next(n, "cpu")) {
		char *text = xml_dump(n);

		if (text)
			g_ptr_array_add(to, text);
	}
}

bool facts_xml_cpus(const char *xml, struct facts_cpus *ret, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "cpus", err);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	*ret = (struct facts_cpus){ .best = g_ptr_array_new_with_free_func(g_free), .hosts = g_ptr_array_new_with_free_func(g_free) };
	if (!root)
		return false;
	ret->type = xml_attr(root, "type");
	ret->arch = xml_attr(root, "arch");
	read_cpus(xml_child(root, "best"), ret->best);
	read_cpus(xml_child(root, "hosts"), ret->hosts);
	return true;
}

static void write_cpus(GString *s, const char *element, const GPtrArray *cpus)
{
	g_string_append_printf(s, "<%s>", element);
	for (guint i = 0; cpus && i < cpus->len; i++)
		g_string_append(s, g_ptr_array_index(cpus, i));
	g_string_append_printf(s, "</%s>", element);
}

char *facts_xml_cpus_write(const struct facts_cpus *c)
{
	GString *s = g_string_new("<cpus");

	if (c->type)
		g_string_append_printf(s, " type='%s'", c->type);
	if (c->arch)
		g_string_append_printf(s, " arch='%s'", c->arch);
	g_string_append(s, ">");
	write_cpus(s, "best", c->best);
	write_cpus(s, "hosts", c->hosts);
	g_string_append(s, "</cpus>");
	return g_string_free(s, FALSE);
}

void facts_cpus_clear(struct facts_cpus *c)
{
	g_free(c->type);
	g_free(c->arch);
	g_clear_pointer(&c->best, g_ptr_array_unref);
	g_clear_pointer(&c->hosts, g_ptr_array_unref);
}

/* ---- interfaces and pools ---- */

void facts_xml_interface(const char *xml, const char *name, struct hv_facts *f)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "interface", NULL);
	g_autofree char *size = doc ? xml_attr(xml_child(xmlDocGetRootElement(doc), "mtu"), "size") : NULL;
	int64_t mtu;

	if (size && util_parse_int(size, 1, INT32_MAX, &mtu))
		hv_facts_mtu(f, name, mtu);
}

void facts_xml_pool(const char *xml, struct hv_facts *f)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "pool", NULL);
	g_autofree char *path = doc ? xml_text(xml_child(xml_child(xmlDocGetRootElement(doc), "target"), "path")) : NULL;

	if (path && *path == '/' && strlen(path) <= DOMXML_TEXT_MAX && !g_str_has_suffix(path, "/."))
		g_ptr_array_add(f->folders, g_steal_pointer(&path));
}

/* ---- folders ---- */

static int64_t number(const xmlNode *n, int base)
{
	g_autofree char *text = xml_text(n);
	char *end = NULL;
	gint64 v = text ? g_ascii_strtoll(text, &end, base) : -1;

	return text && end != text && !*end && v >= 0 ? v : HV_NOT_KNOWN;
}

/* <permissions><mode>0711</mode><owner>0</owner><group>0</group></permissions> */
static struct hv_perms read_perms(const xmlNode *target)
{
	const xmlNode *n = xml_child(target, "permissions");

	return (struct hv_perms){ number(xml_child(n, "owner"), 10), number(xml_child(n, "group"), 10), number(xml_child(n, "mode"), 8) };
}

bool facts_xml_folder(const char *xml, struct hv_folder *ret, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "pool", err);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (!root)
		return false;
	ret->exists = true;
	ret->perms = read_perms(xml_child(root, "target"));
	ret->size_bytes = MAX(xml_bytes(xml_child(root, "capacity"), NULL), 0);
	ret->free_bytes = MAX(xml_bytes(xml_child(root, "available"), NULL), 0);
	return true;
}

void facts_xml_file(const char *xml, const char *name, struct hv_folder *ret)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "volume", NULL);
	const xmlNode *target = doc ? xml_child(xmlDocGetRootElement(doc), "target") : NULL;
	struct hv_marker *m = target ? hv_folder_add(ret, name) : NULL;

	if (!m)
		return;
	m->perms = read_perms(target);
	m->modified_us = xml_time_ns(xml_child(xml_child(target, "timestamps"), "mtime")) / 1000;
}
