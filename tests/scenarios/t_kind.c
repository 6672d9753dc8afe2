/* SPDX-License-Identifier: Apache-2.0
 *
 * A kind of the tests alone, with three stages of work, through engine, queue, fleet and store, of which no line is changed for it.
 */
#include <assert.h>

#include "base/err.h"
#include "fleet/action.h"
#include "kinds.h"
#include "live/live.h"
#include "move/check_common.h"
#include "move/check_storage.h"
#include "move/move.h"
#include "move/outcome.h"
#include "move/ready.h"
#include "move/search.h"
#include "move/service.h"
#include "scn.h"
#include "task/queue.h"
#include "task/request.h"
#include "task/step.h"

#define GUEST "11111111-0000-4000-8000-000000000001"
#define OTHER "11111111-0000-4000-8000-000000000002"
#define THIRD "11111111-0000-4000-8000-000000000003"
#define WAIT_TEST_MS 60000

/* ---- the kind: it asks the guest's host for it, twice, with a slot of the queue in between ---- */

enum { STAMP_BEGIN, STAMP_QUEUED, STAMP_WORK, STAMP_DONE, STAMP_ERROR, STAMP_CANCELLED, STAMP_N };

static int n_left, n_ended;

static void got_first(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		step_later(m, 1000);
	else
		(void)step_go(m, STAMP_QUEUED, "its host has it", NULL, NULL);
}

static void begin(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (!step_ask(m, mig_source(m), &req, got_first))
		step_later(m, 1000);
}

static void got_second(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		step_later(m, 1000);
	else
		step_end(m, STAMP_DONE, NULL);
}

static void work(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (!step_ask(m, mig_source(m), &req, got_second))
		step_later(m, 1000);
}

static void left(struct mig *m)
{
	(void)m;
	n_left++;
}

static void host(struct mig *m)
{
	if (m->task->timer)
		step_enter(m);
}

static void stop(struct mig *m)
{
	step_enter(m);
}

static void ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	(void)m, (void)from;
	n_ended += end == TASK_DONE;
}

#define P(x) (1u << STAMP_##x)

