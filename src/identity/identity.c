/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity_priv.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"
#include "identity/app_credential.h"
#include "identity/first_start.h"
#include "identity/guess.h"
#include "identity/not_before.h"
#include "identity/password.h"

#define KNOWN_MAX 4096          /* tokens remembered */

const struct role_def role_table[ROLE_N] = {
	[ROLE_ADMIN] = { "admin", "a0000000000000000000000000000001" },
	[ROLE_MEMBER] = { "member", "a0000000000000000000000000000002" },
	[ROLE_READER] = { "reader", "a0000000000000000000000000000003" },
};

/* ---- records ---- */

static void user_free(void *data)
{
	struct user *u = data;

	g_free(u->id);
	g_free(u->name);
	g_free(u->hash);
	g_free(u->default_project_id);
	g_free(u);
}

static void project_free(void *data)
{
	struct project *p = data;

	g_free(p->id);
	g_free(p->name);
	g_free(p->description);
	g_free(p);
}

static void grant_free(void *data)
{
	struct grant *g = data;

	g_free(g->user_id);
	g_free(g->project_id);
	g_free(g);
}

struct user *identity_user(const struct identity *id, const char *user_id)
{
	for (unsigned i = 0; i < id->users->len; i++) {
		struct user *u = id->users->pdata[i];

		if (strcmp(u->id, user_id) == 0)
			return u;
	}
	return NULL;
}

struct user *identity_user_named(const struct identity *id, const char *name)
{
	for (unsigned i = 0; i < id->users->len; i++) {
		struct user *u = id->users->pdata[i];

		if (strcmp(u->name, name) == 0)
			return u;
	}
	return NULL;
}

struct project *identity_project(const struct identity *id, const char *project_id)
{
	for (unsigned i = 0; i < id->projects->len; i++) {
		struct project *p = id->projects->pdata[i];

		if (strcmp(p->id, project_id) == 0)
			return p;
	}
	return NULL;
}

bool identity_has_project(const struct identity *id, const char *project_id)
{
	return identity_project(id, project_id) != NULL;
}

