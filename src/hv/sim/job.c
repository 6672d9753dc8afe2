/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * A migration of the simulator is a fluid: bytes remain, flow at a rate, and
 * while they flow the guest dirties others. Nothing is computed in small steps;
 * the end of the present part is planned on the clock, and replanned when a
 * rate changes (another flow on the link, a cable, a tuned limit).
 *
 *	START -> SETUP -> [DISKS] -> PRECOPY (iterations) -> SWITCH -> CONFIRM -> gone
 *	                                \-> POSTCOPY ----------------/
 *
 * An abort ends it; while the two hosts are out of touch it leaves CANCELLED.
 *
 * What an iteration dirtied: the guest writes at a rate to random places, four
 * fifths of it within its hot set; n bytes written to random places of a set of
 * size s dirty s * (1 - exp(-n / s)) of it. The switch-over comes when that can
 * be sent within the permitted downtime.
 *
 * Disks that are copied go first. What the guest writes to them meanwhile comes
 * on top; from then on each write goes to both sides, before the memory's bytes.
 *
 * A link's rate is shared evenly between the flows on it, each way by itself.
 *
 * Both halves point to the job while it lives. A half is NULL when its host
 * died; the remaining one finds out when the connection has been silent too long.
 * In post-copy QEMU goes on without libvirt (.detached): when it is done the
 * source is shut off, but stays defined. More of it in postcopy.c.
 */
#include <math.h>
#include <string.h>

#include "hv/sim/int.h"
#include "hv/sim/job.h"
#include "hv/sim/sim.h"

#define POSTCOPY_GAP_MS 5
#define HOT_SHARE       0.8
#define THROTTLE_FIRST  20
#define THROTTLE_STEP   10
#define THROTTLE_MAX    99
#define THROTTLE_MS     1000
#define INSTANT_BPS     (INT64_C(1) << 40) /* what is reported for a copy at once */

static void next_part(void *user);

bool sim_job_incoming(const struct sim_dom *d)
{
	return d->job->dst == d;
}

bool sim_job_told(const struct sim_dom *d)
{
	return d->job && (d->job->part != PART_CANCELLED || sim_job_incoming(d));
}

static bool flows(const struct sim_job *j)
{
	return j->part == PART_DISKS || j->part == PART_PRECOPY || j->part == PART_SWITCH || j->part == PART_POSTCOPY;
}

/* ---- rates and time ---- */

static double write_rate(const struct sim_job *j)
{
	if (!j->src || j->src->state != HV_RUNNING || j->part != PART_PRECOPY)
		return 0;
	return j->src->dirty * (100 - j->throttle) / 100;
}

/* To disks that are copied. */
static double disk_write_rate(const struct sim_job *j)
{
	return j->disks && j->src && j->src->state == HV_RUNNING ? j->src->disk_dirty : 0;
}

static double spread(double written, double set)
{
	return set > 0 ? set * -expm1(-written / set) : 0;
}

static double dirtied(const struct sim_job *j)
{
	const struct sim_dom *d = j->src ? j->src : j->dst;
	double cold = d->working - d->hot;

	if (cold <= 0)
		return spread(j->written, d->hot);
	return spread(j->written * HOT_SHARE, d->hot) + spread(j->written * (1 - HOT_SHARE), cold);
}

static void flow(double *remaining, double *processed, double rate, double s)
{
	double sent = isinf(rate) ? *remaining : MIN(*remaining, rate * s);

	*remaining -= sent;
	*processed += sent;
}

static bool runs(const struct sim_dom *half)
{
	return half && half->state == HV_RUNNING;
}

static void note_cost(struct sim_job *j, int64_t ms)
{
	if (!j->paused && j->part < PART_CONFIRM && !runs(j->src) && !runs(j->dst))
		j->blackout_ms += ms;
	if (j->part == PART_PRECOPY && runs(j->src))
		j->slowed_ms += (double)ms * j->throttle / 100;
	if (j->part == PART_POSTCOPY)
		j->postcopy_ms += ms;
}

