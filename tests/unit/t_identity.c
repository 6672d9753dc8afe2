/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity through its routes, on a database in memory and a clock that the
 * test owns. The steps are one story; what one remembers the next ones use.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/http/incoming.h"
#include "api/http/route.h"
#include "api/http/versions.h"
#include "api/identity/view.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "identity/accounts.h"
#include "identity/audit.h"
#include "identity/identity_priv.h"

#define T0 INT64_C(1760000000000000)

static struct conf conf = { .token_expiration = 3600, .max_limit = 1000, .listen = (char *)"127.0.0.1", .port = 8774 };
static struct store *store;
static struct identity *identity;
static struct api *api;
static GHashTable *kept;      /* name -> token or id */

/* ---- requests ---- */

struct asked {
	int status;
	char *body, *headers;
};

static void answered(struct api_req *r, void *user)
{
	struct asked *a = user;

	a->status = r->reply->status;
	a->body = g_strdup(r->reply->body ? r->reply->body->str : "");
	a->headers = g_strdup(r->reply->headers ? r->reply->headers->str : "");
	api_req_free(r);
}

/* "{name}" becomes what is kept under it; braces around what is not stay. */
static char *fill(const char *text)
{
	GString *s = g_string_new(text);
	GHashTableIter it;
	void *name, *value;

	g_hash_table_iter_init(&it, kept);
	while (g_hash_table_iter_next(&it, &name, &value)) {
		g_autofree char *braced = g_strdup_printf("{%s}", (char *)name);

		g_string_replace(s, braced, value, 0);
	}
	return g_string_free(s, FALSE);
}

static struct api_req *begin_from(const char *peer, const char *as, const char *subject, const char *method, const char *target, const char *body,
				  struct asked *into)
{
	g_autofree char *filled = fill(target), *content = body ? fill(body) : NULL;
	g_auto(GStrv) parts = g_strsplit(filled, "?", 2);
	struct api_head h = { .peer = peer, .method = method, .path = parts[0], .query = parts[1], .base_url = "http://h:1",
			      .token = as ? g_hash_table_lookup(kept, as) : NULL, .subject_token = subject ? g_hash_table_lookup(kept, subject) : NULL };
	struct api_req *r = api_req_new(api, &h, answered, into);

	if (content)
		api_req_body(r, content, strlen(content));
	api_dispatch(r);
	return r;
}

static void begin(const char *as, const char *subject, const char *method, const char *target, const char *body, struct asked *into)
{
	(void)begin_from("192.0.2.1", as, subject, method, target, body, into);
}

/* A worker hashes, or the answer waits on the clock. */
static void await(const struct asked *a)
{
	GMainContext *ctx = g_main_loop_get_context(loop_main());

	while (!a->status)
		(void)(g_main_context_iteration(ctx, FALSE) || clock_step() || g_main_context_iteration(ctx, TRUE));
}

static struct asked ask(const char *as, const char *subject, const char *method, const char *target, const char *body)
{
	struct asked got = { 0 };

	begin(as, subject, method, target, body, &got);
	await(&got);
	return got;
}

static char *value_behind(const char *text, const char *mark, const char *end)
{
	g_auto(GStrv) parts = g_strsplit(text, mark, 2);

	if (!parts[0] || !parts[1])
		g_error("no %s in %s", mark, text);
	return g_strndup(parts[1], strcspn(parts[1], end));
}

/* ---- the story ---- */

#define LOGIN(user, password, scope) "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"" user \
	"\",\"domain\":{\"id\":\"default\"},\"password\":\"" password "\"}}}" scope "}}"
#define PROJECT(name) ",\"scope\":{\"project\":{\"name\":\"" name "\",\"domain\":{\"name\":\"Default\"}}}"
#define BY_TOKEN(token, scope) "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"{" token "}\"}}" scope "}}"
#define V3 "/identity/v3"
#define NO "{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"The request you have made requires authentication.\"}}"

#define UNSUPPORTED(what) "{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"Attempted to authenticate with an unsupported " what ".\"}}"
#define BY_APP(id, secret, scope) "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{\"id\":\"" id \
	"\",\"secret\":\"" secret "\"}}" scope "}}"
#define BY_APP_NAME(name, user, secret) "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{\"name\":\"" name \
	"\",\"user\":" user ",\"secret\":\"" secret "\"}}}}"
#define APPS V3 "/users/{ann}/application_credentials"
#define APP(members) "{\"application_credential\":{" members "}}"
#define MEMBER_ROLE "a0000000000000000000000000000002"

