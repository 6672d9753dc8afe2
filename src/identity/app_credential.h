/* SPDX-License-Identifier: Apache-2.0
 *
 * app_credential: application credentials, Keystone's passwords for programs.
 *
 * One belongs to a user and a project and carries some of the user's roles
 * there. Its secret is a password of its own, stored as a hash and shown once. A
 * token that came by it is good as long as the credential, its user, its project
 * and its roles are; a new password of the user does not end it. Private to api/.
 */
#ifndef APP_CREDENTIAL_H
#define APP_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct identity;

#define APP_CREDENTIALS_MAX 100 /* of one user */

struct app_credential {
	char *id, *user_id, *project_id;
	char *name, *description;    /* a name is the user's once; description: NULL for none */
	char *hash;
	char **roles;                /* names, NULL-terminated */
	bool unrestricted;           /* its tokens may manage application credentials */
	int64_t expires_us;          /* 0: never */
	int64_t created_us;
};

void app_credential_free(void *c);

/** app_credential_get() - by id. app_credential_named() - of a user, by name. Return: borrowed; NULL if there is none. */
struct app_credential *app_credential_get(const struct identity *id, const char *app_id);
struct app_credential *app_credential_named(const struct identity *id, const char *user_id, const char *name);
/**
 * app_credential_roles() - what a token by it may do now: those of its roles that its user still has.
 *
 * Return: NULL-terminated, owned by the caller; NULL if it is not good any more: expired, or its user or project is disabled.
 */
char **app_credential_roles(const struct identity *id, const struct app_credential *c);

/** app_credential_add() - @c is taken on success. ERR_CONFLICT if the user has one of that name, ERR_FORBIDDEN if there are too many. */
bool app_credential_add(struct identity *id, struct app_credential *c, GError **err);
bool app_credential_delete(struct identity *id, const char *app_id, GError **err);

/**
 * app_credential_drop() - in memory, those that went with their user, their project, or a role.
 * @user_id, @project_id: NULL: any
 */
void app_credential_drop(struct identity *id, const char *user_id, const char *project_id);

/** app_credential_load() - all rows. */
bool app_credential_load(struct identity *id, GError **err);

#endif
