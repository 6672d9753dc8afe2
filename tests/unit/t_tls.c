/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of TLS against OpenSSL's client, both in one thread over a socket pair.
 */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "cert.h"
#include "net/tls.h"

#define TURNS 20 /* a handshake has fewer */

static char *pem;

static struct tls *load(const char *ciphers, const char *minimum)
{
	struct tls_params p = { pem, pem, ciphers, minimum };
	g_autoptr(GError) err = NULL;
	struct tls *t = tls_new(&p, &err);

	g_assert_no_error(err);
	return t;
}

/* A connection, both ends. */
struct pair {
	struct tls *tls;
	SSL_CTX *ctx;
	SSL *server, *client;
	int fds[2];
};

static void pair_open(struct pair *p, struct tls *t)
{
	p->tls = t;
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), ==, 0);
	p->server = tls_accept(t, p->fds[0]);
	p->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(p->ctx, 0);
}

/* Return: the version and the cipher that were agreed upon; NULL: none. */
static char *shake(struct pair *p)
{
	bool done = false;

	p->client = SSL_new(p->ctx);
	SSL_set_fd(p->client, p->fds[1]);
	for (int i = 0; i < TURNS && !done; i++) {
		int ours = tls_handshake(p->server), theirs = SSL_connect(p->client);

		if (ours == TLS_FAILED)
			return NULL;
		done = ours == 1 && theirs == 1;
	}
	return done ? g_strdup_printf("%s %s", SSL_get_version(p->client), SSL_get_cipher(p->client)) : NULL;
}

static void pair_close(struct pair *p)
{
	SSL_free(p->server);
	SSL_free(p->client);
	SSL_CTX_free(p->ctx);
	close(p->fds[0]);
	close(p->fds[1]);
	tls_free(p->tls);
}

/* What is agreed upon has ephemeral keys and authenticated encryption. */
static void test_ciphers(void)
{
	static const struct {
		const char *name, *ours, *minimum, *theirs, *want;
		int version;
	} rows[] = {
		{ "1.3", NULL, "tlsv1_2", "ALL", "TLSv1.3 *", TLS1_3_VERSION },
		{ "1.2", NULL, "tlsv1_2", "ALL:!COMPLEMENTOFDEFAULT", "TLSv1.2 ECDHE-RSA-*", TLS1_2_VERSION },
		{ "1.2, AES", NULL, "tlsv1_2", "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256", TLS1_2_VERSION },
		{ "RSA key exchange", NULL, "tlsv1_2", "AES128-SHA:AES256-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256", NULL, TLS1_2_VERSION },
		{ "CBC", NULL, "tlsv1_2", "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA384", NULL, TLS1_2_VERSION },
		{ "RC4, 3DES, none, export", NULL, "tlsv1_2", "RC4:3DES:eNULL:aNULL:@SECLEVEL=0", NULL, TLS1_2_VERSION },
		{ "1.1", NULL, "tlsv1_2", "ALL:@SECLEVEL=0", NULL, TLS1_1_VERSION },
		{ "no 1.2", NULL, "tlsv1_3", "ALL", NULL, TLS1_2_VERSION },
		{ "1.3 alone", NULL, "tlsv1_3", "ALL", "TLSv1.3 *", TLS1_3_VERSION },
		{ "configured", "AES128-SHA", "tlsv1_2", "ALL", "TLSv1.2 AES128-SHA", TLS1_2_VERSION },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pair p = { 0 };
		g_autofree char *got = NULL;

		pair_open(&p, load(rows[i].ours, rows[i].minimum));
		SSL_CTX_set_max_proto_version(p.ctx, rows[i].version);
		SSL_CTX_set_cipher_list(p.ctx, rows[i].theirs);
		got = shake(&p);
		if (rows[i].want ? !got || !g_pattern_match_simple(rows[i].want, got) : got != NULL)
			g_error("%s: got \"%s\", want \"%s\"", rows[i].name, got, rows[i].want);
		pair_close(&p);
	}
}

