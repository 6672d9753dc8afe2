/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "api/http/handler.h"
#include "api/http/incoming.h"
#include "api/http/route.h"
#include "api/http/version.h"
#include "identity/identity.h"

/* ---- requesters: the tokens "admin" and "member" are good ones ---- */

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct auth *a;

	(void)id;
	if (strcmp(token, "admin") != 0 && strcmp(token, "member") != 0) {
		g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
		return NULL;
	}
	a = g_new0(struct auth, 1);
	a->admin = strcmp(token, "admin") == 0;
	a->role = a->admin ? ROLE_ADMIN : ROLE_MEMBER;
	return a;
}

void auth_free(struct auth *a)
{
	g_free(a);
}

/* ---- handlers that say what they got ---- */

static void say(struct api_req *r, const char *name)
{
	GString *s = g_string_new(name);

	for (int i = 0; i < API_PARAMS_MAX && r->param[i]; i++)
		g_string_append_printf(s, " %s", r->param[i]);
	api_reply_json(r, 200, s);
}

#define SAYER(name) static void name(struct api_req *r) { say(r, #name); }
SAYER(root)
SAYER(list)
SAYER(detail)
SAYER(show)
SAYER(put)
SAYER(act)
SAYER(old)
SAYER(new)
SAYER(two)
SAYER(users)

static void echo(struct api_req *r)
{
	GString *s = g_string_new(NULL);

	g_string_append_len(s, r->body, (gssize)r->body_len);
	api_reply_json(r, 202, s);
}

static void query(struct api_req *r)
{
	GString *s = g_string_new(NULL);

	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *p = r->query->pdata[i];

		g_string_append_printf(s, "[%s]=[%s] ", p->name, p->value);
	}
	api_reply_json(r, 200, s);
}

static void bool_query(struct api_req *r)
{
	GError *err = NULL;
	bool v;

	if (api_query_bool(r, "x", false, &v, &err))
		api_reply_json(r, 200, g_string_new(v ? "true" : "false"));
	else
		api_fail(r, err);
}

static void page(struct api_req *r)
{
	GError *err = NULL;
	struct api_page p;
	struct jout o;
	GString *s;

	if (!api_page(r, &p, &err)) {
		api_fail(r, err);
		return;
	}
	s = g_string_new(NULL);
	jout_init(&o, s, r->mv);
	jout_open(&o, '{');
	jout_kv(&o, "limit", int, p.limit);
	jout_kv(&o, "marker", str, p.marker);
	api_next_link(&o, r, "servers", "m&2");
	jout_close(&o, '}');
	api_reply_json(r, 200, s);
}

static void action(struct api_req *r, const json_t *value)
{
	g_assert_true(json_is_null(value));
	api_reply_json(r, 202, g_string_new("acted"));
}

static const struct api_action actions[] = {
	{ "os-migrateLive", "drover:versions", action },
	{ "os-resetState", "os_compute_api:os-admin-actions:reset_state", action },
	{ "old", "drover:versions", action, .until = 24 },
	{ "new", "drover:versions", action, .since = 25 },
};

static void broken(struct api_req *r)
{
	api_fail_new(r, ERR_STORE, "database /secret/place/drover.sqlite: disk is full");
}

static const struct route routes[] = {
	{ "GET", "/v2.1/broken", "drover:versions", broken },
	{ "GET", "/", "drover:versions", root },
	{ "GET", "/v2.1/servers", "os_compute_api:servers:index", list },
	{ "GET", "/v2.1/servers/detail", "os_compute_api:servers:index", detail },
	{ "GET", "/v2.1/servers/{id}", "os_compute_api:servers:index", show },
	{ "PUT", "/v2.1/servers/{id}", "os_compute_api:servers:index", put },
	{ "POST", "/v2.1/servers/{id}/action", "os_compute_api:servers:index", act },
	{ "GET", "/v2.1/servers/{id}/migrations/{mid}", "os_compute_api:servers:index", two, .since = 23 },
	{ "PUT", "/v2.1/os-services/{action}", "os_compute_api:os-services:update", old, .until = 52 },
	{ "PUT", "/v2.1/os-services/{id}", "os_compute_api:os-services:update", new, .since = 53 },
	{ "POST", "/v2.1/echo", "os_compute_api:servers:index", echo },
	{ "GET", "/v2.1/query", "os_compute_api:servers:index", query },
	{ "GET", "/v2.1/bool", "drover:versions", bool_query },
	{ "GET", "/v2.1/page", "drover:versions", page },
	{ "POST", "/v2.1/act", "drover:versions", .actions = actions, .n_actions = G_N_ELEMENTS(actions) },
	{ "GET", "/identity/v3/users", "identity:list_users", users },
	{ "GET", "/network/v2.0/ports", "os_compute_api:servers:index", list },
};
static const struct route_table table = { routes, G_N_ELEMENTS(routes) };
static const struct route_table *const tables[] = { &table };

