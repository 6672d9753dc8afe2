/* SPDX-License-Identifier: Apache-2.0
 *
 * tls: TLS by OpenSSL: the server's side, and the client's towards hosts.
 *
 * TLS 1.2 with ephemeral keys and authenticated ciphers, or 1.3. No session is kept and no ticket given: a key that is stolen later opens
 * nothing that was recorded before. No renegotiation and no compression.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>
#include <openssl/ssl.h>

struct tls; /* certificate, key and settings of a listener */

/* What messages call the options. */
struct tls_names {
	const char *cert, *key, *ciphers;
};

struct tls_params {
	const char *cert_file, *key_file; /* PEM; the chain behind the certificate */
	const char *ciphers;              /* of TLS 1.2, in OpenSSL's words; NULL: TLS_CIPHERS */
	const char *minimum;              /* "tlsv1_1", "tlsv1_2" or "tlsv1_3" */
	const struct tls_names *names;    /* NULL: those of the API */
};

#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_CIPHERS_OLD TLS_CIPHERS ":ECDHE+AES" /* with a minimum of 1.1, which has no authenticated ones */

/** tls_new() - read certificate and key. Return: NULL with ERR_CONF, also for a key that all users of the machine can read. */
struct tls *tls_new(const struct tls_params *p, GError **err);
/** tls_free() - connections made from it may go on. NULL is fine. */
void tls_free(struct tls *t);

/** tls_renew() - read certificate, key and settings again. Connections that there are keep what they have. Return: false with ERR_CONF, all is as before. */
bool tls_renew(struct tls *t, const struct tls_params *p, GError **err);

/** tls_ends_us() - when its certificate is good no more, on the wall clock; 0: it does not say. */
int64_t tls_ends_us(const struct tls *t);

/** tls_accept() - a connection whose handshake is still to be done. @fd: lent. Return: for SSL_free(). */
SSL *tls_accept(struct tls *t, int fd);

struct tls_client_params {
	const char *ca_file;              /* PEM: those whose certificates are believed */
	const char *cert_file, *key_file; /* PEM: of this program, for servers that want to see one; NULL: none */
	const char *ca_name, *cert_name, *key_name; /* what messages call them */
};

/** tls_client_new() - read them. The server's certificate is checked against the CA, its name is not. Return: NULL with ERR_CONF; for tls_free(). */
struct tls *tls_client_new(const struct tls_client_params *p, GError **err);
/** tls_connect() - a connection whose handshake is still to be begun. @fd: lent. Return: for SSL_free(). */
SSL *tls_connect(struct tls *t, int fd);
/** tls_why() - why a handshake failed just now, as this thread's last error. Return: static, or owned by @ssl's library. */
const char *tls_why(const SSL *ssl);

/* What a call came to, when it is not a number of bytes. */
enum { TLS_EOF = 0, TLS_WANTS_READ = -1, TLS_WANTS_WRITE = -2, TLS_FAILED = -3 };

/** tls_handshake() - go on with it. Return: 1 when it is done, or one of the above. */
int tls_handshake(SSL *ssl);
/** tls_read() - Return: bytes, or one of the above. */
ssize_t tls_read(SSL *ssl, void *buf, size_t max);
/** tls_write() - Return: bytes taken, perhaps not all; or one of the above. */
ssize_t tls_write(SSL *ssl, const void *buf, size_t len);
/** tls_close() - say that nothing follows, if that can be sent. */
void tls_close(SSL *ssl);

#endif
