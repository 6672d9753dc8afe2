/* SPDX-License-Identifier: Apache-2.0
 *
 * util: dates, UUIDs, names; small things that every module needs and GLib lacks.
 */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#define UTIL_TIME_MAX 40
#define UTIL_INT_MAX 24
#define UTIL_UUID_LEN 36

/** util_time_us() - "2016-01-29T13:42:02.000000", UTC, as Nova writes most dates. */
void util_time_us(char out[static UTIL_TIME_MAX], int64_t wall_us);

/** util_time_z() - "2013-09-03T04:01:32Z", UTC, as Nova writes a server's created and updated. */
void util_time_z(char out[static UTIL_TIME_MAX], int64_t wall_us);

/**
 * util_time_parse() - read an ISO 8601 date, with or without zone (UTC then), fraction or time.
 *
 * Return: false if @text is no date.
 */
bool util_time_parse(const char *text, int64_t *ret_wall_us);

/** util_uuid_new() - a random UUID, lower case. Return: owned by the caller. */
char *util_uuid_new(void);

/** util_uuid_valid() - true for 8-4-4-4-12 hex digits, either case. */
bool util_uuid_valid(const char *text);

/**
 * util_hostname_valid() - true for what may name a host: letters, digits, '-', '.', '_', at
 * most 255, first one a letter or a digit.
 */
bool util_hostname_valid(const char *text);

/**
 * util_parse_int() - the whole of @text as a decimal number within [@min, @max].
 *
 * Return: false otherwise; @ret is then untouched.
 */
bool util_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

/** util_int() - @v in decimal, as a string. Return: its length. */
size_t util_int(char out[static UTIL_INT_MAX], int64_t v);

/** util_put() - append @n bytes; in place where there is room, which GLib's own function takes longer to find than to copy a word. */
static inline void util_put(GString *s, const char *text, size_t n)
{
	if (G_UNLIKELY(n >= s->allocated_len - s->len)) {
		g_string_append_len(s, text, (gssize)n);
		return;
	}
	memcpy(s->str + s->len, text, n);
	s->len += n;
	s->str[s->len] = '\0';
}
/** util_put_text() - the same of a string. */
static inline void util_put_text(GString *s, const char *text)
{
	util_put(s, text, strlen(text));
}
/** util_put_int() - likewise a number in decimal. */
void util_put_int(GString *s, int64_t v);

/** util_equal_ct() - compare two strings in time that depends on their lengths alone. */
bool util_equal_ct(const char *a, const char *b);

/** util_distance() - edit distance of two words, for "did you mean". */
unsigned util_distance(const char *a, const char *b);

/**
 * util_write_secret() - write a file of mode 0600 whole or not at all (temporary file, fsync, rename).
 */
bool util_write_secret(const char *path, const char *text, GError **err);

/**
 * util_is_line_text() - false for what a terminal or an editor may act on instead of showing: controls of either set, and the marks
 * that change the line or the direction of what follows them.
 */
bool util_is_line_text(gunichar c);

/**
 * util_line() - foreign text as one line for messages, logs and records.
 *
 * Control characters become blanks, bytes that are not UTF-8 become U+FFFD; what is longer than @max bytes is cut and ends with "...".
 * @max: 8 or more
 *
 * Return: owned by the caller; NULL of NULL.
 */
char *util_line(const char *text, size_t max);

/** util_is_text() - are these @n bytes UTF-8 without a NUL? Plain ASCII, as most is, costs little. */
bool util_is_text(const char *s, size_t n);

/** util_replace() - *@where = copy of @value, the old one freed; both may be NULL. One that is equal already stays where it is. */
void util_replace(char **where, const char *value);

#endif
