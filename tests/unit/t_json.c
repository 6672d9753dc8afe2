/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

/* ---- encoding ---- */

static const struct {
	const char *name, *in, *want;
} strings[] = {
	{ "null", NULL, "null" },
	{ "empty", "", "\"\"" },
	{ "plain", "abc", "\"abc\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "only escapes", "\"\"", "\"\\\"\\\"\"" },
	{ "short escapes", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "controls", "\x01\x0b\x1b\x1f", "\"\\u0001\\u000b\\u001b\\u001f\"" },
	{ "slash and DEL", "/\x7f", "\"/\\u007f\"" },
	{ "D19: C1 and directions", "\xc2\x9b\xe2\x80\xae\xe2\x81\xa9x\xc2\xa0", "\"\\u009b\\u202e\\u2069x\xc2\xa0\"" },
	{ "UTF-8", "M\xc3\xbcller \xf0\x9f\x90\x84", "\"M\xc3\xbcller \xf0\x9f\x90\x84\"" },
	{ "invalid byte", "a\xff" "b", "\"a\xef\xbf\xbd" "b\"" },
	{ "cut sequence", "a\xc3", "\"a\xef\xbf\xbd\"" },
	{ "surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "invalid and escapes", "\xff\n\"", "\"\xef\xbf\xbd\\n\\\"\"" },
};

static void test_strings(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
		g_autoptr(GString) s = g_string_new(NULL);
		g_autoptr(json_t) back = NULL;
		struct jout o;

		jout_init(&o, s, 1);
		jout_str(&o, strings[i].in);
		if (strcmp(s->str, strings[i].want) != 0)
			g_error("%s: got %s, want %s", strings[i].name, s->str, strings[i].want);
		back = json_loads(s->str, JSON_DECODE_ANY, NULL);
		if (!back)
			g_error("%s: %s is not JSON", strings[i].name, s->str);
		if (strings[i].in && g_utf8_validate(strings[i].in, -1, NULL))
			g_assert_cmpstr(json_string_value(back), ==, strings[i].in);
	}
}

static void test_ints(void)
{
	static const struct {
		int64_t v;
		const char *want;
	} ints[] = {
		{ 0, "0" }, { 1, "1" }, { -1, "-1" }, { 9, "9" }, { 10, "10" }, { 1234567890, "1234567890" },
		{ INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ints); i++) {
		g_autoptr(GString) s = g_string_new(NULL);
		struct jout o;

		jout_init(&o, s, 1);
		jout_int(&o, ints[i].v);
		g_assert_cmpstr(s->str, ==, ints[i].want);
	}
}

