/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_device.h"

#include "hv/xml/xml.h"

bool domxml_devices(const xmlNode *root, const struct domxml_device *kinds, size_t n, struct hv_dom *d, GError **err)
{
	const xmlNode *all = xml_child(root, "devices");

	for (size_t i = 0; i < n; i++) {
		int seen = 0;

		for (xmlNode *e = xml_child(all, kinds[i].name); e; e = xml_next(e, kinds[i].name)) {
			if (++seen > DOMXML_DEVICES_MAX)
				return xml_refuse(err, "too many devices");
			if (!kinds[i].parse(e, d, err))
				return false;
		}
	}
	return true;
}
