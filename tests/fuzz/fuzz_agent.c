/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest agent's answer about its interfaces: the guest writes it. Whatever it
 * says, what is taken is bounded, in canonical form, and taken again is the same.
 */
#include <stdint.h>
#include <string.h>

#include "hv/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GArray) all = hv_addrs_new();
	g_autoptr(GError) err = NULL;

	if (!hv_addrs_of_agent(all, text, &err)) {
		g_assert_nonnull(err);
		return 0;
	}
	g_assert_cmpuint(all->len, <=, HV_ADDRS_MAX);
	for (guint i = 0; i < all->len; i++) {
		const struct hv_addr *a = &g_array_index(all, struct hv_addr, i);
		struct hv_addr again;

		g_assert_true(hv_addr_parse(a->mac, a->text, a->prefix, &again));
		g_assert_cmpstr(again.text, ==, a->text);
		g_assert_cmpstr(again.mac, ==, a->mac);
		g_assert_cmpint(again.prefix, ==, a->prefix);
	}
	return 0;
}
