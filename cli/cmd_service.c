/* SPDX-License-Identifier: Apache-2.0
 *
 * drover service: see the compute services, take hosts out of scheduling.
 */
#include "cmd_service.h"

#include "base/json.h"
#include "client.h"
#include "find.h"

#define SERVICE_MV 69
#define BY_UUID_MV 53 /* from it on a service is addressed by its id */

static const struct col cols[] = {
	{ "ID",              "id" },
	{ "Binary",          "binary" },
	{ "Host",            "host" },
	{ "Zone",            "zone" },
	{ "Status",          "status" },
	{ "State",           "state" },
	{ "Updated",         "updated_at" },
	{ "Disabled Reason", "disabled_reason", .longer = true },
	{ "Forced Down",     "forced_down", .longer = true },
};

static const struct opt list_opts[] = {
	{ "host", 0, "HOST", "only services on this host" },
	{ "service", 0, "BINARY", "only this service, such as nova-compute" },
	{ "long", 0, NULL, "more columns" },
};

static json_t *list_services(struct cli *c, const char *host, const char *binary, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	struct client_list l = { .path = "/os-services", .name = "services", .mv_min = 1, .mv_max = SERVICE_MV };

	if (!cli_client(c, err))
		return NULL;
	client_query(query, "host", host);
	client_query(query, "binary", binary);
	l.query = query->str;
	return client_rows(c->client, &l, err);
}

static bool run_list(struct cli *c, GError **err)
{
	g_autoptr(json_t) services = list_services(c, cli_opt(c, "host"), cli_opt(c, "service"), err);

	return services && cli_print_list(c, services, err);
}

/* ---- set ---- */

static const struct opt set_opts[] = {
	{ "enable", 0, NULL, "let the scheduler use the host again" },
	{ "disable", 0, NULL, "place no new servers on the host; existing ones stay" },
	{ "disable-reason", 0, "TEXT", "why it is disabled" },
	{ "reason", 0, "TEXT", NULL, "disable-reason" },
};

static bool check_set(const struct cli *c, GError **err)
{
	if (cli_on(c, "enable") == cli_on(c, "disable"))
		g_set_error(err, CLI_ERR, CLI_USAGE, "give either --enable or --disable");
	else if (cli_opt(c, "disable-reason") && cli_on(c, "enable"))
		g_set_error(err, CLI_ERR, CLI_USAGE, "--disable-reason needs --disable");
	else
		return true;
	return false;
}

/* The id of a host's service; NULL with @err. Owned. */
static char *find_service(struct cli *c, const char *host, const char *binary, GError **err)
{
	g_autoptr(json_t) found = list_services(c, host, binary, err), all = NULL;
	const json_t *one = NULL, *row;
	size_t i;

	if (!found)
		return NULL;
	json_array_foreach(found, i, row)
		if (g_strcmp0(render_str(row, "host"), host) == 0 && g_strcmp0(render_str(row, "binary"), binary) == 0)
			one = row;
	if (render_str(one, "id"))
		return g_strdup(render_str(one, "id"));
	if (one) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "the service of %s has no id in the answer; its cell may be down", host);
		return NULL;
	}
	all = list_services(c, NULL, binary, NULL);
	find_unknown("compute host", host, all, "host", err);
	return NULL;
}

static bool set_by_id(struct cli *c, const struct service_change *ch, GError **err)
{
	g_autofree char *id = find_service(c, ch->host, ch->binary, err), *path = NULL;
	g_autoptr(json_t) body = json_pack("{s:s, s:s*}", "status", ch->enable ? "enabled" : "disabled", "disabled_reason", ch->reason);
	struct client_call call = { .method = "PUT", .body = body, .mv_min = BY_UUID_MV, .mv_max = SERVICE_MV };

	if (!id)
		return false;
	call.path = path = client_path("os-services", id, NULL);
	return client_call(c->client, &call, NULL, err);
}

static bool set_by_name(struct cli *c, const struct service_change *ch, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:s, s:s, s:s*}", "host", ch->host, "binary", ch->binary, "disabled_reason", ch->reason);
	struct client_call call = { .method = "PUT", .body = body, .mv_min = 1, .mv_max = BY_UUID_MV - 1 };

	call.path = ch->enable ? "/os-services/enable" : ch->reason ? "/os-services/disable-log-reason" : "/os-services/disable";
	return client_call(c->client, &call, NULL, err);
}

bool service_set(struct cli *c, const struct service_change *change, GError **err)
{
	int mv = cli_client(c, err) ? client_version(c->client, 1, SERVICE_MV, err) : -1;

	if (mv < 0)
		return false;
	return mv >= BY_UUID_MV ? set_by_id(c, change, err) : set_by_name(c, change, err);
}

static bool run_set(struct cli *c, GError **err)
{
	struct service_change change = {
		.host = cli_word(c, 0), .binary = cli_word(c, 1) ? cli_word(c, 1) : "nova-compute", .enable = cli_on(c, "enable"),
		.reason = cli_opt(c, "disable-reason"),
	};

	return check_set(c, err) && service_set(c, &change, err);
}

/* ---- the table ---- */

static const struct command rows[] = {
	{ "service", "list", "", 0, 0, run_list, CLI_OPTS(list_opts), CLI_COLS(cols), .help = "list services", .watch = true },
	{ "service", "set", "HOST [BINARY]", 1, 2, run_set, CLI_OPTS(set_opts), .help = "enable or disable a host for new servers",
	  .more = "BINARY defaults to nova-compute.\n" },
};

const struct command_table service_commands = { "service", "show, enable and disable services", rows, G_N_ELEMENTS(rows) };
