/* SPDX-License-Identifier: Apache-2.0
 *
 * drover server: show and migrate servers.
 */
#include <string.h>

#include "base/json.h"
#include "cli.h"
#include "client.h"
#include "cmd_autostart.h"
#include "cmd_console.h"
#include "cmd_power.h"
#include "find.h"
#include "follow.h"
#include "progress.h"

/* ---- what is shown ---- */

/* {"net": [{"addr": "1.2.3.4"}]} -> {"net": ["1.2.3.4"]} */
static json_t *networks(const json_t *server)
{
	json_t *nets = json_object(), *list, *one;
	const char *name;
	size_t i;

	json_object_foreach((json_t *)render_get(server, "addresses"), name, list) {
		json_t *addrs = json_array();

		json_array_foreach(list, i, one)
			if (render_str(one, "addr"))
				json_array_append(addrs, json_object_get(one, "addr"));
		json_object_set_new(nets, name, addrs);
	}
	return nets;
}

/* From 2.47 on the flavor itself is there, before only its id. */
static json_t *flavor(const json_t *server)
{
	const json_t *name = render_get(server, "flavor.original_name");

	return json_incref((json_t *)(name ? name : render_get(server, "flavor.id")));
}

/* An empty text stands for a server that was booted from a volume. */
static json_t *image(const json_t *server)
{
	const json_t *id = render_get(server, "image.id");

	return id ? json_incref((json_t *)id) : json_null();
}

static json_t *power(const json_t *server)
{
	static const char *const names[] = {
		[0] = "no state", [1] = "running", [3] = "paused", [4] = "shut down", [6] = "crashed", [7] = "suspended",
	};
	const json_t *v = render_get(server, "OS-EXT-STS:power_state");
	int64_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	return n >= 0 && n < (int64_t)G_N_ELEMENTS(names) && names[n] ? json_string(names[n]) : json_incref((json_t *)v);
}

static json_t *volumes(const json_t *server)
{
	json_t *ids = json_array(), *v;
	size_t i;

	json_array_foreach(render_get(server, "os-extended-volumes:volumes_attached"), i, v)
		if (render_str(v, "id"))
			json_array_append(ids, json_object_get(v, "id"));
	return ids;
}

static const struct col list_cols[] = {
	{ "ID",         "id" },
	{ "Name",       "name" },
	{ "Status",     "status" },
	{ "Host",       "OS-EXT-SRV-ATTR:host" },
	{ "Networks",   "addresses", networks },
	{ "Flavor",     "flavor", flavor },
	{ "Task State", "OS-EXT-STS:task_state", .longer = true },
	{ "Power",      "OS-EXT-STS:power_state", power, .longer = true },
	{ "Zone",       "OS-EXT-AZ:availability_zone", .longer = true },
	{ "Project",    "tenant_id", .longer = true },
	{ "Image",      "image", image, .longer = true },
	{ "Created",    "created", .longer = true },
	{ "Updated",    "updated", .longer = true },
};

static const struct col show_cols[] = {
	{ "ID",            "id" },
	{ "Name",          "name" },
	{ "Status",        "status" },
	{ "Task State",    "OS-EXT-STS:task_state" },
	{ "VM State",      "OS-EXT-STS:vm_state" },
	{ "Power",         "OS-EXT-STS:power_state", power },
	{ "Progress",      "progress" },
	{ "Fault",         "fault.message" },
	{ "Host",          "OS-EXT-SRV-ATTR:host" },
	{ "Hypervisor",    "OS-EXT-SRV-ATTR:hypervisor_hostname" },
	{ "Instance Name", "OS-EXT-SRV-ATTR:instance_name" },
	{ "Zone",          "OS-EXT-AZ:availability_zone" },
	{ "Flavor",        "flavor", flavor },
	{ "vCPUs",         "flavor.vcpus" },
	{ "Memory MiB",    "flavor.ram" },
	{ "Disk GiB",      "flavor.disk" },
	{ "Image",         "image", image },
	{ "Volumes",       "os-extended-volumes:volumes_attached", volumes },
	{ "Networks",      "addresses", networks },
	{ "Locked",        "locked" },
	{ "Metadata",      "metadata" },
	{ "Tags",          "tags" },
	{ "Project",       "tenant_id" },
	{ "User",          "user_id" },
	{ "Launched",      "OS-SRV-USG:launched_at" },
	{ "Created",       "created" },
	{ "Updated",       "updated" },
};

/* ---- list, show ---- */

