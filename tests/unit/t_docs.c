/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables in docs/ that are written from tables of the program, each behind a line "<!-- table NAME -->" and up to the next
 * "<!-- end -->". REGEN=1 writes them; review the difference.
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "api/http/router.h"
#include "base/conf.h"
#include "check/rules.h"
#include "kinds.h"

#define END "<!-- end -->"

typedef void table_f(GString *out, const struct router *rt);

/* ---- pages ---- */

static char *read_text(const char *variable, const char *name)
{
	g_autofree char *path = g_build_filename(g_getenv(variable), name, NULL);
	g_autoptr(GError) err = NULL;
	char *text;

	g_file_get_contents(path, &text, NULL, &err);
	g_assert_no_error(err);
	return text;
}

/* What stands between the lines of @name is replaced by what @fill writes. */
static void replace_table(GString *page, const char *name, table_f *fill, const struct router *rt)
{
	g_autofree char *begin = g_strdup_printf("<!-- table %s -->\n", name);
	g_autoptr(GString) table = g_string_new(NULL);
	const char *at = strstr(page->str, begin), *end = at ? strstr(at, END) : NULL;
	gssize from;

	if (!end)
		g_error("the page has no lines \"%.*s\" and \"%s\"", (int)strlen(begin) - 1, begin, END);
	from = at - page->str + (gssize)strlen(begin);
	fill(table, rt);
	g_string_erase(page, from, end - page->str - from);
	g_string_insert(page, from, table->str);
}

static void assert_page(const char *name, const char *want)
{
	g_autofree char *path = g_build_filename(g_getenv("DOCS_DIR"), name, NULL);
	g_autofree char *got = NULL;

	if (g_getenv("REGEN"))
		g_assert_true(g_file_set_contents(path, want, -1, NULL));
	got = read_text("DOCS_DIR", name);
	if (strcmp(got, want) != 0)
		g_error("docs/%s is not what the tables say; REGEN=1 writes it. It should be:\n%s", name, want);
}

/* A bar would end the column. */
static void put_cell(GString *out, const char *text)
{
	g_autoptr(GString) cell = g_string_new(text);

	g_string_replace(cell, "|", "\\|", 0);
	g_string_append_printf(out, " %s |", cell->str);
}

/* ---- the configuration ---- */

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

static void put_options(GString *out, const struct router *rt)
{
	const char *section = "";
	struct conf_option o;

	(void)rt;
	for (size_t i = 0; conf_option(i, &o); i++) {
		if (strcmp(section, o.section) != 0)
			g_string_append_printf(out, "\n## [%s]\n\n| option | values | default | meaning | changes with |\n|---|---|---|---|---|\n",
					       o.section);
		section = o.section;
		put_option(out, &o);
	}
	g_string_append_c(out, '\n');
}

/* ---- the API ---- */

static void put_role(GString *out, const char *rule)
{
	g_string_append_printf(out, " %s | `%s` |\n", policy_access_name(policy_find(rule)->access), rule);
}

static const struct route *find(const struct router *rt, const char *method, const char *path, int mv)
{
	g_autofree char *copy = g_strdup(path);
	struct route_match m;

	router_find(rt, method, copy, mv, &m);
	return m.route;
}

/* "2.1-2.35, 2.50-2.96", or "" if it is absent at all of them. */
static char *versions(const struct router *rt, const char *method, const char *path, const struct route **ret_first)
{
	GString *out = g_string_new(NULL);
	int begin = 0;

	*ret_first = NULL;
	for (int mv = API_MV_MIN; mv <= API_MV_MAX + 1; mv++) {
		const struct route *r = mv <= API_MV_MAX ? find(rt, method, path, mv) : NULL;

		*ret_first = *ret_first ? *ret_first : r;
		if (r && !begin)
			begin = mv;
		if (!r && begin) {
			g_string_append_printf(out, "%s2.%d-2.%d", out->len ? ", " : "", begin, mv - 1);
			begin = 0;
		}
	}
	return g_string_free(out, FALSE);
}

static const char *rule_of(const struct route *r, const char *action)
{
	if (!action)
		return r->rule;
	for (size_t i = 0; i < r->n_actions; i++)
		if (strcmp(r->actions[i].name, action) == 0)
			return r->actions[i].rule;
	for (const struct task_kind *const *k = kinds; r->task && *k; k++)
		if (kind_action(*k, action))
			return kind_action(*k, action)->rule;
	return NULL;
}