void sim_job_account(struct sim_job *j)
{
	int64_t now = clock_now_ms();
	double s = (double)(now - j->seen_ms) / 1000;

	if (j->part == PART_DISKS) {
		j->disk_remaining += disk_write_rate(j) * s;
		flow(&j->disk_remaining, &j->disk_processed, j->rate, s);
	} else if (flows(j)) {
		flow(&j->remaining, &j->processed, j->rate, s);
		j->disk_processed += disk_write_rate(j) * s;
	}
	j->written += write_rate(j) * s;
	note_cost(j, now - j->seen_ms);
	j->seen_ms = now;
}

/* How many flows share this direction of a host's link. */
static int sharers(const struct sim_host *h, bool out)
{
	int n = 0;

	for (guint i = 0; i < h->jobs->len; i++) {
		const struct sim_job *j = g_ptr_array_index(h->jobs, i);

		n += flows(j) && (out ? j->src_host : j->dst_host) == h;
	}
	return n + sim_copy_flows(h, out);
}

double sim_job_share(const struct sim_host *h, bool out)
{
	return h->rate > 0 ? h->rate / MAX(sharers(h, out), 1) : INFINITY;
}

static double rate_now(const struct sim_job *j)
{
	double rate = MIN(sim_job_share(j->src_host, true), sim_job_share(j->dst_host, false));

	if (!sim_job_connected(j))
		return 0;
	/* the stop phase and post-copy ignore the limit */
	if (j->cap > 0 && (j->part == PART_PRECOPY || j->part == PART_DISKS))
		rate = MIN(rate, j->cap);
	/* disks that both sides write; memory is never starved */
	return j->part == PART_DISKS ? rate : MAX(rate - disk_write_rate(j), rate / 10);
}

/* Plan the end of the present part; parts that do not flow have planned theirs. */
static void plan(struct sim_job *j)
{
	bool disks = j->part == PART_DISKS;
	double ms, net;

	if (!flows(j))
		return;
	clock_cancel(&j->step);
	j->rate = j->part == PART_POSTCOPY && !sim_job_plan_postcopy(j) ? 0 : rate_now(j);
	net = disks ? j->rate - disk_write_rate(j) : j->rate;
	if (net <= 0)
		return; /* until something changes */
	ms = isinf(net) ? 0 : ceil((disks ? j->disk_remaining : j->remaining) / net * 1000);
	if (j->part == PART_SWITCH && !j->instant)
		ms += SWITCH_MS;
	j->step = clock_world((int64_t)ms, next_part, j);
}

void sim_job_replan_host(struct sim_host *h)
{
	for (guint i = 0; i < h->jobs->len; i++)
		sim_job_account(g_ptr_array_index(h->jobs, i));
	for (guint i = 0; i < h->jobs->len; i++)
		plan(g_ptr_array_index(h->jobs, i));
	sim_copy_replan_host(h);
}

void sim_job_replan(struct sim_job *j)
{
	sim_job_account(j);
	plan(j);
	if (j->src_host->rate > 0)
		sim_job_replan_host(j->src_host);
	if (j->dst_host->rate > 0)
		sim_job_replan_host(j->dst_host);
}

static void enter(struct sim_job *j, enum part part)
{
	j->part = part;
	j->part_ms = clock_now_ms();
}

void sim_job_enter(struct sim_job *j, enum part part, int64_t ms)
{
	enter(j, part);
	clock_cancel(&j->step);
	j->step = clock_world(j->instant ? 0 : ms, next_part, j);
}

/* ---- ends ---- */

void sim_job_forget(struct sim_call *sc)
{
	if (sc->job)
		sc->job->call = NULL;
	sc->job = NULL;
}

void sim_job_let_go(struct sim_dom **half)
{
	struct sim_dom *d = g_steal_pointer(half);

	if (!d)
		return;
	d->job = NULL;
	sim_dom_unlock(d);
}

