/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/tokens.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"
#include "identity/app_credential.h"
#include "identity/identity_priv.h"
#include "identity/not_before.h"
#include "identity/token.h"
#include "store/columns.h"
#include "store/row.h"

#define KNOWN_MAX 4096          /* tokens remembered */

struct revoked {
	const char *audit_id;
	int64_t expires_us;
};

#define FIELD(n, col, type, f) ROW_FIELD_##type(revoked, col, f),

static const struct row_field revoked_fields[] = { REVOKED_ROW(FIELD, FIELD) };

/* Ties a token to the password: another hash has another mark. */
static void password_mark(const char *hash, uint8_t ret[static TOKEN_MARK_LEN])
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	g_assert(EVP_Digest(hash, strlen(hash), digest, NULL, EVP_sha256(), NULL) == 1);
	memcpy(ret, digest, TOKEN_MARK_LEN);
}

/* @hash: of the password or secret that it came by */
static char *issue(struct identity *id, struct token_claims *c, const char *hash, int64_t expires_us)
{
	c->issued_us = not_before_stamp(id);
	c->expires_us = expires_us ? expires_us : clock_wall_us() + id->conf->token_expiration * G_USEC_PER_SEC;
	token_random(c->audit, sizeof c->audit);
	password_mark(hash, c->mark);
	return token_keys_seal(&id->keys, c);
}

char *identity_issue(struct identity *id, const struct user *u, const char *project_id, unsigned methods, int64_t expires_us)
{
	struct token_claims c = { .methods = methods };

	g_strlcpy(c.user_id, u->id, sizeof c.user_id);
	g_strlcpy(c.project_id, project_id ? project_id : "", sizeof c.project_id);
	return issue(id, &c, u->hash, expires_us);
}

/* It lives no longer than the credential. */
char *identity_issue_app(struct identity *id, const struct app_credential *app, unsigned methods, int64_t expires_us)
{
	struct token_claims c = { .methods = methods };
	int64_t usual_us = clock_wall_us() + id->conf->token_expiration * G_USEC_PER_SEC;

	if (!expires_us)
		expires_us = usual_us;
	if (app->expires_us)
		expires_us = MIN(expires_us, app->expires_us);
	g_strlcpy(c.user_id, app->user_id, sizeof c.user_id);
	g_strlcpy(c.project_id, app->project_id, sizeof c.project_id);
	g_strlcpy(c.app_id, app->id, sizeof c.app_id);
	return issue(id, &c, app->hash, expires_us);
}

/* The user of sealed claims, as of now. Return: NULL if there is none any more. */
static struct auth *resolve(const struct identity *id, const struct token_claims *c)
{
	const struct user *u = identity_user(id, c->user_id);
	const struct project *p = c->project_id[0] ? identity_project(id, c->project_id) : NULL;
	const struct app_credential *app = c->app_id[0] ? app_credential_get(id, c->app_id) : NULL;
	g_autofree char *audit_id = token_base64(c->audit, sizeof c->audit);
	g_auto(GStrv) roles = NULL;
	uint8_t mark[TOKEN_MARK_LEN];
	struct auth *t;

	if (!u || !u->enabled || g_hash_table_contains(id->revoked, audit_id) || !not_before_ok(id, c))
		return NULL;
	if (c->app_id[0] && !app)
		return NULL;
	password_mark(app ? app->hash : u->hash, mark);
	if (memcmp(mark, c->mark, sizeof mark) != 0)
		return NULL;
	if (c->project_id[0]) {
		roles = !p || !p->enabled ? NULL : app ? app_credential_roles(id, app) : identity_roles(id, u->id, p->id);
		if (!roles)
			return NULL;
	}
	t = g_new(struct auth, 1);
	*t = (struct auth){
		.refs = 1, .methods = c->methods,
		.user_id = g_strdup(u->id), .user_name = g_strdup(u->name),
		.project_id = p ? g_strdup(p->id) : NULL, .project_name = p ? g_strdup(p->name) : NULL,
		.audit_id = g_steal_pointer(&audit_id), .issued_us = c->issued_us, .expires_us = c->expires_us,
		.role = records_highest_role(roles), .roles = roles ? roles : g_new0(char *, 1),
		.app_id = app ? g_strdup(app->id) : NULL, .app_name = app ? g_strdup(app->name) : NULL, .app_unrestricted = app && app->unrestricted,
	};
	roles = NULL; /* taken */
	t->admin = t->role == ROLE_ADMIN;
	return t;
}

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct auth *t = g_hash_table_lookup(id->known, token);
	int64_t now_us = clock_wall_us();
	struct token_claims c;

	if (!t && token_keys_open(&id->keys, token, &c) && now_us < c.expires_us) {
		t = resolve(id, &c);
		if (t && g_hash_table_size(id->known) >= KNOWN_MAX)
			identity_forget_tokens(id);
		if (t)
			g_hash_table_insert(id->known, g_strdup(token), t);
	}
	if (!t || now_us >= t->expires_us) {
		g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
		return NULL;
	}
	t->refs++;
	return t;
}

static gboolean expired(void *key, void *value, void *user)
{
	(void)key;
	return *(const int64_t *)value <= *(const int64_t *)user;
}

static void add_revoked(struct identity *id, const char *audit_id, int64_t expires_us)
{
	g_hash_table_replace(id->revoked, g_strdup(audit_id), g_memdup2(&expires_us, sizeof expires_us));
}

bool identity_revoke(struct identity *id, const struct auth *a, GError **err)
{
	const struct revoked as = { a->audit_id, a->expires_us };
	struct store_val row[G_N_ELEMENTS(revoked_fields)];
	int64_t now_us = clock_wall_us();

	row_values(revoked_fields, G_N_ELEMENTS(row), &as, now_us, row);
	if (!store_run(id->store, Q_REVOKED_PUT, row, G_N_ELEMENTS(row), NULL, err) ||
	    !store_run(id->store, Q_REVOKED_PURGE, STORE_ARGS(SV_I(now_us)), NULL, err))
		return false;
	g_hash_table_foreach_remove(id->revoked, expired, &now_us);
	add_revoked(id, a->audit_id, a->expires_us);
	identity_forget_tokens(id);
	return true;
}

/* ---- start and end ---- */

static bool load_revoked(const struct store_row *row, void *user)
{
	struct revoked got;

	(void)row_read(row, revoked_fields, G_N_ELEMENTS(revoked_fields), &got); /* it has no words */
	add_revoked(user, got.audit_id, got.expires_us);
	return true;
}

static unsigned token_hash(const void *token)
{
	return g_str_hash(token);
}

/* Only tokens that were good are remembered; comparing with them must not tell how far another is right. */
static gboolean token_equal(const void *a, const void *b)
{
	return util_equal_ct(a, b);
}

static void known_free(void *a)
{
	auth_free(a);
}

bool tokens_load(struct identity *id, GError **err)
{
	id->revoked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	id->known = g_hash_table_new_full(token_hash, token_equal, g_free, known_free);
	return store_each(id->store, Q_REVOKED_ALL, STORE_ARGS(SV_I(clock_wall_us())), load_revoked, id, err);
}
