/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/util.h"

/* ---- dates ---- */

static const struct {
	int64_t us;
	const char *want_us, *want_z;
} dates[] = {
	{ 0, "1970-01-01T00:00:00.000000", "1970-01-01T00:00:00Z" },
	{ 1454074922000000, "2016-01-29T13:42:02.000000", "2016-01-29T13:42:02Z" },
	{ 1454074922999999, "2016-01-29T13:42:02.999999", "2016-01-29T13:42:02Z" },
	{ 1709164800000001, "2024-02-29T00:00:00.000001", "2024-02-29T00:00:00Z" },
	{ 2147483648000000, "2038-01-19T03:14:08.000000", "2038-01-19T03:14:08Z" },
	{ 253402300799000000, "9999-12-31T23:59:59.000000", "9999-12-31T23:59:59Z" },
	{ -1, "1969-12-31T23:59:59.999999", "1969-12-31T23:59:59Z" },
	{ -1000000, "1969-12-31T23:59:59.000000", "1969-12-31T23:59:59Z" },
	{ INT64_MAX, "294247-01-10T04:00:54.775807", "294247-01-10T04:00:54Z" },
};

static void test_dates(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
		char text[UTIL_TIME_MAX];
		int64_t back = 0;

		util_time_us(text, dates[i].us);
		g_assert_cmpstr(text, ==, dates[i].want_us);
		if (strlen(text) == strlen("1970-01-01T00:00:00.000000")) {
			g_assert_true(util_time_parse(text, &back));
			g_assert_cmpint(back, ==, dates[i].us);
		}
		util_time_z(text, dates[i].us);
		g_assert_cmpstr(text, ==, dates[i].want_z);
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t us;
} parsed[] = {
	{ "2016-01-29T13:42:02", true, 1454074922000000 },
	{ "2016-01-29T13:42:02Z", true, 1454074922000000 },
	{ "2016-01-29 13:42:02", true, 1454074922000000 },
	{ "2016-01-29T13:42:02.5Z", true, 1454074922500000 },
	{ "2016-01-29T13:42:02.000007", true, 1454074922000007 },
	{ "2016-01-29T14:42:02+01:00", true, 1454074922000000 },
	{ "2016-01-29T08:42:02-05", true, 1454074922000000 },
	{ "20160129T134202Z", true, 1454074922000000 },
	{ "2016-01-29", true, 1454025600000000 },
	{ "1969-12-31T23:59:59Z", true, -1000000 },
	{ "", false, 0 },
	{ "yesterday", false, 0 },
	{ "ten chars!", false, 0 },
	{ "2016-13-01", false, 0 },
	{ "2016-02-30", false, 0 },
	{ "2016-01-29T25:00:00", false, 0 },
	{ "2016-01-29T13:42:02 and more", false, 0 },
	{ "1454074922", false, 0 },
	{ "2016-01-2\xff", false, 0 },
};

static void test_parse(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(parsed); i++) {
		int64_t us = 77;

		if (util_time_parse(parsed[i].text, &us) != parsed[i].ok)
			g_error("\"%s\" is %s date", parsed[i].text, parsed[i].ok ? "a" : "no");
		if (us != (parsed[i].ok ? parsed[i].us : 77))
			g_error("\"%s\": got %" G_GINT64_FORMAT, parsed[i].text, us);
	}
}

/* ---- names and numbers ---- */

static void test_uuid(void)
{
	g_autofree char *a = util_uuid_new(), *b = util_uuid_new();

	g_assert_cmpuint(strlen(a), ==, UTIL_UUID_LEN);
	g_assert_true(util_uuid_valid(a) && strcmp(a, b) != 0);
	g_assert_true(util_uuid_valid("4E8C1B0A-0000-4000-8000-00000000000F"));
	g_assert_false(util_uuid_valid(""));
	g_assert_false(util_uuid_valid("4e8c1b0a00004000800000000000000f"));
	g_assert_false(util_uuid_valid("4e8c1b0a-0000-4000-8000-00000000000"));
	g_assert_false(util_uuid_valid("4e8c1b0a-0000-4000-8000-00000000000g"));
	g_assert_false(util_uuid_valid("4e8c1b0a-0000-4000-8000-00000000000f "));
}