struct project *identity_project_named(const struct identity *id, const char *name)
{
	for (unsigned i = 0; i < id->projects->len; i++) {
		struct project *p = id->projects->pdata[i];

		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

bool identity_granted(const struct identity *id, const char *user_id, const char *project_id, enum role role)
{
	for (unsigned i = 0; i < id->grants->len; i++) {
		const struct grant *g = id->grants->pdata[i];

		if (g->role == role && strcmp(g->user_id, user_id) == 0 && strcmp(g->project_id, project_id) == 0)
			return true;
	}
	return false;
}

const GPtrArray *identity_users(const struct identity *id)
{
	return id->users;
}

const GPtrArray *identity_projects(const struct identity *id)
{
	return id->projects;
}

const GPtrArray *identity_grants(const struct identity *id)
{
	return id->grants;
}

const GPtrArray *identity_apps(const struct identity *id)
{
	return id->apps;
}

char **identity_roles(const struct identity *id, const char *user_id, const char *project_id)
{
	g_autoptr(GStrvBuilder) b = g_strv_builder_new();
	bool implied = false;

	for (enum role r = 0; r < ROLE_N; r++) {
		implied |= identity_granted(id, user_id, project_id, r);
		if (implied)
			g_strv_builder_add(b, role_table[r].name);
	}
	return implied ? g_strv_builder_end(b) : NULL;
}

bool identity_role(const char *id_or_name, enum role *ret)
{
	for (enum role r = 0; r < ROLE_N; r++) {
		if (strcmp(role_table[r].id, id_or_name) != 0 && strcmp(role_table[r].name, id_or_name) != 0)
			continue;
		*ret = r;
		return true;
	}
	return false;
}

char *identity_id_new(void)
{
	uint8_t raw[16];
	GString *s = g_string_new(NULL);

	token_random(raw, sizeof raw);
	for (size_t i = 0; i < sizeof raw; i++)
		g_string_append_printf(s, "%02x", raw[i]);
	return g_string_free(s, FALSE);
}

/* ---- changing ---- */

void identity_forget_tokens(struct identity *id)
{
	g_hash_table_remove_all(id->known);
}

/* The number of administrators left without these; NULL leaves none out. */
static bool admin_left(const struct identity *id, const char *without_user, const char *without_project, const struct grant *without)
{
	for (unsigned i = 0; i < id->grants->len; i++) {
		const struct grant *g = id->grants->pdata[i];
		const struct user *u = identity_user(id, g->user_id);
		const struct project *p = identity_project(id, g->project_id);

		if (g->role == ROLE_ADMIN && g != without && u && u->enabled && p && p->enabled &&
		    g_strcmp0(u->id, without_user) != 0 && g_strcmp0(p->id, without_project) != 0)
			return true;
	}
	return false;
}

static bool check_admin_left(const struct identity *id, const char *without_user, const char *without_project,
			     const struct grant *without, GError **err)
{
	/* Where there was none before, as at the first start, nothing is lost. */
	if (admin_left(id, without_user, without_project, without) || !admin_left(id, NULL, NULL, NULL))
		return true;
	g_set_error(err, ERR, ERR_FORBIDDEN, "No user would be left with the role admin.");
	return false;
}

static bool name_taken(const char *what, const char *name, GError **err)
{
	g_set_error(err, ERR, ERR_CONFLICT, "Conflict occurred attempting to store %s - Duplicate entry found with name %s at domain ID %s.",
		    what, name, DOMAIN_ID);
	return false;
}

struct write {
	enum query q;
	const struct store_val *args;
	size_t n;
};

/* All of them in one transaction, or none. */
static bool write_all(struct identity *id, const struct write *w, size_t n, GError **err)
{
	bool ok = true;

	if (!store_begin(id->store, err))
		return false;
	for (size_t i = 0; i < n && ok; i++)
		ok = store_run(id->store, w[i].q, w[i].args, w[i].n, NULL, err);
	if (ok && store_commit(id->store, err))
		return true;
	store_rollback(id->store);
	return false;
}

/*
 * A user that is disabled loses the tokens and, as with Keystone, the application credentials for good. Done when
 * enabled, too: then for one that was disabled before this was kept.
 */
static bool write_user(struct identity *id, const struct user *u, bool switched, GError **err)
{
	const struct write w[] = {
		{ Q_USER_PUT, STORE_ARGS(SV_S(u->id), SV_S(u->name), SV_S(u->hash), SV_S(u->default_project_id), SV_I(u->enabled), SV_I(u->created_us)) },
		{ Q_APP_DELETE_USER, STORE_ARGS(SV_S(u->id)) },
		{ Q_NOT_BEFORE_PUT, STORE_ARGS(SV_S(u->id), SV_S(""), SV_I(not_before_stamp(id))) },
	};

	if (!switched)
		return store_run(id->store, w[0].q, w[0].args, w[0].n, NULL, err);
	if (!write_all(id, w, G_N_ELEMENTS(w), err))
		return false;
	app_credential_drop(id, u->id, NULL);
	not_before_note(id, u->id, "", id->stamp_us);
	return true;
}

static bool write_project(struct identity *id, const struct project *p, bool switched, GError **err)
{
	const struct write w[] = {
		{ Q_PROJECT_PUT, STORE_ARGS(SV_S(p->id), SV_S(p->name), SV_S(p->description), SV_I(p->enabled), SV_I(p->created_us)) },
		{ Q_NOT_BEFORE_PUT, STORE_ARGS(SV_S(""), SV_S(p->id), SV_I(not_before_stamp(id))) },
	};

	if (!switched)
		return store_run(id->store, w[0].q, w[0].args, w[0].n, NULL, err);
	if (!write_all(id, w, G_N_ELEMENTS(w), err))
		return false;
	not_before_note(id, "", p->id, id->stamp_us);
	return true;
}

bool identity_user_put(struct identity *id, const struct user *u, GError **err)
{
	struct user *old = identity_user(id, u->id), *same_name = identity_user_named(id, u->name);
	struct user *new;

	if (same_name && same_name != old)
		return name_taken("user", u->name, err);
	if (!u->enabled && !check_admin_left(id, u->id, NULL, NULL, err))
		return false;
	if (!write_user(id, u, old && old->enabled != u->enabled, err))
		return false;
	new = old;
	if (!new) {
		new = g_new0(struct user, 1);
		new->id = g_strdup(u->id);
		g_ptr_array_add(id->users, new);
	}
	/* What @u points to may be the old record's. */
	util_replace(&new->name, u->name);
	util_replace(&new->hash, u->hash);
	util_replace(&new->default_project_id, u->default_project_id);
	new->enabled = u->enabled;
	new->created_us = u->created_us;
	identity_forget_tokens(id);
	return true;
}

bool identity_project_put(struct identity *id, const struct project *p, GError **err)
{
	struct project *old = identity_project(id, p->id), *same_name = identity_project_named(id, p->name);
	struct project *new;

	if (same_name && same_name != old)
		return name_taken("project", p->name, err);
	if (!p->enabled && !check_admin_left(id, NULL, p->id, NULL, err))
		return false;
	if (!write_project(id, p, old && old->enabled != p->enabled, err))
		return false;
	new = old;
	if (!new) {
		new = g_new0(struct project, 1);
		new->id = g_strdup(p->id);
		g_ptr_array_add(id->projects, new);
	}
	/* What @p points to may be the old record's. */
	util_replace(&new->name, p->name);
	util_replace(&new->description, p->description);
	new->enabled = p->enabled;
	new->created_us = p->created_us;
	identity_forget_tokens(id);
	return true;
}

static void drop_grants(struct identity *id, const char *user_id, const char *project_id)
{
	for (unsigned i = id->grants->len; i-- > 0;) {
		const struct grant *g = id->grants->pdata[i];

		if (g_strcmp0(g->user_id, user_id) == 0 || g_strcmp0(g->project_id, project_id) == 0)
			g_ptr_array_remove_index(id->grants, i);
	}
}

bool identity_user_delete(struct identity *id, const char *user_id, GError **err)
{
	const struct write rows[] = {
		{ Q_APP_DELETE_USER, STORE_ARGS(SV_S(user_id)) }, { Q_GRANT_DELETE_USER, STORE_ARGS(SV_S(user_id)) },
		{ Q_NOT_BEFORE_DELETE_USER, STORE_ARGS(SV_S(user_id)) }, { Q_USER_DELETE, STORE_ARGS(SV_S(user_id)) },
	};
	struct user *u = identity_user(id, user_id);

	if (!u) {
		g_set_error(err, ERR, ERR_NOT_FOUND, "Could not find user: %s.", user_id);
		return false;
	}
	if (!check_admin_left(id, user_id, NULL, NULL, err) || !write_all(id, rows, G_N_ELEMENTS(rows), err))
		return false;
	drop_grants(id, user_id, NULL);
	app_credential_drop(id, user_id, NULL);
	not_before_drop(id, user_id, NULL);
	g_ptr_array_remove(id->users, u);
	identity_forget_tokens(id);
	return true;
}

bool identity_project_delete(struct identity *id, const char *project_id, GError **err)
{
	const struct write rows[] = {
		{ Q_APP_DELETE_PROJECT, STORE_ARGS(SV_S(project_id)) }, { Q_GRANT_DELETE_PROJECT, STORE_ARGS(SV_S(project_id)) },
		{ Q_NOT_BEFORE_DELETE_PROJECT, STORE_ARGS(SV_S(project_id)) }, { Q_PROJECT_DELETE, STORE_ARGS(SV_S(project_id)) },
	};
	struct project *p = identity_project(id, project_id);

	if (!p) {
		g_set_error(err, ERR, ERR_NOT_FOUND, "Could not find project: %s.", project_id);
		return false;
	}
	if (!check_admin_left(id, NULL, project_id, NULL, err) || !write_all(id, rows, G_N_ELEMENTS(rows), err))
		return false;
	drop_grants(id, NULL, project_id);
	app_credential_drop(id, NULL, project_id);
	not_before_drop(id, NULL, project_id);
	g_ptr_array_remove(id->projects, p);
	identity_forget_tokens(id);
	return true;
}

static void add_grant(struct identity *id, const char *user_id, const char *project_id, enum role role)
{
	struct grant *g = g_new0(struct grant, 1);

	g->user_id = g_strdup(user_id);
	g->project_id = g_strdup(project_id);
	g->role = role;
	g_ptr_array_add(id->grants, g);
}

bool identity_grant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err)
{
	if (identity_granted(id, user_id, project_id, role))
		return true;
	if (!store_run(id->store, Q_GRANT_PUT, STORE_ARGS(SV_S(user_id), SV_S(project_id), SV_S(role_table[role].name)), NULL, err))
		return false;
	add_grant(id, user_id, project_id, role);
	identity_forget_tokens(id);
	return true;
}

/* As with Keystone, the user's tokens and application credentials in the project go with the role, which they may carry. */
static bool ungrant_rows(struct identity *id, const struct grant *g, GError **err)
{
	const struct write rows[] = {
		{ Q_APP_DELETE_IN, STORE_ARGS(SV_S(g->user_id), SV_S(g->project_id)) },
		{ Q_GRANT_DELETE, STORE_ARGS(SV_S(g->user_id), SV_S(g->project_id), SV_S(role_table[g->role].name)) },
		{ Q_NOT_BEFORE_PUT, STORE_ARGS(SV_S(g->user_id), SV_S(g->project_id), SV_I(not_before_stamp(id))) },
	};

	if (!write_all(id, rows, G_N_ELEMENTS(rows), err))
		return false;
	app_credential_drop(id, g->user_id, g->project_id);
	not_before_note(id, g->user_id, g->project_id, id->stamp_us);
	return true;
}

bool identity_ungrant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err)
{
	for (unsigned i = 0; i < id->grants->len; i++) {
		struct grant *g = id->grants->pdata[i];

		if (g->role != role || strcmp(g->user_id, user_id) != 0 || strcmp(g->project_id, project_id) != 0)
			continue;
		if (!check_admin_left(id, NULL, NULL, g, err) || !ungrant_rows(id, g, err))
			return false;
		g_ptr_array_remove_index(id->grants, i);
		identity_forget_tokens(id);
		return true;
	}
	g_set_error(err, ERR, ERR_NOT_FOUND, "Could not find role assignment with role: %s, user or group: %s, project, domain, or system: %s.",
		    role_table[role].id, user_id, project_id);
	return false;
}

