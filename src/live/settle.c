/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: after a doubt.
 *
 * Both hosts are asked for the domain; probe_decide() says what the answers
 * mean; the table acts[] says what a verdict asks for in COPY, UNDO and FINISH.
 *
 *	what comes            what follows
 *	both answers          the verdict's cell: an act, another phase, a wait, or the end
 *	an act's answer       both hosts again; when it was refused, after a while
 *	another phase         the same answers, judged by the column of that phase
 *	the end of a wait     both hosts again
 *
 * Every act is followed by asking again, so an act whose reply is lost needs no
 * care of its own. Nothing here believes what a call returned, and a restart is
 * no case of its own: it asks. A host that is not connected says nothing.
 *
 * The two answers are not of one instant. Verdicts that such a gap could fake
 * and that have no way back (split brain, lost) must be seen several times.
 */
#include "live/settle.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "live/boot_flag.h"
#include "live/copy.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/search.h"
#include "move/service.h"
#include "task/step.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 10000
#define SURE_AFTER 3
#define ATTEMPTS_MAX 3
#define REFUSALS_MAX 3
#define CALL_SILENT_MS 120000 /* preparing a destination may take long, but there is an end to everything */

int64_t settle_again_ms(const struct mig *m)
{
	return AGAIN_MS * MIN(sending_of(m)->settle.repeats + 1, AGAIN_MAX_MS / AGAIN_MS);
}

void settle_begin(struct settle *s)
{
	s->waiting_seen = false;
}

void settle_left(struct settle *s)
{
	s->awaited = 0;
}

/* ---- asking both ---- */

enum live_next settle_ask(struct mig *m, live_answer_f *got_source, live_answer_f *got_dest)
{
	struct settle *s = &sending_of(m)->settle;
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	clock_cancel(&m->task->timer);
	if (s->awaited || sending_of(m)->boot_flag.awaited)
		return LIVE_WAIT;
	move_heard_source(move_of(m), NULL);
	move_heard_dest(move_of(m), NULL);
	s->job = false;
	sending_of(m)->watch.pause_unseen = false;
	s->awaited = step_ask(m, mig_source(m), &req, got_source);
	s->awaited += step_ask(m, mig_dest(m), &req, got_dest);
	return s->awaited ? LIVE_WAIT : LIVE_JUDGE;
}

static enum live_next answered(struct mig *m)
{
	return --sending_of(m)->settle.awaited ? LIVE_WAIT : LIVE_JUDGE;
}

enum live_next settle_source(struct mig *m, struct hv_reply *r)
{
	sending_of(m)->settle.job = r->dom && r->dom->job_outgoing;
	move_heard_source(move_of(m), g_steal_pointer(&r->dom));
	return answered(m);
}

enum live_next settle_dest(struct mig *m, struct hv_reply *r)
{
	move_heard_dest(move_of(m), g_steal_pointer(&r->dom));
	return answered(m);
}

/* Had it run at its destination and ended there, would its definition tell? PREPARE has written it into a row, and libvirt writes it there. */
static bool leaves_a_trace(const struct mig *m)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	return own && own->task == m->id;
}

static enum hv_half dest_half(const struct mig *m)
{
	enum hv_half h = hv_dest_half(move_of(m)->at_dest);

	return h == HV_HALF_ABSENT && !sending_of(m)->settle.waiting_seen && !leaves_a_trace(m) ? HV_HALF_NO_TRACE : h;
}

/* ---- acts; each is followed by asking again ---- */

/* Where the guest runs where it should; or is off where it was before. */
static bool may_be_given_up(const struct mig *m, enum hv_op op)
{
	return m->phase == MIG_FINISH || op == HV_DOM_START;
}

/* What a host refuses to do beside that does not keep the migration from its end. */
static void count_refusal(struct mig *m, const GError *why)
{
	struct sending *p = sending_of(m);

	if (!may_be_given_up(m, p->settle.act.op) || err_code(why) == ERR_HV_LOST || err_code(why) == ERR_HV_BUSY || ++p->settle.refusals < REFUSALS_MAX)
		return;
	p->settle.refused_ops |= UINT64_C(1) << p->settle.act.op;
	p->settle.refusals = 0;
	log_error("migration_act_given_up", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(p->settle.act.op)),
		  LOG_S("error", why->message));
}

enum live_next settle_act(struct mig *m, live_answer_f *got_act)
{
	struct settle *s = &sending_of(m)->settle;
	struct host *h = s->act_at_dest ? mig_dest(m) : mig_source(m);
	bool asked;

