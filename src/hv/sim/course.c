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
 * An abort ends it; while the two hosts are out of touch it leaves SIM_CANCELLED.
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
#include "hv/sim/course.h"

#include <math.h>
#include <string.h>

#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/postcopy.h"
#include "hv/sim/world.h"

#define POSTCOPY_GAP_MS 5
#define HOT_SHARE       0.8
#define THROTTLE_FIRST  20
#define THROTTLE_STEP   10
#define THROTTLE_MAX    99
#define THROTTLE_MS     1000

static void next_part(void *user);

/* ---- rates and time ---- */

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

static double rate_now(const struct sim_job *j)
{
	double rate = MIN(sim_link_share(j->flow.from, true), sim_link_share(j->flow.to, false));

	if (!sim_job_connected(j))
		return 0;
	/* the stop phase and post-copy ignore the limit */
	if (j->cap > 0 && (j->part == SIM_PART_PRECOPY || j->part == SIM_PART_DISKS))
		rate = MIN(rate, j->cap);
	/* disks that both sides write; memory is never starved */
	return j->part == SIM_PART_DISKS ? rate : MAX(rate - sim_job_disk_writes(j), rate / 10);
}

/* Plan the end of the present part; parts that do not flow have planned theirs. */
static void plan(struct sim_job *j)
{
	bool disks = j->part == SIM_PART_DISKS;
	double ms, net;

	if (!sim_job_flows(j))
		return;
	clock_cancel(&j->step);
	j->rate = j->part == SIM_PART_POSTCOPY && !sim_job_plan_postcopy(j) ? 0 : rate_now(j);
	net = disks ? j->rate - sim_job_disk_writes(j) : j->rate;
	if (net <= 0)
		return; /* until something changes */
	ms = isinf(net) ? 0 : ceil((disks ? j->disk_remaining : j->remaining) / net * 1000);
	if (j->part == SIM_PART_SWITCH && !j->instant)
		ms += SIM_SWITCH_MS;
	j->step = clock_world((int64_t)ms, next_part, j);
}

static bool flow_flows(const struct sim_flow *f)
{
	return sim_job_flows((const struct sim_job *)f);
}

static void flow_account(struct sim_flow *f)
{
	sim_job_account((struct sim_job *)f);
}

static void flow_plan(struct sim_flow *f)
{
	plan((struct sim_job *)f);
}

static const struct sim_flow_kind job_flow = { flow_flows, flow_account, flow_plan };

void sim_job_enter(struct sim_job *j, enum sim_part part, int64_t ms)
{
	sim_job_set_part(j, part);
	clock_cancel(&j->step);
	j->step = clock_world(j->instant ? 0 : ms, next_part, j);
}

/* ---- the course of a migration ---- */

struct sim_job *sim_job_begin(struct sim_dom *src, struct sim_dom *dst, const struct hv_migrate_params *p, struct sim_call *call)
{
	struct sim_job *j = g_new0(struct sim_job, 1);

	j->flow = (struct sim_flow){ &job_flow, src->host, dst->host };
	j->w = src->host->w;
	memcpy(j->uuid, src->uuid, sizeof j->uuid);
	j->src = src;
	j->dst = dst;
	j->call = call;
	j->postcopy = p->postcopy;
	j->converge = p->auto_converge;
	j->persist = p->persist_dest;
	if (p->persist_dest)
		j->definition = g_strdup(p->persistent_xml ? p->persistent_xml : sim_definition_of(src));
	j->paused = src->state == HV_PAUSED;
	j->stays_paused = p->stays_paused;
	j->instant = src->host->rate <= 0 && dst->host->rate <= 0;
	j->cap = (double)p->bandwidth_mibs * SIM_MIB;
	j->limit_ms = p->downtime_ms ? p->downtime_ms : SIM_DOWNTIME_MS;
	j->expected_ms = SIM_DOWNTIME_MS;
	j->total = (double)src->mem_mib * SIM_MIB;
	j->disks = sim_disks_begin(src, dst->host, p->copy_disks);
	/* The limit is each disk's, and they are copied at the same time. */
	if (src->carrier && j->disks)
		j->cap *= j->disks->len;
	j->start_ms = j->seen_ms = clock_now_ms();
	src->job = dst->job = j;
	g_ptr_array_add(j->w->jobs, j);
	g_ptr_array_add(j->flow.from->jobs, j);
	g_ptr_array_add(j->flow.to->jobs, j);
	sim_job_enter(j, SIM_PART_START, SIM_START_MS);
	return j;
}

