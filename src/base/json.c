/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"

/* ---- encoding ---- */

void jout_init(struct jout *o, GString *s, int mv)
{
	*o = (struct jout){ .s = s, .mv = mv };
}

static void separate(struct jout *o)
{
	if (o->comma)
		g_string_append_c(o->s, ',');
	o->comma = true;
}

void jout_open(struct jout *o, char bracket)
{
	separate(o);
	g_string_append_c(o->s, bracket);
	o->comma = false;
}

void jout_close(struct jout *o, char bracket)
{
	g_string_append_c(o->s, bracket);
	o->comma = true;
}

void jout_key(struct jout *o, const char *name)
{
	separate(o);
	g_string_append_c(o->s, '"');
	util_put_text(o->s, name);
	util_put(o->s, "\":", 2);
	o->comma = false;
}

void jout_name(struct jout *o, const char *name)
{
	separate(o);
	jout_put_string(o->s, name);
	g_string_append_c(o->s, ':');
	o->comma = false;
}

static void put_escaped(GString *s, gunichar c)
{
	static const char letters[] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };

	if (c == '"' || c == '\\')
		g_string_append_printf(s, "\\%c", (char)c);
	else if (c < sizeof letters && letters[c])
		g_string_append_printf(s, "\\%c", letters[c]);
	else
		g_string_append_printf(s, "\\u%04x", c);
}

enum { PLAIN, ESCAPED, LOOK };

/* By the first byte: most of what is written is plain. LOOK: some characters that begin so must be escaped, C1 and U+20xx. */
static const uint8_t kinds[256] = {
	[0x01 ... 0x1f] = ESCAPED, ['"'] = ESCAPED, ['\\'] = ESCAPED, [0x7f] = ESCAPED, [0xc2] = LOOK, [0xe2] = LOOK,
};

/* How many bytes must be escaped here. */
static int bytes_to_escape(const char *v, uint8_t kind)
{
	return kind == ESCAPED ? 1 : util_is_line_text(g_utf8_get_char(v)) ? 0 : (int)(g_utf8_next_char(v) - v);
}

void jout_put_string(GString *s, const char *v)
{
	g_autofree char *valid = NULL;
	const char *run = v;
	int n;

	if (!g_utf8_validate(v, -1, NULL))
		v = run = valid = g_utf8_make_valid(v, -1);
	g_string_append_c(s, '"');
	for (; *v; v++) {
		uint8_t kind = kinds[(unsigned char)*v];

		n = kind == PLAIN ? 0 : bytes_to_escape(v, kind);
		if (!n)
			continue;
		util_put(s, run, (size_t)(v - run));
		put_escaped(s, g_utf8_get_char(v));
		run = v + n;
		v = run - 1;
	}
	util_put(s, run, (size_t)(v - run));
	g_string_append_c(s, '"');
}

void jout_raw(struct jout *o, const char *text)
{
	separate(o);
	util_put_text(o->s, text);
}

void jout_str(struct jout *o, const char *v)
{
	if (!v) {
		jout_null(o);
		return;
	}
	separate(o);
	jout_put_string(o->s, v);
}

void jout_int(struct jout *o, int64_t v)
{
	separate(o);
	util_put_int(o->s, v);
}

void jout_int_if(struct jout *o, bool known, int64_t v)
{
	if (known)
		jout_int(o, v);
	else
		jout_null(o);
}

void jout_dbl(struct jout *o, double v)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	jout_raw(o, isfinite(v) ? g_ascii_formatd(text, sizeof text, "%.10g", v) : "null");
}

void jout_bool(struct jout *o, bool v)
{
	jout_raw(o, v ? "true" : "false");
}

void jout_null(struct jout *o)
{
	jout_raw(o, "null");
}

