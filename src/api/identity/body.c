/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity/body.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "identity/records.h"
#include "identity/token.h"

#define TEXT_MAX 255
#define APP_ROLES_MAX 16

static void secret_free(char **where)
{
	if (*where)
		OPENSSL_cleanse(*where, strlen(*where));
	g_clear_pointer(where, g_free);
}

static bool bad_member(const char *where, const char *name, const char *why, GError **err)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field '%s.%s': %s", where, name, why);
	return false;
}

/* The strings of an object, TEXT_MAX bytes unless the table has more; null is as good as absent. What is no string its reader takes itself. */
static bool take_strings(const json_t *v, const char *where, const struct json_field *m, size_t n, void *obj, GError **err)
{
	for (; n--; m++) {
		const json_t *s = m->type == JSON_STR ? json_object_get(v, m->name) : NULL;
		size_t len = json_string_length(s);

		if ((!s || json_is_null(s)) && !m->required)
			continue;
		if (!json_is_string(s))
			return bad_member(where, m->name, s ? "it must be a string" : "it is a required property", err);
		if (len > (m->max ? (size_t)m->max : TEXT_MAX) || strlen(json_string_value(s)) != len)
			return bad_member(where, m->name, "it is too long or has a NUL character", err);
		util_replace((char **)(void *)((char *)obj + m->offset), json_string_value(s));
	}
	return true;
}

static bool take_object(const json_t *parent, const char *where, const char *name, const json_t **ret, GError **err)
{
	*ret = json_object_get(parent, name);
	return json_is_object(*ret) || bad_member(where, name, "it must be an object", err);
}

/* ---- authentication ---- */

#define MEMBER(type, field) offsetof(struct type, field)

/* There is one domain. Return: true if this object names another one. */
static bool foreign_domain(const json_t *owner)
{
	const json_t *domain = json_object_get(owner, "domain");
	const char *id = json_string_value(json_object_get(domain, "id")), *name = json_string_value(json_object_get(domain, "name"));

	return domain && !(id ? strcmp(id, DOMAIN_ID) == 0 : name && g_ascii_strcasecmp(name, DOMAIN_NAME) == 0);
}

static bool take_methods(const json_t *identity, struct auth_request *a, GError **err)
{
	const json_t *methods = json_object_get(identity, "methods");
	size_t n = json_array_size(methods);

	if (n == 0 || n > 8)
		return bad_member("auth.identity", "methods", "it must be a list of methods", err);
	for (size_t i = 0; i < n; i++) {
		const char *method = json_string_value(json_array_get(methods, i));

		if (g_strcmp0(method, "password") == 0)
			a->password = true;
		else if (g_strcmp0(method, "token") == 0)
			a->token = true;
		else if (g_strcmp0(method, "application_credential") == 0)
			a->app = true;
		else if (!a->unsupported)
			a->unsupported = g_strdup_printf("method: %.64s", method ? method : "none");
	}
	return true;
}

static bool take_password(const json_t *identity, struct auth_request *a, GError **err)
{
	static const struct json_field members[] = {
		{ "id", JSON_STR, MEMBER(auth_request, user_id) },
		{ "name", JSON_STR, MEMBER(auth_request, user_name) },
		{ "password", JSON_STR, MEMBER(auth_request, secret), .required = true },
	};
	const json_t *password, *user;

	if (!take_object(identity, "auth.identity", "password", &password, err) ||
	    !take_object(password, "auth.identity.password", "user", &user, err) ||
	    !take_strings(user, "auth.identity.password.user", members, G_N_ELEMENTS(members), a, err))
		return false;
	if (!a->user_id && !a->user_name)
		return bad_member("auth.identity.password.user", "name", "it is a required property", err);
	a->other |= !a->user_id && foreign_domain(user);
	return true;
}

static bool take_token(const json_t *identity, struct auth_request *a, GError **err)
{
	static const struct json_field members[] = { { "id", JSON_STR, MEMBER(auth_request, token_id), .max = TOKEN_TEXT_MAX, .required = true } };
	const json_t *token;

	return take_object(identity, "auth.identity", "token", &token, err) &&
	       take_strings(token, "auth.identity.token", members, G_N_ELEMENTS(members), a, err);
}

/* By its id, or by its name and its user. */
static bool take_app(const json_t *identity, struct auth_request *a, GError **err)
{
	static const char where[] = "auth.identity.application_credential";
	static const struct json_field members[] = {
		{ "id", JSON_STR, MEMBER(auth_request, app_id) },
		{ "name", JSON_STR, MEMBER(auth_request, app_name) },
		{ "secret", JSON_STR, MEMBER(auth_request, secret), .required = true },
	};
	static const struct json_field user_members[] = {
		{ "id", JSON_STR, MEMBER(auth_request, user_id) },
		{ "name", JSON_STR, MEMBER(auth_request, user_name) },
	};
	const json_t *app, *user;

	if (!take_object(identity, "auth.identity", "application_credential", &app, err) ||
	    !take_strings(app, where, members, G_N_ELEMENTS(members), a, err))
		return false;
	if (a->app_id)
		return true;
	if (!a->app_name)
		return bad_member(where, "id", "it is a required property, or name and user are", err);
	if (!take_object(app, where, "user", &user, err) || !take_strings(user, where, user_members, G_N_ELEMENTS(user_members), a, err))
		return false;
	if (!a->user_id && !a->user_name)
		return bad_member(where, "user", "it must have an id or a name", err);
	a->other |= !a->user_id && foreign_domain(user);
	return true;
}

