/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans through the API, and a drain of a hundred hosts, on the simulator.
 */
#include <string.h>

#include "api/drover/drover.h"
#include "api/http/incoming.h"
#include "api/http/route.h"
#include "base/clock.h"
#include "base/err.h"
#include "scn.h"

#define WAIT_TEST_MS 60000

static struct scn scn = {
	.name = (char *)"plan",
	.conf = (char *)"[DEFAULT]\nlog_format = text\n[workarounds]\nallow_any_uri = true\n[api]\nhost_schemes = sim\n"
			"[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n[host h3]\nuri = sim://h3\n",
};

/* ---- through the API ---- */

static const struct {
	const char *method, *path, *body;
	int status;
	const char *text;
	const char *until; /* then this state of the last plan is waited for; NULL */
} calls[] = {
	{ "GET", "", NULL, 200, "{\"plans\":[]}" },
	{ "POST", "", "{\"plan\": {}}", 400, "kind" },
	{ "POST", "", "{\"plan\": {\"kind\": \"move\"}}", 400, "It is one of map, drain" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\"}}", 400, "A plan of kind drain needs 'hosts'." },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": [\"h1\"], \"servers\": []}}", 400, "takes no 'servers'" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": \"h1\"}}", 400, "It is a list of names" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": [\"h1\"], \"parallel\": 0}}", 400, "parallel" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": [\"h1\"], \"deadline\": -1}}", 400, "deadline" },
	{ "POST", "", "{\"plan\": {\"kind\": \"bulk\", \"servers\": [\"\"]}}", 400, "servers[0]" },
	{ "POST", "", "{\"plan\": {\"kind\": \"map\", \"map\": [\"h1\"]}}", 400, "a list of servers for each host" },
	{ "POST", "", "{\"plan\": {\"kind\": \"map\", \"map\": {\"h9\": [\"web\"]}}}", 400,
	  "{\"badRequest\":{\"code\":400,\"message\":\"The plan has 1 mistake: there is no host h9\","
	  "\"mistakes\":[{\"where\":\"map.h9\",\"code\":\"host_unknown\",\"what\":\"there is no host h9\"}]}}" },
	{ "POST", "", "{\"plan\": {\"kind\": \"map\", \"map\": {\"h2\": [\"web\"], \"h3\": [\"db\"]}, \"parallel\": 1}}", 201,
	  "{\"plan\":{\"id\":1,\"kind\":\"map\",\"state\":\"draft\",\"why\":null,\"fleet_version\":\"" },
	{ "GET", "/1", NULL, 200, "\"counts\":{\"blocked\":0,\"waiting\":2,\"running\":0,\"done\":0,\"failed\":0,\"skipped\":0,\"cancelled\":0,\"left\":0}" },
	{ "GET", "/1", NULL, 200, "\"from\":\"h1\",\"to\":\"h2\",\"how\":\"live\",\"why\":\"the map says so\",\"after\":[],\"wave\":1,\"detour\":false" },
	{ "GET", "/1", NULL, 200, "\"cannot\":[],\"hosts\":[{\"name\":\"h1\",\"now\":{" },
	{ "GET", "/1", NULL, 200, "\"cycles\":[],\"spread\":null}}" },
	{ "GET", "/2", NULL, 404, "Plan 2 could not be found." },
	{ "GET", "/x", NULL, 404, "Plan x could not be found." },
	{ "GET", "?kind=drain", NULL, 200, "{\"plans\":[]}" },
	{ "GET", "?kind=nothing", NULL, 400, "kind nothing" },
	{ "GET", "?state=draft&limit=1", NULL, 200, "\"plans_links\":[{\"rel\":\"next\"" },
	{ "GET", "?limit=1&marker=1", NULL, 200, "{\"plans\":[]}" },
	{ "PATCH", "/1", "{\"plan\": {\"parallel\": 2, \"steps\": [{\"n\": 9, \"skip\": true}]}}", 400, "\"where\":\"steps[0]\",\"code\":\"step_unknown\"" },
	{ "PATCH", "/1", "{\"plan\": {\"steps\": [{\"skip\": true}]}}", 400, "n" },
	{ "PATCH", "/1", "{\"plan\": {\"parallel\": 2, \"steps\": [{\"n\": 1, \"skip\": true}]}}", 200, "\"parallel\":2" },
	{ "POST", "/1/action", "{\"jump\": null}", 400, "There is no such action: jump" },
	{ "POST", "/1/action", "{\"pause\": null}", 409, "Cannot pause plan 1, which is draft." },
	{ "POST", "/1/action", "{\"start\": {\"adapt\": 1}}", 400, "adapt" },
	{ "POST", "/1/action", "{\"start\": null}", 202, "\"state\":\"running\"", "done" },
	{ "POST", "/1/action", "{\"start\": {}}", 409, "Cannot start plan 1, which is done." },
	{ "GET", "/1", NULL, 200, "\"state\":\"skipped\",\"migration\":null,\"attempts\":0,\"reason\":\"left out\"" },
	{ "GET", "/1", NULL, 200, "\"state\":\"done\",\"migration\":1,\"attempts\":1,\"reason\":null" },
	{ "GET", "?state=done", NULL, 200, "\"done\":1" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": [\"h1\"], \"fleet_version\": \"0\"}}", 409, "The fleet has changed: its version is" },
	{ "POST", "", "{\"plan\": {\"kind\": \"drain\", \"hosts\": [\"h1\"], \"start\": true}}", 201, "\"kind\":\"drain\",\"state\":\"running\"", "done" },
	{ "DELETE", "/2", NULL, 204, NULL },
	{ "DELETE", "/2", NULL, 404, NULL },
};

