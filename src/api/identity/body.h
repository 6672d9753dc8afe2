/* SPDX-License-Identifier: Apache-2.0
 *
 * body: the bodies of Identity v3 requests, read into structs.
 *
 * Keystone lets bodies have members it does not know, so these do too.
 */
#ifndef IDENTITY_BODY_H
#define IDENTITY_BODY_H

#include <stdbool.h>

#include "api/http/handler.h"

/* Answer with a token that was issued. @a: what it says; borrowed */
typedef void token_reply_f(struct api_req *r, const char *token, const struct auth *a);

enum auth_scope {
	SCOPE_DEFAULT,  /* none was asked for: the user's default project */
	SCOPE_NONE,     /* "unscoped" */
	SCOPE_PROJECT,
	SCOPE_OTHER,    /* a project of another domain: there is none */
};

/* {"auth": {"identity": ..., "scope": ...}} */
struct auth_request {
	bool password, token, app;  /* the methods */
	bool other;                 /* a user of a domain that does not exist here */
	char *unsupported;          /* a method or a scope that does not exist here, for the answer; NULL: none */
	char *app_id, *app_name;    /* an application credential: by id, or by name and user */
	char *user_id, *user_name, *secret;
	char *token_id;
	enum auth_scope scope;
	char *project_id, *project_name;
	token_reply_f *reply;       /* NULL: as Keystone does */
};

extern const struct api_body auth_body;

/* {"session": {"user": ..., "password": ..., "project": ...}}: of Drover's own, so it has no members that are not known */
struct session_request {
	char *user, *password, *project; /* project NULL: the user's default project */
};

extern const struct api_body session_body;
void session_request_clear(struct session_request *s);

bool auth_request_parse(const json_t *root, struct auth_request *ret, GError **err);
void auth_request_clear(struct auth_request *a);

/* {"user": {...}} or {"project": {...}}: a string that was not given is NULL. */
struct record_body {
	char *name, *description, *domain_id;
	char *password, *original_password;
	char *default_project_id;
	bool no_default_project;    /* it is null */
	bool enabled, enabled_given;
};

extern const struct api_body user_body, project_body, password_body;

/** record_body_parse() - @b: one of the three. */
bool record_body_parse(const json_t *root, const struct api_body *b, struct record_body *ret, GError **err);
void record_body_clear(struct record_body *b);

/* {"application_credential": {...}}: a string that was not given is NULL. */
struct app_body {
	char *name, *description, *secret;
	char **roles;               /* ids or names, NULL-terminated; NULL: not given */
	bool unrestricted;
	int64_t expires_us;         /* 0: not given */
};

extern const struct api_body app_credential_body;

bool app_body_parse(const json_t *root, struct app_body *ret, GError **err);
void app_body_clear(struct app_body *b);

#endif
