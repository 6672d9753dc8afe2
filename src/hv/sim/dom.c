/* SPDX-License-Identifier: Apache-2.0
 *
 * Beside what libvirt would say, the simulator knows where the guest's memory
 * really is (sim_dom.whole), and notes when a call does what must never be done:
 * let a guest run twice, let one run without its memory, throw away the only copy.
 */
#include "hv/sim/dom.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/effort.h"
#include "hv/sim/ties.h"
#include "hv/sim/world.h"

#define STOP_MS 300
#define BOOT_MS 2000

/* ---- making and dropping ---- */

static void set_memory(struct sim_dom *d, const struct sim_dom_spec *spec)
{
	d->mem_mib = spec->mem_mib ? spec->mem_mib : 1024;
	d->dirty = spec->dirty_mibs * SIM_MIB;
	d->working = (double)(spec->working_mib ? spec->working_mib : d->mem_mib / 4) * SIM_MIB;
	d->hot = spec->hot_mib ? (double)spec->hot_mib * SIM_MIB : d->working / 4;
	d->hot = MIN(d->hot, d->working);
}

static void add_name(struct sim_dom *d)
{
	d->namesake = g_hash_table_lookup(d->host->named, d->name);
	g_hash_table_replace(d->host->named, d->name, d);
}

static void drop_name(struct sim_dom *d)
{
	struct sim_dom *first = g_hash_table_lookup(d->host->named, d->name), *o = first;

	while (o != d && o->namesake != d)
		o = o->namesake;
	if (o != d)
		o->namesake = d->namesake;
	else if (d->namesake)
		g_hash_table_replace(d->host->named, d->namesake->name, d->namesake);
	else
		g_hash_table_remove(d->host->named, d->name);
}

void sim_dom_set_name(struct sim_dom *d, const char *name)
{
	(void)sim_definition_of(d); /* it keeps the name that it has */
	drop_name(d);
	util_replace(&d->name, name);
	add_name(d);
}

/* Into its host's tables, and among the copies of its guest. */
static void add(struct sim_host *h, struct sim_dom *d)
{
	GPtrArray *copies = g_hash_table_lookup(h->w->copies, d->uuid);

	g_hash_table_replace(h->doms, d->uuid, d); /* one that was there goes */
	add_name(d);
	h->active_mib += sim_dom_active(d) ? d->mem_mib : 0;
	h->used_gib += d->disk_gib;
	if (!copies) {
		copies = g_ptr_array_new();
		g_hash_table_insert(h->w->copies, g_strdup(d->uuid), copies);
	}
	g_ptr_array_add(copies, d);
}

/* Without disks. */
static struct sim_dom *make(struct sim_host *h, const struct sim_dom_spec *spec)
{
	struct sim_dom *d = g_new0(struct sim_dom, 1);
	g_autofree char *seed = g_strdup_printf("dom:%s:%s", h->name, spec->name);

	d->host = h;
	sim_uuid(d->uuid, seed);
	if (spec->uuid)
		g_strlcpy(d->uuid, spec->uuid, sizeof d->uuid);
	d->name = g_strdup(spec->name);
	d->title = g_strdup(spec->title);
	d->shutdown_timeout = g_strdup(spec->shutdown_timeout);
	d->priority = spec->priority;
	d->description = g_strdup(spec->description);
	d->vcpus = spec->vcpus ? spec->vcpus : 1;
	d->load_mcpu = spec->load_mcpu;
	d->disk_dirty = spec->disk_dirty_mibs * SIM_MIB;
	h->w->written |= d->disk_dirty > 0;
	d->no_start = spec->no_start;
	d->deaf = spec->deaf;
	d->stop_ms = spec->stop_ms ? spec->stop_ms : STOP_MS;
	d->boot_ms = spec->boot_ms ? spec->boot_ms : BOOT_MS;
	d->started_ms = clock_now_ms() - d->boot_ms;
	d->cpu_model = g_strdup(spec->cpu_model ? spec->cpu_model : "qemu64");
	d->cpu_features = spec->cpu_features ? g_strsplit(spec->cpu_features, ",", -1) : NULL;
	d->vnc_listen = g_strdup("127.0.0.1");
	d->kept = spec->kept;
	d->external = spec->external;
	d->unreadable = g_strdup(spec->unreadable);
	d->state = spec->state ? spec->state : HV_RUNNING;
	d->reason = spec->reason;
	set_memory(d, spec);
	sim_ties_new(d, spec);
	d->persistent = d->unwritten = !spec->transient;
	return d;
}

struct sim_dom *sim_dom_new(struct sim_host *h, const struct sim_dom_spec *spec)
{
	struct sim_dom *d = make(h, spec);

	d->whole = sim_dom_active(d) && d->reason != HV_R_MIGRATION && d->reason != HV_R_STARTING && d->reason != HV_R_POSTCOPY_FAILED;
	d->disks = sim_disks_new(h, d->uuid, spec);
	d->disk_gib = sim_disks_gib(d);
	add(h, d);
	if (d->whole)
		sim_disks_force(d);
	return d;
}

struct sim_dom *sim_dom_new_carrier(struct sim_host *h, struct carrier *c, GPtrArray *disks)
{
	g_autofree char *name = hv_carrier_name(c->uuid);
	struct sim_dom *d = make(h, &(struct sim_dom_spec){
		.uuid = c->uuid, .name = name, .mem_mib = CARRIER_MEM_KIB >> 10, .transient = true, .state = HV_PAUSED, .reason = HV_R_USER,
	});

	d->carrier = c;
	d->disks = disks;
	add(h, d);
	return d;
}

struct sim_dom *sim_dom_incoming(struct sim_host *h, const struct sim_dom *from)
{
	struct sim_dom *d = g_memdup2(from, sizeof *from);

