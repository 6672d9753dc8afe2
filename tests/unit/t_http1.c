/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads and bodies with the right answers, each also cut at every byte: what came of the first part decides nothing that the rest changes.
 */
#include <glib.h>
#include <string.h>

#include "net/http1.h"

struct row {
	const char *name, *bytes, *want;
	size_t len;
};

#define ROW(name, bytes, want) { name, bytes, want, sizeof bytes - 1 }
#define H "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" H
#define POST "POST /a HTTP/1.1\r\n" H
#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define X8000 X1000 X1000 X1000 X1000 X1000 X1000 X1000 X1000
#define X13000 X8000 X1000 X1000 X1000 X1000 X1000
#define F10 "a:b\r\nc:\r\na:b\r\nc:\r\na:b\r\nc:\r\na:b\r\nc:\r\na:b\r\nc:\r\n"
#define F90 F10 F10 F10 F10 F10 F10 F10 F10 F10

/* "METHOD PATH[ ?QUERY] @AUTHORITY[ close][ chunked][ length N][ expects]", or "STATUS *", or "more". */
static const struct row heads[] = {
	/* request lines */
	ROW("plain", GET "\r\n", "GET / @h"),
	ROW("path", "GET /v2.1/servers/x HTTP/1.1\r\n" H "\r\n", "GET /v2.1/servers/x @h"),
	ROW("query", "GET /a?b=c&d HTTP/1.1\r\n" H "\r\n", "GET /a ?b=c&d @h"),
	ROW("empty query", "GET /a? HTTP/1.1\r\n" H "\r\n", "GET /a ? @h"),
	ROW("two question marks", "GET /a?b?c HTTP/1.1\r\n" H "\r\n", "GET /a ?b?c @h"),
	ROW("escapes are left", "GET /%2F%00%zz HTTP/1.1\r\n" H "\r\n", "GET /%2F%00%zz @h"),
	ROW("odd but visible", "GET /a[b]{c}|^`\"<> HTTP/1.1\r\n" H "\r\n", "GET /a[b]{c}|^`\"<> @h"),
	ROW("method of its own", "BREW /pot HTTP/1.1\r\n" H "\r\n", "BREW /pot @h"),
	ROW("method in small letters", "get / HTTP/1.1\r\n" H "\r\n", "get / @h"),
	ROW("method of odd letters", "M-!#$%&'*+.^_`|~ / HTTP/1.1\r\n" H "\r\n", "M-!#$%&'*+.^_`|~ / @h"),
	ROW("empty line before", "\r\n" GET "\r\n", "GET / @h"),
	ROW("four empty lines before", "\r\n\r\n\r\n\r\n" GET "\r\n", "GET / @h"),
	ROW("five empty lines before", "\r\n\r\n\r\n\r\n\r\n" GET "\r\n", "400 Empty lines*"),
	ROW("1.0", "GET / HTTP/1.0\r\n\r\n", "GET / @ close"),
	ROW("1.0 with a host", "GET / HTTP/1.0\r\n" H "\r\n", "GET / @h close"),
	ROW("1.0 kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / @"),
	ROW("1.7", "GET / HTTP/1.7\r\n" H "\r\n", "GET / @h"),
	ROW("absolute", "GET http://H.example:80/a?b HTTP/1.1\r\n" H "\r\n", "GET /a ?b @H.example:80"),
	ROW("absolute, https", "GET HTTPS://h/a HTTP/1.1\r\n" H "\r\n", "GET /a @h"),
	ROW("absolute without a path", "GET http://[::1] HTTP/1.1\r\n" H "\r\n", "GET / @[::1]"),
	ROW("absolute, query alone", "GET http://h?q HTTP/1.1\r\n" H "\r\n", "GET / ?q @h"),
	ROW("absolute with 1.0", "GET http://a/b HTTP/1.0\r\n\r\n", "GET /b @a close"),
	ROW("absolute, its host counts", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "GET / @a"),
	ROW("all of it", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * @h"),
	ROW("star for others", "GET * HTTP/1.1\r\n" H "\r\n", "400 Only OPTIONS*"),
	ROW("absolute without a host", "GET http:///a HTTP/1.1\r\n" H "\r\n", "400 *neither a path*"),
	ROW("absolute with a user", "GET http://u@h/a HTTP/1.1\r\n" H "\r\n", "400 *neither a path*"),
	ROW("absolute, other scheme", "GET ftp://h/a HTTP/1.1\r\n" H "\r\n", "400 *neither a path*"),
	ROW("no slash", "GET a HTTP/1.1\r\n" H "\r\n", "400 *neither a path*"),
	ROW("connect", "CONNECT h:1 HTTP/1.1\r\n" H "\r\n", "400 CONNECT*"),
	ROW("connect with a path", "CONNECT / HTTP/1.1\r\n" H "\r\n", "400 CONNECT*"),
	ROW("0.9", "GET /\r\n", "400 *HTTP/1.1"),
	ROW("0.9 by name", "GET / HTTP/0.9\r\n\r\n", "505 *"),
	ROW("2.0", "GET / HTTP/2.0\r\n" H "\r\n", "505 *"),
	ROW("HTTP/2's own", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 *"),
	ROW("3", "GET / HTTP/3\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("1", "GET / HTTP/1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("1.10", "GET / HTTP/1.10\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("01.1", "GET / HTTP/01.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("small http", "GET / http/1.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("other protocol", "GET / HTTQ/1.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("blank behind", "GET / HTTP/1.1 \r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("two blanks behind the method", "GET  / HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("two blanks behind the target", "GET /  HTTP/1.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("blank in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("tab for a blank", "GET\t/ HTTP/1.1\r\n" H "\r\n", "400 *method*"),
	ROW("tab in the target", "GET /\tHTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("blank before", " GET / HTTP/1.1\r\n" H "\r\n", "400 *method*"),
	ROW("method alone", "GET\r\n" H "\r\n", "400 *"),
	ROW("no target", "GET HTTP/1.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("backslash", "GET /a\\b HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("not ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("NUL in the target", "GET /v2.1\0/evil HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("NUL in the method", "G\0T / HTTP/1.1\r\n" H "\r\n", "400 *method*"),
	ROW("NUL in the version", "GET / HTTP/1\0.1\r\n" H "\r\n", "400 *HTTP/1.1"),
	ROW("control in the target", "GET /\x01 HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("DEL in the target", "GET /\x7f HTTP/1.1\r\n" H "\r\n", "400 *target*"),
	ROW("colon in the method", "GET: / HTTP/1.1\r\n" H "\r\n", "400 *method*"),
	ROW("garbage", "\x01\x02\x03\xff\xfe\r\n\r\n", "400 *method*"),
	ROW("TLS to a plain port", "\x16\x03\x01\x02\x00\x01\x00", "400 *method*"),
	ROW("a field where the line should be", H "\r\n", "400 *"),
	ROW("method too long", X10 X10 X10 "xxx / HTTP/1.1\r\n" H "\r\n", "501 *"),
	ROW("method as long as may be", X10 X10 X10 "xx / HTTP/1.1\r\n" H "\r\n", X10 X10 X10 "xx / @h"),
	ROW("target of 8000", "GET /" X8000 " HTTP/1.1\r\n" H "\r\n", "GET /" X8000 " @h"),
	ROW("target too long", "GET /" X13000 " HTTP/1.1\r\n" H "\r\n", "414 *"),
	ROW("line without an end", X13000, "501 *"),
	/* ends of lines */
	ROW("bare LF", "GET / HTTP/1.1\nHost: h\n\n", "400 *bare LF"),
	ROW("bare LF behind a field", GET "A: b\n\r\n", "400 *bare LF"),
	ROW("bare LF at the end", GET "\n", "400 *bare LF"),
	ROW("bare LF before", "\n" GET "\r\n", "400 *bare LF"),
	ROW("bare CR in the line", "GET /\rHTTP/1.1\r\n" H "\r\n", "400 *bare CR"),
	ROW("bare CR in a value", GET "A: b\rc: d\r\n\r\n", "400 *bare CR"),
	ROW("two CRs", GET "A: b\r\r\n\r\n", "400 *bare CR"),
	ROW("CR before a request", "\r" GET "\r\n", "400 *bare CR"),
	/* fields */
	ROW("fields", GET "a:b\r\nC: \t d\t \r\nE:\r\n\r\n", "GET / @h"),
	ROW("text beyond ASCII", GET "A: \xc3\xa9\xff\r\n\r\n", "GET / @h"),
	ROW("tab in a value", GET "A: b\tc\r\n\r\n", "GET / @h"),
	ROW("folded", GET "A: b\r\n c\r\n\r\n", "400 *folded"),
	ROW("folded by a tab", GET "A: b\r\n\tc\r\n\r\n", "400 *folded"),
	ROW("folded at once", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400 *folded"),
	ROW("a blank line of blanks", GET " \r\n\r\n", "400 *folded"),
	ROW("blank before the colon", GET "Content-Length : 3\r\n\r\n", "400 *name*"),
	ROW("tab before the colon", GET "A\t: b\r\n\r\n", "400 *name*"),
	ROW("empty name", GET ": x\r\n\r\n", "400 *name*"),
	ROW("no colon", GET "abc\r\n\r\n", "400 *colon"),
	ROW("blank in a name", GET "A b: c\r\n\r\n", "400 *name*"),
	ROW("name beyond ASCII", GET "\xc3\xa9: c\r\n\r\n", "400 *name*"),
	ROW("bracket in a name", GET "a(b: c\r\n\r\n", "400 *name*"),
	ROW("NUL in a name", GET "a\0b: c\r\n\r\n", "400 *name*"),
	ROW("NUL in a value", GET "X-Auth-Token: good\0bad\r\n\r\n", "400 *control*"),
	ROW("NUL behind a value", GET "X-Auth-Token: good\0\r\n\r\n", "400 *control*"),
	ROW("control in a value", GET "A: \x01\r\n\r\n", "400 *control*"),
	ROW("escape in a value", GET "A: \x1b[0m\r\n\r\n", "400 *control*"),
	ROW("DEL in a value", GET "A: \x7f\r\n\r\n", "400 *control*"),
	ROW("100 fields", GET F90 "a:b\r\nc:d\r\ne:f\r\ng:h\r\ni:j\r\nk:l\r\nm:n\r\no:p\r\nq:r\r\n\r\n", "GET / @h"),
	ROW("101 fields", GET F90 F10 "\r\n", "431 *too many*"),
	ROW("field of 8000", GET "A: " X8000 "\r\n\r\n", "GET / @h"),
	ROW("field too long", GET "A: " X13000 "\r\n\r\n", "431 *A header field is*"),
	ROW("head too long", GET "A: " X8000 "\r\nB: " X8000 "\r\nC: " X1000 "\r\n\r\n", "431 *fields are too long"),
	/* Host */
	ROW("no host", "GET / HTTP/1.1\r\n\r\n", "400 There is no Host"),
	ROW("two hosts", GET H "\r\n", "400 Host is there twice"),
	ROW("two hosts, absolute", "GET http://h/ HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "400 Host is there twice"),
	ROW("empty host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "400 Host is no host"),
	ROW("empty host with 1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", "400 Host is no host"),
	ROW("host with a port", "GET / HTTP/1.1\r\nHost: a_b-c.d:8774\r\n\r\n", "GET / @a_b-c.d:8774"),
	ROW("host with an empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", "GET / @h:"),
	ROW("host, IPv6", "GET / HTTP/1.1\r\nHost: [fe80::1:192.0.2.1]:1\r\n\r\n", "GET / @[fe80::1:192.0.2.1]:1"),
	ROW("host, bracket open", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 Host is no host"),
	ROW("host, IPv6 bare", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "400 Host is no host"),
	ROW("host, no port", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", "400 Host is no host"),
	ROW("host, port too long", "GET / HTTP/1.1\r\nHost: h:123456\r\n\r\n", "400 Host is no host"),
	ROW("host, port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400 Host is no host"),
	ROW("host with a path", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", "400 Host is no host"),
	ROW("host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "400 Host is no host"),
	ROW("host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Host is no host"),
	ROW("host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 Host is no host"),
	ROW("host with a NUL", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", "400 *control*"),
	ROW("host too long", "GET / HTTP/1.1\r\nHost: " X100 X100 X100 "\r\n\r\n", "400 Host is no host"),
	/* Content-Length */
	ROW("length", POST "Content-Length: 3\r\n\r\nabc", "POST /a @h length 3"),
	ROW("length 0", POST "content-length:0\r\n\r\n", "POST /a @h length 0"),
	ROW("length with zeros", POST "Content-Length: 003\r\n\r\n", "POST /a @h length 3"),
	ROW("length of a GET", GET "Content-Length: 3\r\n\r\n", "GET / @h length 3"),
	ROW("largest length", POST "Content-Length: 9223372036854775799\r\n\r\n", "POST /a @h length 9223372036854775799"),
	ROW("length beyond", POST "Content-Length: 99999999999999999999999\r\n\r\n", "POST /a @h length 9223372036854775807"),
	ROW("two lengths", POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "400 *Content-Length is there twice"),
	ROW("the same length twice", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", "400 *Content-Length is there twice"),
	ROW("length list", POST "Content-Length: 5, 5\r\n\r\n", "400 *no number"),
	ROW("length +5", POST "Content-Length: +5\r\n\r\n", "400 *no number"),
	ROW("length -5", POST "Content-Length: -5\r\n\r\n", "400 *no number"),
	ROW("length 0x5", POST "Content-Length: 0x5\r\n\r\n", "400 *no number"),
	ROW("length 5 5", POST "Content-Length: 5 5\r\n\r\n", "400 *no number"),
	ROW("length empty", POST "Content-Length: \r\n\r\n", "400 *no number"),
	ROW("length 5abc", POST "Content-Length: 5abc\r\n\r\n", "400 *no number"),
	ROW("length 5.0", POST "Content-Length: 5.0\r\n\r\n", "400 *no number"),
	ROW("length with a NUL", POST "Content-Length: 5\0" "0\r\n\r\n", "400 *control*"),
	/* Transfer-Encoding */
	ROW("chunked", POST "Transfer-Encoding: chunked\r\n\r\n", "POST /a @h chunked"),
	ROW("Chunked", POST "transfer-encoding: \tChunKed \r\n\r\n", "POST /a @h chunked"),
	ROW("coding and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "400 *exclusive"),
	ROW("length and coding", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400 *exclusive"),
	ROW("coding twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 *Transfer-Encoding is there twice"),
	ROW("gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "400 *must be chunked"),
	ROW("chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n", "400 *must be chunked"),
	ROW("identity", POST "Transfer-Encoding: identity\r\n\r\n", "400 *must be chunked"),
	ROW("xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", "400 *must be chunked"),
	ROW("chunked;q", POST "Transfer-Encoding: chunked;q=1\r\n\r\n", "400 *must be chunked"),
	ROW("chunked with a NUL", POST "Transfer-Encoding: chunked\0x\r\n\r\n", "400 *control*"),
	ROW("chunked with a vertical tab", POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", "400 *control*"),
	ROW("coding empty", POST "Transfer-Encoding:\r\n\r\n", "400 *must be chunked"),
	ROW("coding with 1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 HTTP/1.0*"),
	/* Connection, Expect */
	ROW("close", GET "Connection: close\r\n\r\n", "GET / @h close"),
	ROW("Close in a list", GET "Connection: a, Close ,b\r\n\r\n", "GET / @h close"),
	ROW("close in a second field", GET "Connection: keep-alive\r\nConnection: close\r\n\r\n", "GET / @h close"),
	ROW("closed is no close", GET "Connection: closed\r\n\r\n", "GET / @h"),
	ROW("empty words", GET "Connection: ,, ,\r\n\r\n", "GET / @h"),
	ROW("Connection malformed", GET "Connection: a b\r\n\r\n", "400 Connection*"),
	ROW("upgrade stays 1.1", GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "GET / @h"),
	ROW("expects", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "POST /a @h length 1 expects"),
	ROW("1.0 expects nothing", "POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST /a @ close length 1"),
	ROW("expects something", POST "Expect: tea\r\n\r\n", "417 *"),
	/* what has not ended */
	ROW("nothing", "", "more"),
	ROW("half a line", "GET /", "more"),
	ROW("half a version", "GET / HTTP/1.", "more"),
	ROW("half a field", GET "Conten", "more"),
	ROW("half an end", GET "\r", "more"),
	ROW("half a head of 16 KiB", GET "A: " X8000 "\r\nB: " X8000 "\r\n", "more"),
	ROW("what follows is not looked at", GET "\r\n\0\n\r\x01", "GET / @h"),
};

static char *describe(enum http1_result r, const struct http1_head *h)
{
	GString *s = g_string_new(NULL);

	if (r == HTTP1_MORE)
		return g_string_free(g_string_append(s, "more"), FALSE);
	if (r == HTTP1_BAD) {
		g_string_append_printf(s, "%d %s", h->status, h->why);
		return g_string_free(s, FALSE);
	}
	g_string_append_printf(s, "%s %s", h->method, h->path);
	if (h->query)
		g_string_append_printf(s, " ?%s", h->query);
	g_string_append_printf(s, " @%s%s%s", h->authority ? h->authority : "", h->keep_alive ? "" : " close", h->chunked ? " chunked" : "");
	if (h->length >= 0)
		g_string_append_printf(s, " length %" G_GINT64_FORMAT, h->length);
	if (h->expects_continue)
		g_string_append(s, " expects");
	return g_string_free(s, FALSE);
}

/* Of memory of exactly that size, so that a sanitizer sees one byte too many. */
static enum http1_result parse(const struct row *row, size_t len, struct http1_head *h, char **ret_memory)
{
	*ret_memory = g_memdup2(row->bytes, len);
	return http1_parse(*ret_memory, len, h);
}

static void test_heads(void)
{
	g_assert_cmpuint(G_N_ELEMENTS(heads), >=, 100);
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_autofree char *memory = NULL, *got = NULL;
		struct http1_head h;
		enum http1_result r = parse(&heads[i], heads[i].len, &h, &memory);

		got = describe(r, &h);
		if (!(r == HTTP1_BAD ? g_pattern_match_simple(heads[i].want, got) : strcmp(heads[i].want, got) == 0))
			g_error("%s: got \"%s\", want \"%s\"", heads[i].name, got, heads[i].want);
	}
}

/* A begin of a good head is never refused, one of a bad head never whole; what was refused stays so with the same status. */
static void test_heads_cut(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		struct http1_head whole, h;
		g_autofree char *all = NULL;
		enum http1_result end = parse(&heads[i], heads[i].len, &whole, &all), before = HTTP1_MORE;
		/* the longest ones are cut near their ends and here and there */
		size_t step = heads[i].len > 4000 ? 97 : 1;

		for (size_t n = 0; n < heads[i].len; n += n + 200 > heads[i].len ? 1 : step) {
			g_autofree char *memory = NULL;
			enum http1_result r = parse(&heads[i], n, &h, &memory);
			bool right = end == HTTP1_WHOLE && n >= whole.size ? r == HTTP1_WHOLE : r == HTTP1_MORE || (r == HTTP1_BAD && end == HTTP1_BAD);

			if (!right || (before == HTTP1_BAD && r != HTTP1_BAD) || (r == HTTP1_BAD && h.status != whole.status))
				g_error("%s: the first %zu bytes of %zu: %d %d %s", heads[i].name, n, heads[i].len, r, h.status, h.why);
			before = r;
		}
	}
}

static void test_values(void)
{
	static const struct http1_field want[] = { { "Host", "h" }, { "A", "b" }, { "X-Auth-Token", "t 1" }, { "a", "c" }, { "E", "" } };
	char bytes[] = GET "A: b \r\nX-Auth-Token:\t t 1\t\r\na: c\r\nE:\r\n\r\nrest";
	struct http1_head h;

	g_assert_cmpint(http1_parse(bytes, sizeof bytes - 1, &h), ==, HTTP1_WHOLE);
	g_assert_cmpuint(h.n_fields, ==, G_N_ELEMENTS(want));
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
		g_assert_cmpstr(h.fields[i].name, ==, want[i].name);
		g_assert_cmpstr(h.fields[i].value, ==, want[i].value);
	}
	g_assert_cmpstr(bytes + h.size, ==, "rest");
}

/* ---- bodies ---- */

static const struct {
	struct row row; /* want: the content, then how it ended: '.' with what follows, '+' for more, '!' for broken */
	int64_t length; /* -1: chunked */
} bodies[] = {
	{ ROW("none", "GET", ".GET"), 0 },
	{ ROW("length", "abcGET", "abc.GET"), 3 },
	{ ROW("length, not all", "ab", "ab+"), 3 },
	{ ROW("chunks", "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nGET", "abcd.GET"), -1 },
	{ ROW("none chunked", "0\r\n\r\nGET", ".GET"), -1 },
	{ ROW("zeros", "000\r\n\r\n", "."), -1 },
	{ ROW("hex", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789."), -1 },
	{ ROW("CRLF is content", "2\r\n\r\n\r\n0\r\n\r\n", "\r\n."), -1 },
	{ ROW("extensions", "3;x=y;\"z\" \t\r\nabc\r\n0;e\r\n\r\n", "abc."), -1 },
	{ ROW("trailers", "0\r\nT: x\r\nU:\r\n\r\nGET", ".GET"), -1 },
	{ ROW("not all of a chunk", "3\r\nab", "ab+"), -1 },
	{ ROW("no end", "3\r\nabc\r\n", "abc+"), -1 },
	{ ROW("no end of the trailers", "0\r\nA: b\r\n", "+"), -1 },
	{ ROW("longer than it says", "3\r\nabcd\r\n", "abc!"), -1 },
	{ ROW("no size", "\r\nabc", "!"), -1 },
	{ ROW("extension without a size", ";x\r\n", "!"), -1 },
	{ ROW("negative", "-1\r\n", "!"), -1 },
	{ ROW("0x", "0x3\r\nabc\r\n", "!"), -1 },
	{ ROW("plus", "+3\r\nabc\r\n", "!"), -1 },
	{ ROW("blank before", " 3\r\nabc\r\n", "!"), -1 },
	{ ROW("blank behind", "3 \r\nabc\r\n", "!"), -1 },
	{ ROW("size of 15 digits", "000000000000003\r\nabc\r\n0\r\n\r\n", "abc."), -1 },
	{ ROW("size of 16 digits", "0000000000000003\r\nabc\r\n0\r\n\r\n", "!"), -1 },
	{ ROW("size over all bounds", "efffffffffffffee\r\nabc", "!"), -1 },
	{ ROW("bare LF behind the size", "3\nabc\r\n", "!"), -1 },
	{ ROW("bare LF behind the data", "3\r\nabc\n0\r\n\r\n", "abc!"), -1 },
	{ ROW("bare LF behind an extension", "3;a\nabc\r\n", "!"), -1 },
	{ ROW("bare LF at the end", "0\r\n\n", "!"), -1 },
	{ ROW("bare LF behind a trailer", "0\r\nA: b\n\r\n", "!"), -1 },
	{ ROW("CR without LF", "3\rxabc", "!"), -1 },
	{ ROW("two CRs", "3\r\r\nabc", "!"), -1 },
	{ ROW("control in an extension", "3;\x01\r\nabc", "!"), -1 },
	{ ROW("NUL in an extension", "3;\0\r\nabc", "!"), -1 },
	{ ROW("NUL in the size", "3\0\r\nabc", "!"), -1 },
	{ ROW("extension too long", "3;" X1000 X100 "\r\nabc\r\n0\r\n\r\n", "!"), -1 },
	{ ROW("extensions of 1000", "3;" X1000 "\r\nabc\r\n0\r\n\r\n", "abc."), -1 },
	{ ROW("extensions too long together", "1;" X100 X100 X100 X100 X100 X100 "\r\na\r\n1;" X100 X100 X100 X100 X100 X100 "\r\nb\r\n", "a!"), -1 },
	{ ROW("trailer without a colon", "0\r\nabc\r\n\r\n", "!"), -1 },
	{ ROW("trailer without a name", "0\r\n: x\r\n\r\n", "!"), -1 },
	{ ROW("trailer folded", "0\r\nA: b\r\n c\r\n\r\n", "!"), -1 },
	{ ROW("blank in a trailer's name", "0\r\nA : b\r\n\r\n", "!"), -1 },
	{ ROW("control in a trailer", "0\r\nA: \x01\r\n\r\n", "!"), -1 },
	{ ROW("trailers too long", "0\r\nA: " X1000 "\r\nA: " X1000 "\r\nA: " X1000 "\r\nA: " X1000 "\r\nA: " X100 "\r\n\r\n", "!"), -1 },
};

/* Feed it in pieces; the content is appended. Return: '.', '+' or '!'. */
static char feed(struct http1_body *b, const char *data, size_t len, GString *content, size_t *at)
{
	while (*at < len && !http1_body_ended(b)) {
		size_t used, n;
		const char *piece;

		if (!http1_body_next(b, data + *at, len - *at, &used, &piece, &n))
			return '!';
		g_assert_true(used > 0 && n <= used);
		g_string_append_len(content, piece, (gssize)n);
		*at += used;
	}
	return http1_body_ended(b) ? '.' : '+';
}

/* @cut: where the second piece begins; @step: size of the pieces behind it */
static void check_body(size_t i, size_t cut, size_t step)
{
	const struct row *row = &bodies[i].row;
	struct http1_head head = { .chunked = bodies[i].length < 0, .length = bodies[i].length };
	g_autoptr(GString) got = g_string_new(NULL);
	struct http1_body b;
	size_t at = 0;
	char end = '+';

	http1_body_begin(&b, &head);
	for (size_t to = cut; end == '+'; to = MIN(to + step, row->len)) {
		g_autofree char *memory = g_memdup2(row->bytes, to);

		end = feed(&b, memory, to, got, &at);
		if (to == row->len)
			break;
	}
	g_string_append_c(got, end);
	if (end == '.')
		g_string_append_len(got, row->bytes + at, (gssize)(row->len - at));
	if (strcmp(got->str, row->want) != 0)
		g_error("%s, cut at %zu, then each %zu: got \"%s\", want \"%s\"", row->name, cut, step, got->str, row->want);
}

static void test_bodies(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		size_t len = bodies[i].row.len;

		check_body(i, len, 1);
		check_body(i, 0, 1);
		for (size_t cut = 0; cut < len; cut++)
			check_body(i, cut, len);
	}
}

static void test_reasons(void)
{
	g_assert_cmpstr(http1_reason(400), ==, "Bad Request");
	g_assert_cmpstr(http1_reason(505), ==, "HTTP Version Not Supported");
	g_assert_cmpstr(http1_reason(999), ==, "Unknown");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/http1/heads", test_heads);
	g_test_add_func("/http1/heads_cut", test_heads_cut);
	g_test_add_func("/http1/values", test_values);
	g_test_add_func("/http1/bodies", test_bodies);
	g_test_add_func("/http1/reasons", test_reasons);
	return g_test_run();
}
