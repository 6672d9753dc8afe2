/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens: what users show for themselves: issued, looked at, ended.
 *
 * A token says its user, project and times. What is behind it is looked up at its first use, and again after any
 * change of a record, so what is taken from a user is gone at once.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include "identity/auth.h"
#include "identity/records.h"

struct app_credential;

/** identity_issue() - a token for an authenticated user. @project_id: NULL for an unscoped one; @expires_us: 0 for the usual time */
char *identity_issue(struct identity *id, const struct user *u, const char *project_id, unsigned methods, int64_t expires_us);
/** identity_issue_app() - the same for a program that has proved itself by its credential: its user, project and roles. */
char *identity_issue_app(struct identity *id, const struct app_credential *c, unsigned methods, int64_t expires_us);
/**
 * identity_check() - the user and project of a token.
 *
 * Return: owned by the caller (auth_free), or NULL with ERR_UNAUTHORIZED: malformed, expired, revoked, or its user is gone.
 */
struct auth *identity_check(struct identity *id, const char *token, GError **err);
/** identity_revoke() - end a token. */
bool identity_revoke(struct identity *id, const struct auth *a, GError **err);

/** tokens_load() - those that were ended; private to identity/. */
bool tokens_load(struct identity *id, GError **err);

#endif
