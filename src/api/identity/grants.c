/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles of Identity v3, and their assignments to users on projects.
 */
#include <string.h>

#include "api/identity/view.h"
#include "identity/accounts.h"

/* ---- roles ---- */

static void write_role(struct jout *o, const struct api_req *r, enum role role)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, role_table[role].id);
	jout_kv(o, "name", str, role_table[role].name);
	jout_kv(o, "domain_id", str, NULL);
	jout_kv(o, "description", str, NULL);
	jout_kv(o, "options", raw, "{}");
	identity_links(o, r, "roles", role_table[role].id);
	jout_close(o, '}');
}

static void role_list(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "roles");

	for (enum role role = 0; role < ROLE_N; role++)
		if (identity_asked(r, "name", role_table[role].name))
			write_role(&o, r, role);
	identity_list_reply(&o, r, s);
}

/* The role by its id, as Keystone has it; a name is looked for with ?name=. */
static bool role_by_id(const char *id, enum role *ret)
{
	return identity_role(id, ret) && strcmp(role_table[*ret].id, id) == 0;
}

static void role_show(struct api_req *r)
{
	struct jout o;
	enum role role;
	GString *s;

	if (!role_by_id(r->param[0], &role)) {
		api_fail_new(r, ERR_NOT_FOUND, "Could not find role: %s.", r->param[0]);
		return;
	}
	s = identity_one(&o, r, "role");
	write_role(&o, r, role);
	identity_one_reply(&o, r, 200, s);
}

/* ---- grants: /projects/{0}/users/{1}/roles/{2} ---- */

/* Return: false after the request was answered, because one of them is not there. */
static bool find(struct api_req *r, enum role *ret)
{
	const struct identity *id = api_identity(r);

	if (!identity_project(id, r->param[0]))
		api_fail_new(r, ERR_NOT_FOUND, "Could not find project: %s.", r->param[0]);
	else if (!identity_user(id, r->param[1]))
		api_fail_new(r, ERR_NOT_FOUND, "Could not find user: %s.", r->param[1]);
	else if (ret && !role_by_id(r->param[2], ret))
		api_fail_new(r, ERR_NOT_FOUND, "Could not find role: %s.", r->param[2]);
	else
		return true;
	return false;
}

static void done(struct api_req *r, bool ok, GError *err)
{
	if (ok)
		api_reply_empty(r, 204);
	else
		api_fail(r, err);
}

static void grant(struct api_req *r)
{
	GError *err = NULL;
	enum role role;
	bool ok;

	if (!find(r, &role))
		return;
	ok = identity_grant(api_identity(r), r->param[1], r->param[0], role, &err);
	done(r, ok, err);
}

static void ungrant(struct api_req *r)
{
	GError *err = NULL;
	enum role role;
	bool ok;

	if (!find(r, &role))
		return;
	ok = identity_ungrant(api_identity(r), r->param[1], r->param[0], role, &err);
	done(r, ok, err);
}

static void granted(struct api_req *r)
{
	enum role role;

	if (!find(r, &role))
		return;
	if (identity_granted(api_identity(r), r->param[1], r->param[0], role))
		api_reply_empty(r, 204);
	else
		api_fail_new(r, ERR_NOT_FOUND, "Could not find role: %s.", r->param[2]);
}

static void granted_list(struct api_req *r)
{
	struct jout o;
	GString *s;

	if (!find(r, NULL))
		return;
	s = identity_list(&o, r, "roles");
	for (enum role role = 0; role < ROLE_N; role++)
		if (identity_granted(api_identity(r), r->param[1], r->param[0], role))
			write_role(&o, r, role);
	identity_list_reply(&o, r, s);
}

/* ---- all of them ---- */

static void write_named(struct jout *o, const char *key, const char *id, const char *name, bool domain)
{
	jout_key(o, key);
	jout_open(o, '{');
	jout_kv(o, "id", str, id);
	if (name)
		jout_kv(o, "name", str, name);
	if (name && domain)
		write_named(o, "domain", DOMAIN_ID, DOMAIN_NAME, false);
	jout_close(o, '}');
}

static void write_assignment(struct jout *o, const struct api_req *r, const struct grant *g, enum role role, bool names)
{
	const struct identity *id = api_identity(r);
	const struct user *u = identity_user(id, g->user_id);
	const struct project *p = identity_project(id, g->project_id);
	g_autofree char *self = g_strdup_printf("%s/identity/v3/projects/%s/users/%s/roles/%s", r->base_url, g->project_id, g->user_id,
						role_table[g->role].id);

	if (!u || !p)
		return;
	jout_open(o, '{');
	write_named(o, "role", role_table[role].id, names ? role_table[role].name : NULL, false);
	write_named(o, "user", u->id, names ? u->name : NULL, true);
	jout_key(o, "scope");
	jout_open(o, '{');
	write_named(o, "project", p->id, names ? p->name : NULL, true);
	jout_close(o, '}');
	jout_key(o, "links");
	jout_open(o, '{');
	jout_kv(o, "assignment", str, self);
	jout_close(o, '}');
	jout_close(o, '}');
}

/* A flag of Keystone's: there, and not "0" nor "false". */
static bool flag(const struct api_req *r, const char *name)
{
	const char *v = api_query(r, name);

	return v && strcmp(v, "0") != 0 && g_ascii_strcasecmp(v, "false") != 0;
}

static void assignment_list(struct api_req *r)
{
	const GPtrArray *grants = identity_grants(api_identity(r));
	bool names = flag(r, "include_names"), effective = flag(r, "effective");
	bool none = api_query(r, "group.id") || api_query(r, "scope.domain.id") || api_query(r, "scope.system");
	struct jout o;
	GString *s = identity_list(&o, r, "role_assignments");

	for (unsigned i = 0; !none && i < grants->len; i++) {
		const struct grant *g = grants->pdata[i];
		enum role last = effective ? ROLE_N - 1 : g->role;

		if (!identity_asked(r, "user.id", g->user_id) || !identity_asked(r, "scope.project.id", g->project_id))
			continue;
		for (enum role role = g->role; role <= last; role++)
			if (identity_asked(r, "role.id", role_table[role].id))
				write_assignment(&o, r, g, role, names);
	}
	identity_list_reply(&o, r, s);
}

#define GRANT "/identity/v3/projects/{project}/users/{user}/roles"

static const struct route routes[] = {
	{ "GET",    "/identity/v3/roles",            "identity:list_roles",            role_list },
	{ "GET",    "/identity/v3/roles/{id}",       "identity:get_role",              role_show },
	{ "GET",    GRANT,                           "identity:list_grants",           granted_list },
	{ "GET",    GRANT "/{role}",                 "identity:check_grant",           granted },
	{ "PUT",    GRANT "/{role}",                 "identity:create_grant",          grant },
	{ "DELETE", GRANT "/{role}",                 "identity:revoke_grant",          ungrant },
	{ "GET",    "/identity/v3/role_assignments", "identity:list_role_assignments", assignment_list },
};
const struct route_table grant_routes = { routes, G_N_ELEMENTS(routes) };
