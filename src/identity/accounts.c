/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/accounts.h"

#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "identity/app_credential.h"
#include "identity/identity_priv.h"
#include "identity/not_before.h"
#include "store/columns.h"
#include "store/row.h"

#define USER_FIELD(n, col, type, f) ROW_FIELD_##type(user, col, f),
#define PROJECT_FIELD(n, col, type, f) ROW_FIELD_##type(project, col, f),
#define GRANT_FIELD(n, col, type, f) ROW_FIELD_##type(grant, col, f),

static const struct row_field user_fields[] = { USER_ROW(USER_FIELD, USER_FIELD) };
static const struct row_field project_fields[] = { PROJECT_ROW(PROJECT_FIELD, PROJECT_FIELD) };
static const struct row_field grant_fields[] = { GRANT_ROW(GRANT_FIELD, GRANT_FIELD) };

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
	struct store_val row[G_N_ELEMENTS(user_fields)];
	const struct write w[] = {
		{ Q_USER_PUT, row, G_N_ELEMENTS(row) },
		{ Q_APP_DELETE_USER, STORE_ARGS(SV_S(u->id)) },
		{ Q_NOT_BEFORE_PUT, STORE_ARGS(SV_S(u->id), SV_S(""), SV_I(not_before_stamp(id))) },
	};

	row_values(user_fields, G_N_ELEMENTS(row), u, 0, row);
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
	struct store_val row[G_N_ELEMENTS(project_fields)];
	const struct write w[] = {
		{ Q_PROJECT_PUT, row, G_N_ELEMENTS(row) },
		{ Q_NOT_BEFORE_PUT, STORE_ARGS(SV_S(""), SV_S(p->id), SV_I(not_before_stamp(id))) },
	};

	row_values(project_fields, G_N_ELEMENTS(row), p, 0, row);
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

bool identity_grant(struct identity *id, const char *user_id, const char *project_id, enum role role, GError **err)
{
	const struct grant g = { (char *)user_id, (char *)project_id, role };
	struct store_val row[G_N_ELEMENTS(grant_fields)];

	if (identity_granted(id, user_id, project_id, role))
		return true;
	row_values(grant_fields, G_N_ELEMENTS(row), &g, 0, row);
	if (!store_run(id->store, Q_GRANT_PUT, row, G_N_ELEMENTS(row), NULL, err))
		return false;
	records_add_grant(id, user_id, project_id, role);
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