static const struct step {
	const char *name, *as, *method, *path, *body;
	int status;
	const char *want;            /* in the body; NULL: anything */
	const char *token, *id;      /* keep the token, or the id, under this name */
	const char *subject;
} story[] = {
	{ "no token", NULL, "GET", V3 "/users", NULL, 401, NO },
	{ "login", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, "\"roles\":[{\"id\":\"a0000000000000000000000000000001\",\"name\":\"admin\"}", "admin" },
	{ "wrong password", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "x", PROJECT("admin")), 401, NO },
	{ "no such user", NULL, "POST", V3 "/auth/tokens", LOGIN("nobody", "x", ""), 401, NO },
	{ "no such project", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("x")), 401, NO },
	{ "another domain", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"admin\","
	  "\"domain\":{\"name\":\"x\"},\"password\":\"{password}\"}}}}}", 401, NO },
	{ "domain scope", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ",\"scope\":{\"domain\":{\"id\":\"default\"}}"), 401, UNSUPPORTED("scope: domain") },
	{ "the same of a wrong password", NULL, "POST", V3 "/auth/tokens", LOGIN("nobody", "x", ",\"scope\":{\"domain\":{\"id\":\"default\"}}"), 401, UNSUPPORTED("scope: domain") },
	{ "system scope", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ",\"scope\":{\"system\":{\"all\":true}}"), 401, UNSUPPORTED("scope: system") },
	{ "a trust", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ",\"scope\":{\"OS-TRUST:trust\":{\"id\":\"x\"}}"), 401, UNSUPPORTED("scope: OS-TRUST:trust") },
	{ "another domain's project", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ",\"scope\":{\"project\":{\"name\":\"admin\",\"domain\":{\"name\":\"x\"}}}"), 401, NO },
	{ "unknown method", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"totp\"]}}}", 401, UNSUPPORTED("method: totp") },
	{ "no methods", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[]}}}", 400, "auth.identity.methods" },
	{ "no auth", NULL, "POST", V3 "/auth/tokens", "{}", 400, "body.auth" },
	{ "no password", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"a\"}}}}}", 400, "required" },
	{ "no body", NULL, "POST", V3 "/auth/tokens", NULL, 400, NULL },
	{ "unscoped", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ",\"scope\":\"unscoped\""), 201, "\"methods\":[\"password\"]", "bare" },
	{ "an unscoped one is no admin", "bare", "GET", V3 "/users", NULL, 403, "identity:list_users" },
	{ "its projects", "bare", "GET", V3 "/auth/projects", NULL, 200, "\"name\":\"admin\"" },
	{ "scoped by token", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("bare", PROJECT("admin")), 201, "\"methods\":[\"password\",\"token\"]", "admin2" },
	{ "by a bad token", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"x\"}}}}", 401, NO },
	{ "default project", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ""), 201, "\"project\":{", "admin3" },
	{ "catalogue", "admin", "GET", V3 "/auth/catalog", NULL, 200, "\"url\":\"http://h:1/v2.1\"" },

	{ "make a project", "admin", "POST", V3 "/projects", "{\"project\":{\"name\":\"demo\",\"description\":\"d\",\"is_domain\":false}}", 201, "\"name\":\"demo\"", .id = "demo" },
	{ "the name is taken", "admin", "POST", V3 "/projects", "{\"project\":{\"name\":\"demo\"}}", 409, "Duplicate entry" },
	{ "a project without a name", "admin", "POST", V3 "/projects", "{\"project\":{}}", 400, "required" },
	{ "a blank name", "admin", "POST", V3 "/projects", "{\"project\":{\"name\":\" \"}}", 400, "empty" },
	{ "a project elsewhere", "admin", "POST", V3 "/projects", "{\"project\":{\"name\":\"e\",\"domain_id\":\"x\"}}", 400, "domain" },
	{ "change it", "admin", "PATCH", V3 "/projects/{demo}", "{\"project\":{\"description\":\"new\"}}", 200, "\"description\":\"new\"" },
	{ "find it", "admin", "GET", V3 "/projects?name=demo", NULL, 200, "\"description\":\"new\"" },
	{ "make a user", "admin", "POST", V3 "/users", "{\"user\":{\"name\":\"bob\",\"password\":\"one\",\"default_project_id\":\"{demo}\"}}", 201, "\"name\":\"bob\"", .id = "bob" },
	{ "a user's project must be", "admin", "POST", V3 "/users", "{\"user\":{\"name\":\"eve\",\"default_project_id\":\"x\"}}", 400, "project" },
	{ "a user without password", "admin", "POST", V3 "/users", "{\"user\":{\"name\":\"eve\"}}", 201, "\"name\":\"eve\"", .id = "eve" },
	{ "a user that cannot log in", NULL, "POST", V3 "/auth/tokens", LOGIN("eve", "*", ""), 401, NO },
	{ "no role yet", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "one", PROJECT("demo")), 401, NO },
	{ "give a role", "admin", "PUT", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 204, "" },
	{ "again", "admin", "PUT", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 204, "" },
	{ "no such role", "admin", "PUT", V3 "/projects/{demo}/users/{bob}/roles/x", NULL, 404, "role" },
	{ "has it", "admin", "HEAD", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 204, "" },
	{ "has not that", "admin", "GET", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000001", NULL, 404, NULL },
	{ "assignments", "admin", "GET", V3 "/role_assignments?user.id={bob}&include_names", NULL, 200, "\"role\":{\"id\":\"a0000000000000000000000000000002\",\"name\":\"member\"}" },
	{ "effective ones", "admin", "GET", V3 "/role_assignments?user.id={bob}&effective=True", NULL, 200, "a0000000000000000000000000000003" },
	{ "bob", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "one", PROJECT("demo")), 201, "\"name\":\"member\"", "bob-token" },
	{ "bob is no admin", "bob-token", "GET", V3 "/users", NULL, 403, NULL },
	{ "bob sees bob", "bob-token", "GET", V3 "/users/{bob}", NULL, 200, "\"name\":\"bob\"" },
	{ "and no other user", "bob-token", "GET", V3 "/users/{eve}", NULL, 403, NULL },
	{ "bob's token", "bob-token", "GET", V3 "/auth/tokens", NULL, 200, "\"audit_ids\":[", .subject = "bob-token" },
	{ "not the admin's", "bob-token", "GET", V3 "/auth/tokens", NULL, 403, NULL, .subject = "admin" },
	{ "the admin sees bob's", "admin", "HEAD", V3 "/auth/tokens", NULL, 200, NULL, .subject = "bob-token" },
	{ "without the catalogue", "admin", "GET", V3 "/auth/tokens?nocatalog", NULL, 200, "\"roles\"", .subject = "bob-token" },
	{ "no token to show", "admin", "GET", V3 "/auth/tokens", NULL, 404, NULL },
	{ "bob's projects", "bob-token", "GET", V3 "/users/{bob}/projects", NULL, 200, "\"name\":\"demo\"" },

	{ "revoke", "bob-token", "DELETE", V3 "/auth/tokens", NULL, 204, "", .subject = "bob-token" },
	{ "it is over", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "bob again", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "one", ""), 201, "\"project\":{", "bob-token" },
	{ "wrong old password", "bob-token", "POST", V3 "/users/{bob}/password", "{\"user\":{\"password\":\"two\",\"original_password\":\"x\"}}", 401, NO },
	{ "another user's password", "bob-token", "POST", V3 "/users/{eve}/password", "{\"user\":{\"password\":\"two\",\"original_password\":\"one\"}}", 403, "identity:change_password" },
	{ "the password of no user", "admin", "POST", V3 "/users/x/password", "{\"user\":{\"password\":\"two\",\"original_password\":\"one\"}}", 404, "user" },
	{ "own password", "bob-token", "POST", V3 "/users/{bob}/password", "{\"user\":{\"password\":\"two\",\"original_password\":\"one\"}}", 204, "" },
	{ "ends bob's tokens", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "the old one is none", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "one", ""), 401, NO },
	{ "the new one", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "two", ""), 201, NULL, "bob-token" },
	{ "the admin's is not touched", "admin", "GET", V3 "/users", NULL, 200, NULL },
	{ "take the role", "admin", "DELETE", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 204, "" },
	{ "ends bob's token there", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "nothing to take", "admin", "DELETE", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 404, NULL },
	{ "give it back", "admin", "PUT", V3 "/projects/{demo}/users/{bob}/roles/a0000000000000000000000000000002", NULL, 204, "" },
	{ "a token of before stays ended", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "one of after", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "two", ""), 201, "\"name\":\"member\"", "bob-token" },
	{ "is good", "bob-token", "GET", V3 "/users/{bob}", NULL, 200, NULL },
	{ "disable bob", "admin", "PATCH", V3 "/users/{bob}", "{\"user\":{\"enabled\":false}}", 200, "\"enabled\":false" },
	{ "ends it", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "and bob's login", NULL, "POST", V3 "/auth/tokens", LOGIN("bob", "two", ""), 401, NO },
	{ "enabled is a truth value", "admin", "PATCH", V3 "/users/{bob}", "{\"user\":{\"enabled\":\"yes\"}}", 400, NULL },
	{ "enable bob", "admin", "PATCH", V3 "/users/{bob}", "{\"user\":{\"enabled\":true,\"name\":\"bobby\",\"password\":\"three\"}}", 200, "\"name\":\"bobby\"" },
	{ "by bob's id", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":\"{bob}\",\"password\":\"three\"}}},"
	  "\"scope\":{\"project\":{\"id\":\"{demo}\"}}}}", 201, NULL, "bob-token" },
	{ "disable the project", "admin", "PATCH", V3 "/projects/{demo}", "{\"project\":{\"enabled\":false}}", 200, NULL },
	{ "ends its tokens", "bob-token", "GET", V3 "/users/{bob}", NULL, 401, NO },
	{ "delete the project", "admin", "DELETE", V3 "/projects/{demo}", NULL, 204, "" },
	{ "its grants went with it", "admin", "GET", V3 "/role_assignments?user.id={bob}", NULL, 200, "\"role_assignments\":[]" },
	{ "delete bob", "admin", "DELETE", V3 "/users/{bob}", NULL, 204, "" },
	{ "bob is gone", "admin", "GET", V3 "/users/{bob}", NULL, 404, NULL },

	{ "the last admin stays", "admin", "DELETE", V3 "/users/{admin-user}", NULL, 403, "No user would be left" },
	{ "enabled", "admin", "PATCH", V3 "/users/{admin-user}", "{\"user\":{\"enabled\":false}}", 403, "No user would be left" },
	{ "with its project", "admin", "DELETE", V3 "/projects/{admin-project}", NULL, 403, "No user would be left" },
	{ "with its role", "admin", "DELETE", V3 "/projects/{admin-project}/users/{admin-user}/roles/a0000000000000000000000000000001", NULL, 403, "No user would be left" },
};

