/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/credentials.h"

#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "identity/records.h"

#define PASSWORD_LINE "export OS_PASSWORD='"
#define URL_LINE "export OS_AUTH_URL='"

static char *openrc(const char *url, const char *password, const char *cacert)
{
	g_autofree char *ca = cacert ? g_strdup_printf("export OS_CACERT='%s'\n", cacert) : g_strdup("");

	return g_strdup_printf("# Written by droverd, again when its URL changes.\n"
			       URL_LINE "%s/identity/v3'\n" PASSWORD_LINE "%s'\n"
			       "export OS_USERNAME='admin'\n"
			       "export OS_PROJECT_NAME='admin'\n"
			       "export OS_USER_DOMAIN_NAME='" DOMAIN_NAME "'\n"
			       "export OS_PROJECT_DOMAIN_NAME='" DOMAIN_NAME "'\n"
			       "export OS_REGION_NAME='" REGION "'\n"
			       "export OS_IDENTITY_API_VERSION='3'\n"
			       "export OS_COMPUTE_API_VERSION='2.latest'\n%s", url, password, ca);
}

static char *clouds_yaml(const char *url, const char *password, const char *cacert)
{
	g_autofree char *ca = cacert ? g_strdup_printf("    cacert: '%s'\n", cacert) : g_strdup("");

	return g_strdup_printf("# Written by droverd, again when its URL changes.\n"
			       "clouds:\n  drover:\n    auth:\n"
			       "      auth_url: '%s/identity/v3'\n"
			       "      username: 'admin'\n      password: '%s'\n      project_name: 'admin'\n"
			       "      user_domain_name: '" DOMAIN_NAME "'\n      project_domain_name: '" DOMAIN_NAME "'\n"
			       "    region_name: '" REGION "'\n    identity_api_version: '3'\n    compute_api_version: '2.latest'\n%s",
			       url, password, ca);
}

bool credentials_write(const struct conf *conf, const char *url, const char *password, GError **err)
{
	const char *cacert = conf->ssl_cert_file;
	g_autofree char *rc = openrc(url, password, cacert), *yaml = clouds_yaml(url, password, cacert);
	g_autofree char *rc_path = g_build_filename(conf->state_path, "admin-openrc", NULL);
	g_autofree char *yaml_path = g_build_filename(conf->state_path, "clouds.yaml", NULL);

	return util_write_secret(rc_path, rc, err) && util_write_secret(yaml_path, yaml, err);
}

/* The value between the quotes of a line that begins so. Return: owned; NULL if there is none. */
static char *value_of(const char *text, const char *line)
{
	const char *at = strstr(text, line), *end;

	if (!at)
		return NULL;
	at += strlen(line);
	end = strchr(at, '\'');
	return end ? g_strndup(at, (size_t)(end - at)) : NULL;
}

char *credentials_password(const struct conf *conf)
{
	g_autofree char *path = g_build_filename(conf->state_path, "admin-openrc", NULL), *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? value_of(text, PASSWORD_LINE) : NULL;
}

bool credentials_update(const struct conf *conf, const char *url, GError **err)
{
	g_autofree char *path = g_build_filename(conf->state_path, "admin-openrc", NULL);
	g_autofree char *text = NULL, *password = NULL, *wanted = NULL;

	/* An administrator may have moved them elsewhere; they are not needed here. */
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return true;
	password = value_of(text, PASSWORD_LINE);
	if (!password)
		return true;
	wanted = openrc(url, password, conf->ssl_cert_file);
	if (strcmp(text, wanted) == 0)
		return true;
	log_info("credentials_rewritten", LOG_S("url", url));
	return credentials_write(conf, url, password, err);
}
