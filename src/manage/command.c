/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/command.h"

#include <stdio.h>

bool command_options(const struct command *c, const GOptionEntry *entries, const char *args, int *argc, char ***argv)
{
	g_autoptr(GOptionContext) ctx = g_option_context_new(args);
	g_autofree char *name = g_strdup_printf("drover-manage %s %s", c->group, c->name);
	g_autoptr(GError) err = NULL;

	g_set_prgname(name);
	g_option_context_set_summary(ctx, c->help);
	g_option_context_add_main_entries(ctx, entries, NULL);
	if (!g_option_context_parse(ctx, argc, argv, &err)) {
		fprintf(stderr, "%s: %s; see %s --help\n", name, err->message, name);
		return false;
	}
	if (*argc > 1 && !args) {
		fprintf(stderr, "%s: unexpected argument %s; see %s --help\n", name, (*argv)[1], name);
		return false;
	}
	return true;
}

int command_fail(const struct command *c, const GError *err, int status)
{
	fprintf(stderr, "drover-manage %s %s: %s\n", c->group, c->name, err->message);
	return status;
}
