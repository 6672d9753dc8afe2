/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <string.h>

#include "near.h"

static void put_opts(FILE *out, const struct opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g_autofree char *left = NULL;

		if (!opts[i].help)
			continue;
		left = g_strdup_printf("%s%c%s --%s%s%s", opts[i].letter ? "-" : " ", opts[i].letter ? opts[i].letter : ' ',
				       opts[i].letter ? "," : " ", opts[i].name, opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");
		fprintf(out, "  %-33s %s\n", left, opts[i].help);
	}
}

static void put_globals(FILE *out)
{
	size_t n;
	const struct opt *opts = cli_global_opts(&n);

	fputs("\nOptions of every command:\n", out);
	put_opts(out, opts, n);
}

static void put_columns(FILE *out, const struct command *cmd)
{
	bool longer = false;

	for (size_t i = 0; i < cmd->n_cols; i++)
		longer |= cmd->cols[i].longer;
	fprintf(out, "\nColumns%s:\n", longer ? " (* only with --long or -c)" : "");
	for (size_t i = 0; i < cmd->n_cols; i++)
		fprintf(out, "  %s%s\n", cmd->cols[i].title, cmd->cols[i].longer ? " *" : "");
}

static void help_one(FILE *out, const struct command *cmd)
{
	g_autofree char *name = cli_name(cmd);

	fprintf(out, "drover %s%s%s%s - %s\n", name, cmd->n_opts ? " [OPTION...]" : "", *cmd->words ? " " : "", cmd->words, cmd->help);
	if (cmd->more)
		fprintf(out, "\n%s", cmd->more);
	if (cmd->n_opts) {
		fputs("\nOptions:\n", out);
		put_opts(out, cmd->opts, cmd->n_opts);
	}
	if (cmd->n_cols)
		put_columns(out, cmd);
	put_globals(out);
}

static void put_rows(FILE *out, const struct command_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct command *cmd = &t->rows[i];
		g_autofree char *name = cli_name(cmd), *left = g_strconcat(name, *cmd->words ? " " : "", cmd->words, NULL);

		fprintf(out, "  %-44s %s\n", left, cmd->help);
	}
}

static void help_all(FILE *out)
{
	fputs("drover - show and migrate the servers of an OpenStack Compute API\n"
	      "\n"
	      "  drover GROUP COMMAND [OPTION...] [WORD...]\n"
	      "  drover help [GROUP [COMMAND]]\n"
	      "\n"
	      "Commands:\n", out);
	for (size_t t = 0; cli_tables[t]; t++)
		put_rows(out, cli_tables[t]);
	put_globals(out);
	fputs("\n"
	      "Credentials come from the OS_* variables (OS_AUTH_URL, OS_USERNAME, OS_PASSWORD,\n"
	      "OS_PROJECT_NAME, OS_USER_DOMAIN_NAME, ...) or from clouds.yaml in \".\",\n"
	      "~/.config/openstack or /etc/openstack.\n"
	      "\n"
	      "Exit status: 0 success, 1 failure, 2 usage error, 130 interrupted.\n", out);
}

void help_print(FILE *out, const struct command_table *t, const struct command *cmd)
{
	if (cmd) {
		help_one(out, cmd);
	} else if (t) {
		fprintf(out, "drover %s - %s\n\nCommands:\n", t->group, t->help);
		put_rows(out, t);
		put_globals(out);
	} else {
		help_all(out);
	}
}

/* ---- words that name nothing ---- */

/* The names of a group's commands, or of the groups; NULL-terminated, owned, its members are borrowed. */
static GPtrArray *names_of(const struct command_table *t)
{
	GPtrArray *names = g_ptr_array_new();

	for (size_t i = 0; t && i < t->n; i++)
		g_ptr_array_add(names, (void *)t->rows[i].name);
	for (size_t i = 0; !t && cli_tables[i]; i++)
		g_ptr_array_add(names, (void *)cli_tables[i]->group);
	g_ptr_array_add(names, NULL);
	return names;
}

static void unknown(const struct command_table *t, const char *word, GError **err)
{
	g_autoptr(GPtrArray) names = names_of(t);
	g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
	const char *near = near_word(word, (const char *const *)names->pdata), *of = t ? " of " : "", *group = t ? t->group : "";

	if (near)
		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no command \"%s\"%s%s; did you mean \"%s\"?", word, of, group, near);
	else
		g_set_error(err, CLI_ERR, CLI_USAGE, "there is no command \"%s\"%s%s; there are: %s", word, of, group, list);
}

const struct command_table *help_table(const char *group, GError **err)
{
	for (size_t t = 0; cli_tables[t]; t++)
		if (strcmp(cli_tables[t]->group, group) == 0)
			return cli_tables[t];
	unknown(NULL, group, err);
	return NULL;
}

const struct command *help_command(const struct command_table *t, const char *name, GError **err)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return &t->rows[i];
	unknown(t, name, err);
	return NULL;
}

void help_missing(const struct command_table *t, GError **err)
{
	g_autoptr(GPtrArray) names = names_of(t);
	g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);

	g_set_error(err, CLI_ERR, CLI_USAGE, "missing command%s%s; there are: %s", t ? " after " : "", t ? t->group : "", list);
}
