/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_power.h"

#include <string.h>

#include "client.h"
#include "find.h"
#include "follow.h"
#include "reason.h"

#define LOCK_REASON_MV 73
#define EVACUATE_MV 14 /* from there on it is not said whether the storage is shared */

const struct opt power_opts[1] = { { "wait", 0, NULL, "wait until it is done" } };
const struct opt power_reboot_opts[2] = { { "hard", 0, NULL, "do not ask the guest" }, { "wait", 0, NULL, "wait until it is done" } };
const struct opt power_evacuate_opts[1] = { { "host", 0, "HOST", "the host that it starts on; without it the scheduler chooses" } };
const struct opt power_lock_opts[1] = { { "reason", 0, "TEXT", "why, for those that are refused" } };

static const struct power {
	const char *command, *action; /* the API's word */
	const char *status;           /* of the server when it is done; NULL: it is done when it is answered */
	const char *asked, *not_done; /* what is said ... */
	const char *of;               /* ... of this, and the server's name; NULL: of the server */
} powers[] = {
	{ "start",   "os-start", "ACTIVE",    "is started",   "is not started" },
	{ "stop",    "os-stop",  "SHUTOFF",   "is stopped",   "is not stopped" },
	{ "reboot",  "reboot",   "ACTIVE",    "is rebooted",  "is not rebooted" },
	{ "pause",   "pause",    "PAUSED",    "is paused",    "is not paused" },
	{ "unpause", "unpause",  "ACTIVE",    "is unpaused",  "is not unpaused" },
	{ "suspend", "suspend",  "SUSPENDED", "is suspended", "is not suspended" },
	{ "resume",  "resume",   "ACTIVE",    "is resumed",   "is not resumed" },
	{ "lock",    "lock",     NULL,        "is locked",    "is not locked" },
	{ "unlock",  "unlock",   NULL,        "is unlocked",  "is not unlocked" },
	{ "evacuate", "evacuate", NULL,      "is asked to be evacuated", "is not evacuated" },
	{ "reset-state", "os-resetState", NULL, "has its state reset", "has its state still" },
	{ "confirm", "confirmResize", NULL,   "is confirmed", "is not confirmed", "the migration of " },
	{ "revert",  "revertResize",  NULL,   "is reverted",  "is not reverted",  "the migration of " },
};

static const struct power *power_of(const struct cli *c)
{
	for (size_t i = 0; i < G_N_ELEMENTS(powers); i++)
		if (strcmp(powers[i].command, c->cmd->name) == 0)
			return &powers[i];
	g_assert_not_reached();
}

/* One server that is asked for something. */
struct asked {
	const struct power *power;
	json_t *server;
	const char *id, *name;  /* borrowed from it */
	char *request_id;
};

static bool find(struct cli *c, struct asked *a, GError **err)
{
	a->power = power_of(c);
	a->server = find_server(c, cli_word(c, 0), err);
	if (!a->server)
		return false;
	a->id = render_str(a->server, "id");
	a->name = render_str(a->server, "name") ? render_str(a->server, "name") : a->id;
	return true;
}

static const char *of(const struct asked *a)
{
	return a->power->of ? a->power->of : "";
}

static void clear(struct asked *a)
{
	json_decref(a->server);
	g_free(a->request_id);
}

/* @value: what the action has in the body; taken */
static bool ask(struct cli *c, struct asked *a, json_t *value, int mv_min, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:o}", a->power->action, value);
	g_autofree char *path = client_path("servers", a->id, "action", NULL);
	struct client_call call = { .method = "POST", .path = path, .mv_min = mv_min, .mv_max = FIND_SERVER_MV, .body = body };

	if (!client_call(c->client, &call, NULL, err)) {
		g_prefix_error(err, "%s%s %s: ", of(a), a->name, a->power->not_done);
		return false;
	}
	a->request_id = g_strdup(client_request_id(c->client));
	return true;
}

/* ---- --wait ---- */

struct stages {
	const struct asked *a;
	char *told; /* the last one; owned */
};