struct answer {
	int status;
	char *body;
};

static void answered(struct api_req *q, void *user)
{
	struct answer *a = user;

	a->status = q->reply->status;
	a->body = g_strdup(q->reply->body ? q->reply->body->str : "");
	api_req_free(q);
}

static bool is_answered(struct run *r, void *user)
{
	(void)r;
	return ((const struct answer *)user)->status;
}

static void call(struct run *r, struct api *api, const char *token, size_t i, int status, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(calls[i].path, "?", 2);
	g_autofree char *path = g_strconcat("/drover/v1/plans", parts[0], NULL);
	struct api_head head = { .method = calls[i].method, .path = path, .query = parts[0] ? parts[1] : NULL, .base_url = "http://controller", .token = token };
	struct answer a = { .status = 0 };
	struct api_req *q = api_req_new(api, &head, answered, &a);

	if (calls[i].body)
		api_req_body(q, calls[i].body, strlen(calls[i].body));
	api_dispatch(q);
	g_assert_true(run_until(r, WAIT_TEST_MS, is_answered, &a));
	if (a.status != status || (text && !strstr(a.body, text)))
		g_error("%s %s %s: %d %s", calls[i].method, path, calls[i].body ? calls[i].body : "", a.status, a.body);
	g_free(a.body);
}

/* The identity that t_plan has: two tokens. */
struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct auth *a = g_new0(struct auth, 1);

	(void)id, (void)err;
	a->role = g_str_equal(token, "admin") ? ROLE_ADMIN : ROLE_MEMBER;
	a->admin = a->role == ROLE_ADMIN;
	a->user_id = g_strdup(token);
	a->project_id = g_strdup(token);
	return a;
}

void auth_free(struct auth *a)
{
	g_free(a->user_id);
	g_free(a->project_id);
	g_free(a);
}

struct in_state {
	const char *state;
};

static bool last_is(struct run *r, void *user)
{
	const struct in_state *want = user;
	g_autoptr(GPtrArray) list = plans_list(r->plans, NULL, NULL, 0, 1, NULL);

	return list && list->len && g_str_equal(plan_state_name(((const struct plan_record *)g_ptr_array_index(list, 0))->state), want->state);
}

static void begin(struct run *r, const char *const *hosts)
{
	static const struct scn_options opt = { .seed = 1 };

	*r = (struct run){ .scn = &scn, .opt = &opt };
	run_begin(r, NULL);
	for (; *hosts; hosts++)
		sim_host_add(r->world, *hosts, &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 1000, .latency_ms = 4 });
}

static bool two_known(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_servers(r->fleet)->len == 2;
}

static void test_api(void)
{
	static const char *const hosts[] = { "h1", "h2", "h3", NULL };
	static const struct route_table *const tables[] = { &plans_routes };
	struct run r;
	struct api *api;

	begin(&r, hosts);
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "web", .mem_mib = 1024 });
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "db", .mem_mib = 1024 });
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, two_known, NULL));
	api = api_new_parts(&(struct api){ .engine = r.engine, .plans = r.plans, .fleet = r.fleet, .store = r.store, .conf = r.conf, .kinds = engine_kinds(r.engine) },
			    tables, G_N_ELEMENTS(tables));
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		struct in_state want = { calls[i].until };

		if (!calls[i].text || !strstr(calls[i].text, "no such action")) /* which is found out first */
			call(&r, api, "member", i, 403, NULL);
		call(&r, api, "admin", i, calls[i].status, calls[i].text);
		if (want.state)
			g_assert_true(run_until(&r, WAIT_TEST_MS, last_is, &want));
	}
	api_free_parts(api);
	run_end(&r);
}

/* ---- a thousand servers ---- */

#define DRAINED 100
#define DESTS 12
#define EACH 10 /* servers of a drained host */

/* run_until() counts what is taken of each host after each event, which so many hosts make long. */
static bool pass_until(struct run *r, int64_t ms, run_cond_f *cond, void *user)
{
	int64_t end_ms = clock_now_ms() + ms;

	while (!cond(r, user))
		if (clock_now_ms() > end_ms || !clock_step())
			return false;
	return true;
}

