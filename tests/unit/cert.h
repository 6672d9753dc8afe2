/* SPDX-License-Identifier: Apache-2.0
 *
 * cert: a certificate for a test, good for an hour.
 */
#ifndef CERT_H
#define CERT_H

#include <openssl/evp.h>

/** cert_make() - write @key, which it takes, and a certificate for it into one file. Return: its path, owned by the caller. */
char *cert_make(EVP_PKEY *key);

#endif
