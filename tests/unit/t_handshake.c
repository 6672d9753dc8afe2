/* SPDX-License-Identifier: Apache-2.0
 *
 * The opening of a WebSocket: what is refused, with which words, and whose token is read where.
 */
#include "console/handshake.h"

#include <glib.h>
#include <string.h>

#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define GET(target, more) "GET " target " HTTP/1.1\r\nHost: proxy:6080\r\n" more "\r\n"
#define OK(more) GET("/?token=t", UP KEY more)

static const struct {
	const char *name, *head;
	bool https;
	int status; /* 0: it is none */
	const char *why; /* or the token */
} rows[] = {
	{ "plain", OK(""), false, 101, "t" },
	{ "not wanted", GET("/", ""), false, 0, "" },
	{ "post", "POST / HTTP/1.1\r\nHost: proxy\r\n" UP KEY "\r\n", false, 400, "This is no opening of a WebSocket" },
	{ "old HTTP", "GET / HTTP/1.0\r\nHost: proxy\r\n" UP KEY "\r\n", false, 400, "This is no opening of a WebSocket" },
	{ "body", GET("/", UP KEY "Content-Length: 1\r\n"), false, 400, "This is no opening of a WebSocket" },
	{ "no Connection", GET("/", "Upgrade: websocket\r\n" KEY), false, 400, "This is no opening of a WebSocket" },
	{ "version", GET("/", UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n"), false, 426, "Sec-WebSocket-Version must be 13" },
	{ "two versions", GET("/", UP KEY "Sec-WebSocket-Version: 13\r\n"), false, 426, "Sec-WebSocket-Version must be 13" },
	{ "no key", GET("/", UP "Sec-WebSocket-Version: 13\r\n"), false, 400, "Sec-WebSocket-Key must be 16 bytes in base64" },
	{ "short key", GET("/", UP "Sec-WebSocket-Key: dGhl\r\nSec-WebSocket-Version: 13\r\n"), false, 400, "Sec-WebSocket-Key must be 16 bytes in base64" },
	{ "two keys", GET("/", UP KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), false, 400, "Sec-WebSocket-Key must be 16 bytes in base64" },
	{ "origin", OK("Origin: http://PROXY\r\n"), false, 101, "t" },
	{ "origin's port", OK("Origin: http://proxy:8080\r\n"), false, 101, "t" },
	{ "origin by TLS", OK("Origin: https://proxy:6080\r\n"), true, 101, "t" },
	{ "allowed origin", OK("Origin: http://dashboard\r\n"), false, 101, "t" },
	{ "other origin", OK("Origin: http://evil\r\n"), false, 403, "Origin header does not match this host" },
	{ "origin that begins like it", OK("Origin: http://proxy.evil\r\n"), false, 403, "Origin header does not match this host" },
	{ "null origin", OK("Origin: null\r\n"), false, 403, "Origin header not valid" },
	{ "empty origin", OK("Origin: http://\r\n"), false, 403, "Origin header not valid" },
	{ "two origins", OK("Origin: http://proxy\r\nOrigin: http://proxy\r\n"), false, 403, "Origin header not valid" },
	{ "scheme", OK("Origin: http://proxy\r\n"), true, 403, "Origin header protocol does not match this host" },
	{ "scheme, the other way", OK("Origin: https://proxy\r\n"), false, 403, "Origin header protocol does not match this host" },
	{ "forwarded", OK("Origin: http://proxy\r\nX-Forwarded-Proto: https\r\n"), true, 101, "t" },
	{ "forwarded, wrong", OK("Origin: https://proxy\r\nX-Forwarded-Proto: http\r\n"), true, 403, "Origin header protocol does not match this host" },
	{ "IPv6", "GET /?token=t HTTP/1.1\r\nHost: [::1]:6080\r\n" UP KEY "Origin: http://[::1]:1\r\n\r\n", false, 101, "t" },
	{ "token in path", GET("/?path=%3Ftoken%3Dabc", UP KEY), false, 101, "abc" },
	{ "token in path's path", GET("/?path=%3Fpath%3D%253Ftoken%253Dabc", UP KEY), false, 101, "" },
	{ "cookie", GET("/", UP KEY "Cookie: a=b; token=abc; c=d\r\n"), false, 101, "abc" },
	{ "query goes first", GET("/?token=q", UP KEY "Cookie: token=c\r\n"), false, 101, "q" },
	{ "no token", GET("/", UP KEY), false, 101, "" },
	{ "empty token", GET("/?token=", UP KEY), false, 101, "" },
	{ "long token", GET("/?token=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
			    UP KEY), false, 101, "" },
};

static void test_rows(void)
{
	static char *const allowed[] = { (char *)"dashboard", NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct handshake_rules rules = { allowed, rows[i].https };
		g_autofree char *text = g_strdup(rows[i].head);
		struct http1_head h;
		struct handshake s;

		g_test_message("%s", rows[i].name);
		g_assert_cmpint(http1_parse(text, strlen(text), &h), ==, HTTP1_WHOLE);
		handshake_judge(&h, &rules, &s);
		g_assert_cmpint(s.wanted, ==, rows[i].status != 0);
		g_assert_cmpint(s.status, ==, rows[i].status);
		g_assert_cmpstr(s.status == 101 ? s.token : s.why ? s.why : "", ==, rows[i].why);
	}
}

/* RFC 6455, 1.3. */
static void test_accept(void)
{
	const struct handshake_rules rules = { NULL, false };
	g_autofree char *text = g_strdup(OK("Sec-WebSocket-Protocol: base64, binary\r\n"));
	struct http1_head h;
	struct handshake s;

	g_assert_cmpint(http1_parse(text, strlen(text), &h), ==, HTTP1_WHOLE);
	handshake_judge(&h, &rules, &s);
	g_assert_cmpstr(s.accept, ==, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	g_assert_true(s.binary);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/handshake/rows", test_rows);
	g_test_add_func("/handshake/accept", test_accept);
	return g_test_run();
}
