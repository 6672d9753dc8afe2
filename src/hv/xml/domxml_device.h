/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_device: reading a domain's devices by a table of kinds.
 */
#ifndef DOMXML_DEVICE_H
#define DOMXML_DEVICE_H

#include <stdbool.h>

#include <glib.h>
#include <libxml/tree.h>

#include "hv/hv.h"

/* A kind of device, and what is read of one. */
struct domxml_device {
	const char *name;
	bool (*parse)(const xmlNode *n, struct hv_dom *d, GError **err);
};

/** domxml_devices() - read a domain's devices, of @n kinds, DOMXML_DEVICES_MAX of each at most; a part of domxml_parse(). */
bool domxml_devices(const xmlNode *root, const struct domxml_device *kinds, size_t n, struct hv_dom *d, GError **err);

#endif
