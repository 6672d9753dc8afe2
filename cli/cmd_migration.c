/* SPDX-License-Identifier: Apache-2.0
 *
 * drover migration: see migrations, end them one way or the other.
 *
 * What only Drover knows of one, and can change, comes from its own API beside
 * Compute. That is for administrators, and a Nova has none: "show" then does
 * without, other commands say so.
 */
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli.h"
#include "client.h"
#include "find.h"
#include "progress.h"
#include "reason.h"

#define FORCE_MV 22
#define SHOW_MV 23
#define ABORT_MV 24
#define DEFAULT_LIMIT 1000
/* What Drover takes; the help says it too. */
#define PRIORITY_MIN (-1000)
#define PRIORITY_MAX 1000

/* ---- what is shown ---- */

/* {"ms": 1, "low_ms": 1, "high_ms": null}: a col_text_f */
static char *eta_text(const json_t *v)
{
	static const char *const names[] = { "ms", "low_ms", "high_ms" };
	int64_t ms[G_N_ELEMENTS(names)];

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const json_t *one = render_get(v, names[i]);

		ms[i] = json_is_integer(one) ? json_integer_value(one) : -1;
	}
	return json_is_object(v) ? progress_eta(ms[0], ms[1], ms[2]) : NULL;
}

/* How long the guest stood still; 0 until that is known. */
static json_t *downtime(const json_t *migration)
{
	const json_t *ms = render_get(migration, "progress.downtime_ms");

	return json_integer_value(ms) > 0 ? json_incref((json_t *)ms) : NULL;
}

static char *downtime_text(const json_t *v)
{
	int64_t ms = json_integer_value(v);

	return ms < 1000 ? g_strdup_printf("%d ms", (int)ms) : g_strdup_printf("%.1f s", (double)ms / 1000);
}

static json_t *post_copy(const json_t *migration)
{
	return json_is_true(render_get(migration, "post_copy")) ? json_true() : NULL;
}

static const struct col list_cols[] = {
	{ "ID",          "id" },
	{ "Server",      "instance_uuid" },
	{ "Type",        "migration_type" },
	{ "Status",      "status" },
	{ "Source",      "source_compute" },
	{ "Destination", "dest_compute" },
	{ "Created",     "created_at" },
	{ "Updated",     "updated_at", .longer = true },
	{ "UUID",        "uuid", .longer = true },
	{ "Project",     "project_id", .longer = true },
	{ "User",        "user_id", .longer = true },
};

static const struct col show_cols[] = {
	{ "ID",               "id" },
	{ "UUID",             "uuid" },
	{ "Server",           "instance_uuid" },
	{ "Type",             "migration_type" },
	{ "Status",           "status" },
	{ "Reason",           "reason" },
	{ "Source",           "source_compute" },
	{ "Destination",      "dest_compute" },
	{ "Destination IP",   "dest_host" },
	{ "Memory",           "memory_total_bytes", .text = render_bytes_text },
	{ "Memory Sent",      "memory_processed_bytes", .text = render_bytes_text },
	{ "Memory Remaining", "memory_remaining_bytes", .text = render_bytes_text },
	{ "Disk",             "disk_total_bytes", .text = render_bytes_text },
	{ "Disk Sent",        "disk_processed_bytes", .text = render_bytes_text },
	{ "Disk Remaining",   "disk_remaining_bytes", .text = render_bytes_text },
	{ "Created",          "created_at" },
	{ "Updated",          "updated_at" },
	{ "Project",          "project_id" },
	{ "User",             "user_id" },
	/* of Drover's */
	{ "Phase",            "phase" },
	{ "Priority",         "priority" },
	{ "Queue Position",   "queue_position" },
	{ "Waits For",        "waits_for" },
	{ "ETA",              "eta", .text = eta_text },
	{ "Downtime",         "downtime", downtime, downtime_text },
	{ "Post-copy",        "post_copy", post_copy },
};

static const struct col event_cols[] = {
	{ "At",   "at" },
	{ "From", "from" },
	{ "To",   "to" },
	{ "Why",  "why" },
};

/* ---- list ---- */

static const struct opt list_opts[] = {
	{ "server", 0, "SERVER", "only migrations of this server" },
	{ "host", 0, "HOST", "only migrations from or to this host" },
	{ "status", 0, "STATUS", "only migrations in this status, such as running" },
	{ "type", 0, "TYPE", "live-migration, migration, resize or evacuation" },
	{ "limit", 0, "N", "at most the newest N (1000)" },
	{ "long", 0, NULL, "more columns" },
};

struct first_rows {
	json_t *rows;
	size_t max;
};