static void test_numbers(void)
{
	static const struct {
		double v;
		const char *want;
	} numbers[] = {
		{ 0, "0" }, { 1.5, "1.5" }, { -16, "-16" }, { 0.1, "0.1" }, { 1e300, "1e+300" },
		{ (double)NAN, "null" }, { (double)INFINITY, "null" }, { (double)-INFINITY, "null" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		g_autoptr(GString) s = g_string_new(NULL);
		struct jout o;

		jout_init(&o, s, 1);
		jout_dbl(&o, numbers[i].v);
		g_assert_cmpstr(s->str, ==, numbers[i].want);
	}
}

struct thing {
	char *name;
	int n;
	int64_t big;
	double ratio;
	bool on;
	int64_t at, at_z;
	int64_t old_id;
	char *new_id;
};

static void emit_pair(struct jout *o, const void *obj)
{
	const struct thing *t = obj;

	jout_open(o, '[');
	jout_int(o, t->n);
	jout_open(o, '{');
	jout_kv(o, "mv", int, o->mv);
	jout_close(o, '}');
	jout_open(o, '[');
	jout_close(o, ']');
	jout_close(o, ']');
}

static const struct json_field thing_fields[] = {
	{ "id",    JSON_INT64,   offsetof(struct thing, old_id), .until = 52 },
	{ "id",    JSON_STR,     offsetof(struct thing, new_id), .since = 53 },
	{ "name",  JSON_STR,     offsetof(struct thing, name) },
	{ "n",     JSON_INT,     offsetof(struct thing, n), .since = 10, .until = 20 },
	{ "big",   JSON_INT64,   offsetof(struct thing, big) },
	{ "ratio", JSON_DBL,     offsetof(struct thing, ratio) },
	{ "on",    JSON_BOOL,    offsetof(struct thing, on) },
	{ "at",    JSON_TIME_US, offsetof(struct thing, at) },
	{ "at_z",  JSON_TIME_Z,  offsetof(struct thing, at_z) },
	{ "pair",  JSON_EMIT,    .emit = emit_pair, .since = 60 },
	{ "links", JSON_CONST,   .text = "[]", .since = 60 },
};

#define REST_OFF "\"big\":-5,\"ratio\":0.25,\"on\":false,\"at\":null,\"at_z\":null"
#define REST_ON "\"big\":-5,\"ratio\":0.25,\"on\":true,\"at\":\"2016-01-29T13:42:02.000007\",\"at_z\":\"2016-01-29T13:42:02Z\""
#define WHEN (1454074922000007)

static const struct {
	int mv;
	bool on;
	const char *want;
} versions[] = {
	{ 1, false, "{\"id\":7,\"name\":null," REST_OFF "}" },
	{ 9, false, "{\"id\":7,\"name\":null," REST_OFF "}" },
	{ 10, false, "{\"id\":7,\"name\":null,\"n\":3," REST_OFF "}" },
	{ 20, true, "{\"id\":7,\"name\":null,\"n\":3," REST_ON "}" },
	{ 21, true, "{\"id\":7,\"name\":null," REST_ON "}" },
	{ 52, true, "{\"id\":7,\"name\":null," REST_ON "}" },
	{ 53, true, "{\"id\":\"u-u\",\"name\":null," REST_ON "}" },
	{ 60, true, "{\"id\":\"u-u\",\"name\":null," REST_ON ",\"pair\":[3,{\"mv\":60},[]],\"links\":[]}" },
};

static void test_fields(void)
{
	char new_id[] = "u-u";

	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
		struct thing t = { .n = 3, .big = -5, .ratio = 0.25, .on = versions[i].on, .old_id = 7, .new_id = new_id };
		g_autoptr(GString) s = g_string_new(NULL);
		struct jout o;

		t.at = t.at_z = versions[i].on ? WHEN : 0;
		jout_init(&o, s, versions[i].mv);
		jout_object(&o, thing_fields, G_N_ELEMENTS(thing_fields), &t);
		if (strcmp(s->str, versions[i].want) != 0)
			g_error("2.%d: got %s, want %s", versions[i].mv, s->str, versions[i].want);
	}
}

/* Commas stand where they must, whatever is nested in what. */
static void test_nesting(void)
{
	g_autoptr(GString) s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 1);
	jout_open(&o, '{');
	jout_key(&o, "a");
	jout_open(&o, '[');
	jout_close(&o, ']');
	jout_key(&o, "b");
	jout_open(&o, '[');
	jout_int(&o, 1);
	jout_open(&o, '{');
	jout_close(&o, '}');
	jout_bool(&o, true);
	jout_null(&o);
	jout_raw(&o, "{\"x\":0}");
	jout_close(&o, ']');
	jout_kv(&o, "c", str, "s");
	jout_close(&o, '}');
	g_assert_cmpstr(s->str, ==, "{\"a\":[],\"b\":[1,{},true,null,{\"x\":0}],\"c\":\"s\"}");
}

/* ---- parsing ---- */

static char *repeat(const char *what, int n, const char *tail)
{
	GString *s = g_string_new(NULL);

	while (n-- > 0)
		g_string_append(s, what);
	g_string_append(s, tail);
	return g_string_free(s, FALSE);
}

