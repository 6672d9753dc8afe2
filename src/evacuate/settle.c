/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * There is one step, as of a cold migration: the hosts are asked for the guest, evac_decide() says what the answers mean in this stage, and the
 * table acts[] has the function that does it. Each of these says what is next (next.h). An act is followed by asking again, so that a lost reply needs
 * no care of its own; so is a restart.
 *
 * In SPAWN the old host is asked too, as soon as it can be. That it cannot be is no proof: before the guest runs, it is looked for once more.
 * In CLEAN the other host is the server's own, which it may have left its destination for meanwhile.
 */
#include "evacuate/settle.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "evacuate/act.h"
#include "evacuate/clean.h"
#include "evacuate/fault.h"
#include "evacuate/look.h"
#include "evacuate/source.h"
#include "evacuate/spawn.h"
#include "evacuate/state.h"
#include "fleet/autostart.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 10000
#define SURE_AFTER 3

static void go_on(struct mig *m, enum evac_next next);

/* ---- asking ---- */

static enum evac_next judge(struct mig *m);

static enum evac_next answered(struct mig *m)
{
	return --evac_of(m)->awaited > 0 ? EVAC_N_NOTHING : judge(m);
}

static void got_source(struct mig *m, struct hv_reply *r)
{
	move_heard_source(move_of(m), g_steal_pointer(&r->dom));
	go_on(m, answered(m));
}

static void got_dest(struct mig *m, struct hv_reply *r)
{
	move_heard_dest(move_of(m), g_steal_pointer(&r->dom));
	go_on(m, answered(m));
}

/* Where the guest is to be: its destination; in CLEAN the server's own host. Return: NULL: that is gone, or the guest is at its old host again. */
static struct host *other_host(const struct mig *m)
{
	const struct server *s = mig_server(m);

	return m->phase == EVAC_P_CLEAN ? fleet_host(m->task->engine->fleet, s->host) : mig_dest(m);
}

static enum evac_next ask(struct mig *m)
{
	struct evac *e = evac_of(m);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	clock_cancel(&m->task->timer);
	if (e->awaited)
		return EVAC_N_NOTHING;
	move_heard_source(&e->move, NULL);
	move_heard_dest(&e->move, NULL);
	e->awaited = step_ask(m, mig_source(m), &req, got_source);
	e->awaited += step_ask(m, other_host(m), &req, got_dest);
	return e->awaited ? EVAC_N_NOTHING : judge(m);
}

/* ---- what a verdict asks for ---- */

static enum evac_next again(struct mig *m)
{
	(void)m;
	return EVAC_N_AGAIN;
}

/* @seen: how often in a row it must be had, where a gap between the two answers could fake it and there is no way back. */
static const struct {
	int seen;
	enum evac_next (*act)(struct mig *m);
} acts[] = {
	[EVAC_WAIT]            = { 1, again },
	[EVAC_DEFINE]          = { 1, evac_define },
	[EVAC_START]           = { 1, evac_start },
	[EVAC_LOOK]            = { 1, evac_look },
	[EVAC_RESUME]          = { 1, evac_resume },
	[EVAC_DESTROY_DEST]    = { 1, evac_destroy_dest },
	[EVAC_UNDEFINE_DEST]   = { 1, evac_undefine_dest },
	[EVAC_DESTROY_SOURCE]  = { 1, evac_destroy_source },
	[EVAC_UNDEFINE_SOURCE] = { 1, evac_undefine_source },
	[EVAC_ARRIVED]         = { 1, evac_arrived },
	[EVAC_UNDONE]          = { 1, evac_undone },
	[EVAC_AWAY]            = { 1, evac_away },
	[EVAC_COMPLETED]       = { 1, evac_completed },
	[EVAC_BACK]            = { 1, evac_back },
	[EVAC_DEST_DEAD]       = { 1, evac_dest_dead },
	[EVAC_SPLIT]           = { 1, evac_split },
	[EVAC_CUT_OFF]         = { 2, evac_cut_off },
	[EVAC_LAST_COPY]       = { SURE_AFTER, evac_last_copy },
};
static_assert(G_N_ELEMENTS(acts) == EVAC_VERDICT_N, "acts is missing one");

static const enum evac_stage stage_of[] = {
	[EVAC_P_SPAWN] = EVAC_SPAWN, [EVAC_P_UNDO] = EVAC_UNDO, [EVAC_P_CLEAN] = EVAC_CLEAN,
};

/* A definition that is not ours stays, and counts as none. */
static enum evac_half half_of(const struct hv_dom *d, bool theirs)
{
	enum evac_half h = evac_half_of(d);

	return h == EVAC_H_OFF && theirs ? EVAC_H_ABSENT : h;
}

