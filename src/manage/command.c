/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/command.h"

#include "base/page.h"

/* The options are the command's own, so it is begun, and ends where it would read them. NULL: it is to be carried out */
static FILE *described;

char *command_title(const struct command *c)
{
	return g_strconcat("drover-manage ", c->group, *c->name ? " " : "", c->name, NULL);
}

static void put_entries(FILE *out, const struct command *c, const GOptionEntry *entries, const char *args)
{
	g_autofree char *title = command_title(c);

	fputs("## ", out);
	page_put(out, title);
	if (args)
		fprintf(out, " %s", args);
	fputs("\n\n", out);
	page_put(out, c->help);
	fputs(".\n\n", out);
	for (const GOptionEntry *o = entries; o->long_name; o++)
		page_option(out, (char)o->short_name, o->long_name, o->arg_description, o->description);
}

void command_describe(const struct command *c, const struct conf *conf, FILE *out)
{
	char *argv[] = { (char *)c->name, NULL };

	described = out;
	(void)c->run(c, conf, 1, argv); /* it has done nothing */
	described = NULL;
}

bool command_options(const struct command *c, const GOptionEntry *entries, const char *args, int *argc, char ***argv)
{
	g_autoptr(GOptionContext) ctx = g_option_context_new(args);
	g_autofree char *name = command_title(c);
	g_autoptr(GError) err = NULL;

	if (described) {
		put_entries(described, c, entries, args);
		return false;
	}
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
	g_autofree char *name = command_title(c);

	fprintf(stderr, "%s: %s\n", name, err->message);
	return status;
}
