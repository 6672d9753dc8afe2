/* SPDX-License-Identifier: Apache-2.0
 *
 * top_draw: the screen of "drover top", a pure function of the model and a size.
 *
 * A screen is lines of parts, each with a style; the terminal's colours are
 * another's business. All text in it is safe to print, and no line is wider than
 * the screen.
 */
#ifndef TOP_DRAW_H
#define TOP_DRAW_H

#include <glib.h>

#include "top_model.h"

enum top_style { TOP_PLAIN, TOP_TITLE, TOP_HEAD, TOP_GOOD, TOP_WARN, TOP_BAD, TOP_DIM, TOP_STYLE_N };

struct top_part {
	char *text;
	enum top_style style;
};

struct top_line {
	GArray *parts;   /* of struct top_part */
	bool cursor;     /* the cursor is in it */
};

struct top_screen {
	GPtrArray *lines; /* of struct top_line */
};

/**
 * top_draw() - draw the model.
 * @rows, @cols: of the screen; 0 rows: as many as it takes
 *
 * Return: owned by the caller; exactly @rows lines.
 */
struct top_screen *top_draw(const struct top_model *t, int rows, int cols);
void top_screen_free(struct top_screen *s);

/** top_screen_text() - a screen as text, without styles and blanks at the ends of lines. Return: owned. */
char *top_screen_text(const struct top_screen *s);

#endif