static const struct task_stage stages[] = {
	[STAMP_BEGIN] = {
		"stamp_begin", "accepted", .next = P(QUEUED) | P(ERROR) | P(CANCELLED), .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS,
		.begins = "stamp_the_guest", .enter = begin,
	},
	[STAMP_QUEUED] = {
		"stamp_queued", "queued", .next = P(WORK) | P(ERROR) | P(CANCELLED), .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS,
		.in_progress = true, .holds = TASK_QUEUED,
	},
	[STAMP_WORK] = {
		"stamp_work", "migrating", .next = P(DONE) | P(ERROR) | P(CANCELLED), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOPS,
		.in_progress = true, .holds = TASK_SLOT | TASK_CHOICE, .enter = work,
	},
	[STAMP_DONE]      = { "stamp_done", "completed", .end = TASK_DONE },
	[STAMP_ERROR]     = { "stamp_error", "error", .end = TASK_ERROR },
	[STAMP_CANCELLED] = { "stamp_cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(stages) == STAMP_N, "stages is missing one");

#define ANY_VM ((1u << SERVER_VM_N) - 1)

static const struct task_action stamp_actions[] = {
	{ .name = "stamp", .action = "stamp", .vm = ANY_VM },
};

static const struct task_kind stamp_kind = {
	.type = "stamp", .migration = true, .class = &task_class_live, .stages = stages, .n = STAMP_N, .queued = STAMP_QUEUED, .choosing = STAMP_WORK,
	.chosen = STAMP_WORK, .actions = stamp_actions, .n_actions = G_N_ELEMENTS(stamp_actions), .stop_action = "stamp_cancel",
	.left = left, .host = host, .stop = stop, .ended = ended,
};
static const struct task_kind *const both[] = { &live_kind, &stamp_kind, NULL };

/* ---- the same, with limits of its own: one at once in the whole fleet ---- */

static const struct task_class stamp_class = {
	.index = 1, .name = "stamp", .limits = {
		[TASK_OUTBOUND] = { "max_concurrent_fleet_live_migrations", offsetof(struct conf, max_concurrent_fleet_live_migrations) },
		[TASK_INBOUND] = { "max_concurrent_fleet_live_migrations", offsetof(struct conf, max_concurrent_fleet_live_migrations) },
		[TASK_IN_FLEET] = { "max_concurrent_live_migrations", offsetof(struct conf, max_concurrent_live_migrations) },
	},
};
static struct task_kind apart_kind;
static const struct task_kind *const with_apart[] = { &live_kind, &apart_kind, NULL };

/* ---- a kind that is no migration: one stage, and the action says what for ---- */

enum { RING_WORK, RING_DONE, RING_ERROR, RING_N };
enum { RING_ONCE, RING_AGAIN }; /* task_action.what */

static int rung[2];

static void got_rung(struct mig *m, struct hv_reply *r)
{
	if (r->err) {
		step_later(m, 1000);
		return;
	}
	rung[m->action->what]++;
	step_end(m, RING_DONE, NULL);
}

static void ring(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (!step_ask(m, mig_source(m), &req, got_rung))
		step_later(m, 1000);
}

static const struct task_stage ring_stages[] = {
	[RING_WORK] = {
		"ring_work", .next = 1u << RING_DONE | 1u << RING_ERROR, .task_of_action = true, .stop = TASK_STOP_NOT, .begins = "ring_the_guest",
		.enter = ring,
	},
	[RING_DONE]  = { "ring_done", .vm = TASK_VM_OF_ACTION, .end = TASK_DONE },
	[RING_ERROR] = { "ring_error", .end = TASK_ERROR },
};
static_assert(G_N_ELEMENTS(ring_stages) == RING_N, "ring_stages is missing one");

static const struct task_action ring_actions[] = {
	{ .name = "os-ring", .verb = "ring", .action = "ring", .vm = TASK_VM_BIT(SERVER_ACTIVE), .task = SERVER_TASK_REBUILDING,
	  .after = TASK_VM(SERVER_RESCUED), .what = RING_ONCE },
	{ .name = "os-ringAgain", .action = "ringAgain", .vm = TASK_VM_BIT(SERVER_RESCUED), .task = SERVER_TASK_RESIZE_FINISH,
	  .after = TASK_VM(SERVER_ACTIVE), .what = RING_AGAIN },
};

static const struct task_kind ring_kind = {
	.type = "ring", .stages = ring_stages, .n = RING_N, .actions = ring_actions, .n_actions = G_N_ELEMENTS(ring_actions),
};
static const struct task_kind *const with_ring[] = { &live_kind, &ring_kind, NULL };

/* ---- a kind that moves a guest, and knows no live migration: a destination is made ready, given up once, made ready again, and left ---- */

enum { SHOW_CHECK, SHOW_QUEUED, SHOW_CHOOSE, SHOW_READY, SHOW_DONE, SHOW_ERROR, SHOW_FAILED, SHOW_CANCELLED, SHOW_N };

static const struct check_row show_rows[] = {
	{ "description",      check_description },
	{ "source_up",        check_source_up },
	{ "not_self",         check_not_self,  .of_dest = true },
	{ "destination_up",   check_dest_up,   .of_dest = true },
	{ "scheduler",        check_scheduler, .of_dest = true },
	{ "storage",          check_storage,   .of_dest = true, .asks = true },
	{ "disk",             check_disk,      .of_dest = true, .asks = true },
};
static const struct check_table show_checks = { { "show", "show" }, show_rows, G_N_ELEMENTS(show_rows) };

static guint n_copied;

static void shown(struct mig *m)
{
	n_copied = move_of(m)->copies->len;
	if (move_of(m)->given_up > 0 || !search_next_destination(m, "seen it"))
		step_end(m, SHOW_DONE, NULL);
}

static void show(struct mig *m)
{
	static const struct ready_way way = { READY_FROM(RUN), shown };

	ready_make(m, &way);
}

static void show_attach(struct mig *m)
{
	m->priv = g_new0(struct move, 1);
}

static void show_detach(struct mig *m)
{
	move_clear(move_of(m));
	g_free(g_steal_pointer(&m->priv));
}

static void show_left(struct mig *m)
{
	move_cancel(move_of(m));
}

static bool show_write_end(struct mig *m, const struct task_stage *from, enum task_end end, GError **err)
{
	(void)from, (void)end;
	return outcome_write(m, VOLUME_STAYED, false, err);
}

static void show_ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	(void)from, (void)end;
	outcome_resolve(m, VOLUME_STAYED, false);
}

#define S(x) (1u << SHOW_##x)
#define SHOW_ENDS (S(ERROR) | S(CANCELLED))

static const struct task_stage show_stages[] = {
	[SHOW_CHECK] = {
		"show_check", "accepted", .next = S(QUEUED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .enter = search_check,
	},
	[SHOW_QUEUED] = {
		"show_queued", "queued", .next = S(CHOOSE) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .holds = TASK_QUEUED,
	},
	[SHOW_CHOOSE] = {
		"show_choose", "preparing", .next = S(READY) | S(QUEUED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS,
		.holds = TASK_SLOT | TASK_CHOICE, .enter = search_schedule, .taken = search_destination_left,
	},
	[SHOW_READY] = {
		"show_ready", "preparing", .next = S(CHOOSE) | S(DONE) | S(FAILED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOPS,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = show, .taken = ready_again,
	},
	[SHOW_DONE]      = { "show_done", "completed", .end = TASK_DONE },
	[SHOW_ERROR]     = { "show_error", "error", .end = TASK_ERROR },
	[SHOW_FAILED]    = { "show_failed", "failed", .end = TASK_FAILED },
	[SHOW_CANCELLED] = { "show_cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(show_stages) == SHOW_N, "show_stages is missing one");

static const struct task_action show_actions[] = {
	{ .name = "show", .action = "show", .vm = ANY_VM },
};

static const struct task_kind show_kind = {
	.type = "show", .migration = true, .class = &task_class_live, .stages = show_stages, .n = SHOW_N, .queued = SHOW_QUEUED, .choosing = SHOW_CHOOSE,
	.chosen = SHOW_READY, .service = &move_service, .checks = &show_checks, .actions = show_actions, .n_actions = G_N_ELEMENTS(show_actions),
	.attach = show_attach, .detach = show_detach, .left = show_left, .host = host, .write_end = show_write_end, .ended = show_ended,
};
static const struct task_kind *const show_alone[] = { &show_kind, NULL };

/* ---- the world: two hosts, two guests at the first ---- */

static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-1", .admin = true };

static struct scn scn = {
	.name = (char *)"kind",
	.conf = (char *)"[DEFAULT]\nlog_format = text\nmax_concurrent_live_migrations = 1\n[workarounds]\nallow_any_uri = true\n"
			"[api]\nhost_schemes = sim\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n",
};

static bool known(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_server(r->fleet, GUEST) && fleet_server(r->fleet, OTHER) && fleet_server(r->fleet, THIRD);
}

static void set_up_with(struct run *r, const struct task_kind *const *with)
{
	static const struct scn_options opt = { .seed = 1 };

	*r = (struct run){ .scn = &scn, .opt = &opt, .kinds = with };
	run_begin(r, NULL);
	sim_host_add(r->world, "h1", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 1000, .latency_ms = 4 });
	sim_host_add(r->world, "h2", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 1000, .latency_ms = 4 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .mem_mib = 1024 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){ .uuid = OTHER, .name = "other", .mem_mib = 4096 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){ .uuid = THIRD, .name = "third", .mem_mib = 1024 });
	controller_start(r);
	g_assert_true(run_until(r, WAIT_TEST_MS, known, NULL));
	n_left = n_ended = 0;
}

static void set_up(struct run *r)
{
	set_up_with(r, both);
}

static void accepted(int64_t id, const GError *err, void *user)
{
	g_assert_no_error(err);
	*(int64_t *)user = id;
}

static void refused(int64_t id, const GError *err, void *user)
{
	g_assert_cmpint(id, ==, 0);
	*(GError **)user = g_error_copy(err);
}

static int64_t ask_for(struct run *r, const struct task_kind *kind, const struct task_action *action, const char *uuid)
{
	struct task_request q = {
		.kind = kind, .action = action, .server = fleet_server(r->fleet, uuid), .block = MIG_BLOCK_AUTO, .who = who,
	};
	int64_t id = 0;

	request_begin(r->engine, &q, accepted, &id);
	g_assert_cmpint(id, >, 0);
	return id;
}

static int64_t request(struct run *r, const struct task_kind *kind, const char *uuid)
{
	return ask_for(r, kind, NULL, uuid);
}

struct in_phase {
	int64_t id;
	const char *phase;
};

static bool is_in(struct run *r, void *user)
{
	const struct in_phase *want = user;
	struct mig *m = engine_get(r->engine, want->id, NULL);
	bool yes = m && g_str_equal(mig_phase_name(m), want->phase);

	mig_free(m);
	return yes;
}

static void expect_phase(struct run *r, int64_t id, const char *phase)
{
	g_assert_true(run_until(r, WAIT_TEST_MS, is_in, &(struct in_phase){ id, phase }));
}

/* "begin queued ..." of its history. Return: owned. */
static char *history(struct run *r, int64_t id)
{
	g_autoptr(GPtrArray) list = engine_events(r->engine, id, NULL);
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < list->len; i++)
		g_string_append_printf(s, "%s%s", i ? " " : "", ((const struct mig_event *)g_ptr_array_index(list, i))->new_phase);
	return g_string_free(s, FALSE);
}

/* ---- tests ---- */

static void test_way(void)
{
	g_autofree char *phases = NULL, *wrong = NULL;
	g_autoptr(GPtrArray) actions = NULL, events = NULL;
	struct run r;
	int64_t id;

	set_up(&r);
	id = request(&r, &stamp_kind, GUEST);
	g_assert_cmpint(fleet_server(r.fleet, GUEST)->task, ==, SERVER_TASK_RESIZE_PREP);
	expect_phase(&r, id, "stamp_done");
	phases = history(&r, id);
	g_assert_cmpstr(phases, ==, "stamp_begin stamp_queued stamp_work stamp_done");
	g_assert_cmpint(fleet_server(r.fleet, GUEST)->task, ==, SERVER_TASK_NONE);
	g_assert_cmpint(n_left, ==, 3);
	g_assert_cmpint(n_ended, ==, 1);
	g_assert_cmpint((int)engine_stats(r.engine)->ended[TASK_DONE], ==, 1);
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	actions = action_list(r.store, GUEST, 0, 0, 0, 10, NULL);
	g_assert_cmpuint(actions->len, ==, 1);
	g_assert_cmpstr(((const struct action *)g_ptr_array_index(actions, 0))->action, ==, "stamp");
	events = action_events(r.store, ((const struct action *)g_ptr_array_index(actions, 0))->id, NULL);
	g_assert_cmpstr(((const struct action_event *)g_ptr_array_index(events, 0))->event, ==, "stamp_the_guest");
	g_assert_cmpstr(((const struct action_event *)g_ptr_array_index(events, 0))->result, ==, "Success");
	run_end(&r);
}

/* A live migration has the only slot, and one of this kind waits for it. Return: its number. */
static int64_t queue_behind_live(struct run *r, int64_t *ret_live)
{
	int64_t id;

	set_up(r);
	*ret_live = request(r, &live_kind, OTHER);
	expect_phase(r, *ret_live, "copy");
	id = request(r, &stamp_kind, GUEST);
	expect_phase(r, id, "stamp_queued");
	return id;
}

/* It waits in the same queue as a live migration, is stopped there, and its action says who stopped it. */
static void test_stopped(void)
{
	g_autoptr(GError) err = NULL;
	struct run r;
	int64_t first, id;

	id = queue_behind_live(&r, &first);
	g_assert_false(request_force_complete(r.engine, fleet_server(r.fleet, GUEST), id, &who, &err));
	g_assert_error(err, ERR, ERR_BAD_REQUEST);
	g_assert_true(request_abort(r.engine, fleet_server(r.fleet, GUEST), id, true, &who, NULL));
	expect_phase(&r, id, "stamp_cancelled");
	expect_phase(&r, first, "done");
	run_end(&r);
}

/* An older version finds the row of a kind that it does not know. */
static void test_unknown(void)
{
	g_autoptr(GError) err = NULL, why = NULL;
	g_autoptr(GPtrArray) list = NULL;
	struct run r;
	int64_t first, id;

	id = queue_behind_live(&r, &first);
	r.kinds = NULL;
	controller_start(&r);
	g_assert_cmpuint(check_log(&r, 0, "migration_unreadable", "stamp_queued"), >, 0);
	expect_phase(&r, first, "done");
	g_assert_null(engine_get(r.engine, id, &err));
	g_assert_error(err, ERR, ERR_STORE);
	list = engine_list(r.engine, &(struct mig_filter){ .limit = 10 }, NULL);
	g_assert_cmpuint(list->len, ==, 1);
	request_begin(r.engine, &(struct task_request){ .kind = &live_kind, .server = fleet_server(r.fleet, GUEST), .who = who }, refused, &why);
	g_assert_error(why, ERR, ERR_CONFLICT); /* its server is still taken */
	r.kinds = both;
	controller_start(&r);
	expect_phase(&r, id, "stamp_done");
	run_end(&r);
}

/* A class of its own: the live migration that has the only slot of its class does not stand in its way, but another of its kind does. */
static void test_class(void)
{
	g_autofree char *wrong = NULL, *waits = NULL;
	struct run r;
	int64_t live, first, second;

	apart_kind = stamp_kind;
	apart_kind.class = &stamp_class;
	set_up_with(&r, with_apart);
	live = request(&r, &live_kind, OTHER);
	expect_phase(&r, live, "copy");
	first = request(&r, &apart_kind, GUEST);
	second = request(&r, &apart_kind, THIRD);
	expect_phase(&r, first, "stamp_work");
	expect_phase(&r, second, "stamp_queued");
	waits = queue_waits_for(engine_active_of(r.engine, THIRD));
	g_assert_cmpstr(waits, ==, "waits for a slot of the fleet: 1 of 1 taken");
	g_assert_cmpint(queue_position(engine_active_of(r.engine, THIRD)), ==, 1);
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	expect_phase(&r, second, "stamp_done");
	expect_phase(&r, live, "done");
	run_end(&r);
}

static void expect_server(struct run *r, const char *uuid, enum server_vm vm, enum server_task task)
{
	const struct server *s = fleet_server(r->fleet, uuid);

	g_assert_cmpstr(server_vm_name(s->vm), ==, server_vm_name(vm));
	g_assert_cmpstr(server_task_name(s->task), ==, server_task_name(task));
}

/* The newest instance action of the guest, and whether it has ended. */
static void expect_action(struct run *r, const char *uuid, const char *name)
{
	g_autoptr(GPtrArray) actions = action_list(r->store, uuid, 0, 0, 0, 10, NULL);

	g_assert_cmpuint(actions->len, >, 0);
	g_assert_cmpstr(((const struct action *)g_ptr_array_index(actions, 0))->action, ==, name);
}

static GPtrArray *migrations_of(struct run *r, const char *uuid)
{
	struct mig_filter f = { .server_uuid = uuid, .limit = 10 };
	GPtrArray *page = g_ptr_array_new_with_free_func((GDestroyNotify)mig_free);
	bool more = true;

	while (more)
		g_assert_true(engine_list_part(r->engine, &f, page, &more, NULL));
	return page;
}

/* It begins beside a full queue, is no migration to anyone, and two actions of one kind make of the server what their rows say. */
static void test_no_migration(void)
{
	g_autoptr(GError) early = NULL, err = NULL, priority = NULL;
	g_autoptr(GPtrArray) listed = NULL;
	g_autofree char *wrong = NULL;
	struct run r;
	int64_t live, id;

	set_up_with(&r, with_ring);
	live = request(&r, &live_kind, OTHER);
	expect_phase(&r, live, "copy");
	request_begin(r.engine, &(struct task_request){ .kind = &ring_kind, .action = &ring_actions[1], .server = fleet_server(r.fleet, GUEST), .who = who },
		      refused, &early);
	g_assert_cmpstr(early->message, ==, "Cannot 'os-ringAgain' instance " GUEST " while it is in vm_state active");
	id = ask_for(&r, &ring_kind, &ring_actions[0], GUEST);
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_REBUILDING);
	g_assert_false(request_abort(r.engine, fleet_server(r.fleet, GUEST), id, true, &who, &err));
	g_assert_error(err, ERR, ERR_NOT_FOUND);
	g_assert_false(request_set_priority(r.engine, id, 5, &priority));
	g_assert_error(priority, ERR, ERR_NOT_FOUND);
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	expect_phase(&r, id, "ring_done");
	expect_server(&r, GUEST, SERVER_RESCUED, SERVER_TASK_NONE);
	expect_action(&r, GUEST, "ring");
	id = ask_for(&r, &ring_kind, &ring_actions[1], GUEST);
	expect_server(&r, GUEST, SERVER_RESCUED, SERVER_TASK_RESIZE_FINISH);
	controller_start(&r); /* which of the two was asked is in the row */
	expect_server(&r, GUEST, SERVER_RESCUED, SERVER_TASK_RESIZE_FINISH);
	expect_phase(&r, id, "ring_done");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	expect_action(&r, GUEST, "ringAgain");
	g_assert_cmpint(rung[RING_ONCE], ==, 1);
	g_assert_cmpint(rung[RING_AGAIN], ==, 1);
	listed = migrations_of(&r, GUEST);
	g_assert_cmpuint(listed->len, ==, 0);
	expect_phase(&r, live, "done");
	g_assert_cmpuint((guint)engine_stats(r.engine)->ended[TASK_DONE], ==, 1);
	run_end(&r);
}

static bool owes_nothing(struct run *r, void *unused)
{
	(void)unused;
	return engine_owed(r->engine) == 0;
}

/* No kind of live migration is there: the search, the checks, the next destination and the files made at it are any move's. */
static void test_move(void)
{
	g_autofree char *phases = NULL, *wrong = NULL;
	g_autoptr(GArray) at_h2 = NULL;
	g_autoptr(GError) err = NULL;
	struct run r;
	struct mig *m;
	int64_t id;

	set_up_with(&r, show_alone);
	sim_host_add(r.world, "h3", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 1000, .latency_ms = 4, .storage = "own" });
	(void)fleet_host_add(r.fleet, &(struct conf_host){ .name = (char *)"h3", .uri = (char *)"sim://h3" }, &err);
	g_assert_no_error(err);
	g_assert_true(run_until(&r, WAIT_TEST_MS, known, NULL));
	id = request(&r, &show_kind, GUEST);
	expect_phase(&r, id, "show_ready");
	controller_start(&r); /* what the search knew is read again */
	expect_phase(&r, id, "show_done");
	phases = history(&r, id);
	g_assert_cmpstr(phases, ==, "show_check show_queued show_choose show_ready show_choose show_ready show_done");
	g_assert_cmpuint(n_copied, ==, 1);
	m = engine_get(r.engine, id, NULL);
	g_assert_cmpstr(m->source, ==, "h1");
	g_assert_cmpstr(m->dest, ==, "h3");
	mig_free(m);
	g_assert_cmpuint(check_log(&r, 0, "volume_made", "h3"), >, 0);
	g_assert_true(run_until(&r, WAIT_TEST_MS, owes_nothing, NULL));
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	g_assert_cmpint(fleet_server(r.fleet, GUEST)->task, ==, SERVER_TASK_NONE);
	at_h2 = sim_dom_list(r.world, "h2", GUEST);
	g_assert_cmpuint(at_h2->len, ==, 0);
	run_end(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kind/its own way", test_way);
	g_test_add_func("/kind/stopped in the queue", test_stopped);
	g_test_add_func("/kind/unknown to this version", test_unknown);
	g_test_add_func("/kind/a class of its own", test_class);
	g_test_add_func("/kind/no migration", test_no_migration);
	g_test_add_func("/kind/a move that is not live", test_move);
	return g_test_run();
}