void sim_job_free(struct sim_job *j)
{
	if (!j)
		return;
	clock_cancel(&j->step);
	clock_cancel(&j->lost);
	clock_cancel(&j->talk);
	sim_job_let_go(&j->src);
	sim_job_let_go(&j->dst);
	if (j->call)
		j->call->job = NULL;
	g_ptr_array_remove(j->w->jobs, j);
	g_ptr_array_remove(j->src_host->jobs, j);
	g_ptr_array_remove(j->dst_host->jobs, j);
	if (j->disks)
		g_ptr_array_unref(j->disks);
	g_free(j->definition);
	g_free(j);
}

static struct sim_job_report report(struct sim_job *j)
{
	sim_job_account(j);
	return (struct sim_job_report){
		.total_ms = clock_now_ms() - j->start_ms,
		.blackout_ms = MAX(j->blackout_ms, j->downtime_ms),
		.slowed_ms = (int64_t)j->slowed_ms,
		.postcopy_ms = j->postcopy_ms,
		.sent_bytes = (int64_t)(j->processed + j->disk_processed),
		.iterations = j->iteration,
		.throttle = j->throttle,
	};
}

bool sim_job_report(struct sim *w, const char *uuid, struct sim_job_report *ret)
{
	const struct sim_job_report *old = g_hash_table_lookup(w->reports, uuid);

	for (guint i = 0; i < w->jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(w->jobs, i);

		if (!g_str_equal(j->uuid, uuid))
			continue;
		*ret = report(j);
		return true;
	}
	if (old)
		*ret = *old;
	return old != NULL;
}

static void keep_report(struct sim_job *j, bool completed)
{
	struct sim_job_report r = report(j);

	r.ended = true;
	r.completed = completed;
	g_hash_table_replace(j->w->reports, g_strdup(j->uuid), g_memdup2(&r, sizeof r));
}

void sim_job_end(struct sim_job *j, const char *why)
{
	struct sim_call *sc = j->call;
	struct sim_host *src = j->src_host, *dst = j->dst_host;

	keep_report(j, !why);
	sim_job_free(j);
	sim_job_replan_host(src);
	sim_job_replan_host(dst);
	if (sc && why)
		sim_call_refuse(sc, ERR_HV, "%s", why);
	else if (sc)
		sim_call_finish(sc);
}

/* The source, if it was stopped for the switch-over. */
static void run_on(struct sim_job *j)
{
	struct sim_dom *src = j->src;

	if (src && src->state == HV_PAUSED && src->reason == HV_R_MIGRATION && !j->paused)
		sim_dom_change(src, HV_RUNNING, HV_R_OTHER);
}

void sim_job_fail(struct sim_job *j, const char *why)
{
	struct sim_dom *dst = j->dst;

	sim_job_account(j);
	if (dst) {
		sim_job_let_go(&j->dst);
		sim_dom_stop(dst, HV_R_FAILED);
	}
	run_on(j);
	sim_job_end(j, why);
}

void sim_job_cancel(struct sim_job *j)
{
	if (sim_hosts_connected(j->src_host, j->dst_host)) {
		sim_job_fail(j, CANCELLED);
		return;
	}
	sim_job_account(j);
	clock_cancel(&j->step);
	run_on(j);
	enter(j, PART_CANCELLED);
	sim_job_replan(j);
}

/* ---- the course of a migration ---- */

static int64_t reported_rate(const struct sim_job *j)
{
	return isinf(j->rate) ? INSTANT_BPS : (int64_t)j->rate;
}

void sim_job_stats(const struct sim_job *j, struct hv_job *out)
{
	*out = (struct hv_job){
		.active = true,
		.outgoing = true,
		.elapsed_ms = clock_now_ms() - j->start_ms,
		.downtime_ms = j->expected_ms,
		.setup_ms = j->setup_ms,
		.page_size = SIM_PAGE,
		.iteration = j->iteration,
		.throttle = j->throttle,
		.postcopy_requests = j->requests,
	};
	out->disk_total = (int64_t)j->disk_processed + (int64_t)j->disk_remaining;
	out->disk_processed = (int64_t)j->disk_processed;
	out->disk_remaining = (int64_t)j->disk_remaining;
	if (j->part == PART_DISKS) {
		out->downtime_ms = 0; /* not told yet */
		out->disk_bps = reported_rate(j);
	}
	if (j->part < PART_PRECOPY)
		return;
	out->mem_total = (int64_t)j->total;
	out->mem_processed = (int64_t)j->processed;
	out->mem_remaining = (int64_t)j->remaining;
	out->mem_bps = reported_rate(j);
	out->dirty_rate = (int64_t)(j->dirty_bps / SIM_PAGE);
}

