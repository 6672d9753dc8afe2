/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <string.h>

#include "base/json.h"
#include "find.h"
#include "plan_api.h"
#include "plan_follow.h"
#include "plan_view.h"
#include "prompt.h"
#include "wait.h"

/* ---- questions ---- */

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_ALL, ANSWER_QUIT };

static const char *const each_answers[] = { "yes", "no", "all", "quit", NULL }, *const whole_answers[] = { "yes", "no", NULL };

static void ended_by_user(GError **err)
{
	if (wait_interrupted())
		g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
	else
		g_set_error(err, CLI_ERR, CLI_FAILED, "nothing was changed");
}

/* Asks about each step; those with a "no" are left out of the plan. Return: false with @err if nothing is left of it. */
static bool ask_each(struct cli *c, const json_t *plan, GError **err)
{
	const json_t *steps = json_object_get(plan, "steps"), *step;
	g_autoptr(json_t) skipped = json_array(), changes = NULL;
	enum answer answer = ANSWER_YES;
	size_t i;

	json_array_foreach(steps, i, step) {
		g_autofree char *question = g_strdup_printf("migrate %s from %s to %s?", plan_str(step, "server_name"), plan_str(step, "from"), plan_str(step, "to"));
		g_autofree char *safe = render_safe(question, false);
		int got = answer == ANSWER_ALL ? ANSWER_ALL : prompt_ask(safe, each_answers);

		answer = got < 0 ? ANSWER_QUIT : (enum answer)got;
		if (answer == ANSWER_QUIT) {
			ended_by_user(err);
			return false;
		}
		if (answer == ANSWER_NO)
			json_array_append_new(skipped, json_pack("{s:O, s:b}", "n", json_object_get(step, "n"), "skip", 1));
	}
	if (json_array_size(skipped) == json_array_size(steps)) {
		ended_by_user(err);
		return false;
	}
	changes = json_pack("{s:O}", "steps", skipped);
	return json_array_size(skipped) == 0 || plan_change(c, json_integer_value(json_object_get(plan, "id")), changes, err);
}

static bool ask_user(struct cli *c, const json_t *plan, const struct plan_how *how, GError **err)
{
	if (how->yes)
		return true;
	if (how->each)
		return ask_each(c, plan, err);
	if (prompt_ask("start it?", whole_answers) == ANSWER_YES)
		return true;
	ended_by_user(err);
	return false;
}

/* ---- the end ---- */

/* The servers are where the steps have said. Return: how many are not; says which. */
static int verify(struct cli *c, const json_t *plan)
{
	g_autoptr(json_t) servers = find_servers(c, NULL);
	g_autoptr(GHashTable) hosts = g_hash_table_new(g_str_hash, g_str_equal), wanted = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter it;
	void *id, *step;
	const json_t *row;
	int wrong = 0;
	size_t i;

	json_array_foreach(servers, i, row)
		if (render_str(row, "id") && render_str(row, "OS-EXT-SRV-ATTR:host"))
			g_hash_table_insert(hosts, (void *)render_str(row, "id"), (void *)render_str(row, "OS-EXT-SRV-ATTR:host"));
	json_array_foreach(json_object_get(plan, "steps"), i, row)
		if (g_strcmp0(render_str(row, "state"), "done") == 0 && render_str(row, "server_uuid"))
			g_hash_table_insert(wanted, (void *)render_str(row, "server_uuid"), (void *)row); /* the last one of a server counts */
	g_hash_table_iter_init(&it, wanted);
	while (g_hash_table_iter_next(&it, &id, &step)) {
		const char *host = g_hash_table_lookup(hosts, id);

		if (!host || g_strcmp0(host, render_str(step, "to")) == 0)
			continue;
		wrong++;
		plan_say(c, "%s is on %s and not on %s, to which it was migrated\n", plan_str(step, "server_name"), host, plan_str(step, "to"));
	}
	return wrong;
}

static void put_failed(struct cli *c, const json_t *plan)
{
	static const char *const bad[] = { "failed", "left", "skipped", "cancelled" };
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(plan, "steps"), i, step) {
		const char *state = plan_str(step, "state");
		json_int_t migration = json_integer_value(json_object_get(step, "migration"));

		for (size_t b = 0; b < G_N_ELEMENTS(bad); b++)
			if (strcmp(state, bad[b]) == 0)
				plan_say(c, "%s on %s: %s: %s\n", plan_str(step, "server_name"), plan_str(step, "from"), state, plan_str(step, "reason"));
		if (migration && strcmp(state, "failed") == 0)
			plan_say(c, "  see: drover migration events %" JSON_INTEGER_FORMAT "\n", migration);
	}
	plan_put_cannot(c, plan);
}

