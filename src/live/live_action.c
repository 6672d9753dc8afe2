/* SPDX-License-Identifier: Apache-2.0 */
#include "live/live_action.h"

#include <string.h>

#include "base/body.h"
#include "base/err.h"
#include "task/request.h"

static bool take_host(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_host(v, where, "'string', 'null'", &((struct task_request *)obj)->host, err);
}

static bool take_block(const json_t *v, void *obj, const char *where, GError **err)
{
	struct task_request *q = obj;
	bool block;

	if (!body_take_bool(v, where, &block, err))
		return false;
	q->block = block ? MIG_BLOCK_YES : MIG_BLOCK_NO;
	return true;
}

static bool take_block_auto(const json_t *v, void *obj, const char *where, GError **err)
{
	if (!json_is_string(v) || strcmp(json_string_value(v), "auto") != 0)
		return take_block(v, obj, where, err);
	((struct task_request *)obj)->block = MIG_BLOCK_AUTO;
	return true;
}

static bool take_over_commit(const json_t *v, void *obj, const char *where, GError **err)
{
	bool over_commit;

	if (!body_take_bool(v, where, &over_commit, err))
		return false;
	((struct task_request *)obj)->disk_check = over_commit ? MIG_DISK_ALLOCATED : MIG_DISK_VIRTUAL;
	return true;
}

static bool take_force(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_bool(v, where, &((struct task_request *)obj)->force, err);
}

static const struct json_field live_fields[] = {
	{ "host",             JSON_EMIT, .take = take_host, .form = "a host's name", .required = true, .nullable = true },
	{ "block_migration",  JSON_EMIT, .take = take_block, .form = BODY_BOOL, .required = true, .until = 24 },
	{ "block_migration",  JSON_EMIT, .take = take_block_auto, .form = BODY_BOOL ", \"auto\"", .required = true, .since = 25 },
	{ "disk_over_commit", JSON_EMIT, .take = take_over_commit, .form = BODY_BOOL, .required = true, .until = 24 },
	{ "force",            JSON_EMIT, .take = take_force, .form = BODY_BOOL, .since = 30, .until = 67 },
};

/* Up to 2.29 a host that was named is taken without asking the scheduler; up to 2.33 the answer waits for the prechecks. */
static bool complete(struct task_request *q, const struct fleet *f, int mv, GError **err)
{
	(void)f;
	if (q->force && !q->host) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Can't force to a non-provided destination");
		return false;
	}
	if (mv < 30)
		q->force = q->host != NULL;
	q->wait_checks = mv < 34;
	return true;
}

const struct task_action live_actions[LIVE_ACTIONS_N] = {
	{ .name = "os-migrateLive", .action = "live-migration", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_PAUSED),
	  .rule = "os_compute_api:os-migrate-server:migrate_live", .fields = live_fields, .n_fields = G_N_ELEMENTS(live_fields), .complete = complete },
};
