/* SPDX-License-Identifier: Apache-2.0
 *
 * cli: what the commands share: their rows and the run's context.
 *
 * The client is one process that does one command and ends. A command is a row
 * of its group's table (cmd_server.c, ...); drover.c finds the row, reads the
 * options by the row's option table and calls the handler. Help texts and the
 * suggestions for mistyped words come from the same rows, so a new command is a
 * new row and its handler.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "args.h"
#include "cli_err.h"
#include "render.h"

struct cli;

typedef bool command_f(struct cli *c, GError **err);

struct command {
	const char *group, *name; /* name "": the group is one command */
	const char *words;       /* "[SERVER] MIGRATION", for the help */
	int min_words, max_words;
	command_f *run;
	const struct opt *opts;
	size_t n_opts;
	const struct col *cols;  /* what -c may name; NULL if nothing is printed */
	size_t n_cols;
	const char *help;        /* one line */
	const char *more;        /* lines for the command's own help; NULL: none */
	bool watch;              /* it shows something, and changes nothing: --watch may repeat it */
	int usage_status;        /* exit status for a wrong command line; 0: the usual one, 2 */
};

/* In a row: .opts and .cols of an array. */
#define CLI_OPTS(a) .opts = (a), .n_opts = G_N_ELEMENTS(a)
#define CLI_COLS(a) .cols = (a), .n_cols = G_N_ELEMENTS(a)

struct command_table {
	const char *group;
	const char *help;
	const struct command *rows;
	size_t n;
	const char *otherwise;   /* the command that options without a command's name mean; NULL: none */
	bool alone;              /* ... and whatever follows the group's name: it is one command */
};
extern const struct command_table server_commands, migration_commands, service_commands, host_commands, event_commands, host_map_commands, plan_commands,
	rebalance_commands, top_commands, report_commands;
/* All of them, ended by NULL (drover.c). */
extern const struct command_table *const cli_tables[];

struct cli {
	const struct command *cmd;
	struct args *args;
	enum render_format format;
	struct client *client;   /* NULL until cli_client() */
	int done_status;         /* exit status of a command that ran; 0 unless it says else */
	int failed_status;       /* ... of one that did not; 0: the usual one */
	GString *frame;          /* gets what is shown, instead of the output; NULL but for --watch */
};

/** cli_name() - "server list"; of a group that is one command, its name. Return: owned by the caller. */
char *cli_name(const struct command *cmd);

/** cli_on() - true if a switch of the command, or a global one, was given. */
bool cli_on(const struct cli *c, const char *opt);

/** cli_opt() - the value of an option, the last one given; NULL without one. Borrowed. */
const char *cli_opt(const struct cli *c, const char *opt);

/** cli_word() - the word @i after the command; NULL past the last. Borrowed. */
const char *cli_word(const struct cli *c, int i);

/**
 * cli_client() - the session with the cloud, made and authenticated at the first call.
 *
 * Return: borrowed; NULL with @err.
 */
struct client *cli_client(struct cli *c, GError **err);

/** cli_put() - what a command shows, as it is. */
void cli_put(struct cli *c, const char *text);

/**
 * cli_print_list() - print rows by the command's columns, as -f, -c and --long say.
 * @rows: an array of objects
 */
bool cli_print_list(struct cli *c, const json_t *rows, GError **err);

/** cli_print_one() - the same for one object, a line for each column. */
bool cli_print_one(struct cli *c, const json_t *row, GError **err);

/** cli_global_opts() - the options that every command takes. */
const struct opt *cli_global_opts(size_t *ret_n);

#endif