	log_info("migration_act", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(s->act.op)),
		 LOG_S("host", h ? h->name : NULL), LOG_S("because", probe_verdict_name(sending_of(m)->settle.verdict)));
	asked = step_ask(m, h, &s->act, got_act);
	s->act = (struct hv_req){ .op = s->act.op };
	return asked ? LIVE_WAIT : LIVE_AGAIN;
}

enum live_next settle_acted(struct mig *m, const struct hv_reply *r)
{
	if (r->err && sending_of(m)->settle.act.op == HV_DOM_UNDEFINE && err_code(r->err) == ERR_CONFLICT) {
		definition_kept(m, m->phase == MIG_FINISH, r->err->message);
	} else if (r->err) {
		log_warning("migration_act_failed", LOG_D("migration", m->id), LOG_S("error", r->err->message));
		count_refusal(m, r->err);
		return LIVE_AGAIN;
	}
	sending_of(m)->settle.refusals = 0;
	return LIVE_SETTLE;
}

/* What the request points to is needed until it is sent, which is next. */
static enum live_next act_with(struct mig *m, bool at_dest, const struct hv_req *req)
{
	struct settle *s = &sending_of(m)->settle;

	s->act = *req;
	s->act.uuid = m->server_uuid;
	s->act_at_dest = at_dest;
	return LIVE_ACT;
}

static enum live_next at_source(struct mig *m, enum hv_op op)
{
	return act_with(m, false, &(struct hv_req){ .op = op });
}

static enum live_next at_dest(struct mig *m, enum hv_op op)
{
	return act_with(m, true, &(struct hv_req){ .op = op });
}

/* ---- changes of phase ---- */

static enum live_next undo(struct mig *m, const char *why)
{
	g_autofree char *kept = g_strdup(why);
	struct step_change c = step_change(m, MIG_UNDO, kept);

	c.row.error = kept;
	return step_write(m, &c) ? LIVE_JUDGE : LIVE_AGAIN;
}

static void announced(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		log_info("announce_failed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("error", r->err->message));
}

/* A help for the network, as in Nova: whether it succeeds changes nothing, and nothing waits for it. */
static void announce(struct mig *m)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);
	struct hv_req req = {
		.op = HV_ANNOUNCE, .uuid = m->server_uuid, .announce_rounds = (int)c->qemu_monitor_announce_self_count,
		.announce_ms = (int)c->qemu_monitor_announce_self_interval * 1000,
	};

	if (c->enable_qemu_monitor_announce_self && move_of(m)->at_dest->state == HV_RUNNING)
		(void)step_ask_always(m, mig_dest(m), &req, announced);
}

void settle_moved(struct mig *m)
{
	struct server *s = mig_server(m);

	move_of(m)->arrived = true;
	fleet_server_move(m->task->engine->fleet, s, m->dest);
	g_clear_pointer(&s->dom, hv_dom_free);
}

static enum live_next moved(struct mig *m)
{
	struct server *s = mig_server(m);
	struct step_change c = step_change(m, MIG_FINISH, "it runs at the destination");

	if (m->postcopy)
		c.row.error = NULL; /* whatever broke on the way is over */
	c.server.host = m->dest;
	if (!step_write(m, &c))
		return LIVE_AGAIN;
	settle_moved(m);
	/* Its host tells again soon; until then no other guest may have its CPUs. */
	if (move_of(m)->at_dest->ties)
		server_set_ties(s, move_of(m)->at_dest->ties);
	announce(m);
	return LIVE_JUDGE;
}

/* What says that it is to be tried again is forgotten after the write: one that is in doubt is decided again, and must be the same. */
static enum live_next retry(struct mig *m)
{
	struct step_change c = step_change(m, MIG_PREPARE, "it never began, or was undone cleanly; trying again");

	c.row.attempt++;
	if (!step_write(m, &c))
		return LIVE_AGAIN;
	copy_forget(&live_of(m)->copy);
	move_copies(move_of(m), NULL); /* the files may be partial */
	return LIVE_ENTER;
}

/* The guest is gone, or past what we may do for it: the record says so, with the evidence. */
static enum live_next guest_lost(struct mig *m, const char *what)
{
	struct step_change c = step_change(m, m->phase, what);

