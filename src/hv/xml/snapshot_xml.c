/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/snapshot_xml.h"

#include "hv/xml/xml.h"

static bool is_external(const xmlNode *root)
{
	if (xml_attr_is(xml_child(root, "memory"), "snapshot", "external"))
		return true;
	for (xmlNode *k = xml_child(xml_child(root, "disks"), "disk"); k; k = xml_next(k, "disk"))
		if (xml_attr_is(k, "snapshot", "external"))
			return true;
	return false;
}

struct hv_snapshot *snapshot_xml_read(GPtrArray *all, const char *xml, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_glance(xml, "domainsnapshot", err);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	g_autofree char *name = NULL;
	struct hv_snapshot *s;

	if (!root || !xml_bounded(xml_text(xml_child(root, "name")), DOMXML_TEXT_MAX, &name, err))
		return NULL;
	if (!name || all->len >= HV_SNAPSHOTS_MAX)
		return xml_refuse(err, name ? "too many snapshots" : "a snapshot without a name");
	s = hv_snapshots_add(all, name, xml);
	s->external = is_external(root);
	return s;
}
