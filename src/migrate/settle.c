/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: after a doubt.
 *
 * Both hosts are asked for the domain; probe_decide() says what the answers
 * mean; act() says what a verdict asks for in the phase that the row is in.
 * Every act is followed by asking again, so an act whose reply is lost needs no
 * care of its own. Nothing here believes what a call returned.
 *
 * The two answers are not of one instant. Verdicts that such a gap could fake
 * and that have no way back (split brain, lost) must be seen several times.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "migrate/definition.h"
#include "migrate/postcopy.h"
#include "migrate/settle.h"
#include "migrate/step.h"
#include "migrate/watch.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 10000
#define SURE_AFTER 3
#define ATTEMPTS_MAX 3
#define REFUSALS_MAX 3
#define CALL_SILENT_MS 120000 /* preparing a destination may take long, but there is an end to everything */

static void judge(struct mig *m);

static void again(struct mig *m)
{
	int64_t ms = AGAIN_MS * MIN(m->priv->settle.repeats + 1, AGAIN_MAX_MS / AGAIN_MS);

	step_later(m, ms);
}

void settle_left(struct settle *s)
{
	s->probes_open = 0;
}

/* ---- asking both ---- */

static void half_in(struct mig *m)
{
	if (--m->priv->settle.probes_open == 0)
		judge(m);
}

static void got_source(struct mig *m, struct hv_reply *r)
{
	m->priv->probe.source = g_steal_pointer(&r->dom);
	m->priv->probe.job = m->priv->probe.source && m->priv->probe.source->job_outgoing;
	half_in(m);
}

static void got_dest(struct mig *m, struct hv_reply *r)
{
	m->priv->probe.dest = g_steal_pointer(&r->dom);
	half_in(m);
}

void settle(struct mig *m)
{
	struct mig_private *p = m->priv;
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	clock_cancel(&p->timer);
	if (p->settle.probes_open)
		return;
	probe_clear(&p->probe);
	p->settle.probe++;
	p->settle.probes_open = 3;
	if (!step_ask(m, mig_source(m), &req, got_source))
		p->settle.probes_open--;
	if (!step_ask(m, mig_dest(m), &req, got_dest))
		p->settle.probes_open--;
	half_in(m);
}

/* ---- acts; each is followed by asking again ---- */

/* Something else is defined there than what this migration may undefine. */
static void leave_definition(struct mig *m, const char *why)
{
	bool at_source = m->phase == MIG_FINISH;

	log_warning("definition_kept", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
		    LOG_S("host", at_source ? m->source : m->dest), LOG_S("why", why));
	if (at_source)
		m->priv->source_theirs = true;
	else
		m->priv->dest_theirs = true;
}

/* The guest runs where it should. What a host refuses to do beside that does not keep the migration from its end. */
static void count_refusal(struct mig *m, const GError *why)
{
	struct mig_private *p = m->priv;

	if (m->phase != MIG_FINISH || err_code(why) == ERR_HV_LOST || err_code(why) == ERR_HV_BUSY || ++p->settle.refusals < REFUSALS_MAX)
		return;
	p->settle.given_up |= UINT64_C(1) << p->settle.act;
	p->settle.refusals = 0;
	log_error("migration_act_given_up", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(p->settle.act)),
		  LOG_S("error", why->message));
}

static void acted(struct mig *m, struct hv_reply *r)
{
	if (r->err && m->priv->settle.act == HV_DOM_UNDEFINE && err_code(r->err) == ERR_CONFLICT) {
		leave_definition(m, r->err->message);
	} else if (r->err) {
		log_warning("migration_act_failed", LOG_D("migration", m->id), LOG_S("error", r->err->message));
		count_refusal(m, r->err);
		again(m);
		return;
	}
	m->priv->settle.refusals = 0;
	settle(m);
}

static void act_with(struct mig *m, struct host *h, struct hv_req *req)
{
	enum hv_op op = req->op;

	req->uuid = m->server_uuid;
	m->priv->settle.act = op;
	log_info("migration_act", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(op)),
		 LOG_S("host", h ? h->name : NULL), LOG_S("because", probe_verdict_name(m->priv->settle.verdict)));
	if (!step_ask(m, h, req, acted))
		again(m);
}

