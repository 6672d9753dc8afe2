/* SPDX-License-Identifier: Apache-2.0
 *
 * A libvirtd that dies while it starts a domain finds it half-made and stops it;
 * one that dies while it saves one lets it run on, and drops the image.
 */
#include "hv/sim/power.h"

#include <string.h>

#include "hv/sim/carrier.h"
#include "hv/sim/dom.h"
#include "hv/sim/effort.h"
#include "hv/sim/fail.h"
#include "hv/sim/world.h"

#define START_MS   100
#define ENDING_MS  50  /* from the guest's last instruction until its process has ended */
#define IMAGE_MIBS 500 /* a managed save image is written and read, a second */

static void emit(const struct sim_dom *d, enum hv_event_type type)
{
	struct hv_event ev = { .type = type };

	memcpy(ev.uuid, d->uuid, sizeof ev.uuid);
	sim_emit(d->host, &ev);
}

static int64_t image_ms(const struct sim_dom *d)
{
	return d->mem_mib * 1000 / IMAGE_MIBS;
}

/* ---- start ---- */

/* QEMU's locks reach as far as its storage: another process has the disks. */
static bool is_locked(const struct sim_dom *d)
{
	const GPtrArray *copies = g_hash_table_lookup(d->host->w->copies, d->uuid);

	for (guint i = 0; d->host->locks && i < copies->len; i++) {
		const struct sim_dom *o = g_ptr_array_index(copies, i);

		if (o != d && o->host->on && o->host->locks && o->host->storage == d->host->storage && sim_dom_active(o))
			return true;
	}
	return false;
}

static void started(void *user)
{
	struct sim_dom *d = user;
	bool from_image = d->kept.managed_save;

	d->effort_end = NULL;
	if (d->no_start || sim_carrier_keeps(d) || is_locked(d)) {
		struct sim_call *call = g_steal_pointer(&d->effort_call);
		struct sim *w = d->host->w;

		sim_dom_stop(d, HV_R_FAILED);
		sim_over(w, call, ERR_HV_LOCKED, "internal error: process exited while connecting to monitor: Failed to get \"write\" lock");
		return;
	}
	if (!d->stays_paused && sim_dom_other_copy(d, false, true))
		sim_violate(d->host->w, "%s was started on %s, and its memory is elsewhere", d->name, d->host->name);
	d->whole = true;
	d->kept.managed_save = false;
	d->started_ms = clock_now_ms() - (from_image ? d->boot_ms : 0);
	if (d->stays_paused)
		sim_dom_change(d, HV_PAUSED, HV_R_USER);
	else
		sim_dom_change(d, HV_RUNNING, HV_R_OTHER);
	sim_effort_end(d, NULL);
}

void sim_power_start(struct sim_dom *d, bool paused, struct sim_call *call)
{
	d->stays_paused = paused || (d->kept.managed_save && d->stays_paused);
	sim_dom_state(d, HV_PAUSED, HV_R_STARTING);
	sim_effort_begin(d, SIM_STARTS, START_MS + (d->kept.managed_save ? image_ms(d) : 0), started, call);
}

/* ---- the power button ---- */

static void ended(void *user)
{
	struct sim_dom *d = user;

	d->stopping = NULL;
	sim_dom_stop(d, HV_R_OTHER);
}

static void stopped(void *user)
{
	struct sim_dom *d = user;

	d->stopping = NULL;
	if (d->state != HV_RUNNING)
		return; /* it is paused: it would stop when it runs on, if it was not moved or stopped until then */
	if (d->boots_again) {
		sim_power_reset(d);
		return;
	}
	if (d->job)
		sim_job_killed(d);
	sim_dom_change(d, HV_SHUTDOWN, HV_R_OTHER);
	d->stopping = clock_world(ENDING_MS, ended, d);
}

void sim_power_press(struct sim_dom *d, bool again)
{
	if (d->deaf || d->state != HV_RUNNING || clock_now_ms() - d->started_ms < d->boot_ms)
		return;
	d->boots_again = again;
	if (!d->stopping)
		d->stopping = clock_world(MAX(d->stop_ms - ENDING_MS, 0), stopped, d);
}

void sim_power_reset(struct sim_dom *d)
{
	clock_cancel(&d->stopping);
	d->started_ms = clock_now_ms();
	emit(d, HV_EV_REBOOT);
}

/* ---- save ---- */

static void saved(void *user)
{
	struct sim_dom *d = user;
	struct sim_call *call = g_steal_pointer(&d->effort_call);
	struct sim *w = d->host->w;

	d->effort_end = NULL;
	d->kept.managed_save = true;
	emit(d, HV_EV_JOB_DONE); /* a save is a migration into a file */
	sim_dom_stop(d, HV_R_SAVED);
	sim_over(w, call, ERR_HV, NULL);
}

void sim_power_save(struct sim_dom *d, struct sim_call *call)
{
	d->stays_paused = d->state != HV_RUNNING;
	sim_dom_change(d, HV_PAUSED, HV_R_SAVED);
	sim_effort_begin(d, SIM_SAVES, image_ms(d), saved, call);
}

/* ---- libvirtd ---- */

void sim_power_libvirtd_off(struct sim_host *h)
{
	g_autoptr(GList) all = g_hash_table_get_values(h->doms);

	for (GList *l = all; l; l = l->next) {
		struct sim_dom *d = l->data;
		enum sim_effort effort = d->effort;

		if (effort == SIM_SAVES) {
			d->repair = d->stays_paused ? SIM_REPAIR_NOTHING : SIM_REPAIR_RESUME;
			sim_effort_end(d, "lost");
		} else if (effort == SIM_STARTS) {
			sim_dom_stop(d, HV_R_FAILED);
		}
	}
}
