/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/err.h"

struct tls {
	SSL_CTX *ctx;
};

/* ---- settings ---- */

static const char *ssl_why(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	return text ? text : "no reason was given";
}

static bool check_file(const char *option, const char *path, mode_t refused, GError **err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		g_set_error(err, ERR, ERR_CONF, "%s = %s: %s", option, path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	if (!(st.st_mode & refused))
		return true;
	g_set_error(err, ERR, ERR_CONF, "%s = %s: every user of this machine can read or change it (mode %04o); chmod 0600 it, and have a new key "
		    "made if others may have read it", option, path, st.st_mode & 07777);
	return false;
}

/* A key with a passphrase would have it asked for at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *user)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)user;
	return -1;
}

static const struct tls_names *names_of(const struct tls_params *p)
{
	static const struct tls_names api = { "[wsgi] ssl_cert_file", "[wsgi] ssl_key_file", "[wsgi] ssl_ciphers" };

	return p->names ? p->names : &api;
}

static bool load(SSL_CTX *ctx, const struct tls_params *p, GError **err)
{
	const struct tls_names *n = names_of(p);

	if (!check_file(n->cert, p->cert_file, 0, err) || !check_file(n->key, p->key_file, 0007, err))
		return false;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, p->cert_file) != 1)
		g_set_error(err, ERR, ERR_CONF, "%s = %s: is no certificate in PEM: %s", n->cert, p->cert_file, ssl_why());
	else if (SSL_CTX_use_PrivateKey_file(ctx, p->key_file, SSL_FILETYPE_PEM) != 1)
		g_set_error(err, ERR, ERR_CONF, "%s = %s: is no key for that certificate, in PEM and without a passphrase: %s", n->key, p->key_file, ssl_why());
	else
		return true;
	return false;
}

static bool is_old(const char *minimum)
{
	return minimum && strcmp(minimum, "tlsv1_1") == 0;
}

/* Of TLS 1.2 and older. Return: owned */
static char *all_ciphers(SSL_CTX *ctx)
{
	GString *names = g_string_new(NULL);
	const STACK_OF(SSL_CIPHER) *all;

	(void)SSL_CTX_set_cipher_list(ctx, "ALL");
	all = SSL_CTX_get_ciphers(ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i));

		if (!g_str_has_prefix(name, "TLS_"))
			g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
	}
	return g_string_free(names, FALSE);
}

/* OpenSSL is content if it knows one of a list, and says nothing of the others. A word that takes away or sorts names nothing by itself. */
static bool check_ciphers(SSL_CTX *ctx, const char *ciphers, const char *option, GError **err)
{
	g_auto(GStrv) words = g_strsplit_set(ciphers, ":, ", -1);

	for (char **w = words; *w; w++) {
		g_autofree char *names = NULL;

		if (!**w || strchr("!-+@", **w) || SSL_CTX_set_cipher_list(ctx, *w) == 1)
			continue;
		names = all_ciphers(ctx);
		g_set_error(err, ERR, ERR_CONF, "%s = %s: OpenSSL knows no cipher of TLS 1.2 named %s. There are, beside its words for several: %s", option, ciphers, *w, names);
		return false;
	}
	return true;
}

static bool set_ciphers(SSL_CTX *ctx, const struct tls_params *p, GError **err)
{
	const char *ciphers = p->ciphers ? p->ciphers : is_old(p->minimum) ? TLS_CIPHERS_OLD : TLS_CIPHERS;

	if (!check_ciphers(ctx, ciphers, names_of(p)->ciphers, err))
		return false;
	ERR_clear_error();
	if (SSL_CTX_set_cipher_list(ctx, ciphers) == 1)
		return true;
	g_set_error(err, ERR, ERR_CONF, "%s = %s: no cipher is left; see openssl ciphers", names_of(p)->ciphers, ciphers);
	return false;
}

/* A client that names protocols and not this one speaks another: it is told so before it sends a byte of it. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *user)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)user;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void harden(SSL_CTX *ctx, const char *minimum)
{
	int version = is_old(minimum) ? TLS1_1_VERSION : minimum && strcmp(minimum, "tlsv1_3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;

	if (is_old(minimum))
		SSL_CTX_set_security_level(ctx, 0); /* OpenSSL 3 has SHA-1's signatures, which 1.1 needs, at no higher one */
	/* Versions and options that this library has cannot be refused. */
	(void)SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

