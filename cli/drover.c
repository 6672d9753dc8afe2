/* SPDX-License-Identifier: Apache-2.0
 *
 * drover: the operator's client.
 *
 *	drover GROUP COMMAND [OPTION...] [WORD...]
 *
 * Reads the two first words, finds the command's row, reads its options, runs
 * it, turns its error into a message and an exit status.
 */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "complete.h"
#include "help.h"
#include "man.h"
#include "render.h"
#include "watch.h"

const struct command_table *const cli_tables[] = {
	&server_commands, &migration_commands, &service_commands, &host_commands, &host_map_commands, &plan_commands, &rebalance_commands, &event_commands,
	&top_commands, &report_commands, &completion_commands, NULL,
};

#define TIMED_OUT 124 /* as timeout(1) */

/* The command line, read so far. */
struct line {
	int argc;
	char **argv;
	const struct command_table *table;
	bool help, version;
};

static const struct opt main_opts[] = {
	{ "version", 0, NULL, NULL },
};

/* The next word, behind any options of every command. NULL without @err at the end of the line. */
static const char *next_word(struct cli *c, struct line *l, GError **err)
{
	struct opt_table tables[] = { { NULL, 0 }, { main_opts, G_N_ELEMENTS(main_opts) } };
	int used;

	tables[0].opts = cli_global_opts(&tables[0].n);
	if (!args_read(c->args, l->argc, l->argv, tables, G_N_ELEMENTS(tables), true, &used, err))
		return NULL;
	l->help |= args_all(c->args, "help") != NULL;
	l->version |= args_all(c->args, "version") != NULL;
	l->argc -= used;
	l->argv += used;
	if (l->argc == 0)
		return NULL;
	l->argc--;
	return *l->argv++;
}

static bool asks_help(const char *word)
{
	return strcmp(word, "-h") == 0 || (*word && g_str_has_prefix("--help", word));
}

/* Options that stand where a command's name would: they are of the table's command for that. */
static bool take_otherwise(struct cli *c, const struct line *l)
{
	const char *next = l->argc > 0 ? l->argv[0] : "";

	if (!l->table->alone && (!l->table->otherwise || *next != '-' || l->help || asks_help(next)))
		return false;
	c->cmd = help_command(l->table, l->table->otherwise, NULL);
	return true;
}

/* The two words that name a command; "help" before them asks for its help. @l->table and @c->cmd get what was named. */
static bool read_names(struct cli *c, struct line *l, GError **err)
{
	GError *why = NULL;
	const char *word = next_word(c, l, &why);

	if (word && strcmp(word, "help") == 0) {
		l->help = true;
		word = next_word(c, l, &why);
	}
	if (word && (l->table = help_table(word, &why)) && !take_otherwise(c, l) && (word = next_word(c, l, &why)))
		c->cmd = help_command(l->table, word, &why);
	if (why)
		g_propagate_error(err, why);
	return !why;
}

static bool read_rest(struct cli *c, struct line *l, GError **err)
{
	struct opt_table tables[] = { { NULL, 0 }, { c->cmd->opts, c->cmd->n_opts } };
	int used;

	tables[0].opts = cli_global_opts(&tables[0].n);
	if (!args_read(c->args, l->argc, l->argv, tables, G_N_ELEMENTS(tables), false, &used, err))
		return false;
	l->help |= args_all(c->args, "help") != NULL;
	return true;
}

static bool check_line(struct cli *c, GError **err)
{
	const char *format = cli_opt(c, "format");
	int n = (int)c->args->words->len;

	if (n < c->cmd->min_words || n > c->cmd->max_words) {
		g_autofree char *name = cli_name(c->cmd);

		g_set_error(err, CLI_ERR, CLI_USAGE, "%s; usage: drover %s%s%s", n > c->cmd->max_words ? "too many arguments" : "missing argument",
			    name, *c->cmd->words ? " " : "", c->cmd->words);
		return false;
	}
	c->format = format ? render_format_find(format) : RENDER_TABLE;
	if (c->format == RENDER_N) {
		g_autofree char *names = render_format_names();

		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no format \"%s\"; there are: %s", format, names);
		return false;
	}
	if (cli_on(c, "watch") && !c->cmd->watch) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--watch is for commands that show something and change nothing");
		return false;
	}
	return true;
}

static bool run(struct cli *c, struct line *l, GError **err)
{
	if (!read_names(c, l, err) || (c->cmd && !read_rest(c, l, err)))
		return false;
	if (l->version) {
		puts("drover " DROVER_VERSION);
		return true;
	}
	if (l->help) {
		help_print(stdout, l->table, c->cmd);
		return true;
	}
	if (!c->cmd) {
		if (!l->table)
			help_print(stderr, NULL, NULL);
		help_missing(l->table, err);
		return false;
	}
	return check_line(c, err) && (cli_on(c, "watch") ? watch_run : c->cmd->run)(c, err);
}

/*
 * D13: a message may have in it what a server, a file or the environment has said. All of them come by here. Further lines of
 * our own begin with two blanks; so does what else has an end of line in it, so that it does not look like a message.
 */
static char *safe_message(const char *message)
{
	g_autofree char *safe = render_safe(message, true);
	g_auto(GStrv) lines = g_strsplit(safe, "\n", -1);
	GString *s = g_string_new(lines[0]);

	for (char **l = lines + 1; lines[0] && *l; l++)
		g_string_append_printf(s, "\n%s%s", g_str_has_prefix(*l, "  ") ? "" : "  ", *l);
	return g_string_free(s, FALSE);
}

static int report(const struct cli *c, const GError *err)
{
	g_autofree char *safe = safe_message(err->message), *name = c->cmd ? cli_name(c->cmd) : NULL;

	if (g_error_matches(err, CLI_ERR, CLI_INTERRUPTED))
		return 128 + SIGINT; /* the wait has printed what goes on */
	fprintf(stderr, "drover: %s\n", safe);
	if (g_error_matches(err, CLI_ERR, CLI_TIMEOUT))
		return TIMED_OUT;
	if (!g_error_matches(err, CLI_ERR, CLI_USAGE))
		return c->failed_status ? c->failed_status : 1;
	if (name)
		fprintf(stderr, "drover: try: drover %s --help\n", name);
	else
		fprintf(stderr, "drover: try: drover help\n");
	return c->cmd && c->cmd->usage_status ? c->cmd->usage_status : 2;
}

static int finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE) /* "drover ... | head" is no reason for a word */
		fprintf(stderr, "drover: cannot write the output: %s\n", g_strerror(errno));
	return status ? status : 1;
}

int main(int argc, char **argv)
{
	struct cli c = { .args = args_new() };
	struct line l = { .argc = argc > 0 ? argc - 1 : 0, .argv = argv + 1 };
	g_autoptr(GError) err = NULL;
	int status = 0;

	signal(SIGPIPE, SIG_IGN); /* a broken pipe is an error of its write */
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (argc > 1 && strcmp(argv[1], COMPLETE_WORD) == 0)
		complete_run(&c, argc - 2, argv + 2);
	else if (argc == 3 && strcmp(argv[1], MAN_WORD) == 0)
		status = !man_print(stdout, argv[2]);
	else
		status = run(&c, &l, &err) ? c.done_status : report(&c, err);
	status = finish_output(status);
	client_free(c.client);
	args_free(c.args);
	curl_global_cleanup();
	return status;
}