static void emit_iteration(const struct sim_job *j)
{
	struct hv_event ev = { .type = HV_EV_ITERATION, .iteration = j->iteration };

	memcpy(ev.uuid, j->uuid, sizeof ev.uuid);
	sim_emit(j->src_host, &ev);
}

static void emit_done(const struct sim_job *j)
{
	struct hv_event ev = { .type = HV_EV_JOB_DONE };

	memcpy(ev.uuid, j->uuid, sizeof ev.uuid);
	sim_job_stats(j, &ev.job);
	ev.job.active = false;
	ev.job.downtime_ms = j->downtime_ms;
	sim_emit(j->src_host, &ev);
}

static void begin_iteration(struct sim_job *j, double bytes)
{
	j->iteration++;
	j->remaining = j->iter_size = bytes;
	j->written = 0;
	j->iter_ms = clock_now_ms();
	emit_iteration(j);
	sim_job_replan(j);
}

static void begin_precopy(struct sim_job *j)
{
	enter(j, PART_PRECOPY);
	j->period_ms = clock_now_ms();
	begin_iteration(j, j->total);
}

static void set_up(struct sim_job *j)
{
	j->setup_ms = j->instant ? 0 : SETUP_MS;
	if (!j->disks) {
		begin_precopy(j);
		return;
	}
	j->disk_remaining = sim_disks_bytes(j->src_host, j->disks);
	enter(j, PART_DISKS);
	sim_job_replan(j);
}

/* QEMU's rule (ram.c, migration_trigger_throttle): in two periods, of more than a second, more than half as much dirtied as sent. */
static void converge(struct sim_job *j, double dirty)
{
	double sent = j->period_sent + j->iter_size;
	int64_t now = clock_now_ms();

	j->period_sent = sent;
	j->period_dirty += dirty;
	if (!j->converge || now - j->period_ms <= THROTTLE_MS)
		return;
	dirty = j->period_dirty;
	j->period_sent = j->period_dirty = 0;
	j->period_ms = now;
	if (dirty <= sent / 2 || ++j->high < 2)
		return;
	j->high = 0;
	j->throttle = j->throttle ? MIN(j->throttle + THROTTLE_STEP, THROTTLE_MAX) : THROTTLE_FIRST;
}

static void begin_switch(struct sim_job *j, double dirty)
{
	j->remaining = dirty;
	j->written = 0;
	enter(j, PART_SWITCH);
	if (j->src->state == HV_RUNNING)
		sim_dom_change(j->src, HV_PAUSED, HV_R_MIGRATION);
	sim_job_replan(j);
}

static void iteration_done(struct sim_job *j)
{
	double dirty, s = (double)(clock_now_ms() - j->iter_ms) / 1000;

	j->processed += j->remaining; /* what rounding to milliseconds has left */
	j->remaining = 0;
	dirty = dirtied(j);
	j->dirty_bps = s > 0 ? dirty / s : 0;
	j->expected_ms = isinf(j->rate) ? 0 : (int64_t)(dirty / j->rate * 1000);
	converge(j, dirty);
	if (j->expected_ms <= j->limit_ms)
		begin_switch(j, dirty);
	else
		begin_iteration(j, dirty);
}

static void keep_stats(struct sim_job *j)
{
	if (!j->dst)
		return;
	sim_job_stats(j, &j->dst->completed);
	j->dst->completed.active = j->dst->completed.outgoing = false;
	j->dst->completed.downtime_ms = j->downtime_ms;
	j->dst->completed.disk_total = j->dst->completed.disk_processed = 0; /* the source's to tell */
	j->dst->has_completed = true;
}

