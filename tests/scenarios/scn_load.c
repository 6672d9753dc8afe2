/* SPDX-License-Identifier: Apache-2.0 */
#include "scn.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define OUR_CONF \
	"[DEFAULT]\nlog_format = text\n[workarounds]\nallow_any_uri = true\n[api]\nhost_schemes = sim\n"
/* Addresses are asked for by those scenarios alone that are about them: a fault that strikes such a question is no news elsewhere. */
#define NO_ADDRESSES "[DEFAULT]\naddress_refresh_interval = 0\n"
/* Likewise which folders are shared. */
#define NO_MARKERS "[evacuation]\nstorage_markers = false\n"

static void line_free(void *data)
{
	struct scn_line *l = data;

	g_strfreev(l->w);
	g_free(l);
}

static bool complain(GError **err, const char *path, int no, const char *what)
{
	g_set_error(err, ERR, ERR_CONF, "%s:%d: %s", path, no, what);
	return false;
}

/* Commands that say something of the file itself. Return: false if it is none of them. */
static bool take_header(struct scn *s, const struct scn_line *l)
{
	const char *arg = l->n > 1 ? l->w[1] : "";

	if (g_str_equal(l->w[0], "about"))
		s->about = g_strdup(arg);
	else if (g_str_equal(l->w[0], "no-sweep"))
		s->no_sweep = g_strdup(arg);
	else if (g_str_equal(l->w[0], "no-invariants"))
		s->no_invariants = g_strdup(arg);
	else if (g_str_equal(l->w[0], "kinds") && g_str_equal(arg, "test"))
		s->test_kinds = true;
	else
		return false;
	return true;
}

static void write_host(GString *conf, const struct scn_line *l)
{
	const char *of = l->w[1];

	for (int i = 2; i < l->n; i++)
		if (g_str_has_prefix(l->w[i], "of="))
			of = l->w[i] + strlen("of=");
	g_string_append_printf(conf, "[host %s]\nuri = sim://%s\n", l->w[1], of);
	for (int i = 2; i < l->n; i++) {
		if (g_str_equal(l->w[i], "agent"))
			g_string_append_printf(conf, "fence_agent = fence_dummy\nfence_options = /%s\n", of);
	}
	for (int i = 2; i < l->n; i++) {
		const char *equals = strchr(l->w[i], '=');

		if (equals && (g_str_has_prefix(l->w[i], "shared_set=") || g_str_has_prefix(l->w[i], "dedicated_set=")))
			g_string_append_printf(conf, "cpu_%.*s = %s\n", (int)(equals - l->w[i]), l->w[i], equals + 1);
		if (g_str_has_prefix(l->w[i], "cell="))
			g_string_append_printf(conf, "cell = %s\n", equals + 1);
	}
}

static bool take_line(struct scn *s, GString *conf, const char *path, int no, const char *text, GError **err)
{
	struct scn_line *l = g_new0(struct scn_line, 1);
	g_autoptr(GError) why = NULL;

	l->no = no;
	if (!g_shell_parse_argv(text, &l->n, &l->w, &why)) {
		bool empty = g_error_matches(why, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING);

		g_free(l);
		return empty ? true : complain(err, path, no, why->message);
	}
	if (take_header(s, l)) {
		line_free(l);
		return true;
	}
	if (g_str_equal(l->w[0], "conf") && l->n == 4)
		g_string_append_printf(conf, "[%s]\n%s = %s\n", l->w[1], l->w[2], l->w[3]);
	if (g_str_equal(l->w[0], "host") && l->n >= 2)
		write_host(conf, l);
	g_ptr_array_add(s->lines, l);
	return true;
}

static bool load_conf(struct scn *s, const GString *text, const char *path, GError **err)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);

	s->conf = g_strdup(text->str);
	s->parsed = conf_parse(text->str, text->len, path, mistakes);
	if (mistakes->len == 0)
		return true;
	g_set_error(err, ERR, ERR_CONF, "%s: %s", path, (const char *)g_ptr_array_index(mistakes, 0));
	return false;
}

/* What expects nothing proves nothing. */
static bool has_expect(const struct scn *s, const char *path, GError **err)
{
	for (guint i = 0; i < s->lines->len; i++)
		if (g_str_equal(((struct scn_line *)g_ptr_array_index(s->lines, i))->w[0], "expect"))
			return true;
	g_set_error(err, ERR, ERR_CONF, "%s: it has no \"expect\"", path);
	return false;
}

struct scn *scn_load(const char *path, GError **err)
{
	struct scn *s = g_new0(struct scn, 1);
	g_autoptr(GString) conf = g_string_new(OUR_CONF);
	g_autofree char *base = g_path_get_basename(path), *text = NULL;
	g_auto(GStrv) lines = NULL;
	bool good = g_file_get_contents(path, &text, NULL, err);

	s->name = g_strndup(base, strcspn(base, "."));
	s->lines = g_ptr_array_new_with_free_func(line_free);
	lines = g_strsplit(good ? text : "", "\n", -1);
	for (int i = 0; good && lines[i]; i++)
		good = take_line(s, conf, path, i + 1, lines[i], err);
	if (!strstr(conf->str, "address_refresh_interval"))
		g_string_append(conf, NO_ADDRESSES);
	if (!strstr(conf->str, "storage_markers"))
		g_string_append(conf, NO_MARKERS);
	if (good && has_expect(s, path, err) && load_conf(s, conf, path, err))
		return s;
	scn_free(s);
	return NULL;
}

void scn_free(struct scn *s)
{
	if (!s)
		return;
	g_free(s->name);
	g_free(s->about);
	g_free(s->no_sweep);
	g_free(s->no_invariants);
	g_free(s->conf);
	if (s->parsed)
		conf_free(s->parsed);
	g_ptr_array_unref(s->lines);
	g_free(s);
}

/* ---- files ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_folder(GPtrArray *files, const char *path, GError **err)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, err);
	const char *name;
	guint first = files->len;

	if (!dir)
		return false;
	while ((name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".scn"))
			g_ptr_array_add(files, g_build_filename(path, name, NULL));
	if (files->len > first)
		qsort(&files->pdata[first], files->len - first, sizeof files->pdata[0], by_name);
	return true;
}

GPtrArray *scn_files(char **args, GError **err)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

	for (; *args; args++) {
		if (!g_file_test(*args, G_FILE_TEST_IS_DIR))
			g_ptr_array_add(files, g_strdup(*args));
		else if (!add_folder(files, *args, err))
			return NULL;
	}
	if (files->len > 0)
		return g_steal_pointer(&files);
	g_set_error(err, ERR, ERR_CONF, "no scenario files");
	return NULL;
}
