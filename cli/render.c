/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <assert.h>
#include <string.h>

#define NONE "-"
#define LINES_MAX 200 /* of one value */
#define CELL_MAX 300

static const char *const format_names[] = {
	[RENDER_TABLE] = "table",
	[RENDER_JSON]  = "json",
	[RENDER_CSV]   = "csv",
	[RENDER_VALUE] = "value",
	[RENDER_YAML]  = "yaml",
};
static_assert(G_N_ELEMENTS(format_names) == RENDER_N, "format_names is missing a format");

enum render_format render_format_find(const char *name)
{
	enum render_format f = 0;

	while (f < RENDER_N && strcmp(name, format_names[f]) != 0)
		f++;
	return f;
}

char *render_format_names(void)
{
	GString *s = g_string_new(NULL);

	for (size_t i = 0; i < RENDER_N; i++)
		g_string_append_printf(s, "%s%s", i ? ", " : "", format_names[i]);
	return g_string_free(s, FALSE);
}

/* ---- text ---- */

/* True for what a terminal may act on instead of showing: C0, C1, line separators, direction overrides. */
static bool unsafe(gunichar c)
{
	static const unsigned bad = 1u << G_UNICODE_CONTROL | 1u << G_UNICODE_FORMAT | 1u << G_UNICODE_LINE_SEPARATOR
				    | 1u << G_UNICODE_PARAGRAPH_SEPARATOR | 1u << G_UNICODE_SURROGATE | 1u << G_UNICODE_PRIVATE_USE
				    | 1u << G_UNICODE_UNASSIGNED;

	return bad >> g_unichar_type(c) & 1;
}

static void put_escape(GString *s, gunichar c)
{
	if (c == '\n')
		g_string_append(s, "\\n");
	else if (c == '\t')
		g_string_append(s, "\\t");
	else if (c < 0x80)
		g_string_append_printf(s, "\\x%02x", c);
	else if (c < 0x10000)
		g_string_append_printf(s, "\\u%04x", c);
	else
		g_string_append_printf(s, "\\U%08x", c);
}

/* Return: how long the text is if it is printable ASCII, as most are; 0 otherwise. */
static size_t plain_len(const char *text)
{
	const char *c = text;

	while (*c >= 0x20 && *c < 0x7f)
		c++;
	return *c ? 0 : (size_t)(c - text);
}

char *render_safe(const char *text, bool lines)
{
	GString *s;

	if (plain_len(text))
		return g_strdup(text);
	s = g_string_new(NULL);

	while (*text) {
		gunichar c = g_utf8_get_char_validated(text, -1);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_printf(s, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		if (unsafe(c) && !(lines && c == '\n'))
			put_escape(s, c);
		else
			g_string_append_unichar(s, c);
		text = g_utf8_next_char(text);
	}
	return g_string_free(s, FALSE);
}

size_t render_width(const char *text)
{
	size_t n = plain_len(text);

	if (n)
		return n;
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (!g_unichar_iszerowidth(c))
			n += g_unichar_iswide(c) ? 2 : 1;
	}
	return n;
}

char *render_bytes(int64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t u = 0;

	/* 1023.95 would be written as 1024.0 */
	for (; (v >= 1023.95 || v <= -1023.95) && u + 1 < G_N_ELEMENTS(units); u++)
		v /= 1024;
	return u == 0 ? g_strdup_printf("%d B", (int)v) : g_strdup_printf("%.1f %s", v, units[u]);
}

char *render_bytes_text(const json_t *value)
{
	return json_is_integer(value) ? render_bytes(json_integer_value(value)) : NULL;
}

/* ---- values ---- */

const json_t *render_get(const json_t *row, const char *path)
{
	while (row && path) {
		const char *dot = strchr(path, '.');

		row = json_object_getn(row, path, dot ? (size_t)(dot - path) : strlen(path));
		path = dot ? dot + 1 : NULL;
	}
	return row;
}

const char *render_str(const json_t *row, const char *path)
{
	return json_string_value(render_get(row, path));
}

int render_col_find(const struct col *cols, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (g_ascii_strcasecmp(cols[i].title, name) == 0 || (cols[i].path && g_ascii_strcasecmp(cols[i].path, name) == 0))
			return (int)i;
	return -1;
}

