/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http1.h"

#include <string.h>

/* RFC 9110, 5.6.2 */
static bool is_token_char(unsigned char c)
{
	return g_ascii_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return false;
}

/* ---- the request line ---- */

/* "http://host/path" is to be understood too; whose host it names, the Host field says already. */
static char *strip_origin(char *target)
{
	char *slashes = strstr(target, "://");

	if (!g_ascii_isalpha(target[0]) || !slashes)
		return target;
	target = slashes + 3;
	return target + strcspn(target, "/?");
}

static bool take_target(char *target, struct http1_head *h, const char **ret_why)
{
	char *path = strip_origin(target), *query;

	for (const char *p = target; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
			return bad(ret_why, "The request line has a character that must be escaped.");
	if (strcmp(path, "*") == 0 && strcmp(h->method, "OPTIONS") == 0)
		path[0] = '/';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	if (path[0] == '\0' && path != target)
		path = "/";
	if (path[0] != '/')
		return bad(ret_why, "The path must begin with '/'.");
	h->path = path;
	h->query = query;
	return true;
}

static bool take_line(char *line, struct http1_head *h, const char **ret_why)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || target == line)
		return bad(ret_why, "The request line is not valid HTTP/1.1.");
	*target++ = *version++ = '\0';
	h->method = line;
	for (const char *p = line; *p; p++)
		if (!is_token_char((unsigned char)*p))
			return bad(ret_why, "The method is not valid.");
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return bad(ret_why, "The HTTP version is not supported.");
	h->old = version[7] == '0';
	return take_target(target, h, ret_why);
}

/* ---- fields ---- */

static const struct {
	const char *name;
	size_t offset;
} wanted[] = {
	{ "host", offsetof(struct http1_head, host) },
	{ "connection", offsetof(struct http1_head, connection) },
	{ "content-length", offsetof(struct http1_head, content_length) },
	{ "transfer-encoding", offsetof(struct http1_head, transfer_encoding) },
	{ "expect", offsetof(struct http1_head, expect) },
	{ "x-auth-token", offsetof(struct http1_head, token) },
	{ "x-subject-token", offsetof(struct http1_head, subject_token) },
	{ "openstack-api-version", offsetof(struct http1_head, version) },
	{ "x-openstack-nova-api-version", offsetof(struct http1_head, legacy_version) },
};

static bool keep_field(const char *name, const char *value, struct http1_head *h, const char **ret_why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		const char **where = (const char **)(void *)((char *)h + wanted[i].offset);

		if (g_ascii_strcasecmp(name, wanted[i].name) != 0)
			continue;
		if (*where)
			return bad(ret_why, "A field that may stand once stands twice.");
		*where = value;
		return true;
	}
	return true;
}

