/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/hand.h"

#include "base/util.h"
#include "hv/sim/carrier.h"
#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/fail.h"
#include "hv/sim/job.h"
#include "hv/sim/power.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"

void sim_dom_add(struct sim *w, const char *host, const struct sim_dom_spec *spec)
{
	struct sim_host *h = sim_host_must_find(w, host);
	struct sim_dom *d = sim_dom_new(h, spec);
	GHashTableIter it;
	void *other;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &other))
		if (other != h && sim_dom_get(other, d->uuid))
			g_hash_table_add(w->standbys, g_strdup(d->uuid));
	sim_emit_dom(d);
}

void sim_carrier_add(struct sim *w, const char *host, const char *uuid, const char *task, const char *guest)
{
	g_autoptr(GPtrArray) files = carrier_files_new();
	struct carrier_params p = { .task = task, .guest = guest, .files = files };

	sim_emit_dom(sim_carrier_new(sim_host_must_find(w, host), uuid, &p));
}

void sim_dom_set(struct sim *w, const char *host, const char *uuid, enum hv_state state, enum hv_reason reason)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	if (state != HV_RUNNING && state != HV_PAUSED && state != HV_SUSPENDED)
		sim_dom_died(d);
	sim_dom_put(d, state);
	d->reason = reason;
	if (state == HV_RUNNING) {
		d->whole = true;
		sim_disks_force(d);
	}
	if (!sim_dom_active(d) || state == HV_SHUTDOWN)
		d->whole = false;
	sim_emit_dom(d);
}

void sim_dom_rename(struct sim *w, const char *host, const char *uuid, const char *name)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	sim_dom_set_name(d, name);
	sim_emit_dom(d);
}

void sim_dom_unreadable(struct sim *w, const char *host, const char *uuid, const char *why)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	util_replace(&d->unreadable, why);
	sim_emit_dom(d);
}

void sim_dom_save(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	if (d->host->on && d->state == HV_RUNNING && d->whole && !d->job && d->effort == SIM_RESTS)
		sim_power_save(d, NULL);
}

void sim_dom_crash(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	sim_dom_died(d);
	if (d->job)
		sim_job_killed(d);
	sim_dom_stop(d, HV_R_CRASHED);
}

static void set_writes(struct sim_dom *d, double dirty, double disk_dirty)
{
	if (d->job)
		sim_job_account(d->job);
	d->dirty = dirty;
	d->disk_dirty = disk_dirty;
	d->host->w->written |= disk_dirty > 0;
	if (d->job)
		sim_job_replan(d->job);
}

void sim_dom_writes(struct sim *w, const char *uuid, double dirty_mibs)
{
	GHashTableIter it;
	void *hv;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &hv)) {
		struct sim_dom *d = sim_dom_get(hv, uuid);

		if (d)
			set_writes(d, dirty_mibs * SIM_MIB, d->disk_dirty);
	}
}

void sim_dom_calm(struct sim *w)
{
	GHashTableIter it, jt;
	void *hv, *dv;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &hv)) {
		g_hash_table_iter_init(&jt, ((struct sim_host *)hv)->doms);
		while (g_hash_table_iter_next(&jt, NULL, &dv))
			set_writes(dv, 0, 0);
	}
}

void sim_dom_remove(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	sim_dom_died(d);
	if (d->job)
		sim_job_killed(d);
	if (sim_dom_active(d))
		sim_dom_change(d, HV_SHUTOFF, HV_R_OTHER);
	sim_disks_remove(d);
	sim_dom_undefine(d);
}

void sim_dom_redefine(struct sim *w, const char *host, const char *uuid, const char *description)
{
	struct sim_host *h = sim_host_find(w, host);
	struct sim_dom *d = h ? sim_dom_get(h, uuid) : NULL;

	if (!d)
		g_error("sim: no domain %s on host %s", uuid, host);
	util_replace(&d->description, description);
	sim_dom_define(d, sim_xml_write(d));
	sim_dom_change(d, d->state, d->reason); /* libvirt tells that it was defined */
}

void sim_dom_autostart(struct sim *w, const char *host, const char *uuid, bool on)
{
	sim_dom_must_find(w, host, uuid)->kept.autostart = on;
}

void sim_dom_forget(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = sim_dom_must_find(w, host, uuid);

	if (sim_dom_active(d))
		d->persistent = false;
	else
		sim_dom_undefine(d);
}
