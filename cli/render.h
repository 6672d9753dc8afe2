/* SPDX-License-Identifier: Apache-2.0
 *
 * render: server answers as tables, JSON, CSV, YAML or bare values.
 *
 * A column is a title and the path of a JSON member, or a function that makes
 * the value of a row. What comes from a server is shown with control characters
 * escaped, so that a name cannot drive the terminal; widths count the cells that
 * a character takes, not bytes.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "base/json.h"

enum render_format { RENDER_TABLE, RENDER_JSON, RENDER_CSV, RENDER_VALUE, RENDER_YAML, RENDER_N };

/* Makes a column's value of a row; owned by the caller, NULL if the row has none. */
typedef json_t *col_f(const json_t *row);

/* Writes a column's value for people, in tables; owned by the caller, NULL to write it as it is. */
typedef char *col_text_f(const json_t *value);

struct col {
	const char *title;
	const char *path;    /* members separated by '.': "service.host" */
	col_f *value;        /* instead of the path; the path is then only a name for -c */
	col_text_f *text;    /* NULL: as it is */
	bool longer;         /* in lists only with --long or when asked for by name */
};

/** render_format_find() - "table", "json", "csv", "value", "yaml". Return: RENDER_N for another word. */
enum render_format render_format_find(const char *name);

/** render_format_names() - all of them: "table, json, ...". Return: owned by the caller. */
char *render_format_names(void);

/**
 * render_col_find() - the column that @name means: its title or its API name, in any case.
 *
 * Return: its index, or -1.
 */
int render_col_find(const struct col *cols, size_t n, const char *name);

/**
 * render_list() - rows as a table, a JSON or YAML list of objects, CSV with a head (RFC 4180, text in quotes, numbers without), or a
 * line of values each.
 * @out: gets the text
 * @cols: borrowed columns in their order
 * @rows: an array; what is no object in it has no values
 */
void render_list(GString *out, enum render_format f, const struct col *const *cols, size_t n, const json_t *rows);

/** render_one() - one object as a table of Field and Value, a JSON or YAML object, CSV of one row, or a line for each value. */
void render_one(GString *out, enum render_format f, const struct col *const *cols, size_t n, const json_t *row);

/** render_get() - a member by its path. Return: borrowed; NULL if it is not there. */
const json_t *render_get(const json_t *row, const char *path);

/** render_str() - a member that is a string, by its path. Return: borrowed; NULL if it is not there or no string. */
const char *render_str(const json_t *row, const char *path);

/**
 * render_safe() - text with control, format and invalid characters escaped ("\x1b", "\u202e").
 * @lines: keep newlines
 *
 * Return: owned by the caller.
 */
char *render_safe(const char *text, bool lines);

/** render_width() - how many cells of a terminal a text takes. */
size_t render_width(const char *text);

/** render_bytes() - "1.5 GiB". Return: owned by the caller. */
char *render_bytes(int64_t bytes);

/** render_bytes_text() - a col_text_f of a number of bytes. */
char *render_bytes_text(const json_t *value);

#endif
