/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * There is one step: both hosts are asked for the guest, cold_decide() says what the answers mean in this stage, and the table
 * acts[] has the function that does it. Each of these says what is next (next.h), and go_on() does that; so do the functions that
 * take an answer. An act is followed by asking again, so that a lost reply needs no care of its own; so is a
 * restart. The end of a stage goes on with the same answers, but for START: before the guest is started at the
 * destination the source is looked at once more.
 *
 * The two answers are not of one instant. Verdicts that such a gap could fake and that have no way back must be seen
 * several times.
 */
#include "cold/settle.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "cold/act.h"
#include "cold/carry.h"
#include "cold/fault.h"
#include "cold/finish.h"
#include "cold/prepare.h"
#include "cold/state.h"
#include "cold/stop.h"
#include "move/carrying.h"
#include "move/search.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 10000
#define SURE_AFTER 3

static void go_on(struct mig *m, enum cold_next next);

/* ---- asking both ---- */

static enum cold_next looked(struct mig *m, struct part p)
{
	g_free(p.why);
	if (p.next != PART_READY)
		return COLD_N_NOTHING; /* it waits */
	cold_of(m)->awaited = 0;
	return COLD_N_JUDGE;
}

static void got_look(struct mig *m, struct part p)
{
	go_on(m, looked(m, p));
}

static enum cold_next answered(struct mig *m)
{
	struct cold *c = cold_of(m);

	if (--c->awaited > 0)
		return COLD_N_NOTHING;
	c->awaited = cold_may_carry(m);
	return c->awaited ? looked(m, carrying_look(m, got_look)) : COLD_N_JUDGE;
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

static enum cold_next plan_known(struct mig *m, struct check_report *r)
{
	if (r->source_lost)
		return COLD_N_AGAIN;
	if (r->err) {
		step_fail(m, r->err->message);
		return COLD_N_NOTHING;
	}
	move_copies(move_of(m), r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
	return COLD_N_ASK;
}

static void planned(struct check_report *r, void *user)
{
	struct mig *m = user;

	move_of(m)->precheck = NULL;
	go_on(m, plan_known(m, r));
}

/* The checks that find it out refuse a host that is silent, or has just come back: that is no end, but something to wait for. */
static bool can_be_asked(const struct mig *m, const struct host *h)
{
	return h && (h->forced_down || host_is_up(m->task->engine->fleet, h));
}

/* It is not known yet what is to be carried; the search knew it, in another process. The guest is where it should be. */
static enum cold_next plan(struct mig *m)
{
	if (!can_be_asked(m, mig_source(m)) || !can_be_asked(m, mig_dest(m)))
		return COLD_N_AGAIN;
	search_copies(m, planned);
	return COLD_N_NOTHING;
}

/* What is to be done has to do with what is carried. */
static bool needs_plan(const struct mig *m, enum cold_verdict v)
{
	return !move_of(m)->planned && m->phase == COLD_P_CARRY &&
	       (v == COLD_WATCH || v == COLD_DROP_CARRIER || v == COLD_SEND || v == COLD_CARRIED);
}

static enum cold_next ask(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	clock_cancel(&m->task->timer);
	if (c->awaited || c->move.precheck)
		return COLD_N_NOTHING;
	c->compared = false;
	move_heard_source(&c->move, NULL);
	move_heard_dest(&c->move, NULL);
	c->awaited = step_ask(m, mig_source(m), &req, got_source);
	c->awaited += step_ask(m, mig_dest(m), &req, got_dest);
	if (c->awaited)
		return COLD_N_NOTHING;
	c->awaited = 1; /* neither host can be asked */
	return answered(m);
}

/* ---- what a verdict asks for ---- */

static enum cold_next again(struct mig *m)
{
	(void)m;
	return COLD_N_AGAIN;
}

/* @seen: how often in a row it must be had, where a gap between the two answers could fake it and there is no way back. */
static const struct {
	int seen;
	enum cold_next (*act)(struct mig *m);
} acts[] = {
	[COLD_WAIT]            = { 1, again },
	[COLD_SHUT_OFF]        = { 1, cold_shut_off },
	[COLD_DROP_CARRIER]    = { 1, cold_drop_carrier },
	[COLD_SEND]            = { 1, cold_send },
	[COLD_WATCH]           = { 1, cold_watch },
	[COLD_DEFINE]          = { 1, cold_define },
	[COLD_START_DEST]      = { 1, cold_start_dest },
	[COLD_DESTROY_DEST]    = { 1, cold_destroy_dest },
	[COLD_UNDEFINE_DEST]   = { 1, cold_undefine_dest },
	[COLD_START_SOURCE]    = { 1, cold_start_source },
	[COLD_UNDEFINE_SOURCE] = { 1, cold_undefine_source },
	[COLD_SETTLE]          = { 1, again },
	[COLD_STOPPED]         = { 1, cold_stopped },
	[COLD_CARRIED]         = { 1, cold_carried },
	[COLD_LANDED]          = { 1, cold_has_landed },
	[COLD_ARRIVED]         = { 1, cold_arrived },
	[COLD_REST]            = { 1, cold_wait_for_confirm },
	[COLD_CONFIRMED]       = { 1, cold_confirmed },
	[COLD_CONFIRMED_BLIND] = { SURE_AFTER, cold_confirmed_blind },
	[COLD_REVERTED]        = { 1, cold_reverted },
	[COLD_UNDONE]          = { 1, cold_undone },
	[COLD_UNDONE_BLIND]    = { 1, cold_undone_blind },
	[COLD_GIVE_UP]         = { SURE_AFTER, cold_give_up },
	[COLD_SOURCE_STARTED]  = { 1, cold_source_started },
	[COLD_ELSEWHERE]       = { SURE_AFTER, cold_elsewhere },
	[COLD_TWO_SIDES]       = { SURE_AFTER, cold_two_sides },
	[COLD_ONE_SIDED]       = { SURE_AFTER, cold_one_sided },
	[COLD_SPLIT]           = { SURE_AFTER, cold_split },
	[COLD_LOST]            = { SURE_AFTER, cold_lost },
};
static_assert(G_N_ELEMENTS(acts) == COLD_VERDICT_N, "acts is missing one");

static const enum cold_stage stage_of[] = {
	[COLD_P_STOP] = COLD_STOP, [COLD_P_CARRY] = COLD_CARRY, [COLD_P_LAND] = COLD_LAND, [COLD_P_START] = COLD_START, [COLD_P_VERIFY] = COLD_VERIFY,
	[COLD_P_CONFIRM] = COLD_CONFIRM, [COLD_P_REVERT] = COLD_REVERT, [COLD_P_UNDO] = COLD_UNDO,
};

/* A definition that is not ours stays, and counts as none. */
static enum cold_half half_of(const struct hv_dom *d, bool theirs)
{
	enum cold_half h = cold_half_of(d);