bool tls_renew(struct tls *t, const struct tls_params *p, GError **err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	g_assert(ctx);
	harden(ctx, p->minimum);
	if (!load(ctx, p, err) || !set_ciphers(ctx, p, err)) {
		SSL_CTX_free(ctx);
		return false;
	}
	SSL_CTX_free(t->ctx); /* connections have references of their own */
	t->ctx = ctx;
	return true;
}

struct tls *tls_new(const struct tls_params *p, GError **err)
{
	struct tls *t = g_new0(struct tls, 1);

	if (tls_renew(t, p, err))
		return t;
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	g_free(t);
}

int64_t tls_ends_us(const struct tls *t)
{
	X509 *cert = SSL_CTX_get0_certificate(t->ctx);
	struct tm tm = { 0 };

	return cert && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1 ? (int64_t)timegm(&tm) * G_USEC_PER_SEC : 0;
}

/* ---- the client's side ---- */

static bool load_client(SSL_CTX *ctx, const struct tls_client_params *p, GError **err)
{
	const char *key = p->key_file ? p->key_file : p->cert_file;

	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_load_verify_file(ctx, p->ca_file) != 1)
		g_set_error(err, ERR, ERR_CONF, "%s = %s: has no certificate of a CA, in PEM: %s", p->ca_name, p->ca_file, ssl_why());
	else if (p->cert_file && SSL_CTX_use_certificate_chain_file(ctx, p->cert_file) != 1)
		g_set_error(err, ERR, ERR_CONF, "%s = %s: is no certificate in PEM: %s", p->cert_name, p->cert_file, ssl_why());
	else if (p->cert_file && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		g_set_error(err, ERR, ERR_CONF, "%s = %s: is no key for that certificate, in PEM and without a passphrase: %s", p->key_name, key, ssl_why());
	else
		return true;
	return false;
}

struct tls *tls_client_new(const struct tls_client_params *p, GError **err)
{
	struct tls *t = g_new0(struct tls, 1);

	t->ctx = SSL_CTX_new(TLS_client_method());
	g_assert(t->ctx);
	(void)SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	if (load_client(t->ctx, p, err))
		return t;
	tls_free(t);
	return NULL;
}

SSL *tls_connect(struct tls *t, int fd)
{
	SSL *ssl = SSL_new(t->ctx);

	g_assert(ssl && SSL_set_fd(ssl, fd) == 1);
	SSL_set_connect_state(ssl);
	return ssl;
}

const char *tls_why(const SSL *ssl)
{
	long verdict = SSL_get_verify_result(ssl);

	return verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : ssl_why();
}

/* ---- a connection ---- */

SSL *tls_accept(struct tls *t, int fd)
{
	SSL *ssl = SSL_new(t->ctx);

	g_assert(ssl && SSL_set_fd(ssl, fd) == 1);
	SSL_set_accept_state(ssl);
	return ssl;
}

static int outcome(SSL *ssl, int n)
{
	/* It looks at the thread's queue of errors too, which is why each call empties that first. */
	switch (SSL_get_error(ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	default:
		return TLS_FAILED;
	}
}

int tls_handshake(SSL *ssl)
{
	int n, why;

	ERR_clear_error();
	n = SSL_do_handshake(ssl);
	if (n == 1)
		return 1;
	why = outcome(ssl, n); /* a failure leaves its error for tls_why() */
	return why == TLS_EOF ? TLS_FAILED : why;
}

ssize_t tls_read(SSL *ssl, void *buf, size_t max)
{
	int n;

	ERR_clear_error();
	n = SSL_read(ssl, buf, (int)MIN(max, G_MAXINT));
	return n > 0 ? n : outcome(ssl, n);
}

ssize_t tls_write(SSL *ssl, const void *buf, size_t len)
{
	int n, why;

	ERR_clear_error();
	n = SSL_write(ssl, buf, (int)MIN(len, G_MAXINT));
	if (n > 0)
		return n;
	why = outcome(ssl, n);
	return why == TLS_EOF ? TLS_FAILED : why;
}

void tls_close(SSL *ssl)
{
	/* Half of a shutdown is all that is wanted; a handshake that never ended has none. */
	if (SSL_is_init_finished(ssl))
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
}