/* Its user has answered "no" to a step: that change is still pending. */
static bool left_out(const json_t *plan)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(plan, "steps"), i, step)
		if (strcmp(plan_str(step, "state"), "skipped") == 0 && strcmp(plan_str(step, "reason"), "left out") == 0)
			return true;
	return false;
}

bool plan_conclude(struct cli *c, const json_t *plan, GError **err)
{
	g_autofree char *counts = plan_counts_text(json_object_get(plan, "counts"));
	const char *state = plan_str(plan, "state"), *why = render_str(plan, "why");
	json_int_t id = json_integer_value(json_object_get(plan, "id")), done = json_integer_value(render_get(plan, "counts.done"));
	int wrong = c->format == RENDER_TABLE ? verify(c, plan) : 0;
	enum plan_status status;

	if (c->format == RENDER_TABLE)
		put_failed(c, plan);
	else if (!cli_print_list(c, json_object_get(plan, "steps"), err))
		return false;
	if (c->format == RENDER_TABLE)
		plan_say(c, "plan %" JSON_INTEGER_FORMAT " is %s%s%s%s%s\n", id, state, why ? ": " : "", why ? why : "", counts ? ": " : "", counts ? counts : "");
	if (strcmp(state, "done") == 0 && !wrong) {
		c->done_status = left_out(plan) ? PLAN_PENDING : PLAN_DONE;
		return true;
	}
	status = done ? PLAN_PARTLY : PLAN_FAILED;
	c->failed_status = (int)status;
	g_set_error(err, CLI_ERR, CLI_FAILED, status == PLAN_PARTLY ? "not all of it was done" : "nothing of it was done");
	return false;
}

/* ---- all of it ---- */

/* Starts a draft, waits for its end. */
static bool carry_out(struct cli *c, int64_t id, const struct plan_how *how, GError **err)
{
	g_autoptr(json_t) started = plan_act(c, id, "start", NULL, err), ended = NULL;

	if (!started) {
		c->failed_status = PLAN_REFUSED;
		return false;
	}
	if (how->no_wait) {
		plan_say(c, "plan %" G_GINT64_FORMAT " is started; see: drover plan show %" G_GINT64_FORMAT "\n", id, id);
		return true;
	}
	ended = plan_follow(c, id, how->limit_ms, err);
	return ended && plan_conclude(c, ended, err);
}

/* There is nothing that can be done. */
static bool nothing(struct cli *c, const json_t *plan, GError **err)
{
	size_t cannot = json_array_size(json_object_get(plan, "cannot"));

	if (cannot == 0) {
		if (c->format == RENDER_TABLE)
			plan_say(c, "nothing to do\n");
		return true;
	}
	c->failed_status = PLAN_FAILED;
	g_set_error(err, CLI_ERR, CLI_FAILED, "none of %zu servers can move", cannot);
	return false;
}

/* Return: false with @err, or with *@ret_begun false if the draft is to go again. */
static bool run_draft(struct cli *c, const json_t *plan, const struct plan_how *how, bool *ret_begun, GError **err)
{
	if (c->format == RENDER_TABLE)
		plan_put(c, plan);
	else if (how->dry_run && !cli_print_list(c, json_object_get(plan, "steps"), err))
		return false;
	if (json_array_size(json_object_get(plan, "steps")) == 0 && strcmp(plan_str(plan, "kind"), "drain") != 0 && strcmp(plan_str(plan, "kind"), "undrain") != 0)
		return nothing(c, plan, err);
	if (how->dry_run) {
		c->done_status = PLAN_PENDING;
		return true;
	}
	c->failed_status = PLAN_PENDING;
	if (!ask_user(c, plan, how, err))
		return false;
	c->failed_status = PLAN_FAILED;
	*ret_begun = true;
	return carry_out(c, json_integer_value(json_object_get(plan, "id")), how, err);
}

bool plan_run(struct cli *c, json_t *request, const struct plan_how *how, json_t **ret_mistakes, GError **err)
{
	g_autoptr(json_t) plan = NULL;
	bool begun = false, ok;

	if (!cli_client(c, err))
		return false;
	wait_signals(c->client);
	plan = plan_make(c, request, ret_mistakes, err);
	if (!plan) {
		c->failed_status = PLAN_REFUSED;
		return false;
	}
	ok = run_draft(c, plan, how, &begun, err);
	if (!begun) {
		wait_forget(); /* the draft goes whatever has ended this */
		(void)plan_change(c, json_integer_value(json_object_get(plan, "id")), NULL, NULL);
	}
	return ok;
}
