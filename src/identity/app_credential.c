/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/app_credential.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"
#include "identity/identity_priv.h"
#include "identity/records.h"
#include "store/columns.h"
#include "store/row.h"

/* A row: the credential, and its roles as words. */
struct app_row {
	struct app_credential app;
	const char *roles;
};

#define FIELD(n, col, type, f) ROW_FIELD_##type(app_row, col, f),

static const struct row_field app_fields[] = { APP_ROW(FIELD, FIELD) };

void app_credential_free(void *data)
{
	struct app_credential *c = data;

	if (!c)
		return;
	g_free(c->id);
	g_free(c->user_id);
	g_free(c->project_id);
	g_free(c->name);
	g_free(c->description);
	g_free(c->hash);
	g_strfreev(c->roles);
	g_free(c);
}

/* ---- reading ---- */

struct app_credential *app_credential_get(const struct identity *id, const char *app_id)
{
	for (unsigned i = 0; i < id->apps->len; i++) {
		struct app_credential *c = id->apps->pdata[i];

		if (strcmp(c->id, app_id) == 0)
			return c;
	}
	return NULL;
}

struct app_credential *app_credential_named(const struct identity *id, const char *user_id, const char *name)
{
	for (unsigned i = 0; i < id->apps->len; i++) {
		struct app_credential *c = id->apps->pdata[i];

		if (strcmp(c->user_id, user_id) == 0 && strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

char **app_credential_roles(const struct identity *id, const struct app_credential *c)
{
	const struct user *u = identity_user(id, c->user_id);
	const struct project *p = identity_project(id, c->project_id);
	g_autoptr(GStrvBuilder) b = g_strv_builder_new();
	g_auto(GStrv) have = NULL;
	bool any = false;

	if (!u || !u->enabled || !p || !p->enabled || (c->expires_us && clock_wall_us() >= c->expires_us))
		return NULL;
	have = identity_roles(id, u->id, p->id);
	for (char **role = c->roles; have && *role; role++) {
		if (!g_strv_contains((const char *const *)have, *role))
			continue;
		g_strv_builder_add(b, *role);
		any = true;
	}
	return any ? g_strv_builder_end(b) : NULL;
}

/* ---- changing ---- */

static bool check_room(const struct identity *id, const char *user_id, GError **err)
{
	unsigned n = 0;

	for (unsigned i = 0; i < id->apps->len; i++)
		n += strcmp(((const struct app_credential *)id->apps->pdata[i])->user_id, user_id) == 0;
	if (n < APP_CREDENTIALS_MAX)
		return true;
	g_set_error(err, ERR, ERR_FORBIDDEN, "Unable to create additional application credentials, maximum of %d already exceeded for user.",
		    APP_CREDENTIALS_MAX);
	return false;
}

bool app_credential_add(struct identity *id, struct app_credential *c, GError **err)
{
	g_autofree char *roles = g_strjoinv(",", c->roles);
	const struct app_row as = { *c, roles };
	struct store_val row[G_N_ELEMENTS(app_fields)];

	if (app_credential_named(id, c->user_id, c->name)) {
		g_set_error(err, ERR, ERR_CONFLICT,
			    "Conflict occurred attempting to store application_credential - Duplicate entry found with name %s.", c->name);
		return false;
	}
	row_values(app_fields, G_N_ELEMENTS(row), &as, 0, row);
	if (!check_room(id, c->user_id, err) || !store_run(id->store, Q_APP_PUT, row, G_N_ELEMENTS(row), NULL, err))
		return false;
	g_ptr_array_add(id->apps, c);
	return true;
}

bool app_credential_delete(struct identity *id, const char *app_id, GError **err)
{
	struct app_credential *c = app_credential_get(id, app_id);

	if (!c || !store_run(id->store, Q_APP_DELETE, STORE_ARGS(SV_S(app_id)), NULL, err))
		return false;
	g_ptr_array_remove(id->apps, c);
	identity_forget_tokens(id);
	return true;
}

void app_credential_drop(struct identity *id, const char *user_id, const char *project_id)
{
	for (unsigned i = id->apps->len; i-- > 0;) {
		const struct app_credential *c = id->apps->pdata[i];

		if ((!user_id || strcmp(c->user_id, user_id) == 0) && (!project_id || strcmp(c->project_id, project_id) == 0))
			g_ptr_array_remove_index(id->apps, i);
	}
}

/* ---- loading ---- */

static bool load_one(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct app_row got = { .roles = NULL };

	(void)row_read(row, app_fields, G_N_ELEMENTS(app_fields), &got); /* it has no words of an enum */
	got.app.roles = g_strsplit(got.roles, ",", -1);
	g_ptr_array_add(id->apps, g_memdup2(&got.app, sizeof got.app));
	return true;
}

bool app_credential_load(struct identity *id, GError **err)
{
	return store_each(id->store, Q_APP_ALL, STORE_NO_ARGS, load_one, id, err);
}
