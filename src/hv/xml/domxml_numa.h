/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_numa: writing the CPUs and NUMA nodes of a domain into its XML.
 */
#ifndef DOMXML_NUMA_H
#define DOMXML_NUMA_H

#include <libxml/tree.h>

#include "hv/ties.h"

/**
 * domxml_set_numa() - write a fit into a domain's tree; a part of domxml_rewrite().
 *
 * Pins and nodes that the XML has get the sets of the fit; what it does not
 * know of stays. <vcpu cpuset> and <emulatorpin> are made or go as it says.
 */
void domxml_set_numa(xmlNode *root, const struct hv_numa_fit *p);

#endif