static void expect_parse(const char *name, const char *text, size_t len, const char *want)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(json_t) v = json_parse(text, len, &err);

	if (!want) {
		if (!v)
			g_error("%s: %s", name, err->message);
		return;
	}
	if (v)
		g_error("%s: it was taken", name);
	g_assert_error(err, ERR, ERR_BAD_REQUEST);
	g_assert_true(g_utf8_validate(err->message, -1, NULL));
	if (!g_str_has_prefix(err->message, want))
		g_error("%s: got \"%s\", want \"%s\"", name, err->message, want);
}

static const struct {
	const char *name, *text;
	const char *want; /* how the message begins; NULL: it is JSON */
} texts[] = {
	{ "object", "{\"a\": 1}", NULL },
	{ "array", " [1, 2] ", NULL },
	{ "scalar", "5", NULL },
	{ "null", "null", NULL },
	{ "escaped brackets", "\"[[[\\\"[{{{\"", NULL },
	{ "empty", "", "Malformed JSON: line 1 column 0: " },
	{ "blank", " \n ", "Malformed JSON: line 2 column 1: " },
	{ "open object", "{\"a\": 1", "Malformed JSON: line 1 column 7: " },
	{ "open string", "\"abc", "Malformed JSON: " },
	{ "open escape", "\"abc\\", "Malformed JSON: " },
	{ "behind it", "{} x", "Malformed JSON: line 1 column 4: end of file expected" },
	{ "two", "{}{}", "Malformed JSON: " },
	{ "twice", "{\"a\": 1, \"a\": 2}", "Malformed JSON: line 1 column 12: duplicate object key" },
	{ "twice, deeper", "[{\"a\": {\"b\": 1, \"b\": 1}}]", "Malformed JSON: " },
	{ "single quotes", "{'a': 1}", "Malformed JSON: " },
	{ "comma at the end", "[1,]", "Malformed JSON: " },
	{ "NaN", "NaN", "Malformed JSON: " },
	{ "leading zero", "01", "Malformed JSON: " },
	{ "too large", "99999999999999999999", "Malformed JSON: line 1 column 20: too big integer" },
	{ "largest", "9223372036854775807", NULL },
	{ "smallest", "-9223372036854775808", NULL },
	{ "real too large", "1e999", "Malformed JSON: line 1 column 5: real number overflow" },
	{ "escaped NUL", "\"a\\u0000b\"", "Malformed JSON: line 1 column 10: \\u0000 is not allowed" },
	{ "escaped NUL in a name", "{\"a\\u0000b\": 1}", "Malformed JSON: " },
	{ "lone surrogate", "\"\\ud800\"", "Malformed JSON: " },
	{ "invalid UTF-8", "\"\xff\"", "Malformed JSON: " },
	{ "escape cut by a character", "\"\\ud8\xcd\x92\"", "Malformed JSON: line 1 column 6: invalid escape near '\"\\ud8\xef\xbf\xbd'" },
	{ "control in a string", "\"a\nb\"", "Malformed JSON: " },
	{ "closing only", "]]]]", "Malformed JSON: " },
};

static void test_parse(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		expect_parse(texts[i].name, texts[i].text, strlen(texts[i].text), texts[i].want);
	expect_parse("NUL byte", "[1]\0", 4, "Malformed JSON: ");
	expect_parse("NUL byte in a string", "\"a\0b\"", 5, "Malformed JSON: ");
	expect_parse("no NUL at its end", "12345", 2, NULL);
}

