/* SPDX-License-Identifier: Apache-2.0
 *
 * identity: users, projects, roles, passwords and tokens; no HTTP is in it.
 *
 * One domain, "default". Passwords are hashed with yescrypt (libxcrypt), on a
 * worker. A token is sealed with an AEAD under a key that lies in state_path
 * (mode 0600); it holds the user, the project and its times. Roles are looked up
 * when it is used, so what is taken from a user is gone at once, and a new
 * password ends the tokens of the old one. Recorded are single revoked tokens, and
 * since when tokens of a user or project count that was disabled (not_before.h).
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "identity/tokens.h"
#include "store/store.h"

/**
 * identity_new() - load users from the store; at the first start make the project,
 * the user and the password of "admin", and write admin-openrc and clouds.yaml (mode 0600).
 * @conf, @store: borrowed, must outlive it
 */
struct identity *identity_new(const struct conf *conf, struct store *store, GError **err);

/**
 * identity_rebuild() - the database was lost: make the project and the user "admin" again, with the password that stands in admin-openrc.
 * @ret_made: there was none, so it is new, and the files are written
 *
 * Return: false with ERR_CONF if the database has users
 */
bool identity_rebuild(const struct conf *conf, struct store *store, bool *ret_made, GError **err);

/**
 * identity_publish() - tell where clients reach the API: admin-openrc and clouds.yaml
 * are rewritten if they name another URL. Missing ones are not created.
 */
bool identity_publish(struct identity *id, const char *url, GError **err);

void identity_free(struct identity *id);

/** identity_rotate_key() - write a new key for tokens in front of the older ones, for a daemon to take. @conf: whose state_path and lifetime of tokens */
bool identity_rotate_key(const struct conf *conf, GError **err);
/** identity_take_keys() - read the keys for tokens again; what the file has no more opens nothing from now on. Return: false: they are as before. */
bool identity_take_keys(struct identity *id, GError **err);

const struct login_counts *identity_logins(const struct identity *id);
/** identity_passwords_waiting() - how many are in the queue for a worker. */
unsigned identity_passwords_waiting(void);

/** identity_login_accepted() - the password or secret was right. @name: as it was asked for */
void identity_login_accepted(struct identity *id, const char *name);
/** identity_login_wrong() - it was wrong. @address: of the client (guess.h). Return: ms to wait before that is said. */
unsigned identity_login_wrong(struct identity *id, const char *address, const char *name);
/** identity_login_unavailable() - it could not be looked at. */
void identity_login_unavailable(struct identity *id);

/** identity_has_project() - true if there is a project of this id. */
bool identity_has_project(const struct identity *id, const char *project_id);

#endif