/* F13: a program's own password, from its making to its end. */
static const struct step apps[] = {
	{ "login", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" },
	{ "a project", "root", "POST", V3 "/projects", "{\"project\":{\"name\":\"shop\"}}", 201, NULL, .id = "shop" },
	{ "a user", "root", "POST", V3 "/users", "{\"user\":{\"name\":\"ann\",\"password\":\"one\",\"default_project_id\":\"{shop}\"}}", 201, NULL, .id = "ann" },
	{ "with a role", "root", "PUT", V3 "/projects/{shop}/users/{ann}/roles/" MEMBER_ROLE, NULL, 204, "" },
	{ "ann", NULL, "POST", V3 "/auth/tokens", LOGIN("ann", "one", ""), 201, NULL, "ann-token" },
	{ "ann, unscoped", NULL, "POST", V3 "/auth/tokens", LOGIN("ann", "one", ",\"scope\":\"unscoped\""), 201, NULL, "ann-bare" },
	{ "no groups", "root", "GET", V3 "/groups?domain_id=default", NULL, 200, "{\"groups\":[],\"links\":{\"self\":\"http://h:1/identity/v3/groups\",\"previous\":null,\"next\":null}}" },
	{ "groups are for the admin", "ann-token", "GET", V3 "/groups", NULL, 403, "list_groups" },
	{ "no such group", "root", "GET", V3 "/groups/x", NULL, 404, "Could not find group: x." },
	{ "ann's groups", "ann-token", "GET", V3 "/users/{ann}/groups", NULL, 200, "{\"groups\":[]," },
	{ "ann's groups, for the admin", "root", "GET", V3 "/users/{ann}/groups", NULL, 200, "{\"groups\":[]," },
	{ "groups of somebody else", "ann-token", "GET", V3 "/users/{admin-user}/groups", NULL, 403, "list_groups_for_user" },
	{ "groups of no user", "root", "GET", V3 "/users/x/groups", NULL, 404, "Could not find user: x." },
	{ "no credentials", "ann-token", "GET", V3 "/credentials?user_id=x", NULL, 200, "{\"credentials\":[]," },
	{ "no such credential", "ann-token", "GET", V3 "/credentials/x%25y", NULL, 404, "Could not find credential: x%y." },
	{ "no policies", "root", "GET", V3 "/policies", NULL, 200, "{\"policies\":[]," },
	{ "no such policy", "root", "GET", V3 "/policies/x", NULL, 404, "Could not find policy: x." },
	{ "policies are for the admin", "ann-token", "GET", V3 "/policies", NULL, 403, "list_policies" },
	{ "no limits", "ann-token", "GET", V3 "/limits/", NULL, 200, "{\"limits\":[]," },
	{ "no such limit", "ann-token", "GET", V3 "/limits/x", NULL, 404, "Could not find limit for x." },
	{ "no registered limits", "ann-token", "GET", V3 "/registered_limits", NULL, 200, "{\"registered_limits\":[]," },
	{ "no such registered limit", "ann-token", "GET", V3 "/registered_limits/groups", NULL, 404, "Could not find registered limit for groups." },
	{ "nor is a group made", "root", "POST", V3 "/groups", "{\"group\":{\"name\":\"g\"}}", 405, "POST is not supported for this resource; it has GET." },
	{ "none yet", "ann-token", "GET", APPS, NULL, 200, "\"application_credentials\":[]" },
	{ "of no project", "ann-bare", "POST", APPS, APP("\"name\":\"robot\""), 400, "belongs to a project" },
	{ "of somebody else", "root", "POST", APPS, APP("\"name\":\"robot\""), 403, "create_application_credential" },
	{ "access rules", "ann-token", "POST", APPS, APP("\"name\":\"robot\",\"access_rules\":[{\"path\":\"/v2.1/servers\",\"method\":\"GET\"}]"), 400, "access rules are not supported" },
	{ "a role that she has not", "ann-token", "POST", APPS, APP("\"roles\":[{\"name\":\"admin\"}]"), 400, "Could not find role assignment with role: admin" },
	{ "in the past", "ann-token", "POST", APPS, APP("\"expires_at\":\"2020-01-01T00:00:00Z\""), 400, "it has passed" },
	{ "at no time", "ann-token", "POST", APPS, APP("\"expires_at\":\"soon\""), 400, "must be a time" },
	{ "an empty secret", "ann-token", "POST", APPS, APP("\"secret\":\"\""), 400, "secret" },
	{ "wrong types", "ann-token", "POST", APPS, APP("\"roles\":[7]"), 400, "roles" },
	{ "make one", "ann-token", "POST", APPS, APP("\"name\":\"robot\",\"secret\":\"s3cret\",\"description\":\"d\",\"roles\":[{\"id\":\"a0000000000000000000000000000003\"}],\"access_rules\":null"),
	  201, "\"secret\":\"s3cret\"", .id = "robot" },
	{ "the name is taken", "ann-token", "POST", APPS, APP("\"name\":\"robot\""), 409, "Duplicate entry" },
	{ "it is shown without its secret", "ann-token", "GET", APPS "/{robot}", NULL, 200, "\"unrestricted\":false,\"expires_at\":null,\"roles\":[{\"id\":\"a0000000000000000000000000000003\",\"name\":\"reader\"}],\"links\"" },
	{ "also in the list", "ann-token", "GET", APPS "?name=robot", NULL, 200, "\"name\":\"reader\"}],\"links\"" },
	{ "by another name", "ann-token", "GET", APPS "?name=x", NULL, 200, "\"application_credentials\":[]" },
	{ "the admin sees it", "root", "GET", APPS "/{robot}", NULL, 200, "\"name\":\"robot\"" },
	{ "not as the admin's", "root", "GET", V3 "/users/{admin-user}/application_credentials/{robot}", NULL, 404, "Could not find Application Credential" },
	{ "no such", "ann-token", "GET", APPS "/x", NULL, 404, "Could not find Application Credential: x." },
	{ "ann does not see the admin's", "ann-token", "GET", V3 "/users/{admin-user}/application_credentials", NULL, 403, "list_application_credentials" },
	{ "log in", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "s3cret", ""), 201, "\"methods\":[\"application_credential\"]", "robot-token" },
	{ "with its role alone", "robot-token", "GET", V3 "/auth/tokens", NULL, 200, "\"roles\":[{\"id\":\"a0000000000000000000000000000003\",\"name\":\"reader\"}],\"application_credential\":{\"id\":\"{robot}\",\"name\":\"robot\",\"restricted\":true}", .subject = "robot-token" },
	{ "by name and user", NULL, "POST", V3 "/auth/tokens", BY_APP_NAME("robot", "{\"name\":\"ann\",\"domain\":{\"id\":\"default\"}}", "s3cret"), 201, NULL },
	{ "by name and user's id", NULL, "POST", V3 "/auth/tokens", BY_APP_NAME("robot", "{\"id\":\"{ann}\"}", "s3cret"), 201, NULL },
	{ "by another user's name", NULL, "POST", V3 "/auth/tokens", BY_APP_NAME("robot", "{\"name\":\"admin\",\"domain\":{\"id\":\"default\"}}", "s3cret"), 401, NO },
	{ "of another domain", NULL, "POST", V3 "/auth/tokens", BY_APP_NAME("robot", "{\"name\":\"ann\",\"domain\":{\"id\":\"x\"}}", "s3cret"), 401, NO },
	{ "by name alone", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{\"name\":\"robot\",\"secret\":\"x\"}}}}", 400, "user" },
	{ "wrong secret", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "x", ""), 401, NO },
	{ "the user's password", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "one", ""), 401, NO },
	{ "no such credential", NULL, "POST", V3 "/auth/tokens", BY_APP("x", "s3cret", ""), 401, NO },
	{ "no secret", NULL, "POST", V3 "/auth/tokens", "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{\"id\":\"x\"}}}}", 400, "secret" },
	{ "with a scope", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "s3cret", PROJECT("shop")), 401, "Application credentials cannot request a scope." },
	{ "with a scope, for any user", NULL, "POST", V3 "/auth/tokens", BY_APP("x", "x", PROJECT("shop")), 401, "Application credentials cannot request a scope." },
	{ "a token of its token", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("robot-token", ""), 201, "\"restricted\":true", "robot-again" },
	{ "for its project", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("robot-token", PROJECT("shop")), 201, "\"name\":\"reader\"}],\"application_credential\"" },
	{ "not for another", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("robot-token", PROJECT("admin")), 401, NO },
	{ "nor for none", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("robot-token", ",\"scope\":\"unscoped\""), 401, NO },
	{ "it makes no others", "robot-token", "POST", APPS, APP("\"name\":\"child\""), 403, "Using method 'application_credential' is not allowed" },
	{ "and deletes none", "robot-token", "DELETE", APPS "/{robot}", NULL, 403, "Using method 'application_credential' is not allowed" },
	{ "but looks", "robot-token", "GET", APPS, NULL, 200, "robot" },
	{ "an unrestricted one", "ann-token", "POST", APPS, APP("\"unrestricted\":true"), 201, "\"unrestricted\":true", .id = "free" },
	{ "its secret was made", "ann-token", "POST", APPS, APP("\"name\":\"keeper\",\"secret\":\"k\",\"unrestricted\":true,\"roles\":[{\"name\":\"reader\"}]"), 201, NULL, .id = "keeper" },
	{ "logs in", NULL, "POST", V3 "/auth/tokens", BY_APP("{keeper}", "k", ""), 201, "\"restricted\":false", "keeper-token" },
	{ "makes others", "keeper-token", "POST", APPS, APP("\"name\":\"child\",\"secret\":\"c\""), 201, "\"name\":\"reader\"}],\"secret\"", .id = "child" },
	{ "with no more than it has", "keeper-token", "POST", APPS, APP("\"roles\":[{\"name\":\"member\"}]"), 400, "role: member" },
	{ "deletes them", "keeper-token", "DELETE", APPS "/{child}", NULL, 204, "" },
	{ "a new password", "ann-token", "POST", V3 "/users/{ann}/password", "{\"user\":{\"password\":\"two\",\"original_password\":\"one\"}}", 204, "" },
	{ "does not end it", "robot-token", "GET", V3 "/auth/projects", NULL, 200, "shop" },
	{ "a disabled user", "root", "PATCH", V3 "/users/{ann}", "{\"user\":{\"enabled\":false}}", 200, NULL },
	{ "does", "robot-token", "GET", V3 "/auth/projects", NULL, 401, NO },
	{ "login too", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "s3cret", ""), 401, NO },
	{ "enabled", "root", "PATCH", V3 "/users/{ann}", "{\"user\":{\"enabled\":true}}", 200, NULL },
	{ "ann again", NULL, "POST", V3 "/auth/tokens", LOGIN("ann", "two", ""), 201, NULL, "ann-token" },
	{ "the robot does not come back", "robot-token", "GET", V3 "/auth/projects", NULL, 401, NO },
	{ "all went with the disabling", "ann-token", "GET", APPS, NULL, 200, "\"application_credentials\":[]" },
	{ "another robot", "ann-token", "POST", APPS, APP("\"name\":\"robot\",\"secret\":\"s3cret\""), 201, NULL, .id = "robot" },
	{ "logs in", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "s3cret", ""), 201, NULL, "robot-token" },
	{ "and by its token", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("robot-token", ""), 201, NULL, "robot-again" },
	{ "is good", "robot-again", "GET", V3 "/auth/projects", NULL, 200, "shop" },
	{ "another keeper", "ann-token", "POST", APPS, APP("\"name\":\"keeper\",\"secret\":\"k\",\"unrestricted\":true"), 201, NULL, .id = "keeper" },
	{ "logs in", NULL, "POST", V3 "/auth/tokens", BY_APP("{keeper}", "k", ""), 201, NULL, "keeper-token" },
	{ "delete it", "ann-token", "DELETE", APPS "/{robot}", NULL, 204, "" },
	{ "its tokens are over", "robot-token", "GET", V3 "/auth/projects", NULL, 401, NO },
	{ "and those by them", "robot-again", "GET", V3 "/auth/projects", NULL, 401, NO },
	{ "and it", NULL, "POST", V3 "/auth/tokens", BY_APP("{robot}", "s3cret", ""), 401, NO },
	{ "is gone", "ann-token", "DELETE", APPS "/{robot}", NULL, 404, NULL },
	{ "keeper is good", "keeper-token", "GET", V3 "/auth/projects", NULL, 200, "shop" },
	{ "take the role", "root", "DELETE", V3 "/projects/{shop}/users/{ann}/roles/" MEMBER_ROLE, NULL, 204, "" },
	{ "and give it back", "root", "PUT", V3 "/projects/{shop}/users/{ann}/roles/" MEMBER_ROLE, NULL, 204, "" },
	{ "ends keeper for good", "keeper-token", "GET", V3 "/auth/projects", NULL, 401, NO },
	{ "and ann's token", "ann-token", "GET", APPS, NULL, 401, NO },
	{ "ann", NULL, "POST", V3 "/auth/tokens", LOGIN("ann", "two", ""), 201, NULL, "ann-token" },
	{ "all went with the role", "ann-token", "GET", APPS, NULL, 200, "\"application_credentials\":[]" },
	{ "a last one", "ann-token", "POST", APPS, APP("\"name\":\"last\",\"secret\":\"l\",\"expires_at\":\"2025-10-09T10:30:00.000000\""), 201, "\"expires_at\":\"2025-10-09T10:30:00.000000\"", .id = "last" },
	{ "logs in", NULL, "POST", V3 "/auth/tokens", BY_APP("{last}", "l", ""), 201, "\"expires_at\":\"2025-10-09T10:30:00.000000Z\"", "last-token" },
};