static void put_time(struct jout *o, int64_t wall_us, void (*format)(char *, int64_t))
{
	char text[UTIL_TIME_MAX];

	if (wall_us == 0) {
		jout_null(o);
		return;
	}
	format(text, wall_us);
	separate(o);
	g_string_append_c(o->s, '"');
	util_put_text(o->s, text);
	g_string_append_c(o->s, '"');
}

void jout_time_us(struct jout *o, int64_t wall_us)
{
	put_time(o, wall_us, util_time_us);
}

void jout_time_z(struct jout *o, int64_t wall_us)
{
	put_time(o, wall_us, util_time_z);
}

static bool exists(const struct json_field *f, int mv)
{
	return mv >= f->since && (f->until == 0 || mv <= f->until);
}

#define AT(type, obj, f) (*(type *)((char *)(obj) + (f)->offset))
#define AT_CONST(type, obj, f) (*(type const *)((const char *)(obj) + (f)->offset))

void jout_fields(struct jout *o, const struct json_field *f, size_t n, const void *obj)
{
	for (; n--; f++) {
		if (!exists(f, o->mv))
			continue;
		jout_key(o, f->name);
		switch (f->type) {
		case JSON_STR:     jout_str(o, AT_CONST(char *, obj, f)); break;
		case JSON_INT:     jout_int(o, AT_CONST(int, obj, f)); break;
		case JSON_INT64:   jout_int(o, AT_CONST(int64_t, obj, f)); break;
		case JSON_DBL:     jout_dbl(o, AT_CONST(double, obj, f)); break;
		case JSON_BOOL:    jout_bool(o, AT_CONST(bool, obj, f)); break;
		case JSON_TIME_US: jout_time_us(o, AT_CONST(int64_t, obj, f)); break;
		case JSON_TIME_Z:  jout_time_z(o, AT_CONST(int64_t, obj, f)); break;
		case JSON_EMIT:    f->emit(o, obj); break;
		case JSON_CONST:   jout_raw(o, f->text); break;
		}
	}
}

void jout_object(struct jout *o, const struct json_field *f, size_t n, const void *obj)
{
	jout_open(o, '{');
	jout_fields(o, f, n, obj);
	jout_close(o, '}');
}

/* ---- decoding ---- */

static bool depth_ok(const char *text, size_t len)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return true;
}

/* jansson shows what it read so far, which may end within a character. */
static void malformed(const json_error_t *why, GError **err)
{
	g_autofree char *text = g_utf8_make_valid(why->text, -1);

	g_set_error(err, ERR, ERR_BAD_REQUEST, "Malformed JSON: line %d column %d: %s", why->line, why->column, text);
}

json_t *json_parse(const char *text, size_t len, GError **err)
{
	json_error_t why;
	json_t *v;

	if (!depth_ok(text, len)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
		return NULL;
	}
	v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!v)
		malformed(&why, err);
	return v;
}

static const char *type_name(enum json_type t)
{
	switch (t) {
	case JSON_INT:
	case JSON_INT64: return "integer";
	case JSON_DBL:   return "number";
	case JSON_BOOL:  return "boolean";
	case JSON_STR:
	case JSON_TIME_US:
	case JSON_TIME_Z:
	case JSON_EMIT:
	case JSON_CONST: break;
	}
	return "string";
}

/* Cut what a client sent for a message: at most @max bytes, no half character. */
static char *shorten(char *text, size_t max)
{
	if (strlen(text) > max) {
		while ((text[max] & 0xc0) == 0x80)
			max--;
		text[max] = '\0';
	}
	return text;
}

static char *show(const json_t *v)
{
	return shorten(json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT), 120);
}

static bool wrong_type(const json_t *v, const struct json_field *f, GError **err)
{
	g_autofree char *shown = show(v);

	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %s. %s is not of type '%s'%s",
		    f->name, shown, shown, type_name(f->type), f->nullable ? ", 'null'" : "");
	return false;
}

