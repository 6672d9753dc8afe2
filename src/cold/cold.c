/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/cold.h"

#include <assert.h>

#include "base/json.h"
#include "cold/checks.h"
#include "cold/cold_action.h"
#include "cold/settle.h"
#include "cold/state.h"
#include "cold/stop.h"
#include "move/definition_prepare.h"
#include "move/outcome.h"
#include "move/reap.h"
#include "move/search.h"
#include "move/service.h"
#include "task/step.h"

/* ---- the end ---- */

/* Where the guest is now, as far as what was made for it matters. */
static enum volume_fate fate_of(const struct mig *m, const struct task_stage *from, enum task_end end)
{
	enum cold_verdict v = cold_of(m)->verdict;

	if (from == &cold_kind.stages[COLD_P_CONFIRM] && end == TASK_DONE)
		return VOLUME_MOVED;
	if (end != TASK_ERROR || from->stop == TASK_STOPS || v == COLD_REVERTED)
		return VOLUME_STAYED;
	return VOLUME_UNKNOWN;
}

static bool write_end(struct mig *m, const struct task_stage *from, enum task_end end, GError **err)
{
	return outcome_write(m, fate_of(m, from, end), false, err);
}

static void ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	outcome_resolve(m, fate_of(m, from, end), false);
	if (m->dest && !move_of(m)->at_dest)
		reap_owe(service_of(m->task->engine)->reap, m->dest);
}

/* ---- entrances ---- */

/* What waits for a host has a timer. */
static void host(struct mig *m)
{
	if (m->task->timer && !mig_rests(m) && m->phase != COLD_P_QUEUED)
		step_enter(m);
}

static void attach(struct mig *m)
{
	m->priv = g_new0(struct cold, 1);
	cold_begin(cold_of(m));
	cold_of(m)->move.carries = true;
	if (!m->own)
		m->own = g_new0(struct cold_own, 1);
	cold_recall_presses(m);
}

static void detach(struct mig *m)
{
	struct cold *c = g_steal_pointer(&m->priv);

	move_clear(&c->move);
	g_free(c);
}

/* ---- the kind ---- */

#define P(x) (1u << COLD_P_##x)
#define EARLY P(ERROR) | P(CANCELLED), .task = SERVER_TASK_RESIZE_PREP, .stop = TASK_STOPS, .in_progress = true

static const struct task_stage stages[] = {
	[COLD_P_CHECK] = { "check", "accepted", .next = P(QUEUED) | EARLY, .begins = "conductor_migrate_server", .enter = search_check },
	[COLD_P_QUEUED] = { "queued", "queued", .next = P(SCHEDULE) | EARLY, .holds = TASK_QUEUED },
	[COLD_P_SCHEDULE] = {
		"schedule", "pre-migrating", .next = P(STOP) | P(QUEUED) | EARLY, .holds = TASK_SLOT | TASK_CHOICE, .enter = search_schedule,
		.taken = search_destination_left,
	},
	[COLD_P_STOP] = {
		"stop", "migrating", .next = P(CARRY) | P(SCHEDULE) | P(UNDO) | P(FAILED) | P(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING,
		.stop = TASK_STOP_ASKS, .undo = COLD_P_UNDO, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM, .ends = TASK_ALL_EVENTS,
		.begins = "compute_prep_resize", .begins_at_dest = true, .enter = cold_settle,
	},
	[COLD_P_CARRY] = {
		"carry", "migrating", .next = P(LAND) | P(UNDO) | P(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_ASKS,
		.undo = COLD_P_UNDO, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM, .enter = cold_settle,
	},
	[COLD_P_LAND] = {
		"land", "post-migrating", .next = P(START) | P(UNDO) | P(ERROR), .task = SERVER_TASK_RESIZE_MIGRATED, .stop = TASK_STOP_NOT,
		.undo = COLD_P_UNDO, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM, .enter = cold_settle, .taken = definition_copying,
	},
	[COLD_P_START] = {
		"start", "post-migrating", .next = P(VERIFY) | P(REVERT) | P(ERROR), .task = SERVER_TASK_RESIZE_FINISH, .at = TASK_AT_DEST,
		.stop = TASK_STOP_NOT, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM_SOURCE, .ends = "compute_resize_instance",
		.begins = "compute_finish_resize", .begins_at_dest = true, .enter = cold_settle,
	},
	[COLD_P_VERIFY] = {
		"verify", "finished", .next = P(CONFIRM) | P(REVERT) | P(ERROR), .stop = TASK_STOP_NOT, .rests = true, .vm = TASK_VM(SERVER_RESIZED),
		.holds = TASK_CLAIM_SOURCE, .enter = cold_rest,
	},
	[COLD_P_CONFIRM] = {
		"confirm", "confirming", .next = P(CONFIRMED) | P(ERROR), .stop = TASK_STOP_NOT, .holds = TASK_CLAIM_SOURCE,
		.begins = "compute_confirm_resize", .enter = cold_settle,
	},
	[COLD_P_REVERT] = {
		"revert", "reverting", .next = P(REVERTED) | P(RETURNED) | P(ERROR), .task = SERVER_TASK_RESIZE_REVERTING, .stop = TASK_STOP_NOT,
		.holds = TASK_CLAIM_SOURCE, .begins = "compute_revert_resize", .begins_at_dest = true, .enter = cold_settle,
	},
	[COLD_P_UNDO] = {
		"undo", "error", .next = P(FAILED) | P(CANCELLED) | P(ERROR), .task = SERVER_TASK_RESIZE_MIGRATING, .stop = TASK_STOP_NOT,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = cold_settle,
	},
	[COLD_P_CONFIRMED] = { "confirmed", "confirmed", .end = TASK_DONE, .vm = TASK_VM_BEFORE },
	[COLD_P_REVERTED]  = { "reverted",  "reverted",  .end = TASK_DONE, .vm = TASK_VM_BEFORE, .at = TASK_AT_SOURCE },
	[COLD_P_ERROR]     = { "error",     "error",     .end = TASK_ERROR },
	[COLD_P_FAILED]    = { "failed",    "error",     .end = TASK_FAILED },
	[COLD_P_RETURNED]  = { "returned",  "error",     .end = TASK_FAILED, .vm = TASK_VM_BEFORE, .at = TASK_AT_SOURCE },
	[COLD_P_CANCELLED] = { "cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(stages) == COLD_P_N, "stages is missing one");

static const struct json_field own[] = {
	{ "stop_by", JSON_INT64, offsetof(struct cold_own, stop_by_us) },
	{ "press_until", JSON_INT64, offsetof(struct cold_own, press_us) },
	{ "goes_back", JSON_BOOL, offsetof(struct cold_own, goes_back) },
};

const struct task_kind cold_kind = {
	.type = "migration", .migration = true, .class = &task_class_cold, .stages = stages, .n = COLD_P_N, .queued = COLD_P_QUEUED,
	.choosing = COLD_P_SCHEDULE, .chosen = COLD_P_STOP, .service = &move_service, .checks = &cold_checks, .actions = cold_actions,
	.n_actions = COLD_ACTION_N, .own = own, .n_own = G_N_ELEMENTS(own), .own_size = sizeof(struct cold_own), .stop_action = "migrate_cancel",
	.attach = attach, .detach = detach, .left = cold_left, .event = cold_event,
	.carrier_event = cold_carrier_event, .host = host, .write_end = write_end, .ended = ended,
};
