/* SPDX-License-Identifier: Apache-2.0 */
#include "slim.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

struct cursor {
	const char *p, *end;
	GString *out;
	const char *const *members;
};

static char peek(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
	return c->p < c->end ? *c->p : '\0';
}

static bool take(struct cursor *c, char want)
{
	if (peek(c) != want)
		return false;
	c->p++;
	return true;
}

/* Past a string; the cursor stands at its quote. */
static bool skip_string(struct cursor *c)
{
	for (c->p++; c->p < c->end; c->p++) {
		if (*c->p == '\\')
			c->p++;
		else if (*c->p == '"')
			return c->p++, true;
	}
	return false;
}

static bool skip_scalar(struct cursor *c)
{
	const char *begin = c->p;

	while (c->p < c->end && !strchr(",]} \n\t\r", *c->p))
		c->p++;
	return c->p > begin;
}

/* Past any value. */
static bool skip_value(struct cursor *c)
{
	size_t depth = 0;

	do {
		char ch = peek(c);

		if (ch == '"') {
			if (!skip_string(c))
				return false;
		} else if (ch == '{' || ch == '[') {
			depth++;
			c->p++;
		} else if (depth > 0 && (ch == '}' || ch == ']')) {
			depth--;
			c->p++;
		} else if (depth > 0 && (ch == ',' || ch == ':')) {
			c->p++;
		} else if (!skip_scalar(c)) {
			return false;
		}
	} while (depth > 0 && c->p < c->end);
	return depth == 0;
}

/* A member's name, without quotes. Return: false for one that is written with escapes, too: it may be any. */
static bool take_name(struct cursor *c, const char **ret, size_t *ret_len)
{
	const char *begin;

	if (peek(c) != '"')
		return false;
	begin = c->p + 1;
	if (!skip_string(c))
		return false;
	*ret = begin;
	*ret_len = (size_t)(c->p - begin - 1);
	return !memchr(begin, '\\', *ret_len) && take(c, ':');
}

static bool is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(name, want, len) == 0;
}

static bool is_wanted(const struct cursor *c, const char *name, size_t len)
{
	for (const char *const *m = c->members; *m; m++)
		if (is(name, len, *m))
			return true;
	return false;
}

static bool take_row(struct cursor *c)
{
	const char *begin, *sep = "{";

	if (!take(c, '{'))
		return false;
	if (take(c, '}')) {
		g_string_append(c->out, "{}");
		return true;
	}
	do {
		const char *name;
		size_t len;

		(void)peek(c);
		begin = c->p;
		if (!take_name(c, &name, &len) || !skip_value(c))
			return false;
		if (!is_wanted(c, name, len))
			continue;
		g_string_append(c->out, sep);
		g_string_append_len(c->out, begin, c->p - begin);
		sep = ",";
	} while (take(c, ','));
	g_string_append(c->out, *sep == '{' ? "{}" : "}");
	return take(c, '}');
}

static bool take_list(struct cursor *c)
{
	if (!take(c, '['))
		return false;
	g_string_append_c(c->out, '[');
	if (take(c, ']')) {
		g_string_append_c(c->out, ']');
		return true;
	}
	do {
		if (!take_row(c))
			return false;
		g_string_append_c(c->out, ',');
	} while (take(c, ','));
	c->out->str[c->out->len - 1] = ']';
	return take(c, ']');
}

static bool take_page(struct cursor *c, const char *list)
{
	if (!take(c, '{'))
		return false;
	g_string_append_c(c->out, '{');
	do {
		const char *begin, *name;
		size_t len;

		(void)peek(c);
		begin = c->p;
		if (!take_name(c, &name, &len))
			return false;
		g_string_append_len(c->out, begin, c->p - begin);
		begin = c->p;
		if (is(name, len, list) ? !take_list(c) : !skip_value(c))
			return false;
		if (!is(name, len, list))
			g_string_append_len(c->out, begin, c->p - begin);
		g_string_append_c(c->out, ',');
	} while (take(c, ','));
	c->out->str[c->out->len - 1] = '}';
	return take(c, '}') && peek(c) == '\0' && c->p == c->end;
}

char *slim_rows(const char *text, size_t len, const char *name, const char *const *members, size_t *ret_len)
{
	struct cursor c = { .p = text, .end = text + len, .out = g_string_sized_new(len / 3 + 16), .members = members };
	bool ok = take_page(&c, name);

	*ret_len = c.out->len;
	return g_string_free(c.out, !ok);
}
