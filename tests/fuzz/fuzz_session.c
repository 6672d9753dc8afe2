/* SPDX-License-Identifier: Apache-2.0
 *
 * What browsers say of a session, a header a line: URL as the client reached us, method, Cookie, Sec-Fetch-Site, Origin, type of the body. A token that is
 * found has nothing in it that ends one, and comes back whole from the cookie that is made of it; no other site's page is taken for ours.
 */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "api/http/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(const struct api_head *h, const char *token)
{
	g_autofree char *cookie = session_cookie(h->base_url, token, 60), *again = NULL;
	struct api_head back = *h;

	g_assert_true(*token && !strpbrk(token, "; "));
	g_assert_nonnull(strstr(h->cookie, token));
	g_assert_true(strstr(cookie, "; HttpOnly; SameSite=Strict"));
	g_assert_true(!g_str_has_prefix(h->base_url, "https://") || (g_str_has_prefix(cookie, "__Host-") && g_str_has_suffix(cookie, "; Secure")));
	/* a browser sends the part before the first ';' */
	*strchr(cookie, ';') = '\0';
	back.cookie = cookie;
	again = session_token(&back);
	g_assert_cmpstr(again, ==, token);
}

static const char *line(char **lines, guint n, guint i)
{
	return i < n && *lines[i] ? lines[i] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size), *token = NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", 6);
	guint n = g_strv_length(lines);
	struct api_head h = {
		.base_url = line(lines, n, 0) ? lines[0] : "http://h", .method = line(lines, n, 1) ? lines[1] : "GET", .cookie = line(lines, n, 2),
		.fetch_site = line(lines, n, 3), .origin = line(lines, n, 4), .content_type = line(lines, n, 5),
	};
	bool same = session_same_origin(&h), may = session_may(&h);

	token = session_token(&h);
	if (token)
		check_token(&h, token);
	g_assert_true(!same || (h.fetch_site ? strcmp(h.fetch_site, "same-origin") == 0 : g_strcmp0(h.origin, h.base_url) == 0));
	g_assert_true(!may || strcmp(h.method, "POST") != 0 || (h.content_type && g_ascii_strncasecmp(h.content_type, "application/json", 16) == 0));
	return 0;
}