static void run_step(const struct step *s)
{
	struct asked got = ask(s->as, s->subject, s->method, s->path, s->body);
	g_autofree char *want = s->want ? fill(s->want) : NULL;

	if (got.status != s->status || (want && !strstr(got.body, want)))
		g_error("%s: got %d %s, want %d %s", s->name, got.status, got.body, s->status, want);
	if (s->token)
		g_hash_table_replace(kept, g_strdup(s->token), value_behind(got.headers, "X-Subject-Token: ", "\r"));
	if (s->id)
		g_hash_table_replace(kept, g_strdup(s->id), value_behind(got.body, "\"id\":\"", "\""));
	g_free(got.body);
	g_free(got.headers);
}

static void test_story(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(story); i++)
		run_step(&story[i]);
}

static void restart(void)
{
	g_autoptr(GError) err = NULL;
	struct api parts = { .conf = &conf, .store = store };
	const struct route_table *const tables[] = { &token_routes, &identity_routes, &grant_routes, &app_routes, &empty_routes, &catalog_routes, &versions_routes };

	api_free_parts(api);
	identity_free(identity);
	identity = parts.identity = identity_new(&conf, store, &err);
	g_assert_no_error(err);
	api = api_new_parts(&parts, tables, G_N_ELEMENTS(tables));
}