	c.row.error = c.server.fault = what;
	c.server.vm = SERVER_ERROR;
	if (!step_write(m, &c))
		return LIVE_AGAIN;
	log_error("guest_lost", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("why", what));
	step_end(m, MIG_ERROR, m->error);
	return LIVE_WAIT;
}

/* Nothing is touched: both halves stay for an operator with more to go by than the two hosts can say. */
static enum live_next undecided(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the guest is stopped at %s, and may have run at %s since: if it did, destroy it at %s and start "
					       "it at %s; if not, resume it at %s", m->source, m->dest, m->source, m->dest, m->source);

	return guest_lost(m, why);
}

static enum live_next memory_lost(struct mig *m)
{
	struct live *p = live_of(m);
	const char *what = p->sending->settle.verdict == PROBE_ORPHANED ? "the guest is gone from its source, and its destination waits for the rest of it: if all "
		"of it has come, resume it there (virsh resume); else destroy what waits" : "one half of the guest died during post-copy; its memory is lost";
	g_autofree char *why = g_strdup_printf("%s (%s: %s, %s: %s)", what, m->source, hv_half_name(hv_source_half(p->move.at_source)),
					       m->dest, hv_half_name(hv_dest_half(p->move.at_dest)));

	return guest_lost(m, why);
}

static enum live_next raise_alarm(struct mig *m)
{
	struct sending *p = sending_of(m);

	if (!p->settle.alarmed)
		log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
			  LOG_S("what", probe_verdict_name(p->settle.verdict)), LOG_S("source", m->source), LOG_S("dest", m->dest),
			  LOG_S("do", "nothing was touched; look at both hosts (virsh list) and find out which copy the guest's clients and disks use "
				      "before either is stopped"));
	p->settle.alarmed = true;
	return LIVE_AGAIN;
}

/* ---- verdicts, by phase ---- */

/* Before a job began: what the prechecks should have known. A row that is missing there shows in the count. */
static void note_refusal(struct mig *m)
{
	struct live *p = live_of(m);

	if (!p->copy.error || p->copy.lost || p->sending->watch.job_seen || m->abort_wanted)
		return;
	m->task->engine->stats.unforeseen++;
	log_warning("refusal_unforeseen", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source),
		    LOG_S("dest", m->dest), LOG_S("error", p->copy.error));
}

static enum live_next stays_in_copy(struct mig *m, bool dest_known)
{
	struct live *p = live_of(m);
	bool no_reason = !p->copy.error || p->copy.lost;

	if (p->sending->watch.link_down && p->sending->watch.aborted)
		return undo(m, p->sending->watch.link_down); /* libvirt's call will come back when its keepalive ends; nothing waits for that */
	if (p->copy.running && (clock_now_ms() - p->sending->watch.job_seen_ms < CALL_SILENT_MS || !fleet_settled(m->task->engine->fleet)))
		return LIVE_WATCH; /* libvirt has not begun yet */
	if (p->copy.running)
		return undo(m, m->abort_wanted ? "aborted" : "libvirt's call to migrate hangs");
	if (m->abort_wanted)
		return undo(m, m->error ? m->error : "aborted");
	if (no_reason && dest_known && !m->paused_by_us && m->attempt + 1 < ATTEMPTS_MAX)
		return retry(m);
	note_refusal(m);
	if (p->copy.error)
		return undo(m, p->copy.error);
	return undo(m, dest_known ? "the copy ended repeatedly without a reason" : "the copy ended, and the destination cannot be asked why");
}

/*
 * PREPARE saw no definition at the destination: if one is there that is the guest's, this migration has made it, and the guest
 * does not belong there. A guest without a definition makes none.
 */
static bool made_at_dest(struct mig *m, struct hv_req *ret)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	if (hv_dest_half(move_of(m)->at_dest) == HV_HALF_ABSENT || move_of(m)->dest_theirs)
		return false;
	if (!own) {
		definition_kept(m, m->phase == MIG_FINISH, "this migration has made none");
		return false;
	}
	*ret = (struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml };
	return true;
}

static enum live_next stays_in_undo(struct mig *m, bool dest_known)
{
	struct live *p = live_of(m);
	g_autofree char *why = g_strdup(m->error ? m->error : "undone");
	struct hv_req undefine;

