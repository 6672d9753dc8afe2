/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host says of a carrier, and how a file of its begins. Input: a byte, odd for a description; the text or the bytes.
 */
#include <stdint.h>

#include "hv/qcow2.h"
#include "hv/xml/carrier_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_description(const uint8_t *data, size_t size)
{
	g_autofree char *xml = g_strndup((const char *)data, size);
	g_autoptr(GError) err = NULL;
	struct carrier *c = carrier_xml_read("7c1f6d0a-5f2e-4d3c-9b8a-112233445566", xml, &err);

	g_assert_true(!c == !!err);
	if (c)
		g_assert_true(carrier_files_same(c->files, c->files));
	carrier_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1) {
		read_description(data + 1, size - 1);
	} else {
		struct qcow2_head h = qcow2_head_read(data + 1, size - 1);

		g_assert_true(h.qcow2 || (!h.encrypted && !h.snapshots && !h.bitmaps && !h.data_file && !h.unclean));
	}
	return 0;
}