/* No ticket is given, no session can be resumed, and nothing is negotiated again. */
static void test_sessions(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
		struct pair p = { 0 };
		g_autofree char *got = NULL;
		char byte = 'x';

		pair_open(&p, load(NULL, NULL));
		SSL_CTX_set_max_proto_version(p.ctx, versions[i]);
		got = shake(&p);
		g_assert_nonnull(got);
		g_assert_cmpint(tls_write(p.server, &byte, 1), ==, 1);
		g_assert_cmpint(SSL_read(p.client, &byte, 1), ==, 1);
		g_assert_false(SSL_SESSION_has_ticket(SSL_get_session(p.client)));
		g_assert_false(SSL_SESSION_is_resumable(SSL_get_session(p.client)) && versions[i] == TLS1_3_VERSION);
		if (versions[i] == TLS1_2_VERSION) {
			g_assert_cmpint(SSL_renegotiate(p.client), ==, 1);
			(void)SSL_do_handshake(p.client);
			g_assert_cmpint(tls_read(p.server, &byte, 1), ==, TLS_WANTS_READ); /* a warning goes back */
			(void)SSL_do_handshake(p.client);
			g_assert_cmpint(SSL_num_renegotiations(p.client), <=, 1);
			g_assert_cmpint(tls_read(p.server, &byte, 1), !=, 1);
		}
		pair_close(&p);
	}
}

