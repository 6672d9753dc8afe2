/* SPDX-License-Identifier: Apache-2.0
 *
 * POST, GET, HEAD, DELETE /identity/v3/auth/tokens, and what a token may do.
 *
 * A failed login says the same whatever was wrong, after the same time: a hash
 * is computed for users that do not exist too, and the answer waits a little, the longer the more were wrong before.
 */
#include "api/identity/tokens.h"

#include <arpa/inet.h>
#include <string.h>

#include "api/http/handler.h"
#include "api/identity/body.h"
#include "api/identity/catalog.h"
#include "api/identity/view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/often.h"
#include "base/util.h"
#include "identity/app_credential.h"
#include "identity/guess.h"
#include "identity/password.h"
#include "identity/token.h"

/* ---- what a token says ---- */

static void write_ref(struct jout *o, const char *key, const char *id, const char *name, bool domain)
{
	jout_key(o, key);
	jout_open(o, '{');
	jout_kv(o, "id", str, id);
	jout_kv(o, "name", str, name);
	if (domain)
		write_ref(o, "domain", DOMAIN_ID, DOMAIN_NAME, false);
	if (strcmp(key, "user") == 0)
		jout_kv(o, "password_expires_at", str, NULL);
	jout_close(o, '}');
}

/* With microseconds and a Z, as Keystone has it. */
static void write_time(struct jout *o, const char *key, int64_t wall_us)
{
	char text[UTIL_TIME_MAX + 1];

	util_time_us(text, wall_us);
	strcat(text, "Z");
	jout_kv(o, key, str, text);
}

static void write_methods(struct jout *o, unsigned methods)
{
	jout_key(o, "methods");
	jout_open(o, '[');
	if (methods & TOKEN_PASSWORD)
		jout_str(o, "password");
	if (methods & TOKEN_TOKEN)
		jout_str(o, "token");
	if (methods & TOKEN_APP)
		jout_str(o, "application_credential");
	jout_close(o, ']');
}

static void write_app(struct jout *o, const struct auth *t)
{
	jout_key(o, "application_credential");
	jout_open(o, '{');
	jout_kv(o, "id", str, t->app_id);
	jout_kv(o, "name", str, t->app_name);
	jout_kv(o, "restricted", bool, !t->app_unrestricted);
	jout_close(o, '}');
}

static void write_token(struct jout *o, const struct api_req *r, const struct auth *t)
{
	jout_open(o, '{');
	write_methods(o, t->methods);
	write_ref(o, "user", t->user_id, t->user_name, true);
	jout_key(o, "audit_ids");
	jout_open(o, '[');
	jout_str(o, t->audit_id);
	jout_close(o, ']');
	write_time(o, "issued_at", t->issued_us);
	write_time(o, "expires_at", t->expires_us);
	if (t->project_id) {
		write_ref(o, "project", t->project_id, t->project_name, true);
		jout_kv(o, "is_domain", bool, false);
		jout_key(o, "roles");
		identity_write_roles(o, t->roles);
		if (t->app_id)
			write_app(o, t);
		if (!api_query(r, "nocatalog")) {
			jout_key(o, "catalog");
			catalog_write(o, r);
		}
	}
	jout_close(o, '}');
}

static void reply_token(struct api_req *r, int status, const char *token, const struct auth *a)
{
	struct jout o;
	GString *s = identity_one(&o, r, "token");

	write_token(&o, r, a);
	api_header(r, "X-Subject-Token", token);
	identity_one_reply(&o, r, status, s);
}

/* ---- getting one ---- */

struct login {
	struct api_req *r;
	struct identity *id;
	struct auth_request asked;
	char client[INET6_ADDRSTRLEN];
	char *user_id;             /* NULL: there is no such user */
	char *app_id;              /* NULL: there is no such application credential, or it is not good */
};

static void login_free(struct login *l)
{
	auth_request_clear(&l->asked);
	g_free(l->user_id);
	g_free(l->app_id);
	g_free(l);
}

static void refuse(struct api_req *r)
{
	api_fail_new(r, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
}

static void refuse_late(void *user)
{
	struct login *l = user;

	refuse(l->r);
	login_free(l);
}

static bool wanted(const void *user)
{
	return api_wanted(((const struct login *)user)->r);
}

/* As it was asked for, whether there is such a user or not. */
static const char *name_of(const struct auth_request *a)
{
	const char *names[] = { a->user_name, a->user_id, a->app_id, a->app_name };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i])
			return names[i];
	return "";
}

