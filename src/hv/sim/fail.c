/* SPDX-License-Identifier: Apache-2.0
 *
 * What befalls migrations of the simulator: cut cables, dead hosts, dead
 * daemons, dead guests. Each case was seen on libvirt 9.0, but for the two moments
 * in which a daemon's death leaves its domain as it was; those follow from the
 * steps that libvirt records.
 */
#include "hv/sim/fail.h"

#include "hv/sim/course.h"
#include "hv/sim/dom.h"
#include "hv/sim/postcopy.h"
#include "hv/sim/world.h"

static void peer_lost(struct sim_job *j)
{
	static const char why[] = "internal error: client socket is closed";

	if (j->part != SIM_PART_POSTCOPY) {
		sim_job_fail(j, why);
		return;
	}
	if (j->src && j->dst) {
		/* the two QEMUs may find each other again; the destination's libvirtd has not noticed */
		sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY_FAILED);
		sim_job_detach(j, why);
		return;
	}
	sim_job_postcopy_broke(j);
	sim_job_end(j, why);
}

/* The source's QEMU copies disks over a connection of its own, and waits there until the other end answers. */
static void hang(struct sim_job *j)
{
	struct sim_dom *dst = j->dst;

	if (!dst)
		return;
	sim_job_let_go(&j->dst);
	sim_dom_stop(dst, HV_R_FAILED);
}

static void silent_too_long(void *user)
{
	struct sim_job *j = user;

	j->lost = NULL;
	if (sim_job_hangs(j))
		hang(j);
	else
		peer_lost(j);
}

/* The other end answers that it knows nothing of the connection. */
static void refused(void *user)
{
	struct sim_job *j = user;

	j->lost = NULL;
	sim_job_fail(j, "operation failed: migration of disk vda failed: Input/output error");
}

/* They talk again: the destination is told of the end. */
static void told(void *user)
{
	struct sim_job *j = user;

	j->lost = NULL;
	sim_job_fail(j, SIM_CANCELLED);
}

/* Watch the connection between the two: cut, or restored in time. */
static void watch_peer(struct sim_job *j)
{
	bool both = j->src && j->dst;

	sim_job_touch(j);
	if (j->part == SIM_PART_CANCELLED && sim_hosts_connected(j->flow.from, j->flow.to)) {
		clock_cancel(&j->lost);
		j->lost = clock_world(0, told, j);
	} else if (sim_job_hangs(j) && sim_hosts_connected(j->flow.from, j->flow.to)) {
		clock_cancel(&j->lost);
		j->lost = clock_world(0, refused, j);
	} else if (sim_job_connected(j) || j->part == SIM_PART_CONFIRM || (j->detached && both))
		clock_cancel(&j->lost);
	else if (!j->lost)
		j->lost = clock_world(SIM_PEER_LOST_MS, silent_too_long, j);
}

void sim_job_link(struct sim_host *h)
{
	for (guint i = 0; i < h->jobs->len; i++)
		watch_peer(g_ptr_array_index(h->jobs, i));
	sim_link_replan(h);
	for (guint i = 0; i < h->jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(h->jobs, i);

		sim_link_replan(j->flow.from == h ? j->flow.to : j->flow.from);
		sim_job_take_postcopy(j);
	}
}

void sim_job_killed(struct sim_dom *d)
{
	struct sim_job *j = d->job;
	bool is_src = j->src == d;

	sim_job_account(j);
	if (j->part == SIM_PART_CONFIRM && !is_src) {
		sim_job_let_go(&j->dst);
		return;
	}
	sim_job_let_go(is_src ? &j->src : &j->dst);
	if (j->part == SIM_PART_POSTCOPY) {
		sim_job_postcopy_broke(j);
		sim_job_end(j, "operation failed: job failed in post-copy phase");
	} else if (j->part == SIM_PART_CONFIRM) {
		sim_job_end(j, "Requested operation is not valid: domain is not running");
	} else {
		sim_job_fail(j, "Requested operation is not valid: domain is not running");
	}
}

static GPtrArray *jobs_of(const struct sim_host *h)
{
	return g_ptr_array_copy(h->jobs, NULL, NULL);
}

