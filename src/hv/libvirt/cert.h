/* SPDX-License-Identifier: Apache-2.0
 *
 * cert: the certificate that a libvirtd shows.
 */
#ifndef LV_CERT_H
#define LV_CERT_H

#include "hv/facts.h"

/**
 * lv_cert_see() - shake hands with the libvirtd of a URI, and look at what it shows; no connection of libvirt is made. Blocks, CERT_MS at most
 * for each step of it.
 * @uris: NULL-terminated; the first one that goes by TLS is reached, the names in all of them are looked for
 *
 * Return: owned; NULL: none of them goes by TLS.
 */
struct hv_cert *lv_cert_see(const char *const *uris);
/** lv_cert_read() - the same of what was shown. @der: a certificate, @n bytes; foreign. Return: owned. */
struct hv_cert *lv_cert_read(const uint8_t *der, size_t n, const char *const *uris);

#endif
