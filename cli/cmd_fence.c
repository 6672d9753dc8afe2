/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_fence.h"

#include "client.h"
#include "find.h"
#include "follow.h"

const struct opt fence_opts[3] = {
	{ "force", 0, NULL, "also if the host is up" },
	{ "reason", 0, "TEXT", "why, for the log and the host's record" },
	{ "no-wait", 0, NULL, "do not wait until it is off" },
};
const struct opt fence_undo_opts[1] = { { "no-wait", 0, NULL, "do not wait until it is on" } };
const struct col fence_power_cols[3] = { { "Host", "host" }, { "Power", "state" }, { "Reason", "reason" } };

/* @what: "fence"; NULL: its record. Return: owned by the caller */
static char *path_of(const char *host, const char *what)
{
	g_autofree char *segments = client_path(host, what, NULL);

	return g_strconcat("/drover/v1/hosts", segments, NULL);
}

/* Return: the answer, owned; NULL with @err. */
static json_t *call_host(struct cli *c, const char *method, const char *host, const char *what, json_t *body, GError **err)
{
	g_autofree char *path = path_of(host, what);
	struct client_call call = { .method = method, .path = path, .drovers = "fencing", .body = body };
	json_t *answer = NULL;

	if (!cli_client(c, err) || !client_call(c->client, &call, &answer, err))
		return NULL;
	return answer;
}

static bool no_agent_works(const json_t *body, void *unused)
{
	(void)unused;
	return !json_is_true(render_get(body, "host.fencing"));
}

/* Polls while an agent is at work. Return: the record then, owned; NULL with @err. */
static json_t *wait_for_end(struct cli *c, const char *host, GError **err)
{
	g_autofree char *path = path_of(host, NULL), *what = g_strdup_printf("the fence agent of %s", host);
	struct client_call call = { .method = "GET", .path = path, .drovers = "fencing" };

	return follow_until(c, &call, no_agent_works, NULL, what, err);
}

static void say(const char *host, const char *what)
{
	g_autofree char *safe = render_safe(host, false);

	printf("%s %s\n", safe, what);
}

static bool not_so(const char *host, const char *what, const json_t *body, GError **err)
{
	const char *reason = render_str(body, "host.fence_reason");

	g_set_error(err, CLI_ERR, CLI_FAILED, "%s %s%s%s", host, what, reason ? ": " : "", reason ? reason : "");
	return false;
}

bool fence_run(struct cli *c, GError **err)
{
	const char *host = cli_word(c, 0);
	g_autoptr(json_t) body = json_pack("{s:{s:b, s:s*}}", "fence", "force", cli_on(c, "force"), "reason", cli_opt(c, "reason"));
	g_autoptr(json_t) asked = call_host(c, "POST", host, "fence", body, err), ended = NULL;

	if (!asked)
		return false;
	if (cli_on(c, "no-wait")) {
		say(host, "is being fenced");
		return true;
	}
	ended = wait_for_end(c, host, err);
	if (!ended)
		return false;
	if (!render_str(ended, "host.fenced_at"))
		return not_so(host, "is not fenced", ended, err);
	say(host, "is fenced");
	return true;
}

bool fence_run_undo(struct cli *c, GError **err)
{
	const char *host = cli_word(c, 0);
	g_autoptr(json_t) asked = call_host(c, "POST", host, "unfence", NULL, err), ended = NULL;

	if (!asked)
		return false;
	if (cli_on(c, "no-wait")) {
		say(host, "is being switched on");
		return true;
	}
	ended = wait_for_end(c, host, err);
	if (!ended)
		return false;
	if (render_str(ended, "host.fence_reason"))
		return not_so(host, "is not switched on", ended, err);
	say(host, "is switched on");
	return true;
}

bool fence_run_power(struct cli *c, GError **err)
{
	const char *host = cli_word(c, 0);
	g_autoptr(json_t) answer = call_host(c, "GET", host, "power", NULL, err), row = NULL;

	if (!answer)
		return false;
	row = json_pack("{s:s, s:O?, s:O?}", "host", host, "state", render_get(answer, "power.state"), "reason", render_get(answer, "power.reason"));
	return cli_print_one(c, row, err);
}
