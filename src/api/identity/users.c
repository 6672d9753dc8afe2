/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and projects of Identity v3, and the one domain they are in.
 */
#include <string.h>

#include "api/identity/body.h"
#include "api/identity/view.h"
#include "base/clock.h"
#include "base/util.h"
#include "identity/accounts.h"
#include "identity/password.h"

#define NO_PASSWORD "*" /* in place of a hash: no password matches it */

/* ---- views ---- */

static void write_user(struct jout *o, const struct api_req *r, const struct user *u)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, u->id);
	jout_kv(o, "name", str, u->name);
	jout_kv(o, "domain_id", str, DOMAIN_ID);
	jout_kv(o, "enabled", bool, u->enabled);
	if (u->default_project_id)
		jout_kv(o, "default_project_id", str, u->default_project_id);
	jout_kv(o, "password_expires_at", str, NULL);
	jout_kv(o, "options", raw, "{}");
	identity_links(o, r, "users", u->id);
	jout_close(o, '}');
}

static void write_project(struct jout *o, const struct api_req *r, const struct project *p)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, p->id);
	jout_kv(o, "name", str, p->name);
	jout_kv(o, "description", str, p->description);
	jout_kv(o, "domain_id", str, DOMAIN_ID);
	jout_kv(o, "parent_id", str, DOMAIN_ID);
	jout_kv(o, "enabled", bool, p->enabled);
	jout_kv(o, "is_domain", bool, false);
	jout_kv(o, "tags", raw, "[]");
	jout_kv(o, "options", raw, "{}");
	identity_links(o, r, "projects", p->id);
	jout_close(o, '}');
}

static void reply_user(struct api_req *r, int status, const struct user *u)
{
	struct jout o;
	GString *s = identity_one(&o, r, "user");

	write_user(&o, r, u);
	identity_one_reply(&o, r, status, s);
}

static void reply_project(struct api_req *r, int status, const struct project *p)
{
	struct jout o;
	GString *s = identity_one(&o, r, "project");

	write_project(&o, r, p);
	identity_one_reply(&o, r, status, s);
}

static bool asked_enabled(const struct api_req *r, bool enabled)
{
	g_autoptr(GError) err = NULL;
	bool wanted;

	/* A word that is neither filters nothing, as with Keystone. */
	return !api_query_bool(r, "enabled", enabled, &wanted, &err) || wanted == enabled;
}

/* ---- permissions ---- */

/* The user of {id}, or NULL after the request was answered. */
static struct user *the_user(struct api_req *r)
{
	struct user *u = identity_user(api_identity(r), r->param[0]);

	if (!u)
		api_fail_new(r, ERR_NOT_FOUND, "Could not find user: %s.", r->param[0]);
	return u;
}

static struct project *the_project(struct api_req *r)
{
	struct project *p = identity_project(api_identity(r), r->param[0]);

	if (!p)
		api_fail_new(r, ERR_NOT_FOUND, "Could not find project: %s.", r->param[0]);
	return p;
}

/* Reads the body. Return: false after the request was answered. */
static bool read_body(struct api_req *r, const struct api_body *body, struct record_body *ret)
{
	g_autoptr(json_t) root = NULL;
	GError *err = NULL;

	root = api_parse_body(r, &err);
	if (root && record_body_parse(root, body, ret, &err)) {
		if (!ret->domain_id || strcmp(ret->domain_id, DOMAIN_ID) == 0)
			return true;
		g_set_error(&err, ERR, ERR_BAD_REQUEST, "Could not find domain: %s.", ret->domain_id);
		record_body_clear(ret);
	}
	api_fail(r, err);
	return false;
}

/* ---- users ---- */

static void user_list(struct api_req *r)
{
	const GPtrArray *users = identity_users(api_identity(r));
	struct jout o;
	GString *s = identity_list(&o, r, "users");

	for (unsigned i = 0; i < users->len; i++) {
		const struct user *u = users->pdata[i];

		if (identity_asked(r, "name", u->name) && identity_asked(r, "domain_id", DOMAIN_ID) && asked_enabled(r, u->enabled))
			write_user(&o, r, u);
	}
	identity_list_reply(&o, r, s);
}

