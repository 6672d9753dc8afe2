/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include "client.h"
#include "find.h"
#include "render.h"

static void add_word(json_t *record, const char *word)
{
	if (word)
		json_object_set_new(record, "stage", json_string(word));
}

/* Return: Drover has told it. */
static bool add_phase(struct cli *c, json_t *record, bool *no_drover)
{
	g_autofree char *path = g_strdup_printf("/drover/v1/migrations/%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(record, "id")));
	struct client_call call = { .method = "GET", .path = path, .drovers = "the stages of migrations" };
	g_autoptr(json_t) body = NULL;
	g_autoptr(GError) why = NULL;
	const char *phase;

	if (!client_call(c->client, &call, &body, &why)) {
		*no_drover = client_no_drover(why);
		return false;
	}
	phase = render_str(body, "migration.phase");
	add_word(record, phase);
	json_object_update_missing(record, json_object_get(json_object_get(body, "migration"), "progress"));
	return phase;
}

static void add_task_state(struct cli *c, const char *server_id, json_t *record)
{
	g_autofree char *path = client_path("servers", server_id, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	g_autoptr(json_t) body = NULL;

	if (client_call(c->client, &call, &body, NULL))
		add_word(record, render_str(body, "server.OS-EXT-STS:task_state"));
}

void stage_add(struct cli *c, const char *server_id, json_t *record, bool *no_drover)
{
	if (*no_drover || !client_is_admin(c->client) || !add_phase(c, record, no_drover))
		add_task_state(c, server_id, record);
}
