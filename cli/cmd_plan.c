/* SPDX-License-Identifier: Apache-2.0
 *
 * drover plan: the server's plans: host maps, drains, rebalancing.
 */
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli.h"
#include "client.h"
#include "cmd_drain.h"
#include "plan.h"
#include "plan_api.h"
#include "plan_follow.h"
#include "plan_view.h"

#define FILE_MAX (16 * 1024 * 1024)

static const struct opt list_opts[] = {
	{ "kind", 0, "KIND", "map, drain, undrain, bulk or rebalance" },
	{ "state", 0, "STATE", "draft, running, paused, cancelling, done, partly, failed or cancelled" },
	{ "long", 0, NULL, "more columns" },
};
static const struct opt start_opts[] = {
	{ "adapt", 0, NULL, "also if the fleet has changed since: what does not fit any more is planned again, or left out" },
	{ "no-wait", 0, NULL, "do not wait for its end" },
};
static const struct opt cancel_opts[] = {
	{ "abort-running", 0, NULL, "abort the migrations that run; without it they end" },
};
static const struct opt set_opts[] = {
	{ "parallel", 0, "N", "so many migrations at a time" },
	{ "deadline", 0, "SECONDS", "end it so long after its start; 0: never" },
	{ "priority", 0, "N", "of its migrations in the queue, from -1000 to 1000" },
	{ "skip", 0, "STEP", "leave a step out; may be repeated" },
	{ "unskip", 0, "STEP", "do not leave it out after all; may be repeated" },
	{ "to", 0, "STEP=HOST", "another host for a step; may be repeated" },
	{ "before", 0, "STEP=OTHER", "begin a step just before another one" },
	{ "after", 0, "STEP=OTHER", "begin a step just after another one" },
};
static const struct opt apply_opts[] = {
	{ "adapt", 0, NULL, "whatever version of the fleet the file is of" },
	{ "yes", 'y', NULL, "do not ask" },
	{ "dry-run", 0, NULL, "show what would be done, and do nothing" },
	{ "no-wait", 0, NULL, "do not wait for its end" },
};
static const struct opt wait_opts[] = {
	{ "wait", 0, NULL, "wait for its end" },
};

static const struct col show_cols[] = {
	{ "ID",       "id" },
	{ "Kind",     "kind" },
	{ "State",    "state" },
	{ "Why",      "why" },
	{ "Counts",   "counts", .text = plan_counts_text },
	{ "Options",  "options" },
	{ "Fleet Version", "fleet_version" },
	{ "Expected Seconds", "expected_s" },
	{ "Created",  "created_at" },
	{ "Started",  "started_at" },
	{ "Ended",    "ended_at" },
	{ "Steps",    "steps" },
	{ "Cannot",   "cannot" },
	{ "Hosts",    "hosts" },
	{ "Cycles",   "cycles" },
	{ "Spread",   "spread" },
};

/* ---- list, show ---- */

struct collected {
	json_t *plans;
	char *marker; /* of the next page; owned; NULL: there is none */
};

/* A page of the list. Return: false with @err. */
static bool take_page(struct cli *c, struct collected *all, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	g_autofree char *path = NULL;
	g_autoptr(json_t) body = NULL;
	struct client_call call = { .method = "GET", .drovers = "plans" };
	json_t *plans;

	client_query(query, "kind", cli_opt(c, "kind"));
	client_query(query, "state", cli_opt(c, "state"));
	client_query(query, "marker", all->marker);
	call.path = path = g_strconcat("/drover/v1/plans", query->len ? "?" : "", query->str, NULL);
	g_clear_pointer(&all->marker, g_free);
	if (!client_call(c->client, &call, &body, err))
		return false;
	plans = json_object_get(body, "plans");
	json_array_extend(all->plans, plans);
	if (json_array_size(json_object_get(body, "plans_links")) > 0 && json_array_size(plans) > 0)
		all->marker = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(json_array_get(plans, json_array_size(plans) - 1), "id")));
	return true;
}

