/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden answers of the Compute API: tests/golden/api/NAME.txt.
 *
 * A file is a dialogue with a fresh world (compute_world.h). Lines that begin
 * with '>' are requests, the others are written by the test:
 *
 *	> GET /v2.1/os-services?host=h1 2.1,11,53
 *	> PUT /v2.1/os-services/disable 2.1 admin {"host": "h1", "binary": "nova-compute"}
 *
 * With several microversions the first answer is shown whole, of the others what
 * changed against the one before. REGEN=1 rewrites the files.
 */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "compute_world.h"

/* ---- what changed between two answers ---- */

/* Longest common subsequence of lines; answers have at most some hundred of them. */
static void put_changes(GString *out, char **a, char **b)
{
	guint n = g_strv_length(a), m = g_strv_length(b), i = 0, j = 0;
	g_autofree guint *common = g_new0(guint, (n + 1) * (m + 1));

#define COMMON(x, y) common[(x) * (m + 1) + (y)]
	for (guint x = n; x-- > 0;)
		for (guint y = m; y-- > 0;)
			COMMON(x, y) = strcmp(a[x], b[y]) == 0 ? COMMON(x + 1, y + 1) + 1 : MAX(COMMON(x + 1, y), COMMON(x, y + 1));
	while (i < n || j < m) {
		if (i < n && j < m && strcmp(a[i], b[j]) == 0)
			i++, j++;
		else if (j >= m || (i < n && COMMON(i + 1, j) >= COMMON(i, j + 1)))
			g_string_append_printf(out, "- %s\n", a[i++]);
		else
			g_string_append_printf(out, "+ %s\n", b[j++]);
	}
#undef COMMON
}

/* ---- one request ---- */

static char *replace(const char *text, const char *old, const char *new)
{
	g_auto(GStrv) parts = g_strsplit(text, old, -1);

	return g_strjoinv(new, parts);
}

/* The lines of an answer; whether a comma follows is no change. */
static char **lines_of(const char *text)
{
	char **lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		if (g_str_has_suffix(*line, ","))
			(*line)[strlen(*line) - 1] = '\0';
	return lines;
}

/* One member a line, in the order of the answer; the name of this machine is made the same everywhere. */
static char *pretty(const char *body)
{
	g_autoptr(json_t) root = *body ? json_loads(body, JSON_REJECT_DUPLICATES, NULL) : NULL;
	g_autofree char *text = NULL, *here = g_strdup_printf("\"%s\"", g_get_host_name());

	if (!root) {
		g_assert_cmpstr(body, ==, "");
		return g_strdup("");
	}
	text = json_dumps(root, JSON_INDENT(1));
	return replace(text, here, "\"controller\"");
}

static void ask(struct world *w, GString *out, char **words)
{
	g_auto(GStrv) versions = g_strsplit(words[2] + 2, ",", -1);
	g_autofree char *last = NULL;
	int last_status = 0;

	for (char **v = versions; *v; v++) {
		struct answer a;
		g_autofree char *text = NULL;

		world_ask(w, words[0], words[1], atoi(*v), words[3] ? words[3] : "admin", words[3] ? words[4] : NULL, &a);
		text = pretty(a.body);
		g_string_append_printf(out, "< 2.%s %d\n", *v, a.status);
		if (last && a.status == last_status) {
			g_auto(GStrv) before = lines_of(last), now = lines_of(text);

			put_changes(out, before, now);
		} else if (*text) {
			g_string_append_printf(out, "%s\n", text);
		}
		g_free(last);
		last = g_strdup(text);
		last_status = a.status;
		answer_clear(&a);
	}
	g_string_append_c(out, '\n');
}

static char *run(const char *script)
{
	g_auto(GStrv) lines = g_strsplit(script, "\n", -1);
	struct world *w = world_new();
	GString *out = g_string_new(NULL);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = NULL;

		if (g_str_has_prefix(*line, "# "))
			g_string_append_printf(out, "%s\n", *line);
		if (!g_str_has_prefix(*line, "> "))
			continue;
		words = g_strsplit(*line + 2, " ", 5);
		g_assert_cmpint(g_strv_length(words), >=, 3);
		g_string_append_printf(out, "%s\n", *line);
		ask(w, out, words);
	}
	world_free(w);
	return g_string_free(out, FALSE);
}

static void golden(gconstpointer path)
{
	g_autofree char *want = NULL, *have = NULL;
	GError *err = NULL;

	g_file_get_contents(path, &want, NULL, &err);
	g_assert_no_error(err);
	have = run(want);
	if (g_getenv("REGEN")) {
		g_file_set_contents(path, have, -1, &err);
		g_assert_no_error(err);
	} else {
		g_assert_cmpstr(have, ==, want);
	}
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	const char *dir, *name;
	GDir *d;
	int rc;

	g_test_init(&argc, &argv, NULL);
	dir = g_getenv("GOLDEN_DIR");
	g_assert_nonnull(dir);
	d = g_dir_open(dir, 0, NULL);
	g_assert_nonnull(d);
	while ((name = g_dir_read_name(d))) {
		g_autofree char *test = g_strdup_printf("/golden/api/%s", name);

		g_ptr_array_add(paths, g_build_filename(dir, name, NULL));
		g_test_add_data_func(test, g_ptr_array_index(paths, paths->len - 1), golden);
	}
	g_dir_close(d);
	rc = g_test_run();
	return rc;
}