static void test_depth(void)
{
	static const struct {
		const char *open;
		int n;
		const char *tail, *want;
	} deep[] = {
		{ "[", JSON_DEPTH_MAX, "", "Malformed JSON: " },
		{ "[", JSON_DEPTH_MAX + 1, "", "JSON is nested deeper than 32 levels" },
		{ "{\"a\":", JSON_DEPTH_MAX + 1, "", "JSON is nested deeper than 32 levels" },
		{ "[", 1000000, "", "JSON is nested deeper than 32 levels" },
		{ "[],", 100, "", "Malformed JSON: " },
	};
	g_autofree char *opening = repeat("[", JSON_DEPTH_MAX, ""), *closing = repeat("]", JSON_DEPTH_MAX, "");
	g_autofree char *allowed = g_strconcat(opening, closing, NULL);

	expect_parse("deepest", allowed, strlen(allowed), NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(deep); i++) {
		g_autofree char *text = repeat(deep[i].open, deep[i].n, deep[i].tail);

		expect_parse(deep[i].open, text, strlen(text), deep[i].want);
	}
}

/* ---- decoding ---- */

struct body {
	char *host;
	int count;
	int64_t size;
	double ratio;
	bool force, force_given, host_given;
	int64_t since_us;
	int taken;
};

static bool take_auto(const json_t *v, void *obj, const char *where, GError **err)
{
	struct body *b = obj;

	if (json_is_string(v) && strcmp(json_string_value(v), "auto") == 0) {
		b->taken = 1;
		return true;
	}
	g_set_error(err, ERR, ERR_BAD_REQUEST, "%s: not auto", where);
	return false;
}

static const struct json_field body_fields[] = {
	{ "host",  JSON_STR,     offsetof(struct body, host), .required = true, .nullable = true, .min = 1, .max = 8,
	  .given = offsetof(struct body, host_given) },
	{ "count", JSON_INT,     offsetof(struct body, count) },
	{ "size",  JSON_INT64,   offsetof(struct body, size), .min = -2, .max = 10 },
	{ "ratio", JSON_DBL,     offsetof(struct body, ratio) },
	{ "force", JSON_BOOL,    offsetof(struct body, force), .since = 30, .until = 67, .given = offsetof(struct body, force_given) },
	{ "when",  JSON_TIME_US, offsetof(struct body, since_us), .nullable = true },
	{ "mode",  JSON_EMIT,    .take = take_auto },
};

#define INVALID "Invalid input for field/attribute "

