/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/outage.h"

#include "hv/sim/copy.h"
#include "hv/sim/dom.h"
#include "hv/sim/fail.h"
#include "hv/sim/power.h"
#include "hv/sim/world.h"

/* After each change of power or cable. */
static void reach_changed(struct sim_host *h)
{
	sim_notify(h->w, &(struct sim_notice){ .kind = SIM_REACH, .host = h });
	sim_job_link(h);
	sim_copy_host_changed(h);
	if (sim_host_reachable(h))
		sim_notify(h->w, &(struct sim_notice){ .kind = SIM_BACK, .host = h });
}

static void reset(struct sim_host *h, const char *why)
{
	sim_notify(h->w, &(struct sim_notice){ .kind = SIM_RESET, .host = h, .why = why });
}

static void power_off(struct sim_host *h)
{
	g_autoptr(GList) all = NULL;

	h->on = h->libvirtd = false;
	h->pool_free_ms = 0;
	h->deaths++;
	all = g_hash_table_get_values(h->doms);
	for (GList *l = all; l; l = l->next)
		sim_dom_died(l->data);
	sim_job_host_off(h);
	for (GList *l = all; l; l = l->next) {
		struct sim_dom *d = l->data;

		d->repair = SIM_REPAIR_NOTHING;
		if (sim_dom_active(d))
			sim_dom_stop(d, HV_R_UNSEEN);
	}
	reach_changed(h);
}

/*
 * libvirtd starts what is to start with its host, after a boot alone. A person's standby definition would be started beside the guest: that is no
 * mistake of the controller's, and the lock of its disks is to hold it off.
 */
static void autostart(struct sim_host *h)
{
	g_autoptr(GList) all = g_hash_table_get_values(h->doms);

	for (GList *l = all; l; l = l->next) {
		struct sim_dom *d = l->data;

		if (d->persistent && d->kept.autostart && d->state == HV_SHUTOFF && !g_hash_table_contains(h->w->standbys, d->uuid))
			sim_power_start(d, false, NULL);
	}
}

static void power_on(struct sim_host *h)
{
	h->on = h->libvirtd = true;
	autostart(h);
	/* The new kernel knows nothing of the old connections. */
	reset(h, "Connection reset by peer");
	reach_changed(h);
}

void sim_host_power(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = sim_host_must_find(w, name);

	if (h->on == on)
		return;
	if (on)
		power_on(h);
	else
		power_off(h);
}

void sim_host_libvirtd(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = sim_host_must_find(w, name);

	if (h->libvirtd == on || !h->on)
		return;
	h->libvirtd = on;
	if (on) {
		sim_job_libvirtd_on(h);
	} else {
		h->pool_free_ms = 0;
		h->deaths++;
		sim_job_libvirtd_off(h);
		sim_power_libvirtd_off(h);
		sim_copy_host_changed(h);
		reset(h, "End of file while reading data: Input/output error");
	}
}

void sim_host_link(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = sim_host_must_find(w, name);

	if (h->link == on)
		return;
	h->link = on;
	reach_changed(h);
}

void sim_host_apart(struct sim *w, const char *a, const char *b, bool apart)
{
	struct sim_host *one = sim_host_must_find(w, a);

	sim_hosts_part(one, sim_host_must_find(w, b), apart);
	sim_job_link(one);
}

void sim_host_rate(struct sim *w, const char *name, int64_t link_mibs)
{
	struct sim_host *h = sim_host_must_find(w, name);

	h->rate = (double)link_mibs * SIM_MIB;
	sim_job_link(h);
}

void sim_host_pool(struct sim *w, const char *name, int64_t busy_ms)
{
	int64_t now = clock_now_ms();

	sim_host_must_find(w, name)->pool_free_ms = busy_ms > INT64_MAX - now ? INT64_MAX : now + busy_ms;
}

bool sim_host_heals(struct sim *w, const char *name)
{
	return sim_host_must_find(w, name)->heal != NULL;
}

static void set_outage(struct sim_host *h, enum sim_fault_kind kind, bool over)
{
	if (kind == SIM_CUT_LINK)
		sim_host_link(h->w, h->name, over);
	else if (kind == SIM_POWER_OFF)
		sim_host_power(h->w, h->name, over);
	else
		sim_host_libvirtd(h->w, h->name, over);
}

static void healed(void *user)
{
	struct sim_host *h = user;

	h->heal = NULL;
	set_outage(h, h->heal_what, true);
}

void sim_host_outage(struct sim_host *h, enum sim_fault_kind kind, int64_t ms)
{
	if (h->heal) {
		clock_cancel(&h->heal);
		set_outage(h, h->heal_what, true);
	}
	h->heal_what = kind;
	set_outage(h, kind, false);
	if (ms > 0)
		h->heal = clock_world(ms, healed, h);
}
