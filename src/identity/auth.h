/* SPDX-License-Identifier: Apache-2.0
 *
 * auth: the requester, as a checked token names it.
 *
 * What is behind a token (its user, project and roles) is looked up when it is
 * used, so this is true of one request only and is not kept. It is counted: for
 * a token that was checked before it costs nothing.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stdint.h>

/* Each implies those behind it. */
enum role { ROLE_ADMIN, ROLE_MEMBER, ROLE_READER, ROLE_N };

struct auth {
	char *user_id, *user_name;
	char *project_id, *project_name;   /* NULL: the token is unscoped */
	char *audit_id;
	char **roles;                      /* names, those implied too, NULL-terminated; empty: unscoped */
	enum role role;                    /* the first of them; ROLE_N: the token is unscoped */
	bool admin;                        /* that is ROLE_ADMIN */
	int64_t issued_us, expires_us;
	unsigned methods;                  /* by which it came: enum token_method, or-ed */
	char *app_id, *app_name;           /* the application credential that it came by; NULL: none */
	bool app_unrestricted;
	int refs;                          /* private to identity/ */
};

/* Logins by what came of them, since the start. */
struct login_counts {
	uint64_t accepted, wrong, unavailable;
};

/** auth_free() - give back what identity_check() gave. NULL is fine. */
void auth_free(struct auth *a);

#endif
