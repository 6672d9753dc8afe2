/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_autostart.h"

#include "client.h"
#include "find.h"

const struct col autostart_cols[4] = { { "Server", "server" }, { "Autostart", "enabled" }, { "Started By", "by" }, { "libvirt's Flag", "flag" } };

/* on, off; NULL: it is only shown. Return: false with CLI_USAGE. */
static bool read_wish(const struct cli *c, json_t **ret_body, GError **err)
{
	const char *word = cli_word(c, 1);

	if (word && !g_str_equal(word, "on") && !g_str_equal(word, "off")) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "give on or off, not \"%s\"", word);
		return false;
	}
	*ret_body = word ? json_pack("{s:{s:b}}", "autostart", "enabled", g_str_equal(word, "on")) : NULL;
	return true;
}

bool autostart_run(struct cli *c, GError **err)
{
	g_autoptr(json_t) body = NULL, server = NULL, answer = NULL, row = NULL;
	g_autofree char *segments = NULL, *path = NULL;
	struct client_call call = { .drovers = "autostart" };

	if (!read_wish(c, &body, err))
		return false;
	server = find_server(c, cli_word(c, 0), err);
	if (!server)
		return false;
	segments = client_path(render_str(server, "id"), "autostart", NULL);
	call.path = path = g_strconcat("/drover/v1/servers", segments, NULL);
	call.method = body ? "POST" : "GET";
	call.body = body;
	if (!client_call(c->client, &call, &answer, err))
		return false;
	row = json_pack("{s:O?, s:O?, s:O?, s:O?}", "server", json_object_get(server, "name"), "enabled", render_get(answer, "autostart.enabled"), "by",
			render_get(answer, "autostart.by"), "flag", render_get(answer, "autostart.flag"));
	return cli_print_one(c, row, err);
}