static bool take_time(const json_t *v, const struct json_field *f, void *obj, GError **err)
{
	g_autofree char *shown = NULL;

	if (!json_is_string(v))
		return wrong_type(v, f, err);
	if (util_time_parse(json_string_value(v), &AT(int64_t, obj, f)))
		return true;
	shown = show(v);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %s. %s is not a 'date-time'", f->name, shown,
		    shown);
	return false;
}

static bool unexpected(const char *where, const char *name, GError **err)
{
	g_autofree char *shown = shorten(g_strdup(name), 60);

	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Additional properties are not allowed ('%s' was unexpected)",
		    where, shown);
	return false;
}

static bool take_string(const json_t *v, const struct json_field *f, void *obj, GError **err)
{
	int64_t len = (int64_t)json_string_length(v);

	if (strlen(json_string_value(v)) != (size_t)len) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It holds a NUL character", f->name);
		return false;
	}
	if (f->max > 0 && (len < f->min || len > f->max)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Its length is %" G_GINT64_FORMAT
			    ", it must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, f->name, len, f->min, f->max);
		return false;
	}
	util_replace(&AT(char *, obj, f), json_string_value(v));
	return true;
}

static bool take_int(const json_t *v, const struct json_field *f, void *obj, GError **err)
{
	int64_t i = json_integer_value(v);

	if ((f->max > f->min && (i < f->min || i > f->max)) || (f->type == JSON_INT && (i < G_MININT || i > G_MAXINT))) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %" G_GINT64_FORMAT
			    ". It must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, f->name, i,
			    f->max > f->min ? f->min : G_MININT, f->max > f->min ? f->max : G_MAXINT);
		return false;
	}
	if (f->type == JSON_INT)
		AT(int, obj, f) = (int)i;
	else
		AT(int64_t, obj, f) = i;
	return true;
}

static bool take(const json_t *v, const struct json_field *f, const char *where, void *obj, GError **err)
{
	g_autofree char *path = NULL;

	switch (f->type) {
	case JSON_STR:
		return json_is_string(v) ? take_string(v, f, obj, err) : wrong_type(v, f, err);
	case JSON_INT:
	case JSON_INT64:
		return json_is_integer(v) ? take_int(v, f, obj, err) : wrong_type(v, f, err);
	case JSON_DBL:
		if (!json_is_number(v))
			return wrong_type(v, f, err);
		AT(double, obj, f) = json_number_value(v);
		return true;
	case JSON_BOOL:
		if (!json_is_boolean(v))
			return wrong_type(v, f, err);
		AT(bool, obj, f) = json_is_true(v);
		return true;
	case JSON_TIME_US:
	case JSON_TIME_Z:
		return take_time(v, f, obj, err);
	case JSON_EMIT:
		path = g_strconcat(where, ".", f->name, NULL);
		return f->take(v, obj, path, err);
	case JSON_CONST:
		break;
	}
	g_assert_not_reached();
}

static const struct json_field *find(const struct json_field *f, size_t n, int mv, const char *name)
{
	for (; n--; f++)
		if (exists(f, mv) && strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

bool json_decode(const json_t *v, const struct json_field *f, size_t n, int mv, const char *where, void *obj, GError **err)
{
	const char *name;
	json_t *member;

	if (!json_is_object(v)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It must be an object", where);
		return false;
	}
	json_object_foreach((json_t *)v, name, member) {
		const struct json_field *one = find(f, n, mv, name);

		if (!one)
			return unexpected(where, name, err);
		if (one->given)
			*(bool *)((char *)obj + one->given) = true;
		if (json_is_null(member) && one->nullable)
			continue;
		if (!take(member, one, where, obj, err))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (f[i].required && exists(&f[i], mv) && !json_object_get(v, f[i].name)) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. '%s' is a required property", where, f[i].name);
			return false;
		}
	}
	return true;
}

void json_free(const struct json_field *f, size_t n, void *obj)
{
	for (; n--; f++)
		if (f->type == JSON_STR)
			util_replace(&AT(char *, obj, f), NULL);
}