/* Owned by the caller; NULL if the row has no such member. */
static json_t *value_of(const struct col *c, const json_t *row)
{
	return c->value ? c->value(row) : json_incref((json_t *)render_get(row, c->path));
}

static char *flat(const json_t *v);

/* {"net": ["a", "b"]} as "net=a, b"; members are separated by "; ", items by ", ". */
static char *flat_container(const json_t *v)
{
	GString *s = g_string_new(NULL);
	const char *name;
	const json_t *one;
	size_t i;

	json_array_foreach(v, i, one) {
		g_autofree char *text = flat(one);

		g_string_append_printf(s, "%s%s", i ? ", " : "", text);
	}
	json_object_foreach((json_t *)v, name, one) {
		g_autofree char *safe = render_safe(name, false), *text = flat(one);

		g_string_append_printf(s, "%s%s=%s", s->len ? "; " : "", safe, text);
	}
	if (s->len == 0)
		g_string_append(s, NONE);
	return g_string_free(s, FALSE);
}

/* A value as text, owned by the caller. Nesting is bounded by json_parse(). */
static char *flat(const json_t *v)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	switch (json_typeof(v)) {
	case JSON_OBJECT:
	case JSON_ARRAY:   return flat_container(v);
	case JSON_STRING:  return *json_string_value(v) ? render_safe(json_string_value(v), false) : g_strdup(NONE);
	case JSON_INTEGER: return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	case JSON_REAL:    return g_strdup(g_ascii_formatd(number, sizeof number, "%.12g", json_real_value(v)));
	case JSON_TRUE:    return g_strdup("true");
	case JSON_FALSE:   return g_strdup("false");
	case JSON_NULL:    break;
	}
	return g_strdup(NONE);
}

/* What a column shows of a value, owned by the caller. */
static char *cell_text(const struct col *c, const json_t *v)
{
	char *text = v && c->text ? c->text(v) : NULL;

	if (text)
		return text;
	return v ? flat(v) : g_strdup(NONE);
}

/* Every row of a table is as wide as its widest cell, so one cell must not be of any length. Takes @text. */
static char *shorten(char *text)
{
	if (strlen(text) > CELL_MAX && g_utf8_strlen(text, -1) > CELL_MAX)
		strcpy(g_utf8_offset_to_pointer(text, CELL_MAX - 3), "...");
	return text;
}

/* ---- tables ---- */

struct grid {
	size_t rows, cols;
	char **text;     /* rows * cols */
	bool *right;     /* per column: numbers stand at the right */
};

static struct grid *grid_new(size_t rows, size_t cols)
{
	struct grid *g = g_new0(struct grid, 1);

	g->rows = rows;
	g->cols = cols;
	g->text = g_new0(char *, rows * cols + 1);
	g->right = g_new0(bool, cols + 1);
	return g;
}

static void grid_free(struct grid *g)
{
	for (size_t i = 0; i < g->rows * g->cols; i++)
		g_free(g->text[i]);
	g_free(g->text);
	g_free(g->right);
	g_free(g);
}

static void put_pad(GString *out, size_t n)
{
	while (n--)
		g_string_append_c(out, ' ');
}

static void put_rule(GString *out, const size_t *width, size_t n)
{
	for (size_t c = 0; c < n; c++) {
		g_string_append_c(out, '+');
		for (size_t i = 0; i < width[c] + 2; i++)
			g_string_append_c(out, '-');
	}
	g_string_append(out, "+\n");
}

static void put_line(GString *out, const struct grid *g, size_t row, const size_t *width)
{
	for (size_t c = 0; c < g->cols; c++) {
		const char *text = g->text[row * g->cols + c];
		size_t pad = width[c] - render_width(text);

		g_string_append(out, "| ");
		if (g->right[c])
			put_pad(out, pad);
		g_string_append(out, text);
		put_pad(out, g->right[c] ? 1 : pad + 1);
	}
	g_string_append(out, "|\n");
}

/* Row 0 is the head. */
static void put_grid(GString *out, const struct grid *g)
{
	g_autofree size_t *width = g_new0(size_t, g->cols + 1);

	for (size_t i = 0; i < g->rows * g->cols; i++)
		width[i % g->cols] = MAX(width[i % g->cols], render_width(g->text[i]));
	put_rule(out, width, g->cols);
	for (size_t r = 0; r < g->rows; r++) {
		put_line(out, g, r, width);
		if (r == 0)
			put_rule(out, width, g->cols);
	}
	put_rule(out, width, g->cols);
}