	if (p->sending->watch.pause_awaited)
		return LIVE_WAIT; /* it would come after the end, and would not be undone */
	if (m->paused_by_us && p->sending->watch.pause_unseen)
		return LIVE_SETTLE; /* what was seen may be from before the pause */
	if (dest_known && made_at_dest(m, &undefine))
		return act_with(m, true, &undefine);
	if (m->paused_by_us && hv_source_half(p->move.at_source) == HV_HALF_PAUSED)
		return at_source(m, HV_DOM_RESUME);
	if (!dest_known)
		log_warning("destination_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	/* What a silent destination may hold is found again by this row, which must go on naming it (leftover.c). */
	if (!dest_known || p->copy.guest_refused || p->sending->settle.started || !search_next_destination(m, why))
		step_end(m, m->abort_wanted ? MIG_CANCELLED : MIG_FAILED, why);
	return LIVE_WAIT;
}

static bool was_refused(const struct mig *m, enum hv_op op)
{
	return sending_of(m)->settle.refused_ops & UINT64_C(1) << op;
}

/* What the guest has left at its source. Return: there is something to do. */
static bool left_at_source(struct mig *m, struct hv_req *ret)
{
	const struct hv_dom *d = move_of(m)->at_source;
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	if (hv_source_half(d) == HV_HALF_ABSENT)
		return false;
	if (!own && !move_of(m)->source_theirs)
		definition_kept(m, m->phase == MIG_FINISH, "the guest had none when it left");
	*ret = (struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own ? own->xml : NULL };
	if (!move_of(m)->source_theirs && !was_refused(m, HV_DOM_UNDEFINE))
		return true;
	/* It stays, but the guest must not be started there while it lives elsewhere. */
	*ret = (struct hv_req){ .op = HV_DOM_AUTOSTART, .autostart = false };
	return own && own->autostart && d->kept.autostart && !was_refused(m, HV_DOM_AUTOSTART);
}

/* First what the guest needs at its destination, then what it has left. */
static enum live_next finish_clean(struct mig *m)
{
	struct live *p = live_of(m);
	struct hv_req req;

	p->move.dest_defined |= p->move.at_dest->persistent;
	if (m->paused_by_us && hv_dest_half(p->move.at_dest) == HV_HALF_PAUSED)
		return at_dest(m, HV_DOM_RESUME);
	if (definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, move_of(m)->at_dest, &req) && !was_refused(m, req.op))
		return act_with(m, true, &req);
	if (left_at_source(m, &req))
		return act_with(m, false, &req);
	return LIVE_DOWNTIME;
}

/* ---- what a verdict asks for ---- */

static enum live_next again(struct mig *m)
{
	(void)m;
	return LIVE_AGAIN;
}

static enum live_next recover(struct mig *m)
{
	(void)m;
	return LIVE_RECOVER;
}

static enum live_next nowhere(struct mig *m)
{
	return guest_lost(m, "neither host has the guest any more");
}

static enum live_next copy_watch(struct mig *m)
{
	(void)m;
	return LIVE_WATCH;
}

static enum live_next copy_stayed(struct mig *m)
{
	return stays_in_copy(m, true);
}

static enum live_next copy_stayed_blind(struct mig *m)
{
	return stays_in_copy(m, false);
}

static enum live_next copy_gave_up(struct mig *m)
{
	const struct copy *c = &live_of(m)->copy;

	if (c->running)
		return LIVE_WATCH;
	if (m->abort_wanted)
		return undo(m, m->error ? m->error : "aborted");
	return undo(m, c->error ? c->error : "the source gave up");
}

static const char stopped[] = "the guest was shut off in the meantime";

static enum live_next copy_stopped(struct mig *m)
{
	return undo(m, stopped);
}

static enum live_next undo_abort(struct mig *m)
{
	return m->abort_wanted ? at_source(m, HV_JOB_ABORT) : LIVE_AGAIN;
}

static enum live_next undo_stayed(struct mig *m)
{
	return stays_in_undo(m, true);
}

static enum live_next undo_stayed_blind(struct mig *m)
{
	return stays_in_undo(m, false);
}

static enum live_next undo_destroy(struct mig *m)
{
	sending_of(m)->settle.waiting_seen = true;
	return at_dest(m, HV_DOM_DESTROY);
}

static enum live_next undo_resume(struct mig *m)
{
	return at_source(m, HV_DOM_RESUME);
}

static enum live_next undo_stopped(struct mig *m)
{
	if (dest_half(m) == HV_HALF_ABSENT && boot_flag_starts(m) && !was_refused(m, HV_DOM_START)) {
		sending_of(m)->settle.started = true;
		return at_source(m, HV_DOM_START);
	}
	step_end(m, m->abort_wanted ? MIG_CANCELLED : MIG_FAILED, stopped);
	return LIVE_WAIT;
}

