/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_ties: reading what ties a domain to its host (ties.h).
 */
#ifndef DOMXML_TIES_H
#define DOMXML_TIES_H

#include <stdbool.h>

#include <glib.h>
#include <libxml/tree.h>

#include "hv/hv.h"

/** domxml_ties() - read @d's ties; a part of domxml_parse(). */
bool domxml_ties(const xmlNode *root, struct hv_dom *d, GError **err);
/** domxml_pci() - the address at its host of a <hostdev>, or an <interface>, of type pci: "0000:81:00.0". Return: owned. */
char *domxml_pci(const xmlNode *n);
/** domxml_usb() - what a <hostdev> of type usb is called at its host: "046d:c52b", or "bus 1 device 4" where its description names no make. Return: owned. */
char *domxml_usb(const xmlNode *n);
/** domxml_failover() - the device goes away for a migration and another one takes over (<teaming type='transient'>). */
bool domxml_failover(const xmlNode *n);

#endif