/* ---- tokens ---- */

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

static void token_auth_unref(void *data)
{
	struct token_auth *t = data;

	if (--t->refs > 0)
		return;
	g_free(t->auth.user_id);
	g_free(t->auth.user_name);
	g_free(t->auth.project_id);
	g_free(t->auth.project_name);
	g_free(t->auth.audit_id);
	g_strfreev(t->auth.roles);
	g_free(t->app_id);
	g_free(t->app_name);
	g_free(t);
}

void auth_free(struct auth *a)
{
	if (a)
		token_auth_unref(a);
}

static enum role highest(char *const *names)
{
	enum role r = ROLE_ADMIN;

	while (r < ROLE_N && !(names && g_strv_contains((const char *const *)names, role_table[r].name)))
		r++;
	return r;
}

/* The user of sealed claims, as of now. Return: NULL if there is none any more. */
static struct token_auth *resolve(const struct identity *id, const struct token_claims *c)
{
	const struct user *u = identity_user(id, c->user_id);
	const struct project *p = c->project_id[0] ? identity_project(id, c->project_id) : NULL;
	const struct app_credential *app = c->app_id[0] ? app_credential_get(id, c->app_id) : NULL;
	g_autofree char *audit_id = token_base64(c->audit, sizeof c->audit);
	g_auto(GStrv) roles = NULL;
	uint8_t mark[TOKEN_MARK_LEN];
	struct token_auth *t;

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
	t = g_new0(struct token_auth, 1);
	t->refs = 1;
	t->methods = c->methods;
	t->app_id = app ? g_strdup(app->id) : NULL;
	t->app_name = app ? g_strdup(app->name) : NULL;
	t->app_unrestricted = app && app->unrestricted;
	t->auth = (struct auth){
		.user_id = g_strdup(u->id), .user_name = g_strdup(u->name),
		.project_id = p ? g_strdup(p->id) : NULL, .project_name = p ? g_strdup(p->name) : NULL,
		.audit_id = g_steal_pointer(&audit_id), .issued_us = c->issued_us, .expires_us = c->expires_us,
	};
	t->auth.role = highest(roles);
	t->auth.admin = t->auth.role == ROLE_ADMIN;
	t->auth.roles = roles ? g_steal_pointer(&roles) : g_new0(char *, 1);
	return t;
}

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct token_auth *t = g_hash_table_lookup(id->known, token);
	int64_t now_us = clock_wall_us();
	struct token_claims c;

	if (!t && token_keys_open(&id->keys, token, &c) && now_us < c.expires_us) {
		t = resolve(id, &c);
		if (t && g_hash_table_size(id->known) >= KNOWN_MAX)
			identity_forget_tokens(id);
		if (t)
			g_hash_table_insert(id->known, g_strdup(token), t);
	}
	if (!t || now_us >= t->auth.expires_us) {
		g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
		return NULL;
	}
	t->refs++;
	return &t->auth;
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
	int64_t now_us = clock_wall_us();

	if (!store_run(id->store, Q_REVOKED_PUT, STORE_ARGS(SV_S(a->audit_id), SV_I(a->expires_us)), NULL, err) ||
	    !store_run(id->store, Q_REVOKED_PURGE, STORE_ARGS(SV_I(now_us)), NULL, err))
		return false;
	g_hash_table_foreach_remove(id->revoked, expired, &now_us);
	add_revoked(id, a->audit_id, a->expires_us);
	identity_forget_tokens(id);
	return true;
}