static const struct {
	const char *name, *text;
	int mv;
	const char *want; /* the message; NULL: it is read */
} bodies[] = {
	{ "least", "{\"host\": null}", 1, NULL },
	{ "all", "{\"host\": \"h\", \"count\": -3, \"size\": 10, \"ratio\": 2, \"force\": true, \"when\": \"2016-01-29T13:42:02.000007\","
		 " \"mode\": \"auto\"}", 30, NULL },
	{ "last version", "{\"host\": \"h\", \"force\": true}", 67, NULL },
	{ "no object", "[]", 1, INVALID "move. It must be an object" },
	{ "null", "null", 1, INVALID "move. It must be an object" },
	{ "missing", "{}", 1, INVALID "move. 'host' is a required property" },
	{ "unknown", "{\"host\": \"h\", \"hots\": 1}", 1, INVALID "move. Additional properties are not allowed ('hots' was unexpected)" },
	{ "case matters", "{\"Host\": \"h\"}", 1, INVALID "move. Additional properties are not allowed ('Host' was unexpected)" },
	{ "before its version", "{\"host\": \"h\", \"force\": true}", 29,
	  INVALID "move. Additional properties are not allowed ('force' was unexpected)" },
	{ "after its version", "{\"host\": \"h\", \"force\": true}", 68,
	  INVALID "move. Additional properties are not allowed ('force' was unexpected)" },
	{ "number for a string", "{\"host\": 5}", 1, INVALID "host. Value: 5. 5 is not of type 'string', 'null'" },
	{ "object for a string", "{\"host\": {\"a\": [1, 2]}}", 1,
	  INVALID "host. Value: {\"a\":[1,2]}. {\"a\":[1,2]} is not of type 'string', 'null'" },
	{ "string for a number", "{\"host\": \"h\", \"count\": \"1\"}", 1, INVALID "count. Value: \"1\". \"1\" is not of type 'integer'" },
	{ "real for an integer", "{\"host\": \"h\", \"count\": 1.0}", 1, INVALID "count. Value: 1.0. 1.0 is not of type 'integer'" },
	{ "null where it may not be", "{\"host\": \"h\", \"count\": null}", 1, INVALID "count. Value: null. null is not of type 'integer'" },
	{ "string for a truth value", "{\"host\": \"h\", \"force\": \"true\"}", 40,
	  INVALID "force. Value: \"true\". \"true\" is not of type 'boolean'" },
	{ "string for a real", "{\"host\": \"h\", \"ratio\": \"2\"}", 1, INVALID "ratio. Value: \"2\". \"2\" is not of type 'number'" },
	{ "empty", "{\"host\": \"\"}", 1, INVALID "host. Its length is 0, it must be from 1 to 8" },
	{ "too long", "{\"host\": \"123456789\"}", 1, INVALID "host. Its length is 9, it must be from 1 to 8" },
	{ "over int", "{\"host\": \"h\", \"count\": 2147483648}", 1,
	  INVALID "count. Value: 2147483648. It must be from -2147483648 to 2147483647" },
	{ "under int", "{\"host\": \"h\", \"count\": -2147483649}", 1,
	  INVALID "count. Value: -2147483649. It must be from -2147483648 to 2147483647" },
	{ "over its limit", "{\"host\": \"h\", \"size\": 11}", 1, INVALID "size. Value: 11. It must be from -2 to 10" },
	{ "under its limit", "{\"host\": \"h\", \"size\": -3}", 1, INVALID "size. Value: -3. It must be from -2 to 10" },
	{ "no date", "{\"host\": \"h\", \"when\": \"yesterday\"}", 1, INVALID "when. Value: \"yesterday\". \"yesterday\" is not a 'date-time'" },
	{ "number for a date", "{\"host\": \"h\", \"when\": 5}", 1, INVALID "when. Value: 5. 5 is not of type 'string', 'null'" },
	{ "its own reader", "{\"host\": \"h\", \"mode\": \"manual\"}", 1, "move.mode: not auto" },
};

static void test_decode(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_autoptr(GError) err = NULL;
		g_autoptr(json_t) v = json_parse(bodies[i].text, strlen(bodies[i].text), &err);
		struct body b = { 0 };
		bool ok;

		if (!v)
			g_error("%s: %s", bodies[i].name, err->message);
		ok = json_decode(v, body_fields, G_N_ELEMENTS(body_fields), bodies[i].mv, "move", &b, &err);
		if (ok != (bodies[i].want == NULL) || g_strcmp0(err ? err->message : NULL, bodies[i].want) != 0)
			g_error("%s: got \"%s\", want \"%s\"", bodies[i].name, err ? err->message : "no error",
				bodies[i].want ? bodies[i].want : "no error");
		if (!ok) {
			g_assert_error(err, ERR, ERR_BAD_REQUEST);
			g_assert_true(g_utf8_validate(err->message, -1, NULL));
		}
		json_free(body_fields, G_N_ELEMENTS(body_fields), &b);
		g_assert_null(b.host);
	}
}

/* What a client sent is cut in a message, between two characters: the "ü" is in the way here. */
static void test_cut(void)
{
	g_autofree char *xs = g_strnfill(118, 'x'), *ys = g_strnfill(59, 'y');
	g_autofree char *value = g_strdup_printf("{\"count\": \"%s\u00fc and more\"}", xs);
	g_autofree char *name = g_strdup_printf("{\"%s\u00fc and more\": 1}", ys);
	g_autofree char *want_value = g_strdup_printf(INVALID "count. Value: \"%s. \"%s is not of type 'integer'", xs, xs);
	g_autofree char *want_name = g_strdup_printf(INVALID "move. Additional properties are not allowed ('%s' was unexpected)", ys);
	const char *texts_wants[][2] = { { value, want_value }, { name, want_name } };

	for (size_t i = 0; i < G_N_ELEMENTS(texts_wants); i++) {
		g_autoptr(json_t) v = json_parse(texts_wants[i][0], strlen(texts_wants[i][0]), NULL);
		g_autoptr(GError) err = NULL;
		struct body b = { 0 };

		g_assert_false(json_decode(v, body_fields, G_N_ELEMENTS(body_fields), 1, "move", &b, &err));
		g_assert_cmpstr(err->message, ==, texts_wants[i][1]);
	}
}

