/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of test_kinds.h, which no line of src knows, through engine, queue, fleet, store and API.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/route.h"
#include "api_call.h"
#include "base/clock.h"
#include "base/err.h"
#include "fleet/action.h"
#include "kinds.h"
#include "live/live.h"
#include "scn.h"
#include "fleet/room.h"
#include "task/queue.h"
#include "task/request.h"
#include "task/step.h"
#include "test_kinds.h"

#define GUEST "11111111-0000-4000-8000-000000000001"
#define OTHER "11111111-0000-4000-8000-000000000002"
#define THIRD "11111111-0000-4000-8000-000000000003"
#define WAIT_TEST_MS 60000

static const struct task_kind *const all_kinds[] = { &live_kind, &stamp_kind, &ring_kind, &shift_kind, NULL };

/* ---- stamp with limits of its own: one at once in the whole fleet ---- */

static const struct task_class stamp_class = {
	.index = 1, .name = "stamp", .limits = {
		[TASK_OUTBOUND] = { "max_concurrent_fleet_live_migrations", offsetof(struct conf, max_concurrent_fleet_live_migrations) },
		[TASK_INBOUND] = { "max_concurrent_fleet_live_migrations", offsetof(struct conf, max_concurrent_fleet_live_migrations) },
		[TASK_IN_FLEET] = { "max_concurrent_live_migrations", offsetof(struct conf, max_concurrent_live_migrations) },
	},
};
static struct task_kind apart_kind;
static const struct task_kind *const with_apart[] = { &live_kind, &apart_kind, NULL };

static const struct task_kind *const show_alone[] = { &show_kind, NULL };
static const struct task_kind *const haul_alone[] = { &haul_kind, NULL };

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
}

static void set_up(struct run *r)
{
	set_up_with(r, all_kinds);
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
	g_assert_cmpint(test_kinds_seen.left, ==, 3);
	g_assert_cmpint(test_kinds_seen.ended, ==, 1);
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
	r.kinds = all_kinds;
	controller_start(&r);
	expect_phase(&r, id, "stamp_done");
	run_end(&r);
}

struct two {
	int64_t first, second;
};

/* Of two that were requested together, the one that its host answers first has the slot. */
static bool one_waits(struct run *r, void *user)
{
	const struct two *ids = user;

	return (is_in(r, &(struct in_phase){ ids->first, "stamp_work" }) && is_in(r, &(struct in_phase){ ids->second, "stamp_queued" })) ||
	       (is_in(r, &(struct in_phase){ ids->second, "stamp_work" }) && is_in(r, &(struct in_phase){ ids->first, "stamp_queued" }));
}

/* A class of its own: the live migration that has the only slot of its class does not stand in its way, but another of its kind does. */
static void test_class(void)
{
	g_autofree char *wrong = NULL, *waits = NULL;
	const char *later;
	struct run r;
	int64_t live, first, second;

	apart_kind = stamp_kind;
	apart_kind.class = &stamp_class;
	set_up_with(&r, with_apart);
	live = request(&r, &live_kind, OTHER);
	expect_phase(&r, live, "copy");
	first = request(&r, &apart_kind, GUEST);
	second = request(&r, &apart_kind, THIRD);
	g_assert_true(run_until(&r, WAIT_TEST_MS, one_waits, &(struct two){ first, second }));
	later = is_in(&r, &(struct in_phase){ first, "stamp_queued" }) ? GUEST : THIRD;
	waits = queue_waits_for(engine_active_of(r.engine, later));
	g_assert_cmpstr(waits, ==, "waits for a slot of the fleet: 1 of 1 taken");
	g_assert_cmpint(queue_position(engine_active_of(r.engine, later)), ==, 1);
	wrong = engine_check(r.engine);
	g_assert_cmpstr(wrong, ==, NULL);
	expect_phase(&r, first, "stamp_done");
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

	set_up(&r);
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
	g_assert_cmpint(test_kinds_seen.rung[RING_ONCE], ==, 1);
	g_assert_cmpint(test_kinds_seen.rung[RING_AGAIN], ==, 1);
	listed = migrations_of(&r, GUEST);
	g_assert_cmpuint(listed->len, ==, 0);
	expect_phase(&r, live, "done");
	g_assert_cmpuint((guint)engine_stats(r.engine)->ended[TASK_DONE], ==, 1);
	run_end(&r);
}

