/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans through the API, and a drain of a hundred hosts, on the simulator.
 */
#include <limits.h>
#include <string.h>

#include "api/drover/drover.h"
#include "api/http/route.h"
#include "api_call.h"
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

static struct api *api_of(const struct run *r)
{
	static const struct route_table *const tables[] = { &plans_routes };

	return api_new_parts(&(struct api){ .engine = r->engine, .plans = r->plans, .fleet = r->fleet, .store = r->store, .conf = r->conf, .kinds = engine_kinds(r->engine) },
			     tables, G_N_ELEMENTS(tables));
}

static void test_api(void)
{
	static const char *const hosts[] = { "h1", "h2", "h3", NULL };
	struct run r;
	struct api *api;

	begin(&r, hosts);
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "web", .mem_mib = 1024 });
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "db", .mem_mib = 1024 });
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, two_known, NULL));
	api = api_of(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_autofree char *target = g_strconcat("/drover/v1/plans", calls[i].path, NULL);
		struct in_state want = { calls[i].until };

		if (!calls[i].text || !strstr(calls[i].text, "no such action")) /* which is found out first */
			g_free(api_call(&r, api, "member", calls[i].method, target, calls[i].body, 403, NULL));
		g_free(api_call(&r, api, "admin", calls[i].method, target, calls[i].body, calls[i].status, calls[i].text));
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

static bool is_over(struct run *r, void *user)
{
	return !plans_find(r->plans, *(int64_t *)user);
}

static int count_over(const struct plan_record *p)
{
	int n = 0;

	for (int s = 0; s < PLAN_STEP_STATE_N; s++)
		n += plan_step_is_over((enum plan_step_state)s) ? plan_count(p, (enum plan_step_state)s) : 0;
	return n;
}

/* Of a plan: so many of its steps are over. */
struct so_far {
	int64_t id;
	int over;
};

static bool is_so_far(struct run *r, void *user)
{
	const struct so_far *want = user;
	const struct plan_record *p = plans_find(r->plans, want->id);

	return !p || count_over(p) >= want->over;
}

/* A server that has left did so once; one that has not, never. */
static void check_moves(struct run *r, const struct plan_step *st, bool left)
{
	const struct mig_filter of_server = { .server_uuid = st->uuid, .limit = 100 };
	g_autoptr(GPtrArray) list = engine_list(r->engine, &of_server, NULL);
	g_autoptr(GHashTable) requests = g_hash_table_new(g_str_hash, g_str_equal);
	int moved = 0;

	for (guint i = 0; i < list->len; i++) {
		const struct mig *m = g_ptr_array_index(list, i);

		g_assert_true(mig_is_final(m));
		g_assert_true(g_hash_table_add(requests, m->request_id)); /* none was asked for twice */
		moved += mig_stage(m)->end == TASK_DONE;
	}
	g_assert_cmpint(moved, ==, left);
	g_assert_cmpint((int)list->len, <=, st->attempts);
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
		check_moves(r, st, left);
	}
	g_assert_cmpint(plan_count(p, PLAN_STEP_DONE), >=, DRAINED * EACH * 9 / 10);
	g_assert_cmpint(plan_count(p, PLAN_STEP_FAILED), >=, DRAINED * EACH / 20);
	plan_record_free(p);
}

static void begin_thousand(struct run *r)
{
	static const char *const none[] = { NULL };
	g_autofree char *large = large_conf();
	char *small = scn.conf;

	scn.conf = large;
	begin(r, none);
	scn.conf = small;
	add_world(r);
	controller_start(r);
	g_assert_true(pass_until(r, WAIT_TEST_MS, thousand_known, NULL));
}