static void list_table(GString *out, const struct col *const *cols, size_t n, const json_t *rows)
{
	size_t n_rows = json_array_size(rows);
	struct grid *g = grid_new(n_rows + 1, n);

	for (size_t c = 0; c < n; c++) {
		size_t numbers = 0, others = 0;

		g->text[c] = g_strdup(cols[c]->title);
		for (size_t r = 0; r < n_rows; r++) {
			g_autoptr(json_t) v = value_of(cols[c], json_array_get(rows, r));

			g->text[(r + 1) * n + c] = shorten(cell_text(cols[c], v));
			numbers += json_is_number(v);
			others += v && !json_is_number(v) && !json_is_null(v);
		}
		g->right[c] = numbers > 0 && others == 0;
	}
	put_grid(out, g);
	grid_free(g);
}

/* The lines of a value; only a text that has several keeps them. Owned. */
static char **cell_lines(const struct col *c, const json_t *v)
{
	g_autofree char *text = json_is_string(v) && *json_string_value(v) ? render_safe(json_string_value(v), true) : cell_text(c, v);

	return g_strsplit(text, "\n", LINES_MAX);
}

static void add_row(GPtrArray *texts, const char *field, const char *value)
{
	g_ptr_array_add(texts, g_strdup(field));
	g_ptr_array_add(texts, g_strdup(value));
}

static void one_table(GString *out, const struct col *const *cols, size_t n, const json_t *row)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	bool right[2] = { false, false };
	struct grid g = { .cols = 2, .right = right };

	add_row(texts, "Field", "Value");
	for (size_t c = 0; c < n; c++) {
		g_autoptr(json_t) v = value_of(cols[c], row);
		g_auto(GStrv) lines = v ? cell_lines(cols[c], v) : NULL;

		for (char **line = lines; line && *line; line++)
			add_row(texts, line == lines ? cols[c]->title : "", shorten(g_strdelimit(*line, "\n", ' ')));
	}
	g.rows = texts->len / 2;
	g.text = (char **)texts->pdata;
	put_grid(out, &g);
}

/* ---- JSON and values ---- */

/* jansson escapes C0; what else a terminal may act on can only stand inside strings here. YAML has no pairs of surrogates. */
static void put_json_text(GString *out, const char *text, bool yaml)
{
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c < 0x7f || !unsafe(c))
			g_string_append_unichar(out, c);
		else if (c < 0x10000)
			g_string_append_printf(out, "\\u%04x", c);
		else if (yaml)
			g_string_append_printf(out, "\\U%08x", c);
		else
			g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
}

static void put_json(GString *out, const json_t *v)
{
	g_autofree char *text = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY);

	g_assert(text);
	put_json_text(out, text, false);
	g_string_append_c(out, '\n');
}

static json_t *json_row(const struct col *const *cols, size_t n, const json_t *row, bool keep_absent)
{
	json_t *o = json_object();

	for (size_t c = 0; c < n; c++) {
		json_t *v = value_of(cols[c], row);

		if (v || keep_absent)
			json_object_set_new(o, cols[c]->title, v ? v : json_null());
	}
	return o;
}

static void value_row(GString *out, const struct col *const *cols, size_t n, const json_t *row, char separator)
{
	for (size_t c = 0; c < n; c++) {
		g_autoptr(json_t) v = value_of(cols[c], row);
		struct col plain = *cols[c];
		g_autofree char *text = NULL;

		plain.text = NULL;
		text = cell_text(&plain, v);
		g_string_append(out, text);
		g_string_append_c(out, c + 1 < n ? separator : '\n');
	}
}

static json_t *json_rows(const struct col *const *cols, size_t n, const json_t *rows)
{
	json_t *all = json_array();

	for (size_t r = 0; r < json_array_size(rows); r++)
		json_array_append_new(all, json_row(cols, n, json_array_get(rows, r), true));
	return all;
}

/* ---- YAML: JSON is a part of it, so what is not plain is written as JSON ---- */