static const struct opt list_opts[] = {
	{ "host", 0, "HOST", "only servers on this host" },
	{ "name", 0, "REGEX", "only servers whose name matches" },
	{ "status", 0, "STATUS", "only servers in this status, such as ACTIVE" },
	{ "all-projects", 0, NULL, "servers of every project; the default for administrators" },
	{ "my-project", 0, NULL, "only servers of your own project" },
	{ "long", 0, NULL, "more columns" },
};

/* What the columns of a list without --long and -c are made of. */
static const char *const short_members[] = { "id", "name", "status", "OS-EXT-SRV-ATTR:host", "addresses", "flavor", NULL };

static bool run_list(struct cli *c, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	struct client_list l = { .path = "/servers/detail", .name = "servers", .marker = "id", .mv_min = 1, .mv_max = FIND_SERVER_MV };
	g_autofree char *status = cli_opt(c, "status") ? g_ascii_strup(cli_opt(c, "status"), -1) : NULL;
	g_autoptr(json_t) rows = NULL;

	if (cli_on(c, "all-projects") && cli_on(c, "my-project")) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--all-projects and --my-project are mutually exclusive");
		return false;
	}
	if (!cli_client(c, err))
		return false;
	client_query(query, "host", cli_opt(c, "host"));
	client_query(query, "name", cli_opt(c, "name"));
	client_query(query, "status", status);
	if (cli_on(c, "all-projects"))
		client_query(query, "all_tenants", "1");
	else if (!cli_on(c, "my-project"))
		find_all_tenants(c, query);
	l.query = query->str;
	l.members = cli_on(c, "long") || cli_opt(c, "column") ? NULL : short_members;
	rows = client_rows(c->client, &l, err);
	return rows && cli_print_list(c, rows, err);
}

static bool run_show(struct cli *c, GError **err)
{
	g_autoptr(json_t) server = find_server(c, cli_word(c, 0), err);

	return server && cli_print_one(c, server, err);
}

/* ---- migrate ---- */

#define HOST_CHECKED_MV 30 /* below it a named host is taken without the scheduler's checks */
#define COLD_HOST_MV 56    /* from it on a cold migration can name its host */
#define AUTO_BLOCK_MV 25   /* from it on the server finds out whether the disks must be copied */

static const struct opt migrate_opts[] = {
	{ "live", 0, NULL, "migrate the server while it runs" },
	{ "cold", 0, NULL, "shut the server off for it, if it runs; then confirm or revert it" },
	{ "live-migration", 0, NULL, NULL, "live" },
	{ "host", 0, "HOST", "destination host; by default the scheduler chooses" },
	{ "block-migration", 0, NULL, "copy the local disks too" },
	{ "shared-migration", 0, NULL, "the disks are on shared storage; by default this is detected" },
	{ "wait", 0, NULL, "wait for the migration to end and show its progress" },
};

/* What "server migrate" tells of its migration. */
static const struct col migrate_cols[] = {
	{ "ID",          "id" },
	{ "UUID",        "uuid" },
	{ "Server",      "server_uuid" },
	{ "Name",        "name" },
	{ "Status",      "status" },
	{ "Source",      "source_compute" },
	{ "Destination", "dest_compute" },
	{ "Reason",      "reason" },
};

static const char migrate_more[] =
	"Requests a migration and prints its number. With --wait on a terminal, shows its\n"
	"progress: status, hosts, bytes sent, rate, time left. Ctrl-C then stops waiting; the\n"
	"migration continues. A cold one names its stage as well: check, queued, schedule, stop\n"
	"(it is shut off), carry (its disks), land, start. It waits at its new host for \"server\n"
	"confirm\" or \"server revert\".\n";

static bool check_migrate(const struct cli *c, GError **err)
{
	bool cold = cli_on(c, "cold");

	if (cli_on(c, "live") == cold)
		g_set_error(err, CLI_ERR, CLI_USAGE, cold ? "--live and --cold are mutually exclusive" : "add --live or --cold");
	else if (cold && (cli_on(c, "block-migration") || cli_on(c, "shared-migration")))
		g_set_error(err, CLI_ERR, CLI_USAGE, "--block-migration and --shared-migration are of live migrations");
	else if (cli_on(c, "block-migration") && cli_on(c, "shared-migration"))
		g_set_error(err, CLI_ERR, CLI_USAGE, "--block-migration and --shared-migration are mutually exclusive");
	else if (cli_opt(c, "host") && !*cli_opt(c, "host"))
		g_set_error(err, CLI_ERR, CLI_USAGE, "--host is empty");
	else
		return true;
	return false;
}

