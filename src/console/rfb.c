/* SPDX-License-Identifier: Apache-2.0 */
#include "console/rfb.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"

#define VERSION "RFB 003.008\n"
#define VERSION_LEN 12
#define X509_NONE 260

enum { TYPE_NONE = 1, TYPE_PASSWORD = 2, TYPE_VENCRYPT = 19 };

static const struct {
	const char *name;
	uint8_t type;
} schemes[] = {
	[RFB_NONE]     = { "none", TYPE_NONE },
	[RFB_VENCRYPT] = { "vencrypt", TYPE_VENCRYPT },
};
static_assert(G_N_ELEMENTS(schemes) == RFB_SCHEME_N, "schemes is missing one");

const char *rfb_scheme_name(int scheme)
{
	return schemes[scheme].name;
}

static enum rfb_next bad(struct rfb *r, const char *why)
{
	g_strlcpy(r->why, why, sizeof r->why);
	return RFB_BAD;
}

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- to the guest's server ---- */

/* A message of that many bytes from @at on. */
static bool whole(size_t at, size_t n, size_t len)
{
	return len >= at && len - at >= n;
}

static enum rfb_next take_version(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	size_t n = MIN(len, VERSION_LEN);

	if (memcmp(data, "RFB ", MIN(n, 4)) != 0)
		return bad(r, "it speaks no RFB");
	if (n < VERSION_LEN)
		return RFB_MORE;
	if (memcmp(data, VERSION, VERSION_LEN) != 0)
		return bad(r, "it speaks another version of RFB than 3.8");
	*used = VERSION_LEN;
	g_byte_array_append(out, (const guint8 *)VERSION, VERSION_LEN);
	r->stage = RFB_TYPES;
	return RFB_DONE;
}

static enum rfb_next choose(struct rfb *r, const uint8_t *types, unsigned n, GByteArray *out)
{
	for (unsigned i = 0; i < r->n_schemes; i++) {
		const uint8_t type = schemes[r->schemes[i]].type;

		if (!memchr(types, type, n))
			continue;
		g_byte_array_append(out, &type, 1);
		r->stage = type == TYPE_VENCRYPT ? RFB_VERSION_OF_VENCRYPT : RFB_RESULT;
		return RFB_DONE;
	}
	if (memchr(types, TYPE_PASSWORD, n))
		return bad(r, "it asks for a password, which consoles have not");
	return bad(r, memchr(types, TYPE_VENCRYPT, n) ? "it wants TLS: add vencrypt to [vnc] auth_schemes" : "it offers no security type of [vnc] auth_schemes");
}

static enum rfb_next take_types(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	if (len < 1 || !whole(1, data[0], len))
		return RFB_MORE;
	*used = 1 + (size_t)data[0];
	if (data[0] > 0)
		return choose(r, data + 1, data[0], out);
	r->stage = RFB_REASON;
	return RFB_DONE;
}

static enum rfb_next take_reason(struct rfb *r, const uint8_t *data, size_t len)
{
	g_autofree char *text = NULL, *valid = NULL;
	uint32_t n;

	if (len < 4)
		return RFB_MORE;
	n = number(data);
	if (!whole(4, MIN(n, RFB_REASON_MAX), len))
		return RFB_MORE;
	text = g_strndup((const char *)data + 4, MIN(n, RFB_REASON_MAX));
	valid = g_utf8_make_valid(text, -1);
	g_snprintf(r->why, sizeof r->why, "it refuses: %s", valid);
	return RFB_BAD;
}

static enum rfb_next take_vencrypt(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	static const guint8 version[] = { 0, 2 };

	if (len < 2)
		return RFB_MORE;
	if (data[0] != 0 || data[1] != 2)
		return bad(r, "it speaks another version of VeNCrypt than 0.2");
	*used = 2;
	g_byte_array_append(out, version, sizeof version);
	r->stage = RFB_ACK;
	return RFB_DONE;
}