static struct conf conf = { .max_limit = 1000 };

/* ---- requests ---- */

struct asked {
	int status;
	char *body, *headers;
	int mv;
};

static void answered(struct api_req *r, void *user)
{
	struct asked *a = user;

	a->status = r->reply->status;
	a->mv = r->mv;
	a->body = g_strdup(r->reply->body ? r->reply->body->str : "");
	a->headers = g_strdup(r->reply->headers ? r->reply->headers->str : "");
	api_req_free(r);
}

static struct asked ask(const struct api_head *h, const char *body)
{
	struct api parts = { .conf = &conf };
	struct api *a = api_new_parts(&parts, tables, 1);
	struct asked got = { 0 };
	struct api_req *r = api_req_new(a, h, answered, &got);

	if (body)
		api_req_body(r, body, strlen(body));
	api_dispatch(r);
	api_free_parts(a);
	return got;
}

static const struct {
	const char *name, *method, *path, *query, *token, *version, *body;
	int status;
	const char *want; /* the body, or its beginning */
} cases[] = {
	{ "root", "GET", "/", NULL, NULL, NULL, NULL, 200, "root" },
	{ "root with a bad token", "GET", "/", NULL, "x", NULL, NULL, 200, "root" },
	{ "list", "GET", "/v2.1/servers", NULL, "member", NULL, NULL, 200, "list" },
	{ "trailing slash", "GET", "/v2.1/servers/", NULL, "member", NULL, NULL, 200, "list" },
	{ "literal wins", "GET", "/v2.1/servers/detail", NULL, "member", NULL, NULL, 200, "detail" },
	{ "brace", "GET", "/v2.1/servers/42", NULL, "member", NULL, NULL, 200, "show 42" },
	{ "back from the literal for the method", "PUT", "/v2.1/servers/detail", NULL, "member", NULL, NULL, 200, "put detail" },
	{ "back from the literal for the path", "POST", "/v2.1/servers/detail/action", NULL, "member", NULL, NULL, 200, "act detail" },
	{ "project in the path", "GET", "/v2.1/0123456789abcdef0123456789abcdef/servers/7", NULL, "member", NULL, NULL, 200, "show 7" },
	{ "HEAD takes GET", "HEAD", "/v2.1/servers", NULL, "member", NULL, NULL, 200, "list" },
	{ "D28: why it broke", "GET", "/v2.1/broken", NULL, "admin", NULL, NULL, 500,
	  "{\"computeFault\":{\"code\":500,\"message\":\"database /secret/place/drover.sqlite: disk is full\"}}" },
	{ "D28: not for members", "GET", "/v2.1/broken", NULL, "member", NULL, NULL, 500,
	  "{\"computeFault\":{\"code\":500,\"message\":\"The request failed; the log of the service says why.\"}}" },
	{ "D28: nor for strangers", "GET", "/v2.1/broken", NULL, NULL, NULL, NULL, 500,
	  "{\"computeFault\":{\"code\":500,\"message\":\"The request failed; the log of the service says why.\"}}" },
	{ "two braces", "GET", "/v2.1/servers/a/migrations/b", NULL, "member", "compute 2.23", NULL, 200, "two a b" },
	{ "too early", "GET", "/v2.1/servers/a/migrations/b", NULL, "member", "compute 2.22", NULL, 404,
	  "{\"itemNotFound\":{\"code\":404,\"message\":\"The resource could not be found at microversion 2.22.\"}}" },
	{ "until", "PUT", "/v2.1/os-services/enable", NULL, "admin", "compute 2.52", NULL, 200, "old enable" },
	{ "since", "PUT", "/v2.1/os-services/enable", NULL, "admin", "compute 2.53", NULL, 200, "new enable" },
	{ "unknown", "GET", "/v2.1/none", NULL, "member", NULL, NULL, 404,
	  "{\"itemNotFound\":{\"code\":404,\"message\":\"The resource could not be found: this API has no such path.\"}}" },
	{ "empty segment", "GET", "/v2.1/servers//action", NULL, "member", NULL, NULL, 404, "" },
	{ "deep", "GET", "/v2.1/a/b/c/d/e/f/g/h/i/j/k/l/m", NULL, "member", NULL, NULL, 404, "" },
	{ "method", "DELETE", "/v2.1/servers/42", NULL, "member", NULL, NULL, 405,
	  "{\"badMethod\":{\"code\":405,\"message\":\"DELETE is not supported for this resource; it has GET, PUT.\"}}" },
	{ "odd method", "BREW", "/v2.1/servers/42", NULL, "member", NULL, NULL, 405, "" },
	{ "options", "OPTIONS", "/v2.1/servers/detail", NULL, NULL, NULL, NULL, 200, "" },
	{ "options of nothing", "OPTIONS", "/v2.1/none", NULL, NULL, NULL, NULL, 404, "" },
	{ "no token", "GET", "/v2.1/servers", NULL, NULL, NULL, NULL, 401,
	  "{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"The request you have made requires authentication.\"}}" },
	{ "bad token", "GET", "/v2.1/servers", NULL, "x", NULL, NULL, 401, "{\"error\":" },
	{ "not admin", "PUT", "/v2.1/os-services/enable", NULL, "member", NULL, NULL, 403,
	  "{\"forbidden\":{\"code\":403,\"message\":\"Policy doesn't allow os_compute_api:os-services:update to be performed.\"}}" },
	{ "not admin, no rule", "PUT", "/v2.1/os-services/enable", NULL, "member", "compute 2.60", NULL, 403, "{\"forbidden\":" },
	{ "not admin of identity", "GET", "/identity/v3/users", NULL, "member", NULL, NULL, 403,
	  "{\"error\":{\"code\":403,\"title\":\"Forbidden\",\"message\":\"You are not authorized to perform the requested action: identity:list_users.\"}}" },
	{ "other name of identity", "GET", "/v3/users", NULL, "admin", NULL, NULL, 200, "users" },
	{ "network's words", "GET", "/network/v2.0/none", NULL, "admin", NULL, NULL, 404, "{\"NeutronError\":{\"type\":\"itemNotFound\"," },
	{ "bad version", "GET", "/v2.1/servers", NULL, "member", "compute two", NULL, 400, "{\"badRequest\":" },
	{ "version too high", "GET", "/v2.1/servers", NULL, "member", "compute 2.999", NULL, 406,
	  "{\"computeFault\":{\"code\":406,\"message\":\"Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96.\"}}" },
	{ "version of no concern", "GET", "/identity/v3/users", NULL, "admin", "compute 2.999", NULL, 200, "users" },
	{ "empty path", "GET", "", NULL, "member", NULL, NULL, 400, "" },
	{ "path without a slash", "GET", "v2.1/servers", NULL, "member", NULL, NULL, 400, "" },
	{ "path not UTF-8", "GET", "/v2.1/servers/%ff", NULL, "member", NULL, NULL, 400, "" },
	{ "query not UTF-8", "GET", "/v2.1/servers", "name=%ff", "member", NULL, NULL, 400, "" },
	{ "escape", "GET", "/v2.1/servers/a%20b", NULL, "member", NULL, NULL, 200, "show a b" },
	{ "broken escape", "GET", "/v2.1/servers/%zz", NULL, "member", NULL, NULL, 400, "" },
	{ "NUL in the path", "GET", "/v2.1/servers/%00", NULL, "member", NULL, NULL, 400, "" },
	{ "NUL in the query", "GET", "/v2.1/servers", "a=%00", "member", NULL, NULL, 400, "" },
	{ "plus is no blank in a path", "GET", "/v2.1/servers/a+b", NULL, "member", NULL, NULL, 200, "show a+b" },
	{ "query", "GET", "/v2.1/query", "a=1&&b&c=x%3Dy%26z=&d=%zz+1&%61=2", "member", NULL, NULL, 200, "[a]=[1] [b]=[] [c]=[x=y&z=] [d]=[%zz 1] [a]=[2] " },
	{ "body", "POST", "/v2.1/echo", NULL, "member", NULL, "{\"a\": 1}", 202, "{\"a\": 1}" },
	{ "no body", "POST", "/v2.1/act", NULL, NULL, NULL, NULL, 400, "" },
	{ "action", "POST", "/v2.1/act", NULL, NULL, NULL, "{\"os-migrateLive\": null}", 202, "acted" },
	{ "action for another role", "POST", "/v2.1/act", NULL, "member", NULL, "{\"os-resetState\": null}", 403,
	  "{\"forbidden\":{\"code\":403,\"message\":\"Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.\"}}" },
	{ "action for this role", "POST", "/v2.1/act", NULL, "admin", NULL, "{\"os-resetState\": null}", 202, "acted" },
	{ "action of earlier microversions", "POST", "/v2.1/act", NULL, NULL, "compute 2.25", "{\"old\": null}", 400,
	  "{\"badRequest\":{\"code\":400,\"message\":\"There is no such action: old\"}}" },
	{ "action of later microversions", "POST", "/v2.1/act", NULL, NULL, "compute 2.24", "{\"new\": null}", 400,
	  "{\"badRequest\":{\"code\":400,\"message\":\"There is no such action: new\"}}" },
	{ "unknown action", "POST", "/v2.1/act", NULL, NULL, NULL, "{\"fly\": null}", 400,
	  "{\"badRequest\":{\"code\":400,\"message\":\"There is no such action: fly\"}}" },
	{ "two actions", "POST", "/v2.1/act", NULL, NULL, NULL, "{\"a\": 1, \"b\": 2}", 400,
	  "{\"badRequest\":{\"code\":400,\"message\":\"too many body keys\"}}" },
	{ "no action", "POST", "/v2.1/act", NULL, NULL, NULL, "{}", 400, "" },
	{ "action no object", "POST", "/v2.1/act", NULL, NULL, NULL, "[]", 400, "" },
	{ "broken body", "POST", "/v2.1/act", NULL, NULL, NULL, "{\"a\"", 400, "{\"badRequest\":{\"code\":400,\"message\":\"Malformed request body: " },
	{ "bool", "GET", "/v2.1/bool", "x=True", NULL, NULL, NULL, 200, "true" },
	{ "bool off", "GET", "/v2.1/bool", "x=off", NULL, NULL, NULL, 200, "false" },
	{ "bool absent", "GET", "/v2.1/bool", "y=1", NULL, NULL, NULL, 200, "false" },
	{ "bool wrong", "GET", "/v2.1/bool", "x=maybe", NULL, NULL, NULL, 400, "{\"badRequest\":{\"code\":400,\"message\":\"Unrecognized value 'maybe', " },
	{ "page", "GET", "/v2.1/page", "limit=5", NULL, NULL, NULL, 200,
	  "{\"limit\":5,\"marker\":null,\"servers_links\":[{\"rel\":\"next\",\"href\":\"http://h:1/v2.1/page?limit=5&marker=m%262\"}]}" },
	{ "page over the limit", "GET", "/v2.1/page", "limit=99999", NULL, NULL, NULL, 200, "{\"limit\":1000," },
	{ "page marker", "GET", "/v2.1/page", "marker=m1", NULL, NULL, NULL, 200,
	  "{\"limit\":1000,\"marker\":\"m1\",\"servers_links\":[{\"rel\":\"next\",\"href\":\"http://h:1/v2.1/page?marker=m%262\"}]}" },
	{ "page negative", "GET", "/v2.1/page", "limit=-1", NULL, NULL, NULL, 400, "{\"badRequest\":" },
	{ "page huge", "GET", "/v2.1/page", "limit=99999999999999999999", NULL, NULL, NULL, 400, "{\"badRequest\":" },
};

