/* SPDX-License-Identifier: Apache-2.0
 *
 * drover host: what hosts have and how much of it is used.
 */
#include "base/json.h"
#include "cli.h"
#include "client.h"
#include "cmd_check.h"
#include "cmd_drain.h"
#include "cmd_evacuate.h"
#include "cmd_fence.h"
#include "cmd_service.h"
#include "find.h"
#include "plan.h"

#define HOSTS_MV 42 /* the last with /os-hosts */

/* ---- list: the hypervisors, as they tell more than /os-hosts ---- */

static json_t *host_of(const json_t *row)
{
	static const char *const places[] = { "service.host", "host_name", "hypervisor_hostname" };

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (render_str(row, places[i]))
			return json_incref((json_t *)render_get(row, places[i]));
	return NULL;
}

static const struct col list_cols[] = {
	{ "Host",        "service.host", host_of },
	{ "State",       "state" },
	{ "Status",      "status" },
	{ "Servers",     "running_vms" },
	{ "vCPUs Used",  "vcpus_used" },
	{ "vCPUs",       "vcpus" },
	{ "Memory Used MiB", "memory_mb_used" },
	{ "Memory MiB",  "memory_mb" },
	{ "Disk Used GiB", "local_gb_used" },
	{ "Disk GiB",    "local_gb" },
	{ "State Reason", "state_reason" },
	{ "ID",          "id", .longer = true },
	{ "Hypervisor",  "hypervisor_hostname", .longer = true },
	{ "Type",        "hypervisor_type", .longer = true },
	{ "Version",     "hypervisor_version", .longer = true },
	{ "IP",          "host_ip", .longer = true },
	{ "Cell",        "cell", .longer = true },
	{ "Load %",      "load_percent", .longer = true },
	{ "Disabled Reason", "service.disabled_reason", .longer = true },
};

static const struct opt list_opts[] = {
	{ "long", 0, NULL, "more columns" },
};

static json_t *list_hypervisors(struct cli *c, GError **err)
{
	struct client_list l = { .path = "/os-hypervisors/detail", .name = "hypervisors", .marker = "id", .mv_min = 1,
				 .mv_max = FIND_HYPERVISOR_MV };

	return client_rows(c->client, &l, err);
}

/* What only Drover tells: its cell, its fence agent, and why it is down. @name: the row's host. */
static void add_drovers(json_t *row, const char *name, const json_t *drovers)
{
	static const char *const told[] = { "cell", "fence_agent", "fenced_at", "fence_reason", "load_percent" };
	const json_t *h;
	size_t i;

	json_array_foreach(json_object_get(drovers, "hosts"), i, h) {
		if (g_strcmp0(render_str(h, "name"), name) != 0)
			continue;
		for (size_t k = 0; k < G_N_ELEMENTS(told); k++)
			if (json_object_get(h, told[k]) && !json_is_null(json_object_get(h, told[k])))
				json_object_set(row, told[k], json_object_get(h, told[k]));
		if (g_strcmp0(render_str(h, "state"), "down") == 0)
			json_object_set(row, "state_reason", json_object_get(h, "state_reason"));
	}
}

/* Its own list of hosts; NULL of another cloud, or for a user without access to it. Owned. */
static json_t *drovers_hosts(struct cli *c)
{
	struct client_call call = { .method = "GET", .path = "/drover/v1/hosts", .drovers = "it" };
	json_t *body = NULL;

	if (!client_is_admin(c->client) || !client_call(c->client, &call, &body, NULL))
		return NULL;
	return body;
}

static bool run_list(struct cli *c, GError **err)
{
	g_autoptr(json_t) hosts = cli_client(c, err) ? list_hypervisors(c, err) : NULL;
	g_autoptr(json_t) drovers = NULL;
	json_t *row;
	size_t i;

	if (!hosts)
		return false;
	drovers = drovers_hosts(c);
	json_array_foreach(hosts, i, row) {
		g_autoptr(json_t) name = host_of(row);

		add_drovers(row, json_string_value(name), drovers);
	}
	return cli_print_list(c, hosts, err);
}

/* ---- show ---- */

static const struct col show_cols[] = {
	{ "Host",      "host" },
	{ "Project",   "project" },
	{ "CPU",       "cpu" },
	{ "Memory MB", "memory_mb" },
	{ "Disk GB",   "disk_gb" },
	{ "State Reason", "state_reason" },
	{ "Cell",      "cell" },
	{ "Fence Agent", "fence_agent" },
	{ "Fenced At", "fenced_at" },
	{ "Fence Reason", "fence_reason" },
};

