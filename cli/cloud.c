/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli_err.h"
#include "near.h"
#include "yfile.h"

#define FROM_VARIABLES "the OS_* variables"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, fclose)
typedef struct yfile yfile;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(yfile, yfile_free)

/* A later row of the same member only fills what the earlier ones left empty. */
static const struct cloud_key {
	const char *yaml;
	const char *env;
	size_t offset;
	bool fill;   /* the variable also completes a cloud from a file */
} keys[] = {
	{ "auth_type",           "OS_AUTH_TYPE",           offsetof(struct cloud, auth_type) },
	{ "auth_url",            "OS_AUTH_URL",            offsetof(struct cloud, auth_url) },
	{ "username",            "OS_USERNAME",            offsetof(struct cloud, username) },
	{ "user_id",             "OS_USER_ID",             offsetof(struct cloud, user_id) },
	{ "password",            "OS_PASSWORD",            offsetof(struct cloud, password), true },
	{ "token",               "OS_TOKEN",               offsetof(struct cloud, token) },
	{ "user_domain_id",      "OS_USER_DOMAIN_ID",      offsetof(struct cloud, user_domain_id) },
	{ "user_domain_name",    "OS_USER_DOMAIN_NAME",    offsetof(struct cloud, user_domain_name) },
	{ "project_id",          "OS_PROJECT_ID",          offsetof(struct cloud, project_id) },
	{ "tenant_id",           "OS_TENANT_ID",           offsetof(struct cloud, project_id) },
	{ "project_name",        "OS_PROJECT_NAME",        offsetof(struct cloud, project_name) },
	{ "tenant_name",         "OS_TENANT_NAME",         offsetof(struct cloud, project_name) },
	{ "project_domain_id",   "OS_PROJECT_DOMAIN_ID",   offsetof(struct cloud, project_domain_id) },
	{ "project_domain_name", "OS_PROJECT_DOMAIN_NAME", offsetof(struct cloud, project_domain_name) },
	{ "domain_id",           "OS_DOMAIN_ID",           offsetof(struct cloud, domain_id) },
	{ "domain_name",         "OS_DOMAIN_NAME",         offsetof(struct cloud, domain_name) },
	{ "system_scope",        "OS_SYSTEM_SCOPE",        offsetof(struct cloud, system_scope) },
	{ "default_domain",      "OS_DEFAULT_DOMAIN",      offsetof(struct cloud, default_domain) },
	{ "application_credential_id",     "OS_APPLICATION_CREDENTIAL_ID",     offsetof(struct cloud, app_id) },
	{ "application_credential_name",   "OS_APPLICATION_CREDENTIAL_NAME",   offsetof(struct cloud, app_name) },
	{ "application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET", offsetof(struct cloud, app_secret) },
	{ "region_name",         "OS_REGION_NAME",         offsetof(struct cloud, region), true },
	{ "interface",           "OS_INTERFACE",           offsetof(struct cloud, interface), true },
	{ "endpoint_type",       "OS_ENDPOINT_TYPE",       offsetof(struct cloud, interface), true },
	{ "compute_api_version", "OS_COMPUTE_API_VERSION", offsetof(struct cloud, compute_version), true },
	{ "compute_default_microversion", NULL,            offsetof(struct cloud, compute_version) },
	{ "compute_endpoint_override", "OS_COMPUTE_ENDPOINT_OVERRIDE", offsetof(struct cloud, compute_endpoint) },
	{ "cacert",              "OS_CACERT",              offsetof(struct cloud, cacert), true },
	{ "cert",                "OS_CERT",                offsetof(struct cloud, cert), true },
	{ "key",                 "OS_KEY",                 offsetof(struct cloud, key), true },
	{ "verify",              NULL,                     offsetof(struct cloud, verify_text) },
	{ "insecure",            "OS_INSECURE",            offsetof(struct cloud, insecure_text), true },
};

static char **member(const struct cloud *c, const struct cloud_key *k)
{
	return (char **)((char *)c + k->offset);
}

void cloud_free(struct cloud *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		util_replace(member(c, &keys[i]), NULL);
	g_free(c->name);
	g_free(c);
}

static bool truth(const char *text, bool absent)
{
	static const char *const no[] = { "0", "false", "no", "off", "n", "f" };

	if (!text || !*text)
		return absent;
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
		if (g_ascii_strcasecmp(text, no[i]) == 0)
			return false;
	return true;
}