static bool thousand_known(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_servers(r->fleet)->len == DRAINED * EACH;
}

static void plan_made(struct plan_record *p, const GPtrArray *mistakes, const GError *err, void *user)
{
	g_assert_no_error(err);
	g_assert_null(mistakes);
	*(int64_t *)user = p->id;
}

static void add_world(struct run *r)
{
	for (int i = 0; i < DRAINED + DESTS; i++) {
		g_autofree char *host = i < DRAINED ? g_strdup_printf("h%d", i) : g_strdup_printf("d%d", i - DRAINED);

		sim_host_add(r->world, host, &(struct sim_host_spec){ .vcpus = 512, .disk_gib = 10000, .mem_mib = i < DRAINED ? 65536 : 262144, .link_mibs = 4000, .latency_ms = 4 });
		for (int k = 0; i < DRAINED && k < EACH; k++) {
			g_autofree char *name = g_strdup_printf("s%d-%d", i, k);
			/* one in twenty cannot run anywhere else */
			const char *features = (i * EACH + k) % 20 == 7 ? "avx512f" : NULL;

			sim_dom_add(r->world, host, &(struct sim_dom_spec){ .name = name, .mem_mib = 1024, .cpu_features = features });
		}
	}
}

static char *large_conf(void)
{
	GString *s = g_string_new("[DEFAULT]\nlog_format = text\nmax_concurrent_live_migrations = 2\nmax_concurrent_inbound_live_migrations = 8\n"
				  "[filter_scheduler]\nmax_instances_per_host = 200\n[workarounds]\nallow_any_uri = true\n[api]\nhost_schemes = sim\n");

	for (int i = 0; i < DRAINED + DESTS; i++)
		g_string_append_printf(s, "[host %s%d]\nuri = sim://%s%d\n", i < DRAINED ? "h" : "d", i < DRAINED ? i : i - DRAINED, i < DRAINED ? "h" : "d",
				       i < DRAINED ? i : i - DRAINED);
	return g_string_free(s, FALSE);
}

static bool some_done(struct run *r, void *user)
{
	const struct plan_record *p = plans_find(r->plans, *(int64_t *)user);

	return !p || plan_count(p, PLAN_STEP_DONE) >= 200;
}

static bool is_over(struct run *r, void *user)
{
	return !plans_find(r->plans, *(int64_t *)user);
}

static void check_verdicts(struct run *r, int64_t id)
{
	struct plan_record *p = plan_read(r->store, id, NULL);

	g_assert_cmpint(p->state, ==, PLAN_PARTLY);
	g_assert_cmpint((int)p->steps->len, ==, DRAINED * EACH);
	for (guint i = 0; i < p->steps->len; i++) {
		const struct plan_step *st = g_ptr_array_index(p->steps, i);
		const struct server *s = fleet_server(r->fleet, st->uuid);
		bool left = s->host && s->host[0] == 'd';

		g_assert_true(plan_step_is_over(st->state));
		g_assert_true(left == (st->state == PLAN_STEP_DONE));
		g_assert_true(st->state == PLAN_STEP_DONE || st->reason);
		if (left)
			g_assert_cmpstr(s->host, ==, st->dest);
	}
	g_assert_cmpint(plan_count(p, PLAN_STEP_DONE), >=, DRAINED * EACH * 9 / 10);
	g_assert_cmpint(plan_count(p, PLAN_STEP_FAILED), >=, DRAINED * EACH / 20);
	plan_record_free(p);
}

static void test_thousand(void)
{
	static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-1", .admin = true };
	static const char *const none[] = { NULL };
	g_autofree char *large = large_conf();
	struct plan_wanted w;
	int64_t id = 0;
	char *small = scn.conf;
	struct run r;

	scn.conf = large;
	begin(&r, none);
	scn.conf = small;
	add_world(&r);
	controller_start(&r);
	g_assert_true(pass_until(&r, WAIT_TEST_MS, thousand_known, NULL));
	plan_wanted_init(&w);
	w.kind = PLAN_DRAIN;
	w.parallel = 64;
	w.start = true;
	w.hosts = g_ptr_array_new_with_free_func(g_free);
	for (int i = 0; i < DRAINED; i++)
		g_ptr_array_add(w.hosts, g_strdup_printf("h%d", i));
	plans_make(r.plans, &w, &who, plan_made, &id);
	while (!id)
		(void)clock_step();
	g_assert_true(pass_until(&r, 60 * WAIT_TEST_MS, some_done, &id));
	sim_host_power(r.world, "d3", false);
	sim_host_link(r.world, "d5", false);
	g_assert_true(pass_until(&r, 600 * WAIT_TEST_MS, is_over, &id));
	sim_host_power(r.world, "d3", true);
	sim_host_link(r.world, "d5", true);
	check_verdicts(&r, id);
	run_end(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/through the API", test_api);
	g_test_add_func("/plan/a thousand servers", test_thousand);
	return g_test_run();
}
