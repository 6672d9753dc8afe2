/* SPDX-License-Identifier: Apache-2.0
 *
 * identity_priv: what is in an identity; private to identity/.
 */
#ifndef IDENTITY_PRIV_H
#define IDENTITY_PRIV_H

#include "base/conf.h"
#include "identity/auth.h"
#include "identity/token_keys.h"
#include "store/store.h"

struct guess;

struct identity {
	const struct conf *conf;
	struct store *store;
	struct token_keys keys;
	GPtrArray *users, *projects, *grants;  /* struct user *, struct project *, struct grant *, in order of creation */
	GPtrArray *apps;                       /* struct app_credential *, in order of creation (app_credential.h) */
	GHashTable *not_before;                /* not_before.h */
	int64_t stamp_us;                      /* the last one given: not_before_stamp() */
	GHashTable *revoked;                   /* audit id, as text -> int64_t *, when it expires */
	struct guess *guess;                   /* logins that were wrong */
	struct login_counts logins;
	GHashTable *known;                     /* token -> struct auth *, checked before */
};

#endif
