/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a server's answer, to everything that reads answers: faults,
 * versions, the catalogue, actions, a migration's progress, every command's
 * columns in every format, a list without what is not needed of it. Or as a host
 * map. What is printed must hold no control character but the newline.
 */
#include <stdint.h>
#include <string.h>

#include "auth.h"
#include "base/json.h"
#include "cli.h"
#include "progress.h"
#include "reason.h"
#include "reply.h"
#include "map.h"
#include "slim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	g_assert(g_utf8_validate(text, -1, NULL));
	for (; *text; text = g_utf8_next_char(text))
		g_assert(*text == '\n' || !g_unichar_iscntrl(g_utf8_get_char(text)));
}

static void read_words(const json_t *v)
{
	g_autofree char *reason = reason_of_action(v);
	int min, max;
	bool in_root;

	if (reason)
		check_text(reason);
	(void)reply_versions(v, &min, &max, &in_root);
	(void)reply_has_next(v, "servers");
	(void)auth_is_admin(v);
	(void)auth_project(v);
	(void)auth_endpoint(v, "compute", NULL, NULL, NULL);
	(void)auth_endpoint(v, "compute", "RegionOne", "internalURL", NULL);
	(void)reason_pick_action(json_is_array(v) ? v : json_object_get(v, "instanceActions"), INT64_MAX);
}

static void follow(const json_t *v)
{
	struct progress p = { 0 };
	const json_t *one;
	size_t i;

	progress_feed(&p, v, 0);
	json_array_foreach(v, i, one) {
		g_autofree char *line = NULL, *text = NULL;

		progress_feed(&p, one, (int64_t)i * 700);
		line = progress_line(&p, (int64_t)i * 900);
		text = progress_short(&p);
		check_text(line);
		check_text(text);
	}
}

static void print(const struct command *cmd, const json_t *v)
{
	g_autoptr(GPtrArray) cols = g_ptr_array_new();

	for (size_t i = 0; i < cmd->n_cols; i++)
		g_ptr_array_add(cols, (void *)&cmd->cols[i]);
	for (enum render_format f = 0; f < RENDER_N; f++) {
		g_autoptr(GString) text = g_string_new(NULL);

		render_list(text, f, (const struct col *const *)cols->pdata, cols->len, v);
		render_one(text, f, (const struct col *const *)cols->pdata, cols->len, json_is_array(v) ? json_array_get(v, 0) : v);
		check_text(text->str);
	}
}

/* What is left of a page is JSON where the page was, and says the same of what is needed. */
static void check_slim(const char *text, size_t size, const json_t *whole)
{
	static const char *const members[] = { "id", "name", "addresses", NULL };
	size_t len, i;
	g_autofree char *slim = slim_rows(text, size, "servers", members, &len);
	g_autoptr(json_t) left = slim && whole ? json_parse(slim, len, NULL) : NULL;
	const json_t *row;

	if (!slim || !whole)
		return;
	g_assert(left);
	g_assert_cmpuint(json_array_size(json_object_get(left, "servers")), ==, json_array_size(json_object_get(whole, "servers")));
	json_array_foreach(json_object_get(whole, "servers"), i, row) {
		const json_t *small = json_array_get(json_object_get(left, "servers"), i);

		for (const char *const *m = members; *m; m++)
			g_assert(json_object_get(row, *m) ? json_equal(json_object_get(row, *m), json_object_get(small, *m)) : !json_object_get(small, *m));
	}
}

static void check_map(const char *text, size_t size)
{
	struct map *m = map_parse(text, size);
	g_autofree char *mistakes = map_mistakes_text(m, "map");
	g_autoptr(json_t) request = map_json(m);

	check_text(mistakes);
	g_assert(json_is_object(request));
	for (guint i = 0; i < m->entries->len; i++) {
		const struct map_entry *e = m->entries->pdata[i];

		g_assert(*e->server && e->at.line && e->at.col);
		g_assert_cmpstr(json_string_value(json_array_get(json_object_get(request, e->host), e->index)), ==, e->server);
	}
	map_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct command_table *const tables[] = { &server_commands, &migration_commands, &service_commands, &host_commands, &event_commands };
	g_autofree char *fault = reply_fault((const char *)data, size);
	g_autoptr(json_t) v = json_parse((const char *)data, size, NULL);

	if (fault)
		check_text(fault);
	check_slim((const char *)data, size, v);
	check_map((const char *)data, size);
	if (!v)
		return 0;
	read_words(v);
	follow(v);
	for (size_t t = 0; t < G_N_ELEMENTS(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			print(&tables[t]->rows[i], v);
	return 0;
}