/* A slash that is escaped is part of a name. */
static void test_slash(void)
{
	static const struct {
		const char *path;
		int status;
		const char *want;
	} rows[] = {
		{ "/v2.1/servers/a%2Fb", 200, "show a%2Fb" },
		{ "/v2.1/servers/detail%2faction", 200, "show detail%2faction" },
		{ "/v2.1/servers%2Fdetail", 404, "" },
		{ "/v2.1%2Fservers", 404, "" },
		{ "/identity%2Fv3%2Fusers", 404, "" },
		{ "/%69dentity%2Fv3%2Fusers", 404, "" },
		{ "/%69dentity/v3/users", 200, "users" }, /* letters are the same escaped or not (RFC 3986, 6.2.2.2) */
		{ "/v3%2Fusers", 404, "" },
		{ "/v2.1/servers%2F", 404, "" },
		{ "%2Fv2.1/servers", 400, "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct api_head h = { .method = "GET", .path = rows[i].path, .base_url = "http://h:1", .token = "admin" };
		struct asked got = ask(&h, NULL);

		if (got.status != rows[i].status || !g_str_has_prefix(got.body, rows[i].want))
			g_error("%s: got %d %s, want %d %s", rows[i].path, got.status, got.body, rows[i].status, rows[i].want);
		g_free(got.body);
		g_free(got.headers);
	}
}

static void test_dispatch(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct api_head h = { .method = cases[i].method, .path = cases[i].path, .query = cases[i].query, .base_url = "http://h:1",
				      .token = cases[i].token, .version = cases[i].version };
		struct asked got = ask(&h, cases[i].body);

		if (got.status != cases[i].status || !g_str_has_prefix(got.body, cases[i].want))
			g_error("%s: got %d %s, want %d %s", cases[i].name, got.status, got.body, cases[i].status, cases[i].want);
		if (got.status == 405 || (got.status == 200 && strcmp(cases[i].method, "OPTIONS") == 0))
			g_assert_nonnull(strstr(got.headers, "Allow: GET, PUT\r\n"));
		if (got.status == 401)
			g_assert_cmpstr(got.headers, ==, "WWW-Authenticate: Keystone uri=\"http://h:1/identity\"\r\n");
		g_free(got.body);
		g_free(got.headers);
	}
}