/* It was seen living at the destination and is not any more: it was moved or stopped by hand. */
static enum live_next finish_back(struct mig *m)
{
	step_end(m, MIG_ERROR, "after the migration the guest was found at the source again");
	return LIVE_WAIT;
}

static enum live_next finish_destroy(struct mig *m)
{
	return at_source(m, HV_DOM_DESTROY);
}

/* Shut off at the destination since, the source's definition is the older one; or it is not there any more. */
static enum live_next finish_stopped(struct mig *m)
{
	enum hv_half dst = hv_dest_half(move_of(m)->at_dest);

	if (dst == HV_HALF_UNKNOWN)
		return LIVE_AGAIN;
	return dst == HV_HALF_ABSENT ? finish_back(m) : finish_clean(m);
}

#define EACH(f) f, f, f

/*
 * Read it as: this verdict, in that phase. @seen: how often in a row it must be had, where a gap between the
 * two answers could fake it and there is no way back.
 */
static const struct {
	int seen;
	settle_f *copy, *undo, *finish;
} acts[] = {
	/*                              seen  COPY               UNDO               FINISH */
	[PROBE_WAIT]            = { 1,          EACH(again) },
	[PROBE_COPYING]         = { 1,          copy_watch,        undo_abort,        finish_stopped },
	[PROBE_NOT_MOVED]       = { 1,          copy_stayed,       undo_stayed,       finish_back },
	[PROBE_NOT_MOVED_BLIND] = { 1,          copy_stayed_blind, undo_stayed_blind, finish_back },
	[PROBE_LEFTOVER]        = { 1,          copy_gave_up,      undo_destroy,      finish_back },
	[PROBE_RESUME_SOURCE]   = { 1,          copy_gave_up,      undo_resume,       finish_back },
	[PROBE_STOPPED]         = { 1,          copy_stopped,      undo_stopped,      finish_stopped },
	[PROBE_MOVED]           = { 1,          moved,             moved,             finish_clean },
	[PROBE_STALE_SOURCE]    = { 1,          moved,             moved,             finish_destroy },
	[PROBE_POSTCOPY_RUN]    = { 1,          EACH(recover) },
	[PROBE_POSTCOPY_BROKEN] = { 1,          EACH(recover) },
	[PROBE_POSTCOPY_RESUME] = { 1,          EACH(recover) },
	[PROBE_SPLIT]           = { SURE_AFTER, EACH(raise_alarm) },
	[PROBE_UNDECIDED]       = { SURE_AFTER, EACH(undecided) },
	[PROBE_MEMORY_LOST]     = { SURE_AFTER, EACH(memory_lost) },
	[PROBE_ORPHANED]        = { SURE_AFTER, EACH(memory_lost) },
	[PROBE_LOST]            = { SURE_AFTER, EACH(nowhere) },
};
static_assert(G_N_ELEMENTS(acts) == PROBE_VERDICT_N, "acts is missing one");

settle_f *settle_rule(enum probe_verdict v, enum mig_phase phase, int *ret_seen)
{
	*ret_seen = acts[v].seen;
	return phase == MIG_COPY ? acts[v].copy : phase == MIG_UNDO ? acts[v].undo : acts[v].finish;
}

/* Right after a start the destination may only be the slower one to be reached. */
static bool is_too_early(struct mig *m, enum probe_verdict v)
{
	return v == PROBE_NOT_MOVED_BLIND && !fleet_settled(m->task->engine->fleet);
}

enum live_next settle_judge(struct mig *m)
{
	const struct move *p = move_of(m);
	struct settle *s = &sending_of(m)->settle;
	enum hv_half src = hv_source_half(p->at_source), dst = dest_half(m);
	enum probe_verdict v = probe_decide(src, dst, s->job);
	int seen;
	settle_f *act = settle_rule(v, m->phase, &seen);

	s->repeats = v == s->verdict ? s->repeats + 1 : 0;
	s->verdict = v;
	log_debug("migration_probed", LOG_D("migration", m->id), LOG_S("source", hv_half_name(src)), LOG_S("dest", hv_half_name(dst)),
		  LOG_D("job", s->job), LOG_S("verdict", probe_verdict_name(v)));
	return is_too_early(m, v) || s->repeats + 1 < seen ? LIVE_AGAIN : act(m);
}
