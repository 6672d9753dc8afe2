/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot_xml: libvirt's description of a domain's snapshot.
 */
#ifndef SNAPSHOT_XML_H
#define SNAPSHOT_XML_H

#include "hv/snapshot.h"

/** snapshot_xml_read() - one more of @all, as that text describes it. Return: borrowed from @all; NULL with ERR_HV. */
struct hv_snapshot *snapshot_xml_read(GPtrArray *all, const char *xml, GError **err);

#endif
