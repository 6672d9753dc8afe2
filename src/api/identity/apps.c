/* SPDX-License-Identifier: Apache-2.0
 *
 * /identity/v3/users/{id}/application_credentials. A user's own; administrators
 * may look at them and delete them, but not make them: a secret is its user's alone.
 */
#include <string.h>

#include "api/identity/body.h"
#include "api/identity/view.h"
#include "base/clock.h"
#include "base/util.h"
#include "identity/app_credential.h"
#include "identity/password.h"

#define SECRET_LEN 64

/* ---- views ---- */

/* @secret: shown when it is made; NULL: never again */
static void write_one(struct jout *o, const struct api_req *r, const struct app_credential *c, const char *secret)
{
	g_autofree char *path = g_strconcat("users/", c->user_id, "/application_credentials", NULL);

	jout_open(o, '{');
	jout_kv(o, "id", str, c->id);
	jout_kv(o, "name", str, c->name);
	jout_kv(o, "description", str, c->description);
	jout_kv(o, "user_id", str, c->user_id);
	jout_kv(o, "project_id", str, c->project_id);
	jout_kv(o, "unrestricted", bool, c->unrestricted);
	jout_kv(o, "expires_at", time_us, c->expires_us);
	jout_key(o, "roles");
	identity_write_roles(o, c->roles);
	if (secret)
		jout_kv(o, "secret", str, secret);
	identity_links(o, r, path, c->id);
	jout_close(o, '}');
}

static void reply_one(struct api_req *r, int status, const struct app_credential *c, const char *secret)
{
	struct jout o;
	GString *s = identity_one(&o, r, "application_credential");

	write_one(&o, r, c, secret);
	identity_one_reply(&o, r, status, s);
}

/* ---- permissions ---- */

static bool may_see(struct api_req *r, const char *rule)
{
	return identity_own(r, r->param[0], rule);
}

/* A program with a restricted credential must not be able to keep its access by others. */
static bool may_manage(struct api_req *r)
{
	const struct auth *t = r->auth;

	if (!t->app_id || t->app_unrestricted)
		return true;
	api_forbid(r, "Using method 'application_credential' is not allowed for managing additional application credentials");
	return false;
}

/* The credential of the path. Return: NULL after the request was answered. */
static struct app_credential *the_one(struct api_req *r)
{
	struct app_credential *c = app_credential_get(api_identity(r), r->param[1]);

	if (c && strcmp(c->user_id, r->param[0]) == 0)
		return c;
	api_fail_new(r, ERR_NOT_FOUND, "Could not find Application Credential: %s.", r->param[1]);
	return NULL;
}

/* ---- looking ---- */

static void list(struct api_req *r)
{
	const GPtrArray *apps = identity_apps(api_identity(r));
	struct jout o;
	GString *s;

	if (!may_see(r, "identity:list_application_credentials"))
		return;
	s = identity_list(&o, r, "application_credentials");
	for (unsigned i = 0; i < apps->len; i++) {
		const struct app_credential *c = apps->pdata[i];

		if (strcmp(c->user_id, r->param[0]) == 0 && identity_asked(r, "name", c->name))
			write_one(&o, r, c, NULL);
	}
	identity_list_reply(&o, r, s);
}

static void show(struct api_req *r)
{
	struct app_credential *c = may_see(r, "identity:get_application_credential") ? the_one(r) : NULL;

	if (c)
		reply_one(r, 200, c, NULL);
}