static void test_hostname(void)
{
	static const struct {
		const char *text;
		bool ok;
	} names[] = {
		{ "h1", true }, { "1", true }, { "host-1.example_x.org", true }, { "A", true },
		{ "", false }, { "-h", false }, { ".h", false }, { "_h", false }, { "a b", false }, { "a/b", false }, { "a\nb", false },
		{ "h\xc3\xbc", false }, { "a;b", false }, { "a\x7f", false },
	};
	g_autofree char *most = g_strnfill(255, 'a'), *more = g_strnfill(256, 'a');

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (util_hostname_valid(names[i].text) != names[i].ok)
			g_error("\"%s\"", names[i].text);
	g_assert_true(util_hostname_valid(most));
	g_assert_false(util_hostname_valid(more));
}

static const struct {
	const char *text;
	int64_t min, max;
	bool ok;
	int64_t want;
} numbers[] = {
	{ "0", 0, 10, true, 0 },
	{ "10", 0, 10, true, 10 },
	{ "007", 0, 10, true, 7 },
	{ "-3", -5, 10, true, -3 },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
	{ "11", 0, 10, false, 0 },
	{ "-1", 0, 10, false, 0 },
	{ "", 0, 10, false, 0 },
	{ " 1", 0, 10, false, 0 },
	{ "1 ", 0, 10, false, 0 },
	{ "+1", 0, 10, true, 1 },
	{ "++1", 0, 10, false, 0 },
	{ "0x1", 0, 10, false, 0 },
	{ "1.0", 0, 10, false, 0 },
	{ "1e1", 0, 10, false, 0 },
};

static void test_int(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		int64_t v = 77;

		if (util_parse_int(numbers[i].text, numbers[i].min, numbers[i].max, &v) != numbers[i].ok)
			g_error("\"%s\"", numbers[i].text);
		g_assert_cmpint(v, ==, numbers[i].ok ? numbers[i].want : 77);
	}
}

static void test_words(void)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} words[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 }, { "host", "host", 0 }, { "host", "hots", 2 }, { "drain", "rain", 1 },
		{ "kitten", "sitting", 3 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_assert_cmpuint(util_distance(words[i].a, words[i].b), ==, words[i].want);
		g_assert_cmpuint(util_distance(words[i].b, words[i].a), ==, words[i].want);
	}
	g_assert_true(util_equal_ct("", "") && util_equal_ct("abc", "abc"));
	g_assert_false(util_equal_ct("abc", "abd") || util_equal_ct("abc", "ab") || util_equal_ct("", "a"));
}

static void test_replace(void)
{
	char *s = NULL;
	const char *was;

	util_replace(&s, NULL);
	g_assert_null(s);
	util_replace(&s, "abc");
	was = s;
	util_replace(&s, s); /* what has borrowed it goes on with it: drafts of a record do */
	g_assert_true(s == was);
	util_replace(&s, s + 1); /* out of itself */
	g_assert_cmpstr(s, ==, "bc");
	util_replace(&s, NULL);
	g_assert_null(s);
}

/* ---- secrets ---- */

static void expect_secret(const char *path, const char *want)
{
	g_autofree char *text = NULL;
	struct stat st;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, want);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0600);
}

/* Each length, and at each place of it a character that is none, or of more than one byte. */
static void test_is_text(void)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz";

	for (size_t n = 0; n < sizeof plain; n++) {
		g_assert_true(util_is_text(plain, n));
		for (size_t at = 0; at < n; at++) {
			g_autofree char *bad = g_strndup(plain, n), *cut = g_strndup(plain, n), *good = g_strndup(plain, n);

			bad[at] = '\xff';
			g_assert_false(util_is_text(bad, n));
			bad[at] = '\0';
			g_assert_false(util_is_text(bad, n));
			memcpy(cut + at, "\xc3\xa9", MIN((size_t)2, n - at));
			g_assert_true(util_is_text(cut, n) == (at + 1 < n)); /* the last one has its first half alone */
			good[at] = '\x7f';
			g_assert_true(util_is_text(good, n));
		}
	}
}