static void emit_iteration(const struct sim_job *j)
{
	struct hv_event ev = { .type = HV_EV_ITERATION, .iteration = j->iteration };

	memcpy(ev.uuid, j->uuid, sizeof ev.uuid);
	sim_emit(j->flow.from, &ev);
}

static void emit_done(const struct sim_job *j)
{
	struct hv_event ev = { .type = HV_EV_JOB_DONE };

	memcpy(ev.uuid, j->uuid, sizeof ev.uuid);
	sim_job_stats(j, &ev.job);
	ev.job.active = false;
	ev.job.downtime_ms = j->downtime_ms;
	sim_emit(j->flow.from, &ev);
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
	sim_job_set_part(j, SIM_PART_PRECOPY);
	j->period_ms = clock_now_ms();
	begin_iteration(j, j->total);
}

static void set_up(struct sim_job *j)
{
	j->setup_ms = j->instant ? 0 : SIM_SETUP_MS;
	if (!j->disks) {
		begin_precopy(j);
		return;
	}
	j->disk_remaining = sim_disks_bytes(j->flow.from, j->disks);
	sim_job_set_part(j, SIM_PART_DISKS);
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
	sim_job_set_part(j, SIM_PART_SWITCH);
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
	struct hv_job *t;

	if (!j->dst)
		return;
	if (!j->dst->completed)
		j->dst->completed = g_new0(struct hv_job, 1);
	t = j->dst->completed;
	sim_job_stats(j, t);
	t->active = t->outgoing = false;
	t->downtime_ms = j->downtime_ms;
	t->disk_total = t->disk_processed = 0; /* the source's to tell */
}

/* The definition goes in the place of one that was there. */
static void persist(struct sim_job *j)
{
	if (j->definition && !j->flow.to->no_persist)
		sim_dom_define(j->dst, g_strdup(j->definition));
}

/* The guest is at the destination, whole. */
static void arrived(struct sim_job *j)
{
	persist(j);
	j->dst->whole = !j->dst->carrier;
	j->src->whole = false;
	if (j->part == SIM_PART_SWITCH)
		sim_disks_arrive(j->src, j->flow.to, j->disks);
	if (j->paused || j->stays_paused)
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
	sim_job_enter(j, SIM_PART_CONFIRM, SIM_CONFIRM_MS);
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
	sim_job_enter(j, SIM_PART_CONFIRM, SIM_CONFIRM_MS);
	sim_job_replan(j);
}

static void begin_postcopy(struct sim_job *j)
{
	sim_job_account(j);
	j->remaining += dirtied(j);
	j->written = 0;
	j->downtime_ms = j->instant ? 0 : POSTCOPY_GAP_MS;
	sim_job_set_part(j, SIM_PART_POSTCOPY);
	sim_job_depart(j);
}

void sim_job_take_postcopy(struct sim_job *j)
{
	if (j->postcopy_asked && j->part == SIM_PART_PRECOPY && rate_now(j) > 0)
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
		sim_job_enter(j, SIM_PART_CONFIRM, SIM_CONFIRM_MS);
		sim_job_replan(j);
	}
}

static void disks_done(struct sim_job *j)
{
	j->disk_processed += j->disk_remaining; /* what rounding has left */
	j->disk_remaining = 0;
	if (j->flow.to->storage->full)
		sim_job_fail(j, "operation failed: migration of disk vda failed: No space left on device");
	else
		begin_precopy(j);
}

static void next_part(void *user)
{
	struct sim_job *j = user;

	j->step = NULL;
	sim_job_account(j);
	switch (j->part) {
	case SIM_PART_START:
		sim_dom_change(j->dst, HV_PAUSED, HV_R_MIGRATION);
		sim_job_enter(j, SIM_PART_SETUP, SIM_SETUP_MS);
		break;
	case SIM_PART_SETUP:
		set_up(j);
		break;
	case SIM_PART_DISKS:
		disks_done(j);
		break;
	case SIM_PART_PRECOPY:
		iteration_done(j);
		break;
	case SIM_PART_SWITCH:
		switch_done(j);
		break;
	case SIM_PART_POSTCOPY:
		postcopy_done(j);
		break;
	case SIM_PART_CONFIRM: case SIM_PART_CANCELLED:
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
