/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: the running copy.
 *
 * boot_flag.c sees to autostart, copy.c makes libvirt's call, watch.c looks at its job, settle.c finds out after
 * a doubt what has become of the guest, postcopy.c mends a post-copy. None of them
 * calls another: a step asks a host or judges an answer, and returns what is next
 * (next.h). go_on() does it. Every answer, event and timer of COPY, FINISH and UNDO
 * comes in here:
 *
 *	in which phase  what comes                        next
 *	COPY            the autostart flag is off         libvirt's call; settle, if it was refused
 *	COPY            libvirt's call ended              settle
 *	COPY            the job's counters                watch, or settle: nothing moves in a post-copy
 *	COPY            no job                            watch; settle, if there is no call or it is so for long
 *	COPY            the abort was answered            settle, if there is no call or its end is not awaited
 *	COPY, UNDO      the pause was answered            settle in UNDO, which has waited for it
 *	any             both hosts have answered          judge: the verdict's row in settle.c
 *	any             an act was answered               settle; again, if it was refused
 *	any             the post-copy's call was answered settle
 *	FINISH          how long the guest stood still    the end
 *	any             an event for the domain           settle, if no call is under way
 *	any             the timer                         watch: poll; else the phase is entered, which settles
 *
 * A change of phase drops the answers that are awaited, but for the pause's.
 */
#include "live/flow.h"

#include "base/clock.h"
#include "live/boot_flag.h"
#include "live/copy.h"
#include "live/postcopy.h"
#include "live/settle.h"
#include "live/tune.h"
#include "live/watch.h"
#include "task/step.h"

static void go_on(struct mig *m, enum live_next next);

/* ---- answers ---- */

static void got_migrate(struct mig *m, struct hv_reply *r)
{
	copy_ended(m, r);
	go_on(m, LIVE_SETTLE);
}

static void got_flag(struct mig *m, struct hv_reply *r)
{
	go_on(m, boot_flag_taken(m, r));
}

static void got_abort(struct mig *m, struct hv_reply *r)
{
	go_on(m, watch_aborted(m, r));
}

static void got_pause(struct mig *m, struct hv_reply *r)
{
	go_on(m, watch_paused(m, r));
}

/* A sample: the record first, then what is to be done about it, and the hosts last. */
static enum live_next sampled(struct mig *m, const struct hv_job *j)
{
	watch_progress(m, j);
	tune_sample(m, j);
	watch_link(m, j);
	watch_send_requests(m, got_abort, got_pause);
	return postcopy_sample(m, j) ? LIVE_WATCH : LIVE_SETTLE;
}

static void got_job(struct mig *m, struct hv_reply *r)
{
	go_on(m, watch_polled(m, r) ? sampled(m, &r->job) : watch_idle(m));
}

static void got_source(struct mig *m, struct hv_reply *r)
{
	go_on(m, settle_source(m, r));
}

static void got_dest(struct mig *m, struct hv_reply *r)
{
	go_on(m, settle_dest(m, r));
}

static void got_act(struct mig *m, struct hv_reply *r)
{
	go_on(m, settle_acted(m, r));
}

static void got_resume(struct mig *m, struct hv_reply *r)
{
	postcopy_resumed(m, r);
	go_on(m, LIVE_SETTLE);
}

static void got_postcopy_pause(struct mig *m, struct hv_reply *r)
{
	postcopy_paused(m, r);
	go_on(m, LIVE_SETTLE);
}

static void got_downtime(struct mig *m, struct hv_reply *r)
{
	watch_downtime(m, r);
}

/* ---- what is next ---- */

static void poll_fired(void *user)
{
	struct mig *m = user;

	m->task->timer = NULL;
	go_on(m, LIVE_POLL);
}

static void poll_later(struct mig *m)
{
	clock_cancel(&m->task->timer);
	m->task->timer = clock_after(watch_interval_ms(postcopy_is_broken(m)), poll_fired, m);
}

static enum live_next call(struct mig *m)
{
	if (!copy_call(m, got_migrate))
		return LIVE_SETTLE; /* it was connected a moment ago; the row says COPY, so this is a doubt like any other */
	watch_called(&sending_of(m)->watch);
	return LIVE_WATCH;
}

static void go_on(struct mig *m, enum live_next next)
{
	while (next != LIVE_WAIT) {
		switch (next) {
		case LIVE_WATCH:
			poll_later(m);
			return;
		case LIVE_POLL:
			next = watch_poll(m, got_job);
			break;
		case LIVE_SETTLE:
			next = settle_ask(m, got_source, got_dest);
			break;
		case LIVE_JUDGE:
			next = settle_judge(m);
			break;
		case LIVE_AGAIN:
			step_later(m, settle_again_ms(m));
			return;
		case LIVE_ACT:
			next = settle_act(m, got_act);
			break;
		case LIVE_RECOVER:
			next = postcopy_recover(m, got_resume, got_postcopy_pause);
			break;
		case LIVE_CALL:
			next = call(m);
			break;
		case LIVE_DOWNTIME:
			watch_ask_downtime(m, got_downtime);
			return;
		case LIVE_ENTER:
			step_enter(m);
			return;
		case LIVE_WAIT:
		case LIVE_NEXT_N:
			g_assert_not_reached();
		}
	}
}

/* ---- entrances ---- */

static void make_sending(struct mig *m)
{
	if (!sending_of(m))
		live_of(m)->sending = g_new0(struct sending, 1);
}

void flow_copy(struct mig *m)
{
	struct sending *p;

	make_sending(m);
	p = sending_of(m);
	tune_begin(&p->tune);
	watch_begin(&p->watch);
	settle_begin(&p->settle);
	go_on(m, boot_flag_take(m, got_flag));
}

void flow_settle(struct mig *m)
{
	make_sending(m);
	go_on(m, LIVE_SETTLE);
}

void flow_poll(struct mig *m)
{
	make_sending(m);
	go_on(m, LIVE_POLL);
}

void flow_event(struct mig *m, const struct hv_event *ev)
{
	bool copying = m->phase == MIG_COPY;

	make_sending(m);
	if (copying && ev->type == HV_EV_JOB_DONE && g_strcmp0(ev->host, m->source) == 0)
		watch_progress(m, &ev->job);
	if (copying && ev->type == HV_EV_DOM && ev->reason == HV_R_POSTCOPY)
		postcopy_seen(m);
	/* A call under way tells its end by itself; without one the hosts' events do. */
	if (ev->type == HV_EV_DOM && !live_of(m)->copy.running)
		go_on(m, LIVE_SETTLE);
}