/* ---- logins ---- */

void identity_login_accepted(struct identity *id, const char *name)
{
	id->logins.accepted++;
	guess_accepted(id->guess, name);
}

unsigned identity_login_wrong(struct identity *id, const char *address, const char *name)
{
	id->logins.wrong++;
	return guess_refused(id->guess, address, name);
}

void identity_login_unavailable(struct identity *id)
{
	id->logins.unavailable++;
}

/* ---- start and end ---- */

static bool load_user(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct user *u = g_new0(struct user, 1);

	u->id = g_strdup(store_text(row, 0));
	u->name = g_strdup(store_text(row, 1));
	u->hash = g_strdup(store_text(row, 2));
	u->default_project_id = g_strdup(store_text(row, 3));
	u->enabled = store_int(row, 4) != 0;
	u->created_us = store_int(row, 5);
	g_ptr_array_add(id->users, u);
	return true;
}

static bool load_project(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct project *p = g_new0(struct project, 1);

	p->id = g_strdup(store_text(row, 0));
	p->name = g_strdup(store_text(row, 1));
	p->description = g_strdup(store_text(row, 2));
	p->enabled = store_int(row, 3) != 0;
	p->created_us = store_int(row, 4);
	g_ptr_array_add(id->projects, p);
	return true;
}