static bool run_list(struct cli *c, GError **err)
{
	g_autoptr(json_t) plans = json_array();
	struct collected all = { .plans = plans };
	int pages = 0;

	if (!cli_client(c, err))
		return false;
	do {
		if (!take_page(c, &all, err))
			return false;
	} while (all.marker && ++pages < CLIENT_PAGES_MAX);
	g_free(all.marker);
	return cli_print_list(c, plans, err);
}

static bool read_id(const struct cli *c, int64_t *ret, GError **err)
{
	if (util_parse_int(cli_word(c, 0), 1, G_MAXINT64, ret))
		return true;
	g_set_error(err, CLI_ERR, CLI_USAGE, "\"%s\" is not a plan: give its number; see: drover plan list", cli_word(c, 0));
	return false;
}

static bool run_show(struct cli *c, GError **err)
{
	int64_t id;
	g_autoptr(json_t) plan = read_id(c, &id, err) ? plan_get(c, id, err) : NULL;
	g_autofree char *counts = plan_counts_text(json_object_get(plan, "counts"));

	if (!plan)
		return false;
	if (c->format != RENDER_TABLE || args_all(c->args, "column"))
		return cli_print_one(c, plan, err);
	plan_say(c, "plan %" G_GINT64_FORMAT ": %s, %s%s%s%s%s\n", id, plan_str(plan, "kind"), plan_str(plan, "state"), render_str(plan, "why") ? ": " : "",
		 render_str(plan, "why") ? render_str(plan, "why") : "", counts ? ": " : "", counts ? counts : "");
	plan_put(c, plan);
	return true;
}

/* ---- acts ---- */

static bool follow(struct cli *c, int64_t id, GError **err)
{
	g_autoptr(json_t) ended = plan_follow(c, id, 0, err);

	return ended && plan_conclude(c, ended, err);
}

static bool say_state(struct cli *c, const json_t *plan)
{
	plan_say(c, "plan %" JSON_INTEGER_FORMAT " is %s\n", json_integer_value(json_object_get(plan, "id")), plan_str(plan, "state"));
	return true;
}

/* @wait: for its end */
static bool act(struct cli *c, const char *action, json_t *args, bool wait, GError **err)
{
	int64_t id;
	g_autoptr(json_t) plan = NULL;

	if (!read_id(c, &id, err))
		return false;
	plan = plan_act(c, id, action, args, err);
	if (!plan) {
		c->failed_status = err && g_error_matches(*err, CLI_HTTP, 409) ? PLAN_REFUSED : PLAN_FAILED;
		return false;
	}
	return wait ? follow(c, id, err) : say_state(c, plan);
}

static bool run_start(struct cli *c, GError **err)
{
	g_autoptr(json_t) args = json_pack("{s:b}", "adapt", cli_on(c, "adapt"));

	return act(c, "start", args, !cli_on(c, "no-wait"), err);
}

static bool run_pause(struct cli *c, GError **err)
{
	return act(c, "pause", NULL, false, err);
}

static bool run_resume(struct cli *c, GError **err)
{
	return act(c, "resume", NULL, cli_on(c, "wait"), err);
}

static bool run_cancel(struct cli *c, GError **err)
{
	g_autoptr(json_t) args = json_pack("{s:b}", "abort_running", cli_on(c, "abort-running"));

	return act(c, "cancel", args, false, err);
}

static bool run_wait(struct cli *c, GError **err)
{
	int64_t id;

	return read_id(c, &id, err) && cli_client(c, err) && follow(c, id, err);
}

static bool run_delete(struct cli *c, GError **err)
{
	int64_t id;

	return read_id(c, &id, err) && plan_change(c, id, NULL, err);
}

/* ---- set ---- */

static bool add_number(const struct cli *c, json_t *changes, const char *opt, GError **err)
{
	int64_t n;

	if (!cli_opt(c, opt))
		return true;
	if (!util_parse_int(cli_opt(c, opt), -1000, 2592000, &n)) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is a number, not \"%s\"", opt, cli_opt(c, opt));
		return false;
	}
	json_object_set_new(changes, opt, json_integer(n));
	return true;
}

