/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's bytes, one request after another. Whole or cut in two, what is read of them is the same; the strings of a head are within it
 * and hold nothing that ends a line; a body has the length that it says.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One byte longer, so that the strings can be looked at as such. */
static void check_string(const char *s, const char *from, size_t len)
{
	if (strcmp(s, "/") == 0 && (s < from || s > from + len))
		return; /* the path that a target had none of */
	g_assert_true(s >= from && s + strlen(s) < from + len);
	g_assert_true(!strpbrk(s, "\r\n"));
}

static void check_head(const struct http1_head *h, const char *from)
{
	g_assert_true(h->size <= HTTP1_HEAD_MAX && h->n_fields <= HTTP1_FIELDS_MAX && h->length >= -1);
	g_assert_true(!(h->chunked && h->length >= 0) && (h->authority || h->minor == 0));
	check_string(h->method, from, h->size);
	check_string(h->path, from, h->size);
	g_assert_true(*h->method && (*h->path == '/' || strcmp(h->path, "*") == 0) && !strchr(h->path, '?'));
	if (h->query)
		check_string(h->query, from, h->size);
	if (h->authority)
		check_string(h->authority, from, h->size);
	for (unsigned i = 0; i < h->n_fields; i++) {
		const char *value = h->fields[i].value;

		check_string(h->fields[i].name, from, h->size);
		check_string(value, from, h->size);
		g_assert_true(*h->fields[i].name && !strpbrk(h->fields[i].name, " \t:"));
		g_assert_true(!*value || (!strchr(" \t", value[0]) && !strchr(" \t", value[strlen(value) - 1])));
	}
}

/* Any begin of it is one that may go on, or is refused as the whole. */
static enum http1_result parse(const char *data, size_t size, size_t cut, struct http1_head *h, char **ret_memory)
{
	g_autofree char *part = g_memdup2(data, cut);
	struct http1_head before;
	enum http1_result first, r;

	*ret_memory = g_memdup2(data, size);
	r = http1_parse(*ret_memory, size, h);
	first = http1_parse(part, cut, &before);
	if (first == HTTP1_WHOLE)
		g_assert_true(r == HTTP1_WHOLE && before.size == h->size && strcmp(before.path, h->path) == 0);
	else if (first == HTTP1_BAD)
		g_assert_true(r == HTTP1_BAD && before.status == h->status);
	return r;
}

/* Return: the bytes of the body, or G_MAXSIZE for one that is broken or not whole. */
static size_t read_body(const struct http1_head *h, const char *data, size_t size, size_t cut, int64_t *ret_content)
{
	struct http1_body b;
	size_t at = 0;

	*ret_content = 0;
	http1_body_begin(&b, h);
	while (!http1_body_ended(&b)) {
		size_t end = at < cut ? MIN(cut, size) : size, used, n;
		const char *piece;

		if (at == size || !http1_body_next(&b, data + at, end - at, &used, &piece, &n))
			return G_MAXSIZE;
		g_assert_true(used > 0 && used <= end - at && piece >= data + at && piece + n <= data + at + used);
		*ret_content += (int64_t)n;
		at += used;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t cut = size ? bytes[size - 1] * (size - 1) / 255 : 0;
	const char *data = (const char *)bytes;

	for (size_t at = 0; at < size;) {
		g_autofree char *memory = NULL;
		struct http1_head h;
		int64_t content, other;
		size_t body;

		if (parse(data + at, size - at, MIN(cut, size - at), &h, &memory) != HTTP1_WHOLE)
			return 0;
		check_head(&h, memory);
		at += h.size;
		body = read_body(&h, data + at, size - at, size, &content);
		g_assert_true(read_body(&h, data + at, size - at, cut, &other) == body && other == content);
		if (body == G_MAXSIZE)
			return 0;
		g_assert_true(h.chunked || content == MAX(h.length, 0));
		at += body;
	}
	return 0;
}