/* One that takes the place of another: the same row goes on as what was asked for last, and the action of the first ends as an error. */
static void test_overtaken(void)
{
	g_autoptr(GPtrArray) actions = NULL, events = NULL;
	g_autoptr(GError) twice = NULL;
	g_autofree char *phases = NULL;
	const struct action *first, *second;
	struct run r;
	int64_t id;

	set_up(&r);
	id = ask_for(&r, &ring_kind, &ring_actions[RING_ONCE], GUEST);
	g_assert_cmpint(ask_for(&r, &ring_kind, &ring_actions[RING_OVER], GUEST), ==, id);
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_RESIZE_PREP);
	request_begin(r.engine, &(struct task_request){ .kind = &ring_kind, .action = &ring_actions[RING_OVER], .server = fleet_server(r.fleet, GUEST),
		      .who = who }, refused, &twice);
	g_assert_cmpstr(twice->message, ==, "Cannot 'os-ringOver' instance " GUEST " while it is in task_state resize_prep");
	controller_start(&r);
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_RESIZE_PREP);
	expect_phase(&r, id, "ring_done");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	g_assert_cmpint(test_kinds_seen.rung[RING_ONCE], ==, 0);
	g_assert_cmpint(test_kinds_seen.rung[RING_OVER], ==, 1);
	phases = history(&r, id);
	g_assert_cmpstr(phases, ==, "ring_work ring_work ring_done");
	actions = action_list(r.store, GUEST, 0, 0, 0, 10, NULL);
	g_assert_cmpuint(actions->len, ==, 2);
	second = g_ptr_array_index(actions, 0), first = g_ptr_array_index(actions, 1);
	g_assert_cmpstr(first->action, ==, "ring");
	g_assert_cmpstr(first->message, ==, "Error");
	g_assert_cmpstr(second->action, ==, "ringOver");
	g_assert_null(second->message);
	events = action_events(r.store, first->id, NULL);
	g_assert_cmpstr(((const struct action_event *)g_ptr_array_index(events, 0))->details, ==, "given up: os-ringOver was asked for");
	run_end(&r);
}

/* ---- shift: it rests ---- */

static int64_t shift_with(struct run *r, const char *uuid, const struct shift_own *own)
{
	struct task_request q = { .kind = &shift_kind, .server = fleet_server(r->fleet, uuid), .own = own, .who = who };
	int64_t id = 0;

	request_begin(r->engine, &q, accepted, &id);
	g_assert_cmpint(id, >, 0);
	return id;
}

static int64_t shift_to_rest(struct run *r)
{
	int64_t id;

	set_up(r);
	id = shift_with(r, GUEST, &(struct shift_own){ .waits = 0 });
	expect_phase(r, id, "shift_verify");
	return id;
}

/* The database has refused to undo it, and then comes an answer that would take it on: it was to be stopped, and is. */
static void test_stopped_for_good(void)
{
	struct run r;
	struct mig *m;
	int64_t id;

	set_up(&r);
	id = shift_with(&r, GUEST, &(struct shift_own){ .waits = 5000 });
	expect_phase(&r, id, "shift_stop");
	m = engine_active_of(r.engine, GUEST);
	m->abort_wanted = true;
	g_assert_false(step_go(m, kind_stage(&shift_kind, "shift_land"), "an answer", NULL, NULL));
	expect_phase(&r, id, "shift_cancelled");
	run_end(&r);
}

static char *ask_refused(struct run *r, const struct task_kind *kind, const struct task_action *action, enum err_code code)
{
	struct task_request q = { .kind = kind, .action = action, .server = fleet_server(r->fleet, GUEST), .block = MIG_BLOCK_AUTO, .who = who };
	g_autoptr(GError) err = NULL;

	request_begin(r->engine, &q, refused, &err);
	g_assert_error(err, ERR, (gint)code);
	return g_strdup(err->message);
}

