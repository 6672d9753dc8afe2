/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http1.h"

#include <string.h>

#include <glib.h>

#define DIGITS_MAX 15 /* of a chunk's size: what an int64_t holds */

/* ---- letters ---- */

enum {
	TOKEN = 1,   /* RFC 9110, 5.6.2 */
	/*
	 * Visible in ASCII, but for '#', which begins what clients keep for themselves, and for the backslash, which some programs read as a
	 * slash. The others that RFC 3986 wants escaped ("<>^`{|}) mean the same to all.
	 */
	TARGET = 2,
	VALUE = 4,
	NAME = 8,    /* of a host */
	ADDRESS = 16,
	DIGIT = 32,
	HEX = 64,
};

static const uint8_t letters[256] = {
	['\t'] = VALUE, [' '] = VALUE,
	['!'] = TOKEN | TARGET | VALUE, ['"'] = TARGET | VALUE, ['#'] = TOKEN | VALUE, ['$' ... '\''] = TOKEN | TARGET | VALUE,
	['(' ... ')'] = TARGET | VALUE, ['*' ... '+'] = TOKEN | TARGET | VALUE, [','] = TARGET | VALUE, ['-'] = TOKEN | TARGET | VALUE | NAME,
	['.'] = TOKEN | TARGET | VALUE | NAME | ADDRESS, ['/'] = TARGET | VALUE, ['0' ... '9'] = TOKEN | TARGET | VALUE | NAME | ADDRESS | DIGIT | HEX,
	[':'] = TARGET | VALUE | ADDRESS, [';' ... '@'] = TARGET | VALUE, ['A' ... 'F'] = TOKEN | TARGET | VALUE | NAME | ADDRESS | HEX,
	['G' ... 'Z'] = TOKEN | TARGET | VALUE | NAME, ['['] = TARGET | VALUE, ['\\'] = VALUE, [']'] = TARGET | VALUE, ['^'] = TOKEN | TARGET | VALUE,
	['_'] = TOKEN | TARGET | VALUE | NAME, ['`'] = TOKEN | TARGET | VALUE, ['a' ... 'f'] = TOKEN | TARGET | VALUE | NAME | ADDRESS | HEX,
	['g' ... 'z'] = TOKEN | TARGET | VALUE | NAME, ['{'] = TARGET | VALUE, ['|'] = TOKEN | TARGET | VALUE, ['}'] = TARGET | VALUE,
	['~'] = TOKEN | TARGET | VALUE, [0x80 ... 0xff] = VALUE,
};

static bool is(char c, unsigned kind)
{
	return letters[(unsigned char)c] & kind;
}

/* How many of them, from the first on, are of a kind. */
static size_t count(const char *s, size_t n, unsigned kind)
{
	size_t i = 0;

	while (i < n && is(s[i], kind))
		i++;
	return i;
}

/* ---- a host ---- */

/* "host", "host:8774", "[::1]:8774". No user before it: a host knows none. */
static bool host_ok(const char *s, size_t n)
{
	bool literal = n && s[0] == '[';
	size_t name = literal ? count(s + 1, n - 1, ADDRESS) : count(s, n, NAME);
	size_t end = literal ? name + 2 : name;

	if (!name || n > HTTP1_HOST_MAX || (literal && (end > n || s[name + 1] != ']')))
		return false;
	return end == n || (s[end] == ':' && n - end <= 6 && count(s + end + 1, n - end - 1, DIGIT) == n - end - 1);
}

