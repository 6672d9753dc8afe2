/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: a post-copy that broke.
 *
 * The guest runs at the destination and part of its memory is at the source:
 * neither half can do without the other, and nothing here destroys, starts or
 * forgets one. docs/POSTCOPY.md has what hosts do; what follows from it:
 *
 *  - A cable that is out breaks nothing by itself. TCP tries again, at most two
 *    minutes after the cable is back, and QEMU goes on, whatever libvirt says
 *    of the two halves. That is the best way out: while memory moves, wait.
 *  - When both halves say that it failed, HV_MIGRATE resumes it, the sooner the
 *    better: a QEMU that waits can come to hang.
 *  - When nothing moves, the same call tells more. It is harmless where nothing
 *    is to be resumed. ERR_CONFLICT means that the two libvirtds can talk and
 *    a QEMU still believes in its connection: if it is so for longer than TCP's
 *    longest pause, that will bring nothing any more, and the source is told to
 *    give it up. Any other answer means that the link is still out.
 *  - The destination must run the guest by then. Before, its QEMU would not
 *    wait, but end.
 *
 * There are no stages: each step follows from what both hosts say now, and a
 * restart only resets the time for which nothing moved.
 */
#include "live/postcopy.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "live/copy.h"
#include "move/call.h"
#include "task/step.h"

#define STALL_MS 10000     /* nothing moves: look closer */
#define GIVE_UP_MS 150000  /* TCP pauses for 120 s at most */
#define LOOK_MS 5000        /* from one look to the next, while the link is out */
#define CALL_MS 60000      /* a call that has brought nothing by then hangs */
#define RETRY_MS 1000
#define RETRY_MAX_MS 60000
#define DOUBLINGS_MAX 6

static const char broken[] = "post-copy broken: waiting for the link";

static bool stalls(const struct mig *m, int64_t ms)
{
	return clock_now_ms() - sending_of(m)->postcopy.moved_ms >= ms;
}

/* ---- the record ---- */

/* Return: false, and nothing is changed, if the database did not take it. */
static bool note(struct mig *m, const char *error, const char *why)
{
	struct step_change c = step_change(m, m->phase, why);

	c.row.error = error;
	return step_write(m, &c);
}

void postcopy_seen(struct mig *m)
{
	struct step_change c;

	if (!sending_of(m)->postcopy.moved_ms)
		sending_of(m)->postcopy.moved_ms = clock_now_ms(); /* a restart counts from zero */
	if (m->postcopy)
		return;
	c = step_change(m, m->phase, "post-copy: the guest goes on at the destination");
	c.row.postcopy = true;
	(void)step_write(m, &c); /* the next to find it writes it again */
}

bool postcopy_is_broken(const struct mig *m)
{
	return g_strcmp0(m->error, broken) == 0;
}

/* The source's libvirt can go on calling broken what the two QEMUs have taken up again by themselves (src/hv/sim/postcopy.c); while it moves it is not. */
static bool only_libvirt_says_so(const struct sending *p)
{
	return p->settle.verdict == PROBE_POSTCOPY_BROKEN && p->postcopy.went_on_ms && clock_now_ms() - p->postcopy.went_on_ms < STALL_MS;
}

static void alarm_broken(struct mig *m)
{
	if (postcopy_is_broken(m) || only_libvirt_says_so(sending_of(m)) || !note(m, broken, broken))
		return;
	sending_of(m)->postcopy.broke = true;
	log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
		  LOG_S("what", probe_verdict_name(sending_of(m)->settle.verdict)), LOG_S("source", m->source), LOG_S("dest", m->dest));
}

static void note_goes_on(struct mig *m)
{
	struct postcopy *pc = &sending_of(m)->postcopy;

	if (postcopy_is_broken(m) || pc->went_on_ms)
		pc->went_on_ms = clock_now_ms();
	if (postcopy_is_broken(m) && note(m, NULL, "post-copy goes on"))
		log_info("postcopy_goes_on", LOG_D("migration", m->id), LOG_S("server", m->server_uuid));
}

/* ---- what moves ---- */

bool postcopy_sample(struct mig *m, const struct hv_job *j)
{
	struct postcopy *pc = &sending_of(m)->postcopy;
	int64_t moved = j->mem_processed - j->mem_remaining;
	bool first = pc->moved_bytes == 0, moves = moved != pc->moved_bytes && !pc->broke;

	if (!m->postcopy)
		return true;
	if (moves && !first) {
		pc->resumes = 0;
		pc->conflict_ms = 0;
		note_goes_on(m);
	}
	/* A host that cannot be reached need not be stuck, and could not be helped. */
	if (moves || !host_connected(mig_dest(m)))
		pc->moved_ms = clock_now_ms();
	pc->moved_bytes = moved;
	pc->broke = false;
	return !stalls(m, STALL_MS) || clock_now_ms() < pc->recover_ms;
}