/* The room that tasks keep at a host, by what its claims say. */
static void expect_claimed(struct run *r, const char *host, int servers, int64_t memory_mb)
{
	struct usage claimed = host_claimed(fleet_host(r->fleet, host));

	g_assert_cmpint(claimed.servers, ==, servers);
	g_assert_cmpint(claimed.memory_mb, ==, memory_mb);
}

static void expect_right(struct run *r)
{
	g_autofree char *wrong = engine_check(r->engine);

	g_assert_cmpstr(wrong, ==, NULL);
	g_assert_null(room_check(fleet_room(r->fleet)));
}

static void expect_status(struct run *r, int64_t id, const char *status)
{
	struct mig *m = engine_get(r->engine, id, NULL);

	g_assert_cmpstr(mig_status(m), ==, status);
	mig_free(m);
}

/* At rest the row is active, no task owns the server, its host is followed, and only room at its source is kept: before and after a restart. */
static void expect_rest(struct run *r, int64_t id)
{
	expect_server(r, GUEST, SERVER_RESIZED, SERVER_TASK_NONE);
	g_assert_cmpstr(fleet_server(r->fleet, GUEST)->host, ==, "h2");
	expect_status(r, id, "finished");
	g_assert_null(engine_active_of(r->engine, GUEST));
	g_assert_cmpint(engine_slots(r->engine), ==, 0);
	expect_claimed(r, "h1", 1, SHIFT_OLD_MB);
	expect_claimed(r, "h2", 0, 0);
	expect_right(r);
}

static bool is_paused(struct run *r, void *unused)
{
	(void)unused;
	return fleet_server(r->fleet, GUEST)->power == SERVER_POWER_PAUSED;
}

static void test_rest(void)
{
	g_autofree char *phases = NULL, *live = NULL, *again = NULL;
	g_autoptr(GPtrArray) actions = NULL, events = NULL;
	struct run r;
	int64_t id = shift_to_rest(&r);

	expect_rest(&r, id);
	actions = action_list(r.store, GUEST, 0, 0, 0, 10, NULL);
	events = action_events(r.store, ((const struct action *)g_ptr_array_index(actions, 0))->id, NULL);
	g_assert_cmpstr(((const struct action_event *)g_ptr_array_index(events, 0))->result, ==, "Success");
	live = ask_refused(&r, &live_kind, NULL, ERR_CONFLICT);
	g_assert_cmpstr(live, ==, "Cannot 'os-migrateLive' instance " GUEST " while it is in vm_state resized");
	sim_dom_set(r.world, "h2", GUEST, HV_PAUSED, HV_R_USER);
	g_assert_true(run_until(&r, WAIT_TEST_MS, is_paused, NULL));
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, known, NULL));
	expect_rest(&r, id);
	g_assert_cmpint(test_kinds_seen.leftovers, ==, 0);
	/* what is left at its source is kept for it, until it is confirmed */
	sim_dom_add(r.world, "h1", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .mem_mib = 1024, .state = HV_SHUTOFF });
	g_assert_false(run_until(&r, WAIT_TEST_MS, is_in, &(struct in_phase){ id, "shift_confirmed" }));
	g_assert_cmpint(test_kinds_seen.leftovers, ==, 0);
	g_assert_cmpint(ask_for(&r, &shift_kind, &shift_actions[SHIFT_ACTION_CONFIRM], GUEST), ==, id);
	expect_phase(&r, id, "shift_confirmed");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	expect_action(&r, GUEST, "confirmShift");
	expect_status(&r, id, "confirmed");
	expect_claimed(&r, "h1", 0, 0);
	expect_right(&r);
	phases = history(&r, id);
	g_assert_cmpstr(phases, ==, "shift_begin shift_queued shift_choose shift_stop shift_land shift_verify shift_confirm shift_confirmed");
	again = ask_refused(&r, &shift_kind, &shift_actions[SHIFT_ACTION_CONFIRM], ERR_CONFLICT); /* its vm_state has gone on */
	run_until(&r, WAIT_TEST_MS, NULL, NULL);
	g_assert_cmpint(test_kinds_seen.leftovers, >, 0);
	run_end(&r);
}

