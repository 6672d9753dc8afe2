/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/keep_pack.h"

#include <string.h>

#include <gio/gio.h>

#include "base/err.h"

/* Return: owned; NULL: it cannot be converted, or would be longer than @max. */
static GByteArray *convert(GConverter *c, const void *bytes, gsize len, gsize max)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	GConverterResult result = G_CONVERTER_CONVERTED;
	gsize at = 0;

	while (result == G_CONVERTER_CONVERTED) {
		guint8 buf[4096];
		gsize in = 0, n = 0;

		result = g_converter_convert(c, (const char *)bytes + at, len - at, buf, sizeof buf, G_CONVERTER_INPUT_AT_END, &in, &n, NULL);
		at += in;
		g_byte_array_append(out, buf, (guint)n);
		if (out->len > max)
			return NULL;
	}
	return result == G_CONVERTER_FINISHED ? g_steal_pointer(&out) : NULL;
}

char *keep_pack(const char *xml)
{
	g_autoptr(GZlibCompressor) z = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 9);
	g_autoptr(GByteArray) bytes = convert(G_CONVERTER(z), xml, strlen(xml), G_MAXSIZE);

	g_assert(bytes); /* what is in memory can be compressed */
	return g_base64_encode(bytes->data, bytes->len);
}

char *keep_unpack(const char *packed, GError **err)
{
	g_autoptr(GZlibDecompressor) z = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
	gsize len = 0;
	g_autofree guchar *bytes = g_base64_decode(packed, &len);
	g_autoptr(GByteArray) text = len ? convert(G_CONVERTER(z), bytes, len, KEEP_XML_MAX) : NULL;

	if (text && !(text->len && memchr(text->data, '\0', text->len))) {
		g_byte_array_append(text, (const guint8 *)"", 1);
		return (char *)g_byte_array_free(g_steal_pointer(&text), FALSE);
	}
	g_set_error(err, ERR, ERR_INTERNAL, "the kept definition cannot be unpacked");
	return NULL;
}
