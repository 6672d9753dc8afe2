/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

#include <string.h>

#include "base/page.h"
#include "cli.h"

static const char environment[] =
	"# ENVIRONMENT\n\n"
	"*OS_CLOUD*, *OS_AUTH_URL*, *OS_USERNAME*, *OS_PASSWORD*, *OS_PROJECT_NAME*, *OS_USER_DOMAIN_NAME*, *OS_REGION_NAME*, *OS_CACERT* and the other\n"
	"variables of OpenStack's clients.\n\n"
	"*NO_COLOR*\n\tNo colours in *drover top*.\n\n";

static const char files[] =
	"# FILES\n\n"
	"_clouds.yaml_\n\tCredentials, in the current directory, _~/.config/openstack_ or _/etc/openstack_; secrets in _secure.yaml_ beside it.\n\n"
	"_~/.cache/drover_\n\tTokens until they expire, and names for completion for some seconds; readable by the user alone.\n\n";

static void put_opts(FILE *out, const struct opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (opts[i].help)
			page_option(out, opts[i].letter, opts[i].name, opts[i].arg, opts[i].help);
}

/* A line that ends a sentence is a line of the page. */
static void put_more(FILE *out, const char *more)
{
	g_auto(GStrv) lines = g_strsplit(more, "\n", -1);

	for (char **l = lines; *l && **l; l++) {
		page_put(out, *l);
		fputs(!l[1] || !*l[1] ? "\n\n" : g_str_has_suffix(*l, ".") ? "++\n" : "\n", out);
	}
}

static void put_columns(FILE *out, const struct command *cmd)
{
	fputs("Columns: ", out);
	for (size_t i = 0; i < cmd->n_cols; i++) {
		fputs(i ? ", " : "", out);
		page_put(out, cmd->cols[i].title);
	}
	fputs(".\n\n", out);
}

static void put_command(FILE *out, const struct command *cmd)
{
	g_autofree char *name = cli_name(cmd);

	fputs("## drover ", out);
	page_put(out, name);
	fputs(*cmd->words ? " " : "", out);
	page_put(out, cmd->words);
	fputs("\n\n", out);
	page_put(out, cmd->help);
	fputs(".\n\n", out);
	if (cmd->more)
		put_more(out, cmd->more);
	put_opts(out, cmd->opts, cmd->n_opts);
	if (cmd->n_cols)
		put_columns(out, cmd);
}

static void put_globals(FILE *out)
{
	size_t n;
	const struct opt *opts = cli_global_opts(&n);

	fputs("# OPTIONS OF EVERY COMMAND\n\n", out);
	put_opts(out, opts, n);
}

static void put_group(FILE *out, const struct command_table *t, const char *page)
{
	page_head(out, page, 1, t->help);
	fputs("# COMMANDS\n\n", out);
	for (size_t i = 0; i < t->n; i++)
		put_command(out, &t->rows[i]);
	put_globals(out);
	fputs(environment, out);
	fputs("# SEE ALSO\n\n*drover*(1)\n", out);
}

static void put_drover(FILE *out)
{
	page_head(out, "drover", 1, "show and migrate the servers of an OpenStack Compute API");
	fputs("# SYNOPSIS\n\n*drover* _GROUP_ _COMMAND_ [_OPTION_...] [_WORD_...]++\n*drover help* [_GROUP_ [_COMMAND_]]\n\n# COMMANDS\n\n", out);
	for (size_t i = 0; cli_tables[i]; i++) {
		fputs("*drover ", out);
		page_put(out, cli_tables[i]->group);
		fputs("*\n\t", out);
		page_put(out, cli_tables[i]->help);
		fprintf(out, ": *drover-%s*(1)\n\n", cli_tables[i]->group);
	}
	put_globals(out);
	fputs(environment, out);
	fputs(files, out);
	fputs("# EXIT STATUS\n\n0 success, 1 failure, 2 usage error, 124 time limit, 130 interrupted. Commands that make plans have statuses of their own:\n"
	      "*drover-plan*(1).\n", out);
}

bool man_print(FILE *out, const char *page)
{
	if (strcmp(page, "drover") == 0) {
		put_drover(out);
		return true;
	}
	for (size_t i = 0; cli_tables[i]; i++) {
		if (g_str_has_prefix(page, "drover-") && strcmp(page + strlen("drover-"), cli_tables[i]->group) == 0) {
			put_group(out, cli_tables[i], page);
			return true;
		}
	}
	return false;
}