/* What it keeps in its own part of the row outlives the controller, and its undo stage takes back what was done. */
static void test_undo(void)
{
	struct run r;
	int64_t failed, stopped;
	struct mig *m;

	set_up(&r);
	failed = shift_with(&r, GUEST, &(struct shift_own){ .fails = (char *)"h2 is on fire" });
	expect_phase(&r, failed, "shift_failed");
	m = engine_get(r.engine, failed, NULL);
	g_assert_cmpstr(m->error, ==, "h2 is on fire");
	g_assert_cmpstr(((const struct shift_own *)m->own)->fails, ==, "h2 is on fire");
	mig_free(m);
	g_assert_cmpint(test_kinds_seen.undone, ==, 1);
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);

	stopped = shift_with(&r, GUEST, &(struct shift_own){ .waits = 1000 });
	expect_phase(&r, stopped, "shift_stop");
	expect_claimed(&r, "h2", 1, 1024);
	controller_start(&r);
	g_assert_true(run_until(&r, WAIT_TEST_MS, known, NULL));
	m = engine_active_of(r.engine, GUEST);
	g_assert_cmpint(((const struct shift_own *)m->own)->waits, ==, 1000);
	g_assert_true(request_abort(r.engine, fleet_server(r.fleet, GUEST), stopped, true, &who, NULL));
	expect_phase(&r, stopped, "shift_cancelled");
	g_assert_cmpint(test_kinds_seen.undone, ==, 2);
	expect_action(&r, GUEST, "shift_cancel");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	expect_claimed(&r, "h2", 0, 0);
	expect_right(&r);
	run_end(&r);
}

static void test_revert(void)
{
	g_autofree char *none = NULL;
	struct run r;
	int64_t id = shift_to_rest(&r);

	g_assert_cmpint(ask_for(&r, &shift_kind, &shift_actions[SHIFT_ACTION_REVERT], GUEST), ==, id);
	expect_phase(&r, id, "shift_reverted");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	g_assert_cmpstr(fleet_server(r.fleet, GUEST)->host, ==, "h1");
	expect_action(&r, GUEST, "revertShift");
	expect_status(&r, id, "reverted");
	expect_claimed(&r, "h1", 0, 0);
	expect_right(&r);
	/* as of a server that os-resetState or another hand has put into this state */
	g_assert_true(fleet_server_reset(r.fleet, fleet_server(r.fleet, GUEST), SERVER_RESIZED, &who, NULL));
	none = ask_refused(&r, &shift_kind, &shift_actions[SHIFT_ACTION_REVERT], ERR_BAD_REQUEST);
	g_assert_cmpstr(none, ==, "Instance has not been shifted.");
	run_end(&r);
}

/* The time in which it may be confirmed is counted from the row, also over a restart. */
static void wait_for_window(bool restarts)
{
	struct run r;
	int64_t id = shift_to_rest(&r);

	run_until(&r, SHIFT_WINDOW_MS / 2, NULL, NULL);
	if (restarts)
		controller_start(&r);
	run_until(&r, SHIFT_WINDOW_MS / 2 - 10000, NULL, NULL);
	expect_rest(&r, id);
	expect_phase(&r, id, "shift_confirmed");
	expect_action(&r, GUEST, "confirmShift");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	run_end(&r);
}

static void test_window(void)
{
	wait_for_window(false);
	wait_for_window(true);
}