static bool take_field(char *line, struct http1_head *h, const char **ret_why)
{
	char *colon = strchr(line, ':'), *value;

	if (!colon || colon == line)
		return bad(ret_why, "A header field is not valid.");
	*colon = '\0';
	for (const char *p = line; *p; p++)
		if (!is_token_char((unsigned char)*p))
			return bad(ret_why, "The name of a header field is not valid.");
	value = colon + 1;
	for (const char *p = value; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return bad(ret_why, "The value of a header field has a control character.");
	return keep_field(line, g_strstrip(value), h, ret_why);
}

/* True if a list like "keep-alive, Upgrade" has the word. */
static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (list && *list) {
		list += strspn(list, ", \t");
		if (g_ascii_strncasecmp(list, word, n) == 0 && (list[n] == '\0' || strchr(", \t", list[n])))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static bool understand(struct http1_head *h, const char **ret_why)
{
	h->keep_alive = h->old ? list_has(h->connection, "keep-alive") : !list_has(h->connection, "close");
	h->expect_continue = !h->old && h->expect && g_ascii_strcasecmp(h->expect, "100-continue") == 0;
	if (h->content_length && (!g_ascii_isdigit(h->content_length[0]) ||
				  !g_ascii_string_to_signed(h->content_length, 10, 0, G_MAXINT64, &h->length, NULL)))
		return bad(ret_why, "Content-Length is not a number.");
	if (!h->transfer_encoding)
		return true;
	if (h->content_length || h->old)
		return bad(ret_why, "Transfer-Encoding does not go with Content-Length, nor with HTTP/1.0.");
	if (g_ascii_strcasecmp(h->transfer_encoding, "chunked") != 0)
		return bad(ret_why, "The transfer coding is not supported.");
	h->chunked = true;
	return true;
}

/* Ends the line at its CRLF. Return: the next line, or NULL. */
static char *cut_line(char *line, char *end)
{
	char *cr = memchr(line, '\r', (size_t)(end - line));

	if (!cr || cr[1] != '\n' || memchr(line, '\n', (size_t)(cr - line)) || memchr(line, '\0', (size_t)(cr - line)))
		return NULL;
	*cr = '\0';
	return cr + 2;
}

static bool take_head(char *line, char *end, struct http1_head *h, const char **ret_why)
{
	char *next = cut_line(line, end);

	if (!next)
		return bad(ret_why, "The request line does not end in CR LF.");
	if (!take_line(line, h, ret_why))
		return false;
	for (int fields = 0; next < end; fields++) {
		line = next;
		next = cut_line(line, end);
		if (!next)
			return bad(ret_why, "A header field does not end in CR LF.");
		if (fields == HTTP1_FIELDS_MAX)
			return bad(ret_why, "There are too many header fields.");
		if (!take_field(line, h, ret_why))
			return false;
	}
	return understand(h, ret_why);
}

enum http1_result http1_parse(char *buf, size_t len, struct http1_head *ret, const char **ret_why)
{
	size_t skip = 0;
	char *end;

	/* RFC 9112, 2.2: empty lines before a request are to be ignored. */
	while (skip + 1 < len && buf[skip] == '\r' && buf[skip + 1] == '\n')
		skip += 2;
	if (skip == len || (skip + 1 == len && buf[skip] == '\r'))
		return HTTP1_MORE;
	end = memmem(buf + skip, len - skip, "\r\n\r\n", 4);
	*ret = (struct http1_head){ .size = end ? (size_t)(end + 4 - buf) : 0 };
	if (end ? ret->size > HTTP1_HEAD_MAX : len > HTTP1_HEAD_MAX) {
		*ret_why = "The request's line and header fields are too large.";
		return HTTP1_BAD;
	}
	if (!end) {
		/* What cannot become a request need not be waited for: TLS, for example. */
		*ret_why = "The request line is not valid HTTP/1.1.";
		return is_token_char((unsigned char)buf[skip]) ? HTTP1_MORE : HTTP1_BAD;
	}
	return take_head(buf + skip, end + 2, ret, ret_why) ? HTTP1_OK : HTTP1_BAD;
}

/* ---- chunks ---- */

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_LINE, CHUNK_TRAILER, CHUNK_TRAILER_LF, CHUNK_LAST_LF };

#define CHUNK_DIGITS_MAX 8
#define CHUNK_EXTRA_MAX 4096  /* of extensions and trailers, which are ignored */

static bool chunk_size(struct http1_chunks *c, char ch)
{
	int digit = g_ascii_xdigit_value(ch);

	if (digit >= 0) {
		c->left = c->left * 16 + (unsigned)digit;
		return ++c->digits <= CHUNK_DIGITS_MAX;
	}
	c->state = ch == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
	return c->digits > 0 && (ch == '\r' || ch == ';' || ch == ' ' || ch == '\t');
}

/* One byte that is no data. Return: false if it may not stand there. */
static bool chunk_byte(struct http1_chunks *c, char ch, bool *ret_end)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return chunk_size(c, ch);
	case CHUNK_EXTENSION:
		if (ch == '\r')
			c->state = CHUNK_SIZE_LF;
		return ch != '\n' && ++c->extra <= CHUNK_EXTRA_MAX;
	case CHUNK_SIZE_LF:
		c->state = c->left ? CHUNK_DATA : CHUNK_LINE;
		return ch == '\n';
	case CHUNK_DATA_CR:
		c->state = CHUNK_DATA_LF;
		return ch == '\r';
	case CHUNK_DATA_LF:
		c->state = CHUNK_SIZE;
		c->digits = 0;
		return ch == '\n';
	case CHUNK_LINE:
		c->state = ch == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER;
		return ch != '\n';
	case CHUNK_TRAILER:
		if (ch == '\r')
			c->state = CHUNK_TRAILER_LF;
		return ch != '\n' && ++c->extra <= CHUNK_EXTRA_MAX;
	case CHUNK_TRAILER_LF:
		c->state = CHUNK_LINE;
		return ch == '\n';
	default: /* CHUNK_LAST_LF */
		*ret_end = true;
		return ch == '\n';
	}
}

enum http1_result http1_chunks(struct http1_chunks *c, const char *data, size_t len, GString *out, size_t max, size_t *ret_used,
			       const char **ret_why)
{
	bool end = false;
	size_t i = 0;

	while (i < len && !end) {
		size_t n = c->state == CHUNK_DATA ? (size_t)MIN(c->left, len - i) : 0;

		if (c->state != CHUNK_DATA) {
			if (chunk_byte(c, data[i++], &end))
				continue;
			*ret_why = "The chunked body is not valid.";
			return HTTP1_BAD;
		}
		if (n > max - out->len) {
			*ret_why = NULL; /* too large */
			return HTTP1_BAD;
		}
		g_string_append_len(out, data + i, (gssize)n);
		i += n;
		c->left -= n;
		if (c->left == 0)
			c->state = CHUNK_DATA_CR;
	}
	*ret_used = i;
	return end ? HTTP1_OK : HTTP1_MORE;
}

/* ---- escapes ---- */

bool http1_unescape(char *s, bool plus, bool strict)
{
	char *to = s;

	for (; *s; s++) {
		int high = s[0] == '%' ? g_ascii_xdigit_value(s[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(s[2]) : -1;

		if (low >= 0) {
			*to = (char)(high * 16 + low);
			s += 2;
			if (!*to++)
				return false;
		} else if (s[0] == '%' && strict) {
			return false;
		} else {
			*to++ = (char)(plus && *s == '+' ? ' ' : *s);
		}
	}
	*to = '\0';
	return true;
}
