/* SPDX-License-Identifier: Apache-2.0
 *
 * run_scn: run scenario files and print TAP, a line a file.
 *
 *	run_scn [--trace] [--seed N] FILE|FOLDER...
 */
#include <stdio.h>
#include <stdlib.h>

#include "scn.h"

static int trace;
static gint64 seed = 1;

static const GOptionEntry options[] = {
	{ "trace", 't', 0, G_OPTION_ARG_NONE, &trace, "show calls, log and commands", NULL },
	{ "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "of latencies", "N" },
	G_OPTION_ENTRY_NULL
};

static bool run_file(const char *path, int n)
{
	g_autoptr(GError) err = NULL;
	struct scn *s = scn_load(path, &err);
	struct scn_options o = { .seed = (uint64_t)seed, .trace = trace ? stdout : NULL };
	struct scn_result res = { 0 };
	bool good;

	if (s)
		scn_run(s, &o, &res);
	good = s && !res.failure;
	printf("%sok %d - %s: %s\n", good ? "" : "not ", n, s ? s->name : path, s && s->about ? s->about : "");
	if (!good)
		printf("# %s\n", s ? res.failure : err->message);
	g_free(res.failure);
	scn_free(s);
	return good;
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) ctx = g_option_context_new("FILE|FOLDER...");
	g_autoptr(GError) err = NULL;
	g_autoptr(GPtrArray) files = NULL;
	int failed = 0;

	g_option_context_add_main_entries(ctx, options, NULL);
	if (!g_option_context_parse(ctx, &argc, &argv, &err) || !(files = scn_files(argv + 1, &err))) {
		fprintf(stderr, "run_scn: %s\n", err->message);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n", files->len);
	for (guint i = 0; i < files->len; i++)
		failed += !run_file(g_ptr_array_index(files, i), (int)i + 1);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