static void test_apps(void)
{
	static const struct step after[] = {
		{ "the row is there", NULL, "POST", V3 "/auth/tokens", BY_APP("{last}", "l", ""), 201, NULL },
		{ "its token too", "last-token", "GET", V3 "/auth/projects", NULL, 200, "shop" },
	}, late[] = {
		{ "its token has ended", "last-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "it has expired", NULL, "POST", V3 "/auth/tokens", BY_APP("{last}", "l", ""), 401, NO },
		{ "root", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" },
		{ "delete the user", "root", "DELETE", V3 "/users/{ann}", NULL, 204, "" },
		{ "her credentials went with her", "root", "GET", APPS, NULL, 200, "\"application_credentials\":[]" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(apps); i++)
		run_step(&apps[i]);
	restart();
	for (size_t i = 0; i < G_N_ELEMENTS(after); i++)
		run_step(&after[i]);
	clock_advance_ms(3600 * 1000);
	for (size_t i = 0; i < G_N_ELEMENTS(late); i++)
		run_step(&late[i]);
}

/* Another state folder, with its database. Return: the message of a start that is refused; NULL if it is none */
static char *start_in(const struct conf *other, struct store *s)
{
	g_autoptr(GError) err = NULL;
	struct identity *id = identity_new(other, s, &err);

	g_assert_true(!id == !!err);
	g_assert_true(id || g_error_matches(err, ERR, ERR_CONF));
	identity_free(id);
	return err ? g_strdup(err->message) : NULL;
}

static void expect_refused(const struct conf *other, struct store *s, const char *left)
{
	g_autofree char *said = start_in(other, s), *begin = g_strdup_printf("the database has no user, but %s/%s tells of an earlier start: ", other->state_path, left);

	g_assert_nonnull(said);
	if (!g_str_has_prefix(said, begin) || !strstr(said, "Restore it") || !strstr(said, "move token.key, admin-openrc and clouds.yaml out of"))
		g_error("%s", said);
}

static void clear_folder(const char *path)
{
	static const char *const names[] = { "admin-openrc", "clouds.yaml", "token.key", "first-start", "drover.sqlite", "drover.sqlite-lock" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *file = g_build_filename(path, names[i], NULL);

		g_unlink(file);
	}
}

/* D7: an empty database beside what an earlier start has made is no first start; a first start that was cut short is. */
static void test_empty_database(void)
{
	struct conf other = conf;
	g_autofree char *folder = g_dir_make_tmp("t_identity_XXXXXX", NULL), *openrc = g_build_filename(folder, "admin-openrc", NULL);
	g_autofree char *key = g_build_filename(folder, "token.key", NULL), *mark = g_build_filename(folder, "first-start", NULL);
	g_autofree char *before = NULL, *after = NULL;
	struct store *first = store_open("sqlite://:memory:", NULL), *empty = store_open("sqlite://:memory:", NULL);

	other.state_path = folder;
	g_assert_null(start_in(&other, first));
	g_assert_false(g_file_test(mark, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_get_contents(openrc, &before, NULL, NULL));
	expect_refused(&other, empty, "token.key");
	g_assert_cmpint(g_unlink(key), ==, 0);
	expect_refused(&other, empty, "admin-openrc");
	g_assert_true(g_file_get_contents(openrc, &after, NULL, NULL));
	g_assert_cmpstr(after, ==, before);
	g_assert_null(start_in(&other, first)); /* with its users, and without the key that ended the tokens */
	g_assert_true(g_file_set_contents(mark, "", 0, NULL));
	g_assert_null(start_in(&other, empty));
	g_assert_false(g_file_test(mark, G_FILE_TEST_EXISTS));
	store_close(first);
	store_close(empty);
	clear_folder(folder);
	g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* D7: the administrator stands in the database's file, not in the log beside it alone: the file is copied while it is open. */
static void test_file_alone(void)
{
	struct conf other = conf;
	g_autofree char *folder = g_dir_make_tmp("t_identity_XXXXXX", NULL), *path = g_build_filename(folder, "drover.sqlite", NULL);
	g_autofree char *url = g_strconcat("sqlite://", path, NULL), *bytes = NULL;
	struct identity *id;
	struct store *s = store_open(url, NULL);
	gsize len;

	other.state_path = folder;
	g_assert_null(start_in(&other, s));
	g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	store_close(s);
	g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
	s = store_open(url, NULL);
	g_assert_nonnull(s);
	id = identity_new(&other, s, NULL);
	g_assert_nonnull(id);
	g_assert_nonnull(identity_user_named(id, "admin"));
	identity_free(id);
	store_close(s);
	clear_folder(folder);
	g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void asked_clear(struct asked *a)
{
	g_free(a->body);
	g_free(a->headers);
}

/*
 * D4: a client sends wrong passwords, more than the queue holds. Some of its own get 503; another client logs in, be it for the same user,
 * and what the first one no longer waits for is not hashed. A password that was right before is right at once.
 */
static void test_strangers(void)
{
	enum { MANY = 400 };
	static const struct step user = { "kim", "root", "POST", V3 "/users", "{\"user\":{\"name\":\"kim\",\"password\":\"one\"}}", 201, NULL, .id = "kim" },
				 root = { "root", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" };
	g_autofree struct asked *strange = g_new0(struct asked, MANY);
	g_autofree struct api_req **reqs = g_new0(struct api_req *, MANY);
	const struct login_counts *logins = identity_logins(identity);
	uint64_t wrong_before = logins->wrong;
	struct asked kim = { 0 }, again = { 0 }, last = { 0 };
	unsigned full = 0, answered_first = 0;

	run_step(&root);
	run_step(&user);
	for (int i = 0; i < MANY; i++) {
		reqs[i] = begin_from("198.51.100.7", NULL, NULL, "POST", V3 "/auth/tokens", LOGIN("kim", "x", ""), &strange[i]);
		full += strange[i].status == 503;
	}
	g_assert_cmpuint(full, >, 100);
	g_assert_cmpuint(identity_passwords_waiting(), ==, 256);
	(void)begin_from("192.0.2.1", NULL, NULL, "POST", V3 "/auth/tokens", LOGIN("kim", "one", ""), &kim);
	await(&kim);
	g_assert_cmpint(kim.status, ==, 201);
	for (int i = 0; i < MANY; i++)
		answered_first += strange[i].status == 401;
	/* Its turn comes behind two that were begun and one more (the order itself: t_login.c); while its worker is not run, the other one goes on. */
	g_assert_cmpuint(answered_first, <, MANY / 8);
	g_assert_cmpuint(identity_passwords_waiting(), >, 256 - MANY / 8);
	(void)begin_from("198.51.100.7", NULL, NULL, "POST", V3 "/auth/tokens", LOGIN("kim", "one", ""), &again);
	g_assert_cmpint(again.status, ==, 201); /* remembered: not even a turn */
	for (int i = 0; i < MANY; i++)
		if (!strange[i].status)
			api_req_abandon(reqs[i]);
	(void)begin_from("198.51.100.7", NULL, NULL, "POST", V3 "/auth/tokens", LOGIN("kim", "y", ""), &last);
	await(&last);
	g_assert_cmpint(last.status, ==, 401);
	g_assert_cmpuint(identity_passwords_waiting(), ==, 0);
	g_assert_cmpuint(logins->wrong - wrong_before, <, 10);
	for (int i = 0; i < MANY; i++)
		asked_clear(&strange[i]);
	asked_clear(&kim);
	asked_clear(&again);
	asked_clear(&last);
	clock_advance_ms(600 * 1000); /* the late answers, and their counts */
}

/* ---- D26 ---- */

static const struct step audited[] = {
	{ "no token", NULL, "POST", V3 "/users", "{}", 401, NO },
	{ "wrong", NULL, "POST", V3 "/auth/tokens", LOGIN("lea", "s3cret-wrong", ""), 401, NO },
	{ "root", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" },
	{ "a look", "root", "GET", V3 "/users", NULL, 200, NULL },
	{ "lea", "root", "POST", V3 "/users", "{\"user\":{\"name\":\"lea\",\"password\":\"s3cret-one\"}}", 201, NULL, .id = "lea" },
	{ "disable", "root", "PATCH", V3 "/users/{lea}?x=s3cret-query", "{\"user\":{\"enabled\":false,\"password\":\"s3cret-two\"}}", 200, NULL },
	{ "no such", "root", "DELETE", V3 "/users/x%0ay", NULL, 404, NULL },
	{ "her end", "root", "DELETE", V3 "/users/{lea}", NULL, 204, "" },
};
static const char *const audit_want[] = {
	"\"user\":null,\"user_name\":\"lea\",\"project\":null,\"method\":\"POST\",\"route\":\"" V3 "/auth/tokens\",\"path\":\"" V3 "/auth/tokens\",\"about\":null,\"status\":401}",
	"\"user\":\"{admin-user}\",\"user_name\":\"admin\",\"project\":\"{admin-project}\",\"method\":\"POST\",\"route\":\"" V3 "/auth/tokens\",\"path\":\"" V3 "/auth/tokens\",\"about\":null,\"status\":201}",
	"\"method\":\"POST\",\"route\":\"" V3 "/users\",\"path\":\"" V3 "/users\",\"about\":\"lea\",\"status\":201}",
	"\"method\":\"PATCH\",\"route\":\"" V3 "/users/{id}\",\"path\":\"" V3 "/users/{lea}\",\"about\":\"lea\",\"status\":200}",
	"\"method\":\"DELETE\",\"route\":\"" V3 "/users/{id}\",\"path\":\"" V3 "/users/x\\ny\",\"about\":null,\"status\":404}",
	"\"method\":\"DELETE\",\"route\":\"" V3 "/users/{id}\",\"path\":\"" V3 "/users/{lea}\",\"about\":null,\"status\":204}",
};

/* "{lea}" is known only after her line was written, and "{id}" stays. */
static void expect_audit(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(audit_want) + 1);
	for (size_t i = 0; i < G_N_ELEMENTS(audit_want); i++) {
		g_autofree char *want = fill(audit_want[i]);

		if (!strstr(lines[i], want) || !strstr(lines[i], "\"address\":\"192.0.2.1\"") || !strstr(lines[i], "{\"time\":\"20") ||
		    !strstr(lines[i], "\"request_id\":\"req-"))
			g_error("line %zu: %s, want %s", i, lines[i], want);
	}
	g_assert_null(strstr(text, "s3cret"));
	g_assert_null(strstr(text, g_hash_table_lookup(kept, "password")));
	g_assert_null(strstr(text, g_hash_table_lookup(kept, "root")));
}

/* D26: which user changed what, from where, and what came of it; no secret, nothing of strangers but logins, nothing of looking. */
static void test_audit_file(void)
{
	g_autofree char *path = g_build_filename(conf.state_path, "audit", NULL), *old = g_strconcat(path, ".1", NULL), *text = NULL, *more = NULL;
	struct stat st;

	g_assert_true(audit_open(path, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(audited); i++)
		run_step(&audited[i]);
	g_assert_cmpint(g_rename(path, old), ==, 0);
	audit_reopen();
	run_step(&audited[1]);
	audit_close();
	g_assert_true(g_file_get_contents(old, &text, NULL, NULL));
	expect_audit(text);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_assert_true(g_file_get_contents(path, &more, NULL, NULL));
	g_assert_nonnull(strstr(more, "\"status\":401}\n"));
	g_unlink(path);
	g_unlink(old);
}

struct heard {
	unsigned audits, failed;
};

static void hear(enum log_level level, const char *line, void *user)
{
	struct heard *h = user;

	(void)level;
	h->audits += g_str_has_prefix(line, "INFO audit ");
	h->failed += g_str_has_prefix(line, "ERROR audit_failed ");
	g_assert_null(strstr(line, "s3cret"));
}

/* The log is where it goes by default; a file that takes no line is told, a file that cannot be had is a mistake at the start. */
static void test_audit_elsewhere(void)
{
	static const struct {
		const char *where;
		struct heard want;
	} rows[] = { { "log", { G_N_ELEMENTS(audit_want), 0 } }, { "off", { 0, 0 } }, { "/dev/full", { 0, 1 } } };
	g_autoptr(GError) err = NULL;

	log_init(LOG_INFO, LOG_TEXT);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct heard got = { 0 };

		log_hook(hear, &got);
		g_assert_true(audit_open(rows[i].where, NULL));
		for (size_t k = 0; k < G_N_ELEMENTS(audited); k++)
			run_step(&audited[k]);
		audit_close();
		log_hook(NULL, NULL);
		g_assert_cmpuint(got.audits, ==, rows[i].want.audits);
		g_assert_cmpuint(got.failed, >=, rows[i].want.failed);
		g_assert_cmpuint(got.failed, <=, rows[i].want.failed * 10);
	}
	log_init(LOG_WARNING, LOG_TEXT);
	g_assert_false(audit_open("/nowhere/at/all", &err));
	g_assert_error(err, ERR, ERR_CONF);
}

#define TOGGLE(path, kind, on) "PATCH", V3 path, "{\"" kind "\":{\"enabled\":" on "}}", 200, NULL

/*
 * D12: what ended a token is undone, and the token stays ended; one that is issued after is good at once, on a clock that
 * stands. The next start knows it too, also when the clock was set back meanwhile.
 */
static void test_not_before(void)
{
	static const struct step before[] = {
		{ "root", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" },
		{ "a project", "root", "POST", V3 "/projects", "{\"project\":{\"name\":\"yard\"}}", 201, NULL, .id = "yard" },
		{ "another", "root", "POST", V3 "/projects", "{\"project\":{\"name\":\"barn\"}}", 201, NULL, .id = "barn" },
		{ "a user", "root", "POST", V3 "/users", "{\"user\":{\"name\":\"ida\",\"password\":\"one\"}}", 201, NULL, .id = "ida" },
		{ "a role", "root", "PUT", V3 "/projects/{yard}/users/{ida}/roles/" MEMBER_ROLE, NULL, 204, "" },
		{ "a role elsewhere", "root", "PUT", V3 "/projects/{barn}/users/{ida}/roles/" MEMBER_ROLE, NULL, 204, "" },
		{ "in the yard", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", PROJECT("yard")), 201, NULL, "yard-token" },
		{ "in the barn", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", PROJECT("barn")), 201, NULL, "barn-token" },
		{ "in none", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", ",\"scope\":\"unscoped\""), 201, NULL, "bare-token" },

		{ "the project", "root", TOGGLE("/projects/{yard}", "project", "false") },
		{ "again", "root", TOGGLE("/projects/{yard}", "project", "true") },
		{ "its tokens stay ended", "yard-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "no others", "barn-token", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "a later one", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", PROJECT("yard")), 201, NULL, "yard-token" },
		{ "is good", "yard-token", "GET", V3 "/auth/projects", NULL, 200, NULL },

		{ "the role", "root", "DELETE", V3 "/projects/{yard}/users/{ida}/roles/" MEMBER_ROLE, NULL, 204, "" },
		{ "again", "root", "PUT", V3 "/projects/{yard}/users/{ida}/roles/" MEMBER_ROLE, NULL, 204, "" },
		{ "its tokens stay ended", "yard-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "no others", "barn-token", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "a later one by another", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("bare-token", PROJECT("yard")), 201, NULL, "yard-token" },
		{ "is good", "yard-token", "GET", V3 "/auth/projects", NULL, 200, NULL },

		{ "the user", "root", TOGGLE("/users/{ida}", "user", "false") },
		{ "again", "root", TOGGLE("/users/{ida}", "user", "true") },
		{ "her tokens stay ended", "yard-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "all of them", "barn-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "of no project too", "bare-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "and give none", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("bare-token", PROJECT("yard")), 401, NO },
		{ "no others", "root", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "a later one", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", PROJECT("barn")), 201, NULL, "later-token" },
		{ "is good", "later-token", "GET", V3 "/auth/projects", NULL, 200, NULL },
	}, after[] = {
		{ "her tokens stay ended", "yard-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "in each", "barn-token", "GET", V3 "/auth/projects", NULL, 401, NO },
		{ "the later one is good", "later-token", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "one of now", NULL, "POST", V3 "/auth/tokens", LOGIN("ida", "one", PROJECT("yard")), 201, NULL, "now-token" },
		{ "is good", "now-token", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "her end", "root", "DELETE", V3 "/users/{ida}", NULL, 204, "" },
		{ "the yard's", "root", "DELETE", V3 "/projects/{yard}", NULL, 204, "" },
		{ "the barn's", "root", "DELETE", V3 "/projects/{barn}", NULL, 204, "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(before); i++)
		run_step(&before[i]);
	clock_set_wall(-1800 * 1000);
	restart();
	for (size_t i = 0; i < G_N_ELEMENTS(after); i++)
		run_step(&after[i]);
	clock_set_wall(1800 * 1000);
	g_assert_cmpuint(g_hash_table_size(identity->not_before), ==, 0);
}

/* The administrator's own password becomes dora's, without a hash that would have to be waited for; or she is disabled. */
static void change_dora(bool disable)
{
	struct user u = *identity_user(identity, g_hash_table_lookup(kept, "dora"));
	g_autoptr(GError) err = NULL;

	if (disable)
		u.enabled = false;
	else
		u.hash = identity_user_named(identity, "admin")->hash;
	(void)identity_user_put(identity, &u, &err);
	g_assert_no_error(err);
}

/* D8: a thief that knows the old password sends a change of it; while that is hashed the administrator resets it, or disables the user. */
static void test_own_password_late(void)
{
	static const char own[] = "{\"user\":{\"password\":\"thief\",\"original_password\":\"one\"}}";
	static const struct step steps[] = {
		{ "root", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", PROJECT("admin")), 201, NULL, "root" },
		{ "dora", "root", "POST", V3 "/users", "{\"user\":{\"name\":\"dora\",\"password\":\"one\"}}", 201, NULL, .id = "dora" },
		{ "her token", NULL, "POST", V3 "/auth/tokens", LOGIN("dora", "one", ""), 201, NULL, "dora-token" },
	}, thief = { "the thief", NULL, "POST", V3 "/auth/tokens", LOGIN("dora", "thief", ""), 401, NO },
	   reset = { "the new password", NULL, "POST", V3 "/auth/tokens", LOGIN("dora", "{password}", ""), 201, NULL },
	   end = { "her end", "root", "DELETE", V3 "/users/{dora}", NULL, 204, "" };

	for (int disable = 0; disable < 2; disable++) {
		struct asked late = { 0 };

		for (size_t k = 0; k < G_N_ELEMENTS(steps); k++)
			run_step(&steps[k]);
		begin("dora-token", NULL, "POST", V3 "/users/{dora}/password", own, &late);
		change_dora(disable);
		await(&late);
		g_assert_cmpint(late.status, ==, 401);
		g_free(late.body);
		g_free(late.headers);
		run_step(&thief);
		if (!disable)
			run_step(&reset);
		run_step(&end);
	}
}

/* A token ends with its time, one that came by it not later. */
static void test_expiry(void)
{
	static const struct step steps[] = {
		{ "login", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ""), 201, NULL, "early" },
		{ "good", "early", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "another by it", NULL, "POST", V3 "/auth/tokens", BY_TOKEN("early", ""), 201, NULL, "late" },
		{ "good too", "late", "GET", V3 "/auth/projects", NULL, 200, NULL },
		{ "ended", "early", "GET", V3 "/auth/projects", NULL, 401, NULL },
		{ "with it", "late", "GET", V3 "/auth/projects", NULL, 401, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		if (i == 2)
			clock_advance_ms(1800 * 1000);
		if (i == 4)
			clock_advance_ms(1800 * 1000);
		run_step(&steps[i]);
	}
}

/* Tokens outlive the process, revoked ones stay so. */
static void test_restart(void)
{
	static const struct step before[] = {
		{ "one", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ""), 201, NULL, "one" },
		{ "two", NULL, "POST", V3 "/auth/tokens", LOGIN("admin", "{password}", ""), 201, NULL, "two" },
		{ "revoke", "one", "DELETE", V3 "/auth/tokens", NULL, 204, "", .subject = "two" },
	}, after[] = {
		{ "good", "one", "GET", V3 "/users", NULL, 200, "\"name\":\"eve\"" },
		{ "revoked", "two", "GET", V3 "/users", NULL, 401, NO },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(before); i++)
		run_step(&before[i]);
	restart();
	for (size_t i = 0; i < G_N_ELEMENTS(after); i++)
		run_step(&after[i]);
}

static void test_versions(void)
{
	static const struct step steps[] = {
		{ "root", NULL, "GET", "/", NULL, 200, "{\"versions\":[{\"id\":\"v2.1\",\"status\":\"CURRENT\",\"version\":\"2.96\",\"min_version\":\"2.1\"" },
		{ "compute", NULL, "GET", "/v2.1/", NULL, 200, "{\"version\":{\"id\":\"v2.1\"" },
		{ "identity", NULL, "GET", "/identity", NULL, 300, "{\"versions\":{\"values\":[{\"id\":\"v3.14\"" },
		{ "identity v3", NULL, "GET", "/identity/v3/", NULL, 200, "\"href\":\"http://h:1/identity/v3/\"" },
		{ "its other name", NULL, "GET", "/v3", NULL, 200, "{\"version\":{\"id\":\"v3.14\"" },
		{ "image", NULL, "GET", "/image", NULL, 300, "\"href\":\"http://h:1/image/v2/\"" },
		{ "image versions", NULL, "GET", "/image/versions", NULL, 200, "\"href\":\"http://h:1/image/v2/\"" },
		{ "network", NULL, "GET", "/network", NULL, 200, "\"href\":\"http://h:1/network/v2.0/\"" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
		run_step(&steps[i]);
}

static char *read_state(const char *name, unsigned *ret_mode)
{
	g_autofree char *path = g_build_filename(conf.state_path, name, NULL);
	char *text = NULL;
	struct stat st;

	if (!g_file_get_contents(path, &text, NULL, NULL) || stat(path, &st) != 0)
		g_error("no %s", path);
	*ret_mode = st.st_mode & 0777;
	return text;
}

/* The files of the first start, and again where the URL changed. */
static void test_files(void)
{
	static const char *const names[] = { "admin-openrc", "clouds.yaml" };
	const char *password = g_hash_table_lookup(kept, "password");

	g_assert_cmpuint(strlen(password), >=, 20);
	g_assert_true(identity_publish(identity, "https://cloud:1", NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		unsigned mode;
		g_autofree char *text = read_state(names[i], &mode);

		g_assert_cmpuint(mode, ==, 0600);
		g_assert_nonnull(strstr(text, "'https://cloud:1/identity/v3'"));
		g_assert_nonnull(strstr(text, password));
		g_assert_null(strstr(text, "127.0.0.1"));
	}
}

static void remove_state(void)
{
	static const char *const names[] = { "admin-openrc", "clouds.yaml", "token.key" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(conf.state_path, names[i], NULL);

		g_unlink(path);
	}
	g_assert_cmpint(g_rmdir(conf.state_path), ==, 0);
}

static void keep_admin(void)
{
	unsigned mode;
	g_autofree char *openrc = read_state("admin-openrc", &mode);

	g_hash_table_replace(kept, g_strdup("password"), value_behind(openrc, "OS_PASSWORD='", "'"));
	g_hash_table_replace(kept, g_strdup("admin-user"), g_strdup(identity_user_named(identity, "admin")->id));
	g_hash_table_replace(kept, g_strdup("admin-project"), g_strdup(identity_project_named(identity, "admin")->id));
}

int main(int argc, char **argv)
{
	g_autoptr(GError) err = NULL;
	int failed;

	g_test_init(&argc, &argv, NULL);
	log_init(LOG_WARNING, LOG_TEXT);
	loop_init();
	clock_manual(T0);
	kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	conf.state_path = g_dir_make_tmp("t_identity_XXXXXX", NULL);
	store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	restart();
	keep_admin();
	g_test_add_func("/identity/story", test_story);
	g_test_add_func("/identity/own-password-late", test_own_password_late);
	g_test_add_func("/identity/D12/not-before", test_not_before);
	g_test_add_func("/identity/D7/empty-database", test_empty_database);
	g_test_add_func("/identity/D7/file-alone", test_file_alone);
	g_test_add_func("/identity/D4/strangers", test_strangers);
	g_test_add_func("/identity/D26/file", test_audit_file);
	g_test_add_func("/identity/D26/elsewhere", test_audit_elsewhere);
	g_test_add_func("/identity/expiry", test_expiry);
	g_test_add_func("/identity/restart", test_restart);
	g_test_add_func("/identity/application-credentials", test_apps);
	g_test_add_func("/identity/versions", test_versions);
	g_test_add_func("/identity/files", test_files);
	failed = g_test_run();
	api_free_parts(api);
	identity_free(identity);
	store_close(store);
	remove_state();
	g_free(conf.state_path);
	g_hash_table_unref(kept);
	return failed;
}