/* An administrator resets the server while it rests: another task may have it then, and what rests waits for that one. */
static void test_reset(void)
{
	struct run r;
	int64_t id = shift_to_rest(&r), live;

	g_assert_true(fleet_server_reset(r.fleet, fleet_server(r.fleet, GUEST), SERVER_ACTIVE, &who, NULL));
	run_until(&r, SHIFT_WINDOW_MS - 1000, NULL, NULL);
	sim_dom_writes(r.world, GUEST, 5000);
	live = request(&r, &live_kind, GUEST);
	expect_phase(&r, live, "copy");
	run_until(&r, 2000, NULL, NULL);
	expect_phase(&r, live, "copy");
	expect_phase(&r, id, "shift_verify");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_MIGRATING);
	sim_dom_calm(r.world);
	expect_phase(&r, live, "done");
	expect_phase(&r, id, "shift_confirmed");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	expect_right(&r);
	run_end(&r);
}

/* The database has written that a user moved it on, and lost the answer: it goes on from there. */
static void test_moved_on_unsure(void)
{
	g_autofree char *text = NULL;
	struct run r;
	int64_t id = shift_to_rest(&r);

	scn_store_lose("shift_revert");
	text = ask_refused(&r, &shift_kind, &shift_actions[SHIFT_ACTION_REVERT], ERR_STORE);
	expect_phase(&r, id, "shift_reverted");
	expect_action(&r, GUEST, "revertShift");
	expect_server(&r, GUEST, SERVER_ACTIVE, SERVER_TASK_NONE);
	g_assert_cmpstr(fleet_server(r.fleet, GUEST)->host, ==, "h1");
	expect_right(&r);
	run_end(&r);
}

/* The same of one that confirms itself: the action that it has begun is the one that ends. */
static void test_window_unsure(void)
{
	g_autoptr(GPtrArray) actions = NULL;
	struct run r;
	int64_t id = shift_to_rest(&r);

	scn_store_lose("shift_confirm");
	run_until(&r, SHIFT_WINDOW_MS, NULL, NULL);
	expect_phase(&r, id, "shift_confirmed");
	actions = action_list(r.store, GUEST, 0, 0, 0, 10, NULL);
	g_assert_cmpuint(actions->len, ==, 2);
	for (guint i = 0; i < actions->len; i++) {
		g_autoptr(GPtrArray) events = action_events(r.store, ((const struct action *)g_ptr_array_index(actions, i))->id, NULL);

		for (guint k = 0; k < events->len; k++)
			g_assert_cmpint(((const struct action_event *)g_ptr_array_index(events, k))->finish_us, >, 0);
	}
	run_end(&r);
}

/* A task that is no migration has a server that rests, as its table of vm_states allows. */
static void test_beside_rest(void)
{
	static struct task_action any;
	struct run r;
	int64_t id = shift_to_rest(&r), rings;

	any = ring_actions[RING_ONCE];
	any.vm |= TASK_VM_BIT(SERVER_RESIZED);
	any.after = TASK_VM_BEFORE;
	rings = ask_for(&r, &ring_kind, &any, GUEST);
	g_assert_cmpint(engine_active_of(r.engine, GUEST)->id, ==, rings);
	expect_phase(&r, rings, "ring_done");
	expect_rest(&r, id);
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
	g_assert_cmpuint(test_kinds_seen.copied, ==, 1);
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

/* ---- haul: a guest that is off, with two disks over an image, between hosts that share nothing ---- */

#define OFF "11111111-0000-4000-8000-000000000004"

static bool knows_off(struct run *r, void *unused)
{
	return known(r, unused) && fleet_server(r->fleet, OFF);
}

static int64_t begin_haul(struct run *r)
{
	g_autoptr(GError) err = NULL;

	set_up_with(r, haul_alone);
	for (int i = 3; i <= 4; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i), *uri = g_strdup_printf("sim://h%d", i);

		sim_host_add(r->world, name, &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 100, .latency_ms = 4, .storage = "local" });
		(void)fleet_host_add(r->fleet, &(struct conf_host){ .name = name, .uri = uri }, &err);
		g_assert_no_error(err);
	}
	sim_dom_add(r->world, "h3", &(struct sim_dom_spec){
		.uuid = OFF, .name = "off", .mem_mib = 1024, .disks = 2, .data_mib = 500, .backing = "/var/lib/drover/base/image", .state = HV_SHUTOFF });
	g_assert_true(run_until(r, WAIT_TEST_MS, knows_off, NULL));
	for (int i = 1; i <= 2; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i);

		fleet_host(r->fleet, name)->disabled = true;
	}
	return request(r, &haul_kind, OFF);
}

