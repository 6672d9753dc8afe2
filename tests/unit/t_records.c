/* SPDX-License-Identifier: Apache-2.0
 *
 * Users, projects, roles and tokens without HTTP: this links src/identity and what is below it, nothing of the API.
 */
#include <assert.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "identity/accounts.h"
#include "identity/app_credential.h"
#include "identity/identity.h"

static struct conf conf = { .token_expiration = 3600, .listen = (char *)"127.0.0.1", .port = 8774 };
static struct store *store;
static struct identity *identity;

static void add_user(const char *id, const char *name)
{
	struct user u = { .id = (char *)id, .name = (char *)name, .hash = (char *)"$y$none", .enabled = true };
	g_autoptr(GError) err = NULL;

	(void)identity_user_put(identity, &u, &err);
	g_assert_no_error(err);
}

static void add_project(const char *id, const char *name)
{
	struct project p = { .id = (char *)id, .name = (char *)name, .description = (char *)"", .enabled = true };
	g_autoptr(GError) err = NULL;

	(void)identity_project_put(identity, &p, &err);
	g_assert_no_error(err);
}

/* ---- roles: each implies those behind it ---- */

static const struct {
	enum role granted;
	const char *roles;
	bool admin;
} implied[] = {
	{ ROLE_ADMIN, "admin,member,reader", true },
	{ ROLE_MEMBER, "member,reader", false },
	{ ROLE_READER, "reader", false },
};
static_assert(G_N_ELEMENTS(implied) == ROLE_N, "a role is missing");

static void test_roles(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(implied); i++) {
		g_autoptr(GError) err = NULL;
		g_autofree char *token = NULL, *roles = NULL;
		struct auth *a;

		g_assert_true(identity_grant(identity, "u1", "p1", implied[i].granted, &err));
		token = identity_issue(identity, identity_user(identity, "u1"), "p1", 0, 0);
		a = identity_check(identity, token, &err);
		g_assert_no_error(err);
		roles = g_strjoinv(",", a->roles);
		g_assert_cmpstr(roles, ==, implied[i].roles);
		g_assert_cmpint(a->admin, ==, implied[i].admin);
		g_assert_cmpstr(a->user_name, ==, "ann");
		g_assert_cmpstr(a->project_name, ==, "yard");
		auth_free(a);
		g_assert_true(identity_ungrant(identity, "u1", "p1", implied[i].granted, &err));
		g_assert_null(identity_check(identity, token, &err));
		g_assert_error(err, ERR, ERR_UNAUTHORIZED);
	}
}

/* ---- what is refused, and with which words ---- */

static void expect(bool ok, GError **err, enum err_code code, const char *words)
{
	g_assert_false(ok);
	g_assert_error(*err, ERR, (int)code);
	g_assert_nonnull(strstr((*err)->message, words));
	g_clear_error(err);
}

static void test_refused(void)
{
	const struct user *admin = identity_user_named(identity, "admin");
	const struct project *project = identity_project_named(identity, "admin");
	struct user twice = { .id = (char *)"u2", .name = (char *)"ann", .hash = (char *)"x", .enabled = true };
	g_autofree char *admin_id = g_strdup(admin->id), *project_id = g_strdup(project->id);
	GError *err = NULL;

	expect(identity_user_put(identity, &twice, &err), &err, ERR_CONFLICT, "Duplicate entry found with name ann");
	expect(identity_user_delete(identity, "none", &err), &err, ERR_NOT_FOUND, "Could not find user: none.");
	expect(identity_user_delete(identity, admin_id, &err), &err, ERR_FORBIDDEN, "No user would be left with the role admin.");
	expect(identity_project_delete(identity, project_id, &err), &err, ERR_FORBIDDEN, "No user would be left");
	expect(identity_ungrant(identity, admin_id, project_id, ROLE_ADMIN, &err), &err, ERR_FORBIDDEN, "No user would be left");
	g_assert_cmpuint(identity_users(identity)->len, ==, 2);
	g_assert_cmpuint(identity_projects(identity)->len, ==, 2);
	g_assert_cmpuint(identity_grants(identity)->len, ==, 1);
}

/* ---- a start later finds what was written ---- */

static void test_again(void)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *token = identity_issue(identity, identity_user(identity, "u1"), NULL, 0, 0);
	struct auth *a;

	identity_free(identity);
	identity = identity_new(&conf, store, &err);
	g_assert_no_error(err);
	a = identity_check(identity, token, &err);
	g_assert_no_error(err);
	g_assert_cmpstr(a->user_id, ==, "u1");
	g_assert_null(a->project_id);
	g_assert_null(a->roles[0]);
	auth_free(a);
	g_assert_true(identity_has_project(identity, "p1"));
}

int main(int argc, char **argv)
{
	g_autoptr(GError) err = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	log_init(LOG_WARNING, LOG_TEXT);
	loop_init();
	clock_manual(INT64_C(1760000000000000));
	conf.state_path = g_dir_make_tmp("t_records_XXXXXX", NULL);
	store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	identity = identity_new(&conf, store, &err);
	g_assert_no_error(err);
	add_user("u1", "ann");
	add_project("p1", "yard");
	g_test_add_func("/records/roles", test_roles);
	g_test_add_func("/records/refused", test_refused);
	g_test_add_func("/records/again", test_again);
	status = g_test_run();
	identity_free(identity);
	store_close(store);
	for (const char *const *name = (const char *const[]){ "token.key", "admin-openrc", "clouds.yaml", NULL }; *name; name++) {
		g_autofree char *path = g_build_filename(conf.state_path, *name, NULL);

		g_unlink(path);
	}
	g_rmdir(conf.state_path);
	g_free(conf.state_path);
	return status;
}
