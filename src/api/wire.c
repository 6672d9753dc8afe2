/* SPDX-License-Identifier: Apache-2.0 */
#include "api/wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

struct wire {
	int fd;
	SSL *ssl;          /* NULL: plain */
	unsigned waits;
};

/* ---- certificates ---- */

static bool tls_fail(const char *what, const char *file, GError **err)
{
	unsigned long code = ERR_peek_error();
	const char *why = code && !ERR_SYSTEM_ERROR(code) ? ERR_reason_error_string(code) : g_strerror(errno);

	g_set_error(err, ERR, ERR_CONF, "[wsgi] %s = %s: %s", what, file, why ? why : "not usable");
	ERR_clear_error();
	return false;
}

/* HTTP/2 is not spoken here: who offers it gets 1.1. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *user)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)user;
	if (SSL_select_next_proto((unsigned char **)out, out_len, ours, sizeof ours - 1, in, in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

static bool load(SSL_CTX *ctx, const char *cert_file, const char *key_file, GError **err)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
		return tls_fail("ssl_cert_file", cert_file, err);
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return tls_fail("ssl_key_file", key_file, err);
	return true;
}

struct wire_tls *wire_tls_new(const char *cert_file, const char *key_file, GError **err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	g_assert(ctx);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Idle connections keep no buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (load(ctx, cert_file, key_file, err))
		return (struct wire_tls *)ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

void wire_tls_free(struct wire_tls *t)
{
	SSL_CTX_free((SSL_CTX *)t);
}

/* ---- connections ---- */

struct wire *wire_new(int fd, struct wire_tls *tls)
{
	struct wire *w = g_new0(struct wire, 1);

	w->fd = fd;
	w->waits = EPOLLIN;
	if (tls) {
		w->ssl = SSL_new((SSL_CTX *)tls);
		g_assert(w->ssl && SSL_set_fd(w->ssl, fd) == 1);
		SSL_set_accept_state(w->ssl);
	}
	return w;
}

void wire_free(struct wire *w)
{
	if (!w)
		return;
	SSL_free(w->ssl);
	close(w->fd);
	g_free(w);
}

int wire_fd(const struct wire *w)
{
	return w->fd;
}

unsigned wire_waits(const struct wire *w)
{
	return w->waits;
}

bool wire_held(const struct wire *w)
{
	return w->ssl && SSL_pending(w->ssl) > 0;
}

static ssize_t plain_result(struct wire *w, ssize_t n, unsigned waits)
{
	w->waits = waits;
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? WIRE_AGAIN : WIRE_BROKEN;
}

static ssize_t tls_result(struct wire *w, int n)
{
	if (n > 0)
		return n;
	/* Only of errors is there more than one kind that matters. */
	switch (SSL_get_error(w->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		w->waits = EPOLLIN;
		return WIRE_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		w->waits = EPOLLOUT;
		return WIRE_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return WIRE_BROKEN;
	}
}

ssize_t wire_read(struct wire *w, void *buf, size_t len)
{
	if (!w->ssl)
		return plain_result(w, recv(w->fd, buf, len, 0), EPOLLIN);
	ERR_clear_error();
	return tls_result(w, SSL_read(w->ssl, buf, (int)MIN(len, G_MAXINT)));
}

ssize_t wire_write(struct wire *w, const void *buf, size_t len)
{
	ssize_t n;

	if (!w->ssl)
		return plain_result(w, send(w->fd, buf, len, MSG_NOSIGNAL), EPOLLOUT);
	ERR_clear_error();
	n = tls_result(w, SSL_write(w->ssl, buf, (int)MIN(len, G_MAXINT)));
	return n == 0 ? WIRE_BROKEN : n;
}

void wire_finish(struct wire *w)
{
	/* Best effort both: the other side may be gone. */
	if (w->ssl && SSL_is_init_finished(w->ssl))
		(void)SSL_shutdown(w->ssl);
	(void)shutdown(w->fd, SHUT_WR);
}