static json_t *cold_body(const char *host, int mv, GError **err)
{
	if (!host)
		return json_pack("{s:n}", "migrate");
	if (mv >= COLD_HOST_MV)
		return json_pack("{s:{s:s}}", "migrate", "host", host);
	g_set_error(err, CLI_ERR, CLI_FAILED, "--host needs version 2.%d of the Compute API, this is 2.%d", COLD_HOST_MV, mv);
	return NULL;
}

static json_t *live_body(const struct cli *c, int mv, GError **err)
{
	const char *host = cli_opt(c, "host");
	bool block = cli_on(c, "block-migration"), chosen = block || cli_on(c, "shared-migration");
	json_t *args;

	if (host && mv < HOST_CHECKED_MV) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "--host needs version 2.%d of the Compute API, this is 2.%d; "
			    "older versions skip the checks of the host", HOST_CHECKED_MV, mv);
		return NULL;
	}
	if (!chosen && mv < AUTO_BLOCK_MV) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "version 2.%d of the Compute API does not detect shared storage: "
			    "give --block-migration or --shared-migration", mv);
		return NULL;
	}
	args = json_pack("{s:s?, s:o}", "host", host, "block_migration", chosen ? json_boolean(block) : json_string("auto"));
	if (mv < AUTO_BLOCK_MV)
		json_object_set_new(args, "disk_over_commit", json_false());
	return json_pack("{s:o}", "os-migrateLive", args);
}

/* The request's body at microversion @mv; NULL with @err if it cannot be said there. */
static json_t *migrate_body(const struct cli *c, int mv, GError **err)
{
	return cli_on(c, "cold") ? cold_body(cli_opt(c, "host"), mv, err) : live_body(c, mv, err);
}

