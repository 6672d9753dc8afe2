/* SPDX-License-Identifier: Apache-2.0
 *
 * drover host-map: bring servers to the hosts that a file names.
 */
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli.h"
#include "client.h"
#include "find.h"
#include "map.h"
#include "map_nova.h"
#include "plan.h"
#include "plan_api.h"
#include "plan_view.h"

#define TIMEOUT_S 600
#define PARALLEL_MAX 1000

static const struct opt apply_opts[] = {
	{ "host_map", 0, "FILE", "the map, instead of the word FILE" },
	{ "host-map", 0, "FILE", NULL, "host_map" },
	{ "timeout", 0, "SECONDS", "how long one migration is waited for (600)" },
	{ "yes", 'y', NULL, "do not ask before each migration" },
	{ "y", 0, NULL, NULL, "yes" },
	{ "parallel", 0, "N", "so many at a time (1)" },
	{ "dry-run", 0, NULL, "show what would be done, and do nothing" },
	{ "no-wait", 0, NULL, "start it and leave it" },
};

static const struct opt diff_opts[] = {
	{ "host_map", 0, "FILE", "the map, instead of the word FILE" },
	{ "host-map", 0, "FILE", NULL, "host_map" },
};

#define MAP_FORM \
	"FILE is {\"HOST\": [\"SERVER\", ...], ...}, \"-\" is the standard input. Servers are named by their names or\n" \
	"ids; those that are not named stay where they are. {\"version\": 1, \"servers\": {\"SERVER\": \"HOST\", ...},\n" \
	"\"rest\": \"anywhere\"} lets them go elsewhere, as few as will do, where a host would be full.\n"

static const char apply_more[] =
	MAP_FORM
	"All mistakes of the file are listed, with line and column, before anything moves. Then it asks before\n"
	"each migration: yes, no, all (no more questions) or quit. The plan is the server's: Ctrl-C, or the end of\n"
	"this program, leaves it running. On a Compute API without plans the client migrates one server at a time.\n"
	PLAN_EXITS;

static const char diff_more[] = MAP_FORM PLAN_EXITS;

static const char export_more[] = "Prints the map of what is where: sorted, so that its differences are small. A server whose name others have\n"
	"too stands there by its id.\n";

/* ---- the file ---- */

static const char *file_of(const struct cli *c, GError **err)
{
	const char *word = cli_word(c, 0), *opt = cli_opt(c, "host_map");

	if (!word == !opt)
		g_set_error(err, CLI_ERR, CLI_USAGE, word ? "the map is named twice" : "which map? give FILE, or --host_map FILE");
	return !word == !opt ? NULL : word ? word : opt;
}

static bool read_stdin(char **ret_text, gsize *ret_len, GError **err)
{
	GString *s = g_string_new(NULL);
	char piece[4096];
	size_t n;

	while (s->len <= MAP_BYTES_MAX && (n = fread(piece, 1, sizeof piece, stdin)) > 0)
		g_string_append_len(s, piece, (gssize)n);
	*ret_len = s->len;
	*ret_text = g_string_free(s, FALSE);
	if (!ferror(stdin))
		return true;
	g_free(*ret_text);
	g_set_error(err, CLI_ERR, CLI_FAILED, "cannot read the standard input");
	return false;
}

static struct map *read_map(struct cli *c, const char *file, GError **err)
{
	g_autofree char *text = NULL;
	gsize len;

	c->failed_status = PLAN_REFUSED;
	if (strcmp(file, "-") == 0 ? !read_stdin(&text, &len, err) : !g_file_get_contents(file, &text, &len, err)) {
		text = NULL;
		return NULL;
	}
	if (len <= MAP_BYTES_MAX)
		return map_parse(text, len);
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s is larger than %d MiB", file, MAP_BYTES_MAX >> 20);
	return NULL;
}

