/* SPDX-License-Identifier: Apache-2.0 */
#include "live/live.h"

#include <assert.h>

#include "live/boot_flag.h"
#include "live/checks.h"
#include "live/copy.h"
#include "live/flow.h"
#include "live/live_action.h"
#include "live/prepare.h"
#include "live/settle.h"
#include "live/state.h"
#include "live/watch.h"
#include "move/definition_prepare.h"
#include "move/outcome.h"
#include "move/ready.h"
#include "move/search.h"
#include "move/service.h"
#include "task/step.h"

/* ---- the end ---- */

/* What becomes of the files that it made. Past the copy, an error means that the newest ones are not known. */
static enum volume_fate fate_of(const struct task_stage *from, enum task_end end)
{
	if (end == TASK_DONE)
		return VOLUME_MOVED;
	return end == TASK_ERROR && from->stop != TASK_STOPS ? VOLUME_UNKNOWN : VOLUME_STAYED;
}

static bool had_arrived(const struct task_stage *from)
{
	return from == &live_kind.stages[MIG_FINISH];
}

static bool write_end(struct mig *m, const struct task_stage *from, enum task_end end, GError **err)
{
	return outcome_write(m, fate_of(from, end), had_arrived(from), err);
}

static void ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	outcome_resolve(m, fate_of(from, end), had_arrived(from));
}

/* ---- entrances ---- */

/* In a phase before the copy libvirt was not called yet: it is stopped, and refused, at once. */
static bool before_copy(const struct mig *m)
{
	return mig_stage(m)->stop == TASK_STOPS;
}

static void event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_ITERATION)
		m->progress.iteration = ev->iteration;
	if (!before_copy(m))
		flow_event(m, ev);
}

/* What waits for a host has a timer. */
static void host(struct mig *m)
{
	if (m->phase == MIG_QUEUED || live_of(m)->copy.running)
		return;
	if (m->task->timer)
		step_enter(m);
}

static void stop(struct mig *m)
{
	if (m->phase == MIG_COPY)
		flow_poll(m);
}

/* The intent to pause is in the row before the guest is paused: later it shows whose pause it is. */
static void want_force(struct mig *m, struct mig_draft *row)
{
	row->force_wanted = true;
	row->paused_by_us = !fleet_conf(m->task->engine->fleet)->live_migration_permit_post_copy;
}

/* What the call said was of the destination that was given up. */
static void left(struct mig *m)
{
	struct live *l = live_of(m);

	move_cancel(&l->move);
	copy_left(&l->copy);
	if (l->sending) {
		watch_left(&l->sending->watch);
		boot_flag_left(&l->sending->boot_flag);
		settle_left(&l->sending->settle);
	}
	if (m->phase == MIG_SCHEDULE)
		copy_forget(&l->copy);
}

static void attach(struct mig *m)
{
	m->priv = g_new0(struct live, 1);
}

static void detach(struct mig *m)
{
	struct live *l = g_steal_pointer(&m->priv);

	move_clear(&l->move);
	copy_forget(&l->copy);
	if (l->sending)
		g_free(l->sending->watch.link_down);
	g_free(l->sending);
	g_free(l);
}

/* ---- the kind ---- */

#define P(x) (1u << MIG_##x)
#define ENDS (P(ERROR) | P(CANCELLED))
#define OWNED .task = SERVER_TASK_MIGRATING

static const struct task_stage stages[] = {
	[MIG_CHECK] = {
		"check", "accepted", .next = P(QUEUED) | ENDS, OWNED, .stop = TASK_STOPS,
		.begins = "conductor_live_migrate_instance", .enter = search_check,
	},
	[MIG_QUEUED] = {
		"queued", "queued", .next = P(SCHEDULE) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true, .holds = TASK_QUEUED,
	},
	[MIG_SCHEDULE] = {
		"schedule", "preparing", .next = P(PREPARE) | P(QUEUED) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CHOICE, .ends = "compute_live_migration", .enter = search_schedule, .taken = search_destination_left,
	},
	[MIG_PREPARE] = {
		"prepare", "preparing", .next = P(COPY) | P(SCHEDULE) | P(FAILED) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CLAIM, .ends = "conductor_live_migrate_instance", .enter = prepare_enter, .taken = ready_again,
	},
	[MIG_COPY] = {
		"copy", "running", .committed = "running (post-copy)", .next = P(PREPARE) | P(FINISH) | P(UNDO) | P(ERROR), OWNED,
		.stop = TASK_STOP_ASKS, .in_progress = true, .forces = true, .sends = true, .holds = TASK_SLOT | TASK_CLAIM,
		.begins = "compute_live_migration", .repeats = true, .enter = flow_settle, .taken = definition_copying,
	},
	[MIG_FINISH] = {
		"finish", "post-migrating", .next = P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT, .in_progress = true, .holds = TASK_SLOT,
		.ends = "compute_live_migration", .begins = "compute_post_live_migration_at_destination", .begins_at_dest = true,
		.enter = flow_settle, .taken = settle_moved,
	},
	[MIG_UNDO] = {
		"undo", "running", .next = P(FINISH) | P(SCHEDULE) | P(FAILED) | ENDS, OWNED, .stop = TASK_STOP_ASKS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = flow_settle,
	},
	[MIG_DONE]      = { "done",      "completed", .end = TASK_DONE },
	[MIG_ERROR]     = { "error",     "error",     .end = TASK_ERROR },
	[MIG_FAILED]    = { "failed",    "failed",    .end = TASK_FAILED },
	[MIG_CANCELLED] = { "cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(stages) == MIG_PHASE_N, "stages is missing one");

const struct task_kind live_kind = {
	.type = "live-migration", .migration = true, .class = &task_class_live, .stages = stages, .n = MIG_PHASE_N,
	.queued = MIG_QUEUED, .choosing = MIG_SCHEDULE, .chosen = MIG_PREPARE, .service = &move_service, .checks = &live_checks, .of_server = true,
	.actions = live_actions, .n_actions = LIVE_ACTIONS_N,
	.stop_action = "live_migration_cancel", .force_action = "live_migration_force_complete",
	.attach = attach, .detach = detach, .left = left, .event = event, .host = host, .stop = stop, .want_force = want_force, .force = flow_poll,
	.write_end = write_end, .ended = ended,
};