static const struct {
	const char *standard, *legacy;
	int want;         /* minor version, or -status */
} versions[] = {
	{ NULL, NULL, 1 },
	{ "compute 2.27", NULL, 27 },
	{ "compute 2.1", NULL, 1 },
	{ "compute 2.96", NULL, 96 },
	{ "compute 2.97", NULL, -406 },
	{ "compute 2.0", NULL, -406 },
	{ "compute 3.0", NULL, -406 },
	{ "compute 1.9", NULL, -406 },
	{ "compute latest", NULL, 96 },
	{ "COMPUTE 2.5", NULL, 5 },
	{ "identity 3.14, compute 2.60", NULL, 60 },
	{ "compute 2.60,identity 3.14", NULL, 60 },
	{ "compute 2.3, compute 2.4", NULL, 4 },
	{ "identity 3.14", NULL, 1 },
	{ "identity 3.14", "2.8", 8 },
	{ "compute 2.9", "2.8", 9 },
	{ NULL, "2.42", 42 },
	{ NULL, " 2.42 ", 42 },
	{ NULL, "latest", 96 },
	{ NULL, "2", -400 },
	{ NULL, "2.", -400 },
	{ NULL, ".2", -400 },
	{ NULL, "2.01", -400 },
	{ NULL, "02.1", -400 },
	{ NULL, "2.1.1", -400 },
	{ NULL, "2.1 x", -400 },
	{ NULL, "2.-1", -400 },
	{ NULL, "2.99999999999999999999", -406 },
	{ "compute", NULL, -400 },
	{ "compute  2.7", NULL, 7 },
	{ "", NULL, 1 },
};