static void test_secret(void)
{
	g_autofree char *dir = g_dir_make_tmp("drover-util.XXXXXX", NULL), *path = g_build_filename(dir, "secret", NULL);
	g_autofree char *nowhere = g_build_filename(dir, "no", "secret", NULL);
	g_autoptr(GError) err = NULL;
	mode_t old = umask(0);

	g_assert_true(util_write_secret(path, "one", &err));
	expect_secret(path, "one");
	g_assert_cmpint(g_chmod(path, 0644), ==, 0);
	g_assert_true(util_write_secret(path, "two", &err));
	expect_secret(path, "two");
	umask(old);
	g_assert_false(util_write_secret(nowhere, "three", &err));
	g_assert_error(err, ERR, ERR_INTERNAL);
	g_assert_nonnull(strstr(err->message, nowhere));
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0); /* nothing else is left there */
}

/* D20: what a host says is bounded, one line, and text. */
/* The short way for ASCII says what GLib's tables say. */
static void test_line_text(void)
{
	for (gunichar c = 0; c < 0x100; c++)
		g_assert_true(util_is_line_text(c) == !g_unichar_iscntrl(c));
}

/* As GLib's own functions, also at each place where the room ends, and an empty piece. */
static void test_put(void)
{
	static const int64_t put[] = { 0, 7, -7, 10, 1000000, INT64_MAX, INT64_MIN };
	g_autoptr(GString) ours = g_string_sized_new(1), theirs = g_string_sized_new(1);

	for (size_t i = 0; i < 1000; i++) {
		int64_t v = put[i % G_N_ELEMENTS(put)];
		g_autofree char *piece = g_strnfill(i % 9, 'x'), *want = g_strdup_printf("%" G_GINT64_FORMAT, v);
		char text[UTIL_INT_MAX];

		util_put_text(ours, piece);
		util_put_int(ours, v);
		g_string_append_printf(theirs, "%s%s", piece, want);
		g_assert_cmpuint(util_int(text, v), ==, strlen(want));
		g_assert_cmpstr(text, ==, want);
		g_assert_cmpuint(ours->len, ==, theirs->len);
		g_assert_cmpstr(ours->str, ==, theirs->str);
	}
}

static void test_line(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ NULL, NULL },
		{ "", "" },
		{ "as it is", "as it is" },
		{ "a\nb\tc\r\x1b[31m\x7f", "a b c  [31m " },
		{ "\xc2\x9b" "C1\xe2\x80\xae" "turned\xe2\x80\xa8line", " C1 turned line" },
		{ "bad \xff\xfe", "bad \xef\xbf\xbd\xef\xbf\xbd" },
		{ "12345678901234567890", "12345678901234567890" },
		{ "123456789012345678901", "12345678901234567..." },
		{ "1234567890123456\xc3\xa4\xc3\xa4\xc3\xa4", "1234567890123456..." },
		{ "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4" },
		{ "\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b\xc2\x9b", "          ..." },
	};
	g_autofree char *huge = g_strnfill(2 << 20, 'x'), *got = util_line(huge, 1024);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *line = util_line(rows[i].text, 20);

		g_test_message("row %zu", i);
		g_assert_cmpstr(line, ==, rows[i].want);
	}
	g_assert_cmpuint(strlen(got), ==, 1024);
	g_assert_true(g_str_has_suffix(got, "x..."));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/util/dates", test_dates);
	g_test_add_func("/util/parse", test_parse);
	g_test_add_func("/util/uuid", test_uuid);
	g_test_add_func("/util/hostname", test_hostname);
	g_test_add_func("/util/int", test_int);
	g_test_add_func("/util/words", test_words);
	g_test_add_func("/util/is-text", test_is_text);
	g_test_add_func("/util/line", test_line);
	g_test_add_func("/util/line-text", test_line_text);
	g_test_add_func("/util/put", test_put);
	g_test_add_func("/util/replace", test_replace);
	g_test_add_func("/util/secret", test_secret);
	return g_test_run();
}
