/* SPDX-License-Identifier: Apache-2.0
 *
 * carrier_xml: a carrier's description, to be written and to be read again.
 */
#ifndef CARRIER_XML_H
#define CARRIER_XML_H

#include <stdbool.h>

#include <glib.h>

#include "hv/carrier.h"

/** carrier_xml_target() - what the disk of file @i is called in it: "vda", "vdz", "vdaa". Return: owned by the caller. */
char *carrier_xml_target(guint i);
/** carrier_xml_targets() - all of them, for hv_migrate_params.copy_disks. Return: owned by the caller (g_strfreev). */
char **carrier_xml_targets(const GPtrArray *files);

/** carrier_xml_machine() - the machine type of one where its params name none. @arch: NULL: the host's own. Return: static; NULL: the hypervisor's choice. */
const char *carrier_xml_machine(const char *arch);

/**
 * carrier_xml_write() - the domain.
 * @from: the host where it begins, by its name in this program
 *
 * Return: owned by the caller; NULL with ERR_BAD_REQUEST: no files, or too many, one twice, a path that is not absolute or has control
 * characters, a format that is not qcow2 or raw.
 */
char *carrier_xml_write(const char *uuid, const char *from, const struct carrier_params *p, GError **err);

/**
 * carrier_xml_read() - what a carrier's description says; its state is left not told.
 *
 * Return: owned by the caller, or NULL with ERR_HV.
 */
struct carrier *carrier_xml_read(const char *uuid, const char *xml, GError **err);

#endif