static void user_show(struct api_req *r)
{
	struct user *u = identity_own(r, r->param[0], "identity:get_user") ? the_user(r) : NULL;

	if (u)
		reply_user(r, 200, u);
}

static void user_delete(struct api_req *r)
{
	GError *err = NULL;

	if (identity_user_delete(api_identity(r), r->param[0], &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

/* A user to be written when its password's hash is there. */
struct user_change {
	struct api_req *r;
	struct record_body b;
	bool create;
	char *checked; /* own password: the hash that the old one was checked against */
};

static void change_free(struct user_change *c)
{
	record_body_clear(&c->b);
	g_free(c->checked);
	g_free(c);
}

static bool check_default_project(const struct identity *id, const struct record_body *b, GError **err)
{
	if (!b->default_project_id || identity_project(id, b->default_project_id))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Could not find project: %s.", b->default_project_id);
	return false;
}

/* Writes what was asked for, on what is there now. @hash: NULL leaves the password */
static void write_change(struct user_change *c, const char *hash)
{
	struct api_req *r = c->r;
	struct identity *id = api_identity(r);
	g_autofree char *new_id = c->create ? identity_id_new() : NULL;
	const struct user *old = c->create ? NULL : identity_user(id, r->param[0]);
	struct user u = { .id = new_id, .hash = (char *)NO_PASSWORD, .enabled = true, .created_us = clock_wall_us() };
	GError *err = NULL;

	if (!c->create && !old) {
		api_fail_new(r, ERR_NOT_FOUND, "Could not find user: %s.", r->param[0]);
		return;
	}
	if (old)
		u = *old;
	if (hash)
		u.hash = (char *)hash;
	if (c->b.name)
		u.name = c->b.name;
	if (c->b.enabled_given)
		u.enabled = c->b.enabled;
	if (c->b.default_project_id || c->b.no_default_project)
		u.default_project_id = c->b.default_project_id;
	api_about(r, u.name);
	if (check_default_project(id, &c->b, &err) && identity_user_put(id, &u, &err))
		reply_user(r, c->create ? 201 : 200, identity_user(id, u.id));
	else
		api_fail(r, err);
}

static bool change_wanted(const void *user)
{
	return api_wanted(((const struct user_change *)user)->r);
}

/* The place in the queue of one that has a token: not among those that try to get one. */
static struct password_from from_holder(const struct api_req *r)
{
	return (struct password_from){ r->auth->audit_id, r->auth->user_id };
}

/* Return: true if nothing was hashed, which was answered. */
static bool change_failed(struct user_change *c, const GError *err)
{
	if (!err)
		return false;
	api_header(c->r, "Retry-After", "2");
	api_fail(c->r, g_error_copy(err));
	change_free(c);
	return true;
}

/* A password_done_f. */
static void change_hashed(const char *hash, bool ok, const GError *err, void *user)
{
	struct user_change *c = user;

	(void)ok;
	if (change_failed(c, err))
		return;
	if (hash)
		write_change(c, hash);
	else
		api_fail_new(c->r, ERR_BAD_REQUEST, "The password could not be hashed.");
	change_free(c);
}

static void change(struct api_req *r, bool create)
{
	struct user_change *c = g_new0(struct user_change, 1);
	struct password_from from = from_holder(r);

	c->r = r;
	c->create = create;
	if (!read_body(r, &user_body, &c->b)) {
		change_free(c);
		return;
	}
	if (create && !c->b.name) {
		api_fail_new(r, ERR_BAD_REQUEST, "Invalid input for field 'user.name': it is a required property");
	} else if (!c->b.password) {
		write_change(c, NULL);
	} else {
		password_hash(c->b.password, &from, change_wanted, change_hashed, c);
		return;
	}
	change_free(c);
}

static void user_create(struct api_req *r)
{
	change(r, true);
}

static void user_update(struct api_req *r)
{
	if (the_user(r))
		change(r, false);
}

/* The second step of a password's change: the old one was right. */
/* D8: hashing takes a while. An administrator that disables the user meanwhile, or sets another password, has the last word. */
static void own_hashed(const char *hash, bool ok, const GError *why, void *user)
{
	struct user_change *c = user;
	struct identity *id = api_identity(c->r);
	const struct user *old = identity_user(id, c->r->param[0]);
	struct user u;
	GError *err = NULL;

	(void)ok;
	if (change_failed(c, why))
		return;
	if (!hash || !old) {
		api_fail_new(c->r, ERR_BAD_REQUEST, "The password could not be changed.");
	} else if (!old->enabled || g_strcmp0(old->hash, c->checked) != 0) {
		api_fail_new(c->r, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
	} else {
		u = *old;
		u.hash = (char *)hash;
		if (identity_user_put(id, &u, &err))
			api_reply_empty(c->r, 204);
		else
			api_fail(c->r, err);
	}
	change_free(c);
}

static void own_checked(const char *hash, bool ok, const GError *err, void *user)
{
	struct user_change *c = user;
	struct password_from from = from_holder(c->r);

	(void)hash;
	if (change_failed(c, err))
		return;
	if (ok) {
		password_hash(c->b.password, &from, change_wanted, own_hashed, c);
		return;
	}
	api_fail_new(c->r, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
	change_free(c);
}

static void user_password(struct api_req *r)
{
	struct user *u = identity_own(r, r->param[0], "identity:change_password") ? the_user(r) : NULL;
	struct password_from from;
	struct user_change *c;

	if (!u) /* answered, so @r is gone */
		return;
	from = from_holder(r);
	c = g_new0(struct user_change, 1);
	c->r = r;
	c->checked = g_strdup(u->hash);
	if (!read_body(r, &password_body, &c->b)) {
		change_free(c);
		return;
	}
	if (c->b.password && c->b.original_password) {
		password_check(c->b.original_password, u->hash, &from, change_wanted, own_checked, c);
		return;
	}
	api_fail_new(r, ERR_BAD_REQUEST, "Invalid input for field 'user.password': password and original_password are required");
	change_free(c);
}

/* ---- projects ---- */

static void project_list(struct api_req *r)
{
	const GPtrArray *projects = identity_projects(api_identity(r));
	struct jout o;
	GString *s = identity_list(&o, r, "projects");

	for (unsigned i = 0; i < projects->len; i++) {
		const struct project *p = projects->pdata[i];

		if (identity_asked(r, "name", p->name) && identity_asked(r, "domain_id", DOMAIN_ID) &&
		    identity_asked(r, "parent_id", DOMAIN_ID) && identity_asked(r, "is_domain", "False") && asked_enabled(r, p->enabled))
			write_project(&o, r, p);
	}
	identity_list_reply(&o, r, s);
}

/* Those in which a user has a role. */
static void list_of(struct api_req *r, const char *user_id)
{
	const struct identity *id = api_identity(r);
	const GPtrArray *projects = identity_projects(id);
	struct jout o;
	GString *s = identity_list(&o, r, "projects");

	for (unsigned i = 0; i < projects->len; i++) {
		const struct project *p = projects->pdata[i];
		g_auto(GStrv) roles = identity_roles(id, user_id, p->id);

		if (roles && p->enabled)
			write_project(&o, r, p);
	}
	identity_list_reply(&o, r, s);
}

static void own_projects(struct api_req *r)
{
	list_of(r, r->auth->user_id);
}

static void user_projects(struct api_req *r)
{
	if (identity_own(r, r->param[0], "identity:list_user_projects") && the_user(r))
		list_of(r, r->param[0]);
}

static void project_show(struct api_req *r)
{
	struct project *p;

	if (!r->auth->admin && g_strcmp0(r->auth->project_id, r->param[0]) != 0) {
		api_forbid(r, "identity:get_project");
		return;
	}
	p = the_project(r);
	if (p)
		reply_project(r, 200, p);
}

static void project_write(struct api_req *r, const struct project *old)
{
	struct identity *id = api_identity(r);
	g_autofree char *new_id = identity_id_new();
	struct project p = { .id = new_id, .description = (char *)"", .enabled = true, .created_us = clock_wall_us() };
	struct record_body b = { 0 };
	GError *err = NULL;

	if (!read_body(r, &project_body, &b))
		return;
	if (old)
		p = *old;
	if (b.name)
		p.name = b.name;
	if (b.description)
		p.description = b.description;
	if (b.enabled_given)
		p.enabled = b.enabled;
	if (!p.name)
		g_set_error(&err, ERR, ERR_BAD_REQUEST, "Invalid input for field 'project.name': it is a required property");
	api_about(r, p.name);
	if (!err && identity_project_put(id, &p, &err))
		reply_project(r, old ? 200 : 201, identity_project(id, p.id));
	else
		api_fail(r, err);
	record_body_clear(&b);
}

static void project_create(struct api_req *r)
{
	project_write(r, NULL);
}

static void project_update(struct api_req *r)
{
	struct project *p = the_project(r);

	if (p)
		project_write(r, p);
}

static void project_delete(struct api_req *r)
{
	GError *err = NULL;

	if (identity_project_delete(api_identity(r), r->param[0], &err))
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

/* ---- the domain ---- */

static void write_domain(struct jout *o, const struct api_req *r)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, DOMAIN_ID);
	jout_kv(o, "name", str, DOMAIN_NAME);
	jout_kv(o, "description", str, "The only domain");
	jout_kv(o, "enabled", bool, true);
	jout_kv(o, "tags", raw, "[]");
	jout_kv(o, "options", raw, "{}");
	identity_links(o, r, "domains", DOMAIN_ID);
	jout_close(o, '}');
}

static void domain_list(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "domains");

	if (identity_asked(r, "name", DOMAIN_NAME))
		write_domain(&o, r);
	identity_list_reply(&o, r, s);
}

static void domain_show(struct api_req *r)
{
	struct jout o;
	GString *s;

	if (strcmp(r->param[0], DOMAIN_ID) != 0) {
		api_fail_new(r, ERR_NOT_FOUND, "Could not find domain: %s.", r->param[0]);
		return;
	}
	s = identity_one(&o, r, "domain");
	write_domain(&o, r);
	identity_one_reply(&o, r, 200, s);
}

/* No role is assigned on the domain, so no token can be scoped to it. */
static void own_domains(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "domains");

	identity_list_reply(&o, r, s);
}

static const struct route routes[] = {
	{ "GET",    "/identity/v3/users",               "identity:list_users",         user_list },
	{ "POST",   "/identity/v3/users",               "identity:create_user",        user_create, .body = &user_body },
	{ "GET",    "/identity/v3/users/{id}",          "identity:get_user",           user_show },
	{ "PATCH",  "/identity/v3/users/{id}",          "identity:update_user",        user_update, .body = &user_body },
	{ "DELETE", "/identity/v3/users/{id}",          "identity:delete_user",        user_delete },
	{ "POST",   "/identity/v3/users/{id}/password", "identity:change_password",    user_password, .body = &password_body },
	{ "GET",    "/identity/v3/users/{id}/projects", "identity:list_user_projects", user_projects },
	{ "GET",    "/identity/v3/projects",            "identity:list_projects",      project_list },
	{ "POST",   "/identity/v3/projects",            "identity:create_project",     project_create, .body = &project_body },
	{ "GET",    "/identity/v3/projects/{id}",       "identity:get_project",        project_show },
	{ "PATCH",  "/identity/v3/projects/{id}",       "identity:update_project",     project_update, .body = &project_body },
	{ "DELETE", "/identity/v3/projects/{id}",       "identity:delete_project",     project_delete },
	{ "GET",    "/identity/v3/domains",             "identity:list_domains",       domain_list },
	{ "GET",    "/identity/v3/domains/{id}",        "identity:get_domain",         domain_show },
	{ "GET",    "/identity/v3/auth/projects",       "identity:get_auth_projects",  own_projects },
	{ "GET",    "/identity/v3/auth/domains",        "identity:get_auth_domains",   own_domains },
};
const struct route_table identity_routes = { routes, G_N_ELEMENTS(routes) };
