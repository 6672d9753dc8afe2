/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_console.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"
#include "find.h"
#include "socket.h"

#define REMOTE_CONSOLES_MV 6
#define LOST_MAX_MS 60000 /* a token that was in use is good for as long */
#define ATTEMPT_MS 500

const struct opt console_opts[2] = {
	{ "vnc", .help = "print the address of the server's screen" },
	{ "open", .help = "with --vnc: open it in the browser (xdg-open)" },
};

/* Return: the address, owned; NULL with @err. */
static char *ask_url(struct cli *c, const char *id, const char *protocol, const char *type, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:{s:s, s:s}}", "remote_console", "protocol", protocol, "type", type), answer = NULL;
	g_autofree char *path = client_path("servers", id, "remote-consoles", NULL);
	const struct client_call call = { .method = "POST", .path = path, .body = body, .mv_min = REMOTE_CONSOLES_MV, .mv_max = FIND_SERVER_MV };
	const char *url;

	if (!client_call(c->client, &call, &answer, err))
		return NULL;
	url = json_string_value(render_get(answer, "remote_console.url"));
	if (!url)
		g_set_error(err, CLI_ERR, CLI_FAILED, "the cloud gives no address of the console");
	return g_strdup(url);
}

static bool show_screen(struct cli *c, const char *id, GError **err)
{
	g_autofree char *url = ask_url(c, id, "vnc", "novnc", err);
	const char *argv[] = { "xdg-open", url, NULL };
	g_autofree char *line = url ? g_strconcat(url, "\n", NULL) : NULL;

	if (!url)
		return false;
	if (cli_on(c, "open"))
		return g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, err);
	cli_put(c, line);
	return true;
}

/* ---- the terminal ---- */

static bool make_raw(struct termios *ret_was)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, ret_was) != 0)
		return false;
	raw = *ret_was;
	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* The connection is lost and made again until the other end, or the user, ends it. */
static bool attach(struct cli *c, const char *url, struct socket_result *ret, GError **err)
{
	int64_t lost_us = 0;
	bool said = false;

	for (;;) {
		g_autoptr(GError) why = NULL;
		bool ok = socket_run(c->client, url, STDIN_FILENO, STDOUT_FILENO, ret, &why);

		if (ok && ret->end != SOCKET_LOST && ret->code != 1001)
			return true;
		if (ok)
			lost_us = g_get_monotonic_time();
		if (!lost_us || (!ok && !g_error_matches(why, CLI_ERR, CLI_NET)) || g_get_monotonic_time() - lost_us > LOST_MAX_MS * 1000) {
			if (why)
				g_propagate_error(err, g_steal_pointer(&why));
			else
				g_set_error(err, CLI_ERR, CLI_NET, "the connection to the console is lost");
			return false;
		}
		if (!said || ok)
			fprintf(stderr, "\r\n[the connection is lost; connecting again]\r\n");
		said = true;
		g_usleep(ATTEMPT_MS * 1000);
	}
}

static bool show_serial(struct cli *c, const char *id, GError **err)
{
	g_autofree char *url = ask_url(c, id, "serial", "serial", err);
	struct socket_result result = { .end = SOCKET_LEFT };
	struct termios was;
	bool raw, ok;

	if (!url)
		return false;
	/* First, so that what is typed upon the message is the guest's already. */
	raw = make_raw(&was);
	fprintf(stderr, "Connected; Ctrl-] leaves.\r\n");
	ok = attach(c, url, &result, err);
	if (raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &was);
	fprintf(stderr, "\n");
	if (ok && result.end == SOCKET_ENDED) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "the console has ended: %s", *result.why ? result.why : "no reason was given");
		return false;
	}
	return ok;
}

bool console_run(struct cli *c, GError **err)
{
	g_autoptr(json_t) server = NULL;
	const char *id;

	if (cli_on(c, "open") && !cli_on(c, "vnc")) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--open goes with --vnc");
		return false;
	}
	server = find_server(c, cli_word(c, 0), err);
	if (!server)
		return false;
	id = render_str(server, "id");
	return cli_on(c, "vnc") ? show_screen(c, id, err) : show_serial(c, id, err);
}
