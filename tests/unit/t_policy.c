/* SPDX-License-Identifier: Apache-2.0
 *
 * Which role may ask for what: every route and every action of the API, each with every role, through dispatch with handlers that say
 * that they were reached. The answers are tests/golden/policy/roles.txt; REGEN=1 writes it, the difference is to be reviewed.
 */
#include <assert.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "api/api.h"
#include "api/http/handler.h"
#include "api/http/incoming.h"
#include "api/http/policy.h"
#include "api/http/route.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "identity/accounts.h"
#include "identity/identity.h"
#include "identity/token.h"
#include "kinds.h"

#define REACHED 207 /* no call of ours gives it */

/* ---- requesters: users of one project with one role each ---- */

static const struct {
	const char *name; /* NULL: without a token */
	enum role role;   /* ROLE_N: the token is unscoped */
} requesters[] = {
	{ NULL, ROLE_N }, { "unscoped", ROLE_N }, { "reader", ROLE_READER }, { "member", ROLE_MEMBER }, { "admin", ROLE_ADMIN },
};
enum { STRANGER, UNSCOPED, READER, MEMBER, ADMIN, REQUESTERS_N };
static_assert(G_N_ELEMENTS(requesters) == REQUESTERS_N, "a requester has no row");

static struct conf conf = { .token_expiration = 3600, .listen = (char *)"127.0.0.1", .port = 8774 };
static struct store *store;
static struct identity *identity;
static char *tokens[REQUESTERS_N];

static void make_requesters(void)
{
	struct project p = { .id = (char *)"yard", .name = (char *)"yard", .description = (char *)"", .enabled = true };
	GError *err = NULL;

	(void)identity_project_put(identity, &p, &err);
	g_assert_no_error(err);
	for (int i = UNSCOPED; i < REQUESTERS_N; i++) {
		g_autofree char *id = g_strconcat("u-", requesters[i].name, NULL);
		struct user u = { .id = id, .name = id, .hash = (char *)"$y$none", .enabled = true };
		bool scoped = requesters[i].role != ROLE_N;

		(void)(identity_user_put(identity, &u, &err) && (!scoped || identity_grant(identity, id, "yard", requesters[i].role, &err)));
		g_assert_no_error(err);
		clock_advance_ms(1); /* beyond what ended tokens by then */
		tokens[i] = identity_issue(identity, identity_user(identity, id), scoped ? "yard" : NULL, TOKEN_PASSWORD, 0);
	}
}

/* ---- the tables, with handlers that say that they were reached ---- */

static void reached(struct api_req *r)
{
	api_reply_empty(r, REACHED);
}

static void reached_action(struct api_req *r, const json_t *value)
{
	(void)value;
	api_reply_empty(r, REACHED);
}

static void reached_task(struct api_req *r, const struct task_kind *k, const struct task_action *a, const json_t *value)
{
	(void)k, (void)a, (void)value;
	api_reply_empty(r, REACHED);
}

static const struct route_table *copy(const struct route_table *t)
{
	struct route_table *c = g_new(struct route_table, 1);
	struct route *rows = g_memdup2(t->routes, t->n * sizeof *rows);

	for (size_t i = 0; i < t->n; i++) {
		struct api_action *actions = g_memdup2(rows[i].actions, rows[i].n_actions * sizeof *actions);

		for (size_t k = 0; k < rows[i].n_actions; k++)
			actions[k].handle = reached_action;
		rows[i].actions = actions;
		if (rows[i].task)
			rows[i].task = reached_task;
		if (rows[i].handle)
			rows[i].handle = reached;
	}
	*c = (struct route_table){ rows, t->n };
	return c;
}

static void copy_free(const struct route_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		g_free((void *)t->routes[i].actions);
	g_free((void *)t->routes);
	g_free((void *)t);
}

/* ---- asking ---- */

struct asked {
	int status;
	char *body;
};

static void answered(struct api_req *r, void *user)
{
	struct asked *a = user;

	a->status = r->reply->status;
	a->body = g_strdup(r->reply->body ? r->reply->body->str : "");
	api_req_free(r);
}

/* Return: the status; a 403 names the rule, or the role of a call that is Drover's own. */
static int ask(struct api *a, const struct route *route, const char *action, const char *rule, const char *token, int mv)
{
	g_autofree char *version = g_strdup_printf("compute 2.%d", MAX(mv, 1)), *body = action ? g_strdup_printf("{\"%s\": null}", action) : NULL;
	struct api_head h = { .method = route->method, .path = route->path, .token = token, .version = version, .base_url = "http://h" };
	struct asked got = { 0 };
	struct api_req *r = api_req_new(a, &h, answered, &got);

	if (body)
		api_req_body(r, body, strlen(body));
	api_dispatch(r);
	if (got.status == 403)
		g_assert_nonnull(strstr(got.body, g_str_has_prefix(rule, "drover:") ? "it needs the role admin" : rule));
	g_free(got.body);
	return got.status;
}

/* What a requester may do has no hole: whatever one may, those with more roles may. And what changes something is for no reader, but of its own. */
static void check_order(const struct route *route, const struct policy *p, const int *status)
{
	bool reads = strcmp(route->method, "GET") == 0;

	for (int i = UNSCOPED; i < REQUESTERS_N; i++)
		if (status[i - 1] == REACHED && status[i] != REACHED)
			g_error("%s %s: %s may not what %s may", route->method, route->path, requesters[i].name, requesters[i - 1].name);
	if (status[ADMIN] != REACHED)
		g_error("%s %s: not even an administrator may", route->method, route->path);
	if (!reads && status[READER] == REACHED && p->access != POLICY_OWN && p->access != POLICY_PUBLIC)
		g_error("%s %s: a reader may", route->method, route->path);
}

