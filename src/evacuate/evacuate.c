/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/evacuate.h"

#include <assert.h>

#include "base/json.h"
#include "evacuate/checks.h"
#include "evacuate/look.h"
#include "evacuate/prepare.h"
#include "evacuate/service.h"
#include "evacuate/settle.h"
#include "evacuate/source.h"
#include "evacuate/spawn.h"
#include "evacuate/state.h"
#include "move/definition_prepare.h"
#include "move/outcome.h"
#include "move/search.h"
#include "task/step.h"

/* At each entrance: routes, [ha]. */
static bool allows(const struct fleet *f, const struct server *s, const struct task_action *a, GError **err)
{
	(void)a;
	return source_check_server(f, s, s->host ? fleet_host(f, s->host) : NULL, err);
}

/* ---- the end ---- */

/* Where the guest is now, as far as what was made for it matters. Of one that has moved all was decided then. */
static enum volume_fate fate_of(const struct task_stage *from)
{
	return from->rests || from == &evac_kind.stages[EVAC_P_CLEAN] ? VOLUME_MOVED : VOLUME_STAYED;
}

static bool write_end(struct mig *m, const struct task_stage *from, enum task_end end, GError **err)
{
	(void)end;
	return outcome_write(m, fate_of(from), false, err);
}

static void ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	(void)end;
	outcome_resolve(m, fate_of(from), false);
	evac_service_ended(m);
}

/* ---- entrances ---- */

/* Before SPAWN nothing was done, and a host that is back keeps its guests. */
static void source_is_back(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the host is back: Compute service of %s is still in use.", m->source);

	step_end(m, EVAC_P_ERROR, why);
}

/* What waits for a host has a timer. */
static void host(struct mig *m)
{
	if (m->phase < EVAC_P_SPAWN && host_connected(mig_source(m)))
		source_is_back(m);
	else if (mig_rests(m) || (m->task->timer && m->phase != EVAC_P_QUEUED))
		step_enter(m);
}

static void attach(struct mig *m)
{
	m->priv = g_new0(struct evac, 1);
	evac_begin(evac_of(m));
	evac_of(m)->move.may_come = m->phase == EVAC_P_SPAWN || m->phase == EVAC_P_UNDO; /* as another process may have asked */
	evac_of(m)->move.carries = true; /* it is off while it moves: what is left at its old host is written down (definition.h) */
	if (!m->own)
		m->own = g_new0(struct evac_own, 1);
}

static void detach(struct mig *m)
{
	struct evac *e = g_steal_pointer(&m->priv);

	evac_look_drop(e);
	move_clear(&e->move);
	g_free(e);
}

/* ---- the kind ---- */

#define P(x) (1u << EVAC_P_##x)
#define EARLY P(ERROR) | P(CANCELLED), .task = SERVER_TASK_REBUILDING, .stop = TASK_STOPS, .in_progress = true

static const struct task_stage stages[] = {
	[EVAC_P_CHECK] = { "check", "accepted", .next = P(QUEUED) | EARLY, .begins = "rebuild_server", .enter = search_check },
	[EVAC_P_QUEUED] = { "queued", "accepted", .next = P(SCHEDULE) | EARLY, .holds = TASK_QUEUED },
	[EVAC_P_SCHEDULE] = {
		"schedule", "pre-migrating", .next = P(PREPARE) | P(QUEUED) | EARLY, .holds = TASK_SLOT | TASK_CHOICE, .enter = search_schedule,
		.taken = search_destination_left,
	},
	[EVAC_P_PREPARE] = {
		"prepare", "pre-migrating", .next = P(SPAWN) | P(SCHEDULE) | P(FAILED) | P(ERROR) | P(CANCELLED),
		.task = SERVER_TASK_REBUILD_BLOCK_DEVICE_MAPPING, .stop = TASK_STOPS, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM,
		.ends = TASK_ALL_EVENTS, .begins = "compute_rebuild_instance", .begins_at_dest = true, .enter = evac_prepare,
	},
	[EVAC_P_SPAWN] = {
		"spawn", "pre-migrating", .next = P(MOVED) | P(UNDO) | P(ERROR), .task = SERVER_TASK_REBUILD_SPAWNING, .stop = TASK_STOP_NOT,
		.undo = EVAC_P_UNDO, .in_progress = true, .holds = TASK_SLOT | TASK_CLAIM, .enter = evac_settle, .taken = definition_copying,
	},
	[EVAC_P_MOVED] = {
		"moved", "done", .next = P(CLEAN) | P(COMPLETED) | P(ERROR), .stop = TASK_STOP_NOT, .rests = true, .forsakes = true, .at = TASK_AT_DEST, .enter = evac_rest,
		.taken = evac_moved,
	},
	[EVAC_P_CLEAN] = {
		"clean", "done", .next = P(MOVED) | P(COMPLETED) | P(ERROR), .stop = TASK_STOP_NOT, .forsakes = true, .enter = evac_settle,
	},
	[EVAC_P_UNDO] = {
		"undo", "pre-migrating", .next = P(MOVED) | P(SCHEDULE) | P(FAILED) | P(ERROR), .task = SERVER_TASK_REBUILD_SPAWNING,
		.stop = TASK_STOP_NOT, .holds = TASK_SLOT | TASK_CLAIM, .enter = evac_settle,
	},
	[EVAC_P_COMPLETED] = { "completed", "completed", .end = TASK_DONE },
	[EVAC_P_ERROR]     = { "error",     "error",     .end = TASK_ERROR },
	[EVAC_P_FAILED]    = { "failed",    "failed",    .end = TASK_FAILED },
	[EVAC_P_CANCELLED] = { "cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(stages) == EVAC_P_N, "stages is missing one");

static const struct json_field own[] = {
	{ "stays_off", JSON_BOOL, offsetof(struct evac_own, stays_off) },
	{ "resumed", JSON_BOOL, offsetof(struct evac_own, resumed) },
	{ "last", JSON_BOOL, offsetof(struct evac_own, last) },
	{ "off", JSON_BOOL, offsetof(struct evac_own, off) },
	{ "starts", JSON_BOOL, offsetof(struct evac_own, starts) },
};

const struct task_kind evac_kind = {
	.type = "evacuation", .migration = true, .class = &task_class_evacuate, .stages = stages, .n = EVAC_P_N, .queued = EVAC_P_QUEUED,
	.choosing = EVAC_P_SCHEDULE, .chosen = EVAC_P_PREPARE, .service = &evac_service, .checks = &evac_checks, .actions = evac_actions,
	.n_actions = EVAC_ACTION_N, .own = own, .n_own = G_N_ELEMENTS(own), .own_size = sizeof(struct evac_own), .stop_action = "evacuate_cancel",
	.allows = allows, .attach = attach, .detach = detach, .left = evac_left, .event = evac_event, .host = host, .write_end = write_end, .ended = ended,
};