/* ALPN: a client that speaks something else is refused before it does. */
static void test_protocols(void)
{
	static const struct {
		const char *name, *offers;
		unsigned len;
		const char *want; /* NULL: refused; "": none is agreed upon */
	} rows[] = {
		{ "none", NULL, 0, "" },
		{ "1.1", "\x08http/1.1", 9, "http/1.1" },
		{ "2 and 1.1", "\x02h2\x08http/1.1", 12, "http/1.1" },
		{ "2", "\x02h2", 3, NULL },
		{ "mail", "\x04imap\x04pop3", 10, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pair p = { 0 };
		g_autofree char *got = NULL, *chosen = NULL;
		const unsigned char *alpn;
		unsigned len;

		pair_open(&p, load(NULL, NULL));
		if (rows[i].offers)
			SSL_CTX_set_alpn_protos(p.ctx, (const unsigned char *)rows[i].offers, rows[i].len);
		got = shake(&p);
		SSL_get0_alpn_selected(p.client, &alpn, &len);
		chosen = g_strndup(len ? (const char *)alpn : "", len);
		if (!got != !rows[i].want || (got && strcmp(chosen, rows[i].want) != 0))
			g_error("%s: got \"%s\" \"%s\", want \"%s\"", rows[i].name, got, chosen, rows[i].want);
		pair_close(&p);
	}
}

/* Bytes there and back, an end, and what is no TLS. */
static void test_bytes(void)
{
	struct pair p = { 0 };
	g_autofree char *got = NULL, *large = g_malloc0(1 << 20);
	char buf[8];
	ssize_t n, sent = 0, read = 0;

	pair_open(&p, load(NULL, NULL));
	got = shake(&p);
	g_assert_cmpint(tls_read(p.server, buf, sizeof buf), ==, TLS_WANTS_READ);
	g_assert_cmpint(SSL_write(p.client, "hello", 5), ==, 5);
	g_assert_cmpint(tls_read(p.server, buf, sizeof buf), ==, 5);
	/* more than the socket takes */
	while (read < 1 << 20) {
		char in[65536];

		while ((n = tls_write(p.server, large + sent, (size_t)((1 << 20) - sent))) > 0)
			sent += n;
		g_assert_true(sent == 1 << 20 || n == TLS_WANTS_WRITE);
		while ((n = SSL_read(p.client, in, sizeof in)) > 0)
			read += n;
	}
	tls_close(p.server);
	g_assert_cmpint(SSL_read(p.client, buf, sizeof buf), <=, 0);
	g_assert_cmpint(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN, !=, 0);
	SSL_shutdown(p.client);
	g_assert_cmpint(tls_read(p.server, buf, sizeof buf), ==, TLS_EOF);
	pair_close(&p);

	p = (struct pair){ 0 };
	pair_open(&p, load(NULL, NULL));
	g_assert_cmpint(write(p.fds[1], "GET / HTTP/1.1\r\n\r\n", 18), ==, 18);
	g_assert_cmpint(tls_handshake(p.server), ==, TLS_FAILED);
	tls_close(p.server);
	pair_close(&p);
}

static void test_files(void)
{
	static const struct {
		const char *name, *cert, *key, *ciphers, *want; /* "@": the file that is right */
		int mode;
	} rows[] = {
		{ "right", "@", "@", NULL, NULL, 0600 },
		{ "for a group", "@", "@", NULL, NULL, 0640 },
		{ "for all to read", "@", "@", NULL, "*ssl_key_file = *every user*mode 0644*chmod 0600*", 0644 },
		{ "for all to write", "@", "@", NULL, "*ssl_key_file = *every user*mode 0602*", 0602 },
		{ "no certificate", "/nonexistent", "@", NULL, "*ssl_cert_file = /nonexistent: No such file*", 0600 },
		{ "no key", "@", "/nonexistent", NULL, "*ssl_key_file = /nonexistent: No such file*", 0600 },
		{ "certificate without one", "/dev/null", "@", NULL, "*ssl_cert_file = /dev/null: is no certificate*", 0600 },
		{ "folder", "/", "@", NULL, "*ssl_cert_file = /: is no certificate*", 0600 },
		{ "no such cipher", "@", "@", "NONE-OF-THESE", "*ssl_ciphers = NONE-OF-THESE: OpenSSL knows no cipher * named NONE-OF-THESE. There are*ECDHE-RSA-AES128-GCM-SHA256*", 0600 },
		{ "one of them is none", "@", "@", "ECDHE+AESGCM:ECDHE-RSA-AES", "* named ECDHE-RSA-AES. *", 0600 },
		{ "of TLS 1.3", "@", "@", "ECDHE+AESGCM:TLS_AES_128_GCM_SHA256", "* of TLS 1.2 named TLS_AES_128_GCM_SHA256. *", 0600 },
		{ "all taken away", "@", "@", "ECDHE+AESGCM:!ALL", "*no cipher is left*", 0600 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct tls_params p = { *rows[i].cert == '@' ? pem : rows[i].cert, *rows[i].key == '@' ? pem : rows[i].key, rows[i].ciphers, "tlsv1_2" };
		g_autoptr(GError) err = NULL;
		struct tls *t;

		g_assert_cmpint(g_chmod(pem, rows[i].mode), ==, 0);
		t = tls_new(&p, &err);
		if (!t != (rows[i].want != NULL) || (err && !g_pattern_match_simple(rows[i].want, err->message)))
			g_error("%s: got \"%s\", want \"%s\"", rows[i].name, err ? err->message : NULL, rows[i].want);
		tls_free(t);
	}
	g_assert_cmpint(g_chmod(pem, 0600), ==, 0);
}

int main(int argc, char **argv)
{
	int failed;

	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* of RSA: with it suites without ephemeral keys would be possible */
	pem = cert_make(EVP_RSA_gen(2048));
	g_test_add_func("/tls/bytes", test_bytes);
	g_test_add_func("/tls/protocols", test_protocols);
	g_test_add_func("/D25/ciphers", test_ciphers);
	g_test_add_func("/D25/sessions", test_sessions);
	g_test_add_func("/D25/files", test_files);
	failed = g_test_run();
	g_unlink(pem);
	g_free(pem);
	return failed;
}
