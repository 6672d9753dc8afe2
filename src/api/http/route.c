/* SPDX-License-Identifier: Apache-2.0
 *
 * route: from a request to its handler: version, path, token, policy.
 */
#include "api/http/request.h"

#include <string.h>

#include "identity/identity.h"

struct api *api_new_parts(const struct api *parts, const struct route_table *const *tables, size_t n)
{
	struct api *a = g_new(struct api, 1);

	*a = *parts;
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
		api_fail_new(r, ERR_METHOD, "The method is not allowed for this resource: it has %s.", methods);
	} else {
		api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
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

static void forbid(struct api_req *r, const char *rule)
{
	if (r->reply->service == SERVICE_IDENTITY)
		api_fail_new(r, ERR_FORBIDDEN, "You are not authorized to perform the requested action: %s.", rule ? rule : "it needs the role admin");
	else if (rule)
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow %s to be performed.", rule);
	else
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow this to be performed: it needs the role admin.");
}

void api_dispatch(struct api_req *r)
{
	g_autoptr(GError) err = NULL;
	struct route_match m;

	if (r->reply->bad) {
		api_fail(r, g_steal_pointer(&r->reply->bad));
		return;
	}
	router_find(r->api->router, r->method, r->reply->path_buf, r->mv, &m);
	if (!m.route) {
		no_route(r, &m);
		return;
	}
	memcpy(r->param, m.param, sizeof m.param);
	r->reply->route = m.route->path;
	/* A token is allowed on a public route; a bad one does no harm there. */
	if ((m.route->policy != API_PUBLIC || r->raw_token) && !authenticate(r, &err) && m.route->policy != API_PUBLIC) {
		api_fail(r, g_steal_pointer(&err));
		return;
	}
	if (m.route->policy == API_ADMIN && !r->auth->admin) {
		forbid(r, m.route->rule);
		return;
	}
	m.route->handle(r);
}