static enum rfb_next take_ack(struct rfb *r, const uint8_t *data, size_t len, size_t *used)
{
	if (len < 1)
		return RFB_MORE;
	if (data[0] != 0)
		return bad(r, "it refuses version 0.2 of VeNCrypt");
	*used = 1;
	r->stage = RFB_SUBTYPES;
	return RFB_DONE;
}

static enum rfb_next take_subtypes(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	static const guint8 chosen[] = { 0, 0, X509_NONE >> 8, X509_NONE & 255 };

	if (len < 1 || !whole(1, 4 * (size_t)data[0], len))
		return RFB_MORE;
	for (unsigned i = 0; i < data[0]; i++) {
		if (number(data + 1 + 4 * (size_t)i) != X509_NONE)
			continue;
		*used = 1 + 4 * (size_t)data[0];
		g_byte_array_append(out, chosen, sizeof chosen);
		r->stage = RFB_ACCEPT;
		return RFB_DONE;
	}
	return bad(r, "it has no VeNCrypt with a certificate and without a password (X509None)");
}

static enum rfb_next take_accept(struct rfb *r, const uint8_t *data, size_t len, size_t *used)
{
	if (len < 1)
		return RFB_MORE;
	if (data[0] != 1)
		return bad(r, "it refuses X509None");
	*used = 1;
	r->stage = RFB_RESULT;
	return RFB_TLS;
}

static enum rfb_next take_result(struct rfb *r, const uint8_t *data, size_t len, size_t *used)
{
	if (len < 4)
		return RFB_MORE;
	*used = 4;
	r->stage = number(data) == 0 ? RFB_OPEN : RFB_REASON;
	return RFB_DONE;
}

static enum rfb_next take_one(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	switch (r->stage) {
	case RFB_VERSION:
		return take_version(r, data, len, used, out);
	case RFB_TYPES:
		return take_types(r, data, len, used, out);
	case RFB_REASON:
		return take_reason(r, data, len);
	case RFB_VERSION_OF_VENCRYPT:
		return take_vencrypt(r, data, len, used, out);
	case RFB_ACK:
		return take_ack(r, data, len, used);
	case RFB_SUBTYPES:
		return take_subtypes(r, data, len, used, out);
	case RFB_ACCEPT:
		return take_accept(r, data, len, used);
	case RFB_RESULT:
		return take_result(r, data, len, used);
	case RFB_OPEN:
		break;
	}
	return RFB_DONE;
}

enum rfb_next rfb_to_server(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	*used = 0;
	while (r->stage != RFB_OPEN) {
		size_t n = 0;
		enum rfb_next next = take_one(r, data + *used, len - *used, &n, out);

		*used += n;
		if (next != RFB_DONE)
			return next;
	}
	return RFB_DONE;
}

/* ---- to the user's client ---- */

enum rfb_next rfb_to_client(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out)
{
	static const guint8 types[] = { 1, TYPE_NONE }, ok[4] = { 0 };

	*used = 0;
	if (r->stage == RFB_VERSION) {
		r->stage = RFB_TYPES;
		g_byte_array_append(out, (const guint8 *)VERSION, VERSION_LEN);
	}
	if (r->stage == RFB_TYPES && len >= VERSION_LEN) {
		if (memcmp(data, VERSION, VERSION_LEN) != 0)
			return bad(r, "The client speaks another version of RFB than 3.8");
		*used = VERSION_LEN;
		g_byte_array_append(out, types, sizeof types);
		r->stage = RFB_ACCEPT;
	}
	if (r->stage == RFB_ACCEPT && len > *used) {
		if (data[(*used)++] != TYPE_NONE)
			return bad(r, "The client has chosen a security type that was not offered");
		g_byte_array_append(out, ok, sizeof ok);
		r->stage = RFB_OPEN;
	}
	return r->stage == RFB_OPEN ? RFB_DONE : RFB_MORE;
}
