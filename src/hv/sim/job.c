/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/job.h"

#include <math.h>
#include <string.h>

#include "hv/sim/define.h"
#include "hv/sim/dom.h"
#include "hv/sim/world.h"

#define INSTANT_BPS (INT64_C(1) << 40) /* what is reported for a copy at once */

/* ---- what it is ---- */

bool sim_job_incoming(const struct sim_dom *d)
{
	return d->job->dst == d;
}

bool sim_job_told(const struct sim_dom *d)
{
	return d->job && (d->job->part != SIM_PART_CANCELLED || sim_job_incoming(d));
}

bool sim_job_flows(const struct sim_job *j)
{
	return j->part == SIM_PART_DISKS || j->part == SIM_PART_PRECOPY || j->part == SIM_PART_SWITCH || j->part == SIM_PART_POSTCOPY;
}

bool sim_job_connected(const struct sim_job *j)
{
	return j->src && j->dst && sim_hosts_connected(j->flow.from, j->flow.to);
}

bool sim_job_hangs(const struct sim_job *j)
{
	return j->src && j->src->carrier && j->part == SIM_PART_DISKS && !sim_job_connected(j);
}

/* ---- rates and time ---- */

static double write_rate(const struct sim_job *j)
{
	if (!j->src || j->src->state != HV_RUNNING || j->part != SIM_PART_PRECOPY)
		return 0;
	return j->src->dirty * (100 - j->throttle) / 100;
}

double sim_job_disk_writes(const struct sim_job *j)
{
	return j->disks && j->src && j->src->state == HV_RUNNING ? j->src->disk_dirty : 0;
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
	if (!j->paused && j->part < SIM_PART_CONFIRM && !runs(j->src) && !runs(j->dst))
		j->blackout_ms += ms;
	if (j->part == SIM_PART_PRECOPY && runs(j->src))
		j->slowed_ms += (double)ms * j->throttle / 100;
	if (j->part == SIM_PART_POSTCOPY)
		j->postcopy_ms += ms;
}

void sim_job_account(struct sim_job *j)
{
	int64_t now = clock_now_ms();
	double s = (double)(now - j->seen_ms) / 1000;

	if (j->part == SIM_PART_DISKS) {
		j->disk_remaining += sim_job_disk_writes(j) * s;
		flow(&j->disk_remaining, &j->disk_processed, j->rate, s);
	} else if (sim_job_flows(j)) {
		flow(&j->remaining, &j->processed, j->rate, s);
		j->disk_processed += sim_job_disk_writes(j) * s;
	}
	j->written += write_rate(j) * s;
	note_cost(j, now - j->seen_ms);
	j->seen_ms = now;
}

void sim_job_replan(struct sim_job *j)
{
	sim_job_account(j);
	j->flow.kind->plan(&j->flow);
	if (j->flow.from->rate > 0)
		sim_link_replan(j->flow.from);
	if (j->flow.to->rate > 0)
		sim_link_replan(j->flow.to);
}

void sim_job_set_part(struct sim_job *j, enum sim_part part)
{
	j->part = part;
	j->part_ms = clock_now_ms();
}

/* ---- ends ---- */

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
	g_ptr_array_remove(j->w->jobs, j);
	g_ptr_array_remove(j->flow.from->jobs, j);
	g_ptr_array_remove(j->flow.to->jobs, j);
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
	struct sim *w = j->w;
	struct sim_call *sc = j->call;
	struct sim_host *src = j->flow.from, *dst = j->flow.to;

	keep_report(j, !why);
	sim_job_free(j);
	sim_link_replan(src);
	sim_link_replan(dst);
	sim_over(w, sc, ERR_HV, why);
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
	/* libvirt's answer is that it was done */
	if (sim_job_hangs(j))
		return;
	if (sim_hosts_connected(j->flow.from, j->flow.to)) {
		sim_job_fail(j, SIM_CANCELLED);
		return;
	}
	sim_job_account(j);
	clock_cancel(&j->step);
	run_on(j);
	sim_job_set_part(j, SIM_PART_CANCELLED);
	sim_job_replan(j);
}

/* ---- what is told of it ---- */

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
	if (j->part == SIM_PART_DISKS) {
		out->downtime_ms = 0; /* not told yet */
		out->disk_bps = reported_rate(j);
	}
	if (j->part < SIM_PART_PRECOPY)
		return;
	out->mem_total = (int64_t)j->total;
	out->mem_processed = (int64_t)j->processed;
	out->mem_remaining = (int64_t)j->remaining;
	out->mem_bps = reported_rate(j);
	out->dirty_rate = (int64_t)(j->dirty_bps / SIM_PAGE);
}
