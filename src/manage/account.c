/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/account.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "identity/accounts.h"
#include "identity/identity.h"
#include "identity/password.h"
#include "manage/where.h"
#include "store/store.h"

#define PASSWORD_LEN 24
#define PASSWORD_MAX 4096

struct account_args {
	char *project, *role, *description;
	gboolean enable, disable, new_password, password_stdin;
};

/* What one command does; the positional arguments are as many as its row says. */
typedef bool act_f(struct identity *id, const struct account_args *a, char **argv, GError **err);

static command_f run;
static act_f user_list, user_create, user_set, user_delete, project_list, project_create, project_set, project_delete, role_list, role_add, role_remove;

const struct command account_commands[] = {
	{ "user", "list", "List the users", run },
	{ "user", "create", "Make a user, with a password that is printed", run },
	{ "user", "set", "Change a user's password, or whether it may log in", run },
	{ "user", "delete", "Remove a user, with its roles and application credentials", run },
	{ "project", "list", "List the projects", run },
	{ "project", "create", "Make a project", run },
	{ "project", "set", "Change whether a project may be used", run },
	{ "project", "delete", "Remove a project, with the roles in it", run },
	{ "role", "list", "List which user has which role in which project", run },
	{ "role", "add", "Give a user a role in a project", run },
	{ "role", "remove", "Take it away", run },
	{ NULL },
};

static const struct act {
	act_f *fn;
	const char *args;    /* for the help; NULL: there are none */
	int n;
	const char *options; /* its own, by their names; NULL: none */
} acts[] = {
	{ user_list, NULL, 0, NULL },
	{ user_create, "NAME", 1, "project role disable password-stdin" },
	{ user_set, "NAME", 1, "enable disable new-password password-stdin" },
	{ user_delete, "NAME", 1, NULL },
	{ project_list, NULL, 0, NULL },
	{ project_create, "NAME", 1, "description disable" },
	{ project_set, "NAME", 1, "description enable disable" },
	{ project_delete, "NAME", 1, NULL },
	{ role_list, NULL, 0, NULL },
	{ role_add, "ROLE USER PROJECT", 3, NULL },
	{ role_remove, "ROLE USER PROJECT", 3, NULL },
};
G_STATIC_ASSERT(G_N_ELEMENTS(acts) + 1 == G_N_ELEMENTS(account_commands));

/* ---- finding ---- */

static struct user *find_user(struct identity *id, const char *name, GError **err)
{
	struct user *u = identity_user_named(id, name);

	if (!u)
		u = identity_user(id, name);
	if (!u)
		g_set_error(err, ERR, ERR_NOT_FOUND, "there is no user %s", name);
	return u;
}

static struct project *find_project(struct identity *id, const char *name, GError **err)
{
	struct project *p = identity_project_named(id, name);

	if (!p)
		p = identity_project(id, name);
	if (!p)
		g_set_error(err, ERR, ERR_NOT_FOUND, "there is no project %s", name);
	return p;
}

static bool find_role(const char *name, enum role *ret, GError **err)
{
	if (identity_role(name, ret))
		return true;
	g_set_error(err, ERR, ERR_NOT_FOUND, "there is no role %s: there are admin, member and reader", name);
	return false;
}

/* ---- passwords ---- */

/* Return: owned; from stdin its first line, else a new one, which is printed */
static char *take_password(const struct account_args *a, GError **err)
{
	char line[PASSWORD_MAX + 2];
	char *made;

	if (!a->password_stdin) {
		made = password_random(PASSWORD_LEN);
		printf("%s\n", made);
		return made;
	}
	if (!fgets(line, sizeof line, stdin))
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] && strlen(line) <= PASSWORD_MAX)
		return g_strdup(line);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "stdin has no password in its first line, of up to %d bytes", PASSWORD_MAX);
	return NULL;
}

static char *take_hash(const struct account_args *a, GError **err)
{
	g_autofree char *password = take_password(a, err);

	return password ? password_hash_now(password, err) : NULL;
}

static bool take_enabled(const struct account_args *a, bool *enabled, GError **err)
{
	if (a->enable && a->disable) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "--enable and --disable exclude each other");
		return false;
	}
	*enabled = a->enable || (*enabled && !a->disable);
	return true;
}

/* ---- users ---- */

static bool user_list(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	const GPtrArray *all = identity_users(id);

	(void)a, (void)argv, (void)err;
	for (guint i = 0; i < all->len; i++) {
		const struct user *u = g_ptr_array_index(all, i);

		printf("%s  %-8s  %s\n", u->id, u->enabled ? "enabled" : "disabled", u->name);
	}
	return true;
}

static bool user_create(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	struct project *p = a->project ? find_project(id, a->project, err) : NULL;
	g_autofree char *new_id = identity_id_new(), *hash = NULL;
	enum role role = ROLE_MEMBER;
	struct user u = { .id = new_id, .name = argv[1], .enabled = !a->disable, .created_us = clock_wall_us() };

	if ((a->project && !p) || (a->role && !find_role(a->role, &role, err)))
		return false;
	if (a->role && !p) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "--role needs --project");
		return false;
	}
	hash = take_hash(a, err);
	u.hash = hash;
	u.default_project_id = p ? p->id : NULL;
	return hash && identity_user_put(id, &u, err) && (!p || identity_grant(id, new_id, p->id, role, err));
}