static bool ask_to_migrate(struct cli *c, struct follow *f, GError **err)
{
	g_autofree char *path = client_path("servers", f->server_id, "action", NULL);
	struct client_call call = { .method = "POST", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	int mv = client_version(c->client, call.mv_min, call.mv_max, err);
	g_autoptr(json_t) body = mv < 0 ? NULL : migrate_body(c, mv, err);

	if (!body)
		return false;
	f->above_id = follow_last_id(c, f->server_id, f->type);
	call.body = body;
	if (client_call(c->client, &call, NULL, err))
		return true;
	g_prefix_error(err, "%s is not migrated: ", f->server_name);
	return false;
}

static void say_done(const struct follow *f)
{
	const char *dest = render_str(f->record, "dest_compute");
	g_autofree char *name = render_safe(f->server_name, false), *safe_dest = render_safe(dest ? dest : "another host", false);
	g_autofree char *took = progress_duration((f->took_ms + 500) / 1000), *sent = render_bytes(f->sent_bytes);

	printf("%s %s %s; migration %" G_GINT64_FORMAT " took %s%s%s\n", name, strcmp(f->type, FOLLOW_COLD) == 0 ? "is on" : "runs on", safe_dest,
	       f->id, took, f->sent_bytes ? " and sent " : "", f->sent_bytes ? sent : "");
}

static void say_accepted(const struct follow *f)
{
	const char *status = render_str(f->record, "status");
	g_autofree char *name = render_safe(f->server_name, false), *safe_status = render_safe(status ? status : "accepted", false);

	if (f->id)
		printf("migration %" G_GINT64_FORMAT " of %s is %s\n", f->id, name, safe_status);
	else
		printf("the migration of %s was accepted but has no number yet; see: drover migration list --server %s\n", name,
		       f->server_id);
}

static bool tell(struct cli *c, const struct follow *f, bool done, GError **err)
{
	g_autoptr(json_t) row = f->record ? json_copy(f->record) : json_object();

	if (c->format == RENDER_TABLE && !args_all(c->args, "column")) {
		if (done)
			say_done(f);
		else
			say_accepted(f);
		return true;
	}
	json_object_set_new(row, "server_uuid", json_string(f->server_id));
	json_object_set_new(row, "name", json_string(f->server_name));
	if (f->reason)
		json_object_set_new(row, "reason", json_string(f->reason));
	return cli_print_one(c, row, err);
}

static bool migrate(struct cli *c, struct follow *f, GError **err)
{
	g_autofree char *request_id = NULL;

	if (!ask_to_migrate(c, f, err))
		return false;
	f->request_id = request_id = g_strdup(client_request_id(c->client));
	if (cli_on(c, "wait") ? follow_wait(f, err) : follow_start(f, err))
		return tell(c, f, cli_on(c, "wait"), err);
	if (f->reason && c->format != RENDER_TABLE)
		(void)tell(c, f, false, NULL); /* the failure itself is what is reported */
	return false;
}

static bool run_migrate(struct cli *c, GError **err)
{
	g_autoptr(json_t) server = NULL;
	struct follow f = { .cli = c, .type = cli_on(c, "cold") ? FOLLOW_COLD : FOLLOW_LIVE };
	bool ok;

	if (!check_migrate(c, err))
		return false;
	server = find_server(c, cli_word(c, 0), err);
	if (!server)
		return false;
	f.server_id = render_str(server, "id");
	f.server_name = render_str(server, "name") ? render_str(server, "name") : f.server_id;
	ok = migrate(c, &f, err);
	follow_clear(&f);
	return ok;
}

/* ---- precheck ---- */

static const struct opt precheck_opts[] = {
	{ "host", 0, "HOST", "only this host" },
	{ "block-migration", 0, NULL, "assume that local disks are copied" },
	{ "no-block-migration", 0, NULL, "assume that no disks are copied; by default this is detected" },
	{ "shared-migration", 0, NULL, NULL, "no-block-migration" },
	{ "all", 0, NULL, "a line for each check of each host" },
};

static const struct col precheck_cols[] = {
	{ "Host",   "host" },
	{ "Live",   "live" },
	{ "Cold",   "cold" },
	{ "Check",  "check" },
	{ "Reason", "reason" },
};

static const char precheck_more[] =
	"Asks the hosts and changes nothing. A line for each host: can the server go there live,\n"
	"can it go there cold, and if not, the first check that refuses it, and why. Where both are\n"
	"refused for different reasons, the line has both. Only Drover offers this.\n";

static json_t *ask_precheck(struct cli *c, const char *id, GError **err)
{
	g_autofree char *path = g_strdup_printf("/drover/v1/servers/%s/precheck", id);
	bool block = cli_on(c, "block-migration"), chosen = block || cli_on(c, "no-block-migration");
	json_t *mode = chosen ? json_boolean(block) : json_string("auto");
	g_autoptr(json_t) body = json_pack("{s:{s:s?, s:o}}", "precheck", "host", cli_opt(c, "host"), "block_migration", mode);
	struct client_call call = { .method = "POST", .path = path, .drovers = "prechecks", .body = body };
	json_t *answer = NULL;

	return client_call(c->client, &call, &answer, err) ? answer : NULL;
}

/* "a", "b", or both of "a; cold: b". Return: owned; NULL: neither says anything. */
static char *both(const char *live, const char *cold, const char *between)
{
	if (!live || !cold || strcmp(live, cold) == 0)
		return g_strdup(live ? live : cold);
	return g_strconcat(live, between, cold, NULL);
}

/* What live and cold migrations say, each of which may have no such line: what they call it, what comes out, and why. */
static void add_line(json_t *rows, const json_t *host, const char *result[2], const json_t *said[2], const char *name)
{
	g_autofree char *check = both(render_str(said[0], name), render_str(said[1], name), ", ");
	g_autofree char *reason = both(render_str(said[0], "reason"), render_str(said[1], "reason"), "; cold: ");

	json_array_append_new(rows, json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?}", "host", render_str(host, "host"), "live", result[0], "cold", result[1],
					       "check", check, "reason", reason));
}

/* Return: NULL: nothing is said of that way. */
static const char *yes_no(const json_t *way)
{
	const json_t *fits = render_get(way, "fits");

	return !fits ? NULL : json_is_true(fits) ? "yes" : "no";
}

static void add_host(json_t *rows, const json_t *host)
{
	const json_t *ways[] = { host, render_get(host, "cold") };
	const char *fits[] = { yes_no(ways[0]), yes_no(ways[1]) };

	add_line(rows, host, fits, ways, "check");
}

/* The one of that name. Return: borrowed; NULL. */
static const json_t *check_of(const json_t *way, const char *name)
{
	json_t *check;
	size_t i;

	json_array_foreach((json_t *)render_get(way, "checks"), i, check)
		if (g_strcmp0(render_str(check, "name"), name) == 0)
			return check;
	return NULL;
}

