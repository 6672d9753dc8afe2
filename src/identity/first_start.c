/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/first_start.h"

#include <errno.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/util.h"
#include "identity/accounts.h"
#include "identity/credentials.h"
#include "identity/identity_priv.h"
#include "identity/password.h"
#include "identity/records.h"

#define ADMIN_PASSWORD_LEN 24
#define MARK "first-start" /* there from the beginning of a first start to its end */

static char *likely_url(const struct conf *conf)
{
	if (conf->public_url)
		return g_strdup(conf->public_url);
	return g_strdup_printf("%s://%s:%" G_GINT64_FORMAT, conf->ssl_cert_file ? "https" : "http", conf->listen, conf->port);
}

static bool has(const struct identity *id, const char *name)
{
	g_autofree char *path = g_build_filename(id->conf->state_path, name, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static bool load_key(struct identity *id, GError **err)
{
	g_autofree char *path = g_build_filename(id->conf->state_path, TOKEN_KEYS_FILE, NULL);

	return token_keys_load(path, &id->keys, err);
}

/* ---- the file that tells of a first start that is not through ---- */

static bool mark(struct identity *id, GError **err)
{
	g_autofree char *path = g_build_filename(id->conf->state_path, MARK, NULL);

	return util_write_secret(path, "The first start of droverd is not through yet.\n", err);
}

static bool unmark(struct identity *id, GError **err)
{
	g_autofree char *path = g_build_filename(id->conf->state_path, MARK, NULL);

	if (g_unlink(path) == 0 || errno == ENOENT)
		return true;
	g_set_error(err, ERR, ERR_CONF, "cannot remove %s: %s", path, g_strerror(errno));
	return false;
}

/* D7: a lost, cut or wrong database must not make another administrator, nor write over the password of the one there was. */
static bool check_first(const struct identity *id, GError **err)
{
	const char *left = has(id, TOKEN_KEYS_FILE) ? TOKEN_KEYS_FILE : has(id, "admin-openrc") ? "admin-openrc" : NULL;

	if (!left || has(id, MARK))
		return true;
	g_set_error(err, ERR, ERR_CONF, "the database has no user, but %s/%s tells of an earlier start: it was lost, or it is another one. Restore it "
		    "(docs/BACKUP.md); or, to begin with an empty one, move token.key, admin-openrc and clouds.yaml out of %s",
		    id->conf->state_path, left, id->conf->state_path);
	return false;
}

/* ---- what is made ---- */

static bool make_admin(struct identity *id, const char *password, GError **err)
{
	g_autofree char *user_id = identity_id_new(), *project_id = identity_id_new(), *hash = password_hash_now(password, err);
	int64_t now_us = clock_wall_us();
	struct project p = { .id = project_id, .name = (char *)"admin", .description = (char *)"created at the first start", .enabled = true,
			     .created_us = now_us };
	struct user u = { .id = user_id, .name = (char *)"admin", .hash = hash, .default_project_id = project_id, .enabled = true,
			  .created_us = now_us };

	if (!hash || !store_begin(id->store, err))
		return false;
	if (identity_project_put(id, &p, err) && identity_user_put(id, &u, err) &&
	    identity_grant(id, user_id, project_id, ROLE_ADMIN, err) && store_commit(id->store, err))
		return true;
	store_rollback(id->store);
	return false;
}

/* The files come first: once the user exists, so does the file with the password. And what is committed stands in the database's file. */
bool first_start(struct identity *id, GError **err)
{
	g_autofree char *password = password_random(ADMIN_PASSWORD_LEN), *url = likely_url(id->conf);

	if (!check_first(id, err) || !mark(id, err) || !load_key(id, err) || !credentials_write(id->conf, url, password, err) ||
	    !make_admin(id, password, err) || !store_checkpoint(id->store, err) || !unmark(id, err))
		return false;
	log_info("admin_created", LOG_S("credentials", id->conf->state_path));
	return true;
}

/* It is begun again until the user is there: without one droverd does not start beside these files. */
bool first_start_again(struct identity *id, bool *ret_made, GError **err)
{
	g_autofree char *password = credentials_password(id->conf), *url = likely_url(id->conf);

	if (id->users->len) {
		g_set_error(err, ERR, ERR_CONF, "the database has users: it is not lost. To make it again all the same, move it out of %s", id->conf->state_path);
		return false;
	}
	*ret_made = !password;
	if (!password)
		password = password_random(ADMIN_PASSWORD_LEN);
	if (*ret_made && (!mark(id, err) || !credentials_write(id->conf, url, password, err)))
		return false;
	return load_key(id, err) && make_admin(id, password, err) && store_checkpoint(id->store, err) && unmark(id, err);
}

bool first_start_later(struct identity *id, GError **err)
{
	return load_key(id, err) && unmark(id, err);
}
