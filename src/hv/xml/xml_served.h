/* SPDX-License-Identifier: Apache-2.0
 *
 * xml_served: whether the server of storage is the host itself.
 */
#ifndef XML_SERVED_H
#define XML_SERVED_H

#include <stdbool.h>

#include <glib.h>
#include <libxml/tree.h>

/** xml_served_locally() - the <source> of a network disk or a pool names servers, and each is the host itself: "localhost", a unix socket. */
bool xml_served_locally(const xmlNode *source);

#endif
