/* SPDX-License-Identifier: Apache-2.0
 *
 * server_actions: POST /servers/{id}/action.
 *
 * The member's name in the body chooses a row of the table, or an action of a kind
 * of tasks (task/kind.h); a name without a row is, as for Nova, no action at all. Checks run in Nova's order: the body,
 * the server, the policy, then the engine's.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/compute/console_log.h"
#include "api/compute/consoles.h"
#include "api/http/policy.h"
#include "api/http/view.h"
#include "base/body.h"
#include "base/err.h"
#include "task/request.h"

/* ---- what kinds of tasks have ---- */

/* A request that is being answered. */
struct asked {
	struct api_req *r;
	GString *body; /* of the answer if it is accepted; NULL: none */
};

static void task_done(int64_t id, const GError *err, void *user)
{
	struct asked *a = user;
	struct api_req *r = a->r;
	GString *body = a->body;

	(void)id;
	g_free(a);
	if (err && body)
		g_string_free(body, TRUE);
	if (err)
		api_fail(r, g_error_copy(err));
	else if (body)
		api_reply_json(r, api_task_status(r), body);
	else
		api_reply_empty(r, api_task_status(r));
}

/* Return: owned; NULL: none. */
static GString *reply_body(const struct api_req *r, const struct task_request *q)
{
	GString *s = q->action->reply ? g_string_new(NULL) : NULL;
	struct jout o;

	if (!s)
		return NULL;
	jout_init(&o, s, r->mv);
	if (q->action->reply(q, r->mv, &o))
		return s;
	g_string_free(s, TRUE);
	return NULL;
}

/* @q: as its body said */
static void begin(struct api_req *r, struct task_request *q)
{
	struct asked *a;
	GError *err = NULL;

	q->server = view_server(r, r->param[0]);
	if (!q->server)
		return;
	q->who = api_requester(r);
	if (q->action->complete && !q->action->complete(q, api_fleet(r), r->mv, &err)) {
		api_fail(r, err);
		return;
	}
	a = g_new(struct asked, 1);
	*a = (struct asked){ r, reply_body(r, q) };
	request_begin(api_engine(r), q, task_done, a);
}

/* @to: what the fields are read into */
static bool read_value(struct api_req *r, const struct task_action *a, const json_t *value, void *to, GError **err)
{
	if (r->mv < a->value_since || (a->takes_null && json_is_null(value)))
		return true;
	if (a->n_fields > 0)
		return api_decode_action(r, value, to, err);
	if (a->takes_null)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It is not of type 'null'", a->name);
	return !a->takes_null;
}

static void ask_task(struct api_req *r, const struct task_kind *k, const struct task_action *a, const json_t *value)
{
	g_autofree void *own = k->own_size ? g_malloc0(k->own_size) : NULL;
	struct task_request q = { .kind = k, .action = a, .own = own };
	void *to = a->fields_of_own ? own : &q;
	GError *err = NULL;

	if (!read_value(r, a, value, to, &err))
		api_fail(r, err);
	else
		begin(r, &q);
	if (a->n_fields > 0)
		json_free(a->fields, a->n_fields, to);
}

/* ---- lock, unlock ---- */

struct lock {
	char *reason;
};

static const struct json_field lock_fields[] = {
	{ "locked_reason", JSON_STR, offsetof(struct lock, reason), .min = 1, .max = 255, .since = 73 },
};
static const struct api_body lock_body = { .fields = lock_fields, .n = G_N_ELEMENTS(lock_fields) };

static void lock(struct api_req *r, const json_t *value)
{
	struct requester who = api_requester(r);
	struct lock l = { .reason = NULL };
	struct server *s;
	GError *err = NULL;

	/* up to 2.72 any value is taken, and from then on null */
	if (r->mv >= 73 && !json_is_null(value) && !api_decode_action(r, value, &l, &err)) {
		api_fail(r, err);
		return;
	}
	s = view_server(r, r->param[0]);
	if (s && fleet_server_lock(api_fleet(r), s, l.reason, &who, &err))
		api_reply_empty(r, 202);
	else if (s)
		api_fail(r, err);
	json_free(lock_fields, G_N_ELEMENTS(lock_fields), &l);
}

static void unlock(struct api_req *r, const json_t *value)
{
	static const char override[] = "os_compute_api:os-lock-server:unlock:unlock_override";
	struct requester who = api_requester(r);
	struct server *s = view_server(r, r->param[0]);
	GError *err = NULL;

	(void)value;
	if (!s)
		return;
	if (!server_lock_is_of(s, &who) && !policy_allows(policy_find(override), r->auth))
		api_forbid(r, override);
	else if (fleet_server_unlock(api_fleet(r), s, &who, &err))
		api_reply_empty(r, 202);
	else
		api_fail(r, err);
}

/* ---- os-resetState ---- */

static bool take_state(const json_t *v, void *obj, const char *where, GError **err)
{
	const char *state = json_string_value(v);
	g_autofree char *shown = NULL;

	if (g_strcmp0(state, "active") == 0 || g_strcmp0(state, "error") == 0) {
		*(enum server_vm *)obj = state[0] == 'a' ? SERVER_ACTIVE : SERVER_ERROR;
		return true;
	}
	shown = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %.120s. %.120s is not one of ['active', 'error']",
		    body_leaf(where), shown, shown);
	return false;
}

static const struct json_field reset_fields[] = {
	{ "state", JSON_EMIT, .take = take_state, .form = "\"active\", \"error\"", .required = true },
};
static const struct api_body reset_body = { .fields = reset_fields, .n = G_N_ELEMENTS(reset_fields) };

static void reset_state(struct api_req *r, const json_t *value)
{
	enum server_vm vm = SERVER_ACTIVE;
	struct requester who = api_requester(r);
	struct server *s = view_action_server(r, value, &vm);
	GError *err = NULL;

	if (!s)
		return;
	if (fleet_server_reset(api_fleet(r), s, vm, &who, &err))
		api_reply_empty(r, 202);
	else
		api_fail(r, err);
}

/* ---- the table ---- */

static const struct api_action actions[] = {
	{ "os-getConsoleOutput", "os_compute_api:os-console-output",         console_log_get, .body = &console_log_body },
	{ "os-getSerialConsole", "os_compute_api:os-remote-consoles",        console_get_serial, .until = 5, .body = &console_type_body },
	{ "os-getVNCConsole", "os_compute_api:os-remote-consoles",           console_get_vnc, .until = 5, .body = &console_type_body },
	{ "os-resetState",  "os_compute_api:os-admin-actions:reset_state",   reset_state, .body = &reset_body },
	{ "lock",           "os_compute_api:os-lock-server:lock",            lock, .body = &lock_body },
	{ "unlock",         "os_compute_api:os-lock-server:unlock",          unlock },
};

static const struct route routes[] = {
	{ "POST", "/v2.1/servers/{id}/action", .actions = actions, .n_actions = G_N_ELEMENTS(actions),
	  .task = ask_task },
};
const struct route_table server_actions_routes = { routes, G_N_ELEMENTS(routes) };
