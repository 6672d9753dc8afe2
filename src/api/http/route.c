/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/route.h"

#include <string.h>

#include "api/http/policy.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/http/router.h"
#include "base/err.h"
#include "identity/identity.h"

/* A rule that is not there is our own mistake. */
static void check_kinds(const struct api *a)
{
	for (const struct task_kind *const *k = a->kinds; k && *k; k++)
		for (int i = 0; i < (*k)->n_actions; i++)
			if ((*k)->actions[i].rule && !policy_find((*k)->actions[i].rule))
				g_error("%s: there is no policy %s", (*k)->actions[i].name, (*k)->actions[i].rule);
}

struct api *api_new_parts(const struct api *parts, const struct route_table *const *tables, size_t n)
{
	struct api *a = g_new(struct api, 1);

	*a = *parts;
	check_kinds(a);
	a->router = router_new(tables, n);
	a->stats.seconds.bounds = &metric_call_seconds;
	return a;
}

void api_free_parts(struct api *a)
{
	if (!a)
		return;
	router_free(a->router);
	g_free(a);
}

/* No row for this request: say why as far as it is known. */
static void no_route(struct api_req *r, const struct route_match *m)
{
	g_autofree char *methods = m->path_known ? router_methods(r->api->router, r->path) : NULL;

	if (methods && strcmp(r->method, "OPTIONS") == 0) {
		api_header(r, "Allow", methods);
		api_reply_empty(r, 200);
	} else if (methods && !m->method_known) {
		api_header(r, "Allow", methods);
		api_fail_new(r, ERR_METHOD, "%.32s is not supported for this resource; it has %s.", r->method, methods);
	} else if (methods) {
		api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found at microversion 2.%d.", r->mv);
	} else {
		api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found: this API has no such path.");
	}
}

static bool authenticate(struct api_req *r, GError **err)
{
	if (!r->raw_token) {
		g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
		return false;
	}
	r->reply->auth_own = identity_check(r->api->identity, r->raw_token, err);
	r->auth = r->reply->auth_own;
	return r->auth != NULL;
}

/* @p: NULL: any token, as what is asked for stands in the body */
static bool allowed(struct api_req *r, const struct policy *p)
{
	bool public = p && p->access == POLICY_PUBLIC;
	g_autoptr(GError) err = NULL;

	/* A token is allowed on a public route; a bad one does no harm there. */
	if ((!public || r->raw_token) && !authenticate(r, &err) && !public)
		api_fail(r, g_steal_pointer(&err));
	else if (p && !policy_allows(p, r->auth))
		api_forbid(r, p->rule);
	else
		return true;
	return false;
}

bool api_admit(struct api_req *r)
{
	struct route_match m;

	if (r->reply->bad) {
		api_fail(r, g_steal_pointer(&r->reply->bad));
		return false;
	}
	router_find(r->api->router, r->method, r->reply->path_buf, r->mv, &m);
	if (!m.route) {
		no_route(r, &m);
		return false;
	}
	memcpy(r->param, m.param, sizeof m.param);
	r->reply->route = m.route->path;
	r->reply->admitted = m.route;
	return allowed(r, m.policy);
}

/* ---- actions ---- */

/* The one member of an action's body: {"os-migrateLive": {...}}. Return: its name, borrowed from @root; NULL with ERR_BAD_REQUEST. */
static const char *action_name(const json_t *root, const json_t **ret_value, GError **err)
{
	void *it;

	if (!json_is_object(root)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Malformed request body: it must be an object");
		return NULL;
	}
	if (json_object_size(root) != 1) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "%s body keys", json_object_size(root) ? "too many" : "no");
		return NULL;
	}
	it = json_object_iter((json_t *)root);
	*ret_value = json_object_iter_value(it);
	return json_object_iter_key(it);
}

static bool is_action(const struct api_req *r, const char *wanted, const char *name, int since, int until)
{
	return strcmp(wanted, name) == 0 && r->mv >= since && (!until || r->mv <= until);
}

/* A kind's action, as if it were the route's. */
static const struct api_action *take_task(struct api_reply *p, const struct task_kind *k, const struct task_action *a)
{
	p->kind = k;
	p->task = a;
	p->of_kind_body = (struct api_body){ .fields = a->fields, .n = a->n_fields };
	p->of_kind = (struct api_action){ .name = a->name, .rule = a->rule, .since = a->since, .until = a->until, .body = &p->of_kind_body };
	return &p->of_kind;
}

static const struct api_action *find_task(struct api_req *r, const char *name)
{
	for (const struct task_kind *const *k = r->api->kinds; k && *k; k++) {
		for (int i = 0; i < (*k)->n_actions; i++) {
			const struct task_action *a = &(*k)->actions[i];

			if (a->rule && is_action(r, name, a->name, a->since, a->until))
				return take_task(r->reply, *k, a);
		}
	}
	return NULL;
}

static const struct api_action *find_action(struct api_req *r, const char *name)
{
	const struct route *route = r->reply->admitted;

	for (size_t i = 0; i < route->n_actions; i++)
		if (is_action(r, name, route->actions[i].name, route->actions[i].since, route->actions[i].until))
			return &route->actions[i];
	return route->task ? find_task(r, name) : NULL;
}

static void handle(struct api_req *r, const json_t *value)
{
	if (r->reply->kind)
		r->reply->admitted->task(r, r->reply->kind, r->reply->task, value);
	else
		r->reply->action->handle(r, value);
}

static void act(struct api_req *r)
{
	GError *err = NULL;
	g_autoptr(json_t) root = api_parse_body(r, &err);
	const json_t *value = NULL;
	const char *name = root ? action_name(root, &value, &err) : NULL;
	const struct api_action *a = name ? find_action(r, name) : NULL;

	r->reply->action = a;
	api_about(r, name);
	if (a && policy_allows(policy_find(a->rule), r->auth))
		handle(r, value);
	else if (a)
		api_forbid(r, a->rule);
	else if (name)
		api_fail_new(r, ERR_BAD_REQUEST, "There is no such action: %.120s", name);
	else
		api_fail(r, err);
}

void api_dispatch(struct api_req *r)
{
	if (!r->reply->admitted && !api_admit(r))
		return;
	if (r->reply->admitted->n_actions)
		act(r);
	else
		r->reply->admitted->handle(r);
}
