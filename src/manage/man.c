/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/man.h"

#include "base/page.h"
#include "manage/where.h"

static const char about[] =
	"# DESCRIPTION\n\n"
	"*drover-manage* takes care of the database of *droverd*(8), and of its accounts. The commands that *nova-manage* has too have its options,\n"
	"messages and exit statuses.\n\n"
	"Run as root, it goes on as the user that the *state\\_path* of the configuration belongs to, so that what it writes is the daemon's.\n\n";

static const char statuses[] =
	"# EXIT STATUS\n\n"
	"Of the commands for which nothing else is said:\n\n"
	"*0*\n\tIt is done.\n\n"
	"*1*\n\tIt is not; the reason is on stderr.\n\n"
	"*2*\n\tThe command line is wrong.\n\n"
	"*255*\n\tThe configuration has mistakes.\n\n"
	"*db archive\\_deleted\\_rows*: 0 nothing was archived, 1 rows were archived (run it again, if *--until-complete* was not given), 2 *--max\\_rows* is\n"
	"negative or too large, 3 the database cannot be opened, 4 *--before* is no date, 255 anything else.\n\n"
	"*db purge*: 0 rows were deleted, 1 neither *--before* nor *--all* was given, 2 *--before* is no date, 3 nothing was deleted, 4 the database cannot be\n"
	"opened (with *--all-cells*), 255 anything else.\n\n";

void man_print(FILE *out, const struct command *const *groups, size_t n)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *defaults = conf_load(NULL, mistakes);

	page_head(out, "drover-manage", 8, "care of Drover's database and accounts");
	fputs("# SYNOPSIS\n\n*drover-manage* [*--config* _FILE_] _GROUP_ _COMMAND_ [_OPTION_...]\n\n", out);
	fputs(about, out);
	fputs("# OPTIONS\n\n", out);
	page_option(out, 'c', "config", "FILE", "Configuration file (default " WHERE_CONF_PATH ")");
	page_option(out, 0, "version", NULL, "Print the version and exit");
	page_option(out, 0, "help", NULL, "Print the commands and exit");
	fputs("# COMMANDS\n\n", out);
	for (size_t g = 0; g < n; g++)
		for (const struct command *c = groups[g]; c->name; c++)
			command_describe(c, defaults, out);
	fputs(statuses, out);
	fputs("# FILES\n\n", out);
	fprintf(out, "_%s_\n\tThe configuration.\n\n", WHERE_CONF_PATH);
	fputs("# SEE ALSO\n\n*droverd*(8), *drover.conf*(5), *drover*(1)\n", out);
	conf_free(defaults);
}