static void act_on(struct mig *m, struct host *h, enum hv_op op)
{
	struct hv_req req = { .op = op };

	act_with(m, h, &req);
}

/* ---- changes of phase ---- */

static bool change(struct mig *m, const struct step_change *c)
{
	if (step_write(m, c))
		return true;
	again(m);
	return false;
}

static void undo(struct mig *m, const char *why)
{
	g_autofree char *kept = g_strdup(why);
	struct step_change c = step_change(m, MIG_UNDO, kept);

	c.row.error = kept;
	if (change(m, &c))
		judge(m);
}

static bool write_moved(struct mig *m, void *unused, GError **err)
{
	struct store *s = m->priv->engine->store;

	(void)unused;
	return action_event_finish(s, m->action_id, "compute_live_migration", NULL, err) &&
	       action_event_start(s, m->action_id, "compute_post_live_migration_at_destination", m->dest, err);
}

static void announced(struct mig *m, struct hv_reply *r)
{
	if (r->err)
		log_info("announce_failed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("error", r->err->message));
}

/* A help for the network, as in Nova: whether it succeeds changes nothing, and nothing waits for it. */
static void announce(struct mig *m)
{
	const struct conf *c = fleet_conf(m->priv->engine->fleet);
	struct hv_req req = {
		.op = HV_ANNOUNCE, .uuid = m->server_uuid, .announce_rounds = (int)c->qemu_monitor_announce_self_count,
		.announce_ms = (int)c->qemu_monitor_announce_self_interval * 1000,
	};

	if (c->enable_qemu_monitor_announce_self && m->priv->probe.dest->state == HV_RUNNING)
		(void)step_ask_always(m, mig_dest(m), &req, announced);
}

void settle_moved(struct mig *m)
{
	struct server *s = mig_server(m);

	m->priv->arrived = true;
	fleet_server_move(m->priv->engine->fleet, s, m->dest);
	g_clear_pointer(&s->dom, hv_dom_free);
}

static void moved(struct mig *m)
{
	struct server *s = mig_server(m);
	struct step_change c = step_change(m, MIG_FINISH, "it runs at the destination");

	if (m->postcopy)
		c.row.error = NULL; /* whatever broke on the way is over */
	c.server.host = m->dest;
	c.also = write_moved;
	if (!change(m, &c))
		return;
	settle_moved(m);
	/* Its host tells again soon; until then no other guest may have its CPUs. */
	if (m->priv->probe.dest->ties)
		server_set_ties(s, m->priv->probe.dest->ties);
	announce(m);
	judge(m);
}

/* What says that it is to be tried again is forgotten after the write: one that is in doubt is decided again, and must be the same. */
static void retry(struct mig *m)
{
	struct step_change c = step_change(m, MIG_PREPARE, "it never began, or was undone cleanly; trying again");

	c.row.attempt++;
	if (!change(m, &c))
		return;
	m->priv->copy.lost = false;
	live_copies(m, NULL); /* the files may be partial */
	live_enter(m);
}

/* The guest is gone, or past what we may do for it: the record says so, with the evidence. */
static void gone(struct mig *m, const char *what)
{
	struct step_change c = step_change(m, m->phase, what);

	c.row.error = c.server.fault = what;
	c.server.vm = SERVER_ERROR;
	if (!change(m, &c))
		return;
	log_error("guest_lost", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("why", what));
	step_end(m, MIG_ERROR, m->error);
}

/* Nothing is touched: both halves stay for an operator with more to go by than the two hosts can say. */
static void undecided(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the guest is stopped at %s, and may have run at %s since: if it did, destroy it at %s and start "
					       "it at %s; if not, resume it at %s", m->source, m->dest, m->source, m->dest, m->source);

	gone(m, why);
}

static void memory_lost(struct mig *m)
{
	struct mig_private *p = m->priv;
	g_autofree char *why = g_strdup_printf("one half of the guest died during post-copy; its memory is lost (%s: %s, %s: %s)",
					       m->source, probe_half_name(probe_source_half(p->probe.source)),
					       m->dest, probe_half_name(probe_dest_half(p->probe.dest)));

	gone(m, why);
}

