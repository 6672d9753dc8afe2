/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <getopt.h>
#include <string.h>

#include "cli_err.h"
#include "near.h"

/* getopt_long() returns this plus the row's index for a long option, the letter for a short one. */
#define LONG_BASE 256

struct args *args_new(void)
{
	struct args *a = g_new0(struct args, 1);

	a->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	a->words = g_ptr_array_new_with_free_func(g_free);
	return a;
}

void args_free(struct args *a)
{
	if (!a)
		return;
	g_hash_table_unref(a->values);
	g_ptr_array_unref(a->words);
	g_free(a);
}

const GPtrArray *args_all(const struct args *a, const char *name)
{
	return g_hash_table_lookup(a->values, name);
}

/* The rows of all tables, one behind the other, ended by NULL. */
static GPtrArray *gather(const struct opt_table *tables, size_t n_tables)
{
	GPtrArray *rows = g_ptr_array_new();

	for (size_t t = 0; t < n_tables; t++)
		for (size_t i = 0; i < tables[t].n; i++)
			g_ptr_array_add(rows, (void *)&tables[t].opts[i]);
	return rows;
}

static struct option *long_options(const GPtrArray *rows)
{
	struct option *o = g_new0(struct option, rows->len + 1);

	for (guint i = 0; i < rows->len; i++) {
		const struct opt *row = rows->pdata[i];

		o[i] = (struct option){ row->name, row->arg ? required_argument : no_argument, NULL, LONG_BASE + (int)i };
	}
	return o;
}

static char *short_options(const GPtrArray *rows, bool first_word_ends)
{
	GString *s = g_string_new(first_word_ends ? "+:" : ":");

	for (guint i = 0; i < rows->len; i++) {
		const struct opt *row = rows->pdata[i];

		if (row->letter)
			g_string_append_printf(s, "%c%s", row->letter, row->arg ? ":" : "");
	}
	return g_string_free(s, FALSE);
}

static const struct opt *row_of(const GPtrArray *rows, int value)
{
	if (value >= LONG_BASE)
		return rows->pdata[value - LONG_BASE];
	for (guint i = 0; i < rows->len; i++) {
		const struct opt *row = rows->pdata[i];

		if (row->letter && row->letter == value)
			return row;
	}
	return NULL;
}

static void add_value(struct args *a, const struct opt *row, const char *value)
{
	const char *name = row->same_as ? row->same_as : row->name;
	GPtrArray *all = g_hash_table_lookup(a->values, name);

	if (!all) {
		all = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(a->values, (char *)name, all);
	}
	g_ptr_array_add(all, g_strdup(value ? value : ""));
}

static void unknown_long(const GPtrArray *rows, const char *text, GError **err)
{
	g_autofree char *name = g_strndup(text + 2, strcspn(text + 2, "="));
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	const char *near;
	guint matches = 0;

	for (guint i = 0; i < rows->len; i++) {
		const struct opt *row = rows->pdata[i];

		matches += g_str_has_prefix(row->name, name);
		g_ptr_array_add(known, (void *)row->name);
	}
	g_ptr_array_add(known, NULL);
	near = near_word(name, (const char *const *)known->pdata);
	if (matches > 1)
		g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is ambiguous; give the full option name", name);
	else if (near)
		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no option --%s; did you mean --%s?", name, near);
	else
		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no option --%s", name);
}

/* What getopt_long() did not take: it leaves the value, or the letter, in optopt; 0 for an unknown long option. */
static void refuse(const GPtrArray *rows, int result, const char *text, GError **err)
{
	const struct opt *row = optopt ? row_of(rows, optopt) : NULL;

	if (result == ':' && row)
		g_set_error(err, CLI_ERR, CLI_USAGE, "--%s needs a value: --%s %s", row->name, row->name, row->arg);
	else if (row)
		g_set_error(err, CLI_ERR, CLI_USAGE, "--%s takes no value", row->name);
	else if (optopt)
		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no option -%c", optopt);
	else
		unknown_long(rows, text, err);
}

bool args_read(struct args *a, int argc, char **argv, const struct opt_table *tables, size_t n_tables,
	       bool first_word_ends, int *ret_used, GError **err)
{
	g_autoptr(GPtrArray) rows = gather(tables, n_tables);
	g_autofree struct option *longs = long_options(rows);
	g_autofree char *shorts = short_options(rows, first_word_ends);
	g_autofree char **v = g_new0(char *, argc + 2); /* getopt_long() reorders it and skips the first */
	int got;

	v[0] = (char *)"drover";
	memcpy(v + 1, argv, sizeof *v * (size_t)argc);
	optind = 0; /* start afresh (getopt(3), notes) */
	opterr = 0;
	while ((got = getopt_long(argc + 1, v, shorts, longs, NULL)) != -1) {
		if (got == '?' || got == ':') {
			refuse(rows, got, v[optind - 1], err);
			return false;
		}
		add_value(a, row_of(rows, got), optarg);
	}
	*ret_used = optind - 1;
	if (first_word_ends)
		return true;
	for (int i = optind; i < argc + 1; i++)
		g_ptr_array_add(a->words, g_strdup(v[i]));
	*ret_used = argc;
	return true;
}
