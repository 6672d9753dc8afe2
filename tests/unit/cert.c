/* SPDX-License-Identifier: Apache-2.0 */
#include "cert.h"

#include <glib.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

char *cert_make(EVP_PKEY *key)
{
	g_autoptr(GError) err = NULL;
	char *path = NULL;
	X509 *cert = X509_new();
	FILE *f;
	int fd = g_file_open_tmp("cert_XXXXXX.pem", &path, &err);

	g_assert_no_error(err);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	g_assert_cmpint(X509_sign(cert, key, EVP_sha256()), >, 0);
	f = fdopen(fd, "w");
	g_assert_true(PEM_write_X509(f, cert) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
	return path;
}