static void test_decoded_values(void)
{
	const char *text = bodies[1].text;
	g_autoptr(json_t) v = json_parse(text, strlen(text), NULL), nothing = json_loads("{\"host\": null, \"when\": null}", 0, NULL);
	struct body b = { 0 }, before = { .host = g_strdup("kept"), .since_us = 5 };
	g_autoptr(GError) err = NULL;

	g_assert_true(json_decode(v, body_fields, G_N_ELEMENTS(body_fields), 30, "move", &b, &err));
	g_assert_cmpstr(b.host, ==, "h");
	g_assert_true(b.host_given && b.force && b.force_given);
	g_assert_cmpint(b.count, ==, -3);
	g_assert_cmpint(b.size, ==, 10);
	g_assert_cmpfloat(b.ratio, ==, 2);
	g_assert_cmpint(b.since_us, ==, WHEN);
	g_assert_cmpint(b.taken, ==, 1);
	json_free(body_fields, G_N_ELEMENTS(body_fields), &b);

	/* null leaves a field as it was, and counts as given */
	g_assert_true(json_decode(nothing, body_fields, G_N_ELEMENTS(body_fields), 30, "move", &before, &err));
	g_assert_cmpstr(before.host, ==, "kept");
	g_assert_true(before.host_given && !before.force_given);
	g_assert_cmpint(before.since_us, ==, 5);
	json_free(body_fields, G_N_ELEMENTS(body_fields), &before);
	json_free(body_fields, G_N_ELEMENTS(body_fields), &before); /* twice is fine */
}

/* What the encoder writes, the decoder reads. */
static void test_round_trip(void)
{
	static const struct json_field fields[] = {
		{ "name", JSON_STR,     offsetof(struct thing, name) },
		{ "n",    JSON_INT,     offsetof(struct thing, n) },
		{ "big",  JSON_INT64,   offsetof(struct thing, big) },
		{ "on",   JSON_BOOL,    offsetof(struct thing, on) },
		{ "at",   JSON_TIME_US, offsetof(struct thing, at) },
	};
	struct thing in = { .name = (char[]){ "a\"\\\n\x01\xc3\xbc" }, .n = G_MININT, .big = INT64_MIN, .on = true, .at = WHEN }, out = { 0 };
	g_autoptr(GString) s = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	g_autoptr(json_t) v = NULL;
	struct jout o;

	jout_init(&o, s, 1);
	jout_object(&o, fields, G_N_ELEMENTS(fields), &in);
	v = json_parse(s->str, s->len, &err);
	g_assert_no_error(err);
	g_assert_true(json_decode(v, fields, G_N_ELEMENTS(fields), 1, "x", &out, &err));
	g_assert_cmpstr(out.name, ==, in.name);
	g_assert_true(out.n == in.n && out.big == in.big && out.on && out.at == in.at);
	json_free(fields, G_N_ELEMENTS(fields), &out);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json/strings", test_strings);
	g_test_add_func("/json/ints", test_ints);
	g_test_add_func("/json/numbers", test_numbers);
	g_test_add_func("/json/fields", test_fields);
	g_test_add_func("/json/nesting", test_nesting);
	g_test_add_func("/json/parse", test_parse);
	g_test_add_func("/json/depth", test_depth);
	g_test_add_func("/json/decode", test_decode);
	g_test_add_func("/json/cut", test_cut);
	g_test_add_func("/json/decoded-values", test_decoded_values);
	g_test_add_func("/json/round-trip", test_round_trip);
	return g_test_run();
}
