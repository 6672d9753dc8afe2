/* SPDX-License-Identifier: Apache-2.0
 *
 * The opening of RFB on both sides: whole or in pieces the outcome, what is answered and what is left over are the same.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "console/rfb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum rfb_next side_f(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out);

struct outcome {
	enum rfb_next next;
	GByteArray *out;
	size_t used;
};

static struct outcome run(side_f *side, const struct rfb *begin, const uint8_t *data, size_t size, size_t piece)
{
	struct outcome o = { .next = RFB_MORE, .out = g_byte_array_new() };
	struct rfb r = *begin;

	for (size_t end = MIN(piece, size); o.next == RFB_MORE || o.next == RFB_TLS; end = MIN(end + piece, size)) {
		size_t used = 0;

		o.next = side(&r, data + o.used, end - o.used, &used, o.out);
		g_assert_true(used <= end - o.used);
		o.used += used;
		if (o.next == RFB_BAD)
			g_assert_true(*r.why && g_utf8_validate(r.why, -1, NULL));
		if (o.next == RFB_MORE && end == size)
			break;
	}
	return o;
}

static void compare(side_f *side, const struct rfb *begin, const uint8_t *data, size_t size)
{
	struct outcome whole = run(side, begin, data, size, MAX(size, 1)), pieces = run(side, begin, data, size, 1);

	g_assert_cmpint(whole.next, ==, pieces.next);
	g_assert_cmpmem(whole.out->data, whole.out->len, pieces.out->data, pieces.out->len);
	if (whole.next != RFB_BAD)
		g_assert_cmpuint(whole.used, ==, pieces.used);
	g_byte_array_unref(whole.out);
	g_byte_array_unref(pieces.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rfb_scheme schemes[] = { RFB_VENCRYPT, RFB_NONE };

	for (unsigned n = 1; n <= 2; n++)
		compare(rfb_to_server, &(struct rfb){ .stage = RFB_VERSION, .schemes = schemes + 2 - n, .n_schemes = n }, data, size);
	compare(rfb_to_client, &(struct rfb){ .stage = RFB_VERSION }, data, size);
	return 0;
}