/* Of the two disks, how many files at the source are what the guest has written last. */
static unsigned newest_at_source(struct run *r)
{
	g_autoptr(GArray) files = sim_file_list(r->world, "h3");
	unsigned n = 0;

	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		n += v->uuid && g_str_equal(v->uuid, OFF) && v->newest;
	}
	return n;
}

static bool copies(struct run *r, void *unused)
{
	(void)unused;
	return sim_jobs(r->world) > 0 && sim_carriers(r->world, "h4") > 0;
}

static void end_haul(struct run *r, int64_t id, const char *phase, unsigned carried)
{
	g_autofree char *wrong = NULL;

	g_assert_true(run_until(r, 10 * WAIT_TEST_MS, is_in, &(struct in_phase){ id, phase }));
	g_assert_cmpuint(test_kinds_seen.carried, ==, carried);
	g_assert_cmpuint(sim_carriers(r->world, "h3") + sim_carriers(r->world, "h4"), ==, 0);
	g_assert_true(run_until(r, WAIT_TEST_MS, owes_nothing, NULL));
	wrong = engine_check(r->engine);
	g_assert_cmpstr(wrong, ==, NULL);
	g_assert_cmpstr(sim_violation(r->world), ==, NULL);
	run_end(r);
}

static void test_carried(void)
{
	struct run r;
	int64_t id = begin_haul(&r);

	end_haul(&r, id, "haul_done", 2);
}

/* Nothing of a carrier is in a row: the hosts say how far it is. */
static void test_carried_restart(void)
{
	struct run r;
	int64_t id = begin_haul(&r);

	g_assert_true(run_until(&r, WAIT_TEST_MS, copies, NULL));
	controller_start(&r);
	end_haul(&r, id, "haul_done", 2);
}

/* What hangs is ended, and begun again from nothing when the host is back. */
static void test_carried_cut(void)
{
	struct run r;
	int64_t id = begin_haul(&r);

	g_assert_true(run_until(&r, WAIT_TEST_MS, copies, NULL));
	(void)run_until(&r, 2000, NULL, NULL); /* in the middle of the files */
	sim_host_link(r.world, "h4", false);
	(void)run_until(&r, 5 * 60000, NULL, NULL);
	g_assert_cmpuint(check_log(&r, 0, "carrier_stalled", "h4"), >, 0);
	g_assert_cmpuint(sim_carriers(r.world, "h3"), ==, 0);
	sim_host_link(r.world, "h4", true);
	end_haul(&r, id, "haul_done", 2);
}

/* libvirt tells nothing of it. */
static void test_carried_deleted(void)
{
	struct run r;
	int64_t id = begin_haul(&r);

	g_assert_true(run_until(&r, WAIT_TEST_MS, copies, NULL));
	sim_file_remove(r.world, "h4", sim_disk_path(r.world, OFF, "vdb"));
	g_assert_true(run_until(&r, WAIT_TEST_MS, is_in, &(struct in_phase){ id, "haul_failed" }));
	run_end(&r);
}

static bool is_over_or_killed(struct run *r, void *id)
{
	struct mig *m = r->engine ? engine_get(r->engine, *(int64_t *)id, NULL) : NULL;
	bool yes = !r->engine || (m && mig_is_final(m));

	mig_free(m);
	return yes;
}

