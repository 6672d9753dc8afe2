/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: a running copy, watched.
 *
 * The source is asked for its job every half second. What it says goes into the
 * record, to the convergence policy and to the post-copy's watch (flow.c); here it
 * is looked at for the link, and what is wanted of the job is passed on:
 *
 *	what comes                     what follows
 *	a job                          requests are sent: abort, pause, post-copy; the next poll
 *	no job, a call under way       the next poll; after twenty of them a doubt (settle.c)
 *	no job, no call                a doubt
 *	no answer, a call under way    the next poll: the call's end is an event
 *	the abort is done              a doubt, if its call is not waited for
 *	the pause is done, or refused  refused: sent again, in COPY. UNDO has waited for it, and settles
 *
 * An answer belongs to its phase, but for the pause's: a guest that is paused after
 * the end would stay so.
 *
 * libvirt notices a peer that has gone silent by its keepalive, after half a
 * minute, and until then the guest's record would say that it is being copied.
 * A destination that this program cannot reach either, while no byte moves, is
 * given up at once: the job is aborted at the source, where the guest runs.
 * libvirt's own call comes back later and is not waited for.
 */
#include "live/watch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "task/step.h"

#define POLL_MS 500
#define SLOW_POLL_MS 5000  /* nothing is expected to move */
#define IDLE_POLLS_MAX 20
#define STILL_MS 5000      /* no byte moved for so long */

void watch_begin(struct watch *w)
{
	w->saved_ms = clock_now_ms();
	w->copied_ms = 0;
	w->aborted = false;
	g_clear_pointer(&w->link_down, g_free);
}

void watch_called(struct watch *w)
{
	w->job_seen = false;
	w->job_seen_ms = clock_now_ms();
}

void watch_left(struct watch *w)
{
	w->polling = w->abort_sent = w->force_sent = false;
}

/* Memory and copied disks. While disks are copied, which is first, libvirt says nothing of the memory: all of it remains. */
static int percent(const struct hv_job *j, int64_t memory_bytes)
{
	int64_t mem_total = j->mem_total ? j->mem_total : memory_bytes, mem_left = j->mem_total ? j->mem_remaining : memory_bytes;
	double total = (double)(mem_total + j->disk_total), left = (double)(mem_left + j->disk_remaining);

	return total > 0 ? 100 - (int)(100 * left / total + 0.5) : 0;
}

/* Its first pass tells how fast the guest dirties memory; in later ones it may be slowed down. */
static void note_dirty(struct server *s, const struct mig_progress *p)
{
	if (p->dirty_rate_bps > 0 && (p->iteration <= 2 || !s->dirty_bps))
		s->dirty_bps = p->dirty_rate_bps;
}

void watch_progress(struct mig *m, const struct hv_job *j)
{
	struct mig_progress *p = &m->progress;
	struct server *s = mig_server(m);

	p->mem_total = j->mem_total;
	p->mem_processed = j->mem_processed;
	p->mem_remaining = j->mem_remaining;
	p->disk_total = j->disk_total;
	p->disk_processed = j->disk_processed;
	p->disk_remaining = j->disk_remaining;
	p->bps = j->mem_bps + j->disk_bps;
	p->dirty_rate_bps = j->dirty_rate * j->page_size;
	p->iteration = j->iteration;
	m->updated_us = clock_wall_us();
	if (s) {
		s->progress = percent(j, s->memory_mb << 20);
		note_dirty(s, p);
	}
	if (clock_now_ms() - sending_of(m)->watch.saved_ms >= fleet_conf(m->task->engine->fleet)->live_migration_monitor_interval * 1000) {
		sending_of(m)->watch.saved_ms = clock_now_ms();
		step_save_progress(m);
	}
}

enum live_next watch_aborted(struct mig *m, const struct hv_reply *r)
{
	struct watch *w = &sending_of(m)->watch;

	w->abort_sent = false;
	if (r->err)
		log_info("abort_refused", LOG_D("migration", m->id), LOG_S("error", r->err->message));
	else
		w->aborted = true;
	return !live_of(m)->copy.running || (w->link_down && w->aborted) ? LIVE_SETTLE : LIVE_WAIT;
}

enum live_next watch_paused(struct mig *m, const struct hv_reply *r)
{
	struct watch *w = &sending_of(m)->watch;