/* Return: false with @err if there are any. */
static bool check_mistakes(struct cli *c, struct map *m, const char *file, GError **err)
{
	g_autofree char *text = map_mistakes_text(m, file);

	if (m->mistakes->len == 0)
		return true;
	c->failed_status = PLAN_REFUSED;
	fputs(text, stderr);
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s has %u mistake%s; nothing was changed", file, m->mistakes->len, m->mistakes->len == 1 ? "" : "s");
	return false;
}

/* ---- apply, diff ---- */

struct wish {
	const char *file;
	struct map *map;
	int64_t timeout_s, parallel;
	bool dry_run, yes, no_wait;
};

/* Of the file's own mistakes the server has to know nothing: where there are some it is asked for the others by what can be read. */
static bool run_plan(struct cli *c, struct wish *w, GError **err)
{
	struct plan_how how = { .dry_run = w->dry_run, .yes = w->yes, .each = true, .no_wait = w->no_wait, .limit_ms = w->timeout_s * 1000 };
	g_autoptr(json_t) request = json_pack("{s:s, s:o, s:I}", "kind", "map", "map", map_json(w->map), "parallel", (json_int_t)w->parallel), mistakes = NULL;
	g_autoptr(GError) why = NULL;
	const json_t *one;
	bool ok;
	size_t i;

	if (w->map->anywhere)
		json_object_set_new(request, "rest", json_string("anywhere"));
	if (w->map->mistakes->len) {
		g_autoptr(json_t) draft = plan_make(c, request, &mistakes, &why);

		if (draft)
			(void)plan_change(c, json_integer_value(json_object_get(draft, "id")), NULL, NULL);
	}
	ok = !w->map->mistakes->len && plan_run(c, request, &how, &mistakes, &why);
	json_array_foreach(mistakes, i, one)
		map_add_mistake(w->map, map_place_of(w->map, plan_str(one, "where")), "%s", plan_str(one, "what"));
	if (!check_mistakes(c, w->map, w->file, err))
		return false;
	if (!ok)
		g_propagate_error(err, g_steal_pointer(&why));
	return ok;
}

static bool run_nova(struct cli *c, struct wish *w, GError **err)
{
	struct map_nova_how how = { .yes = w->yes, .limit_ms = w->timeout_s * 1000 };
	g_autoptr(json_t) steps = map_nova_steps(c, w->map, err);

	if (!steps || !check_mistakes(c, w->map, w->file, err))
		return false;
	c->failed_status = PLAN_FAILED;
	if (json_array_size(steps) == 0) {
		if (c->format == RENDER_TABLE)
			plan_say(c, "nothing to do\n");
		return c->format == RENDER_TABLE || cli_print_list(c, steps, err);
	}
	if (!w->dry_run)
		fprintf(stderr, "drover: this is not Drover: the client migrates one server at a time itself, no room is reserved, and the work ends with it\n");
	if (w->map->anywhere)
		fprintf(stderr, "drover: servers that the map does not name stay where they are: only Drover lets them make room\n");
	if (!w->dry_run)
		return map_nova_run(c, steps, &how, err);
	c->done_status = PLAN_PENDING;
	return cli_print_list(c, steps, err);
}

static bool run_wish(struct cli *c, struct wish *w, GError **err)
{
	bool plans;

	if (!plan_offered(c, &plans, err))
		return false;
	return (plans ? run_plan : run_nova)(c, w, err);
}

static bool number(const struct cli *c, const char *opt, int64_t max, int64_t *ret, GError **err)
{
	if (!cli_opt(c, opt) || util_parse_int(cli_opt(c, opt), 1, max, ret))
		return true;
	g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is a number from 1 to %d, not \"%s\"", opt, (int)max, cli_opt(c, opt));
	return false;
}

static bool run_file(struct cli *c, struct wish *w, GError **err)
{
	bool ok;

	w->file = file_of(c, err);
	if (!w->file)
		return false;
	w->map = read_map(c, w->file, err);
	if (!w->map)
		return false;
	/* without its syntax there is nothing to ask the cloud about */
	ok = w->map->hosts->len == 0 && w->map->mistakes->len ? check_mistakes(c, w->map, w->file, err) : run_wish(c, w, err);
	map_free(w->map);
	return ok;
}

