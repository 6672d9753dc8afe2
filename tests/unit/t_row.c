/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct of every type of field, to parameters and back.
 */
#include <glib.h>
#include <string.h>

#include "store/row.h"

enum colour { RED, NONE, GREEN, COLOUR_N };

struct thing {
	char *text;
	char chars[4];
	int number;
	int64_t big, time, now;
	bool yes;
	enum colour colour;
	char *lent;
};

static const char *colour_word(int i)
{
	return i == RED ? "red" : i == GREEN ? "green" : NULL;
}

static const struct row_field fields[] = {
	ROW_FIELD(thing, text, ROW_TEXT, text),
	ROW_FIELD_CHARS(thing, chars, chars),
	ROW_FIELD(thing, number, ROW_INT, number),
	ROW_FIELD(thing, big, ROW_INT64, big),
	ROW_FIELD(thing, time, ROW_TIME, time),
	ROW_FIELD(thing, now, ROW_NOW, now),
	ROW_FIELD(thing, yes, ROW_BOOL, yes),
	ROW_FIELD_WORD(thing, colour, colour, colour_word, COLOUR_N),
	ROW_FIELD_LENT(thing, lent, lent),
};

#define N G_N_ELEMENTS(fields)

/* A row that has what a statement was given. */
static int64_t get_int(const struct store_row *row, int col)
{
	return ((const struct store_val *)row->impl)[col].i;
}

static const char *get_text(const struct store_row *row, int col)
{
	return ((const struct store_val *)row->impl)[col].s;
}

static char *show(const struct thing *t)
{
	return g_strdup_printf("%s|%s|%d|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%d|%d|%s", t->text, t->chars, t->number,
			       t->big, t->time, t->now, t->yes, t->colour, t->lent);
}

static char *round_trip(const struct thing *t, struct store_val *vals)
{
	struct store_row row = { get_int, get_text, vals, (int)N };
	struct thing back = { .number = -1 };
	g_autofree char *wrong = NULL;
	char *shown;

	row_values(fields, N, t, 77, vals);
	wrong = row_read(&row, fields, N, &back);
	g_assert_null(wrong);
	g_assert_true(back.lent == t->lent && (!t->text || back.text != t->text));
	shown = show(&back);
	g_free(back.text);
	return shown;
}

static void test_round_trip(void)
{
	static const struct {
		struct thing thing;
		const char *want;
	} cases[] = {
		{ { (char *)"words", "abc", -5, INT64_MIN, 12, 1, true, GREEN, (char *)"theirs" },
		  "words|abc|-5|-9223372036854775808|12|77|1|2|theirs" },
		{ { NULL, "", 0, 0, 0, 0, false, NONE, NULL }, "(null)||0|0|0|77|0|1|(null)" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct store_val vals[N] = { SV_I(0) };
		g_autofree char *got = round_trip(&cases[i].thing, vals);

		g_assert_cmpstr(got, ==, cases[i].want);
		g_assert_cmpint(vals[4].type, ==, cases[i].thing.time ? STORE_INT : STORE_NULL);
	}
}

/* Text that is longer than its place is cut; an unknown word is named, and the fields behind it are read. */
static void test_bad_cells(void)
{
	struct store_val vals[N] = { SV_S("x"), SV_S("abcdef"), SV_I(1), SV_I(2), SV_I(3), SV_I(4), SV_I(1), SV_S("blue"), SV_S("y") };
	struct store_row row = { get_int, get_text, vals, (int)N };
	struct thing t = { .number = 0 };
	g_autofree char *wrong = row_read(&row, fields, N, &t);

	g_assert_cmpstr(wrong, ==, "colour is blue");
	g_assert_cmpstr(t.chars, ==, "abc");
	g_assert_true(t.yes);
	g_assert_cmpstr(t.lent, ==, "y");
	g_free(t.text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/row/round-trip", test_round_trip);
	g_test_add_func("/row/bad-cells", test_bad_cells);
	return g_test_run();
}