/* "~/ca.pem" is the user's; file names in variables were expanded by the shell already. */
static void expand_home(char **path)
{
	if (*path && g_str_has_prefix(*path, "~/")) {
		g_autofree char *full = g_build_filename(g_get_home_dir(), *path + 2, NULL);

		util_replace(path, full);
	}
}

static void settle(struct cloud *c)
{
	c->insecure = truth(c->insecure_text, false) || !truth(c->verify_text, true);
	expand_home(&c->cacert);
	expand_home(&c->cert);
	expand_home(&c->key);
}

static void take_variables(struct cloud *c, bool fill_only)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		char **m = member(c, &keys[i]);
		const char *value = keys[i].env ? g_getenv(keys[i].env) : NULL;

		if (value && *value && !*m && (keys[i].fill || !fill_only))
			*m = g_strdup(value);
	}
}

/* ---- the files ---- */

static void take_mapping(struct cloud *c, struct yfile *y, yaml_node_t *map)
{
	yaml_node_t *auth = yfile_get(y, map, "auth");

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		char **m = member(c, &keys[i]);
		const char *value = yfile_text(yfile_get(y, auth, keys[i].yaml));

		if (!value)
			value = yfile_text(yfile_get(y, map, keys[i].yaml));
		if (value && !*m)
			*m = g_strdup(value);
	}
}

/* "regions: [one, ...]" or "regions: [{name: one, ...}]" names the default where region_name does not. */
static void take_region(struct cloud *c, struct yfile *y, yaml_node_t *map)
{
	yaml_node_t *first = yfile_first(y, yfile_get(y, map, "regions"));
	const char *name = yfile_text(first);

	if (!name)
		name = yfile_text(yfile_get(y, first, "name"));
	if (name && !c->region)
		c->region = g_strdup(name);
}

static void no_such_cloud(const char *name, char **known, const char *path, GError **err)
{
	g_autofree char *list = g_strjoinv(", ", known);
	const char *near = name ? near_word(name, (const char *const *)known) : NULL;

	if (!*known)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s has no clouds: it must have a mapping \"clouds:\"", path);
	else if (!name)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s has several clouds: %s; choose one with --os-cloud or OS_CLOUD", path, list);
	else if (near)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s has no cloud \"%s\"; did you mean \"%s\"?", path, name, near);
	else
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s has no cloud \"%s\"; it has: %s", path, name, list);
}

struct cloud *cloud_parse(const char *clouds, size_t clouds_len, const char *secure, size_t secure_len, const char *path,
			  const char *name, GError **err)
{
	g_autoptr(yfile) y = yfile_read(clouds, clouds_len, path, err);
	g_autoptr(yfile) s = NULL;
	g_auto(GStrv) known = NULL;
	yaml_node_t *all, *map;
	struct cloud *c;

	if (!y)
		return NULL;
	if (secure && !(s = yfile_read(secure, secure_len, "secure.yaml", err)))
		return NULL;
	all = yfile_get(y, yfile_root(y), "clouds");
	known = yfile_names(y, all);
	if (!name && known[0] && !known[1])
		name = known[0];
	map = name ? yfile_get(y, all, name) : NULL;
	if (!map) {
		no_such_cloud(name, known, path, err);
		return NULL;
	}
	c = g_new0(struct cloud, 1);
	c->name = g_strdup(name);
	if (s)
		take_mapping(c, s, yfile_get(s, yfile_get(s, yfile_root(s), "clouds"), name));
	take_mapping(c, y, map);
	take_region(c, y, map);
	settle(c);
	return c;
}

/* A file up to CLOUD_FILE_MAX. Return: owned; NULL without @err if there is no such file. */
static char *slurp(const char *path, size_t *ret_len, GError **err)
{
	g_autoptr(FILE) f = fopen(path, "re");
	g_autofree char *text = NULL;
	size_t n;

	if (!f) {
		if (errno != ENOENT && errno != ENOTDIR)
			g_set_error(err, CLI_ERR, CLI_FAILED, "cannot read %s: %s", path, g_strerror(errno));
		return NULL;
	}
	text = g_malloc(CLOUD_FILE_MAX + 1);
	n = fread(text, 1, CLOUD_FILE_MAX + 1, f);
	if (ferror(f)) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "cannot read %s: %s", path, g_strerror(errno));
		return NULL;
	}
	if (n > CLOUD_FILE_MAX) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s is larger than %d bytes", path, CLOUD_FILE_MAX);
		return NULL;
	}
	*ret_len = n;
	return g_steal_pointer(&text);
}

