/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_log.h"

#include "hv/xml/xml.h"

static char *file_of(const xmlNode *device)
{
	char *log = xml_attr(xml_child(device, "log"), "file");

	return log || !xml_attr_is(device, "type", "file") ? log : xml_attr(xml_child(device, "source"), "path");
}

char *domxml_log(const char *xml, GError **err)
{
	static const char *const names[] = { "serial", "console" };
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	const xmlNode *devices = doc ? xml_child(xmlDocGetRootElement(doc), "devices") : NULL;
	char *file = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		for (xmlNode *n = xml_child(devices, names[i]); n && !file; n = xml_next(n, names[i]))
			file = file_of(n);
	return file;
}