static bool take_row(json_t *row, void *user)
{
	struct first_rows *f = user;

	json_array_append(f->rows, row);
	return json_array_size(f->rows) < f->max;
}

static bool list_query(struct cli *c, GString *query, GError **err)
{
	g_autoptr(json_t) server = cli_opt(c, "server") ? find_server(c, cli_opt(c, "server"), err) : NULL;

	if (cli_opt(c, "server") && !server)
		return false;
	client_query(query, "instance_uuid", render_str(server, "id"));
	client_query(query, "host", cli_opt(c, "host"));
	client_query(query, "status", cli_opt(c, "status"));
	client_query(query, "migration_type", cli_opt(c, "type"));
	return true;
}

static bool run_list(struct cli *c, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	g_autoptr(json_t) rows = json_array();
	struct first_rows f = { .rows = rows };
	int64_t limit = DEFAULT_LIMIT;
	struct client_list l;

	if (cli_opt(c, "limit") && !util_parse_int(cli_opt(c, "limit"), 1, CLIENT_ROWS_MAX, &limit)) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--limit is a number from 1 to %d, not \"%s\"", CLIENT_ROWS_MAX, cli_opt(c, "limit"));
		return false;
	}
	if (!cli_client(c, err) || !list_query(c, query, err))
		return false;
	l = find_migrations_list(query->str);
	f.max = (size_t)limit;
	return client_each(c->client, &l, take_row, &f, err) && cli_print_list(c, rows, err);
}

/* ---- one migration ---- */

/* "[SERVER] MIGRATION" -> the record in the list of all. */
static json_t *named_migration(struct cli *c, GError **err)
{
	g_autoptr(json_t) server = NULL;

	if (!cli_word(c, 1))
		return find_migration(c, NULL, cli_word(c, 0), err);
	server = find_server(c, cli_word(c, 0), err);
	return server ? find_migration(c, render_str(server, "id"), cli_word(c, 1), err) : NULL;
}

/* "/servers/{id}/migrations/{number}", or NULL with @err for a record without the two. Owned. */
static char *path_of(const json_t *m, const char *tail, GError **err)
{
	g_autofree char *id = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(m, "id")));
	const char *server = render_str(m, "instance_uuid");

	if (!server) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "the record of migration %s does not name its server", id);
		return NULL;
	}
	return client_path("servers", server, "migrations", id, tail, NULL);
}

/* Bytes are told only while it goes on; a failure's reason only by the server's actions. */
static void add_details(struct cli *c, json_t *m)
{
	g_autofree char *path = path_of(m, NULL, NULL), *reason = NULL;
	struct client_call call = { .method = "GET", .path = path, .mv_min = SHOW_MV, .mv_max = FIND_MIGRATION_MV };
	const char *status = render_str(m, "status");
	g_autoptr(json_t) body = NULL;

	if (!path || !status)
		return;
	if (strcmp(status, "error") == 0 || strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) {
		reason = reason_find(c->client, render_str(m, "instance_uuid"), NULL, render_str(m, "created_at"));
		if (reason)
			json_object_set_new(m, "reason", json_string(reason));
		return;
	}
	/* 404 is the answer about one that has ended */
	if (client_call(c->client, &call, &body, NULL))
		json_object_update_missing(m, json_object_get(body, "migration"));
}

/*
 * Drover's own record of a migration, asked for, or changed by @body; NULL with @err. Owned.
 * @what: only Drover has it
 */
static json_t *drovers_record(struct cli *c, const json_t *m, json_t *body, const char *what, GError **err)
{
	g_autofree char *path = g_strdup_printf("/drover/v1/migrations/%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(m, "id")));
	struct client_call call = { .method = body ? "POST" : "GET", .path = path, .drovers = what, .body = body };
	g_autoptr(json_t) answer = NULL;

	if (!client_call(c->client, &call, &answer, err))
		return NULL;
	if (json_is_object(json_object_get(answer, "migration")))
		return json_incref(json_object_get(answer, "migration"));
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer has no \"migration\"", path);
	return NULL;
}

/* Adds what only Drover knows; what it does not know is no row. */
static void add_drovers(struct cli *c, json_t *m)
{
	g_autoptr(json_t) more = client_is_admin(c->client) ? drovers_record(c, m, NULL, "it", NULL) : NULL;
	const char *name;
	json_t *v;

	json_object_foreach(more, name, v)
		if (!json_is_null(v) && !json_object_get(m, name))
			json_object_set(m, name, v);
}

static bool run_show(struct cli *c, GError **err)
{
	g_autoptr(json_t) m = named_migration(c, err);

	if (!m)
		return false;
	add_details(c, m);
	add_drovers(c, m);
	return cli_print_one(c, m, err);
}

