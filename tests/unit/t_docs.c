/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of docs/ that are written from tables of the program. REGEN=1 writes them; review the difference.
 */
#include <glib.h>
#include <string.h>

#include "base/conf.h"

static void assert_page(const char *name, const char *got)
{
	g_autofree char *path = g_build_filename(g_getenv("DOCS_DIR"), name, NULL);
	g_autofree char *want = NULL;
	g_autoptr(GError) err = NULL;

	if (g_getenv("REGEN"))
		g_assert_true(g_file_set_contents(path, got, -1, NULL));
	g_file_get_contents(path, &want, NULL, &err);
	g_assert_no_error(err);
	if (strcmp(got, want) != 0)
		g_error("docs/%s is not what the table says; REGEN=1 writes it. It should be:\n%s", name, got);
}

/* A bar would end the column. */
static void put_cell(GString *out, const char *text)
{
	g_autoptr(GString) cell = g_string_new(text);

	g_string_replace(cell, "|", "\\|", 0);
	g_string_append_printf(out, " %s |", cell->str);
}

static void put_option(GString *out, const struct conf_option *o)
{
	g_string_append_printf(out, "| `%s` |", o->name);
	put_cell(out, o->values);
	if (o->fallback && *o->fallback)
		g_string_append_printf(out, " `%s` |", o->fallback);
	else
		g_string_append(out, o->fallback ? " empty |" : " unset |");
	put_cell(out, o->help);
	g_string_append(out, o->mutable ? " SIGHUP |\n" : " restart |\n");
}

static void test_config(void)
{
	g_autoptr(GString) out = g_string_new(
		"# Configuration\n\n"
		"`droverd --config FILE` reads one INI file. Sections and options have Nova's names wherever Nova has the option; what is Drover's own\n"
		"says so. `droverd --print-config` prints a file with every option commented, `droverd --check-config` checks one and names each mistake\n"
		"with its line. SIGHUP reads the file again: options marked SIGHUP change at once, the others with the next start.\n\n"
		"This page is written from the program's own table; a test compares the two.\n");
	const char *section = "";
	struct conf_option o;

	for (size_t i = 0; conf_option(i, &o); i++) {
		if (strcmp(section, o.section) != 0)
			g_string_append_printf(out, "\n## [%s]\n\n| option | values | default | meaning | changes with |\n|---|---|---|---|---|\n",
					       o.section);
		section = o.section;
		put_option(out, &o);
	}
	assert_page("CONFIG.md", out->str);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/docs/config", test_config);
	return g_test_run();
}