static bool run_apply(struct cli *c, GError **err)
{
	struct wish w = { .timeout_s = TIMEOUT_S, .parallel = 1, .dry_run = cli_on(c, "dry-run"), .yes = cli_on(c, "yes"), .no_wait = cli_on(c, "no-wait") };

	if (!number(c, "timeout", 7 * 24 * 3600, &w.timeout_s, err) || !number(c, "parallel", PARALLEL_MAX, &w.parallel, err))
		return false;
	if (!w.yes && !w.dry_run && g_strcmp0(cli_word(c, 0) ? cli_word(c, 0) : cli_opt(c, "host_map"), "-") == 0) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "a map from the standard input needs --yes: the answers would come from there too");
		return false;
	}
	return run_file(c, &w, err);
}

static bool run_diff(struct cli *c, GError **err)
{
	struct wish w = { .timeout_s = TIMEOUT_S, .parallel = 1, .dry_run = true };

	return run_file(c, &w, err);
}

/* ---- export ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_text_data(const void *a, const void *b, void *unused)
{
	(void)unused;
	return strcmp(a, b);
}

/* Host -> the words for its servers. Owned. */
static GTree *sort_servers(const json_t *servers)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	GTree *hosts = g_tree_new_full(by_text_data, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
	const json_t *row;
	size_t i;

	json_array_foreach(servers, i, row)
		if (render_str(row, "name"))
			g_hash_table_insert(names, (void *)render_str(row, "name"),
					    GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(names, render_str(row, "name"))) + 1));
	json_array_foreach(servers, i, row) {
		const char *host = render_str(row, "OS-EXT-SRV-ATTR:host"), *name = render_str(row, "name"), *id = render_str(row, "id");
		GPtrArray *of = host ? g_tree_lookup(hosts, host) : NULL;

		if (!host || !id)
			continue;
		if (!of) {
			of = g_ptr_array_new();
			g_tree_insert(hosts, (void *)host, of);
		}
		g_ptr_array_add(of, (void *)(name && *name && GPOINTER_TO_INT(g_hash_table_lookup(names, name)) == 1 ? name : id));
	}
	return hosts;
}

static gboolean put_host(void *host, void *servers, void *user)
{
	GPtrArray *of = servers;
	json_t *list = json_array();

	g_ptr_array_sort(of, by_text);
	for (guint i = 0; i < of->len; i++)
		json_array_append_new(list, json_string(of->pdata[i]));
	json_object_set_new(user, host, list);
	return FALSE;
}

static bool run_export(struct cli *c, GError **err)
{
	g_autoptr(json_t) servers = find_servers(c, err), map = json_object();
	g_autofree char *text = NULL;
	GTree *hosts;

	if (!servers)
		return false;
	hosts = sort_servers(servers);
	g_tree_foreach(hosts, put_host, map);
	g_tree_unref(hosts);
	text = json_dumps(map, JSON_INDENT(4) | JSON_ENSURE_ASCII);
	cli_put(c, text);
	cli_put(c, "\n");
	return true;
}

/* ---- the table ---- */

#define REFUSES .usage_status = PLAN_REFUSED

static const struct command rows[] = {
	{ "host-map", "apply", "[FILE]", 0, 1, run_apply, CLI_OPTS(apply_opts), CLI_COLS(plan_step_cols), .help = "bring servers to the hosts that a file names",
	  .more = apply_more, REFUSES },
	{ "host-map", "diff", "[FILE]", 0, 1, run_diff, CLI_OPTS(diff_opts), CLI_COLS(plan_step_cols), .help = "show what a map would move", .more = diff_more,
	  REFUSES },
	{ "host-map", "export", "", 0, 0, run_export, .help = "print what is where as a map", .more = export_more },
};

const struct command_table host_map_commands = { "host-map", "bring servers to the hosts that a file names", rows, G_N_ELEMENTS(rows), .otherwise = "apply" };