static bool user_set(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	struct user *have = find_user(id, argv[1], err);
	g_autofree char *hash = NULL;
	struct user u;

	if (!have)
		return false;
	u = *have;
	if (!take_enabled(a, &u.enabled, err))
		return false;
	if (a->new_password || a->password_stdin) {
		hash = take_hash(a, err);
		if (!hash)
			return false;
		u.hash = hash;
	}
	return identity_user_put(id, &u, err);
}

static bool user_delete(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	struct user *u = find_user(id, argv[1], err);

	(void)a;
	return u && identity_user_delete(id, u->id, err);
}

/* ---- projects ---- */

static bool project_list(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	const GPtrArray *all = identity_projects(id);

	(void)a, (void)argv, (void)err;
	for (guint i = 0; i < all->len; i++) {
		const struct project *p = g_ptr_array_index(all, i);

		printf("%s  %-8s  %s\n", p->id, p->enabled ? "enabled" : "disabled", p->name);
	}
	return true;
}

static bool project_create(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	g_autofree char *new_id = identity_id_new();
	struct project p = { .id = new_id, .name = argv[1], .description = a->description ? a->description : (char *)"", .enabled = !a->disable,
			     .created_us = clock_wall_us() };

	return identity_project_put(id, &p, err);
}

static bool project_set(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	struct project *have = find_project(id, argv[1], err);
	struct project p;

	if (!have)
		return false;
	p = *have;
	if (!take_enabled(a, &p.enabled, err))
		return false;
	if (a->description)
		p.description = a->description;
	return identity_project_put(id, &p, err);
}

static bool project_delete(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	struct project *p = find_project(id, argv[1], err);

	(void)a;
	return p && identity_project_delete(id, p->id, err);
}

/* ---- roles ---- */

static bool role_list(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	const GPtrArray *all = identity_grants(id);

	(void)a, (void)argv, (void)err;
	for (guint i = 0; i < all->len; i++) {
		const struct grant *g = g_ptr_array_index(all, i);
		const struct user *u = identity_user(id, g->user_id);
		const struct project *p = identity_project(id, g->project_id);

		printf("%-8s  %s  %s\n", role_table[g->role].name, u ? u->name : g->user_id, p ? p->name : g->project_id);
	}
	return true;
}

static bool change_role(struct identity *id, char **argv, bool add, GError **err)
{
	struct user *u = find_user(id, argv[2], err);
	struct project *p = u ? find_project(id, argv[3], err) : NULL;
	enum role role;

	if (!p || !find_role(argv[1], &role, err))
		return false;
	return add ? identity_grant(id, u->id, p->id, role, err) : identity_ungrant(id, u->id, p->id, role, err);
}

static bool role_add(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	(void)a;
	return change_role(id, argv, true, err);
}

static bool role_remove(struct identity *id, const struct account_args *a, char **argv, GError **err)
{
	(void)a;
	return change_role(id, argv, false, err);
}

/* ---- the command ---- */

static bool act(const struct conf *conf, const struct act *what, const struct account_args *a, char **argv, GError **err)
{
	g_autofree char *url = where_url(conf);
	struct store *s = store_open(url, err);
	struct identity *id = s ? identity_new(conf, s, err) : NULL;
	bool ok = id && what->fn(id, a, argv, err);

	identity_free(id);
	store_close(s);
	return ok;
}

static size_t row_of(const char *group, const char *name)
{
	for (size_t i = 0; account_commands[i].name; i++)
		if (strcmp(account_commands[i].group, group) == 0 && strcmp(account_commands[i].name, name) == 0)
			return i;
	g_assert_not_reached();
}

/* @ret: room for all of them and the end */
static void take_own(const struct act *what, const GOptionEntry *all, GOptionEntry *ret)
{
	g_auto(GStrv) own = g_strsplit(what->options ? what->options : "", " ", -1);

	for (; all->long_name; all++)
		if (g_strv_contains((const char *const *)own, all->long_name))
			*ret++ = *all;
	*ret = *all;
}

static int run(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	struct account_args a = { .project = NULL };
	const GOptionEntry all[] = {
		{ "project", 0, 0, G_OPTION_ARG_STRING, &a.project, "Its project", "PROJECT" },
		{ "role", 0, 0, G_OPTION_ARG_STRING, &a.role, "Its role there (member)", "ROLE" },
		{ "description", 0, 0, G_OPTION_ARG_STRING, &a.description, "What it is for", "TEXT" },
		{ "enable", 0, 0, G_OPTION_ARG_NONE, &a.enable, "It may be used", NULL },
		{ "disable", 0, 0, G_OPTION_ARG_NONE, &a.disable, "It may not be used", NULL },
		{ "new-password", 0, 0, G_OPTION_ARG_NONE, &a.new_password, "Make a password and print it", NULL },
		{ "password-stdin", 0, 0, G_OPTION_ARG_NONE, &a.password_stdin, "Read the password from stdin, its first line", NULL },
		{ NULL },
	};
	GOptionEntry entries[G_N_ELEMENTS(all)];
	const struct act *what = &acts[row_of(c->group, c->name)];
	g_autoptr(GError) err = NULL;
	int status = 0;

	take_own(what, all, entries);
	if (!command_options(c, entries, what->args, &argc, &argv)) {
		status = COMMAND_USAGE;
	} else if (argc - 1 != what->n) {
		fprintf(stderr, "drover-manage %s %s: it takes %s\n", c->group, c->name, what->args ? what->args : "no arguments");
		status = COMMAND_USAGE;
	} else if (!act(conf, what, &a, argv, &err)) {
		status = command_fail(c, err, 1);
	}
	g_free(a.project);
	g_free(a.role);
	g_free(a.description);
	return status;
}