/* {"host": [{"resource": {...}}, ...]} -> [{...}, ...]; NULL for anything else. */
static json_t *resources(const json_t *body)
{
	const json_t *list = json_object_get(body, "host"), *one;
	json_t *out;
	size_t i;

	if (!json_is_array(list))
		return NULL;
	out = json_array();
	json_array_foreach(list, i, one)
		if (json_is_object(json_object_get(one, "resource")))
			json_array_append(out, json_object_get(one, "resource"));
	return out;
}

static json_t *from_hosts(struct cli *c, const char *host, GError **err)
{
	g_autofree char *path = client_path("os-hosts", host, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = HOSTS_MV };
	g_autoptr(json_t) body = NULL;
	json_t *out;

	if (!client_call(c->client, &call, &body, err))
		return NULL;
	out = resources(body);
	if (!out)
		g_set_error(err, CLI_ERR, CLI_FAILED, "the answer about host %s has no list \"host\"", host);
	return out;
}

static json_t *usage(const char *host, const char *project, const json_t *h, const char *cpu, const char *memory, const char *disk)
{
	return json_pack("{s:s, s:s, s:O?, s:O?, s:O?}", "host", host, "project", project, "cpu", json_object_get(h, cpu), "memory_mb",
			 json_object_get(h, memory), "disk_gb", json_object_get(h, disk));
}

/* The same rows of a hypervisor's record, as far as it has them. */
static json_t *from_hypervisors(struct cli *c, const char *host, GError **err)
{
	g_autoptr(json_t) all = list_hypervisors(c, err), names = json_array(), out = json_array();
	json_t *h;
	size_t i;

	if (!all)
		return NULL;
	json_array_foreach(all, i, h) {
		g_autoptr(json_t) name = host_of(h);

		json_array_append_new(names, json_pack("{s:O?}", "name", name));
		if (g_strcmp0(json_string_value(name), host) != 0)
			continue;
		json_array_append_new(out, usage(host, "(total)", h, "vcpus", "memory_mb", "local_gb"));
		json_array_append_new(out, usage(host, "(used_now)", h, "vcpus_used", "memory_mb_used", "local_gb_used"));
	}
	if (json_array_size(out) > 0)
		return json_incref(out);
	find_unknown("compute host", host, names, "name", err);
	return NULL;
}

/* Whether another question can be answered where this one was not: no such API any more, or no such host there. */
static bool refused(const GError *why)
{
	return g_error_matches(why, CLI_HTTP, 404) || g_error_matches(why, CLI_HTTP, 403) || g_error_matches(why, CLI_HTTP, 410)
	       || g_error_matches(why, CLI_ERR, CLI_FAILED);
}

static bool run_show(struct cli *c, GError **err)
{
	g_autofree char *host = find_host(c, cli_word(c, 0), err);
	g_autoptr(GError) why = NULL;
	g_autoptr(json_t) hosts = NULL, drovers = NULL;

	if (!host)
		return false;
	hosts = from_hosts(c, host, &why);
	if (!hosts && !refused(why)) {
		g_propagate_error(err, g_steal_pointer(&why));
		return false;
	}
	if (!hosts)
		hosts = from_hypervisors(c, host, err);
	if (!hosts)
		return false;
	drovers = drovers_hosts(c);
	if (json_array_size(hosts) > 0)
		add_drovers(json_array_get(hosts, 0), host, drovers);
	return cli_print_list(c, hosts, err);
}

/* ---- enable, disable ---- */

static const struct opt disable_opts[] = {
	{ "reason", 0, "TEXT", "why, for those that look at the host" },
};

static bool set_enabled(struct cli *c, bool enable, const char *reason, GError **err)
{
	g_autofree char *host = find_host(c, cli_word(c, 0), err), *safe = NULL;
	struct service_change change = { .host = host, .binary = "nova-compute", .enable = enable, .reason = reason };

	if (!host || !service_set(c, &change, err))
		return false;
	safe = render_safe(host, false);
	printf("%s is %s\n", safe, enable ? "enabled" : "disabled");
	return true;
}

static bool run_enable(struct cli *c, GError **err)
{
	return set_enabled(c, true, NULL, err);
}

static bool run_disable(struct cli *c, GError **err)
{
	return set_enabled(c, false, cli_opt(c, "reason"), err);
}

