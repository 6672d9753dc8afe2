/* SPDX-License-Identifier: Apache-2.0
 *
 * /drover/v1/session: the dashboard's login. The token goes into a cookie that no script reads (api/http/session.h), and nowhere else.
 *
 *	{"session": {"user": "admin", "password": "...", "project": "demo"}}
 */
#include "api/http/session.h"

#include "api/http/handler.h"
#include "api/http/view.h"
#include "api/identity/body.h"
#include "api/identity/tokens.h"
#include "api/identity/view.h"
#include "base/clock.h"

static void reply_session(struct api_req *r, int status, const struct auth *a)
{
	struct jout o;

	view_open(&o, r, 512);
	jout_key(&o, "session");
	jout_open(&o, '{');
	jout_kv(&o, "user_id", str, a->user_id);
	jout_kv(&o, "user_name", str, a->user_name);
	jout_kv(&o, "project_id", str, a->project_id);
	jout_kv(&o, "project_name", str, a->project_name);
	jout_key(&o, "roles");
	jout_open(&o, '[');
	for (char **role = a->roles; role && *role; role++)
		jout_str(&o, *role);
	jout_close(&o, ']');
	jout_kv(&o, "expires_at", time_us, a->expires_us);
	jout_close(&o, '}');
	view_close(&o, r, status);
}

/* A token_reply_f. */
static void begun(struct api_req *r, const char *token, const struct auth *a)
{
	g_autofree char *cookie = session_cookie(r->base_url, token, (a->expires_us - clock_wall_us()) / G_USEC_PER_SEC);

	api_header(r, "Set-Cookie", cookie);
	api_header(r, "Cache-Control", "no-store");
	reply_session(r, 201, a);
}

static void begin(struct api_req *r, struct session_request *w)
{
	struct auth_request a = { .password = true, .reply = begun };

	a.user_name = g_steal_pointer(&w->user);
	a.secret = g_steal_pointer(&w->password);
	a.project_name = g_steal_pointer(&w->project);
	a.scope = a.project_name ? SCOPE_PROJECT : SCOPE_DEFAULT;
	tokens_by_password(r, &a);
	auth_request_clear(&a);
}

/* Another site's page must not log a browser in either: its user would act as another. */
static void create(struct api_req *r)
{
	struct session_request w = { 0 };
	GError *err = NULL;

	if (!r->same_origin)
		api_fail_new(r, ERR_FORBIDDEN, "A session is for the dashboard's own pages: Sec-Fetch-Site, or Origin, must say so.");
	else if (!session_is_safe(r->base_url, r->peer))
		api_fail_new(r, ERR_FORBIDDEN, "A session needs TLS: set [wsgi] ssl_cert_file and ssl_key_file, or [api] public_url behind a proxy.");
	else if (!api_decode(r, &w, &err))
		api_fail(r, err);
	else
		begin(r, &w);
	session_request_clear(&w);
}

static void show(struct api_req *r)
{
	api_header(r, "Cache-Control", "no-store");
	reply_session(r, 200, r->auth);
}

/* The token ends, wherever it is known. */
static void end(struct api_req *r)
{
	g_autofree char *cookie = session_cookie(r->base_url, NULL, 0);
	GError *err = NULL;

	if (!r->by_cookie) {
		api_fail_new(r, ERR_FORBIDDEN, "This is no session: DELETE /identity/v3/auth/tokens ends a token.");
		return;
	}
	if (!identity_revoke(api_identity(r), r->auth, &err)) {
		api_fail(r, err);
		return;
	}
	api_header(r, "Set-Cookie", cookie);
	api_reply_empty(r, 204);
}

static const struct route routes[] = {
	{ "POST",   "/drover/v1/session", "drover:session:create", create, .body = &session_body },
	{ "GET",    "/drover/v1/session", "drover:session:show",   show },
	{ "DELETE", "/drover/v1/session", "drover:session:delete", end },
};
const struct route_table session_routes = { routes, G_N_ELEMENTS(routes) };
