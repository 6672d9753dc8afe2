/* SPDX-License-Identifier: Apache-2.0
 *
 * domdef: comparing two definitions of a domain.
 *
 * A definition is what virDomainDefineXML() takes and virDomainGetXMLDesc() with
 * VIR_DOMAIN_XML_INACTIVE writes. Two are the same if every element, attribute
 * and text of one is in the other, in libvirt's order, but for what belongs to
 * the host and not to the guest (the table in domdef.c): security labels,
 * aliases, guest addresses of devices, the PCI controllers that libvirt adds for
 * them, addresses and ports that consoles listen on, where vCPUs and memory are
 * pinned, the path of the emulator. A machine type is the same as its alias.
 */
#ifndef DOMDEF_H
#define DOMDEF_H

#include <stdbool.h>

#include <glib.h>

/**
 * domdef_same() - do two definitions say the same of a guest?
 * @ret_differs: false only: the first thing that differs, in words, as "its <memory> is 262144, not 524288"; what @a says
 *               comes first. Texts that may be secret are left out. Owned by the caller. May be NULL
 *
 * A text that cannot be read is no definition, and is the same as none.
 */
bool domdef_same(const char *a, const char *b, char **ret_differs);

#endif