static void raise_alarm(struct mig *m)
{
	struct mig_private *p = m->priv;

	if (!p->settle.told)
		log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
			  LOG_S("what", probe_verdict_name(p->settle.verdict)), LOG_S("source", m->source), LOG_S("dest", m->dest),
			  LOG_S("do", "nothing was touched; look at both hosts (virsh list) and find out which copy the guest's clients and disks use "
				      "before either is stopped"));
	p->settle.told = true;
	again(m);
}

/* ---- verdicts, by phase ---- */

/* Before a job began: what the prechecks should have known. A row that is missing there shows in the count. */
static void note_refusal(struct mig *m)
{
	struct mig_private *p = m->priv;

	if (!p->copy.error || p->copy.lost || p->watch.job_seen || m->abort_wanted)
		return;
	m->priv->engine->stats.unforeseen++;
	log_warning("refusal_unforeseen", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source),
		    LOG_S("dest", m->dest), LOG_S("error", p->copy.error));
}

static void stays_in_copy(struct mig *m, bool dest_known)
{
	struct mig_private *p = m->priv;
	bool never_told = !p->copy.error || p->copy.lost;

	if (p->watch.given_up && p->watch.aborted)
		undo(m, p->watch.given_up); /* libvirt's call will come back when its keepalive ends; nothing waits for that */
	else if (p->copy.running && (clock_now_ms() - p->watch.job_seen_ms < CALL_SILENT_MS || !fleet_settled(m->priv->engine->fleet)))
		live_watch(m); /* libvirt has not begun yet */
	else if (p->copy.running)
		undo(m, m->abort_wanted ? "aborted" : "libvirt's call to migrate hangs");
	else if (m->abort_wanted)
		undo(m, m->error ? m->error : "aborted");
	else if (never_told && dest_known && !m->paused_by_us && m->attempt + 1 < ATTEMPTS_MAX)
		retry(m);
	else {
		note_refusal(m);
		undo(m, p->copy.error ? p->copy.error :
		     dest_known ? "the copy ended repeatedly without a reason" : "the copy ended, and the destination cannot be asked why");
	}
}

/*
 * PREPARE saw no definition at the destination: if one is there that is the guest's, this migration has made it, and the guest
 * does not belong there. A guest without a definition makes none.
 */
static bool undefine_own(struct mig *m)
{
	const struct definition *own = definition_find(m->priv->engine, m->server_uuid, m->dest, DEFINITION_GUEST);
	struct hv_req req = { .op = HV_DOM_UNDEFINE, .xml = own ? own->xml : NULL };

	if (probe_dest_half(m->priv->probe.dest) == PROBE_H_ABSENT || m->priv->dest_theirs)
		return false;
	if (!own) {
		leave_definition(m, "this migration has made none");
		return false;
	}
	act_with(m, mig_dest(m), &req);
	return true;
}

