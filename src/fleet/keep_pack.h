/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_pack: a definition, compressed, as text for a row.
 */
#ifndef KEEP_PACK_H
#define KEEP_PACK_H

#include <glib.h>

#define KEEP_XML_MAX (1 << 20) /* bytes of a definition; what is longer is not kept */

/** keep_pack() - compressed, as text. Return: owned by the caller; keep_unpack() the same back, NULL with ERR_INTERNAL. */
char *keep_pack(const char *xml);
char *keep_unpack(const char *packed, GError **err);

#endif