/* ---- add, remove: of Drover's own ---- */

static const struct opt add_opts[] = {
	{ "uri", 0, "URI", "where its libvirt is, such as qemu+tls://HOST/system" },
	{ "inbound-addr", 0, "ADDRESS", "where migrations to it arrive, if not at its name" },
	{ "cell", 0, "CELL", "the cell that its servers do not leave" },
};

static bool run_add(struct cli *c, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:{s:s, s:s*, s:s*, s:s*}}", "host", "name", cli_word(c, 0), "uri", cli_opt(c, "uri"),
					   "live_migration_inbound_addr", cli_opt(c, "inbound-addr"), "cell", cli_opt(c, "cell"));
	struct client_call call = { .method = "POST", .path = "/drover/v1/hosts", .drovers = "hosts that are added at run time", .body = body };
	g_autofree char *safe = render_safe(cli_word(c, 0), false);

	if (!cli_opt(c, "uri")) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "give its libvirt's address: --uri URI");
		return false;
	}
	if (!cli_client(c, err) || !client_call(c->client, &call, NULL, err))
		return false;
	printf("%s is added\n", safe);
	return true;
}

static bool run_remove(struct cli *c, GError **err)
{
	g_autofree char *segments = client_path(cli_word(c, 0), NULL), *path = g_strconcat("/drover/v1/hosts", segments, NULL);
	struct client_call call = { .method = "DELETE", .path = path, .drovers = "hosts that are removed at run time" };
	g_autofree char *safe = render_safe(cli_word(c, 0), false);

	if (!cli_client(c, err) || !client_call(c->client, &call, NULL, err))
		return false;
	printf("%s is removed\n", safe);
	return true;
}

/* ---- the table ---- */

static const struct command rows[] = {
	{ "host", "add", "HOST", 1, 1, run_add, CLI_OPTS(add_opts), .help = "add a host at run time" },
	{ "host", "check", "[HOST...]", 0, CHECK_HOSTS_MAX, check_run, CLI_OPTS(check_opts), CLI_COLS(check_cols), .help = "check how hosts are set up for migrations",
	  .more = CHECK_MORE },
	{ "host", "disable", "HOST", 1, 1, run_disable, CLI_OPTS(disable_opts), .help = "place no new servers on a host; existing ones stay" },
	{ "host", "drain", "HOST...", 1, DRAIN_HOSTS_MAX, drain_run, CLI_OPTS(drain_opts), CLI_COLS(plan_step_cols), .help = "disable hosts and migrate their servers away",
	  .more = DRAIN_MORE PLAN_EXITS, .usage_status = PLAN_REFUSED },
	{ "host", "enable", "HOST", 1, 1, run_enable, .help = "let the scheduler use a host again" },
	{ "host", "list", "", 0, 0, run_list, CLI_OPTS(list_opts), CLI_COLS(list_cols), .help = "list hosts and their usage", .watch = true },
	{ "host", "evacuate", "HOST", 1, 1, evacuate_run, CLI_OPTS(evacuate_opts), CLI_COLS(evacuate_cols), .help = "start all servers of a dead host elsewhere", .more = EVACUATE_MORE },
	{ "host", "fence", "HOST", 1, 1, fence_run, CLI_OPTS(fence_opts), .help = "switch a host off by its fence agent", .more = FENCE_MORE },
	{ "host", "power", "HOST", 1, 1, fence_run_power, CLI_COLS(fence_power_cols), .help = "ask a host's fence agent whether it is on" },
	{ "host", "remove", "HOST", 1, 1, run_remove, .help = "forget a host that was added at run time" },
	{ "host", "show", "HOST", 1, 1, run_show, CLI_COLS(show_cols), .help = "show a host's capacity and usage", .watch = true },
	{ "host", "undrain", "HOST...", 1, DRAIN_HOSTS_MAX, drain_run_undo, CLI_OPTS(undrain_opts), CLI_COLS(plan_step_cols),
	  .help = "enable hosts that were drained, and bring their servers back", .more = UNDRAIN_MORE PLAN_EXITS, .usage_status = PLAN_REFUSED },
	{ "host", "unfence", "HOST", 1, 1, fence_run_undo, CLI_OPTS(fence_undo_opts), .help = "switch a host on by its fence agent" },
};

const struct command_table host_commands = { "host", "see hosts, drain them, switch them off and on", rows, G_N_ELEMENTS(rows) };
