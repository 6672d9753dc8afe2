/* SPDX-License-Identifier: Apache-2.0 */
#include "console/rfb.h"

#include <string.h>

#include "base/util.h"
#include "console/vnc.h"
#include "hv/hv.h"

#define V "RFB 003.008\n"
#define X509_NONE "\0\0\1\4"
#define S(text) text, sizeof text - 1

/* What a VNC server says, what it is answered, how that ends, and what is left over. */
static const struct {
	const char *name, *schemes;
	const char *in;
	size_t in_len;
	const char *out;
	size_t out_len;
	enum rfb_next next;
	const char *why;
	size_t left; /* not of RFB_BAD */
} rows[] = {
	{ "none", "none", S(V "\1\1" "\0\0\0\0"), S(V "\1"), RFB_DONE, "", 0 },
	{ "none, bytes behind", "none", S(V "\1\1" "\0\0\0\0xyz"), S(V "\1"), RFB_DONE, "", 3 },
	{ "the first of ours that it has", "vencrypt none", S(V "\3\1\2\x13"), S(V "\x13"), RFB_MORE, "", 0 },
	{ "the second one", "vencrypt none", S(V "\2\1\2"), S(V "\1"), RFB_MORE, "", 0 },
	{ "3.3", "none", S("RFB 003.003\n"), S(""), RFB_BAD, "it speaks another version of RFB than 3.8" },
	{ "no RFB", "none", S("HTTP"), S(""), RFB_BAD, "it speaks no RFB" },
	{ "no RFB, of two bytes", "none", S("RX"), S(""), RFB_BAD, "it speaks no RFB" },
	{ "cut version", "none", S("RFB 003.00"), S(""), RFB_MORE, "", 10 },
	{ "cut types", "none", S(V "\3\1\2"), S(V), RFB_MORE, "", 3 },
	{ "password", "none", S(V "\1\2"), S(V), RFB_BAD, "it asks for a password, which consoles have not" },
	{ "TLS that is not configured", "none", S(V "\1\x13"), S(V), RFB_BAD, "it wants TLS: add vencrypt to [vnc] auth_schemes" },
	{ "unknown types", "none", S(V "\2\x63\x64"), S(V), RFB_BAD, "it offers no security type of [vnc] auth_schemes" },
	{ "refused", "none", S(V "\0\0\0\0\3why"), S(V), RFB_BAD, "it refuses: why" },
	{ "refused, cut", "none", S(V "\0\0\0\0\3wh"), S(V), RFB_MORE, "", 6 },
	{ "refused late", "none", S(V "\1\1" "\0\0\0\1\0\0\0\3why"), S(V "\1"), RFB_BAD, "it refuses: why" },
	{ "refused, no text", "none", S(V "\0\0\0\0\2\xff\xfe"), S(V), RFB_BAD, "it refuses: \xef\xbf\xbd\xef\xbf\xbd" },
	{ "VeNCrypt", "vencrypt", S(V "\1\x13" "\0\2" "\0" "\2\0\0\1\5" X509_NONE "\1"), S(V "\x13" "\0\2" X509_NONE), RFB_TLS, "", 0 },
	{ "VeNCrypt 0.1", "vencrypt", S(V "\1\x13" "\0\1"), S(V "\x13"), RFB_BAD, "it speaks another version of VeNCrypt than 0.2" },
	{ "VeNCrypt refused", "vencrypt", S(V "\1\x13" "\0\2" "\1"), S(V "\x13" "\0\2"), RFB_BAD, "it refuses version 0.2 of VeNCrypt" },
	{ "VeNCrypt, passwords alone", "vencrypt", S(V "\1\x13" "\0\2" "\0" "\1\0\0\1\5"), S(V "\x13" "\0\2"), RFB_BAD,
	  "it has no VeNCrypt with a certificate and without a password (X509None)" },
	{ "VeNCrypt, no subtype", "vencrypt", S(V "\1\x13" "\0\2" "\0" "\0"), S(V "\x13" "\0\2"), RFB_BAD,
	  "it has no VeNCrypt with a certificate and without a password (X509None)" },
	{ "X509None refused", "vencrypt", S(V "\1\x13" "\0\2" "\0" "\1" X509_NONE "\0"), S(V "\x13" "\0\2" X509_NONE), RFB_BAD, "it refuses X509None" },
	{ "nothing", "none", S(""), S(""), RFB_MORE, "", 0 },
};

static unsigned schemes_of(const char *words, enum rfb_scheme ret[static RFB_SCHEME_N])
{
	g_auto(GStrv) all = g_strsplit(words, " ", -1);
	unsigned n = 0;

	for (char **w = all; *w; w++)
		for (int s = 0; s < RFB_SCHEME_N; s++)
			if (g_str_equal(*w, rfb_scheme_name(s)))
				ret[n++] = (enum rfb_scheme)s;
	return n;
}