/* What YAML 1.1 or 1.2 takes for something else than text. */
static bool is_yaml_word(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf" };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool is_plain_yaml(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!g_ascii_isalnum(*c) && !(c > text && c[1] && strchr(" _-./", *c)))
			return false;
	return g_ascii_isalpha(*text) && !is_yaml_word(text);
}

static void put_yaml_value(GString *out, const json_t *v)
{
	g_autofree char *text = NULL;

	if (json_is_string(v) && is_plain_yaml(json_string_value(v))) {
		g_string_append_printf(out, "%s\n", json_string_value(v));
		return;
	}
	text = json_dumps(v, JSON_ENCODE_ANY);
	g_assert(text);
	put_json_text(out, text, true);
	g_string_append_c(out, '\n');
}

/* @first: what stands before the first member, @other: before the others */
static void put_yaml(GString *out, const json_t *o, const char *first, const char *other)
{
	const char *name, *lead = first;
	const json_t *v;

	json_object_foreach((json_t *)o, name, v) {
		g_string_append_printf(out, "%s%s: ", lead, name);
		put_yaml_value(out, v);
		lead = other;
	}
	if (json_object_size(o) == 0)
		g_string_append_printf(out, "%s{}\n", first);
}

static void list_yaml(GString *out, const json_t *all)
{
	const json_t *o;
	size_t i;

	json_array_foreach(all, i, o)
		put_yaml(out, o, "- ", "  ");
	if (json_array_size(all) == 0)
		g_string_append(out, "[]\n");
}

/* ---- CSV ---- */

static void put_csv(GString *out, const char *text, bool number)
{
	if (number) {
		g_string_append(out, text);
		return;
	}
	g_string_append_c(out, '"');
	for (; *text; text++)
		g_string_append_printf(out, "%s%c", *text == '"' ? "\"" : "", *text);
	g_string_append_c(out, '"');
}

static void csv_row(GString *out, const struct col *const *cols, size_t n, const json_t *row)
{
	for (size_t c = 0; c < n; c++) {
		g_autoptr(json_t) v = value_of(cols[c], row);
		g_autofree char *text = !v || json_is_null(v) ? g_strdup("") : json_is_string(v) ? render_safe(json_string_value(v), false) : flat(v);

		g_string_append(out, c ? "," : "");
		put_csv(out, text, json_is_number(v));
	}
	g_string_append_c(out, '\n');
}

static void csv_head(GString *out, const struct col *const *cols, size_t n)
{
	for (size_t c = 0; c < n; c++) {
		g_string_append(out, c ? "," : "");
		put_csv(out, cols[c]->title, false);
	}
	g_string_append_c(out, '\n');
}

void render_list(GString *out, enum render_format f, const struct col *const *cols, size_t n, const json_t *rows)
{
	g_autoptr(json_t) all = NULL;

	switch (f) {
	case RENDER_TABLE:
		list_table(out, cols, n, rows);
		break;
	case RENDER_JSON:
		all = json_rows(cols, n, rows);
		put_json(out, all);
		break;
	case RENDER_CSV:
		csv_head(out, cols, n);
		for (size_t r = 0; r < json_array_size(rows); r++)
			csv_row(out, cols, n, json_array_get(rows, r));
		break;
	case RENDER_VALUE:
		for (size_t r = 0; r < json_array_size(rows); r++)
			value_row(out, cols, n, json_array_get(rows, r), ' ');
		break;
	case RENDER_YAML:
		all = json_rows(cols, n, rows);
		list_yaml(out, all);
		break;
	case RENDER_N:
		g_assert_not_reached();
	}
}

void render_one(GString *out, enum render_format f, const struct col *const *cols, size_t n, const json_t *row)
{
	g_autoptr(json_t) o = NULL;

	switch (f) {
	case RENDER_TABLE:
		one_table(out, cols, n, row);
		break;
	case RENDER_JSON:
		o = json_row(cols, n, row, false);
		put_json(out, o);
		break;
	case RENDER_CSV:
		csv_head(out, cols, n);
		csv_row(out, cols, n, row);
		break;
	case RENDER_VALUE:
		value_row(out, cols, n, row, '\n');
		break;
	case RENDER_YAML:
		o = json_row(cols, n, row, false);
		put_yaml(out, o, "", "");
		break;
	case RENDER_N:
		g_assert_not_reached();
	}
}