/* The checks of one way, with what the other says of each; of the second those that the first does not have. */
static void add_checks(json_t *rows, const json_t *host, const json_t *ways[2], int way)
{
	json_t *check;
	size_t i;

	json_array_foreach((json_t *)render_get(ways[way], "checks"), i, check) {
		const char *name = render_str(check, "name");
		const json_t *said[] = { check_of(ways[0], name), check_of(ways[1], name) };
		const char *results[] = { render_str(said[0], "result"), render_str(said[1], "result") };

		if (way == 0 || !said[0])
			add_line(rows, host, results, said, "name");
	}
}

static void add_all(json_t *rows, const json_t *host)
{
	const json_t *ways[] = { host, render_get(host, "cold") };

	add_checks(rows, host, ways, 0);
	add_checks(rows, host, ways, 1);
}

static bool run_precheck(struct cli *c, GError **err)
{
	g_autoptr(json_t) server = NULL, answer = NULL, rows = json_array();
	json_t *host;
	size_t i;

	if (cli_on(c, "block-migration") && cli_on(c, "no-block-migration")) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--block-migration and --no-block-migration are mutually exclusive");
		return false;
	}
	server = find_server(c, cli_word(c, 0), err);
	answer = server ? ask_precheck(c, render_str(server, "id"), err) : NULL;
	if (!answer)
		return false;
	json_array_foreach((json_t *)render_get(answer, "precheck.hosts"), i, host)
		if (json_is_object(host))
			(cli_on(c, "all") ? add_all : add_host)(rows, host);
	return cli_print_list(c, rows, err);
}

/* ---- the table ---- */

static const struct command rows[] = {
	{ "server", "list", "", 0, 0, run_list, CLI_OPTS(list_opts), CLI_COLS(list_cols), .help = "list servers", .watch = true },
	{ "server", "show", "SERVER", 1, 1, run_show, CLI_COLS(show_cols), .help = "show a server", .watch = true },
	{ "server", "migrate", "SERVER", 1, 1, run_migrate, CLI_OPTS(migrate_opts), CLI_COLS(migrate_cols),
	  .help = "migrate a server to another host", .more = migrate_more },
	{ "server", "confirm", "SERVER", 1, 1, power_run_now, .help = "confirm a cold migration: the server stays where it is" },
	{ "server", "revert", "SERVER", 1, 1, power_run_now, .help = "revert a cold migration: the server goes back" },
	{ "server", "start", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "start a server that is shut off", .more = POWER_MORE },
	{ "server", "stop", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "shut a server off; the guest is asked first", .more = POWER_MORE },
	{ "server", "reboot", "SERVER", 1, 1, power_run, CLI_OPTS(power_reboot_opts), .help = "reboot a server; the guest is asked first", .more = POWER_MORE },
	{ "server", "pause", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "pause a server: it stays in memory", .more = POWER_MORE },
	{ "server", "unpause", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "let a paused server go on", .more = POWER_MORE },
	{ "server", "suspend", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "save a server's memory to its host's disk, and stop it", .more = POWER_MORE },
	{ "server", "resume", "SERVER", 1, 1, power_run, CLI_OPTS(power_opts), .help = "let a suspended server go on", .more = POWER_MORE },
	{ "server", "lock", "SERVER", 1, 1, power_run_now, CLI_OPTS(power_lock_opts), .help = "lock a server: only administrators may act on it" },
	{ "server", "unlock", "SERVER", 1, 1, power_run_now, .help = "unlock a server" },
	{ "server", "evacuate", "SERVER", 1, 1, power_run_now, CLI_OPTS(power_evacuate_opts), .help = "start a server of a dead host elsewhere" },
	{ "server", "reset-state", "SERVER active|error", 2, 2, power_run_now, .help = "say that a server is well, or not; its guest is left alone" },
	{ "server", "autostart", "SERVER [on|off]", 1, 2, autostart_run, CLI_COLS(autostart_cols), .help = "whether a server starts with its host",
	  .more = AUTOSTART_MORE },
	{ "server", "console", "SERVER", 1, 1, console_run, CLI_OPTS(console_opts), .help = "a server's serial console in this terminal", .more = CONSOLE_MORE },
	{ "server", "precheck", "SERVER", 1, 1, run_precheck, CLI_OPTS(precheck_opts), CLI_COLS(precheck_cols),
	  .help = "check where a server could go, live or cold", .more = precheck_more },
};

const struct command_table server_commands = { "server", "show, migrate, start and stop servers", rows, G_N_ELEMENTS(rows) };