static bool is_root(const char *path)
{
	return g_str_has_prefix(path, "/versions") || strcmp(path, "/") == 0;
}

/* @line: "POST /servers/{id}/action {pause}" */
static void put_nova_request(GString *out, const struct router *rt, const char *line)
{
	g_auto(GStrv) word = g_strsplit(line, " ", 3);
	g_autofree char *path = is_root(word[1]) ? g_strdup(word[1]) : g_strconcat("/v2.1", word[1], NULL);
	g_autofree char *action = word[2] ? g_strndup(word[2] + 1, strlen(word[2]) - 2) : NULL;
	const struct route *r;
	g_autofree char *at = versions(rt, word[0], path, &r);
	const char *rule = r ? rule_of(r, action) : NULL;

	g_string_append_printf(out, "| %s `%s`%s%s%s |", word[0], path, action ? " `" : "", action ? action : "", action ? "`" : "");
	if (rule) {
		put_cell(out, at);
		put_role(out, rule);
	} else {
		g_string_append(out, " absent | | |\n");
	}
}

/* Names in braces differ; places do not. */
static char *plain(const char *text)
{
	g_autoptr(GRegex) brace = g_regex_new("\\{[^}]*\\}", 0, 0, NULL);

	return g_regex_replace_literal(brace, text, -1, 0, "{}", 0, NULL);
}

static bool has_row(const char *page, const struct route *r)
{
	g_autofree char *all = plain(page), *path = plain(r->path);
	g_autofree char *cell = g_strdup_printf("| %s `%s`", r->method, path);

	return strstr(all, cell);
}

/* The routes of ours that Nova's list spells otherwise, such as one action of PUT /os-services/{id} a path. */
static void put_more(GString *out, const struct router *rt)
{
	size_t n;
	const struct route_table *const *tables = api_tables(&n);

	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct route *r = &tables[t]->routes[i];
			g_autofree char *line = g_strdup_printf("%s %s", r->method, r->path + strlen("/v2.1"));

			if (g_str_has_prefix(r->path, "/v2.1") && !has_row(out->str, r))
				put_nova_request(out, rt, line);
		}
	}
}

static void put_nova(GString *out, const struct router *rt)
{
	g_autofree char *text = read_text("GOLDEN_DIR", "nova-routes");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_string_append(out, "| request | microversions | role | policy |\n|---|---|---|---|\n");
	for (char **l = lines; *l; l++)
		if (**l && **l != '#')
			put_nova_request(out, rt, *l);
	put_more(out, rt);
}

static void put_routes(GString *out, const char *const *prefixes)
{
	size_t n;
	const struct route_table *const *tables = api_tables(&n);

	g_string_append(out, "| request | role | policy |\n|---|---|---|\n");
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct route *r = &tables[t]->routes[i];
			bool ours = false;

			for (const char *const *p = prefixes; *p; p++)
				ours |= g_str_has_prefix(r->path, *p);
			if (!ours)
				continue;
			if (!r->n_actions) {
				g_string_append_printf(out, "| %s `%s` |", r->method, r->path);
				put_role(out, r->rule);
			}
			for (size_t k = 0; k < r->n_actions; k++) {
				g_string_append_printf(out, "| %s `%s` `%s` |", r->method, r->path, r->actions[k].name);
				put_role(out, r->actions[k].rule);
			}
		}
	}
}

/* "1 to 255 characters, or null, needed" */
static void put_values(GString *out, const struct json_field *f)
{
	const char *last = f->required ? ", needed" : "";

	g_string_append(out, " ");
	if (f->type == JSON_STR)
		g_string_append_printf(out, f->max ? "%" PRId64 " to %" PRId64 " characters" : "text", f->min, f->max);
	else if (f->type == JSON_INT || f->type == JSON_INT64)
		g_string_append_printf(out, "%" PRId64 " to %" PRId64, f->min, f->max);
	else
		g_string_append(out, f->type == JSON_BOOL ? "true, false" : f->form);
	g_string_append_printf(out, "%s%s |", f->nullable ? ", or null" : "", last);
}

