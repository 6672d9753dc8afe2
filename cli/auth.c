/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"

#include <string.h>

#include "base/json.h"
#include "cli_err.h"
#include "render.h"

enum method { METHOD_PASSWORD, METHOD_TOKEN, METHOD_APP, METHOD_N };

/* auth_type as keystoneauth calls its plugins. */
static const struct {
	const char *name;
	enum method method;
} auth_types[] = {
	{ "password",                METHOD_PASSWORD },
	{ "v3password",              METHOD_PASSWORD },
	{ "token",                   METHOD_TOKEN },
	{ "v3token",                 METHOD_TOKEN },
	{ "v3applicationcredential", METHOD_APP },
};

static enum method method_of(const struct cloud *c, GError **err)
{
	for (size_t i = 0; c->auth_type && i < G_N_ELEMENTS(auth_types); i++)
		if (strcmp(c->auth_type, auth_types[i].name) == 0)
			return auth_types[i].method;
	if (c->auth_type) {
		g_set_error(err, CLI_ERR, CLI_FAILED,
			    "auth_type \"%s\" is not supported; these are: password, token, v3applicationcredential", c->auth_type);
		return METHOD_N;
	}
	if (c->app_id || c->app_name)
		return METHOD_APP;
	return c->token && !c->password ? METHOD_TOKEN : METHOD_PASSWORD;
}

static json_t *domain(const char *id, const char *name, const struct cloud *c)
{
	if (id)
		return json_pack("{s:s}", "id", id);
	if (name)
		return json_pack("{s:s}", "name", name);
	return json_pack("{s:s}", "id", c->default_domain ? c->default_domain : "default");
}

static json_t *user(const struct cloud *c)
{
	if (c->user_id)
		return json_pack("{s:s}", "id", c->user_id);
	return json_pack("{s:s, s:o}", "name", c->username ? c->username : "", "domain",
			 domain(c->user_domain_id, c->user_domain_name, c));
}

static json_t *identity(const struct cloud *c, enum method m)
{
	json_t *who;

	switch (m) {
	case METHOD_PASSWORD:
		who = user(c);
		json_object_set_new(who, "password", json_string(c->password ? c->password : ""));
		return json_pack("{s:[s], s:{s:o}}", "methods", "password", "password", "user", who);
	case METHOD_TOKEN:
		return json_pack("{s:[s], s:{s:s}}", "methods", "token", "token", "id", c->token ? c->token : "");
	case METHOD_APP:
		who = c->app_id ? json_pack("{s:s}", "id", c->app_id) : json_pack("{s:s, s:o}", "name", c->app_name, "user", user(c));
		json_object_set_new(who, "secret", json_string(c->app_secret ? c->app_secret : ""));
		return json_pack("{s:[s], s:o}", "methods", "application_credential", "application_credential", who);
	case METHOD_N:
		break;
	}
	g_assert_not_reached();
}

/* NULL asks for the user's default project. */
static json_t *scope(const struct cloud *c)
{
	if (c->project_id)
		return json_pack("{s:{s:s}}", "project", "id", c->project_id);
	if (c->project_name)
		return json_pack("{s:{s:s, s:o}}", "project", "name", c->project_name, "domain",
				 c->project_domain_id || c->project_domain_name
				 ? domain(c->project_domain_id, c->project_domain_name, c)
				 : domain(c->user_domain_id, c->user_domain_name, c));
	if (c->system_scope)
		return json_pack("{s:{s:b}}", "system", "all", 1);
	if (c->domain_id || c->domain_name)
		return json_pack("{s:o}", "domain", domain(c->domain_id, c->domain_name, c));
	return NULL;
}

json_t *auth_request(const struct cloud *c, GError **err)
{
	enum method m = method_of(c, err);
	json_t *auth, *where;

	if (m == METHOD_N)
		return NULL;
	auth = json_pack("{s:o}", "identity", identity(c, m));
	if (!auth) {
		/* json_pack() refuses only text that is not UTF-8 */
		g_set_error(err, CLI_ERR, CLI_FAILED, "the credentials of %s are not UTF-8", c->name);
		return NULL;
	}
	/* an application credential has its own project, and Identity refuses another word about it */
	where = m == METHOD_APP ? NULL : scope(c);
	if (where)
		json_object_set_new(auth, "scope", where);
	return json_pack("{s:o}", "auth", auth);
}

char *auth_tokens_url(const struct cloud *c)
{
	g_autofree char *base = g_strdup(c->auth_url);
	size_t n = strlen(base);

	while (n && base[n - 1] == '/')
		base[--n] = '\0';
	if (g_str_has_suffix(base, "/v2.0"))
		base[n - strlen("/v2.0")] = '\0';
	return g_strconcat(base, g_str_has_suffix(base, "/v3") ? "" : "/v3", "/auth/tokens", NULL);
}

bool auth_is_admin(const json_t *answer)
{
	const json_t *role;
	size_t i;

	json_array_foreach(render_get(answer, "token.roles"), i, role) {
		const char *name = render_str(role, "name");

		if (name && strcmp(name, "admin") == 0)
			return true;
	}
	return false;
}

const char *auth_project(const json_t *answer)
{
	return render_str(answer, "token.project.id");
}

/* "publicURL" is the old form of "public". */
static bool same_interface(const char *have, const char *want)
{
	size_t n = want ? strlen(want) : 0;

	if (!want)
		return have && strcmp(have, "public") == 0;
	if (g_str_has_suffix(want, "URL"))
		n -= strlen("URL");
	return have && strlen(have) == n && strncmp(have, want, n) == 0;
}

/* Why a service has no fitting endpoint: names the regions and interfaces that it has. */
static void no_endpoint(const json_t *endpoints, const char *type, const char *region, const char *interface, GError **err)
{
	g_autoptr(GString) has = g_string_new(NULL);
	g_autofree char *safe = NULL;
	const json_t *e;
	size_t i;

	json_array_foreach(endpoints, i, e) {
		const char *r = render_str(e, "region"), *f = render_str(e, "interface");

		if (has->len < 400)
			g_string_append_printf(has, "%s%s in %s", has->len ? ", " : "", f ? f : "?", r ? r : "?");
	}
	safe = render_safe(has->str, false);
	g_set_error(err, CLI_ERR, CLI_FAILED, "the catalogue has no %s endpoint of the %s service%s%s; it has: %s",
		    interface ? interface : "public", type, region ? " in region " : "", region ? region : "", *safe ? safe : "none");
}

const char *auth_endpoint(const json_t *answer, const char *type, const char *region, const char *interface, GError **err)
{
	const json_t *service, *endpoints = NULL, *e;
	size_t i, j;

	json_array_foreach(render_get(answer, "token.catalog"), i, service) {
		if (g_strcmp0(render_str(service, "type"), type) != 0)
			continue;
		endpoints = render_get(service, "endpoints");
		json_array_foreach(endpoints, j, e) {
			const char *r = render_str(e, "region");

			if (same_interface(render_str(e, "interface"), interface) && render_str(e, "url")
			    && (!region || g_strcmp0(r ? r : render_str(e, "region_id"), region) == 0))
				return render_str(e, "url");
		}
	}
	if (!render_get(answer, "token.catalog"))
		g_set_error(err, CLI_ERR, CLI_FAILED,
			    "the token has no project, and so no catalogue: set OS_PROJECT_NAME, or auth.project_name in clouds.yaml");
	else
		no_endpoint(endpoints, type, region, interface, err);
	return NULL;
}
