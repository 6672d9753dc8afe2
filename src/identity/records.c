/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/records.h"

#include <string.h>

#include "base/log.h"
#include "identity/identity_priv.h"
#include "identity/token.h"
#include "store/columns.h"
#include "store/row.h"

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

enum role records_highest_role(char *const *names)
{
	enum role r = ROLE_ADMIN;

	while (r < ROLE_N && !(names && g_strv_contains((const char *const *)names, role_table[r].name)))
		r++;
	return r;
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

void identity_forget_tokens(struct identity *id)
{
	g_hash_table_remove_all(id->known);
}

/* ---- start and end ---- */

const char *records_role_word(int role)
{
	return role_table[role].name;
}

#define USER_FIELD(n, col, type, f) ROW_FIELD_##type(user, col, f),
#define PROJECT_FIELD(n, col, type, f) ROW_FIELD_##type(project, col, f),
#define GRANT_FIELD(n, col, type, f) ROW_FIELD_##type(grant, col, f),

static const struct row_field user_fields[] = { USER_ROW(USER_FIELD, USER_FIELD) };
static const struct row_field project_fields[] = { PROJECT_ROW(PROJECT_FIELD, PROJECT_FIELD) };
static const struct row_field grant_fields[] = { GRANT_ROW(GRANT_FIELD, GRANT_FIELD) };

void records_add_grant(struct identity *id, const char *user_id, const char *project_id, enum role role)
{
	struct grant *g = g_new0(struct grant, 1);

	g->user_id = g_strdup(user_id);
	g->project_id = g_strdup(project_id);
	g->role = role;
	g_ptr_array_add(id->grants, g);
}

static bool load_user(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct user *u = g_new0(struct user, 1);

	(void)row_read(row, user_fields, G_N_ELEMENTS(user_fields), u); /* it has no words */
	g_ptr_array_add(id->users, u);
	return true;
}

static bool load_project(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct project *p = g_new0(struct project, 1);

	(void)row_read(row, project_fields, G_N_ELEMENTS(project_fields), p); /* it has no words */
	g_ptr_array_add(id->projects, p);
	return true;
}

static bool load_grant(const struct store_row *row, void *user)
{
	struct grant g = { .role = ROLE_N };
	g_autofree char *wrong = row_read(row, grant_fields, G_N_ELEMENTS(grant_fields), &g);

	/* A role of a later version gives nothing here. */
	if (wrong)
		log_warning("role_unreadable", LOG_S("user_id", g.user_id), LOG_S("project_id", g.project_id), LOG_S("reason", wrong));
	else
		records_add_grant(user, g.user_id, g.project_id, g.role);
	return true;
}

bool records_load(struct identity *id, GError **err)
{
	struct store *s = id->store;

	id->users = g_ptr_array_new_with_free_func(user_free);
	id->projects = g_ptr_array_new_with_free_func(project_free);
	id->grants = g_ptr_array_new_with_free_func(grant_free);
	return store_each(s, Q_USER_ALL, STORE_NO_ARGS, load_user, id, err) && store_each(s, Q_PROJECT_ALL, STORE_NO_ARGS, load_project, id, err) &&
	       store_each(s, Q_GRANT_ALL, STORE_NO_ARGS, load_grant, id, err);
}