static void put_body(GString *out, const struct route *r, const struct api_action *a, const struct api_body *b)
{
	const char *outer = a ? a->name : b->member;

	for (size_t i = 0; i < b->n; i++) {
		const struct json_field *f = &b->fields[i];
		int since = MAX(MAX(f->since, r->since), API_MV_MIN), until = MIN(f->until ? f->until : API_MV_MAX, r->until ? r->until : API_MV_MAX);

		g_string_append_printf(out, "| %s `%s` | `%s%s%s` |", r->method, r->path, outer ? outer : "", outer ? "." : "", f->name);
		put_values(out, f);
		if (g_str_has_prefix(r->path, "/v2.1"))
			g_string_append_printf(out, " 2.%d-2.%d |\n", since, until);
		else
			g_string_append(out, " |\n");
	}
}

static void put_task_bodies(GString *out, const struct route *r)
{
	for (const struct task_kind *const *k = kinds; *k; k++) {
		for (int i = 0; i < (*k)->n_actions; i++) {
			const struct task_action *a = &(*k)->actions[i];
			struct api_body body = { .fields = a->fields, .n = a->n_fields };
			struct api_action as = { .name = a->name, .rule = a->rule, .since = a->since, .until = a->until, .body = &body };

			if (a->rule && a->n_fields > 0)
				put_body(out, r, &as, &body);
		}
	}
}

/* Every field of every body that is read by the table of its row. */
static void put_bodies(GString *out, const struct router *rt)
{
	size_t n;
	const struct route_table *const *tables = api_tables(&n);

	(void)rt;
	g_string_append(out, "| request | field | values | microversions |\n|---|---|---|---|\n");
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct route *r = &tables[t]->routes[i];

			if (r->body)
				put_body(out, r, NULL, r->body);
			if (r->task)
				put_task_bodies(out, r);
			for (size_t k = 0; k < r->n_actions; k++)
				if (r->actions[k].body)
					put_body(out, r, &r->actions[k], r->actions[k].body);
		}
	}
}

static void put_identity(GString *out, const struct router *rt)
{
	(void)rt;
	put_routes(out, (const char *const[]){ "/identity", NULL });
}

static void put_others(GString *out, const struct router *rt)
{
	(void)rt;
	put_routes(out, (const char *const[]){ "/image", "/network", "/baremetal", NULL });
}

static void put_drover(GString *out, const struct router *rt)
{
	(void)rt;
	put_routes(out, (const char *const[]){ "/drover", "/dashboard", "/metrics", NULL });
}

static void put_checks(GString *out, const struct router *rt)
{
	struct rules_row row;

	(void)rt;
	g_string_append(out, "| check | looks at | what a finding breaks |\n|---|---|---|\n");
	for (size_t i = 0; rules_row(i, &row); i++)
		g_string_append_printf(out, "| `%s` | %s | %s |\n", row.name, row.looks_at, row.breaks);
}

/* Every route of the program is on the page: with Nova's or in one of the other tables. */
static void assert_complete(const char *page)
{
	size_t n;
	const struct route_table *const *tables = api_tables(&n);

	for (size_t t = 0; t < n; t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			if (!has_row(page, &tables[t]->routes[i]))
				g_error("docs/API.md does not have %s %s", tables[t]->routes[i].method, tables[t]->routes[i].path);
}

/* ---- */

static const struct {
	const char *page, *table;
	table_f *fill;
} tables[] = {
	{ "CONFIG.md", "options", put_options },
	{ "API.md", "compute", put_nova },
	{ "API.md", "identity", put_identity },
	{ "API.md", "others", put_others },
	{ "API.md", "drover", put_drover },
	{ "API.md", "bodies", put_bodies },
	{ "CHECKS.md", "checks", put_checks },
};

static void test_page(const void *data)
{
	const char *name = data;
	g_autofree char *text = read_text("DOCS_DIR", name);
	g_autoptr(GString) page = g_string_new(text);
	size_t n;
	const struct route_table *const *routes = api_tables(&n);
	struct router *rt = router_new(routes, n);

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		if (strcmp(tables[i].page, name) == 0)
			replace_table(page, tables[i].table, tables[i].fill, rt);
	assert_page(name, page->str);
	if (strcmp(name, "API.md") == 0)
		assert_complete(page->str);
	router_free(rt);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/docs/config", "CONFIG.md", test_page);
	g_test_add_data_func("/docs/api", "API.md", test_page);
	g_test_add_data_func("/docs/checks", "CHECKS.md", test_page);
	return g_test_run();
}
