/* SPDX-License-Identifier: Apache-2.0
 *
 * records: users, projects, roles and tokens, for what shows and changes them.
 *
 * Records are rows of the store, kept in memory whole. A change writes
 * the row first and memory after; every change forgets what was remembered of
 * tokens.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "identity/identity.h"

#define DOMAIN_ID "default"
#define DOMAIN_NAME "Default"
#define REGION "RegionOne"

struct role_def {
	const char *name, *id;
};
extern const struct role_def role_table[ROLE_N];

struct user {
	char *id, *name, *hash;
	char *default_project_id;   /* NULL: none */
	bool enabled;
	int64_t created_us;
};

struct project {
	char *id, *name, *description;
	bool enabled;
	int64_t created_us;
};

struct grant {
	char *user_id, *project_id;
	enum role role;
};

/* What identity_check() gives: counted, so that one checked before costs nothing. */
struct token_auth {
	struct auth auth;          /* first: auth_free() gets it */
	unsigned methods;
	char *app_id, *app_name;   /* the application credential that it came by; NULL: none */
	bool app_unrestricted;
	int refs;
};

/* ---- reading: borrowed, NULL if there is none ---- */

struct user *identity_user(const struct identity *id, const char *user_id);
struct user *identity_user_named(const struct identity *id, const char *name);
struct project *identity_project(const struct identity *id, const char *project_id);
struct project *identity_project_named(const struct identity *id, const char *name);
bool identity_granted(const struct identity *id, const char *user_id, const char *project_id, enum role role);
/** identity_roles() - names, those implied too. Return: NULL-terminated, owned by the caller; NULL if there are none. */
char **identity_roles(const struct identity *id, const char *user_id, const char *project_id);
/** identity_role() - by id or by name. Return: false if there is none. */
bool identity_role(const char *id_or_name, enum role *ret);

/** identity_users() ... - all of them, in order of creation: struct user *, struct project *, struct grant *, struct app_credential *. Return: borrowed. */
const GPtrArray *identity_users(const struct identity *id);
const GPtrArray *identity_projects(const struct identity *id);
const GPtrArray *identity_grants(const struct identity *id);
const GPtrArray *identity_apps(const struct identity *id);

/* ---- changing: ERR_CONFLICT for a name that is taken, ERR_FORBIDDEN if no administrator would be left ---- */

/** identity_user_put() - add or change by id. @u: copied; its strings but the id may be gone after */
bool identity_user_put(struct identity *id, const struct user *u, GError **err);
bool identity_user_delete(struct identity *id, const char *user_id, GError **err);
bool identity_project_put(struct identity *id, const struct project *p, GError **err);
bool identity_project_delete(struct identity *id, const char *project_id, GError **err);
bool identity_grant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err);
bool identity_ungrant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err);

/** identity_id_new() - 32 hex digits. Return: owned by the caller. */
char *identity_id_new(void);

/* ---- tokens ---- */

/** identity_issue() - a token for an authenticated user. @project_id: NULL for an unscoped one; @expires_us: 0 for the usual time */
char *identity_issue(struct identity *id, const struct user *u, const char *project_id, unsigned methods, int64_t expires_us);
struct app_credential;
/** identity_issue_app() - the same for a program that has proved itself by its credential: its user, project and roles. */
char *identity_issue_app(struct identity *id, const struct app_credential *c, unsigned methods, int64_t expires_us);
/** identity_revoke() - end a token. */
bool identity_revoke(struct identity *id, const struct auth *a, GError **err);

/* ---- logins ---- */

/** identity_login_accepted() - the password or secret was right. @name: as it was asked for */
void identity_login_accepted(struct identity *id, const char *name);
/** identity_login_wrong() - it was wrong. @address: of the client (guess.h). Return: ms to wait before that is said. */
unsigned identity_login_wrong(struct identity *id, const char *address, const char *name);
/** identity_login_unavailable() - it could not be looked at. */
void identity_login_unavailable(struct identity *id);

#endif