/* The definition goes in the place of one that was there. */
static void persist(struct sim_job *j)
{
	if (j->definition && !j->dst_host->no_persist)
		sim_dom_define(j->dst, g_strdup(j->definition));
}

/* The guest is at the destination, whole. */
static void arrived(struct sim_job *j)
{
	persist(j);
	j->dst->whole = true;
	j->src->whole = false;
	if (j->part == PART_SWITCH)
		sim_disks_arrive(j->src_host, j->dst_host, j->disks);
	if (j->paused)
		sim_dom_change(j->dst, HV_PAUSED, HV_R_USER);
	else
		sim_dom_change(j->dst, HV_RUNNING, HV_R_MIGRATED);
}

/* The definition is written, and then QEMU cannot go on. The source hears of it a moment later. */
static void start_failed(struct sim_job *j)
{
	struct sim_dom *dst = j->dst;

	persist(j);
	sim_job_let_go(&j->dst);
	sim_dom_stop(dst, HV_R_FAILED);
	j->refused = true;
	sim_job_enter(j, PART_CONFIRM, CONFIRM_MS);
	sim_job_replan(j);
}

static void switch_done(struct sim_job *j)
{
	j->processed += j->remaining;
	j->remaining = 0;
	if (j->dst->no_start) {
		start_failed(j);
		return;
	}
	j->downtime_ms = clock_now_ms() - j->part_ms;
	arrived(j);
	keep_stats(j);
	sim_job_enter(j, PART_CONFIRM, CONFIRM_MS);
	sim_job_replan(j);
}

static void begin_postcopy(struct sim_job *j)
{
	sim_job_account(j);
	j->remaining += dirtied(j);
	j->written = 0;
	j->downtime_ms = j->instant ? 0 : POSTCOPY_GAP_MS;
	enter(j, PART_POSTCOPY);
	sim_job_depart(j);
}

void sim_job_take_postcopy(struct sim_job *j)
{
	if (j->postcopy_asked && j->part == PART_PRECOPY && rate_now(j) > 0)
		begin_postcopy(j);
}

static void stop_source(struct sim_job *j)
{
	struct sim_dom *src = j->src;
	bool persistent = src->persistent;

	src->persistent = true; /* the domain goes below, after the events */
	sim_dom_stop(src, HV_R_MIGRATED);
	emit_done(j);
	src->persistent = persistent;
	sim_job_let_go(&j->src);
	if (persistent && !j->detached && j->persist) {
		sim_dom_put(src, HV_ABSENT);
		sim_emit_dom(src);
		sim_dom_define(src, NULL);
	}
	if (!src->persistent)
		sim_dom_drop(src);
}

static void postcopy_done(struct sim_job *j)
{
	j->processed += j->remaining;
	j->remaining = 0;
	arrived(j);
	keep_stats(j);
	if (j->detached) {
		stop_source(j);
		sim_job_end(j, NULL);
	} else {
		sim_job_enter(j, PART_CONFIRM, CONFIRM_MS);
		sim_job_replan(j);
	}
}

static void next_part(void *user)
{
	struct sim_job *j = user;

	j->step = NULL;
	sim_job_account(j);
	switch (j->part) {
	case PART_START:
		sim_dom_change(j->dst, HV_PAUSED, HV_R_MIGRATION);
		sim_job_enter(j, PART_SETUP, SETUP_MS);
		break;
	case PART_SETUP:
		set_up(j);
		break;
	case PART_DISKS:
		j->disk_processed += j->disk_remaining; /* what rounding has left */
		j->disk_remaining = 0;
		begin_precopy(j);
		break;
	case PART_PRECOPY:
		iteration_done(j);
		break;
	case PART_SWITCH:
		switch_done(j);
		break;
	case PART_POSTCOPY:
		postcopy_done(j);
		break;
	case PART_CONFIRM: case PART_CANCELLED:
	default:
		if (j->refused) {
			sim_job_fail(j, "internal error: unable to execute QEMU command 'cont': Failed to get \"write\" lock");
			break;
		}
		stop_source(j);
		sim_job_end(j, NULL);
		break;
	}
}
