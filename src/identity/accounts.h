/* SPDX-License-Identifier: Apache-2.0
 *
 * accounts: changing users, projects and their roles.
 *
 * The row is written first and memory after, and what goes with a record (roles, application credentials, the tokens by
 * then) goes in the same transaction. ERR_CONFLICT for a name that is taken, ERR_FORBIDDEN if no administrator would be left.
 */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include "identity/records.h"

/** identity_user_put() - add or change by id. @u: copied; its strings but the id may be gone after */
bool identity_user_put(struct identity *id, const struct user *u, GError **err);
bool identity_user_delete(struct identity *id, const char *user_id, GError **err);
bool identity_project_put(struct identity *id, const struct project *p, GError **err);
bool identity_project_delete(struct identity *id, const char *project_id, GError **err);
bool identity_grant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err);
bool identity_ungrant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err);

#endif