/* Tells a stage once. Return: the server has no task. */
static bool tell_stage(const json_t *body, void *user)
{
	struct stages *st = user;
	const char *task = render_str(body, "server.OS-EXT-STS:task_state");
	g_autofree char *line = task ? g_strdup_printf("%s: %s", st->a->name, task) : NULL, *safe = line ? render_safe(line, false) : NULL;

	if (line && g_strcmp0(line, st->told) != 0) {
		fprintf(stderr, "%s\n", safe);
		g_free(st->told);
		st->told = g_steal_pointer(&line);
	}
	return !task;
}

/* Return: the server once it has no task; NULL with @err. */
static json_t *wait_for_rest(struct cli *c, const struct asked *a, GError **err)
{
	g_autofree char *path = client_path("servers", a->id, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	struct stages st = { .a = a };
	g_autoptr(json_t) body = follow_until(c, &call, tell_stage, &st, a->name, err);

	g_free(st.told);
	return body ? json_incref(json_object_get(body, "server")) : NULL;
}

static bool wait_done(struct cli *c, const struct asked *a, GError **err)
{
	g_autoptr(json_t) server = wait_for_rest(c, a, err);
	const char *status = server ? render_str(server, "status") : NULL;
	g_autofree char *reason = server ? reason_find(c->client, a->id, a->request_id, NULL) : NULL;

	if (!server)
		return false;
	if (!reason && g_strcmp0(status, a->power->status) == 0)
		return true;
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s %s, its status is %s%s%s", a->name, a->power->not_done, status ? status : "unknown",
		    reason ? ": " : "", reason ? reason : "");
	return false;
}

/* ---- the commands ---- */

static void say(const struct asked *a, const char *what)
{
	g_autofree char *name = render_safe(a->name, false);

	printf("%s%s %s\n", of(a), name, what);
}

static bool run(struct cli *c, struct asked *a, json_t *value, int mv_min, bool wait, GError **err)
{
	if (!ask(c, a, value, mv_min, err) || (wait && !wait_done(c, a, err)))
		return false;
	if (wait || !a->power->status) {
		say(a, a->power->asked);
	} else {
		g_autofree char *what = g_strdup_printf("is asked to %s", a->power->command);

		say(a, what);
	}
	return true;
}

static json_t *state_of(const struct cli *c, GError **err)
{
	const char *state = cli_word(c, 1);

	if (strcmp(state, "active") == 0 || strcmp(state, "error") == 0)
		return json_pack("{s:s}", "state", state);
	g_set_error(err, CLI_ERR, CLI_USAGE, "a state is reset to active or error, not to \"%s\"", state);
	return NULL;
}

/* What the action has in the body. @ret_mv: the least microversion for it. Return: owned; NULL with @err */
static json_t *value_of(const struct cli *c, int *ret_mv, GError **err)
{
	const char *name = c->cmd->name, *reason = strcmp(name, "lock") == 0 ? cli_opt(c, "reason") : NULL;

	*ret_mv = reason ? LOCK_REASON_MV : strcmp(name, "evacuate") == 0 ? EVACUATE_MV : 1;
	if (reason)
		return json_pack("{s:s}", "locked_reason", reason);
	if (strcmp(name, "reboot") == 0)
		return json_pack("{s:s}", "type", cli_on(c, "hard") ? "HARD" : "SOFT");
	if (strcmp(name, "evacuate") == 0)
		return json_pack("{s:s*}", "host", cli_opt(c, "host"));
	return strcmp(name, "reset-state") == 0 ? state_of(c, err) : json_null();
}

static bool run_one(struct cli *c, bool wait, GError **err)
{
	struct asked a = { .id = NULL };
	int mv;
	g_autoptr(json_t) value = value_of(c, &mv, err);
	bool ok = value && find(c, &a, err) && run(c, &a, json_incref(value), mv, wait, err);

	clear(&a);
	return ok;
}

bool power_run(struct cli *c, GError **err)
{
	return run_one(c, cli_on(c, "wait"), err);
}

bool power_run_now(struct cli *c, GError **err)
{
	return run_one(c, false, err);
}