static void stays_in_undo(struct mig *m, bool dest_known)
{
	g_autofree char *why = g_strdup(m->error);

	/* A pause under way would come after the end, and would not be undone. */
	if (m->priv->watch.pause_open)
		return;
	if (m->paused_by_us && m->priv->settle.probe == m->priv->watch.pause_probe) {
		settle(m); /* what was seen may be from before the pause */
		return;
	}
	if (dest_known && undefine_own(m))
		return;
	if (m->paused_by_us && probe_source_half(m->priv->probe.source) == PROBE_H_PAUSED) {
		act_on(m, mig_source(m), HV_DOM_RESUME);
		return;
	}
	if (!dest_known)
		log_warning("destination_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	/* What a silent destination may hold is found again by this row, which must go on naming it (leftover.c). */
	if (dest_known && !m->priv->copy.guest_refused && live_elsewhere(m, why ? why : "undone"))
		return;
	step_end(m, m->abort_wanted ? MIG_CANCELLED : MIG_FAILED, why ? why : "undone");
}

static void got_downtime(struct mig *m, struct hv_reply *r)
{
	/* All of them are there. The source's last words can come late, the destination has none about disks. */
	m->progress.disk_processed = m->progress.disk_total;
	m->progress.disk_remaining = 0;
	if (!r->err) {
		m->progress.downtime_ms = r->job.downtime_ms;
		m->progress.mem_total = MAX(m->progress.mem_total, r->job.mem_total);
		m->progress.mem_processed = MAX(m->progress.mem_processed, r->job.mem_processed);
		m->progress.mem_remaining = 0;
	}
	step_end(m, MIG_DONE, NULL);
}

static bool given_up(const struct mig *m, enum hv_op op)
{
	return m->priv->settle.given_up & UINT64_C(1) << op;
}

/* What the guest has left at its source. Return: there is something to do. */
static bool lacks_at_source(struct mig *m, struct hv_req *ret)
{
	const struct hv_dom *d = m->priv->probe.source;
	const struct definition *own = definition_find(m->priv->engine, m->server_uuid, m->dest, DEFINITION_GUEST);

	if (probe_source_half(d) == PROBE_H_ABSENT)
		return false;
	if (!own && !m->priv->source_theirs)
		leave_definition(m, "the guest had none when it left");
	*ret = (struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own ? own->xml : NULL };
	if (!m->priv->source_theirs && !given_up(m, HV_DOM_UNDEFINE))
		return true;
	/* It stays, but the guest must not be started there while it lives elsewhere. */
	*ret = (struct hv_req){ .op = HV_DOM_AUTOSTART, .autostart = false };
	return own && own->autostart && d->kept.autostart && !given_up(m, HV_DOM_AUTOSTART);
}

/* First what the guest needs at its destination, then what it has left. */
static void clean_source(struct mig *m)
{
	enum probe_half dst = probe_dest_half(m->priv->probe.dest);
	struct hv_req done = { .op = HV_JOB_DONE, .uuid = m->server_uuid }, req;

	m->priv->dest_defined |= m->priv->probe.dest->persistent;
	if (m->paused_by_us && dst == PROBE_H_PAUSED)
		act_on(m, mig_dest(m), HV_DOM_RESUME);
	else if (definition_lacks(m, &req) && !given_up(m, req.op))
		act_with(m, mig_dest(m), &req);
	else if (lacks_at_source(m, &req))
		act_with(m, mig_source(m), &req);
	else if (!step_ask(m, mig_dest(m), &done, got_downtime))
		step_end(m, MIG_DONE, NULL);
}

static void act_copy(struct mig *m, enum probe_verdict v)
{
	switch (v) {
	case PROBE_COPYING:
		live_watch(m);
		break;
	case PROBE_NOT_MOVED:
	case PROBE_NOT_MOVED_BLIND:
		stays_in_copy(m, v == PROBE_NOT_MOVED);
		break;
	case PROBE_LEFTOVER:
	case PROBE_RESUME_SOURCE:
		if (m->priv->copy.running)
			live_watch(m);
		else
			undo(m, m->abort_wanted ? (m->error ? m->error : "aborted") : m->priv->copy.error ? m->priv->copy.error : "the source gave up");
		break;
	case PROBE_STOPPED:
		undo(m, "the guest was shut off in the meantime");
		break;
	case PROBE_MOVED:
	case PROBE_STALE_SOURCE:
		moved(m);
		break;
	case PROBE_WAIT:
	case PROBE_POSTCOPY_RUN:
	case PROBE_POSTCOPY_BROKEN:
	case PROBE_POSTCOPY_RESUME:
	case PROBE_MEMORY_LOST:
	case PROBE_SPLIT:
	case PROBE_LOST:
	case PROBE_UNDECIDED:
	case PROBE_VERDICT_N:
		g_assert_not_reached(); /* the same in every phase: act() */
	}
}

static void act_undo(struct mig *m, enum probe_verdict v)
{
	switch (v) {
	case PROBE_NOT_MOVED:
	case PROBE_NOT_MOVED_BLIND:
		stays_in_undo(m, v == PROBE_NOT_MOVED);
		break;
	case PROBE_STOPPED:
		step_end(m, m->abort_wanted ? MIG_CANCELLED : MIG_FAILED, "the guest was shut off in the meantime");
		break;
	case PROBE_LEFTOVER:
		act_on(m, mig_dest(m), HV_DOM_DESTROY);
		break;
	case PROBE_RESUME_SOURCE:
		act_on(m, mig_source(m), HV_DOM_RESUME);
		break;
	case PROBE_COPYING:
		if (m->abort_wanted)
			act_on(m, mig_source(m), HV_JOB_ABORT);
		else
			again(m);
		break;
	case PROBE_MOVED:
	case PROBE_STALE_SOURCE:
		moved(m);
		break;
	case PROBE_WAIT:
	case PROBE_POSTCOPY_RUN:
	case PROBE_POSTCOPY_BROKEN:
	case PROBE_POSTCOPY_RESUME:
	case PROBE_MEMORY_LOST:
	case PROBE_SPLIT:
	case PROBE_LOST:
	case PROBE_UNDECIDED:
	case PROBE_VERDICT_N:
		g_assert_not_reached();
	}
}

static void act_finish(struct mig *m, enum probe_verdict v)
{
	switch (v) {
	case PROBE_MOVED:
		clean_source(m);
		break;
	case PROBE_STALE_SOURCE:
		act_on(m, mig_source(m), HV_DOM_DESTROY);
		break;
	case PROBE_COPYING:
	case PROBE_STOPPED:
		if (probe_dest_half(m->priv->probe.dest) != PROBE_H_ABSENT) {
			clean_source(m); /* shut off there since; the source's definition is the older one */
			break;
		}
		G_GNUC_FALLTHROUGH;
	case PROBE_NOT_MOVED:
	case PROBE_NOT_MOVED_BLIND:
	case PROBE_LEFTOVER:
	case PROBE_RESUME_SOURCE:
		/* It was seen living at the destination and is not any more: it was moved or stopped by hand. */
		step_end(m, MIG_ERROR, "after the migration the guest was found at the source again");
		break;
	case PROBE_WAIT:
	case PROBE_POSTCOPY_RUN:
	case PROBE_POSTCOPY_BROKEN:
	case PROBE_POSTCOPY_RESUME:
	case PROBE_MEMORY_LOST:
	case PROBE_SPLIT:
	case PROBE_LOST:
	case PROBE_UNDECIDED:
	case PROBE_VERDICT_N:
		g_assert_not_reached();
	}
}

/* Right after a start the destination may only be the slower one to be reached. */
static bool is_too_early(struct mig *m, enum probe_verdict v)
{
	return v == PROBE_NOT_MOVED_BLIND && !fleet_settled(m->priv->engine->fleet);
}

static void act(struct mig *m, enum probe_verdict v)
{
	bool sure = m->priv->settle.repeats + 1 >= SURE_AFTER;

	if (v == PROBE_WAIT || is_too_early(m, v)) {
		again(m);
	} else if (v == PROBE_POSTCOPY_RUN || v == PROBE_POSTCOPY_BROKEN || v == PROBE_POSTCOPY_RESUME) {
		postcopy_recover(m);
	} else if (v == PROBE_SPLIT) {
		if (sure)
			raise_alarm(m);
		else
			again(m);
	} else if (v == PROBE_MEMORY_LOST) {
		if (sure)
			memory_lost(m);
		else
			again(m);
	} else if (v == PROBE_UNDECIDED) {
		if (sure)
			undecided(m);
		else
			again(m);
	} else if (v == PROBE_LOST) {
		if (sure)
			gone(m, "neither host has the guest any more");
		else
			again(m);
	} else if (m->phase == MIG_COPY) {
		act_copy(m, v);
	} else if (m->phase == MIG_UNDO) {
		act_undo(m, v);
	} else {
		act_finish(m, v);
	}
}

static void judge(struct mig *m)
{
	struct mig_private *p = m->priv;
	enum probe_half src = probe_source_half(p->probe.source), dst = probe_dest_half(p->probe.dest);
	enum probe_verdict v = probe_decide(src, dst, p->probe.job);

	p->settle.repeats = v == p->settle.verdict ? p->settle.repeats + 1 : 0;
	p->settle.verdict = v;
	log_debug("migration_probed", LOG_D("migration", m->id), LOG_S("source", probe_half_name(src)), LOG_S("dest", probe_half_name(dst)),
		  LOG_D("job", p->probe.job), LOG_S("verdict", probe_verdict_name(v)));
	act(m, v);
}
