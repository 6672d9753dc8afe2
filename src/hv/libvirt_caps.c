/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt_caps.h"

#include <string.h>

#include "base/err.h"
#include "hv/domxml.h"

#define FEATURES_MAX 1024

static bool fail(GError **err, const char *what)
{
	g_set_error(err, ERR, ERR_HV, "capabilities of the host: %s", what);
	return false;
}

/* A value that names something; what is too long is not one. Takes @s. */
static char *short_name(char *s)
{
	if (s && strlen(s) <= DOMXML_NAME_MAX)
		return s;
	g_free(s);
	return NULL;
}

static bool parse_features(const xmlNode *cpu, struct hv_host_info *info, GError **err)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (xmlNode *f = domxml_child(cpu, "feature"); f; f = domxml_next(f, "feature")) {
		char *name = short_name(domxml_attr(f, "name"));

		if (names->len >= FEATURES_MAX) {
			g_free(name);
			return fail(err, "too many CPU features");
		}
		if (name)
			g_ptr_array_add(names, name);
	}
	g_ptr_array_add(names, NULL);
	info->cpu_features = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
	return true;
}

static bool offers_kvm(const xmlNode *guest)
{
	const xmlNode *arch = domxml_child(guest, "arch");

	for (xmlNode *d = domxml_child(arch, "domain"); d; d = domxml_next(d, "domain")) {
		g_autofree char *type = domxml_attr(d, "type");

		if (!g_strcmp0(type, "kvm"))
			return true;
	}
	return false;
}

bool lv_caps_parse(const char *xml, struct hv_host_info *info, GError **err)
{
	g_autoptr(xmlDoc) doc = domxml_read(xml, "capabilities", err);
	g_autofree char *uuid = NULL;
	xmlNode *root, *host, *cpu;

	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	host = domxml_child(root, "host");
	cpu = domxml_child(host, "cpu");
	uuid = domxml_text(domxml_child(host, "uuid"));
	if (uuid && !util_uuid_valid(uuid))
		return fail(err, "no valid <uuid>");
	if (uuid)
		g_strlcpy(info->uuid, uuid, sizeof(info->uuid));
	info->arch = short_name(domxml_text(domxml_child(cpu, "arch")));
	info->cpu_model = short_name(domxml_text(domxml_child(cpu, "model")));
	info->cpu_vendor = short_name(domxml_text(domxml_child(cpu, "vendor")));
	for (xmlNode *g = domxml_child(root, "guest"); g && !info->kvm; g = domxml_next(g, "guest"))
		info->kvm = offers_kvm(g);
	info->cpu_xml = cpu ? domxml_dump(cpu) : NULL;
	return parse_features(cpu, info, err);
}
