/* SPDX-License-Identifier: Apache-2.0
 *
 * row: a struct as a row of a table, by a table of fields.
 *
 * The fields are made of the list of columns that the statements are made of
 * (columns.h), so the two cannot disagree.
 */
#ifndef ROW_H
#define ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

enum row_type {
	ROW_TEXT,  /* char *, owned by the struct; NULL is null */
	ROW_LENT,  /* const char *, or char *: the row's own, as long as it is read; NULL is null */
	ROW_CHARS, /* char[size]; "" is null when it is read, and written as "" */
	ROW_INT,   /* int */
	ROW_INT64, /* int64_t */
	ROW_TIME,  /* int64_t, microseconds since 1970 UTC; 0 is null */
	ROW_NOW,   /* likewise, but what is written is the time of the write */
	ROW_BOOL,  /* bool */
	ROW_WORD,  /* an enum, stored by its word */
};

struct row_field {
	const char *column;
	enum row_type type;
	size_t offset;
	size_t size;                /* ROW_CHARS: with the closing NUL */
	const char *(*word)(int i); /* ROW_WORD: of the value @i; NULL is null */
	int words;                  /* ROW_WORD: how many values there are */
};

/* Rows of a table of fields, by the type that a list of columns.h names; an enum has a macro of its own like these where its struct is. */
#define ROW_FIELD(s, col, t, f) { .column = #col, .type = t, .offset = offsetof(struct s, f) }
#define ROW_FIELD_TEXT(s, col, f) ROW_FIELD(s, col, ROW_TEXT, f)
#define ROW_FIELD_LENT(s, col, f) ROW_FIELD(s, col, ROW_LENT, f)
#define ROW_FIELD_INT(s, col, f) ROW_FIELD(s, col, ROW_INT, f)
#define ROW_FIELD_INT64(s, col, f) ROW_FIELD(s, col, ROW_INT64, f)
#define ROW_FIELD_TIME(s, col, f) ROW_FIELD(s, col, ROW_TIME, f)
#define ROW_FIELD_NOW(s, col, f) ROW_FIELD(s, col, ROW_NOW, f)
#define ROW_FIELD_BOOL(s, col, f) ROW_FIELD(s, col, ROW_BOOL, f)
#define ROW_FIELD_CHARS(s, col, f) \
	{ .column = #col, .type = ROW_CHARS, .offset = offsetof(struct s, f), .size = sizeof(((struct s *)NULL)->f) }
#define ROW_FIELD_WORD(s, col, f, name_of, n) { .column = #col, .type = ROW_WORD, .offset = offsetof(struct s, f), .word = name_of, .words = n }

/**
 * row_read() - set the fields of @object from the cells of @row, which are those of the fields, in their order.
 *
 * Text is copied, but ROW_LENT; what a field held before is not freed.
 * Return: NULL; or what is wrong: a word that its enum does not have, as "COLUMN is WORD". Owned by the caller.
 * All other fields are set then.
 */
char *row_read(const struct store_row *row, const struct row_field *fields, size_t n, void *object);

/**
 * row_values() - the fields of @object as parameters of a statement; they borrow its text.
 * @now_us: for ROW_NOW
 * @to: @n places
 */
void row_values(const struct row_field *fields, size_t n, const void *object, int64_t now_us, struct store_val *to);

#endif