static void put_row(GString *out, struct api *a, const struct route *route, const struct api_action *action)
{
	const char *rule = action ? action->rule : route->rule;
	int status[REQUESTERS_N], since = MAX(action ? action->since : 0, route->since);

	g_string_append_printf(out, "%s %s%s%s", route->method, route->path, action ? " " : "", action ? action->name : "");
	if (since)
		g_string_append_printf(out, " since 2.%d", since);
	g_string_append_printf(out, " %s:", rule);
	for (int i = 0; i < REQUESTERS_N; i++) {
		status[i] = ask(a, route, action ? action->name : NULL, rule, tokens[i], since);
		g_string_append_printf(out, status[i] == REACHED ? " yes" : " %d", status[i]);
	}
	g_string_append_c(out, '\n');
	check_order(route, policy_find(rule), status);
}

/* Of an action that has another: asked for by its handler, when it is needed. */
static const char *const further[] = { "os_compute_api:os-lock-server:unlock:unlock_override", NULL };

/* The rules, sorted as they have to be; each is some call's. */
static void check_rules(GHashTable *used)
{
	size_t n;
	const struct policy *p = policy_table(&n);

	for (size_t i = 0; i < n; i++) {
		g_assert_true(policy_find(p[i].rule) == &p[i]);
		if (!g_hash_table_contains(used, p[i].rule) && !g_strv_contains(further, p[i].rule))
			g_error("no call has the rule %s", p[i].rule);
	}
}

static void put_tasks(GString *out, struct api *api, const struct route *route, const struct task_kind *k, GHashTable *used)
{
	for (int i = 0; i < k->n_actions; i++) {
		const struct task_action *a = &k->actions[i];

		if (!a->rule)
			continue;
		g_hash_table_add(used, (void *)a->rule);
		put_row(out, api, route, &(struct api_action){ .name = a->name, .rule = a->rule, .since = a->since, .until = a->until });
	}
}

static void put_table(GString *out, struct api *a, const struct route_table *t, GHashTable *used)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct route *route = &t->routes[i];

		if (route->rule)
			g_hash_table_add(used, (void *)route->rule);
		if (!route->n_actions)
			put_row(out, a, route, NULL);
		for (const struct task_kind *const *k = kinds; route->task && *k; k++)
			put_tasks(out, a, route, *k, used);
		for (size_t k = 0; k < route->n_actions; k++) {
			g_hash_table_add(used, (void *)route->actions[k].rule);
			put_row(out, a, route, &route->actions[k]);
		}
	}
}

static void test_roles(void)
{
	g_autofree char *path = g_build_filename(g_getenv("GOLDEN_DIR"), "roles.txt", NULL), *want = NULL;
	size_t n;
	const struct route_table *const *tables = api_tables(&n);
	g_autofree const struct route_table **copies = g_new(const struct route_table *, n);
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GString) out = g_string_new("# call, rule: without a token, unscoped, reader, member, admin\n");
	struct api *a;

	for (size_t i = 0; i < n; i++)
		copies[i] = copy(tables[i]);
	a = api_new_parts(&(struct api){ .conf = &conf, .store = store, .identity = identity, .kinds = kinds }, copies, n);
	for (size_t i = 0; i < n; i++)
		put_table(out, a, copies[i], used);
	check_rules(used);
	api_free_parts(a);
	for (size_t i = 0; i < n; i++)
		copy_free(copies[i]);
	if (g_getenv("REGEN"))
		g_assert_true(g_file_set_contents(path, out->str, -1, NULL));
	g_assert_true(g_file_get_contents(path, &want, NULL, NULL));
	g_assert_cmpstr(out->str, ==, want);
}

/* Each access against each requester. */
static void test_access(void)
{
	static const bool may[POLICY_ACCESS_N][REQUESTERS_N] = {
		[POLICY_PUBLIC] = { true, true, true, true, true },
		[POLICY_OWN] = { false, true, true, true, true },
		[POLICY_READER] = { false, true, true, true, true },
		[POLICY_MEMBER] = { false, false, false, true, true },
		[POLICY_ADMIN] = { false, false, false, false, true },
	};

	for (enum policy_access access = 0; access < POLICY_ACCESS_N; access++) {
		struct policy p = { "x", access };

		for (int i = 0; i < REQUESTERS_N; i++) {
			struct auth a = { .role = requesters[i].role };

			g_assert_cmpint(policy_allows(&p, requesters[i].name ? &a : NULL), ==, may[access][i]);
		}
	}
}

static void remove_state(void)
{
	static const char *const names[] = { "token.key", "admin-openrc", "clouds.yaml" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(conf.state_path, names[i], NULL);

		g_unlink(path);
	}
	g_rmdir(conf.state_path);
	g_free(conf.state_path);
}

int main(int argc, char **argv)
{
	GError *err = NULL;
	int failed;

	g_test_init(&argc, &argv, NULL);
	log_init(LOG_WARNING, LOG_TEXT);
	loop_init();
	clock_manual(INT64_C(1760000000000000));
	conf.state_path = g_dir_make_tmp("t_policy_XXXXXX", NULL);
	store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	identity = identity_new(&conf, store, &err);
	g_assert_no_error(err);
	make_requesters();
	g_test_add_func("/policy/access", test_access);
	g_test_add_func("/policy/roles", test_roles);
	failed = g_test_run();
	for (int i = 0; i < REQUESTERS_N; i++)
		g_free(tokens[i]);
	identity_free(identity);
	store_close(store);
	remove_state();
	return failed;
}
