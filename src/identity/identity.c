/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity.h"

#include <openssl/crypto.h>

#include "identity/app_credential.h"
#include "identity/credentials.h"
#include "identity/first_start.h"
#include "identity/guess.h"
#include "identity/identity_priv.h"
#include "identity/not_before.h"
#include "identity/password.h"

bool identity_has_project(const struct identity *id, const char *project_id)
{
	return identity_project(id, project_id) != NULL;
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

static bool load(struct identity *id, GError **err)
{
	return records_load(id, err) && app_credential_load(id, err) && not_before_load(id, err) && tokens_load(id, err);
}

static struct identity *identity_empty(const struct conf *conf, struct store *store)
{
	struct identity *id = g_new0(struct identity, 1);

	id->conf = conf;
	id->store = store;
	id->apps = g_ptr_array_new_with_free_func(app_credential_free);
	id->not_before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	id->guess = guess_new();
	return id;
}

bool identity_rebuild(const struct conf *conf, struct store *store, bool *ret_made, GError **err)
{
	struct identity *id = identity_empty(conf, store);
	bool ok = load(id, err) && first_start_again(id, ret_made, err);

	identity_free(id);
	return ok;
}

struct identity *identity_new(const struct conf *conf, struct store *store, GError **err)
{
	struct identity *id = identity_empty(conf, store);

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

const struct login_counts *identity_logins(const struct identity *id)
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
