/* SPDX-License-Identifier: Apache-2.0
 *
 * drover-manage: care of the database and of accounts, beside the daemon or without it. Its commands are nova-manage's where that has them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include "base/conf.h"
#include "base/log.h"
#include "hv/libvirt/libvirt.h"
#include "hv/sim/sim.h"
#include "manage/account.h"
#include "manage/audit.h"
#include "manage/command.h"
#include "manage/db.h"
#include "manage/man.h"
#include "manage/seam.h"
#include "manage/where.h"

static const struct hv_ops *const ops[] = { &sim_ops, &libvirt_ops, NULL };
static const struct seam seam = { .ops = ops, .init = libvirt_init };

static const struct command *const groups[] = { db_commands, audit_commands, account_commands };

static void list_commands(FILE *out)
{
	fprintf(out, "Usage: drover-manage [--config FILE] GROUP COMMAND [OPTION...]\n\n");
	for (size_t g = 0; g < G_N_ELEMENTS(groups); g++)
		for (const struct command *c = groups[g]; c->name; c++)
			fprintf(out, "  %-7s %-20s %s\n", c->group, c->name, c->help);
	fprintf(out, "\nOptions of a command: drover-manage GROUP COMMAND --help\n");
}

/* @words: a group and a command, as far as there are; @ret_words: of it */
static const struct command *find_command(char **words, int n, int *ret_words)
{
	for (size_t g = 0; g < G_N_ELEMENTS(groups); g++)
		for (const struct command *c = groups[g]; c->name; c++)
			if (n > 0 && strcmp(c->group, words[0]) == 0 && (!*c->name || (n > 1 && strcmp(c->name, words[1]) == 0))) {
				*ret_words = *c->name ? 2 : 1;
				return c;
			}
	return NULL;
}

/* Its options are the command's, and are looked at before the configuration is. */
static int run(const struct command *c, const char *config, int argc, char **argv)
{
	struct conf *conf = where_load_conf(config);
	g_autoptr(GError) err = NULL;
	int status;

	if (!conf)
		return COMMAND_BROKEN;
	umask(077);
	if (c->as_caller || where_become_owner(conf, &err))
		status = c->run(c, conf, argc, argv);
	else
		status = command_fail(c, err, COMMAND_BROKEN);
	conf_free(conf);
	log_drain();
	return status;
}

int main(int argc, char **argv)
{
	g_autofree char *config = NULL;
	gboolean version = FALSE, help = FALSE, man = FALSE;
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, "Configuration file (default " WHERE_CONF_PATH ")", "FILE" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Print the commands and exit", NULL },
		{ "man", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &man, "Print the manual page's source and exit", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) ctx = g_option_context_new(NULL);
	g_autoptr(GError) err = NULL;
	const struct command *c;
	int words = 0;

	seam_use(&seam);
	g_option_context_set_strict_posix(ctx, TRUE);
	g_option_context_set_help_enabled(ctx, FALSE);
	g_option_context_add_main_entries(ctx, entries, NULL);
	if (!g_option_context_parse(ctx, &argc, &argv, &err)) {
		fprintf(stderr, "drover-manage: %s; see drover-manage --help\n", err->message);
		return COMMAND_USAGE;
	}
	if (version)
		printf("drover-manage %s\n", DROVER_VERSION);
	else if (help)
		list_commands(stdout);
	else if (man)
		man_print(stdout, groups, G_N_ELEMENTS(groups));
	if (version || help || man)
		return 0;
	c = find_command(argv + 1, argc - 1, &words);
	if (c)
		return run(c, config, argc - words, argv + words);
	if (argc > 2)
		fprintf(stderr, "drover-manage: there is no command %s %s\n", argv[1], argv[2]);
	list_commands(stderr);
	return COMMAND_USAGE;
}
