/* SPDX-License-Identifier: Apache-2.0
 *
 * auth: the requester, as a checked token names it.
 *
 * What is behind a token (its user, project and roles) is looked up when it is
 * used, so this is true of one request only and is not kept.
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
};

/** auth_free() - give back what identity_check() gave. NULL is fine. */
void auth_free(struct auth *a);

#endif
