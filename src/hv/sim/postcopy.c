/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: a post-copy of the simulator that breaks. All of it as
 * seen on libvirt 9.0 and QEMU 7.2, see docs/POSTCOPY.md.
 *
 * First the guest's devices travel (.landing). The guest runs nowhere then, and
 * the destination's QEMU ends itself when its connection does. From then on a
 * QEMU that loses its connection waits to be resumed.
 *
 * A cable that is out breaks nothing: TCP tries again, each time after twice as
 * long, so the two find out about as late as the outage was long (.quiet_ms).
 * After a quarter of an hour it tries no more, and each QEMU is told.
 * libvirt tells each QEMU's end of it by itself: the source may say "failed"
 * while memory flows, and the destination, if its libvirtd is a new one, never
 * says so at all (.unwatched).
 *
 * To resume one that hangs, the source's QEMU must give the connection up
 * first (.given_up), and the destination's notice (.noticed).
 */
#include "hv/sim/postcopy.h"

#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/world.h"

#define LANDING_MS   100
#define NOTICE_MS    200
#define TCP_LONGEST_MS 120000 /* between two attempts */
#define TCP_DEAD_MS    924000 /* until it gives up */

void sim_job_touch(struct sim_job *j)
{
	int64_t now = clock_now_ms();

	if (j->part != SIM_PART_POSTCOPY)
		return;
	if (!sim_job_connected(j)) {
		if (!j->silent_ms)
			j->silent_ms = MAX(now, 1);
	} else if (j->silent_ms) {
		j->quiet_ms = now + MIN(now - j->silent_ms, TCP_LONGEST_MS);
		j->silent_ms = 0;
	}
}

/* ---- what the two QEMUs do next ---- */

static void land(struct sim_job *j)
{
	j->landing = false;
	sim_disks_arrive(j->src, j->flow.to, j->disks);
	j->src->whole = false;
	sim_dom_change(j->dst, j->paused ? HV_PAUSED : HV_RUNNING, HV_R_POSTCOPY);
}

void sim_job_detach(struct sim_job *j, const char *why)
{
	j->detached = true;
	sim_over(j->w, g_steal_pointer(&j->call), ERR_HV, why);
}

static void notice(struct sim_job *j)
{
	j->noticed = true;
	if (!j->unwatched)
		sim_dom_change(j->dst, HV_RUNNING, HV_R_POSTCOPY_FAILED);
	sim_job_detach(j, "operation failed: job 'migration in' failed in post-copy phase");
}

/* TCP has given up, at both ends. */
static void dead(void *user)
{
	struct sim_job *j = user;

	j->talk = NULL;
	j->given_up = true;
	sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	if (j->landing) {
		sim_job_postcopy_broke(j);
		sim_job_end(j, "internal error: qemu unexpectedly closed the monitor");
	} else {
		if (!j->noticed)
			notice(j);
		sim_job_replan(j); /* nothing flows any more */
	}
}

static void talked(void *user)
{
	struct sim_job *j = user;

	j->talk = NULL;
	if (clock_now_ms() < j->quiet_ms)
		;
	else if (j->landing)
		land(j);
	else if (j->given_up && !j->noticed)
		notice(j);
	sim_job_replan(j);
}

bool sim_job_plan_postcopy(struct sim_job *j)
{
	int64_t now = clock_now_ms();

	clock_cancel(&j->talk);
	if (!sim_job_connected(j) && j->src && j->dst && j->silent_ms && !j->noticed)
		j->talk = clock_world(MAX(j->silent_ms + TCP_DEAD_MS - now, 0), dead, j);
	if (!sim_job_connected(j))
		return false;
	if (now < j->quiet_ms)
		j->talk = clock_world(j->quiet_ms - now, talked, j);
	else if (j->landing)
		j->talk = clock_world(LANDING_MS, talked, j);
	else if (j->given_up && !j->noticed)
		j->talk = clock_world(NOTICE_MS, talked, j);
	return !j->talk && !j->given_up;
}

void sim_job_depart(struct sim_job *j)
{
	sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY);
	j->landing = !j->instant;
	if (!j->landing)
		land(j);
	sim_job_replan(j);
}

void sim_job_postcopy_broke(struct sim_job *j)
{
	struct sim_dom *dst = j->dst;

	/* The source's memory is whole, but there is no way on from here. */
	if (j->landing && j->src)
		sim_dom_died(j->src);
	if (j->src)
		sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	if (dst && !j->landing) {
		sim_dom_change(dst, HV_RUNNING, HV_R_POSTCOPY_FAILED);
	} else if (dst) {
		sim_job_let_go(&j->dst);
		sim_dom_stop(dst, HV_R_FAILED);
	}
}

/* ---- what a test does behind the controller's back ---- */

static struct sim_job *postcopy_of(struct sim *w, const char *uuid)
{
	for (guint i = 0; i < w->jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(w->jobs, i);

		if (g_str_equal(j->uuid, uuid) && j->part == SIM_PART_POSTCOPY)
			return j;
	}
	return NULL;
}

void sim_job_hang(struct sim *w, const char *uuid)
{
	struct sim_job *j = postcopy_of(w, uuid);

	if (!j)
		return;
	sim_job_account(j);
	j->quiet_ms = clock_now_ms() + TCP_DEAD_MS;
	sim_job_replan(j);
}

void sim_job_reset(struct sim *w, const char *uuid)
{
	struct sim_job *j = postcopy_of(w, uuid);

	if (!j || !j->src || !j->dst)
		return;
	sim_job_account(j);
	clock_cancel(&j->talk);
	clock_cancel(&j->step);
	dead(j);
}

/* ---- what libvirt does ---- */

void sim_job_give_up(struct sim_job *j)
{
	sim_job_account(j);
	j->given_up = true;
	j->quiet_ms = MIN(j->quiet_ms, clock_now_ms() + TCP_LONGEST_MS);
	sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	if (j->landing) {
		sim_violate(j->w, "%s was paused in post-copy before it had landed", j->src->name);
		sim_job_postcopy_broke(j);
		sim_job_end(j, "internal error: qemu unexpectedly closed the monitor: postcopy_ram_listen_thread: loadvm failed: -5");
		return;
	}
	sim_job_replan(j);
}

char *sim_job_resume_says(const struct sim_dom *src, enum err_code *ret_code)
{
	const struct sim_job *j = src->job;

	*ret_code = ERR_CONFLICT;
	if (!j || j->part != SIM_PART_POSTCOPY)
		return g_strdup_printf("Requested operation is not valid: domain '%s' is not in a post-copy migration", src->name);
	*ret_code = ERR_HV;
	if (!sim_job_connected(j))
		return g_strdup_printf("unable to connect to server at '%s:16509': No route to host", j->flow.to->name);
	if (!j->flow.to->libvirtd)
		return g_strdup_printf("unable to connect to server at '%s:16509': Connection refused", j->flow.to->name);
	*ret_code = ERR_CONFLICT;
	if (!j->given_up)
		return g_strdup("Requested operation is not valid: QEMU reports migration is still running");
	if (!j->noticed)
		return g_strdup_printf("Requested operation is not valid: migration of domain %s is being actively monitored by another thread",
				       src->name);
	return NULL;
}

void sim_job_resume(struct sim_job *j, struct sim_call *call)
{
	j->given_up = j->noticed = j->unwatched = j->detached = false;
	j->quiet_ms = 0; /* a new connection */
	j->seen_ms = clock_now_ms();
	j->call = call;
	sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY);
	sim_dom_change(j->dst, HV_RUNNING, HV_R_POSTCOPY);
	sim_job_replan(j);
}