static bool run_events(struct cli *c, GError **err)
{
	g_autoptr(json_t) m = named_migration(c, err);
	g_autoptr(json_t) record = m ? drovers_record(c, m, NULL, "the history of a migration", err) : NULL;

	return record && cli_print_list(c, json_object_get(record, "events"), err);
}

/* What a user may give as the server's id and a number needs no list, which some may not read. */
static char *direct_path(struct cli *c, const char *tail, GError **err)
{
	g_autoptr(json_t) server = NULL, m = NULL;
	int64_t id;

	if (cli_word(c, 1) && util_parse_int(cli_word(c, 1), 0, G_MAXINT64, &id)) {
		server = find_server(c, cli_word(c, 0), err);
		return server ? client_path("servers", render_str(server, "id"), "migrations", cli_word(c, 1), tail, NULL) : NULL;
	}
	m = named_migration(c, err);
	return m ? path_of(m, tail, err) : NULL;
}

static bool run_abort(struct cli *c, GError **err)
{
	g_autofree char *path = direct_path(c, NULL, err);
	struct client_call call = { .method = "DELETE", .path = path, .mv_min = ABORT_MV, .mv_max = FIND_MIGRATION_MV };

	return path && client_call(c->client, &call, NULL, err);
}

static bool run_force(struct cli *c, GError **err)
{
	g_autofree char *path = direct_path(c, "action", err);
	g_autoptr(json_t) body = json_pack("{s:n}", "force_complete");
	struct client_call call = { .method = "POST", .path = path, .body = body, .mv_min = FORCE_MV, .mv_max = FIND_MIGRATION_MV };

	return path && client_call(c->client, &call, NULL, err);
}

/* ---- set ---- */

static const struct opt set_opts[] = {
	{ "priority", 0, "N", "from -1000 to 1000; the queue is served by priority, highest first, then by age" },
};

static bool read_priority(const struct cli *c, int64_t *ret_priority, GError **err)
{
	const char *text = cli_opt(c, "priority");

	if (text && util_parse_int(text, PRIORITY_MIN, PRIORITY_MAX, ret_priority))
		return true;
	if (text)
		g_set_error(err, CLI_ERR, CLI_USAGE, "--priority is a number from %d to %d, not \"%s\"", PRIORITY_MIN, PRIORITY_MAX, text);
	else
		g_set_error(err, CLI_ERR, CLI_USAGE, "nothing to set: give --priority N");
	return false;
}

static bool run_set(struct cli *c, GError **err)
{
	g_autoptr(json_t) m = NULL, body = NULL, record = NULL;
	int64_t priority;

	if (!read_priority(c, &priority, err))
		return false;
	m = named_migration(c, err);
	body = json_pack("{s:I}", "priority", (json_int_t)priority);
	record = m ? drovers_record(c, m, body, "priorities", err) : NULL;
	return record != NULL;
}

/* ---- the table ---- */

#define ONE "[SERVER] MIGRATION"
#define ONE_MORE "MIGRATION is a number or a UUID. SERVER can be left out by users allowed to list all migrations.\n"

static const char one_more[] = ONE_MORE;
static const char show_more[] = ONE_MORE "On Drover, administrators also see the queue position, the time left and more.\n";
static const char events_more[] = ONE_MORE
	"Each line is a change of phase or a decision, with the reason. Needs Drover and the role admin.\n";
static const char set_more[] = ONE_MORE
	"The priority has no effect once the migration has left the queue. Needs Drover and the role admin.\n";

static const struct command rows[] = {
	{ "migration", "list", "", 0, 0, run_list, CLI_OPTS(list_opts), CLI_COLS(list_cols), .help = "list migrations, newest first", .watch = true },
	{ "migration", "show", ONE, 1, 2, run_show, CLI_COLS(show_cols), .help = "show a migration", .more = show_more, .watch = true },
	{ "migration", "events", ONE, 1, 2, run_events, CLI_COLS(event_cols), .help = "show the history of a migration", .more = events_more, .watch = true },
	{ "migration", "set", ONE, 1, 2, run_set, CLI_OPTS(set_opts), .help = "change a migration's priority", .more = set_more },
	{ "migration", "abort", ONE, 1, 2, run_abort, .help = "stop a live migration", .more = one_more },
	{ "migration", "force-complete", ONE, 1, 2, run_force, .help = "finish the copy now, by pausing the server or by post-copy", .more = one_more },
};

const struct command_table migration_commands = { "migration", "show, prioritize and stop migrations", rows, G_N_ELEMENTS(rows) };
