/* SPDX-License-Identifier: Apache-2.0 */
#include "reason.h"

#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "render.h"

#define ACTIONS_MV 84
#define CLOCK_SLACK_US (2 * G_USEC_PER_SEC) /* the action's row and the migration's may come from two machines */

static const char *const migration_actions[] = { "live-migration", "migrate", "resize", "evacuate" };

static bool is_migration(const char *action)
{
	for (size_t i = 0; action && i < G_N_ELEMENTS(migration_actions); i++)
		if (strcmp(action, migration_actions[i]) == 0)
			return true;
	return false;
}

const char *reason_pick_action(const json_t *actions, int64_t before_us)
{
	const char *found = NULL;
	int64_t found_us = INT64_MIN, us;
	const json_t *a;
	size_t i;

	json_array_foreach(actions, i, a) {
		const char *start = render_str(a, "start_time"), *id = render_str(a, "request_id");

		if (id && start && is_migration(render_str(a, "action")) && util_time_parse(start, &us)
		    && us <= before_us && us > found_us) {
			found = id;
			found_us = us;
		}
	}
	return found;
}

/* A Python traceback ends in the line that says it. */
static char *last_line(const char *traceback)
{
	g_autofree char *text = g_strchomp(g_strdup(traceback));
	const char *line = strrchr(text, '\n');

	return render_safe(line ? line + 1 : text, false);
}

char *reason_of_action(const json_t *action)
{
	const json_t *e;
	size_t i;

	json_array_foreach(render_get(action, "events"), i, e) {
		const char *result = render_str(e, "result"), *details = render_str(e, "details"), *trace = render_str(e, "traceback");

		if (!result || strcmp(result, "Error") != 0)
			continue;
		if (details && *details)
			return render_safe(details, true);
		if (trace && *trace)
			return last_line(trace);
	}
	/* Nova's own message is just this word */
	if (render_str(action, "message") && strcmp(render_str(action, "message"), "Error") != 0)
		return render_safe(render_str(action, "message"), true);
	return NULL;
}

static json_t *get(struct client *c, const char *path, int mv_max)
{
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = mv_max };
	json_t *body = NULL;

	/* a reason is an extra: without the right to read it, or without such an action, there is none */
	(void)client_call(c, &call, &body, NULL);
	return body;
}

static char *find_action(struct client *c, const char *server_id, const char *created_at)
{
	g_autofree char *path = client_path("servers", server_id, "os-instance-actions", NULL);
	g_autoptr(json_t) body = get(c, path, ACTIONS_MV);
	int64_t created_us;

	if (created_at && util_time_parse(created_at, &created_us))
		created_us += CLOCK_SLACK_US;
	else
		created_us = INT64_MAX;
	return g_strdup(reason_pick_action(render_get(body, "instanceActions"), created_us));
}

static char *fault_of_server(struct client *c, const char *server_id)
{
	g_autofree char *path = client_path("servers", server_id, NULL);
	g_autoptr(json_t) body = get(c, path, ACTIONS_MV);
	const char *message = render_str(body, "server.fault.message");

	return message && *message ? render_safe(message, true) : NULL;
}

char *reason_find(struct client *c, const char *server_id, const char *request_id, const char *created_at)
{
	g_autofree char *id = request_id ? g_strdup(request_id) : find_action(c, server_id, created_at);
	char *reason = NULL;

	if (id) {
		g_autofree char *path = client_path("servers", server_id, "os-instance-actions", id, NULL);
		g_autoptr(json_t) body = get(c, path, ACTIONS_MV);

		reason = reason_of_action(render_get(body, "instanceAction"));
	}
	return reason ? reason : fault_of_server(c, server_id);
}