static void test_versions(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
		g_autoptr(GError) err = NULL;
		int got;

		if (!version_negotiate(versions[i].standard, versions[i].legacy, &got, &err))
			got = -err_http(err);
		if (got != versions[i].want)
			g_error("%s / %s: got %d, want %d", versions[i].standard, versions[i].legacy, got, versions[i].want);
	}
}

/* A request whose client is gone: its late answer goes nowhere. */
static struct api_req *kept;

static void keep(struct api_req *r)
{
	kept = r;
}

static void never(struct api_req *r, void *user)
{
	(void)r;
	(void)user;
	g_assert_not_reached();
}

static void test_abandoned(void)
{
	static const struct route late[] = { { "GET", "/", "drover:versions", keep } };
	static const struct route_table late_table = { late, 1 };
	const struct route_table *const all[] = { &late_table };
	struct api parts = { .conf = &conf };
	struct api *a = api_new_parts(&parts, all, 1);
	struct api_head h = { .method = "GET", .path = "/", .base_url = "" };
	struct api_req *r = api_req_new(a, &h, never, NULL);

	api_dispatch(r);
	api_req_abandon(r);
	api_fail_new(kept, ERR_NOT_FOUND, "gone");
	api_free_parts(a);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/route/dispatch", test_dispatch);
	g_test_add_func("/D17/slash", test_slash);
	g_test_add_func("/route/versions", test_versions);
	g_test_add_func("/route/abandoned", test_abandoned);
	return g_test_run();
}