/* A destination that may start it by itself when it boots is not given up on a fence agent's word: as of its old host (source.h). */
static bool is_dest_dead(const struct mig *m)
{
	const struct host *h = mig_dest(m);
	const struct server *s = mig_server(m);

	return m->phase != EVAC_P_CLEAN && h && source_is_dead(m->task->engine->fleet, h) && (h->forced_down || !s->autostart || autostart_is_kept(h));
}

static enum evac_half source_half(const struct mig *m)
{
	const struct move *v = move_of(m);

	return host_connected(mig_source(m)) ? half_of(v->at_source, v->source_theirs) : EVAC_H_SILENT;
}

static enum evac_half dest_half(const struct mig *m)
{
	const struct move *v = move_of(m);

	return !v->at_dest && is_dest_dead(m) ? EVAC_H_DEAD : half_of(v->at_dest, v->dest_theirs);
}

static struct evac_sight sight_of(const struct mig *m)
{
	const struct evac *e = evac_of(m);
	const struct evac_own *own = m->own;

	return (struct evac_sight){
		.stage = stage_of[m->phase],
		.source = source_half(m), .dest = dest_half(m), .lost = !source_is_dead(m->task->engine->fleet, mig_source(m)),
		.runs = evac_runs(m), .resumed = own->resumed, .looked = e->looked, .off = own->off,
	};
}

/* The server was moved back to its old host since, or adopted there: what that has is the guest. */
static bool is_home_again(const struct mig *m)
{
	return m->phase == EVAC_P_CLEAN && g_strcmp0(mig_server(m)->host, m->source) == 0;
}

/* Right after a start a host may only be the slower one to be reached. */
static bool is_too_early(const struct mig *m, const struct evac_sight *s)
{
	return (s->source == EVAC_H_SILENT || s->dest == EVAC_H_UNKNOWN || s->dest == EVAC_H_DEAD) && !fleet_settled(m->task->engine->fleet);
}

static enum evac_next judge(struct mig *m)
{
	struct evac *e = evac_of(m);
	struct evac_sight s = sight_of(m);
	enum evac_verdict v = is_home_again(m) ? EVAC_COMPLETED : evac_decide(&s);

	e->repeats = v == e->verdict ? e->repeats + 1 : 0;
	e->verdict = v;
	log_debug("migration_probed", LOG_D("migration", m->id), LOG_S("source", evac_half_name(s.source)), LOG_S("dest", evac_half_name(s.dest)),
		  LOG_S("verdict", evac_verdict_name(v)));
	if (is_too_early(m, &s) || e->repeats + 1 < acts[v].seen)
		return EVAC_N_AGAIN;
	return acts[v].act(m);
}

/* ---- what is next ---- */

/* Its old host does not wait for what cannot be decided: the server's own host is silent, or a person has to look. */
static bool holds_up(const struct mig *m)
{
	const struct evac *e = evac_of(m);

	return m->phase == EVAC_P_CLEAN && e->repeats + 1 >= SURE_AFTER &&
	       (e->verdict == EVAC_WAIT || e->verdict == EVAC_LAST_COPY || e->verdict == EVAC_CUT_OFF);
}

static void again_later(struct mig *m)
{
	step_later(m, AGAIN_MS * MIN(evac_of(m)->repeats + 1, AGAIN_MAX_MS / AGAIN_MS));
	if (holds_up(m))
		evac_stuck(m);
}

static void go_on(struct mig *m, enum evac_next next)
{
	while (next == EVAC_N_ASK)
		next = ask(m);
	if (next == EVAC_N_AGAIN)
		again_later(m);
}

static void got_act(struct mig *m, struct hv_reply *r)
{
	go_on(m, evac_acted(m, r));
}

static void got_look(struct mig *m, const struct evac_seen *seen)
{
	go_on(m, evac_looked(m, seen));
}

static const struct evac_answers answers = { .act = got_act, .look = got_look };

/* ---- entrances ---- */

void evac_begin(struct evac *e)
{
	e->answers = &answers;
}

void evac_settle(struct mig *m)
{
	go_on(m, EVAC_N_ASK);
}

void evac_rest(struct mig *m)
{
	if (evac_note_fenced(m))
		(void)step_save_own(m);
	if (host_connected(mig_source(m)) && step_go(m, EVAC_P_CLEAN, "its old host is back", NULL, NULL))
		evac_settle(m);
}

void evac_left(struct mig *m)
{
	struct evac *e = evac_of(m);

	move_cancel(&e->move);
	e->awaited = 0;
	e->refusals = 0;
	e->repeats = 0;
	e->looked = false;
	evac_look_drop(e);
	e->stuck = false;
	e->move.dest_theirs = false;
}

void evac_event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_DOM && (m->phase == EVAC_P_SPAWN || m->phase == EVAC_P_UNDO))
		evac_settle(m);
}