static void strike(enum hv_op op, int nth, enum sim_fault_kind kind)
{
	struct run r;
	int64_t id = begin_haul(&r);
	struct mig *m;

	sim_fault_add(r.world, &(struct sim_fault){ .op = op, .nth = nth, .kind = kind, .ms = 40000 });
	while (!run_until(&r, 120 * WAIT_TEST_MS, is_over_or_killed, &id) || !r.engine) {
		g_assert_null(r.engine); /* else it hangs */
		controller_start(&r);
	}
	m = engine_get(r.engine, id, NULL);
	if (sim_violation(r.world) || newest_at_source(&r) != 2 || (g_str_equal(mig_phase_name(m), "haul_done") && test_kinds_seen.carried != 2))
		g_error("%s of %s %d: %s, %s", sim_fault_name(kind), hv_op_name(op), nth, mig_phase_name(m), sim_violation(r.world));
	g_test_message("%s of %s %d: %s %s", sim_fault_name(kind), hv_op_name(op), nth, mig_phase_name(m), m->error ? m->error : "");
	mig_free(m);
	run_end(&r);
}

/* Each fault of the seam at each call of its: it ends, the source's files are the guest's, and those that were carried are, too. */
static void test_carried_faults(void)
{
	static const enum hv_op ops[] = {
		HV_VOL_GET, HV_VOL_COPY, HV_VOL_CREATE, HV_CARRIER_START, HV_CARRIER_GET, HV_MIGRATE, HV_JOB_GET, HV_DOM_DESTROY,
	};
	static const enum sim_fault_kind kinds_of[] = {
		SIM_REFUSE, SIM_BUSY, SIM_LOSE_REQUEST, SIM_LOSE_REPLY, SIM_HANG, SIM_HANG_REPLY, SIM_LIBVIRTD_BEFORE, SIM_LIBVIRTD_AFTER,
		SIM_CONTROLLER_BEFORE, SIM_CONTROLLER_AFTER, SIM_CUT_LINK, SIM_POWER_OFF,
	};

	for (size_t o = 0; o < G_N_ELEMENTS(ops); o++)
		for (int nth = 1; nth <= (ops[o] == HV_VOL_GET || ops[o] == HV_CARRIER_GET ? 6 : 2); nth++)
			for (size_t k = 0; k < G_N_ELEMENTS(kinds_of); k++)
				strike(ops[o], nth, kinds_of[k]);
}


/* ---- through the API, of which no line knows these kinds ---- */

static const struct {
	const char *token, *method, *path, *body;
	int status;
	const char *text;
	const char *until; /* then this phase of its newest task is waited for; NULL */
} calls[] = {
	{ "member", "POST", "/action", "{\"stamp\": {}}", 403, "migrate_live" },
	{ "admin", "POST", "/action", "{\"stamp\": {\"priority\": 6}}", 400, "priority" },
	{ "admin", "POST", "/action", "{\"stamp\": {\"host\": \"h2\"}}", 400, "host" },
	{ "admin", "POST", "/action", "{\"unstamp\": {}}", 400, "There is no such action: unstamp" },
	{ "admin", "POST", "/action", "{\"stamp\": {\"priority\": 4}}", 202, "", "stamp_queued" },
	{ "admin", "POST", "/action", "{\"os-ring\": null}", 409, "Cannot 'ring' instance " GUEST " while it is in task_state resize_prep" },
	{ "admin", "GET", "/migrations", NULL, 200, "\"status\":\"queued\"" },
	{ "admin", "GET", "/migrations/2", NULL, 200, "\"server_uuid\":\"" GUEST "\"" },
	{ "admin", "DELETE", "/migrations/2", NULL, 202, "", "stamp_cancelled" },
	{ "admin", "GET", "/os-instance-actions", NULL, 200, "\"action\":\"stamp_cancel\"" },
	{ "admin", "GET", "/os-instance-actions", NULL, 200, "\"action\":\"stamp\"" },
	{ "admin", "GET", "/migrations/2", NULL, 404, "not in progress" },
	{ "admin", "POST", "/action", "{\"os-ringAgain\": null}", 409, "while it is in vm_state active" },
	{ "admin", "POST", "/action", "{\"os-ring\": null}", 202, "", "ring_done" },
	{ "admin", "GET", "/os-instance-actions", NULL, 200, "\"action\":\"ring\"" },
	{ "admin", "GET", "/migrations/3", NULL, 404, "not found" },
	{ "admin", "DELETE", "/migrations/3", NULL, 409, "task_state None" },
	{ "admin", "POST", "/action", "{\"os-ringAgain\": null}", 202, "", "ring_done" },
	{ "admin", "POST", "/action", "{\"revertShift\": null}", 409, "vm_state active" },
	{ "admin", "POST", "/action", "{\"shift\": {\"waits\": \"no\"}}", 400, "waits" },
	{ "admin", "POST", "/action", "{\"shift\": {\"waits\": 0}}", 202, "", "shift_verify" },
	{ "admin", "GET", "", NULL, 200, "\"status\":\"VERIFY_RESIZE\"" },
	{ "admin", "POST", "/action", "{\"confirmShift\": null}", 202, "", "shift_confirmed" },
	{ "admin", "GET", "", NULL, 200, "\"status\":\"ACTIVE\"" },
	{ "admin", "GET", "/os-instance-actions", NULL, 200, "\"action\":\"confirmShift\"" },
};