/* One client: an IPv4 address, or an IPv6 network of 64 bits, of which a client has all addresses. */
static void client_of(const struct api_req *r, char ret[static INET6_ADDRSTRLEN])
{
	struct in6_addr a;

	g_strlcpy(ret, r->peer ? r->peer : "", INET6_ADDRSTRLEN);
	if (inet_pton(AF_INET6, ret, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return;
	memset(a.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &a, ret, INET6_ADDRSTRLEN);
}

/* Each, but of those that have waited for longest already. */
static void tell_wrong(const struct login *l, unsigned delay_ms)
{
	static struct often often;
	uint64_t held = 0;

	if (delay_ms < GUESS_DELAY_MAX_MS || often_tell(&often, &held))
		log_info("login_failed", LOG_S("request_id", l->r->request_id), LOG_S("address", l->r->peer),
			 LOG_S("user", l->asked.user_name ? l->asked.user_name : l->asked.user_id),
			 LOG_S("application_credential", l->asked.app_name ? l->asked.app_name : l->asked.app_id), LOG_D("delay_ms", delay_ms),
			 LOG_D("held", (int64_t)held));
}

/* It was wrong, which is said later the more were wrong before. */
static void wrong(struct login *l)
{
	unsigned delay_ms = identity_login_wrong(l->id, l->client, name_of(&l->asked));

	api_login(l->r, NULL, name_of(&l->asked), NULL);
	tell_wrong(l, delay_ms);
	clock_after(delay_ms, refuse_late, l);
}

/* The token was given, and with it the request is gone. */
static void right(struct login *l)
{
	identity_login_accepted(l->id, name_of(&l->asked));
	login_free(l);
}

/* Return: true if it was not looked at: @err tells why, or the client has gone. Then it is answered. */
static bool not_checked(struct login *l, const GError *err)
{
	if (!err && api_wanted(l->r))
		return false;
	if (err) {
		identity_login_unavailable(l->id);
		api_header(l->r, "Retry-After", "2");
		api_fail(l->r, g_error_copy(err));
	} else {
		refuse(l->r);
	}
	login_free(l);
	return true;
}

static void check(struct login *l, const char *hash, password_done_f *done)
{
	struct password_from from = { l->client, name_of(&l->asked) };

	client_of(l->r, l->client);
	password_check(l->asked.secret, hash, &from, wanted, done, l);
}

/* The project of a token to be. Return: false if the user may not have it. @ret: NULL for an unscoped one */
static bool choose_project(const struct identity *id, const struct user *u, const struct auth_request *a, const struct project **ret)
{
	const char *wanted = a->scope == SCOPE_DEFAULT ? u->default_project_id : a->project_id;
	const struct project *p = NULL;
	g_auto(GStrv) roles = NULL;

	*ret = NULL;
	if (a->scope == SCOPE_OTHER)
		return false;
	if (a->scope == SCOPE_NONE || (a->scope == SCOPE_DEFAULT && !wanted))
		return true;
	p = wanted ? identity_project(id, wanted) : identity_project_named(id, a->project_name);
	roles = p && p->enabled ? identity_roles(id, u->id, p->id) : NULL;
	*ret = roles ? p : NULL;
	return roles || a->scope == SCOPE_DEFAULT;
}

/* Give the token itself. Return: false if it is not good. */
static bool hand_out(struct api_req *r, const char *token, token_reply_f *reply)
{
	struct auth *auth = identity_check(api_identity(r), token, NULL);

	if (!auth)
		return false;
	api_login(r, auth->user_id, auth->user_name, auth->project_id);
	if (reply)
		reply(r, token, auth);
	else
		reply_token(r, 201, token, auth);
	auth_free(auth);
	return true;
}

/* The user is authenticated. Return: false if the scope asked for is not the user's. */
static bool give(struct api_req *r, const struct user *u, const struct auth_request *a, unsigned methods, int64_t expires_us)
{
	struct identity *id = api_identity(r);
	const struct project *p;
	g_autofree char *token = NULL;

	if (!choose_project(id, u, a, &p))
		return false;
	token = identity_issue(id, u, p ? p->id : NULL, methods, expires_us);
	return hand_out(r, token, a->reply);
}

/* A password_done_f. */
static void checked(const char *hash, bool ok, const GError *err, void *user)
{
	struct login *l = user;
	const struct user *u = l->user_id ? identity_user(api_identity(l->r), l->user_id) : NULL;

	if (not_checked(l, err))
		return;
	/* The user may have been changed meanwhile. */
	if (ok && u && u->enabled && strcmp(u->hash, hash) == 0 && give(l->r, u, &l->asked, TOKEN_PASSWORD, 0))
		right(l);
	else
		wrong(l);
}

void tokens_by_password(struct api_req *r, struct auth_request *a)
{
	struct identity *id = api_identity(r);
	const struct user *u = a->user_id ? identity_user(id, a->user_id) : identity_user_named(id, a->user_name);
	struct login *l = g_new0(struct login, 1);

	l->r = r;
	l->id = id;
	l->asked = *a;
	*a = (struct auth_request){ 0 };
	l->user_id = u && u->enabled && !l->asked.other ? g_strdup(u->id) : NULL;
	check(l, l->user_id && u->hash[0] == '$' ? u->hash : NULL, checked);
}

/* The same for a program. A password_done_f. */
static void app_checked(const char *hash, bool ok, const GError *err, void *user)
{
	struct login *l = user;
	struct identity *id = api_identity(l->r);
	const struct app_credential *c = l->app_id ? app_credential_get(id, l->app_id) : NULL;
	g_autofree char *token = NULL;

	if (not_checked(l, err))
		return;
	/* It may be gone meanwhile. */
	if (ok && c && strcmp(c->hash, hash) == 0)
		token = identity_issue_app(id, c, TOKEN_APP, 0);
	if (token && hand_out(l->r, token, l->asked.reply))
		right(l);
	else
		wrong(l);
}

static const struct app_credential *find_app(const struct identity *id, const struct auth_request *a)
{
	const struct user *u;

	if (a->app_id)
		return app_credential_get(id, a->app_id);
	u = a->user_id ? identity_user(id, a->user_id) : identity_user_named(id, a->user_name);
	return u && !a->other ? app_credential_named(id, u->id, a->app_name) : NULL;
}

static void by_app(struct api_req *r, struct auth_request *a)
{
	struct identity *id = api_identity(r);
	const struct app_credential *c = find_app(id, a);
	g_auto(GStrv) roles = c ? app_credential_roles(id, c) : NULL;
	struct login *l;

	/* Whatever the credential is, so this gives nothing away. */
	if (a->scope != SCOPE_DEFAULT) {
		api_fail_new(r, ERR_UNAUTHORIZED,
			     "Error authenticating with application credential: Application credentials cannot request a scope.");
		return;
	}
	l = g_new0(struct login, 1);
	l->r = r;
	l->id = id;
	l->asked = *a;
	*a = (struct auth_request){ 0 };
	l->app_id = roles ? g_strdup(c->id) : NULL;
	check(l, roles ? c->hash : NULL, app_checked);
}

/* Of a token that came by an application credential: what it gives stays the credential's. */
static bool give_again(struct api_req *r, const struct auth *old, const struct auth_request *a, unsigned methods)
{
	struct identity *id = api_identity(r);
	const struct app_credential *c = app_credential_get(id, old->app_id);
	const struct project *p = NULL;
	g_autofree char *token = NULL;

	if (a->scope == SCOPE_PROJECT)
		p = a->project_id ? identity_project(id, a->project_id) : identity_project_named(id, a->project_name);
	if (!c || (a->scope != SCOPE_DEFAULT && (!p || strcmp(p->id, c->project_id) != 0)))
		return false;
	token = identity_issue_app(id, c, methods, old->expires_us);
	return hand_out(r, token, a->reply);
}

/* A token for another scope lives no longer than the one it came by. */
static void by_token(struct api_req *r, const struct auth_request *a)
{
	struct identity *id = api_identity(r);
	struct auth *old = identity_check(id, a->token_id, NULL);
	const struct auth *t = old;
	const struct user *u = old ? identity_user(id, old->user_id) : NULL;
	unsigned methods = old ? t->methods | TOKEN_TOKEN : 0;

	if (!u || a->other || !(t->app_id ? give_again(r, t, a, methods) : give(r, u, a, methods, old->expires_us)))
		refuse(r);
	auth_free(old);
}

static void create(struct api_req *r)
{
	g_autoptr(json_t) root = NULL;
	struct auth_request a = { 0 };
	GError *err = NULL;

	root = api_parse_body(r, &err);
	if (!root || !auth_request_parse(root, &a, &err)) {
		api_fail(r, err);
		return;
	}
	/* Said of any request alike, before a user is looked for. */
	if (a.unsupported)
		api_fail_new(r, ERR_UNAUTHORIZED, "Attempted to authenticate with an unsupported %s.", a.unsupported);
	else if (a.app)
		by_app(r, &a);
	else if (a.password)
		tokens_by_password(r, &a);
	else if (a.token)
		by_token(r, &a);
	else
		refuse(r);
	auth_request_clear(&a);
}

/* ---- showing and ending one ---- */

/* The token in X-Subject-Token, if the asker may see it; else the request was answered. */
static struct auth *subject(struct api_req *r, const char *rule)
{
	struct auth *a = r->subject_token ? identity_check(api_identity(r), r->subject_token, NULL) : NULL;

	if (!a) {
		api_fail_new(r, ERR_NOT_FOUND, "Could not find token.");
		return NULL;
	}
	if (r->auth->admin || strcmp(a->user_id, r->auth->user_id) == 0)
		return a;
	auth_free(a);
	api_forbid(r, rule);
	return NULL;
}

static void show(struct api_req *r)
{
	struct auth *a = subject(r, "identity:validate_token");

	if (!a)
		return;
	reply_token(r, 200, r->subject_token, a);
	auth_free(a);
}

static void end(struct api_req *r)
{
	struct auth *a = subject(r, "identity:revoke_token");
	GError *err = NULL;

	if (!a)
		return;
	if (identity_revoke(api_identity(r), a, &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
	auth_free(a);
}

static const struct route routes[] = {
	{ "POST",   "/identity/v3/auth/tokens", "identity:authenticate",   create, .body = &auth_body },
	{ "GET",    "/identity/v3/auth/tokens", "identity:validate_token", show },
	{ "DELETE", "/identity/v3/auth/tokens", "identity:revoke_token",   end },
};
const struct route_table token_routes = { routes, G_N_ELEMENTS(routes) };