static bool load_grant(const struct store_row *row, void *user)
{
	enum role role;

	/* A role of a later version gives nothing here. */
	if (identity_role(store_text(row, 2), &role))
		add_grant(user, store_text(row, 0), store_text(row, 1), role);
	return true;
}

static bool load_revoked(const struct store_row *row, void *user)
{
	add_revoked(user, store_text(row, 0), store_int(row, 1));
	return true;
}

static bool load(struct identity *id, GError **err)
{
	struct store *s = id->store;

	return store_each(s, Q_USER_ALL, STORE_NO_ARGS, load_user, id, err) && store_each(s, Q_PROJECT_ALL, STORE_NO_ARGS, load_project, id, err) &&
	       store_each(s, Q_GRANT_ALL, STORE_NO_ARGS, load_grant, id, err) && app_credential_load(id, err) &&
	       not_before_load(id, err) && store_each(s, Q_REVOKED_ALL, STORE_ARGS(SV_I(clock_wall_us())), load_revoked, id, err);
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

struct identity *identity_new(const struct conf *conf, struct store *store, GError **err)
{
	struct identity *id = g_new0(struct identity, 1);

	id->conf = conf;
	id->store = store;
	id->users = g_ptr_array_new_with_free_func(user_free);
	id->projects = g_ptr_array_new_with_free_func(project_free);
	id->grants = g_ptr_array_new_with_free_func(grant_free);
	id->apps = g_ptr_array_new_with_free_func(app_credential_free);
	id->not_before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	id->revoked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	id->guess = guess_new();
	id->known = g_hash_table_new_full(token_hash, token_equal, g_free, token_auth_unref);
	if (load(id, err) && (id->users->len ? first_start_later(id, err) : first_start(id, err)))
		return id;
	identity_free(id);
	return NULL;
}

static char *keys_path(const struct conf *conf)
{
	return g_build_filename(conf->state_path, TOKEN_KEYS_FILE, NULL);
}

bool identity_rotate_key(const struct conf *conf, GError **err)
{
	g_autofree char *path = keys_path(conf);

	return token_keys_rotate(path, conf->token_expiration * G_USEC_PER_SEC, err);
}

bool identity_take_keys(struct identity *id, GError **err)
{
	g_autofree char *path = keys_path(id->conf);

	if (!token_keys_reload(path, &id->keys, err))
		return false;
	identity_forget_tokens(id);
	return true;
}

const struct identity_logins *identity_logins(const struct identity *id)
{
	return &id->logins;
}

unsigned identity_passwords_waiting(void)
{
	return password_waiting();
}

bool identity_publish(struct identity *id, const char *url, GError **err)
{
	return credentials_update(id->conf, url, err);
}

void identity_free(struct identity *id)
{
	if (!id)
		return;
	guess_free(id->guess);
	g_hash_table_unref(id->known);
	g_hash_table_unref(id->revoked);
	g_hash_table_unref(id->not_before);
	g_ptr_array_unref(id->apps);
	g_ptr_array_unref(id->grants);
	g_ptr_array_unref(id->projects);
	g_ptr_array_unref(id->users);
	OPENSSL_cleanse(&id->keys, sizeof id->keys);
	g_free(id);
}
