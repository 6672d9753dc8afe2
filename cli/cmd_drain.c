/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_drain.h"

#include "base/json.h"
#include "base/util.h"
#include "find.h"
#include "plan.h"

#define YES { "yes", 'y', NULL, "do not ask" }
#define DRY { "dry-run", 0, NULL, "show what would be done, and do nothing" }
#define NO_WAIT { "no-wait", 0, NULL, "do not wait for its end" }
#define COLD { "cold", 0, NULL, "servers that cannot go live may be migrated cold" }
#define PARALLEL { "parallel", 0, "N", "so many migrations at a time (4)" }
#define DEADLINE { "deadline", 0, "SECONDS", "end it so long after its start" }
#define PRIORITY { "priority", 0, "N", "of its migrations in the queue, from -1000 to 1000" }

const struct opt drain_opts[8] = {
	PARALLEL,
	DEADLINE,
	COLD,
	{ "waves", 0, "N", "so many of the hosts at the same time; all without it" },
	PRIORITY,
	YES, DRY, NO_WAIT,
};
const struct opt undrain_opts[6] = {
	{ "bring-back", 0, NULL, "bring the servers back that the last drain took away" },
	COLD, PARALLEL, YES, DRY, NO_WAIT,
};
const struct opt bulk_opts[8] = {
	{ "to", 0, "HOST", "the host that all of them go to; without it each goes where it fits best" },
	PARALLEL,
	DEADLINE,
	COLD,
	PRIORITY,
	YES, DRY, NO_WAIT,
};
static const struct opt rebalance_opts[] = {
	{ "memory-spread", 0, "POINTS", "how far the fullest and the emptiest host may differ in memory, in percent points (20)" },
	{ "vcpus-spread", 0, "POINTS", "likewise in vCPUs (20)" },
	{ "load-spread", 0, "POINTS", "likewise in what servers use of its CPUs, measured; not looked at without it" },
	{ "hysteresis", 0, "POINTS", "do nothing for less than this (5)" },
	{ "host", 0, "HOST", "only among these hosts; may be repeated" },
	PARALLEL,
	DEADLINE,
	YES, DRY, NO_WAIT,
};

/* What of the options is a number of the plan. */
static const struct {
	const char *opt, *member;
	int64_t min, max;
} numbers[] = {
	{ "parallel",      "parallel",      1,     1000 },
	{ "deadline",      "deadline",      0,     2592000 },
	{ "waves",         "waves",         0,     1000 },
	{ "priority",      "priority",      -1000, 1000 },
	{ "memory-spread", "memory_spread", 0,     100 },
	{ "vcpus-spread",  "vcpus_spread",  0,     100 },
	{ "load-spread",   "load_spread",   0,     100 },
	{ "hysteresis",    "hysteresis",    0,     100 },
};

static bool add_numbers(const struct cli *c, json_t *request, GError **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		const GPtrArray *all = args_all(c->args, numbers[i].opt);
		int64_t n;

		if (!all)
			continue;
		if (!util_parse_int(all->pdata[all->len - 1], numbers[i].min, numbers[i].max, &n)) {
			g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is a number from %d to %d, not \"%s\"", numbers[i].opt, (int)numbers[i].min, (int)numbers[i].max,
				    (const char *)all->pdata[all->len - 1]);
			return false;
		}
		json_object_set_new(request, numbers[i].member, json_integer(n));
	}
	return true;
}

static bool add_hosts(struct cli *c, json_t *request, const GPtrArray *words, GError **err)
{
	json_t *hosts = json_array();

	json_object_set_new(request, "hosts", hosts);
	for (guint i = 0; i < words->len; i++) {
		g_autofree char *host = find_host(c, words->pdata[i], err);

		if (!host)
			return false;
		json_array_append_new(hosts, json_string(host));
	}
	return true;
}

static bool run(struct cli *c, json_t *request, const GPtrArray *hosts, GError **err)
{
	struct plan_how how = { .dry_run = cli_on(c, "dry-run"), .yes = cli_on(c, "yes"), .no_wait = cli_on(c, "no-wait") };

	return add_numbers(c, request, err) && (!hosts || add_hosts(c, request, hosts, err)) && plan_run(c, request, &how, NULL, err);
}

bool drain_run(struct cli *c, GError **err)
{
	g_autoptr(json_t) request = json_pack("{s:s, s:b}", "kind", "drain", "cold", cli_on(c, "cold"));

	return run(c, request, c->args->words, err);
}

bool drain_run_undo(struct cli *c, GError **err)
{
	g_autoptr(json_t) request = json_pack("{s:s, s:b, s:b}", "kind", "undrain", "bring_back", cli_on(c, "bring-back"), "cold", cli_on(c, "cold"));

	return run(c, request, c->args->words, err);
}

/* By their ids: a beginning of a name is known here alone. */
static bool add_servers(struct cli *c, json_t *request, GError **err)
{
	json_t *servers = json_array();

	json_object_set_new(request, "servers", servers);
	for (guint i = 0; i < c->args->words->len; i++) {
		g_autoptr(json_t) server = find_server(c, c->args->words->pdata[i], err);

		if (!server)
			return false;
		json_array_append(servers, json_object_get(server, "id"));
	}
	return true;
}

bool drain_run_bulk(struct cli *c, GError **err)
{
	g_autofree char *to = cli_opt(c, "to") ? find_host(c, cli_opt(c, "to"), err) : NULL;
	g_autoptr(json_t) request = json_pack("{s:s, s:b, s:s?}", "kind", "bulk", "cold", cli_on(c, "cold"), "to", to);

	return (to || !cli_opt(c, "to")) && add_servers(c, request, err) && run(c, request, NULL, err);
}

static bool run_rebalance(struct cli *c, GError **err)
{
	g_autoptr(json_t) request = json_pack("{s:s}", "kind", "rebalance");

	return run(c, request, args_all(c->args, "host"), err);
}

static const char rebalance_more[] = "The fewest migrations that bring the hosts close enough to each other. The plan is shown first.\n" PLAN_EXITS;

static const struct command rows[] = {
	{ "rebalance", "", "", 0, 0, run_rebalance, CLI_OPTS(rebalance_opts), CLI_COLS(plan_step_cols), .help = "spread the servers more evenly over the hosts",
	  .more = rebalance_more, .usage_status = PLAN_REFUSED },
};

const struct command_table rebalance_commands = { "rebalance", "spread the servers more evenly over the hosts", rows, G_N_ELEMENTS(rows), .otherwise = "",
						  .alone = true };