/* ---- acts ---- */

static void act_log(const struct mig *m, const char *act)
{
	log_info("postcopy_recovery", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", act),
		    LOG_S("source", m->source), LOG_S("dest", m->dest));
}

void postcopy_resumed(struct mig *m, const struct hv_reply *r)
{
	struct postcopy *pc = &sending_of(m)->postcopy;
	int doublings = MIN(pc->resumes, DOUBLINGS_MAX);

	live_of(m)->copy.running = false;
	if (!r->err || err_code(r->err) != ERR_CONFLICT)
		pc->conflict_ms = 0;
	else if (!pc->conflict_ms)
		pc->conflict_ms = clock_now_ms();
	if (r->err) {
		pc->resumes++;
		pc->recover_ms = clock_now_ms() + MIN(RETRY_MS << doublings, RETRY_MAX_MS);
		log_info("postcopy_not_resumed", LOG_D("migration", m->id), LOG_S("error", r->err->message));
	}
}

static enum live_next resume(struct mig *m, live_answer_f *got_resume)
{
	g_autofree char *migrate_uri = host_migrate_uri(mig_dest(m));
	struct hv_req req = { .op = HV_MIGRATE, .uuid = m->server_uuid, .migrate = copy_params(m, migrate_uri) };

	req.timeout_ms = CALL_MS; /* it continues although nothing waits for its end */
	req.migrate.resume = req.migrate.postcopy = true;
	if (sending_of(m)->postcopy.resumes == 0 && !note(m, broken, "resuming the post-copy")) {
		step_later(m, RETRY_MS);
		return LIVE_WAIT;
	}
	act_log(m, "resume");
	sending_of(m)->postcopy.resume_ms = clock_now_ms();
	live_of(m)->copy.running = call_migrate(m, mig_source(m), &req, got_resume);
	return LIVE_WATCH;
}

void postcopy_paused(struct mig *m, const struct hv_reply *r)
{
	if (r->err)
		log_info("postcopy_not_paused", LOG_D("migration", m->id), LOG_S("error", r->err->message));
}

static enum live_next pause_connection(struct mig *m, live_answer_f *got_pause)
{
	struct hv_req req = { .op = HV_POSTCOPY_PAUSE, .uuid = m->server_uuid };
	struct postcopy *pc = &sending_of(m)->postcopy;

	if (!note(m, broken, "nothing moves: giving the post-copy's connection up")) {
		step_later(m, RETRY_MS);
		return LIVE_WAIT;
	}
	act_log(m, "pause");
	pc->moved_ms = clock_now_ms();
	pc->conflict_ms = 0;
	pc->resumes = 0;
	return step_ask(m, mig_source(m), &req, got_pause) ? LIVE_WAIT : LIVE_WATCH;
}

/*
 * Only where the guest runs at the destination: before, its QEMU would end. And
 * only where the two hosts can talk: a call of ours that still runs says so too,
 * its keepalive would have ended it.
 */
static bool may_pause(struct mig *m)
{
	struct live *p = live_of(m);
	enum hv_half src = hv_source_half(p->move.at_source), dst = hv_dest_half(p->move.at_dest);

	if (dst != HV_HALF_POSTCOPY || !stalls(m, GIVE_UP_MS))
		return false;
	if (p->copy.running)
		return src == HV_HALF_POSTCOPY && clock_now_ms() - p->sending->postcopy.resume_ms >= GIVE_UP_MS;
	return p->sending->postcopy.conflict_ms && clock_now_ms() - p->sending->postcopy.conflict_ms >= GIVE_UP_MS;
}

/* libvirt's calls need not end: its source's lock can stay held without end. Another one is then refused, and harmless. */
static void forget_call(struct mig *m)
{
	if (hv_source_half(move_of(m)->at_source) == HV_HALF_BROKEN && stalls(m, CALL_MS))
		live_of(m)->copy.running = false;
}

enum live_next postcopy_recover(struct mig *m, live_answer_f *got_resume, live_answer_f *got_pause)
{
	struct live *p = live_of(m);
	enum hv_half dst = hv_dest_half(p->move.at_dest);
	bool resumable;

	postcopy_seen(m);
	resumable = dst == HV_HALF_BROKEN || (dst == HV_HALF_POSTCOPY && stalls(m, STALL_MS));
	forget_call(m);
	if (p->sending->settle.verdict != PROBE_POSTCOPY_RUN || stalls(m, GIVE_UP_MS))
		alarm_broken(m);
	if (may_pause(m))
		return pause_connection(m, got_pause);
	if (!p->copy.running && resumable && clock_now_ms() >= p->sending->postcopy.recover_ms)
		return resume(m, got_resume);
	p->sending->postcopy.recover_ms = MAX(p->sending->postcopy.recover_ms, clock_now_ms() + LOOK_MS);
	return LIVE_WATCH;
}