static void delete(struct api_req *r)
{
	GError *err = NULL;

	if (!may_see(r, "identity:delete_application_credential") || !may_manage(r) || !the_one(r))
		return;
	if (app_credential_delete(api_identity(r), r->param[1], &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

/* ---- making one ---- */

struct making {
	struct api_req *r;
	struct app_body body;
	struct app_credential *new;
};

static void making_free(struct making *m)
{
	app_body_clear(&m->body);
	app_credential_free(m->new);
	g_free(m);
}

/* Those that were asked for, of those that the token has; where none was asked for all of them. Return: NULL with @err. */
static char **choose_roles(const struct auth *a, char *const *wanted, GError **err)
{
	g_autoptr(GStrvBuilder) b = g_strv_builder_new();

	if (!wanted || !*wanted)
		return g_strdupv(a->roles);
	for (; *wanted; wanted++) {
		enum role role;

		if (!identity_role(*wanted, &role) || !g_strv_contains((const char *const *)a->roles, role_table[role].name)) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid application credential: Could not find role assignment with role: %.64s, "
				    "user or group: %s, project, domain, or system: %s.", *wanted, a->user_id, a->project_id);
			return NULL;
		}
		g_strv_builder_add(b, role_table[role].name);
	}
	return g_strv_builder_end(b);
}

/* Return: NULL with @err. */
static struct app_credential *build(const struct auth *a, const struct app_body *body, GError **err)
{
	g_auto(GStrv) roles = NULL;
	struct app_credential *c;

	if (!a->project_id) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "An application credential belongs to a project: ask with a token that is scoped to one.");
		return NULL;
	}
	if (body->expires_us && body->expires_us <= clock_wall_us()) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field 'application_credential.expires_at': it has passed");
		return NULL;
	}
	roles = choose_roles(a, body->roles, err);
	if (!roles)
		return NULL;
	c = g_new0(struct app_credential, 1);
	c->id = identity_id_new();
	c->user_id = g_strdup(a->user_id);
	c->project_id = g_strdup(a->project_id);
	c->name = g_strdup(body->name ? body->name : c->id);
	c->description = g_strdup(body->description);
	c->roles = g_steal_pointer(&roles);
	c->unrestricted = body->unrestricted;
	c->expires_us = body->expires_us;
	c->created_us = clock_wall_us();
	return c;
}

static bool making_wanted(const void *user)
{
	return api_wanted(((const struct making *)user)->r);
}

/* A password_done_f. */
static void hashed(const char *hash, bool ok, const GError *why, void *user)
{
	struct making *m = user;
	struct app_credential *c = m->new;
	g_auto(GStrv) roles = NULL;
	GError *err = NULL;

	(void)ok;
	c->hash = g_strdup(hash);
	/* The role, or the user, may be gone meanwhile. */
	roles = app_credential_roles(api_identity(m->r), c);
	if (why) {
		api_header(m->r, "Retry-After", "2");
		err = g_error_copy(why);
	} else if (!hash || !roles)
		g_set_error(&err, ERR, ERR_BAD_REQUEST, "Invalid application credential: its user or roles have changed meanwhile.");
	if (!err && app_credential_add(api_identity(m->r), c, &err)) {
		m->new = NULL;
		reply_one(m->r, 201, c, m->body.secret);
	} else {
		api_fail(m->r, err);
	}
	making_free(m);
}

static void create(struct api_req *r)
{
	struct making *m;
	g_autoptr(json_t) root = NULL;
	GError *err = NULL;

	if (strcmp(r->auth->user_id, r->param[0]) != 0) {
		api_forbid(r, "identity:create_application_credential");
		return;
	}
	if (!may_manage(r))
		return;
	m = g_new0(struct making, 1);
	m->r = r;
	root = api_parse_body(r, &err);
	if (root && app_body_parse(root, &m->body, &err))
		m->new = build(r->auth, &m->body, &err);
	if (m->new)
		api_about(r, m->new->id);
	if (m->new && !m->body.secret)
		m->body.secret = password_random(SECRET_LEN);
	if (m->new) {
		password_hash(m->body.secret, &(struct password_from){ r->auth->audit_id, r->auth->user_id }, making_wanted, hashed, m);
		return;
	}
	api_fail(r, err);
	making_free(m);
}

#define OF_USER "/identity/v3/users/{user}/application_credentials"

static const struct route routes[] = {
	{ "GET",    OF_USER,         "identity:list_application_credentials",  list },
	{ "POST",   OF_USER,         "identity:create_application_credential", create, .body = &app_credential_body },
	{ "GET",    OF_USER "/{id}", "identity:get_application_credential",    show },
	{ "DELETE", OF_USER "/{id}", "identity:delete_application_credential", delete },
};
const struct route_table app_routes = { routes, G_N_ELEMENTS(routes) };
