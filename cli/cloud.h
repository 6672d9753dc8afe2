/* SPDX-License-Identifier: Apache-2.0
 *
 * cloud: which user and which cloud: credentials from OS_* variables or clouds.yaml.
 *
 * A cloud that is named (--os-cloud, OS_CLOUD) comes from the files: the first
 * clouds.yaml of OS_CLIENT_CONFIG_FILE, ".", ~/.config/openstack and
 * /etc/openstack, with the values of the first secure.yaml laid over it.
 * Variables then only fill in what does not name a user or a project:
 * password, region, interface, certificates. Without a name, OS_AUTH_URL means
 * that the variables describe the cloud; otherwise the file's only cloud is
 * meant.
 */
#ifndef CLOUD_H
#define CLOUD_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define CLOUD_FILE_MAX (1024 * 1024)

/* Every member but @insecure is text, NULL if it is not known. */
struct cloud {
	char *name;              /* for messages: the cloud's name, or "the OS_* variables" */
	char *auth_type, *auth_url;
	char *username, *user_id, *password, *token;
	char *user_domain_id, *user_domain_name;
	char *project_id, *project_name, *project_domain_id, *project_domain_name;
	char *domain_id, *domain_name, *system_scope;
	char *app_id, *app_name, *app_secret; /* application credential */
	char *default_domain;
	char *region, *interface;
	char *compute_version, *compute_endpoint;
	char *cacert, *cert, *key;
	char *verify_text, *insecure_text;
	bool insecure;           /* from the two above */
};

/**
 * cloud_load() - find the credentials as the head of this file says.
 * @name: the cloud's name from the command line; NULL: OS_CLOUD, or none
 *
 * Return: owned by the caller; NULL with CLI_FAILED: what is missing and where it was looked for.
 */
struct cloud *cloud_load(const char *name, GError **err);

/**
 * cloud_parse() - the cloud of clouds.yaml and secure.yaml given as texts.
 * @clouds: @clouds_len bytes
 * @secure: @secure_len bytes; NULL without a file
 * @path: what @clouds is called in messages
 * @name: NULL means the only one
 *
 * Return: owned by the caller; not checked for completeness.
 */
struct cloud *cloud_parse(const char *clouds, size_t clouds_len, const char *secure, size_t secure_len, const char *path,
			  const char *name, GError **err);

/** cloud_check() - CLI_FAILED with the name of the first thing that is missing. */
bool cloud_check(const struct cloud *c, GError **err);

void cloud_free(struct cloud *c);

#endif