	w->pause_awaited = false;
	w->pause_unseen = true;
	if (m->phase == MIG_COPY && r->err) {
		w->force_sent = false; /* the next poll tries again, while the job runs */
		log_info("force_refused", LOG_D("migration", m->id), LOG_S("error", r->err->message));
	}
	return m->phase == MIG_UNDO ? LIVE_SETTLE : LIVE_WAIT; /* the end has waited for this */
}

/* An abort or a pause before libvirt's job exists would miss it: they wait for the first poll that sees it. */
void watch_send_requests(struct mig *m, live_answer_f *got_abort, live_answer_f *got_pause)
{
	struct sending *p = sending_of(m);
	struct hv_req stop = { .op = HV_JOB_ABORT, .uuid = m->server_uuid };
	struct hv_req force = { .op = m->paused_by_us ? HV_DOM_SUSPEND : HV_POSTCOPY, .uuid = m->server_uuid };

	if (m->postcopy)
		return; /* there is no way but forwards */
	if ((m->abort_wanted || p->watch.link_down) && !p->watch.abort_sent)
		p->watch.abort_sent = step_ask(m, mig_source(m), &stop, got_abort);
	else if (m->force_wanted && !p->watch.force_sent && !m->abort_wanted)
		p->watch.force_sent = p->watch.pause_awaited = step_ask_always(m, mig_source(m), &force, got_pause);
}

/* Right after the loop stood, a connection that broke meanwhile says nothing of the link. */
static bool can_be_reached(const struct mig *m)
{
	const struct host *h = mig_dest(m);

	return (h && h->conn == HOST_UP) || !fleet_settled(m->task->engine->fleet);
}

/* Not a user's request, so not stored: after a restart it is decided again. */
static void abort_for_link(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("The link to %s is down: no byte has moved for %d seconds, and the host does not answer", m->dest,
					       STILL_MS / 1000);

	if (step_note(m, m->phase, why, NULL, NULL))
		sending_of(m)->watch.link_down = g_steal_pointer(&why);
}

void watch_link(struct mig *m, const struct hv_job *j)
{
	struct sending *p = sending_of(m);
	int64_t bytes = j->mem_processed + j->disk_processed, now = clock_now_ms();

	if (bytes != p->watch.copied_bytes || !p->watch.copied_ms) {
		p->watch.copied_bytes = bytes;
		p->watch.copied_ms = now;
	} else if (now - p->watch.copied_ms >= STILL_MS && !m->postcopy && !m->abort_wanted && !p->watch.link_down && !can_be_reached(m)) {
		abort_for_link(m);
	}
}

/* ---- the polls ---- */

enum live_next watch_poll(struct mig *m, live_answer_f *got_job)
{
	struct hv_req req = { .op = HV_JOB_GET, .uuid = m->server_uuid };
	struct watch *w = &sending_of(m)->watch;

	w->polling = w->polling || step_ask(m, mig_source(m), &req, got_job);
	if (w->polling)
		return LIVE_WAIT;
	return live_of(m)->copy.running ? LIVE_WATCH : LIVE_SETTLE; /* the call's end, or the host's return, is an event */
}

bool watch_polled(struct mig *m, const struct hv_reply *r)
{
	struct watch *w = &sending_of(m)->watch;

	w->polling = false;
	if (r->err || !r->job.active)
		return false;
	w->idle_polls = 0;
	w->job_seen = true;
	w->job_seen_ms = clock_now_ms();
	return true;
}

enum live_next watch_idle(struct mig *m)
{
	struct watch *w = &sending_of(m)->watch;

	if (live_of(m)->copy.running && ++w->idle_polls < IDLE_POLLS_MAX)
		return LIVE_WATCH;
	w->idle_polls = 0;
	return LIVE_SETTLE;
}

int64_t watch_interval_ms(bool broken)
{
	return broken ? SLOW_POLL_MS : POLL_MS;
}

/* ---- FINISH is over ---- */

void watch_ask_downtime(struct mig *m, live_answer_f *got_downtime)
{
	struct hv_req req = { .op = HV_JOB_DONE, .uuid = m->server_uuid };

	if (!step_ask(m, mig_dest(m), &req, got_downtime))
		step_end(m, MIG_DONE, NULL);
}

void watch_downtime(struct mig *m, const struct hv_reply *r)
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