static bool add_skipped(const struct cli *c, json_t *steps, const char *opt, bool skip, GError **err)
{
	const GPtrArray *all = args_all(c->args, opt);
	int64_t n;

	for (guint i = 0; all && i < all->len; i++) {
		if (!util_parse_int(all->pdata[i], 1, G_MAXINT, &n)) {
			g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is a step's number, not \"%s\"", opt, (const char *)all->pdata[i]);
			return false;
		}
		json_array_append_new(steps, json_pack("{s:I, s:b}", "n", (json_int_t)n, "skip", skip));
	}
	return true;
}

static bool add_hosts(const struct cli *c, json_t *steps, GError **err)
{
	const GPtrArray *all = args_all(c->args, "to");
	int64_t n;

	for (guint i = 0; all && i < all->len; i++) {
		g_auto(GStrv) parts = g_strsplit(all->pdata[i], "=", 2);

		if (!parts[0] || !parts[1] || !*parts[1] || !util_parse_int(parts[0], 1, G_MAXINT, &n)) {
			g_set_error(err, CLI_ERR, CLI_USAGE, "--to is STEP=HOST, not \"%s\"", (const char *)all->pdata[i]);
			return false;
		}
		json_array_append_new(steps, json_pack("{s:I, s:s}", "n", (json_int_t)n, "to", parts[1]));
	}
	return true;
}

/* @opt: "before" or "after", which is the field, too */
static bool add_move(const struct cli *c, json_t *steps, const char *opt, GError **err)
{
	g_auto(GStrv) parts = g_strsplit(cli_opt(c, opt) ? cli_opt(c, opt) : "", "=", 2);
	int64_t n, other;

	if (!cli_opt(c, opt))
		return true;
	if (!parts[0] || !parts[1] || !util_parse_int(parts[0], 1, G_MAXINT, &n) || !util_parse_int(parts[1], 1, G_MAXINT, &other)) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--%s is STEP=OTHER, two steps' numbers, not \"%s\"", opt, cli_opt(c, opt));
		return false;
	}
	json_array_append_new(steps, json_pack("{s:I, s:I}", "n", (json_int_t)n, opt, (json_int_t)other));
	return true;
}

static bool add_steps(const struct cli *c, json_t *steps, GError **err)
{
	return add_skipped(c, steps, "skip", true, err) && add_skipped(c, steps, "unskip", false, err) && add_hosts(c, steps, err) &&
	       add_move(c, steps, "before", err) && add_move(c, steps, "after", err);
}

static bool run_set(struct cli *c, GError **err)
{
	g_autoptr(json_t) changes = json_object(), steps = json_array();
	int64_t id;

	if (!read_id(c, &id, err) || !add_number(c, changes, "parallel", err) || !add_number(c, changes, "deadline", err) ||
	    !add_number(c, changes, "priority", err) || !add_steps(c, steps, err))
		return false;
	if (json_array_size(steps))
		json_object_set(changes, "steps", steps);
	if (json_object_size(changes) > 0)
		return plan_change(c, id, changes, err);
	g_set_error(err, CLI_ERR, CLI_USAGE, "nothing to set");
	return false;
}

/* ---- apply, diff ---- */

/* The request in a file: {"plan": {...}} or what is in it. Return: owned; NULL with @err. */
static json_t *read_request(struct cli *c, GError **err)
{
	const char *file = cli_word(c, 0);
	g_autofree char *text = NULL;
	g_autoptr(json_t) root = NULL;
	json_error_t e;
	gsize len;

	c->failed_status = PLAN_REFUSED;
	if (!g_file_get_contents(file, &text, &len, err))
		return NULL;
	root = len <= FILE_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &e) : NULL;
	if (!root) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s:%d:%d: not JSON: %s", file, len <= FILE_MAX ? e.line : 1, len <= FILE_MAX ? e.column : 1,
			    len <= FILE_MAX ? e.text : "it is too large");
		return NULL;
	}
	if (json_is_object(json_object_get(root, "plan")))
		return json_incref(json_object_get(root, "plan"));
	if (render_str(root, "kind"))
		return g_steal_pointer(&root);
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s is not a plan: it has no \"kind\"; a host map is for: drover host-map apply %s", file, file);
	return NULL;
}

