/* SPDX-License-Identifier: Apache-2.0 */
#include "test_kinds.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "hv/sim/hand.h"
#include "live/live.h"
#include "hv/sim/view.h"
#include "move/carrying.h"
#include "move/check_rows.h"
#include "move/move.h"
#include "move/outcome.h"
#include "move/ready.h"
#include "move/search.h"
#include "move/service.h"
#include "task/queue.h"
#include "task/request.h"
#include "task/step.h"

struct test_kinds_seen test_kinds_seen;

static struct sim *world;

void test_kinds_reset(struct sim *w)
{
	world = w;
	memset(&test_kinds_seen, 0, sizeof test_kinds_seen);
}

/* ---- stamp: it asks the guest's host for it, twice, with a slot of the queue in between ---- */

enum { STAMP_BEGIN, STAMP_QUEUED, STAMP_WORK, STAMP_DONE, STAMP_ERROR, STAMP_CANCELLED, STAMP_N };

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
	test_kinds_seen.left++;
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
	test_kinds_seen.ended += end == TASK_DONE;
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

#define RULE "os_compute_api:os-migrate-server:migrate_live" /* one of those that there are: an administrator's */

static const struct json_field stamp_fields[] = {
	{ "priority", JSON_INT, offsetof(struct task_request, priority), .min = -5, .max = 5 },
};

static const struct task_action stamp_actions[] = {
	{ .name = "stamp", .action = "stamp", .vm = ANY_VM, .rule = RULE, .since = 60, .fields = stamp_fields, .n_fields = G_N_ELEMENTS(stamp_fields) },
};

const struct task_kind stamp_kind = {
	.type = "stamp", .migration = true, .of_server = true, .class = &task_class_live, .stages = stages, .n = STAMP_N,
	.queued = STAMP_QUEUED, .choosing = STAMP_WORK,
	.chosen = STAMP_WORK, .actions = stamp_actions, .n_actions = G_N_ELEMENTS(stamp_actions), .stop_action = "stamp_cancel",
	.left = left, .host = host, .stop = stop, .ended = ended,
};

/* ---- ring: no migration: one stage, and the action says what for ---- */

enum { RING_WORK, RING_DONE, RING_ERROR, RING_N };

