/* SPDX-License-Identifier: Apache-2.0
 *
 * args: command-line options by table, on top of getopt_long().
 *
 * Options and words may be mixed, "--" ends the options, long options may be
 * shortened as far as they stay unique. The last value of a repeated option
 * counts, unless the reader asks for all.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

struct opt {
	const char *name;    /* long name, without dashes */
	char letter;         /* short name; 0: none */
	const char *arg;     /* what its value is called in the help; NULL: a switch */
	const char *help;    /* NULL: not shown */
	const char *same_as; /* the option that this is another name of */
};

struct opt_table {
	const struct opt *opts;
	size_t n;
};

struct args {
	GHashTable *values;  /* option name -> GPtrArray of values; a switch has "" */
	GPtrArray *words;
};

struct args *args_new(void);
void args_free(struct args *a);

/**
 * args_read() - read options and words.
 * @argv: what follows the program's name, or the words of a command
 * @tables: the options that are known here
 * @first_word_ends: stop at the first word, which is left unread
 * @ret_used: how many of @argv were read
 *
 * Return: false with CLI_USAGE: what is wrong and what would be right.
 */
bool args_read(struct args *a, int argc, char **argv, const struct opt_table *tables, size_t n_tables,
	       bool first_word_ends, int *ret_used, GError **err);

/** args_all() - every value of an option, in order; NULL if it was not given. Borrowed. */
const GPtrArray *args_all(const struct args *a, const char *name);

#endif