/* ---- the head, line by line ---- */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 400, "Bad Request" }, { 408, "Request Timeout" }, { 413, "Request Entity Too Large" }, { 414, "URI Too Long" },
	{ 417, "Expectation Failed" }, { 431, "Request Header Fields Too Large" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http1_reason(int status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static enum http1_result bad(struct http1_head *h, int status, const char *why)
{
	h->status = status;
	h->why = why;
	return HTTP1_BAD;
}

/* While strings are not ended by NULs. */
struct text {
	char *at;
	size_t len;
};

struct parse {
	char *data, *end;          /* of what came */
	char *next;                /* the next line */
	struct text line;
	const char *broken;        /* what is wrong with the line's end; NULL */
	struct text method, target, query, authority;
	struct text names[HTTP1_FIELDS_MAX], values[HTTP1_FIELDS_MAX];
	bool absolute, has_host, has_length, has_coding, closes, keeps;
	struct http1_head *head;
};

/*
 * The next line, without its CRLF. HTTP1_MORE: it has not ended, and p->line is what there is of it. Faults are found in the order of the
 * bytes, so that the answer does not depend on how they came: what is wrong with the end of a line is told if its begin is good, and of one
 * that is too long no more is looked at than says so.
 */
static enum http1_result take_line(struct parse *p)
{
	size_t left = MIN((size_t)(p->end - p->next), HTTP1_LINE_MAX + 2), n = 0;

	while (n < left && p->next[n] != '\r' && p->next[n] != '\n')
		n++;
	p->line = (struct text){ p->next, n };
	p->broken = NULL;
	if (n > HTTP1_LINE_MAX || n == left || (n + 1 == left && p->next[n] == '\r'))
		return HTTP1_MORE;
	if (p->next[n] == '\n')
		p->broken = "A line ends with a bare LF";
	else if (p->next[n + 1] != '\n')
		p->broken = "A bare CR";
	p->next += n + 2;
	return p->broken ? HTTP1_BAD : HTTP1_WHOLE;
}

/* @s begins with @word, as far as @s goes. */
static bool begins_as(const char *s, size_t n, const char *word)
{
	return strncmp(s, word, MIN(n, strlen(word))) == 0;
}

/* What stands behind the target. @ended: all of it is there */
static enum http1_result take_version(struct parse *p, const char *s, size_t n, bool ended)
{
	if (!begins_as(s, n, "HTTP/") || (n > 5 && !g_ascii_isdigit(s[5])) || (n > 6 && s[6] != '.') || (n > 7 && !g_ascii_isdigit(s[7])) || n > 8 ||
	    (ended && n < 8))
		return bad(p->head, 400, "The request line does not end with HTTP/1.1");
	if (n > 5 && s[5] != '1')
		return ended ? bad(p->head, 505, "Only HTTP/1.x is spoken here") : HTTP1_MORE;
	if (n == 8)
		p->head->minor = s[7] - '0';
	return ended ? HTTP1_WHOLE : HTTP1_MORE;
}

/* "http://host/path?query" */
static enum http1_result take_absolute(struct parse *p)
{
	static const char *const schemes[] = { "http://", "https://" };
	char *s = p->target.at, *end = s + p->target.len;

	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (p->target.len <= n || g_ascii_strncasecmp(s, schemes[i], n) != 0)
			continue;
		p->absolute = true;
		p->authority.at = s + n;
		s += n;
		while (s < end && *s != '/' && *s != '?')
			s++;
		p->authority.len = (size_t)(s - p->authority.at);
		if (!host_ok(p->authority.at, p->authority.len))
			break;
		p->target = (struct text){ s, (size_t)(end - s) };
		return HTTP1_WHOLE;
	}
	return bad(p->head, 400, "The request's target is neither a path nor a URL of HTTP");
}

static bool text_is(const struct text *t, const char *word)
{
	return t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

static enum http1_result take_target(struct parse *p)
{
	char *query;

	if (text_is(&p->method, "CONNECT"))
		return bad(p->head, 400, "CONNECT is for proxies");
	if (text_is(&p->target, "*"))
		return text_is(&p->method, "OPTIONS") ? HTTP1_WHOLE : bad(p->head, 400, "Only OPTIONS may ask for *");
	if (*p->target.at != '/' && take_absolute(p) == HTTP1_BAD)
		return HTTP1_BAD;
	query = memchr(p->target.at, '?', p->target.len);
	if (query) {
		p->query = (struct text){ query + 1, p->target.len - (size_t)(query + 1 - p->target.at) };
		p->target.len = (size_t)(query - p->target.at);
	}
	return HTTP1_WHOLE;
}

/* "GET /path HTTP/1.1"; as much of it as is there. */
static enum http1_result take_request_line(struct parse *p, bool ended)
{
	char *s = p->line.at, *end = s + p->line.len;
	enum http1_result r;

	p->method = (struct text){ s, count(s, p->line.len, TOKEN) };
	s += p->method.len;
	if (p->method.len > HTTP1_METHOD_MAX)
		return bad(p->head, 501, "There is no method with a name that long");
	if (p->method.len == 0 || (s < end && *s != ' '))
		return bad(p->head, 400, "The request does not begin with a method");
	if (s++ < end) {
		p->target = (struct text){ s, count(s, (size_t)(end - s), TARGET) };
		s += p->target.len;
		if (s < end && (p->target.len == 0 || *s != ' '))
			return bad(p->head, 400, "The request's target is malformed");
	}
	if (s >= end)
		return ended ? bad(p->head, 400, "The request line does not end with HTTP/1.1") : HTTP1_MORE;
	s++;
	r = take_version(p, s, (size_t)(end - s), ended);
	return r == HTTP1_WHOLE ? take_target(p) : r;
}

/* "Name: value"; as much of it as is there. Also a trailer's. */
static const char *check_field(const char *s, size_t n, bool ended, size_t *ret_name)
{
	size_t name = count(s, n, TOKEN);

	*ret_name = name;
	if (n && (*s == ' ' || *s == '\t'))
		return "A header field is folded";
	if (name == n)
		return ended ? "A header field has no colon" : NULL;
	if (name == 0 || s[name] != ':')
		return "A header field's name is malformed";
	if (count(s + name + 1, n - name - 1, VALUE) != n - name - 1)
		return "A header field's value has a control character";
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trimmed(struct text t)
{
	while (t.len && is_blank(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len && is_blank(t.at[t.len - 1]))
		t.len--;
	return t;
}

static bool same_word(const struct text *t, const char *word)
{
	return t->len == strlen(word) && g_ascii_strncasecmp(t->at, word, t->len) == 0;
}

/* ---- the fields that say how the message is framed ---- */

typedef enum http1_result field_f(struct parse *p, struct text value);

static enum http1_result take_host(struct parse *p, struct text value)
{
	if (p->has_host)
		return bad(p->head, 400, "Host is there twice");
	p->has_host = true;
	if (!host_ok(value.at, value.len))
		return bad(p->head, 400, "Host is no host");
	if (!p->absolute)
		p->authority = value;
	return HTTP1_WHOLE;
}

static enum http1_result take_length(struct parse *p, struct text value)
{
	int64_t n = 0;

	if (p->has_length)
		return bad(p->head, 400, "Content-Length is there twice");
	p->has_length = true;
	if (value.len == 0 || count(value.at, value.len, DIGIT) != value.len)
		return bad(p->head, 400, "Content-Length is no number");
	for (size_t i = 0; i < value.len; i++)
		n = n > (INT64_MAX - 9) / 10 ? INT64_MAX : n * 10 + (value.at[i] - '0');
	p->head->length = n;
	return HTTP1_WHOLE;
}

static enum http1_result take_coding(struct parse *p, struct text value)
{
	if (p->has_coding)
		return bad(p->head, 400, "Transfer-Encoding is there twice");
	p->has_coding = true;
	if (!same_word(&value, "chunked"))
		return bad(p->head, 400, "Transfer-Encoding must be chunked");
	p->head->chunked = true;
	return HTTP1_WHOLE;
}

/* A list of words; other words than these name fields for the next hop, which is us. */
static enum http1_result take_connection(struct parse *p, struct text value)
{
	while (value.len) {
		char *comma = memchr(value.at, ',', value.len);
		struct text word = { value.at, comma ? (size_t)(comma - value.at) : value.len };
		size_t used = word.len + (comma != NULL);

		word = trimmed(word);
		if (count(word.at, word.len, TOKEN) != word.len)
			return bad(p->head, 400, "Connection is malformed");
		p->closes |= same_word(&word, "close");
		p->keeps |= same_word(&word, "keep-alive");
		value.at += used;
		value.len -= used;
	}
	return HTTP1_WHOLE;
}

static enum http1_result take_expect(struct parse *p, struct text value)
{
	if (!same_word(&value, "100-continue"))
		return bad(p->head, 417, "Only 100-continue can be expected");
	p->head->expects_continue = p->head->minor > 0;
	return HTTP1_WHOLE;
}

static const struct {
	const char *name;
	field_f *take;
} framing[] = {
	{ "Host", take_host },
	{ "Content-Length", take_length },
	{ "Transfer-Encoding", take_coding },
	{ "Connection", take_connection },
	{ "Expect", take_expect },
};

static enum http1_result take_field(struct parse *p, bool ended)
{
	struct http1_head *h = p->head;
	size_t name;
	const char *why = check_field(p->line.at, p->line.len, ended, &name);
	struct text t = { p->line.at, name }, value;

	if (why)
		return bad(h, 400, why);
	if (!ended)
		return HTTP1_MORE;
	if (h->n_fields == HTTP1_FIELDS_MAX)
		return bad(h, 431, "There are too many header fields");
	value = trimmed((struct text){ p->line.at + name + 1, p->line.len - name - 1 });
	p->names[h->n_fields] = t;
	p->values[h->n_fields++] = value;
	for (size_t i = 0; i < G_N_ELEMENTS(framing); i++)
		if (same_word(&t, framing[i].name))
			return framing[i].take(p, value);
	return HTTP1_WHOLE;
}

/* ---- the whole ---- */

static enum http1_result check_whole(struct parse *p)
{
	struct http1_head *h = p->head;

	if (p->has_coding && p->has_length)
		return bad(h, 400, "Content-Length and Transfer-Encoding are mutually exclusive");
	if (p->has_coding && h->minor == 0)
		return bad(h, 400, "HTTP/1.0 has no Transfer-Encoding");
	if (!p->has_host && h->minor > 0)
		return bad(h, 400, "There is no Host");
	h->keep_alive = !p->closes && (h->minor > 0 || p->keeps);
	h->size = (size_t)(p->next - p->data);
	return HTTP1_WHOLE;
}

/* Behind each string stands what parts it from the next one: a blank, a colon, a CR. */
static const char *end_text(struct text t)
{
	t.at[t.len] = '\0';
	return t.at;
}

static void end_strings(struct parse *p)
{
	struct http1_head *h = p->head;

	if (p->absolute) {
		/* a place for its end, at the cost of a slash of "://" */
		memmove(p->authority.at - 1, p->authority.at, p->authority.len);
		p->authority.at--;
	}
	h->method = end_text(p->method);
	h->query = p->query.at ? end_text(p->query) : NULL;
	h->path = p->target.len ? end_text(p->target) : "/";
	h->authority = p->authority.at ? end_text(p->authority) : NULL;
	for (unsigned i = 0; i < h->n_fields; i++) {
		h->fields[i].name = end_text(p->names[i]);
		h->fields[i].value = end_text(p->values[i]);
	}
}

/* One line, or what there is of it. */
static enum http1_result take_bounded(struct parse *p, bool began, bool ended)
{
	bool long_line = p->line.len > HTTP1_LINE_MAX;
	enum http1_result r;

	p->line.len = MIN(p->line.len, HTTP1_LINE_MAX);
	r = began ? take_field(p, ended) : take_request_line(p, ended);
	if (r == HTTP1_BAD)
		return r;
	if (p->broken)
		return bad(p->head, 400, p->broken);
	if (!long_line)
		return r;
	return began ? bad(p->head, 431, "A header field is too long") : bad(p->head, 414, "The request's target is too long");
}

/* Up to the end of the head, or of the bytes. */
static enum http1_result take_lines(struct parse *p)
{
	unsigned empty = 0;
	bool began = false;

	for (;;) {
		enum http1_result r = take_line(p);

		if (p->line.len == 0 && r == HTTP1_WHOLE && !began) {
			if (++empty > HTTP1_EMPTY_MAX)
				return bad(p->head, 400, "Empty lines instead of a request");
			continue;
		}
		if (p->line.len == 0)
			return r == HTTP1_BAD ? bad(p->head, 400, p->broken) : r;
		r = take_bounded(p, began, r == HTTP1_WHOLE);
		if (r != HTTP1_WHOLE)
			return r;
		began = true;
	}
}

enum http1_result http1_parse(char *data, size_t len, struct http1_head *ret)
{
	struct parse p = { .data = data, .end = len > 0 ? data + MIN(len, HTTP1_HEAD_MAX) : data, .next = data, .head = ret };
	enum http1_result r;

	*ret = (struct http1_head){ .length = -1 };
	r = take_lines(&p);
	if (r == HTTP1_MORE && len >= HTTP1_HEAD_MAX)
		return bad(ret, 431, "The header fields are too long");
	if (r != HTTP1_WHOLE)
		return r;
	r = check_whole(&p);
	if (r == HTTP1_WHOLE)
		end_strings(&p);
	return r;
}

/* ---- bodies ---- */

void http1_body_begin(struct http1_body *b, const struct http1_head *h)
{
	*b = (struct http1_body){ .chunked = h->chunked, .place = HTTP1_END };
	if (h->chunked) {
		b->place = HTTP1_SIZE;
	} else if (h->length > 0) {
		b->place = HTTP1_DATA;
		b->left = h->length;
	}
}

/* The line with a chunk's size is over. */
static enum http1_place after_size(const struct http1_body *b)
{
	return b->left ? HTTP1_DATA : HTTP1_TRAILER;
}

static bool take_size(struct http1_body *b, char c)
{
	if (is(c, HEX)) {
		if (++b->digits > DIGITS_MAX)
			return false;
		b->left = b->left * 16 + g_ascii_xdigit_value(c);
		return true;
	}
	b->place = c == ';' ? HTTP1_EXTENSION : HTTP1_SIZE_LF;
	return b->digits > 0 && (c == ';' || c == '\r');
}

static bool take_extension(struct http1_body *b, char c)
{
	if (c == '\r')
		b->place = HTTP1_SIZE_LF;
	else if (!is(c, VALUE))
		return false;
	return ++b->extensions <= HTTP1_EXTENSIONS_MAX;
}

/* Read as strictly as the head's fields, and dropped. */
static bool take_trailer(struct http1_body *b, char c)
{
	if (c == '\r') {
		b->place = HTTP1_TRAILER_LF;
		return b->line == 0 || b->named;
	}
	if (!b->named && c == ':' && b->line)
		b->named = true;
	else if (!is(c, b->named ? VALUE : TOKEN))
		return false;
	b->line++;
	return ++b->trailers <= HTTP1_TRAILERS_MAX;
}

/* One byte of the framing of chunks. */
static bool take_framing(struct http1_body *b, char c)
{
	switch (b->place) {
	case HTTP1_SIZE:
		return take_size(b, c);
	case HTTP1_EXTENSION:
		return take_extension(b, c);
	case HTTP1_SIZE_LF:
		b->place = after_size(b);
		b->line = 0;
		b->named = false;
		return c == '\n';
	case HTTP1_DATA_CR:
		b->place = HTTP1_DATA_LF;
		return c == '\r';
	case HTTP1_DATA_LF:
		b->place = HTTP1_SIZE;
		b->digits = 0;
		return c == '\n';
	case HTTP1_TRAILER:
		return take_trailer(b, c);
	case HTTP1_TRAILER_LF:
		b->place = b->line ? HTTP1_TRAILER : HTTP1_END;
		b->line = 0;
		b->named = false;
		return c == '\n';
	case HTTP1_DATA:
	case HTTP1_END:
		break;
	}
	g_assert_not_reached();
}

static size_t take_data(struct http1_body *b, size_t len)
{
	size_t n = (size_t)MIN(b->left, (int64_t)len);

	b->left -= (int64_t)n;
	if (!b->left)
		b->place = b->chunked ? HTTP1_DATA_CR : HTTP1_END;
	return n;
}

bool http1_body_next(struct http1_body *b, const char *data, size_t len, size_t *ret_used, const char **ret_piece, size_t *ret_len)
{
	size_t used = 0;

	*ret_piece = data;
	*ret_len = 0;
	while (used < len && b->place != HTTP1_END && !*ret_len) {
		if (b->place != HTTP1_DATA) {
			if (!take_framing(b, data[used++]))
				return false;
			continue;
		}
		*ret_piece = data + used;
		*ret_len = take_data(b, len - used);
		used += *ret_len;
	}
	*ret_used = used;
	return true;
}