/* The first file of the search path. Return: its text, owned; NULL without @err if there is none. */
static char *find_file(const char *name, const char *override, size_t *ret_len, char **ret_path, GError **err)
{
	g_autofree char *user = g_build_filename(g_get_user_config_dir(), "openstack", name, NULL);
	g_autofree char *system = g_build_filename("/etc/openstack", name, NULL);
	const char *const places[] = { override ? override : name, override ? NULL : user, override ? NULL : system };

	for (size_t i = 0; i < G_N_ELEMENTS(places) && places[i]; i++) {
		GError *why = NULL;
		char *text = slurp(places[i], ret_len, &why);

		if (text || why) {
			*ret_path = g_strdup(places[i]);
			if (why)
				g_propagate_error(err, why);
			return text;
		}
	}
	return NULL;
}

static struct cloud *load_files(const char *name, GError **err)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *path = NULL, *secure_path = NULL;
	g_autofree char *clouds = NULL, *secure = NULL;
	size_t clouds_len = 0, secure_len = 0;

	clouds = find_file("clouds.yaml", g_getenv("OS_CLIENT_CONFIG_FILE"), &clouds_len, &path, &why);
	if (clouds)
		secure = find_file("secure.yaml", g_getenv("OS_CLIENT_SECURE_FILE"), &secure_len, &secure_path, &why);
	if (why) {
		g_propagate_error(err, g_steal_pointer(&why));
		return NULL;
	}
	if (clouds)
		return cloud_parse(clouds, clouds_len, secure, secure_len, path, name, err);
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s%sthere is no clouds.yaml in \".\", %s/openstack or /etc/openstack%s",
		    name ? "cloud \"" : "", name ? name : "", name ? "\": " : "no credentials: OS_AUTH_URL is not set, and ",
		    g_get_user_config_dir(), g_getenv("OS_CLIENT_CONFIG_FILE") ? ", nor the file of OS_CLIENT_CONFIG_FILE" : "");
	return NULL;
}

struct cloud *cloud_load(const char *name, GError **err)
{
	struct cloud *c;
	const char *url = g_getenv("OS_AUTH_URL");

	if (!name && g_getenv("OS_CLOUD") && *g_getenv("OS_CLOUD"))
		name = g_getenv("OS_CLOUD");
	if (!name && url && *url) {
		c = g_new0(struct cloud, 1);
		c->name = g_strdup(FROM_VARIABLES);
		take_variables(c, false);
	} else {
		c = load_files(name, err);
		if (c)
			take_variables(c, true);
	}
	if (c)
		settle(c);
	return c;
}

/* ---- what is needed ---- */

static bool missing(const struct cloud *c, const char *what, const char *env, const char *yaml, GError **err)
{
	g_set_error(err, CLI_ERR, CLI_FAILED, "no %s in %s: set %s, or %s in clouds.yaml", what, c->name, env, yaml);
	return false;
}

bool cloud_check(const struct cloud *c, GError **err)
{
	bool app = c->app_id || c->app_name || g_strcmp0(c->auth_type, "v3applicationcredential") == 0;

	if (!c->auth_url)
		return missing(c, "address of the identity service", "OS_AUTH_URL", "auth.auth_url", err);
	if (app && !c->app_id && !c->app_name)
		return missing(c, "application credential", "OS_APPLICATION_CREDENTIAL_ID", "auth.application_credential_id", err);
	if (app)
		return c->app_secret || missing(c, "secret of the application credential", "OS_APPLICATION_CREDENTIAL_SECRET",
						"auth.application_credential_secret", err);
	if (c->auth_type && g_str_has_suffix(c->auth_type, "token"))
		return c->token || missing(c, "token", "OS_TOKEN", "auth.token", err);
	if (c->token && !c->password)
		return true;
	if (!c->username && !c->user_id)
		return missing(c, "user", "OS_USERNAME", "auth.username", err);
	if (!c->password)
		return missing(c, "password", "OS_PASSWORD", "auth.password", err);
	return true;
}
