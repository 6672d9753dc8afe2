/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_evacuate.h"

#include "client.h"

const struct opt evacuate_opts[2] = {
	{ "to", 0, "HOST", "all of them go there; without, the scheduler chooses" },
	{ "force", 0, NULL, "with --to: without asking the scheduler's filters" },
};

static json_t *verdict_of(const json_t *row)
{
	return json_string(render_str(row, "error") ? render_str(row, "error") : "accepted");
}

const struct col evacuate_cols[5] = {
	{ "Server", "name" }, { "Priority", "priority" }, { "Migration", "migration" }, { "Verdict", "error", verdict_of }, { "ID", "server_uuid" },
};

bool evacuate_run(struct cli *c, GError **err)
{
	g_autofree char *segments = client_path(cli_word(c, 0), "evacuate", NULL), *path = g_strconcat("/drover/v1/hosts", segments, NULL);
	g_autoptr(json_t) body = json_pack("{s:{s:b, s:s*}}", "evacuate", "force", cli_on(c, "force"), "host", cli_opt(c, "to")), said = NULL;
	struct client_call call = { .method = "POST", .path = path, .drovers = "evacuation of a host", .body = body };
	int refused = 0;
	json_t *row;
	size_t i;

	if (!cli_client(c, err) || !client_call(c->client, &call, &said, err))
		return false;
	json_array_foreach(render_get(said, "evacuate.servers"), i, row)
		refused += render_str(row, "error") != NULL;
	if (!cli_print_list(c, (json_t *)render_get(said, "evacuate.servers"), err))
		return false;
	if (refused)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%d of %zu servers were refused", refused, json_array_size(render_get(said, "evacuate.servers")));
	return !refused;
}
