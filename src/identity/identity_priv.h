/* SPDX-License-Identifier: Apache-2.0
 *
 * identity_priv: what is in an identity; private to identity/.
 */
#ifndef IDENTITY_PRIV_H
#define IDENTITY_PRIV_H

#include "identity/records.h"
#include "identity/token_keys.h"

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
	struct identity_logins logins;
	GHashTable *known;                     /* token -> struct token_auth *, checked before */
};

/** identity_forget_tokens() - each is looked at again when it comes next: something that they hang on has changed. */
void identity_forget_tokens(struct identity *id);

/* ---- files ---- */

/** credentials_write() - admin-openrc and clouds.yaml. */
bool credentials_write(const struct conf *conf, const char *url, const char *password, GError **err);
/** credentials_update() - the same with the password that is in admin-openrc, if it is there and has another URL. */
bool credentials_update(const struct conf *conf, const char *url, GError **err);

#endif
