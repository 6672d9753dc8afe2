/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: which role a call needs, as a table of rules.
 *
 * Rules have Nova's, Keystone's and Neutron's names where these have the rule, and their
 * defaults: a reader sees what its project has, a member may change it, the rest is an
 * administrator's. Each route and each server action names its rule.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "identity/auth.h"

/* Each includes those behind it. */
enum policy_access {
	POLICY_PUBLIC,  /* no token is needed */
	POLICY_OWN,     /* any valid token, whatever its roles, for what is its user's own; an administrator for all */
	POLICY_READER,  /* any valid token; the handler shows only what its project owns, or all to an administrator */
	POLICY_MEMBER,  /* role member or admin, for what its project owns */
	POLICY_ADMIN,   /* role admin */
	POLICY_ACCESS_N
};

struct policy {
	const char *rule;
	enum policy_access access;
};

/** policy_find() - a rule by its name. Return: NULL if there is none. */
const struct policy *policy_find(const char *rule);

/** policy_allows() - @a: NULL: there is no token */
bool policy_allows(const struct policy *p, const struct auth *a);

/** policy_table() - all rules, sorted by name. */
const struct policy *policy_table(size_t *ret_n);

/** policy_access_name() - "public", "own", "reader", "member", "admin". */
const char *policy_access_name(enum policy_access a);

#endif
