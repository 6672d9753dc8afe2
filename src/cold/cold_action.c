/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/cold_action.h"

#include "base/body.h"
#include "base/err.h"
#include "base/json.h"
#include "fleet/registry.h"
#include "task/request.h"

static bool take_host(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_host(v, where, "'string'", &((struct task_request *)obj)->host, err);
}

static const struct json_field migrate_fields[] = {
	{ "host", JSON_EMIT, .take = take_host, .form = "a host's name", .since = 56 },
};

/* What Nova looks at when the server's states allow it. */
static bool complete_migrate(struct task_request *q, const struct fleet *f, int mv, GError **err)
{
	const struct server *s = q->server;
	const struct host *source = s->host ? fleet_host(f, s->host) : NULL;

	(void)mv;
	q->block = MIG_BLOCK_AUTO;
	if (s->task != SERVER_TASK_NONE || !(q->action->vm & TASK_VM_BIT(s->vm)))
		return true; /* the engine refuses it */
	if (q->host && g_strcmp0(q->host, s->host) == 0) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Cannot migrate to the host where the server exists.");
		return false;
	}
	if (source && !host_is_up(f, source)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Service is unavailable at this time.");
		return false;
	}
	return true;
}

#define NOT_RESIZED "Instance has not been resized."

const struct task_action cold_actions[COLD_ACTION_N] = {
	/* up to 2.55 the value may be anything; from then on it names the host, or is null */
	[COLD_MIGRATE] = {
		.name = "migrate", .action = "migrate", .event = "cold_migrate", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_STOPPED),
		.rule = "os_compute_api:os-migrate-server:migrate", .fields = migrate_fields, .n_fields = G_N_ELEMENTS(migrate_fields),
		.value_since = 56, .takes_null = true, .complete = complete_migrate,
	},
	[COLD_CONFIRM_RESIZE] = {
		.name = "confirmResize", .action = "confirmResize", .vm = TASK_VM_BIT(SERVER_RESIZED), .from = 1u << COLD_P_VERIFY, .to = COLD_P_CONFIRM,
		.none = NOT_RESIZED, .rule = "os_compute_api:servers:confirm_resize", .takes_null = true, .status = 204,
	},
	[COLD_REVERT_RESIZE] = {
		.name = "revertResize", .action = "revertResize", .vm = TASK_VM_BIT(SERVER_RESIZED), .from = 1u << COLD_P_VERIFY, .to = COLD_P_REVERT,
		.none = NOT_RESIZED, .rule = "os_compute_api:servers:revert_resize", .takes_null = true,
	},
};
