/* SPDX-License-Identifier: Apache-2.0
 *
 * A head as a client sends it, judged as the opening of a WebSocket. One that is let in has a key, an answer and a token of a good length; what
 * is refused has a status and a reason.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "console/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const allowed[] = { (char *)"dashboard", NULL };
	g_autofree char *text = g_memdup2(data, size);
	struct http1_head h;

	if (!text || http1_parse(text, size, &h) != HTTP1_WHOLE)
		return 0;
	for (int https = 0; https < 2; https++) {
		const struct handshake_rules rules = { allowed, https != 0 };
		struct handshake s;

		handshake_judge(&h, &rules, &s);
		if (!s.wanted)
			continue;
		g_assert_true(s.status == 101 ? strlen(s.accept) == HANDSHAKE_ACCEPT_LEN : s.status >= 400 && s.why && *s.why);
		g_assert_true(memchr(s.token, '\0', sizeof s.token) != NULL);
	}
	return 0;
}
