/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate that a hostile libvirtd shows. Input: its bytes (DER).
 */
#include <stdint.h>
#include <string.h>

#include "hv/libvirt/cert.h"

#define TEXT_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line for people. */
static void check_line(const char *text)
{
	g_assert_true(!text || (strlen(text) <= TEXT_MAX && g_utf8_validate(text, -1, NULL) && !strpbrk(text, "\n\r")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const uris[] = { "qemu+tls://h1.example.org/system", "qemu+tcp://h1/system", "qemu+tls://192.0.2.1:16514/system", "qemu://[2001:db8::1]/system", NULL };
	struct hv_cert *c = lv_cert_read(data, size, uris);

	check_line(c->subject);
	check_line(c->names);
	check_line(c->missing);
	g_assert_true(c->why ? !c->subject && !c->names && !c->missing : c->subject && c->names);
	hv_cert_free(c);
	return 0;
}