/* @id: of the plan, when it is made: not yet */
static void make_drain(struct run *r, bool start, int64_t *id)
{
	static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-1", .admin = true };
	struct plan_wanted w;

	plan_wanted_init(&w);
	w.kind = PLAN_DRAIN;
	w.parallel = 64;
	w.start = start;
	w.hosts = g_ptr_array_new_with_free_func(g_free);
	for (int i = 0; i < DRAINED; i++)
		g_ptr_array_add(w.hosts, g_strdup_printf("h%d", i));
	*id = 0;
	plans_make(r->plans, &w, &who, plan_made, id);
	g_assert_cmpint(*id, ==, 0);
}

static int64_t drain_all(struct run *r, bool start)
{
	int64_t id;

	make_drain(r, start, &id);
	while (!id)
		(void)clock_step();
	return id;
}

static void let_die(struct run *r, bool dead)
{
	sim_host_power(r->world, "d3", !dead);
	sim_host_link(r->world, "d5", !dead);
}

/* What is left is under way to a host that cannot say whether the server runs there. */
static bool is_over_elsewhere(struct run *r, void *user)
{
	const struct plan_record *p = plans_find(r->plans, *(int64_t *)user);

	for (guint i = 0; p && i < p->steps->len; i++) {
		const struct plan_step *st = g_ptr_array_index(p->steps, i);

		if (!plan_step_is_over(st->state) && (st->state == PLAN_STEP_WAITING || (g_strcmp0(st->dest, "d3") != 0 && g_strcmp0(st->dest, "d5") != 0)))
			return false;
	}
	return true;
}

static void end_thousand(struct run *r, int64_t id)
{
	g_assert_true(pass_until(r, 60 * WAIT_TEST_MS, is_over_elsewhere, &id));
	let_die(r, false);
	g_assert_true(pass_until(r, 60 * WAIT_TEST_MS, is_over, &id));
	check_verdicts(r, id);
}

static void test_thousand(void)
{
	struct so_far some = { .over = 200 };
	struct run r;

	begin_thousand(&r);
	some.id = drain_all(&r, true);
	g_assert_true(pass_until(&r, 60 * WAIT_TEST_MS, is_so_far, &some));
	let_die(&r, true);
	end_thousand(&r, some.id);
	run_end(&r);
}

/* ... and the controller is killed again and again, each time so many events behind a step's end. */
#define LIVES 8
#define STEPS_OF_A_LIFE 70

static void pass_events(int n)
{
	for (int i = 0; i < n; i++)
		(void)clock_step();
}

static void test_thousand_killed(void)
{
	struct so_far next = { .over = 0 };
	struct run r;

	begin_thousand(&r);
	next.id = drain_all(&r, true);
	for (int life = 0; life < LIVES; life++) {
		next.over += STEPS_OF_A_LIFE;
		g_assert_true(pass_until(&r, 60 * WAIT_TEST_MS, is_so_far, &next));
		g_assert_false(is_over(&r, &next.id));
		pass_events(life * 23);
		controller_start(&r); /* the one before ends where it stands */
		if (life == LIVES / 2)
			let_die(&r, true);
	}
	end_thousand(&r, next.id);
	run_end(&r);
}

/* ---- a long plan is told in pieces, and may change between two ---- */

/* All steps are there, in their order; those that cannot go are none of them. */
static void check_whole(const struct api_answer *a, const char *first, const char *last)
{
	g_autoptr(json_t) root = json_loads(a->body, JSON_REJECT_DUPLICATES, NULL);
	const json_t *plan = json_object_get(root, "plan"), *steps = json_object_get(plan, "steps"), *st;
	size_t i;

	g_assert_cmpint(a->status, ==, 200);
	g_assert_cmpint(json_integer_value(json_object_get(json_object_get(plan, "counts"), "waiting")), ==, 1);
	g_assert_cmpuint(json_array_size(steps), ==, DRAINED * EACH);
	json_array_foreach(steps, i, st)
		g_assert_cmpint(json_integer_value(json_object_get(st, "n")), ==, i + 1);
	g_assert_cmpstr(json_string_value(json_object_get(json_array_get(steps, 0), "state")), ==, first);
	g_assert_cmpstr(json_string_value(json_object_get(json_array_get(steps, DRAINED * EACH - 1), "state")), ==, last);
	g_assert_cmpuint(json_array_size(json_object_get(plan, "cannot")), ==, 0);
	g_assert_cmpuint(json_array_size(json_object_get(plan, "hosts")), >, DRAINED);
}