void sim_job_host_off(struct sim_host *h)
{
	g_autoptr(GPtrArray) jobs = jobs_of(h);

	for (guint i = 0; i < jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(jobs, i);
		bool is_src = j->flow.from == h;

		sim_job_account(j);
		sim_job_let_go(is_src ? &j->src : &j->dst);
		if (j->part < SIM_PART_PRECOPY)
			clock_cancel(&j->step); /* there is nothing to wait for but the silence */
		if (is_src && j->part == SIM_PART_CONFIRM)
			sim_job_end(j, "lost");
		else if ((!j->src && !j->dst) || j->detached)
			peer_lost(j);
	}
}

/* Half of the time a daemon that dies in mid-step finds its domain as it was, else it repairs it. */
static bool late_in_part(const struct sim_job *j, int64_t length_ms)
{
	return clock_now_ms() - j->part_ms > length_ms / 2;
}

static void source_libvirtd_off(struct sim_job *j)
{
	struct sim_dom *src = j->src, *dst = j->dst;

	if (j->part == SIM_PART_POSTCOPY) {
		sim_job_detach(j, "lost");
		return;
	}
	if (j->refused) {
		src->repair = late_in_part(j, SIM_CONFIRM_MS) && !j->paused ? SIM_REPAIR_RESUME : SIM_REPAIR_NOTHING;
	} else if (j->part == SIM_PART_CONFIRM && (src->reason == HV_R_POSTCOPY || j->paused)) {
		src->repair = SIM_REPAIR_STOP; /* a paused guest that is not: scenario 108 */
	} else if (j->part == SIM_PART_CONFIRM) {
		src->repair = late_in_part(j, SIM_CONFIRM_MS) ? SIM_REPAIR_STOP : SIM_REPAIR_NOTHING;
	} else {
		/* the destination sees the connection end, and the source's QEMU the destination's */
		sim_job_let_go(&j->dst);
		if (dst)
			sim_dom_stop(dst, HV_R_FAILED);
		src->repair = j->part == SIM_PART_SWITCH && late_in_part(j, SIM_SWITCH_MS) ? SIM_REPAIR_NOTHING : SIM_REPAIR_RESUME;
		if (j->paused)
			src->repair = SIM_REPAIR_NOTHING;
	}
	sim_job_end(j, "lost");
}

void sim_job_libvirtd_off(struct sim_host *h)
{
	static const char why[] = "internal error: client socket is closed";
	g_autoptr(GPtrArray) jobs = jobs_of(h);

	for (guint i = 0; i < jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(jobs, i);

		sim_job_account(j);
		if (j->flow.from == h && j->src) {
			source_libvirtd_off(j);
		} else if (j->part == SIM_PART_POSTCOPY) {
			if (j->src)
				sim_dom_change(j->src, HV_PAUSED, HV_R_POSTCOPY_FAILED);
			j->unwatched = true;
			sim_job_detach(j, why);
		} else if (j->part != SIM_PART_CONFIRM) {
			sim_job_fail(j, why);
		}
	}
}

void sim_job_libvirtd_on(struct sim_host *h)
{
	g_autoptr(GList) all = g_hash_table_get_values(h->doms);

	for (GList *l = all; l; l = l->next) {
		struct sim_dom *d = l->data;
		enum sim_repair repair = d->repair;

		d->repair = SIM_REPAIR_NOTHING;
		if (repair == SIM_REPAIR_STOP && sim_dom_active(d))
			sim_dom_stop(d, HV_R_MIGRATED);
		else if (repair == SIM_REPAIR_RESUME && d->state == HV_PAUSED)
			sim_dom_change(d, HV_RUNNING, HV_R_OTHER);
	}
}

void sim_job_drop(struct sim *w, const char *uuid)
{
	for (guint i = 0; i < w->jobs->len; i++) {
		struct sim_job *j = g_ptr_array_index(w->jobs, i);

		if (!g_str_equal(j->uuid, uuid))
			continue;
		sim_job_end(j, "internal error: client socket is closed");
		return;
	}
	g_error("sim: domain %s has no migration", uuid);
}
