/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#define SECOND_US 1000000

/* The microseconds behind the full second, also before 1970. */
static int micros(int64_t wall_us)
{
	return (int)((wall_us % SECOND_US + SECOND_US) % SECOND_US);
}

/* Dates come in crowds of the same second: the last one is kept, per thread. */
static void format(char *out, int64_t wall_us, const char *tail)
{
	static _Thread_local char kept[UTIL_TIME_MAX];
	static _Thread_local size_t n;
	static _Thread_local time_t kept_sec;
	time_t sec = (time_t)(wall_us / SECOND_US - (wall_us % SECOND_US < 0));
	struct tm tm;

	if (n == 0 || sec != kept_sec) {
		gmtime_r(&sec, &tm);
		n = strftime(kept, sizeof kept, "%Y-%m-%dT%H:%M:%S", &tm);
		kept_sec = sec;
	}
	memcpy(out, kept, n);
	g_strlcpy(out + n, tail, UTIL_TIME_MAX - n);
}

void util_time_us(char out[static UTIL_TIME_MAX], int64_t wall_us)
{
	char tail[] = ".000000";
	int us = micros(wall_us);

	for (char *p = tail + sizeof tail - 2; us; us /= 10)
		*p-- = (char)('0' + us % 10);
	format(out, wall_us, tail);
}

void util_time_z(char out[static UTIL_TIME_MAX], int64_t wall_us)
{
	format(out, wall_us, "Z");
}

bool util_time_parse(const char *text, int64_t *ret_wall_us)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) t = NULL;
	g_autofree char *with_time = NULL;

	if (strlen(text) == 10) /* a date alone means its midnight */
		text = with_time = g_strconcat(text, "T00:00:00", NULL);
	t = g_date_time_new_from_iso8601(text, utc);
	if (!t)
		return false;
	*ret_wall_us = g_date_time_to_unix(t) * SECOND_US + g_date_time_get_microsecond(t);
	return true;
}

char *util_uuid_new(void)
{
	return g_uuid_string_random();
}

bool util_uuid_valid(const char *text)
{
	return g_uuid_string_is_valid(text);
}

bool util_hostname_valid(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 255 || !g_ascii_isalnum(text[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!g_ascii_isalnum(text[i]) && !strchr("-._", text[i]))
			return false;
	return true;
}

bool util_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	return g_ascii_string_to_signed(text, 10, min, max, ret, NULL);
}

size_t util_int(char out[static UTIL_INT_MAX], int64_t v)
{
	char digits[UTIL_INT_MAX], *end = digits + sizeof digits, *p = end;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	size_t n;

	*--p = '\0';
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	n = (size_t)(end - p);
	memcpy(out, p, n);
	return n - 1;
}

void util_put_int(GString *s, int64_t v)
{
	char digits[UTIL_INT_MAX];
	size_t n = util_int(digits, v);

	util_put(s, digits, n);
}

bool util_equal_ct(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

unsigned util_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	g_autofree unsigned *row = g_new(unsigned, lb + 1);

	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned above = row[j];
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = MIN(replace, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[lb];
}

bool util_write_secret(const char *path, const char *text, GError **err)
{
	g_autoptr(GError) why = NULL;

	if (g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &why)) {
		/* An older file keeps its mode through GLib's rename; make sure of ours. */
		if (chmod(path, 0600) == 0)
			return true;
		g_set_error(err, ERR, ERR_INTERNAL, "cannot set mode 0600 on %s: %s", path, g_strerror(errno));
		return false;
	}
	g_set_error(err, ERR, ERR_INTERNAL, "cannot write %s: %s", path, why->message);
	return false;
}

/* None of eight characters is above 0x7f, nor is one a NUL. */
static bool is_ascii(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t w;

	memcpy(&w, s, sizeof w);
	return !((w | (w - ones)) & tops);
}

bool util_is_text(const char *s, size_t n)
{
	size_t at = 0;

	while (n - at >= sizeof(uint64_t) && is_ascii(s + at))
		at += sizeof(uint64_t);
	/* the last eight together, though some of them were looked at */
	if (at > 0 && n - at < sizeof(uint64_t) && is_ascii(s + n - sizeof(uint64_t)))
		return true;
	return at == n || g_utf8_validate(s + at, (gssize)(n - at), NULL);
}

void util_replace(char **where, const char *value)
{
	char *copy;

	if (g_strcmp0(*where, value) == 0)
		return;
	copy = g_strdup(value);
	g_free(*where);
	*where = copy;
}

bool util_is_line_text(gunichar c)
{
	if (c < 0x7f)
		return c >= ' ';
	return !g_unichar_iscntrl(c) && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

char *util_line(const char *text, size_t max)
{
	size_t len = text ? strnlen(text, max + 1) : 0;
	bool cut = len > max;
	g_autofree char *valid = NULL;
	GString *out = g_string_sized_new(len);

	/* not in the middle of a character */
	for (int i = 0; cut && i < 3 && ((unsigned char)text[len] & 0xc0) == 0x80; i++)
		len--;
	valid = text ? g_utf8_make_valid(text, (gssize)len) : NULL;
	for (const char *c = valid; c && *c; c = g_utf8_next_char(c)) {
		gunichar u = g_utf8_get_char(c);

		g_string_append_unichar(out, util_is_line_text(u) ? u : ' ');
	}
	if (cut || out->len > max) {
		/* the last character that begins early enough goes too */
		if (out->len > max - 3)
			g_string_truncate(out, (gsize)(g_utf8_find_prev_char(out->str, out->str + max - 2) - out->str));
		g_string_append(out, "...");
	}
	return g_string_free(out, !text);
}