static void ask_plan(struct api *api, int64_t id, struct api_answer *ret)
{
	g_autofree char *target = g_strdup_printf("/drover/v1/plans/%d", (int)id);

	api_ask(api, "admin", "GET", target, NULL, ret);
	g_assert_cmpint(ret->status, ==, 0); /* not in one go */
}

static void wait_answer(struct api_answer *a)
{
	while (!a->status)
		(void)clock_step();
}

static bool is_saved(struct run *r, void *user)
{
	const struct plan_record *p = plans_find(r->plans, *(int64_t *)user);

	for (guint i = 0; i < p->steps->len; i++)
		if (((const struct plan_step *)g_ptr_array_index(p->steps, i))->unsaved)
			return false;
	return true;
}

static void draft_changed(const GPtrArray *mistakes, const GError *err, void *user)
{
	g_assert_no_error(err);
	g_assert_null(mistakes);
	*(bool *)user = true;
}

/* All steps but the last are left out, which more than one turn of the loop writes. */
static int64_t draft_all(struct run *r)
{
	g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
	const struct plan_change c = { .priority = INT_MIN, .deadline_s = -1, .cold = -1, .steps = steps };
	int64_t id = drain_all(r, false);
	bool changed = false;

	for (int n = 1; n < DRAINED * EACH; n++) {
		struct plan_change_step *skip = g_new0(struct plan_change_step, 1);

		skip->n = n;
		skip->skip = skip->skip_given = true;
		g_ptr_array_add(steps, skip);
	}
	plans_change(r->plans, id, &c, draft_changed, &changed);
	g_assert_false(changed); /* not in one go */
	while (!changed)
		(void)clock_step();
	g_assert_false(is_saved(r, &id));
	g_assert_true(pass_until(r, WAIT_TEST_MS, is_saved, &id));
	return id;
}

static void not_begun(const GError *err, void *user)
{
	*(GError **)user = g_error_copy(err);
}

/* A server moves when it has been copied, and not all others have: the plan has it where it was, and does not start unless it may adapt. */
static void check_changing(struct run *r)
{
	struct server *s = g_ptr_array_index(fleet_servers(r->fleet), 0);
	g_autofree char *host = g_strdup(s->host), *moved = g_strdup_printf("server %s is on d0, not on %s.", s->name, host);
	g_autoptr(GError) err = NULL;
	int64_t id;

	make_drain(r, false, &id);
	registry_move_server(r->fleet, s, "d0");
	while (!id)
		(void)clock_step();
	g_assert_cmpuint(plans_find(r->plans, id)->steps->len, ==, DRAINED * EACH);
	plans_begin(r->plans, id, false, not_begun, &err);
	while (!err)
		(void)clock_step();
	g_assert_cmpint(err_code(err), ==, ERR_CONFLICT);
	g_assert_nonnull(strstr(err->message, moved));
	registry_move_server(r->fleet, s, host);
	g_assert_true(plans_delete(r->plans, id, NULL));
}

/* No host takes anything: of a thousand servers there are not the reasons of all hosts, and that is said. */
static void check_capped(struct run *r)
{
	const struct plan_step *st;
	int64_t id;

	for (int i = 0; i < DESTS; i++) {
		g_autofree char *host = g_strdup_printf("d%d", i);

		g_assert_true(fleet_host_set(r->fleet, fleet_host(r->fleet, host), true, "full", false, NULL));
	}
	id = drain_all(r, false);
	g_assert_cmpint(plan_count(plans_find(r->plans, id), PLAN_STEP_BLOCKED), ==, DRAINED * EACH);
	st = g_ptr_array_index(plans_find(r->plans, id)->steps, 0);
	g_assert_cmpstr(strrchr(st->reason, '('), ==, "(told of 100 of 111 hosts)");
	g_assert_true(plans_delete(r->plans, id, NULL));
	for (int i = 0; i < DESTS; i++) {
		g_autofree char *host = g_strdup_printf("d%d", i);

		g_assert_true(fleet_host_set(r->fleet, fleet_host(r->fleet, host), false, NULL, false, NULL));
	}
}

