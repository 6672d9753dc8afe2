/* SPDX-License-Identifier: Apache-2.0
 *
 * drover event: what happens, as it happens. Of Drover's own; a Nova has no such thing.
 *
 * The stream is read until it ends, and begun again where it ended: the server
 * tells when something was missed in between.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "cli.h"
#include "client.h"
#include "find.h"
#include "follow.h"
#include "sse.h"

#define SILENT_MS 300000    /* how long a server that does not answer is waited for */

static const struct opt watch_opts[] = {
	{ "server", 0, "SERVER", "only events of this server" },
	{ "migration", 0, "NUMBER", "only events of this migration" },
	{ "type", 0, "TYPE", "only this type: migration, decision, progress, server or host; may be repeated" },
	{ "after", 0, "ID", "resume after this event" },
	{ "count", 0, "N", "exit after N events" },
};

struct watch {
	struct cli *cli;
	struct sse sse;
	int64_t left;        /* events until the end; -1: no end */
	int64_t heard_ms;
	bool broken;         /* what came were no events */
};

/* ---- a line for people ---- */

/* {member} is text, {%member} a number of bytes. */
static const struct {
	const char *type, *text;
} lines[] = {
	{ "migration", "migration {migration_id} of {server_uuid}: {from} -> {to}, from {source} to {dest}: {why}" },
	{ "decision",  "migration {migration_id} of {server_uuid}: {why}" },
	{ "progress",  "migration {migration_id} of {server_uuid}: {%progress.memory_processed_bytes} sent, {%progress.memory_remaining_bytes} left" },
	{ "server",    "server {server_uuid} {name} {change}: {status} on {host}, task {task_state}" },
	{ "host",      "host {host} {change}: {state_reason}, disabled {disabled}" },
	{ "reset",     "events were missed ({reason}): re-read the lists" },
};

static char *member_text(const json_t *event, const char *path)
{
	const json_t *v = render_get(event, path + (*path == '%'));
	g_autofree char *text = NULL;

	if (json_is_string(v))
		return render_safe(json_string_value(v), false);
	if (*path == '%' && json_is_integer(v))
		return render_bytes(json_integer_value(v));
	text = v && !json_is_null(v) ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
	return text ? g_steal_pointer(&text) : g_strdup("-");
}

static void put_line(const json_t *event, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "{"), n = strcspn(text + plain, "}");

		fwrite(text, 1, plain, stdout);
		text += plain;
		if (*text) {
			g_autofree char *path = g_strndup(text + 1, n - 1), *value = member_text(event, path);

			fputs(value, stdout);
			text += n + 1;
		}
	}
	fputc('\n', stdout);
}

static void print_event(const struct cli *c, const json_t *event)
{
	g_autofree char *at = member_text(event, "at"), *json = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
	const char *type = render_str(event, "type");

	for (size_t i = 0; c->format != RENDER_JSON && type && i < G_N_ELEMENTS(lines); i++) {
		if (strcmp(lines[i].type, type) == 0) {
			printf("%s  ", at);
			put_line(event, lines[i].text);
			return;
		}
	}
	puts(json);
}

/* ---- the stream ---- */

/* An sse_event_f. */
static bool take_event(const char *data, void *user)
{
	struct watch *w = user;
	g_autoptr(json_t) event = json_parse(data, strlen(data), NULL);

	if (!json_is_object(event)) {
		w->broken = true;
		return false;
	}
	print_event(w->cli, event);
	/* a reader wants it now; one that is gone ends it */
	w->left -= w->left > 0;
	return fflush(stdout) == 0 && w->left != 0;
}

/* A client_bytes_f. */
static bool take_bytes(const char *bytes, size_t len, void *user)
{
	struct watch *w = user;

	w->heard_ms = clock_now_ms();
	return sse_feed(&w->sse, bytes, len, take_event, w);
}

static bool make_query(struct cli *c, GString *query, GError **err)
{
	g_autoptr(json_t) server = cli_opt(c, "server") ? find_server(c, cli_opt(c, "server"), err) : NULL;
	const GPtrArray *types = args_all(c->args, "type");

	if (cli_opt(c, "server") && !server)
		return false;
	client_query(query, "server", render_str(server, "id"));
	client_query(query, "migration", cli_opt(c, "migration"));
	for (guint i = 0; types && i < types->len; i++)
		client_query(query, "type", types->pdata[i]);
	return true;
}

/* True for what may pass: no answer, or none at present. */
static bool may_pass(const GError *err)
{
	return g_error_matches(err, CLI_ERR, CLI_NET) || (err->domain == CLI_HTTP && err->code >= 500);
}

static bool follow_stream(struct watch *w, const char *query, GError **err)
{
	g_autofree char *path = g_strconcat("/drover/v1/events", *query ? "?" : "", query, NULL);

	w->heard_ms = clock_now_ms();
	do {
		struct client_stream q = { .path = path, .drovers = "events", .last_id = w->sse.last_id, .bytes = take_bytes, .user = w };
		g_autoptr(GError) why = NULL;

		sse_restart(&w->sse);
		if (!client_stream(w->cli->client, &q, &why) && (!may_pass(why) || clock_now_ms() - w->heard_ms > SILENT_MS)) {
			g_propagate_error(err, g_steal_pointer(&why));
			return false;
		}
		if (w->broken) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "the server's answer is not an event stream");
			return false;
		}
		if (w->left == 0 || ferror(stdout))
			return true;
	} while (follow_pause(w->cli));
	g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
	return false;
}

static bool run_watch(struct cli *c, GError **err)
{
	struct watch w = { .cli = c, .left = -1 };
	g_autoptr(GString) query = g_string_new(NULL);
	bool ok;

	if (cli_opt(c, "count") && !util_parse_int(cli_opt(c, "count"), 1, G_MAXINT64, &w.left)) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--count is a number from 1, not \"%s\"", cli_opt(c, "count"));
		return false;
	}
	if (!cli_client(c, err) || !make_query(c, query, err))
		return false;
	sse_init(&w.sse);
	util_replace(&w.sse.last_id, cli_opt(c, "after"));
	ok = follow_stream(&w, query->str, err);
	sse_clear(&w.sse);
	return ok;
}

/* ---- the table ---- */

static const char watch_more[] = "Needs Drover and the role admin. With -f json, an event is a line of JSON. It reconnects when the server is back;\n"
				 "the event \"reset\" means that some were missed.\n";

static const struct command rows[] = {
	{ "event", "watch", "", 0, 0, run_watch, CLI_OPTS(watch_opts), .help = "print events as they happen", .more = watch_more },
};

const struct command_table event_commands = { "event", "watch events", rows, G_N_ELEMENTS(rows) };