/* A scope that is no project's. Return: its name; NULL for a project. */
static const char *other_scope(const json_t *scope)
{
	static const char *const names[] = { "domain", "system", "OS-TRUST:trust" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (json_object_get(scope, names[i]))
			return names[i];
	return json_object_get(scope, "project") ? NULL : "of an unknown kind";
}

static bool take_scope(const json_t *auth, struct auth_request *a, GError **err)
{
	static const struct json_field members[] = {
		{ "id", JSON_STR, MEMBER(auth_request, project_id) },
		{ "name", JSON_STR, MEMBER(auth_request, project_name) },
	};
	const json_t *scope = json_object_get(auth, "scope"), *project = json_object_get(scope, "project");

	if (!scope || json_is_null(scope))
		return true;
	if (json_is_string(scope) || json_object_get(scope, "unscoped")) {
		a->scope = SCOPE_NONE;
		return true;
	}
	if (other_scope(scope)) {
		if (!a->unsupported)
			a->unsupported = g_strdup_printf("scope: %s", other_scope(scope));
		return true;
	}
	a->scope = SCOPE_PROJECT;
	if (!take_strings(project, "auth.scope.project", members, G_N_ELEMENTS(members), a, err))
		return false;
	if (!a->project_id && !a->project_name)
		return bad_member("auth.scope.project", "name", "it is a required property", err);
	if (!a->project_id && foreign_domain(project))
		a->scope = SCOPE_OTHER;
	return true;
}

static const struct json_field auth_fields[] = {
	{ "identity", JSON_EMIT, .form = "`methods`, and an object for each: `password`, `token`, `application_credential`", .required = true },
	{ "scope",    JSON_EMIT, .form = "`project` by id, or by name and domain; \"unscoped\"", .nullable = true },
};
const struct api_body auth_body = { "auth", auth_fields, G_N_ELEMENTS(auth_fields) };

bool auth_request_parse(const json_t *root, struct auth_request *ret, GError **err)
{
	struct auth_request a = { 0 };
	const json_t *auth, *identity;

	if (take_object(root, "body", "auth", &auth, err) && take_object(auth, "auth", "identity", &identity, err) &&
	    take_methods(identity, &a, err) && (!a.password || take_password(identity, &a, err)) &&
	    (!a.token || take_token(identity, &a, err)) &&
	    (!a.app || take_app(identity, &a, err)) && take_scope(auth, &a, err)) {
		*ret = a;
		return true;
	}
	auth_request_clear(&a);
	return false;
}

void auth_request_clear(struct auth_request *a)
{
	secret_free(&a->secret);
	secret_free(&a->token_id);
	g_free(a->unsupported);
	g_free(a->app_id);
	g_free(a->app_name);
	g_free(a->user_id);
	g_free(a->user_name);
	g_free(a->project_id);
	g_free(a->project_name);
	*a = (struct auth_request){ 0 };
}

/* ---- records ---- */

#define RECORD(member) MEMBER(record_body, member)
#define ENABLED { "enabled", JSON_EMIT, .form = "true, false" }
#define SHORT .max = TEXT_MAX
#define LONG .max = 4096

static const struct json_field user_fields[] = {
	{ "name",               JSON_STR, RECORD(name), SHORT },
	{ "description",        JSON_STR, RECORD(description), LONG },
	{ "domain_id",          JSON_STR, RECORD(domain_id), SHORT },
	{ "password",           JSON_STR, RECORD(password), SHORT },
	{ "default_project_id", JSON_STR, RECORD(default_project_id), SHORT, .nullable = true },
	ENABLED,
};
const struct api_body user_body = { "user", user_fields, G_N_ELEMENTS(user_fields) };

static const struct json_field project_fields[] = {
	{ "name",        JSON_STR, RECORD(name), SHORT },
	{ "description", JSON_STR, RECORD(description), LONG },
	{ "domain_id",   JSON_STR, RECORD(domain_id), SHORT },
	ENABLED,
};
const struct api_body project_body = { "project", project_fields, G_N_ELEMENTS(project_fields) };

static const struct json_field password_fields[] = {
	{ "password",          JSON_STR, RECORD(password), SHORT },
	{ "original_password", JSON_STR, RECORD(original_password), SHORT },
};
const struct api_body password_body = { "user", password_fields, G_N_ELEMENTS(password_fields) };

static bool take_record(const json_t *v, const struct api_body *body, struct record_body *b, GError **err)
{
	const char *kind = body->member;
	const json_t *enabled = json_object_get(v, "enabled");

	if (!take_strings(v, kind, body->fields, body->n, b, err))
		return false;
	if (b->name && !*g_strstrip(b->name))
		return bad_member(kind, "name", "it must not be empty", err);
	b->no_default_project = json_is_null(json_object_get(v, "default_project_id"));
	b->enabled_given = json_is_boolean(enabled);
	b->enabled = json_is_true(enabled);
	return !enabled || b->enabled_given || bad_member(kind, "enabled", "it must be true or false", err);
}

bool record_body_parse(const json_t *root, const struct api_body *body, struct record_body *ret, GError **err)
{
	struct record_body b = { 0 };
	const json_t *v;

	if (take_object(root, "body", body->member, &v, err) && take_record(v, body, &b, err)) {
		*ret = b;
		return true;
	}
	record_body_clear(&b);
	return false;
}

void record_body_clear(struct record_body *b)
{
	secret_free(&b->password);
	secret_free(&b->original_password);
	g_free(b->name);
	g_free(b->description);
	g_free(b->domain_id);
	g_free(b->default_project_id);
	*b = (struct record_body){ 0 };
}

/* ---- application credentials ---- */

static bool take_roles(const json_t *list, struct app_body *b, GError **err)
{
	g_autoptr(GStrvBuilder) roles = g_strv_builder_new();

	if (!list || json_is_null(list))
		return true;
	if (!json_is_array(list) || json_array_size(list) > APP_ROLES_MAX)
		return bad_member("application_credential", "roles", "it must be a list of a few roles", err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *role = json_array_get(list, i), *v = json_object_get(role, "id");

		v = v ? v : json_object_get(role, "name");
		if (!json_is_string(v) || json_string_length(v) > TEXT_MAX || strlen(json_string_value(v)) != json_string_length(v))
			return bad_member("application_credential", "roles", "each must have an id or a name", err);
		g_strv_builder_add(roles, json_string_value(v));
	}
	b->roles = g_strv_builder_end(roles);
	return true;
}

static const struct json_field app_fields[] = {
	{ "name",         JSON_STR, MEMBER(app_body, name), SHORT },
	{ "description",  JSON_STR, MEMBER(app_body, description), LONG },
	{ "secret",       JSON_STR, MEMBER(app_body, secret), SHORT },
	{ "expires_at",   JSON_EMIT, .form = "a time", .nullable = true },
	{ "roles",        JSON_EMIT, .form = "a list of ids or names", .nullable = true },
	{ "unrestricted", JSON_EMIT, .form = "true, false", .nullable = true },
};
const struct api_body app_credential_body = { "application_credential", app_fields, G_N_ELEMENTS(app_fields) };

static bool take_app_body(const json_t *v, struct app_body *b, GError **err)
{
	static const char where[] = "application_credential";
	const json_t *expires = json_object_get(v, "expires_at"), *unrestricted = json_object_get(v, "unrestricted");
	const json_t *rules = json_object_get(v, "access_rules");

	if (!take_strings(v, where, app_fields, G_N_ELEMENTS(app_fields), b, err) || !take_roles(json_object_get(v, "roles"), b, err))
		return false;
	if (b->name && !*g_strstrip(b->name))
		return bad_member(where, "name", "it must not be empty", err);
	if (b->secret && !*b->secret)
		return bad_member(where, "secret", "it must not be empty", err);
	if (rules && !json_is_null(rules))
		return bad_member(where, "access_rules", "access rules are not supported; leave them out, and limit the credential by its roles", err);
	if (expires && !json_is_null(expires) &&
	    (!json_is_string(expires) || !util_time_parse(json_string_value(expires), &b->expires_us) || b->expires_us <= 0))
		return bad_member(where, "expires_at", "it must be a time such as 2030-01-31T12:00:00Z", err);
	if (unrestricted && !json_is_null(unrestricted) && !json_is_boolean(unrestricted))
		return bad_member(where, "unrestricted", "it must be true or false", err);
	b->unrestricted = json_is_true(unrestricted);
	return true;
}

bool app_body_parse(const json_t *root, struct app_body *ret, GError **err)
{
	struct app_body b = { 0 };
	const json_t *v;

	if (take_object(root, "body", "application_credential", &v, err) && take_app_body(v, &b, err)) {
		*ret = b;
		return true;
	}
	app_body_clear(&b);
	return false;
}

void app_body_clear(struct app_body *b)
{
	secret_free(&b->secret);
	g_free(b->name);
	g_free(b->description);
	g_strfreev(b->roles);
	*b = (struct app_body){ 0 };
}

/* ---- the dashboard's login ---- */

#define SESSION(member) offsetof(struct session_request, member)

static const struct json_field session_fields[] = {
	{ "user",     JSON_STR, SESSION(user), .required = true, .min = 1, .max = 255 },
	{ "password", JSON_STR, SESSION(password), .required = true, .min = 1, .max = 1024 },
	{ "project",  JSON_STR, SESSION(project), .nullable = true, .min = 1, .max = 255 },
};
const struct api_body session_body = { "session", session_fields, G_N_ELEMENTS(session_fields) };

void session_request_clear(struct session_request *s)
{
	if (s->password)
		OPENSSL_cleanse(s->password, strlen(s->password));
	json_free(session_fields, G_N_ELEMENTS(session_fields), s);
}
