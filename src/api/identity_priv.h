/* SPDX-License-Identifier: Apache-2.0
 *
 * identity_priv: the records behind identity.h, for its routes; private to api/.
 *
 * Records are rows of the store, kept in memory whole. A change writes
 * the row first and memory after; every change forgets what was remembered of
 * tokens.
 */
#ifndef IDENTITY_PRIV_H
#define IDENTITY_PRIV_H

#include "api/identity.h"
#include "api/token.h"

#define DOMAIN_ID "default"
#define DOMAIN_NAME "Default"
#define REGION "RegionOne"

enum role { ROLE_ADMIN, ROLE_MEMBER, ROLE_READER, ROLE_N };

struct role_def {
	const char *name, *id;
};
/* Each implies those behind it. */
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

struct guess;

struct identity {
	const struct conf *conf;
	struct store *store;
	uint8_t key[TOKEN_KEY_LEN];
	GPtrArray *users, *projects, *grants;  /* struct user *, struct project *, struct grant *, in order of creation */
	GPtrArray *apps;                       /* struct app_credential *, in order of creation (app_credential.h) */
	GHashTable *not_before;                /* not_before.h */
	int64_t stamp_us;                      /* the last one given: not_before_stamp() */
	GHashTable *revoked;                   /* audit id, as text -> int64_t *, when it expires */
	struct guess *guess;                   /* logins that were wrong */
	struct identity_logins logins;
	GHashTable *known;                     /* token -> struct token_auth *, checked before */
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
/** identity_forget_tokens() - each is looked at again when it comes next: something that they hang on has changed. */
void identity_forget_tokens(struct identity *id);
/** identity_revoke() - end a token. */
bool identity_revoke(struct identity *id, const struct auth *a, GError **err);

/* ---- files ---- */

/** credentials_write() - admin-openrc and clouds.yaml. */
bool credentials_write(const struct conf *conf, const char *url, const char *password, GError **err);
/** credentials_update() - the same with the password that is in admin-openrc, if it is there and has another URL. */
bool credentials_update(const struct conf *conf, const char *url, GError **err);

/** catalog_write() - the catalogue: an array of services with their endpoints. */
void catalog_write(struct jout *o, const struct api_req *r);

/* ---- answers of Identity ---- */

/** identity_one() - begin {"NAME": <one value to write>}. */
GString *identity_one(struct jout *o, const struct api_req *r, const char *name);
void identity_one_reply(struct jout *o, struct api_req *r, int status, GString *s);
/** identity_list() - begin {"NAME": [<values to write>], "links": ...}. */
GString *identity_list(struct jout *o, const struct api_req *r, const char *name);
void identity_list_reply(struct jout *o, struct api_req *r, GString *s);
/** identity_links() - "links": {"self": BASE/identity/v3/COLLECTION/ID}. */
void identity_links(struct jout *o, const struct api_req *r, const char *collection, const char *id);
/** identity_write_roles() - write [{"id": ..., "name": ...}]. @names: NULL-terminated */
void identity_write_roles(struct jout *o, char *const *names);
/** identity_asked() - true unless the query asks for another value of @name. */
bool identity_asked(const struct api_req *r, const char *name, const char *value);

extern const struct route_table catalog_routes, token_routes, grant_routes, app_routes;

#endif
