/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/evac_action.h"

#include <sys/random.h>

#include "base/body.h"
#include "base/err.h"
#include "base/json.h"
#include "evacuate/source.h"
#include "evacuate/state.h"
#include "task/request.h"

#define OFF_SINCE 95    /* the server ends stopped */
#define FORCE_SINCE 29  /* before, a host that is named is taken past the scheduler */
#define PASSWORD_BYTES 9 /* twelve letters */
#define SHARED_UNTIL 13 /* the answer has the password; the client says whether the disks are shared */

static bool take_host(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_host(v, where, "'string'", &((struct task_request *)obj)->host, err);
}

/* Shared disks: nothing is to be made at the destination. */
static bool take_shared(const json_t *v, void *obj, const char *where, GError **err)
{
	bool shared;

	if (!body_take_bool(v, where, &shared, err))
		return false;
	((struct task_request *)obj)->block = shared ? MIG_BLOCK_NO : MIG_BLOCK_YES;
	return true;
}

static bool take_password(const json_t *v, void *obj, const char *where, GError **err)
{
	if (json_is_string(v)) {
		((struct task_request *)obj)->password = json_string_value(v);
		return true;
	}
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It is not of type 'string'", body_leaf(where));
	return false;
}

static bool take_force(const json_t *v, void *obj, const char *where, GError **err)
{
	return body_take_bool(v, where, &((struct task_request *)obj)->force, err);
}

static const struct json_field fields[] = {
	{ "host",            JSON_EMIT, .take = take_host, .form = "a host's name" },
	{ "onSharedStorage", JSON_EMIT, .take = take_shared, .form = BODY_BOOL, .required = true, .until = SHARED_UNTIL },
	{ "adminPass",       JSON_EMIT, .take = take_password, .form = "a password", .until = OFF_SINCE - 1 },
	{ "force",           JSON_EMIT, .take = take_force, .form = BODY_BOOL, .since = FORCE_SINCE, .until = 67 },
};

static bool host_ok(const struct task_request *q, const struct fleet *f, GError **err)
{
	if (q->host && !fleet_host(f, q->host))
		g_set_error(err, ERR, ERR_NOT_FOUND, "Compute host %s not found.", q->host);
	else if (q->host && g_strcmp0(q->host, q->server->host) == 0)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The target host can't be the same one.");
	else if (q->force && !q->host)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Can't force to a non-provided destination");
	else
		return true;
	return false;
}

static bool password_ok(const struct task_request *q, GError **err)
{
	if (!q->password || q->block != MIG_BLOCK_NO)
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "admin password can't be changed on existing disk");
	return false;
}

/* In Nova's order: its server's states are looked at before its host is. */
static bool complete(struct task_request *q, const struct fleet *f, int mv, GError **err)
{
	static const struct evac_own stopped = { .stays_off = true };
	const struct server *s = q->server;

	if (mv > SHARED_UNTIL)
		q->block = MIG_BLOCK_AUTO; /* the client does not say */
	if (!password_ok(q, err) || !host_ok(q, f, err))
		return false;
	if (mv < FORCE_SINCE)
		q->force = q->host != NULL;
	if (mv >= OFF_SINCE)
		q->own = &stopped;
	if (s->task != SERVER_TASK_NONE || !(q->action->vm & TASK_VM_BIT(s->vm)))
		return true; /* the engine refuses it */
	return source_check_server(f, s, s->host ? fleet_host(f, s->host) : NULL, err);
}

/* Nova makes one where none is given, and none for disks that are there. What is in those is not changed. Return: owned; NULL. */
static char *password_of(const struct task_request *q)
{
	uint8_t random[PASSWORD_BYTES];

	if (q->password || q->block == MIG_BLOCK_NO)
		return g_strdup(q->password);
	return getrandom(random, sizeof random, 0) == sizeof random ? g_base64_encode(random, sizeof random) : NULL;
}

static bool reply(const struct task_request *q, int mv, struct jout *o)
{
	g_autofree char *password = NULL;

	if (mv > SHARED_UNTIL)
		return false;
	password = password_of(q);
	jout_open(o, '{');
	jout_kv(o, "adminPass", str, password);
	jout_close(o, '}');
	return true;
}

const struct task_action evac_actions[EVAC_ACTION_N] = {
	[EVAC_EVACUATE] = {
		.name = "evacuate", .action = "evacuate", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_STOPPED) | TASK_VM_BIT(SERVER_ERROR),
		.past_lock = true, .rule = "os_compute_api:os-evacuate", .fields = fields, .n_fields = G_N_ELEMENTS(fields), .status = 200,
		.complete = complete, .reply = reply,
	},
};