static void test_long(void)
{
	struct api_answer draft, cancelled, deleted;
	struct run r;
	struct api *api;
	int64_t id;

	begin_thousand(&r);
	check_changing(&r);
	check_capped(&r);
	api = api_of(&r);
	id = draft_all(&r);
	ask_plan(api, id, &draft);
	wait_answer(&draft);
	check_whole(&draft, "skipped", "waiting");
	/* it ends while it is told */
	g_assert_true(plans_cancel(r.plans, id, false, NULL));
	ask_plan(api, id, &cancelled);
	wait_answer(&cancelled);
	g_assert_true(is_over(&r, &id));
	check_whole(&cancelled, "skipped", "cancelled");
	/* it is deleted while it is told */
	ask_plan(api, id, &deleted);
	g_assert_true(plans_delete(r.plans, id, NULL));
	wait_answer(&deleted);
	g_assert_cmpint(deleted.status, ==, 404);
	g_free(draft.body);
	g_free(cancelled.body);
	g_free(deleted.body);
	api_free_parts(api);
	run_end(&r);
}

/* ---- what was measured ---- */

static int64_t bulk_to(struct run *r, const char *to, bool start)
{
	static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-1", .admin = true };
	struct plan_wanted w;
	int64_t id = 0;

	plan_wanted_init(&w);
	w.kind = PLAN_BULK;
	w.start = start;
	w.to = g_strdup(to);
	w.servers = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(w.servers, g_strdup("busy"));
	g_ptr_array_add(w.servers, g_strdup("calm"));
	plans_make(r->plans, &w, &who, plan_made, &id);
	while (!id)
		(void)clock_step();
	return id;
}

/* Of a draft: what is expected of each, and which one goes first. */
static void check_expected(struct run *r, int64_t id, bool measured)
{
	const struct plan_record *p = plans_find(r->plans, id);
	const struct plan_step *a = g_ptr_array_index(p->steps, 0), *b = g_ptr_array_index(p->steps, 1);

	g_assert_cmpint((int)p->steps->len, ==, 2);
	if (measured) {
		g_assert_cmpstr(a->name, ==, "calm");
		g_assert_cmpint(a->expect_s, <, b->expect_s);
	} else {
		g_assert_cmpint(a->expect_s, ==, b->expect_s);
	}
}

/* The dirty rate of a server's last migration makes the next one's expected time, and its place: small and calm ones go first. */
static void test_measured(void)
{
	static const char *const hosts[] = { "h1", "h2", "h3", NULL };
	struct run r;
	int64_t id;

	begin(&r, hosts);
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "busy", .mem_mib = 4096, .dirty_mibs = 400, .working_mib = 2048 });
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .name = "calm", .mem_mib = 4096 });
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, two_known, NULL));
	check_expected(&r, bulk_to(&r, "h2", false), false);
	id = bulk_to(&r, "h2", true);
	g_assert_true(run_until(&r, 10 * WAIT_TEST_MS, is_over, &id));
	check_expected(&r, bulk_to(&r, "h3", false), true);
	run_end(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/through the API", test_api);
	g_test_add_func("/plan/a thousand servers", test_thousand);
	g_test_add_func("/plan/told in pieces", test_long);
	g_test_add_func("/plan/by what was measured", test_measured);
	g_test_add_func("/plan/a thousand servers, and the controller killed", test_thousand_killed);
	return g_test_run();
}
