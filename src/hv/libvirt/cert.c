/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that shows no certificate of its own is refused by libvirtd, but after the server's has come: that is all that is wanted here.
 * Nothing is verified: what is wrong with it is to be said, and libvirt's own connections are the ones that trust it or not.
 */
#include "hv/libvirt/cert.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/util.h"

#define CERT_MS 5000
#define PORT 16514 /* libvirtd's for TLS */
#define TEXT_MAX 1024

/* ---- where ---- */

/* "qemu+tls://h1/system"; without a transport, and with a host, it is TLS too. */
static GUri *by_tls(const char *text)
{
	GUri *uri = text ? g_uri_parse(text, G_URI_FLAGS_NONE, NULL) : NULL;
	const char *scheme = uri ? g_uri_get_scheme(uri) : NULL, *host = uri ? g_uri_get_host(uri) : NULL;
	const char *transport = scheme ? strchr(scheme, '+') : NULL;

	if (host && *host && (!transport || g_str_equal(transport, "+tls")))
		return uri;
	g_clear_pointer(&uri, g_uri_unref);
	return NULL;
}

static int reach(GUri *uri, char **ret_why)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GError) err = NULL;
	g_autoptr(GSocketConnection) conn = NULL;
	int port = g_uri_get_port(uri), fd;

	g_socket_client_set_timeout(client, CERT_MS / 1000);
	g_socket_client_set_enable_proxy(client, FALSE);
	conn = g_socket_client_connect_to_host(client, g_uri_get_host(uri), (guint16)(port > 0 ? port : PORT), NULL, &err);
	fd = conn ? fcntl(g_socket_get_fd(g_socket_connection_get_socket(conn)), F_DUPFD_CLOEXEC, 0) : -1;
	if (!conn)
		*ret_why = util_line(err->message, TEXT_MAX);
	return fd;
}

/* OpenSSL waits in the socket itself: it blocks, for a while. */
static void let_block(int fd)
{
	struct timeval limit = { .tv_sec = CERT_MS / 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	(void)g_unix_set_fd_nonblocking(fd, FALSE, NULL);
}

/* ---- what it says ---- */

static int64_t wall_us(const ASN1_TIME *t)
{
	struct tm tm;
	g_autoptr(GDateTime) at = NULL;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	at = g_date_time_new_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return at ? g_date_time_to_unix(at) * G_USEC_PER_SEC : 0;
}

static char *address_text(const ASN1_OCTET_STRING *ip)
{
	GInetAddress *a = NULL;
	char *text;

	if (ip->length == 4 || ip->length == 16)
		a = g_inet_address_new_from_bytes(ip->data, ip->length == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
	text = a ? g_inet_address_to_string(a) : NULL;
	g_clear_object(&a);
	return text;
}

static char *name_text(const GENERAL_NAME *n)
{
	if (n->type == GEN_IPADD)
		return address_text(n->d.iPAddress);
	if (n->type == GEN_DNS)
		return g_strndup((const char *)ASN1_STRING_get0_data(n->d.dNSName), (gsize)ASN1_STRING_length(n->d.dNSName));
	return NULL;
}

static char *names_of(X509 *cert)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	g_autoptr(GString) s = g_string_new(NULL);

	for (int i = 0; all && i < MIN(sk_GENERAL_NAME_num(all), HV_CERT_NAMES_MAX); i++) {
		g_autofree char *name = name_text(sk_GENERAL_NAME_value(all, i));

		if (name)
			g_string_append_printf(s, "%s%s", s->len ? ", " : "", name);
	}
	GENERAL_NAMES_free(all);
	return util_line(s->str, TEXT_MAX);
}

static bool is_good_for(X509 *cert, const char *host)
{
	return g_hostname_is_ip_address(host) ? X509_check_ip_asc(cert, host, 0) == 1 : X509_check_host(cert, host, 0, 0, NULL) == 1;
}

static void read_cert(X509 *cert, const char *const *uris, struct hv_cert *ret)
{
	char subject[TEXT_MAX] = "";

	(void)X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof subject);
	ret->subject = util_line(subject, TEXT_MAX);
	ret->names = names_of(cert);
	ret->begins_us = wall_us(X509_get0_notBefore(cert));
	ret->ends_us = wall_us(X509_get0_notAfter(cert));
	ret->server = X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0) == 1;
	ret->client = X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) == 1;
	for (; *uris && !ret->missing; uris++) {
		g_autoptr(GUri) uri = by_tls(*uris);

		if (uri && !is_good_for(cert, g_uri_get_host(uri)))
			ret->missing = util_line(g_uri_get_host(uri), TEXT_MAX);
	}
}

/* ---- the whole ---- */

static void der_free(void *data)
{
	OPENSSL_free(data);
}

/* A handshake that libvirtd ends has shown its certificate all the same. */
static GBytes *shake(int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;
	unsigned char *der = NULL;
	X509 *cert = NULL;
	int n = -1;

	if (ssl && SSL_set_fd(ssl, fd) == 1) {
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		(void)SSL_connect(ssl);
		cert = SSL_get1_peer_certificate(ssl);
		n = cert ? i2d_X509(cert, &der) : -1;
	}
	X509_free(cert);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return n > 0 ? g_bytes_new_with_free_func(der, (gsize)n, der_free, der) : NULL;
}

struct hv_cert *lv_cert_read(const uint8_t *der, size_t n, const char *const *uris)
{
	struct hv_cert *ret = g_new0(struct hv_cert, 1);
	const unsigned char *at = der;
	X509 *cert = d2i_X509(NULL, &at, (long)n);

	if (cert)
		read_cert(cert, uris, ret);
	else
		ret->why = g_strdup("what the handshake showed is no certificate");
	X509_free(cert);
	ERR_clear_error();
	return ret;
}

/* Takes @why. */
static struct hv_cert *not_seen(char *why)
{
	struct hv_cert *ret = g_new0(struct hv_cert, 1);

	ret->why = why;
	return ret;
}

struct hv_cert *lv_cert_see(const char *const *uris)
{
	g_autoptr(GUri) uri = NULL;
	g_autoptr(GBytes) der = NULL;
	char *why = NULL;
	int fd;

	for (const char *const *u = uris; *u && !uri; u++)
		uri = by_tls(*u);
	if (!uri)
		return NULL;
	fd = reach(uri, &why);
	if (fd < 0)
		return not_seen(why);
	let_block(fd);
	der = shake(fd);
	close(fd);
	if (!der)
		return not_seen(g_strdup("the handshake showed no certificate"));
	return lv_cert_read(g_bytes_get_data(der, NULL), g_bytes_get_size(der), uris);
}