static void got_rung(struct mig *m, struct hv_reply *r)
{
	if (r->err) {
		step_later(m, 1000);
		return;
	}
	test_kinds_seen.rung[m->action->what]++;
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

const struct task_action ring_actions[] = {
	{ .name = "os-ring", .verb = "ring", .action = "ring", .vm = TASK_VM_BIT(SERVER_ACTIVE), .task = SERVER_TASK_REBUILDING,
	  .after = TASK_VM(SERVER_RESCUED), .what = RING_ONCE, .rule = RULE },
	{ .name = "os-ringAgain", .action = "ringAgain", .vm = TASK_VM_BIT(SERVER_RESCUED), .task = SERVER_TASK_RESIZE_FINISH,
	  .after = TASK_VM(SERVER_ACTIVE), .what = RING_AGAIN, .rule = RULE },
	{ .name = "os-ringOver", .action = "ringOver", .event = "ring_over", .vm = TASK_VM_BIT(SERVER_ACTIVE), .task = SERVER_TASK_RESIZE_PREP,
	  .after = TASK_VM(SERVER_ACTIVE), .what = RING_OVER, .over = TASK_STATE_BIT(SERVER_TASK_REBUILDING), .to = RING_WORK },
};

const struct task_kind ring_kind = {
	.type = "ring", .stages = ring_stages, .n = RING_N, .actions = ring_actions, .n_actions = G_N_ELEMENTS(ring_actions),
};

/* ---- show: it moves a guest, and knows no live migration: a destination is made ready, given up once, made ready again, and left ---- */

enum { SHOW_CHECK, SHOW_QUEUED, SHOW_CHOOSE, SHOW_READY, SHOW_DONE, SHOW_ERROR, SHOW_FAILED, SHOW_CANCELLED, SHOW_N };

static const struct check_row *const show_rows[] = {
	&check_row_description,
	&check_row_source_up,
	&check_row_not_self,
	&check_row_destination_up,
	&check_row_scheduler,
	&check_row_storage,
	&check_row_disk,
};
static const struct check_table show_checks = { { "show", "show", "show" }, show_rows, G_N_ELEMENTS(show_rows) };

static void shown(struct mig *m)
{
	test_kinds_seen.copied = move_of(m)->copies->len;
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

#define W(x) (1u << SHOW_##x)
#define SHOW_ENDS (W(ERROR) | W(CANCELLED))

static const struct task_stage show_stages[] = {
	[SHOW_CHECK] = {
		"show_check", "accepted", .next = W(QUEUED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .enter = search_check,
	},
	[SHOW_QUEUED] = {
		"show_queued", "queued", .next = W(CHOOSE) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .holds = TASK_QUEUED,
	},
	[SHOW_CHOOSE] = {
		"show_choose", "preparing", .next = W(READY) | W(QUEUED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS,
		.holds = TASK_SLOT | TASK_CHOICE, .enter = search_schedule, .taken = search_destination_left,
	},
	[SHOW_READY] = {
		"show_ready", "preparing", .next = W(CHOOSE) | W(DONE) | W(FAILED) | SHOW_ENDS, .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOPS,
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

const struct task_kind show_kind = {
	.type = "show", .migration = true, .class = &task_class_live, .stages = show_stages, .n = SHOW_N, .queued = SHOW_QUEUED, .choosing = SHOW_CHOOSE,
	.chosen = SHOW_READY, .service = &move_service, .checks = &show_checks, .actions = show_actions, .n_actions = G_N_ELEMENTS(show_actions),
	.attach = show_attach, .detach = show_detach, .left = show_left, .host = host, .write_end = show_write_end, .ended = show_ended,
};
/* ---- haul: the local files of a guest that is off go over, and nothing else ---- */

enum { HAUL_CHECK, HAUL_QUEUED, HAUL_CHOOSE, HAUL_READY, HAUL_CARRY, HAUL_UNDO, HAUL_DONE, HAUL_ERROR, HAUL_FAILED, HAUL_CANCELLED, HAUL_N };

static const struct check_table haul_checks = { { "haul", "haul", "haul" }, show_rows, G_N_ELEMENTS(show_rows) };

static void haul_made(struct mig *m)
{
	if (step_go(m, HAUL_CARRY, "to be carried", NULL, NULL))
		step_enter(m);
}

static void haul_ready(struct mig *m)
{
	static const struct ready_way way = { READY_FROM(OFF), haul_made };

	move_of(m)->carries = true;
	ready_make(m, &way);
}

static void haul_act(struct mig *m, struct part p)
{
	g_autofree char *why = p.why;

	if (p.next == PART_AGAIN)
		step_enter(m);
	else if (p.next == PART_LATER)
		step_later(m, 1000);
	else if (p.next == PART_READY)
		step_end(m, HAUL_DONE, NULL);
	else if (p.next != PART_WAITS)
		step_fail(m, why);
}

/* It has gone, and so does the task: not to look again. */
static void haul_dropped(struct mig *m, struct part p)
{
	haul_act(m, p.next == PART_AGAIN ? part_is(PART_READY) : p);
}

static void haul_compared(struct mig *m, struct part p)
{
	g_autoptr(GArray) files = NULL;

	if (p.next != PART_READY) {
		haul_act(m, p);
		return;
	}
	files = sim_file_list(world, m->dest);
	test_kinds_seen.carried = 0;
	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		test_kinds_seen.carried += v->uuid && g_str_equal(v->uuid, m->server_uuid) && v->newest;
	}
	haul_dropped(m, carrying_drop(m, haul_dropped));
}

static void haul_looked(struct mig *m, struct part p)
{
	const struct move_carry *c = &move_of(m)->carry;

	if (p.next != PART_READY) {
		haul_act(m, p);
		return;
	}
	switch (carrying_next(c->at_source, c->at_dest)) {
	case CARRYING_LOOK:
		step_later(m, 1000);
		break;
	case CARRYING_SEND:
		haul_act(m, c->sent < 3 ? carrying_send(m, haul_act) : part_because(PART_FAILED, c->error));
		break;
	case CARRYING_WATCH:
		haul_act(m, carrying_watch(m, haul_act));
		break;
	case CARRYING_DROP:
		haul_act(m, carrying_drop(m, haul_act));
		break;
	case CARRYING_COMPARE:
		haul_compared(m, carrying_compare(m, haul_compared));
		break;
	}
}

/* No carrier outlives it: what a host refuses is asked again. */
static void haul_undone(struct mig *m, struct part p)
{
	g_free(p.why);
	if (p.next == PART_AGAIN)
		step_enter(m);
	else if (p.next != PART_WAITS)
		step_later(m, 1000);
}

static void haul_undo_looked(struct mig *m, struct part p)
{
	const struct move_carry *c = &move_of(m)->carry;
	enum carrying_next next = p.next == PART_READY ? carrying_next(c->at_source, c->at_dest) : CARRYING_LOOK;

	if (p.next == PART_WAITS)
		return;
	g_free(p.why);
	if (next == CARRYING_SEND)
		step_undone(m);
	else if (next == CARRYING_LOOK)
		step_later(m, 1000);
	else
		haul_undone(m, carrying_drop(m, haul_undone));
}

static void haul_undo(struct mig *m)
{
	haul_undo_looked(m, carrying_look(m, haul_undo_looked));
}

static void haul_planned(struct check_report *r, void *user)
{
	struct mig *m = user;

	move_of(m)->precheck = NULL;
	if (r->source_lost || r->err) {
		step_later(m, 1000);
		return;
	}
	move_copies(move_of(m), r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
	step_enter(m);
}

/* After a restart it is found out again what there is to carry. */
static void haul(struct mig *m)
{
	struct check_request req = {
		.kind = m->kind, .server_uuid = m->server_uuid, .dest = m->dest, .block = m->block, .chosen = true, .task = m->id,
		.claimed = queue_claim_host(m),
	};

	if (move_of(m)->planned)
		haul_looked(m, carrying_look(m, haul_looked));
	else
		move_of(m)->precheck = check_begin(service_of(m->task->engine)->checks, &req, haul_planned, m);
}

#define H(x) (1u << HAUL_##x)
#define HAUL_ENDS (H(ERROR) | H(CANCELLED) | H(FAILED))

static const struct task_stage haul_stages[] = {
	[HAUL_CHECK] = {
		"haul_check", "accepted", .next = H(QUEUED) | HAUL_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .enter = search_check,
	},
	[HAUL_QUEUED] = {
		"haul_queued", "queued", .next = H(CHOOSE) | HAUL_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .holds = TASK_QUEUED,
	},
	[HAUL_CHOOSE] = {
		"haul_choose", "preparing", .next = H(READY) | H(QUEUED) | HAUL_ENDS, .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS,
		.holds = TASK_SLOT | TASK_CHOICE, .enter = search_schedule, .taken = search_destination_left,
	},
	[HAUL_READY] = {
		"haul_ready", "preparing", .next = H(CHOOSE) | H(CARRY) | HAUL_ENDS, .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOPS,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = haul_ready, .taken = ready_again,
	},
	[HAUL_CARRY] = {
		"haul_carry", "migrating", .next = H(DONE) | H(UNDO) | H(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_NOT,
		.undo = HAUL_UNDO, .holds = TASK_SLOT | TASK_CLAIM, .enter = haul,
	},
	[HAUL_UNDO] = {
		"haul_undo", "error", .next = H(FAILED) | H(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_NOT,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = haul_undo,
	},
	[HAUL_DONE]      = { "haul_done", "completed", .end = TASK_DONE },
	[HAUL_ERROR]     = { "haul_error", "error", .end = TASK_ERROR },
	[HAUL_FAILED]    = { "haul_failed", "failed", .end = TASK_FAILED },
	[HAUL_CANCELLED] = { "haul_cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(haul_stages) == HAUL_N, "haul_stages is missing one");

static const struct task_action haul_actions[] = {
	{ .name = "haul", .action = "haul", .vm = ANY_VM },
};

const struct task_kind haul_kind = {
	.type = "haul", .migration = true, .class = &task_class_live, .stages = haul_stages, .n = HAUL_N, .queued = HAUL_QUEUED, .choosing = HAUL_CHOOSE,
	.chosen = HAUL_READY, .service = &move_service, .checks = &haul_checks, .actions = haul_actions, .n_actions = G_N_ELEMENTS(haul_actions),
	.attach = show_attach, .detach = show_detach, .left = show_left, .host = host, .write_end = show_write_end, .ended = show_ended,
};

/* ---- shift: as a resize goes, with a rest, two ways on from it, and one back ---- */

enum {
	SHIFT_BEGIN, SHIFT_QUEUED, SHIFT_CHOOSE, SHIFT_STOP, SHIFT_LAND, SHIFT_VERIFY, SHIFT_CONFIRM, SHIFT_REVERT, SHIFT_UNDO,
	SHIFT_CONFIRMED, SHIFT_REVERTED, SHIFT_ERROR, SHIFT_FAILED, SHIFT_CANCELLED, SHIFT_N
};

/*
 * It stands for carrying a guest from one host to another, in one stroke. A second time it has nothing to do.
 * Return: false: it runs nowhere.
 */
static bool carry_to(const struct mig *m, const char *host)
{
	g_autoptr(GArray) doms = sim_dom_list(world, NULL, m->server_uuid);
	const struct sim_dom_view *v = doms->len ? &g_array_index(doms, struct sim_dom_view, 0) : NULL;
	const struct server *s = mig_server(m);
	g_autofree char *from = v ? g_strdup(v->host) : NULL;

	if (!v || (v->state != HV_RUNNING && v->state != HV_PAUSED))
		return false;
	if (g_str_equal(from, host))
		return true;
	sim_dom_remove(world, from, m->server_uuid);
	sim_dom_add(world, host, &(struct sim_dom_spec){ .uuid = m->server_uuid, .name = s->libvirt_name, .mem_mib = (int)s->memory_mb });
	return true;
}

#define SHIFT_STOPS_MAX 60

static void shift_begin(struct mig *m)
{
	(void)step_go(m, SHIFT_QUEUED, "wants a host", NULL, NULL);
}

static void shift_choose(struct mig *m)
{
	const struct host *h = queue_claim_host(m);
	struct step_change c = step_change(m, SHIFT_STOP, "has a host");

	if (!h) {
		step_fail(m, "No valid host was found.");
		return;
	}
	c.row.dest = h->name;
	if (step_write(m, &c))
		step_enter(m);
	else
		step_later(m, 1000);
}

static void shift_stop(struct mig *m)
{
	struct shift_own *own = m->own;

	own->stops++;
	step_own_changed(m);
	if (own->fails)
		step_fail(m, own->fails);
	else if (own->waits && own->stops < SHIFT_STOPS_MAX)
		step_later(m, own->waits); /* to be stopped meanwhile */
	else if (step_note(m, SHIFT_LAND, "carried", NULL, NULL)) /* the intent, then the act */
		step_enter(m);
	else
		step_later(m, 1000);
}

static void got_dest(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		step_later(m, 1000);
	else if (!carry_to(m, m->dest))
		step_end(m, SHIFT_ERROR, "the guest runs nowhere");
	else if (step_go(m, SHIFT_VERIFY, "runs there", NULL, NULL))
		step_enter(m);
}

/* The host is asked as one to which a guest comes would be. */
static void ask_host(struct mig *m, struct host *h, step_answer_f *done)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (!step_ask(m, h, &req, done))
		step_later(m, 1000);
}

static void shift_land(struct mig *m)
{
	ask_host(m, mig_dest(m), got_dest);
}

/* What its user does not confirm in time is confirmed. */
static void shift_verify(struct mig *m)
{
	static const struct requester itself = { .user_id = "admin", .project_id = "admin", .request_id = "req-itself", .admin = true };
	int64_t left_ms = (m->updated_us - clock_wall_us()) / 1000 + SHIFT_WINDOW_MS;
	struct step_change c;

	if (left_ms > 0) {
		step_later(m, left_ms);
		return;
	}
	c = step_change(m, SHIFT_CONFIRM, "not confirmed in time");
	c.starts = &shift_actions[SHIFT_ACTION_CONFIRM];
	c.who = &itself;
	if (step_write(m, &c))
		step_enter(m);
	else
		step_later(m, 1000);
}

static void got_confirmed(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		step_later(m, 1000);
	else
		step_end(m, SHIFT_CONFIRMED, NULL);
}

static void shift_confirm(struct mig *m)
{
	ask_host(m, mig_source(m), got_confirmed);
}

static void got_source(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		step_later(m, 1000);
	else if (!carry_to(m, m->source))
		step_end(m, SHIFT_ERROR, "the guest runs nowhere");
	else
		step_end(m, SHIFT_REVERTED, NULL);
}

static void shift_revert(struct mig *m)
{
	ask_host(m, mig_source(m), got_source);
}

static void shift_undo(struct mig *m)
{
	test_kinds_seen.undone++;
	step_undone(m);
}

static struct usage shift_usage(const struct mig *m, enum claim_role role)
{
	struct usage u = server_usage(mig_server(m));

	if (role == CLAIM_SOURCE)
		u.memory_mb = SHIFT_OLD_MB;
	return u;
}

static void shift_host(struct mig *m)
{
	if (m->task->timer && !mig_rests(m))
		step_enter(m);
}

static void *begin_counting(struct engine *e)
{
	(void)e;
	return &test_kinds_seen;
}

static bool load_nothing(void *seen, GError **err)
{
	(void)seen, (void)err;
	return true;
}

static void do_nothing(void *seen)
{
	(void)seen;
}

static void count_leftover(void *seen, struct host *h, const struct hv_dom *d)
{
	(void)h, (void)d;
	((struct test_kinds_seen *)seen)->leftovers++;
}

static guint owe_nothing(const void *seen)
{
	(void)seen;
	return 0;
}

static const struct task_service shift_service = {
	.begin = begin_counting, .load = load_nothing, .stop = do_nothing, .free = do_nothing, .host = do_nothing, .leftover = count_leftover,
	.owed = owe_nothing,
};

#define S(x) (1u << SHIFT_##x)
#define EARLY S(ERROR) | S(FAILED) | S(CANCELLED), .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS

static const struct task_stage shift_stages[] = {
	[SHIFT_BEGIN] = { "shift_begin", "accepted", .next = S(QUEUED) | EARLY, .begins = "shift_the_guest", .enter = shift_begin },
	[SHIFT_QUEUED] = { "shift_queued", "queued", .next = S(CHOOSE) | EARLY, .in_progress = true, .holds = TASK_QUEUED },
	[SHIFT_CHOOSE] = {
		"shift_choose", "pre-migrating", .next = S(STOP) | S(QUEUED) | EARLY, .in_progress = true, .holds = TASK_SLOT | TASK_CHOICE,
		.enter = shift_choose,
	},
	[SHIFT_STOP] = {
		"shift_stop", "migrating", .next = S(LAND) | S(UNDO) | S(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_ASKS,
		.undo = SHIFT_UNDO, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM, .enter = shift_stop,
	},
	[SHIFT_LAND] = {
		"shift_land", "post-migrating", .next = S(VERIFY) | S(ERROR), .task = SERVER_TASK_RESIZE_FINISH, .stop = TASK_STOP_NOT,
		.at = TASK_AT_DEST, .in_progress = true, .holds = TASK_CLAIM_SOURCE, .enter = shift_land,
	},
	[SHIFT_VERIFY] = {
		"shift_verify", "finished", .next = S(CONFIRM) | S(REVERT) | S(ERROR), .stop = TASK_STOP_NOT, .rests = true,
		.vm = TASK_VM(SERVER_RESIZED), .holds = TASK_CLAIM_SOURCE, .enter = shift_verify,
	},
	[SHIFT_CONFIRM] = {
		"shift_confirm", "confirming", .next = S(CONFIRMED) | S(ERROR), .stop = TASK_STOP_NOT, .holds = TASK_CLAIM_SOURCE,
		.begins = "shift_confirm_the_guest", .enter = shift_confirm,
	},
	[SHIFT_REVERT] = {
		"shift_revert", "reverting", .next = S(REVERTED) | S(ERROR), .task = SERVER_TASK_RESIZE_REVERTING, .stop = TASK_STOP_NOT,
		.holds = TASK_CLAIM_SOURCE, .begins = "shift_revert_the_guest", .enter = shift_revert,
	},
	[SHIFT_UNDO] = {
		"shift_undo", "error", .next = S(FAILED) | S(CANCELLED) | S(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_NOT,
		.holds = TASK_SLOT, .enter = shift_undo,
	},
	[SHIFT_CONFIRMED] = { "shift_confirmed", "confirmed", .end = TASK_DONE, .vm = TASK_VM_BEFORE },
	[SHIFT_REVERTED]  = { "shift_reverted", "reverted", .end = TASK_DONE, .vm = TASK_VM_BEFORE, .at = TASK_AT_SOURCE },
	[SHIFT_ERROR]     = { "shift_error", "error", .end = TASK_ERROR, .vm = TASK_VM_BEFORE },
	[SHIFT_FAILED]    = { "shift_failed", "failed", .end = TASK_FAILED },
	[SHIFT_CANCELLED] = { "shift_cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(shift_stages) == SHIFT_N, "shift_stages is missing one");

static const struct json_field shift_own[] = {
	{ "fails", JSON_STR, offsetof(struct shift_own, fails), .nullable = true },
	{ "waits", JSON_INT, offsetof(struct shift_own, waits) },
	{ "stops", JSON_INT, offsetof(struct shift_own, stops) },
};

#define NOT_SHIFTED "Instance has not been shifted."

const struct task_action shift_actions[] = {
	[SHIFT_ACTION_BEGIN] = {
		.name = "shift", .action = "shift", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_PAUSED), .rule = RULE,
		.fields = shift_own, .n_fields = G_N_ELEMENTS(shift_own), .fields_of_own = true,
	},
	[SHIFT_ACTION_CONFIRM] = {
		.name = "confirmShift", .action = "confirmShift", .vm = TASK_VM_BIT(SERVER_RESIZED), .from = S(VERIFY), .to = SHIFT_CONFIRM,
		.none = NOT_SHIFTED, .rule = RULE,
	},
	[SHIFT_ACTION_REVERT] = {
		.name = "revertShift", .action = "revertShift", .vm = TASK_VM_BIT(SERVER_RESIZED), .from = S(VERIFY), .to = SHIFT_REVERT,
		.none = NOT_SHIFTED, .rule = RULE,
	},
};
static_assert(G_N_ELEMENTS(shift_actions) == SHIFT_ACTION_N, "shift_actions is missing one");

const struct task_kind shift_kind = {
	.type = "shift", .migration = true, .class = &task_class_live, .stages = shift_stages, .n = SHIFT_N,
	.queued = SHIFT_QUEUED, .choosing = SHIFT_CHOOSE, .chosen = SHIFT_STOP, .service = &shift_service,
	.actions = shift_actions, .n_actions = SHIFT_ACTION_N, .own = shift_own, .n_own = G_N_ELEMENTS(shift_own), .own_size = sizeof(struct shift_own),
	.stop_action = "shift_cancel", .usage = shift_usage, .host = shift_host,
};

const struct task_kind *const test_kinds[] = { &live_kind, &stamp_kind, &ring_kind, &shift_kind, &show_kind, &haul_kind, NULL };
