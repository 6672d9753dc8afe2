/* SPDX-License-Identifier: Apache-2.0
 *
 * A kept definition, as the database has it. What can be unpacked is bounded, is text, and is the same again when it was packed.
 */
#include <stdint.h>
#include <string.h>

#include "fleet/keep_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size), *packed = keep_pack(text), *again = NULL, *xml = NULL;
	g_autoptr(GError) err = NULL, wrong = NULL;

	again = strlen(text) <= KEEP_XML_MAX ? keep_unpack(packed, &err) : NULL;
	g_assert_cmpstr(again, ==, strlen(text) <= KEEP_XML_MAX ? text : NULL);
	xml = keep_unpack(text, &wrong);
	g_assert_true((xml == NULL) == (wrong != NULL));
	g_assert_true(!xml || strlen(xml) <= KEEP_XML_MAX);
	return 0;
}