/* In pieces of so many bytes; nothing of the outcome may depend on that. */
static void run_row(size_t i, size_t piece)
{
	enum rfb_scheme schemes[RFB_SCHEME_N];
	struct rfb r = { .stage = RFB_VERSION, .schemes = schemes, .n_schemes = schemes_of(rows[i].schemes, schemes) };
	g_autoptr(GByteArray) in = g_byte_array_new(), out = g_byte_array_new();
	enum rfb_next next = RFB_MORE;
	size_t at = 0;

	do {
		size_t n = MIN(piece, rows[i].in_len - at), used = 0;

		g_byte_array_append(in, (const guint8 *)rows[i].in + at, (guint)n);
		at += n;
		next = rfb_to_server(&r, in->data ? in->data : (const guint8 *)"", in->len, &used, out);
		if (used)
			g_byte_array_remove_range(in, 0, (guint)used);
	} while (next == RFB_MORE && at < rows[i].in_len);
	g_test_message("%s, in pieces of %zu", rows[i].name, piece);
	g_assert_cmpint(next, ==, rows[i].next);
	g_assert_cmpstr(next == RFB_BAD ? r.why : "", ==, rows[i].why);
	g_assert_cmpmem(out->len ? out->data : (const guint8 *)"", out->len, rows[i].out, rows[i].out_len);
	if (next != RFB_BAD && piece >= rows[i].in_len)
		g_assert_cmpuint(in->len, ==, rows[i].left);
}

static void test_server(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		run_row(i, 1);
		run_row(i, 7);
		run_row(i, 1000);
	}
}

static void test_client(void)
{
	static const struct {
		const char *in;
		size_t in_len;
		enum rfb_next next;
		size_t used;
		const char *out;
		size_t out_len;
	} clients[] = {
		{ S(""), RFB_MORE, 0, S(V) },
		{ S("RFB 003.0"), RFB_MORE, 0, S(V) },
		{ S(V), RFB_MORE, 12, S(V "\1\1") },
		{ S(V "\1"), RFB_DONE, 13, S(V "\1\1" "\0\0\0\0") },
		{ S(V "\1" "\1more"), RFB_DONE, 13, S(V "\1\1" "\0\0\0\0") },
		{ S(V "\2"), RFB_BAD, 13, S(V "\1\1") },
		{ S("RFB 003.889\n"), RFB_BAD, 0, S(V) },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		struct rfb r = { .stage = RFB_VERSION };
		g_autoptr(GByteArray) out = g_byte_array_new();
		size_t used = 0;

		g_assert_cmpint(rfb_to_client(&r, (const guint8 *)clients[i].in, clients[i].in_len, &used, out), ==, clients[i].next);
		g_assert_cmpuint(used, ==, clients[i].used);
		g_assert_cmpmem(out->data, out->len, clients[i].out, clients[i].out_len);
	}
}

static void test_address(void)
{
	static const struct {
		const char *listen, *uri, *proxyclient, *want;
	} addresses[] = {
		{ "0.0.0.0", "qemu+tls://h1.example/system", NULL, "h1.example" },
		{ "::", "qemu+tls://[fd00::1]/system", NULL, "fd00::1" },
		{ "0.0.0.0", "qemu+tls://h1/system", "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.7", "qemu+tls://h1/system", NULL, "192.0.2.7" },
		{ "192.0.2.7", "qemu+tls://h1/system", "192.0.2.1", "192.0.2.7" },
		{ "127.0.0.1", "qemu+tls://h1/system", NULL, NULL },
		{ "", "qemu+tls://h1/system", NULL, NULL },
		{ "localhost", "qemu+tls://h1/system", "192.0.2.1", NULL },
		{ "127.0.0.1", "qemu:///system", NULL, "127.0.0.1" },
		{ "::1", "qemu:///system", NULL, "::1" },
		{ "0.0.0.0", "qemu:///system", NULL, "127.0.0.1" },
		{ "127.0.0.1", "sim://h1", "127.0.0.1", "127.0.0.1" },
		{ HV_NO_ADDRESS, "qemu:///system", "127.0.0.1", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(GError) err = NULL;
		g_autofree char *got = vnc_address(addresses[i].listen, addresses[i].uri, addresses[i].proxyclient, &err);

		g_test_message("%s at %s", addresses[i].listen, addresses[i].uri);
		g_assert_cmpstr(got, ==, addresses[i].want);
		g_assert_true(got || strstr(err->message, "[vnc] server_listen"));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rfb/server", test_server);
	g_test_add_func("/rfb/client", test_client);
	g_test_add_func("/vnc/address", test_address);
	return g_test_run();
}