	return h == COLD_H_OFF && theirs ? COLD_H_ABSENT : h;
}

static struct cold_sight sight_of(const struct mig *m)
{
	const struct move *v = move_of(m);

	return (struct cold_sight){
		.stage = stage_of[m->phase], .source = half_of(v->at_source, v->source_theirs), .dest = half_of(v->at_dest, v->dest_theirs),
		.carrier = cold_carrier_now(m), .ran = cold_ran(m),
		.landed = m->phase == COLD_P_UNDO ? cold_landed(m) != NULL : m->phase >= COLD_P_LAND, .pressed = cold_may_heed(m),
	};
}

/* Right after a start a host may only be the slower one to be reached. */
static bool is_too_early(const struct mig *m, const struct cold_sight *s)
{
	return (s->source == COLD_H_UNKNOWN || s->dest == COLD_H_UNKNOWN) && !fleet_settled(m->task->engine->fleet);
}

/*
 * A request that is on its way would shut it off at its source again: where it is to run there, and after the end, when the next migration may
 * have brought it back.
 */
static bool may_still_be_pressed(const struct mig *m, enum cold_verdict v)
{
	return cold_press_under_way(m) &&
	       (v == COLD_START_SOURCE || v == COLD_UNDONE || v == COLD_UNDONE_BLIND || v == COLD_UNDEFINE_SOURCE || v == COLD_CONFIRMED ||
		v == COLD_CONFIRMED_BLIND);
}

static enum cold_next judge(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct cold_sight s = sight_of(m);
	enum cold_verdict v = cold_decide(&s);

	c->repeats = v == c->verdict ? c->repeats + 1 : 0;
	c->verdict = v;
	if (s.source == COLD_H_OFF)
		cold_seen_off(m);
	log_debug("migration_probed", LOG_D("migration", m->id), LOG_S("source", cold_half_name(s.source)), LOG_S("dest", cold_half_name(s.dest)),
		  LOG_S("verdict", cold_verdict_name(v)));
	if (is_too_early(m, &s) || may_still_be_pressed(m, v) || c->repeats + 1 < acts[v].seen)
		return COLD_N_AGAIN;
	return needs_plan(m, v) ? plan(m) : acts[v].act(m);
}

/* ---- what is next ---- */

static void got_act(struct mig *m, struct hv_reply *r)
{
	go_on(m, cold_acted(m, r));
}

static void got_prepare(struct mig *m, struct part p)
{
	go_on(m, cold_prepared(m, p));
}

static void got_stream(struct mig *m, struct part p)
{
	go_on(m, cold_streamed(m, p));
}

static void got_compare(struct mig *m, struct part p)
{
	go_on(m, cold_compared(m, p));
}

static const struct cold_answers answers = { .act = got_act, .prepare = got_prepare, .stream = got_stream, .compare = got_compare };

static void again_later(struct mig *m)
{
	step_later(m, AGAIN_MS * MIN(cold_of(m)->repeats + 1, AGAIN_MAX_MS / AGAIN_MS));
}

static void go_on(struct mig *m, enum cold_next next)
{
	while (next != COLD_N_NOTHING) {
		switch (next) {
		case COLD_N_ASK:
			next = ask(m);
			break;
		case COLD_N_JUDGE:
			next = judge(m);
			break;
		case COLD_N_AGAIN:
			again_later(m);
			return;
		case COLD_N_NOTHING:
		case COLD_N_N:
			g_assert_not_reached();
		}
	}
}

/* ---- entrances ---- */

void cold_begin(struct cold *c)
{
	c->answers = &answers;
}

void cold_settle(struct mig *m)
{
	go_on(m, COLD_N_ASK);
}

void cold_rest(struct mig *m)
{
	go_on(m, cold_wait_for_confirm(m));
}

void cold_left(struct mig *m)
{
	struct cold *c = cold_of(m);

	move_cancel(&c->move);
	c->awaited = 0;
	c->busy = false;
	c->refusals = 0;
	c->repeats = 0;
}

void cold_event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_DOM && m->phase == COLD_P_CARRY)
		carrying_saw(m, ev->host);
	if (ev->type == HV_EV_DOM && m->phase >= COLD_P_STOP && !mig_rests(m) && !cold_of(m)->busy)
		cold_settle(m);
}

void cold_carrier_event(struct mig *m, const struct hv_event *ev)
{
	if (m->phase == COLD_P_CARRY && carrying_heard(m, ev) && !cold_of(m)->busy)
		cold_settle(m);
}
