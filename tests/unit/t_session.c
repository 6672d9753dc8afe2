/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's cookie: of which requests it counts, and what it says.
 */
#include "api/http/session.h"

#include <glib.h>

#define TLS "https://drover.example"
#define PLAIN "http://127.0.0.1:8774"

/* @token: NULL: it does not count */
static const struct {
	const char *name;
	struct api_head head;
	const char *token;
} rows[] = {
	{ "of our page", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin" }, "t" },
	{ "among others", { .method = "GET", .base_url = TLS, .cookie = "a=b; __Host-drover=t; c=d", .fetch_site = "same-origin" }, "t" },
	{ "the first of two", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t;__Host-drover=u", .fetch_site = "same-origin" }, "t" },
	{ "without TLS", { .method = "GET", .base_url = PLAIN, .cookie = "drover=t", .fetch_site = "same-origin" }, "t" },
	{ "by origin", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .origin = TLS }, "t" },
	{ "a change", { .method = "POST", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin", .content_type = "application/json" }, "t" },
	{ "with a charset", { .method = "PUT", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin", .content_type = "Application/JSON; charset=utf-8" }, "t" },
	{ "delete", { .method = "DELETE", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin" }, "t" },
	{ "no cookie", { .method = "GET", .base_url = TLS, .fetch_site = "same-origin" }, NULL },
	{ "an empty one", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=", .fetch_site = "same-origin" }, NULL },
	{ "another's", { .method = "GET", .base_url = TLS, .cookie = "x__Host-drover=t; __Host-drover2=t", .fetch_site = "same-origin" }, NULL },
	{ "the plain name by TLS", { .method = "GET", .base_url = TLS, .cookie = "drover=t", .fetch_site = "same-origin" }, NULL },
	{ "another site", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "cross-site", .origin = TLS }, NULL },
	{ "the same site", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-site" }, NULL },
	{ "typed by hand", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "none" }, NULL },
	{ "no browser", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t" }, NULL },
	{ "another origin", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .origin = TLS ".evil" }, NULL },
	{ "null", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .origin = "null" }, NULL },
	{ "the origin without TLS", { .method = "GET", .base_url = TLS, .cookie = "__Host-drover=t", .origin = "http://drover.example" }, NULL },
	{ "a form", { .method = "POST", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin", .content_type = "text/plain" }, NULL },
	{ "no type", { .method = "POST", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin" }, NULL },
	{ "nearly the type", { .method = "POST", .base_url = TLS, .cookie = "__Host-drover=t", .fetch_site = "same-origin", .content_type = "application/jsonp" }, NULL },
};

static void test_take(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct api_head *h = &rows[i].head;
		g_autofree char *token = session_same_origin(h) && session_may(h) ? session_token(h) : NULL;

		g_test_message("%s", rows[i].name);
		g_assert_cmpstr(token, ==, rows[i].token);
	}
}

static void test_cookie(void)
{
	g_autofree char *tls = session_cookie(TLS, "t", 60), *plain = session_cookie(PLAIN, "t", 60), *end = session_cookie(TLS, NULL, 60);

	g_assert_cmpstr(tls, ==, "__Host-drover=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
	g_assert_cmpstr(plain, ==, "drover=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
	g_assert_cmpstr(end, ==, "__Host-drover=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
}

static void test_safe(void)
{
	g_assert_true(session_is_safe(TLS, "192.0.2.1"));
	g_assert_true(session_is_safe(PLAIN, "127.0.0.1"));
	g_assert_true(session_is_safe(PLAIN, "::1"));
	g_assert_false(session_is_safe(PLAIN, "192.0.2.1"));
	g_assert_false(session_is_safe(PLAIN, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/session/take", test_take);
	g_test_add_func("/session/cookie", test_cookie);
	g_test_add_func("/session/safe", test_safe);
	return g_test_run();
}
