/* SPDX-License-Identifier: Apache-2.0
 *
 * records: users, projects and roles, for what shows them.
 *
 * They are rows of the store, kept in memory whole; accounts.h changes them.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "identity/auth.h"

struct identity;

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

/** identity_id_new() - 32 hex digits. Return: owned by the caller. */
char *identity_id_new(void);

/* ---- private to identity/ ---- */

/** identity_forget_tokens() - each is looked at again when it comes next: something that they hang on has changed. */
void identity_forget_tokens(struct identity *id);
/** records_highest_role() - of names, NULL-terminated; NULL: none. Return: ROLE_N: it is none of ours. */
enum role records_highest_role(char *const *names);
/** records_role_word() - the store's word of a role, an enum role. */
const char *records_role_word(int role);
#define ROW_FIELD_ROLE(s, col, f) ROW_FIELD_WORD(s, col, f, records_role_word, ROLE_N)
/** records_add_grant() - in memory. */
void records_add_grant(struct identity *id, const char *user_id, const char *project_id, enum role role);
/** records_load() - all rows. */
bool records_load(struct identity *id, GError **err);

#endif