static bool apply(struct cli *c, const struct plan_how *how, bool adapt, GError **err)
{
	g_autoptr(json_t) request = read_request(c, err);

	if (!request)
		return false;
	if (adapt)
		json_object_del(request, "fleet_version");
	return plan_run(c, request, how, NULL, err);
}

static bool run_apply(struct cli *c, GError **err)
{
	struct plan_how how = { .dry_run = cli_on(c, "dry-run"), .yes = cli_on(c, "yes"), .no_wait = cli_on(c, "no-wait") };

	return apply(c, &how, cli_on(c, "adapt"), err);
}

static bool run_diff(struct cli *c, GError **err)
{
	struct plan_how how = { .dry_run = true };

	return apply(c, &how, true, err);
}

/* ---- the table ---- */

static const char apply_more[] =
	"FILE is {\"plan\": {\"kind\": \"map\", \"drain\", \"undrain\", \"bulk\" or \"rebalance\", ...}}, as POST /drover/v1/plans takes it. A file\n"
	"with a \"fleet_version\" is refused when the fleet is another one by now, but for --adapt.\n" PLAN_EXITS;
static const char wait_more[] = "Ctrl-C ends the wait; the plan goes on.\n" PLAN_EXITS;

#define REFUSES .usage_status = PLAN_REFUSED

static const struct command rows[] = {
	{ "plan", "list", "", 0, 0, run_list, CLI_OPTS(list_opts), CLI_COLS(plan_cols), .help = "list plans, newest first", .watch = true },
	{ "plan", "show", "PLAN", 1, 1, run_show, CLI_COLS(show_cols), .help = "show a plan: its steps, what cannot move and why, the hosts", .watch = true },
	{ "plan", "bulk", "SERVER...", 1, BULK_SERVERS_MAX, drain_run_bulk, CLI_OPTS(bulk_opts), CLI_COLS(plan_step_cols),
	  .help = "migrate several servers, each where it fits best", .more = BULK_MORE PLAN_EXITS, REFUSES },
	{ "plan", "start", "PLAN", 1, 1, run_start, CLI_OPTS(start_opts), .help = "start a draft, and wait for its end", .more = wait_more, REFUSES },
	{ "plan", "pause", "PLAN", 1, 1, run_pause, .help = "begin no more of it; what runs ends" },
	{ "plan", "resume", "PLAN", 1, 1, run_resume, CLI_OPTS(wait_opts), .help = "go on with a plan that is paused" },
	{ "plan", "cancel", "PLAN", 1, 1, run_cancel, CLI_OPTS(cancel_opts), .help = "end a plan before its end" },
	{ "plan", "wait", "PLAN", 1, 1, run_wait, .help = "wait for the end of a plan", .more = wait_more, REFUSES },
	{ "plan", "set", "PLAN", 1, 1, run_set, CLI_OPTS(set_opts), .help = "change a draft" },
	{ "plan", "delete", "PLAN", 1, 1, run_delete, .help = "forget a plan that does not run" },
	{ "plan", "apply", "FILE", 1, 1, run_apply, CLI_OPTS(apply_opts), CLI_COLS(plan_step_cols), .help = "make the plan of a file, and do it", .more = apply_more,
	  REFUSES },
	{ "plan", "diff", "FILE", 1, 1, run_diff, CLI_COLS(plan_step_cols), .help = "show what the plan of a file would do", .more = apply_more, REFUSES },
};

const struct command_table plan_commands = { "plan", "see, start and stop plans of migrations", rows, G_N_ELEMENTS(rows) };