/* The highest number that a task has. */
static int64_t newest_task(struct run *r)
{
	int64_t id = 1;

	while (true) {
		struct mig *m = engine_get(r->engine, id + 1, NULL);

		if (!m)
			return id;
		mig_free(m);
		id++;
	}
}

static void test_api(void)
{
	static const struct route_table *const tables[] = { &servers_routes, &server_actions_routes, &migrations_routes, &actions_routes };
	g_autofree char *list = NULL;
	struct run r;
	struct api *api;

	set_up(&r);
	api = api_new_parts(&(struct api){ .engine = r.engine, .fleet = r.fleet, .store = r.store, .conf = r.conf, .kinds = engine_kinds(r.engine) },
			    tables, G_N_ELEMENTS(tables));
	expect_phase(&r, request(&r, &live_kind, OTHER), "copy"); /* it has the only slot */
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_autofree char *path = g_strconcat("/v2.1/servers/" GUEST, calls[i].path, NULL);

		g_free(api_call(&r, api, calls[i].token, calls[i].method, path, calls[i].body, calls[i].status, calls[i].text));
		if (calls[i].until)
			expect_phase(&r, newest_task(&r), calls[i].until);
	}
	list = api_call(&r, api, "admin", "GET", "/v2.1/os-migrations", NULL, 200, "\"migration_type\":\"stamp\"");
	g_assert_nonnull(strstr(list, "\"migration_type\":\"shift\""));
	g_assert_nonnull(strstr(list, "\"status\":\"confirmed\""));
	g_assert_null(strstr(list, "\"ring\""));
	api_free_parts(api);
	run_end(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kind/its own way", test_way);
	g_test_add_func("/kind/stopped in the queue", test_stopped);
	g_test_add_func("/kind/unknown to this version", test_unknown);
	g_test_add_func("/kind/a class of its own", test_class);
	g_test_add_func("/kind/stopped for good", test_stopped_for_good);
	g_test_add_func("/kind/no migration", test_no_migration);
	g_test_add_func("/kind/overtaken", test_overtaken);
	g_test_add_func("/kind/at rest", test_rest);
	g_test_add_func("/kind/undone", test_undo);
	g_test_add_func("/kind/reverted", test_revert);
	g_test_add_func("/kind/its time is up", test_window);
	g_test_add_func("/kind/reset while it rests", test_reset);
	g_test_add_func("/kind/moved on, and the answer lost", test_moved_on_unsure);
	g_test_add_func("/kind/confirms itself, and the answer lost", test_window_unsure);
	g_test_add_func("/kind/another beside one that rests", test_beside_rest);
	g_test_add_func("/kind/a move that is not live", test_move);
	g_test_add_func("/kind/carried", test_carried);
	g_test_add_func("/kind/carried, and the controller killed", test_carried_restart);
	g_test_add_func("/kind/carried, and the cable out", test_carried_cut);
	g_test_add_func("/kind/carried, and a file deleted", test_carried_deleted);
	g_test_add_func("/kind/carried, with faults", test_carried_faults);
	g_test_add_func("/kind/through the API", test_api);
	return g_test_run();
}
