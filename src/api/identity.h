/* SPDX-License-Identifier: Apache-2.0
 *
 * identity: users, projects, roles, passwords and tokens; Identity v3 in the daemon.
 *
 * One domain, "default". Passwords are hashed with yescrypt (libxcrypt), on a
 * worker. A token is sealed with an AEAD under a key that lies in state_path
 * (mode 0600); it holds the user, the project, the roles and its times, so that
 * checking one needs no record but the list of revoked ones.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "api/api.h"

/**
 * identity_new() - load users from the store; at the first start make the project,
 * the user and the password of "admin", and write admin-openrc and clouds.yaml (mode 0600).
 * @url: where clients reach the API, for these files
 */
struct identity *identity_new(const struct conf *conf, struct store *store, const char *url, GError **err);
void identity_free(struct identity *id);

/**
 * identity_check() - who a token is.
 *
 * Return: owned by the caller (auth_free), or NULL with ERR_UNAUTHORIZED: malformed, expired, revoked, or its user is gone.
 */
struct auth *identity_check(struct identity *id, const char *token, GError **err);
void auth_free(struct auth *a);

#endif