	d->host = h;
	d->name = g_strdup(from->name);
	d->title = g_strdup(from->title);
	d->shutdown_timeout = g_strdup(from->shutdown_timeout);
	d->description = g_strdup(from->description);
	d->cpu_model = g_strdup(from->cpu_model);
	d->cpu_features = g_strdupv(from->cpu_features);
	d->vnc_listen = g_strdup(from->vnc_listen);
	d->ties = g_strdup(from->ties);
	d->numa_fit = hv_numa_fit_copy(from->numa_fit);
	d->tied = from->tied;
	d->carrier = from->carrier ? carrier_copy(from->carrier) : NULL;
	d->disks = g_ptr_array_ref(from->disks);
	d->definition = NULL;
	d->unwritten = false;
	d->persistent = false;
	d->kept = (struct hv_kept){ .autostart = false };
	d->unreadable = g_strdup(from->unreadable);
	d->state = HV_PAUSED;
	d->reason = HV_R_STARTING;
	d->whole = false;
	d->completed = NULL;
	d->job = NULL;
	d->stopping = d->effort_end = NULL;
	d->effort = SIM_RESTS;
	d->effort_call = NULL;
	d->waiting = NULL;
	add(h, d);
	return d;
}

void sim_dom_free(struct sim_dom *d)
{
	if (!d)
		return;
	sim_dom_put(d, HV_ABSENT);
	d->host->used_gib -= d->disk_gib;
	drop_name(d);
	g_ptr_array_remove(g_hash_table_lookup(d->host->w->copies, d->uuid), d);
	g_free(d->name);
	g_free(d->title);
	g_free(d->shutdown_timeout);
	g_free(d->description);
	g_free(d->definition);
	g_free(d->unreadable);
	g_free(d->cpu_model);
	g_strfreev(d->cpu_features);
	g_free(d->vnc_listen);
	g_free(d->ties);
	hv_numa_fit_free(d->numa_fit);
	carrier_free(d->carrier);
	g_ptr_array_unref(d->disks);
	g_clear_pointer(&d->waiting, g_ptr_array_unref);
	g_free(d->completed);
	g_free(d);
}

void sim_dom_drop(struct sim_dom *d)
{
	g_assert(!d->job);
	sim_dom_unlock(d);
	g_hash_table_remove(d->host->doms, d->uuid);
}

/* ---- states ---- */

const struct sim_dom *sim_dom_other_copy(const struct sim_dom *d, bool running, bool whole)
{
	const GPtrArray *copies = g_hash_table_lookup(d->host->w->copies, d->uuid);

	for (guint i = 0; i < copies->len; i++) {
		const struct sim_dom *o = g_ptr_array_index(copies, i);

		if (o != d && o->host->on && sim_dom_active(o) && (!running || o->state == HV_RUNNING) && (!whole || o->whole))
			return o;
	}
	return NULL;
}

void sim_dom_put(struct sim_dom *d, enum hv_state state)
{
	d->host->active_mib -= sim_dom_active(d) ? d->mem_mib : 0;
	d->state = state;
	d->host->active_mib += sim_dom_active(d) ? d->mem_mib : 0;
	if (!sim_dom_active(d))
		sim_effort_cease(d);
}

void sim_dom_died(const struct sim_dom *d)
{
	if (sim_dom_active(d) && (d->whole || d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED))
		g_hash_table_add(d->host->w->died, g_strdup(d->uuid));
}

void sim_dom_state(struct sim_dom *d, enum hv_state state, enum hv_reason reason)
{
	if (state == HV_RUNNING && d->state != HV_RUNNING && sim_dom_other_copy(d, true, false))
		sim_violate(d->host->w, "%s runs twice, now also on %s", d->name, d->host->name);
	if (state == HV_RUNNING && d->state != HV_RUNNING && !d->carrier)
		sim_disks_run(d);
	sim_dom_put(d, state);
	d->reason = reason;
	if (!sim_dom_active(d) || state == HV_SHUTDOWN)
		d->whole = false;
}

void sim_dom_change(struct sim_dom *d, enum hv_state state, enum hv_reason reason)
{
	sim_dom_state(d, state, reason);
	sim_emit_dom(d);
}

void sim_dom_stop(struct sim_dom *d, enum hv_reason reason)
{
	sim_dom_change(d, HV_SHUTOFF, reason);
	if (!d->persistent)
		sim_dom_drop(d);
}

void sim_dom_unlock(struct sim_dom *d)
{
	sim_notify(d->host->w, &(struct sim_notice){ .kind = SIM_UNLOCKED, .dom = d });
}

void sim_dom_undefine(struct sim_dom *d)
{
	sim_dom_define(d, NULL);
	sim_dom_put(d, HV_ABSENT);
	sim_emit_dom(d);
	sim_dom_drop(d);
}

/* ---- addresses ---- */

char *sim_dom_mac(const char *uuid)
{
	return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", uuid, uuid + 2, uuid + 4);
}

void sim_dom_addr(struct sim *w, const char *uuid, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text ? text : "", "/", 2);
	g_autofree char *mac = sim_dom_mac(uuid);
	struct hv_addr a;
	GArray *all;

	if (!text) {
		g_hash_table_remove(w->addrs, uuid);
		return;
	}
	if (!hv_addr_parse(mac, parts[0], parts[1] ? atoi(parts[1]) : 0, &a))
		g_error("sim: %s is no address", text);
	all = g_hash_table_lookup(w->addrs, uuid);
	if (!all)
		g_hash_table_insert(w->addrs, g_strdup(uuid), all = hv_addrs_new());
	hv_addrs_add(all, &a);
}
