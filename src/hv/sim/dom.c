/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains of the simulator: their states, and the calls on one of them.
 *
 * Beside what libvirt would say, the simulator knows where the guest's memory
 * really is (sim_dom.whole), and notes when a call does what must never be done:
 * let a guest run twice, let one run without its memory, throw away the only copy.
 */
#include <string.h>

#include "hv/sim/int.h"
#include "hv/sim/sim.h"

/* ---- making and dropping ---- */

void sim_uuid(char out[static UTIL_UUID_LEN + 1], const char *text)
{
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA1, text, -1);

	g_snprintf(out, UTIL_UUID_LEN + 1, "%.8s-%.4s-5%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

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

struct sim_dom *sim_dom_new(struct sim_host *h, const struct sim_dom_spec *spec)
{
	struct sim_dom *d = g_new0(struct sim_dom, 1);
	g_autofree char *seed = g_strdup_printf("dom:%s:%s", h->name, spec->name);

	d->host = h;
	sim_uuid(d->uuid, seed);
	if (spec->uuid)
		g_strlcpy(d->uuid, spec->uuid, sizeof d->uuid);
	d->name = g_strdup(spec->name);
	d->title = g_strdup(spec->title);
	d->description = g_strdup(spec->description);
	d->vcpus = spec->vcpus ? spec->vcpus : 1;
	d->disk_dirty = spec->disk_dirty_mibs * SIM_MIB;
	d->no_start = spec->no_start;
	d->cpu_model = g_strdup(spec->cpu_model ? spec->cpu_model : "qemu64");
	d->cpu_features = g_strsplit(spec->cpu_features ? spec->cpu_features : "", ",", -1);
	d->vnc_listen = g_strdup("127.0.0.1");
	d->kept = spec->kept;
	d->unreadable = g_strdup(spec->unreadable);
	d->state = spec->state ? spec->state : HV_RUNNING;
	d->reason = spec->reason;
	d->whole = sim_dom_active(d) && d->reason != HV_R_MIGRATION && d->reason != HV_R_STARTING && d->reason != HV_R_POSTCOPY_FAILED;
	d->waiting = g_ptr_array_new();
	set_memory(d, spec);
	sim_ties_new(d, spec);
	d->disks = sim_disks_new(h, d->uuid, spec);
	d->disk_gib = sim_disks_gib(d);
	d->persistent = d->unwritten = !spec->transient;
	add(h, d);
	if (d->whole)
		sim_disks_force(d);
	return d;
}

struct sim_dom *sim_dom_incoming(struct sim_host *h, const struct sim_dom *from)
{
	struct sim_dom *d = g_memdup2(from, sizeof *from);

	d->host = h;
	d->name = g_strdup(from->name);
	d->title = g_strdup(from->title);
	d->description = g_strdup(from->description);
	d->cpu_model = g_strdup(from->cpu_model);
	d->cpu_features = g_strdupv(from->cpu_features);
	d->vnc_listen = g_strdup(from->vnc_listen);
	d->ties = g_strdup(from->ties);
	d->place = hv_place_copy(from->place);
	d->tied = from->tied;
	d->disks = g_ptr_array_ref(from->disks);
	d->definition = NULL;
	d->unwritten = false;
	d->persistent = false;
	d->kept = (struct hv_kept){ .autostart = false };
	d->unreadable = g_strdup(from->unreadable);
	d->state = HV_PAUSED;
	d->reason = HV_R_STARTING;
	d->whole = false;
	d->has_completed = false;
	d->job = NULL;
	d->waiting = g_ptr_array_new();
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
	g_free(d->description);
	g_free(d->definition);
	g_free(d->unreadable);
	g_free(d->cpu_model);
	g_strfreev(d->cpu_features);
	g_free(d->vnc_listen);
	g_free(d->ties);
	hv_place_free(d->place);
	g_ptr_array_unref(d->disks);
	g_ptr_array_unref(d->waiting);
	g_free(d);
}

void sim_dom_drop(struct sim_dom *d)
{
	g_assert(!d->job);
	sim_dom_unlock(d);
	g_hash_table_remove(d->host->doms, d->uuid);
}

struct sim_dom *sim_dom_get(struct sim_host *h, const char *uuid)
{
	return g_hash_table_lookup(h->doms, uuid);
}

/* ---- states ---- */

static void violation(struct sim *w, const char *what, const struct sim_dom *d)
{
	sim_violate(w, "%s %s on %s", d->name, what, d->host->name);
}

/* Some other copy of the guest that is active and, if @running, runs; if @whole, has its memory. */
static const struct sim_dom *other_copy(const struct sim_dom *d, bool running, bool whole)
{
	const GPtrArray *copies = g_hash_table_lookup(d->host->w->copies, d->uuid);

	for (guint i = 0; i < copies->len; i++) {
		const struct sim_dom *o = g_ptr_array_index(copies, i);

		if (o != d && o->host->on && sim_dom_active(o) && (!running || o->state == HV_RUNNING) && (!whole || o->whole))
			return o;
	}
	return NULL;
}

bool sim_dom_active(const struct sim_dom *d)
{
	return d->state == HV_RUNNING || d->state == HV_PAUSED || d->state == HV_SUSPENDED;
}

void sim_dom_put(struct sim_dom *d, enum hv_state state)
{
	d->host->active_mib -= sim_dom_active(d) ? d->mem_mib : 0;
	d->state = state;
	d->host->active_mib += sim_dom_active(d) ? d->mem_mib : 0;
}

void sim_dom_died(const struct sim_dom *d)
{
	if (sim_dom_active(d) && (d->whole || d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED))
		g_hash_table_add(d->host->w->died, g_strdup(d->uuid));
}

void sim_dom_state(struct sim_dom *d, enum hv_state state, enum hv_reason reason)
{
	if (state == HV_RUNNING && d->state != HV_RUNNING && other_copy(d, true, false))
		violation(d->host->w, "runs twice, now also", d);
	if (state == HV_RUNNING && d->state != HV_RUNNING)
		sim_disks_run(d);
	sim_dom_put(d, state);
	d->reason = reason;
	if (!sim_dom_active(d))
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
	while (d->waiting->len > 0) {
		struct sim_call *sc = g_ptr_array_index(d->waiting, 0);

		sim_call_park(sc, NULL);
		clock_cancel(&sc->timer);
		sc->timer = clock_world(0, sim_call_retry, sc);
	}
}

/* ---- what a test does behind the controller's back ---- */

static struct sim_dom *must_find(struct sim *w, const char *host, const char *uuid)
{
	struct sim_host *h = sim_host_find(w, host);
	struct sim_dom *d = h ? sim_dom_get(h, uuid) : NULL;

	if (!d)
		g_error("sim: no domain %s on host %s", uuid, host);
	return d;
}

void sim_dom_add(struct sim *w, const char *host, const struct sim_dom_spec *spec)
{
	struct sim_host *h = sim_host_find(w, host);

	if (!h)
		g_error("sim: no host %s", host);
	sim_emit_dom(sim_dom_new(h, spec));
}

void sim_dom_set(struct sim *w, const char *host, const char *uuid, enum hv_state state, enum hv_reason reason)
{
	struct sim_dom *d = must_find(w, host, uuid);

	if (state != HV_RUNNING && state != HV_PAUSED && state != HV_SUSPENDED)
		sim_dom_died(d);
	sim_dom_put(d, state);
	d->reason = reason;
	if (state == HV_RUNNING) {
		d->whole = true;
		sim_disks_force(d);
	}
	if (!sim_dom_active(d))
		d->whole = false;
	sim_emit_dom(d);
}

/* The MAC address of its one interface. Return: owned by the caller. */
static char *mac_of(const char *uuid)
{
	return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", uuid, uuid + 2, uuid + 4);
}

void sim_dom_addr(struct sim *w, const char *uuid, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text ? text : "", "/", 2);
	g_autofree char *mac = mac_of(uuid);
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

void sim_dom_rename(struct sim *w, const char *host, const char *uuid, const char *name)
{
	struct sim_dom *d = must_find(w, host, uuid);

	(void)sim_definition_of(d); /* it keeps the name that it has */
	drop_name(d);
	util_replace(&d->name, name);
	add_name(d);
	sim_emit_dom(d);
}

void sim_dom_unreadable(struct sim *w, const char *host, const char *uuid, const char *why)
{
	struct sim_dom *d = must_find(w, host, uuid);

	util_replace(&d->unreadable, why);
	sim_emit_dom(d);
}

void sim_dom_crash(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = must_find(w, host, uuid);

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

void sim_dom_undefine(struct sim_dom *d)
{
	sim_dom_define(d, NULL);
	sim_dom_put(d, HV_ABSENT);
	sim_emit_dom(d);
	sim_dom_drop(d);
}

void sim_dom_remove(struct sim *w, const char *host, const char *uuid)
{
	struct sim_dom *d = must_find(w, host, uuid);

	sim_dom_died(d);
	if (d->job)
		sim_job_killed(d);
	if (sim_dom_active(d))
		sim_dom_change(d, HV_SHUTOFF, HV_R_OTHER);
	sim_disks_remove(d);
	sim_dom_undefine(d);
}

static int compare_views(const void *a, const void *b)
{
	const struct sim_dom_view *x = a, *y = b;
	int by_host = strcmp(x->host, y->host);

	return by_host ? by_host : strcmp(x->uuid, y->uuid);
}

GArray *sim_dom_list(struct sim *w, const char *host, const char *uuid)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct sim_dom_view));
	GHashTableIter it, jt;
	void *hv, *dv;

	g_hash_table_iter_init(&it, w->hosts);
	while (g_hash_table_iter_next(&it, NULL, &hv)) {
		const struct sim_host *h = hv;

		if (host && !g_str_equal(host, h->name))
			continue;
		g_hash_table_iter_init(&jt, h->doms);
		while (g_hash_table_iter_next(&jt, NULL, &dv)) {
			const struct sim_dom *d = dv;
			struct sim_dom_view v = {
				.host = h->name, .uuid = d->uuid, .name = d->name, .state = d->state, .reason = d->reason,
				.persistent = d->persistent, .kept = d->kept, .host_on = h->on,
				.incoming = d->job && sim_job_incoming(d), .outgoing = sim_job_told(d) && !sim_job_incoming(d),
			};

			if (!uuid || g_str_equal(uuid, d->uuid))
				g_array_append_val(all, v);
		}
	}
	g_array_sort(all, compare_views);
	return all;
}

/* ---- calls ---- */

static void add_nic(struct hv_dom *o, const struct sim_dom *d)
{
	struct hv_nic *n = g_new0(struct hv_nic, 1);

	n->mac = mac_of(d->uuid);
	n->bridge = g_strdup("br0");
	n->type = g_strdup("bridge");
	g_ptr_array_add(o->nics, n);
}

/* What its XML says alone. */
static void describe_xml(const struct sim_dom *d, struct hv_dom *o)
{
	o->title = g_strdup(d->title);
	o->virt_type = g_strdup("kvm");
	o->arch = g_strdup("x86_64");
	o->machine = g_strdup("pc-q35-7.2");
	o->vnc_listen = g_strdup(d->vnc_listen);
	o->vnc_port = sim_dom_active(d) ? 5900 : -1;
	sim_disks_describe(d, o->disks);
	add_nic(o, d);
	sim_ties_describe(d, o);
}

static struct hv_dom *describe(const struct sim_dom *d)
{
	struct hv_dom *o = hv_dom_new();

	memcpy(o->uuid, d->uuid, sizeof o->uuid);
	o->name = g_strdup(d->name);
	o->state = d->state;
	o->reason = d->reason;
	o->persistent = d->persistent;
	o->vcpus = d->vcpus;
	o->mem_mib = d->mem_mib;
	o->unreadable = g_strdup(d->unreadable);
	if (!d->unreadable)
		describe_xml(d, o);
	o->job_active = sim_job_told(d);
	o->job_incoming = d->job && sim_job_incoming(d);
	o->job_outgoing = sim_job_told(d) && !sim_job_incoming(d);
	return o;
}

static void list(struct sim_call *sc)
{
	GHashTableIter it;
	void *value;

	sc->call->reply.doms = g_ptr_array_new_full(g_hash_table_size(sc->host->doms), (GDestroyNotify)hv_dom_free);
	g_hash_table_iter_init(&it, sc->host->doms);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		struct hv_dom *d = describe(value);
		struct hv_kept kept;

		sim_kept_describe(value, &kept);
		d->kept = (struct hv_kept){ .told = kept.told, .autostart = kept.autostart };
		g_ptr_array_add(sc->call->reply.doms, d);
	}
	sim_call_finish(sc);
}

static void get(struct sim_call *sc, struct sim_dom *d)
{
	sc->call->reply.dom = d ? describe(d) : hv_dom_new();
	if (d)
		sim_kept_describe(d, &sc->call->reply.dom->kept);
	if (!d) {
		sc->call->reply.dom->state = HV_ABSENT;
		g_strlcpy(sc->call->reply.dom->uuid, sc->call->req.uuid, UTIL_UUID_LEN + 1);
	}
	sim_call_finish(sc);
}

static void write_xml(struct sim_call *sc, struct sim_dom *d)
{
	sc->call->reply.xml = sim_xml_write(d);
	sc->call->reply.xml_inactive = g_strdup(sim_definition_of(d));
	sim_call_finish(sc);
}

static void compare_cpu(struct sim_call *sc)
{
	const struct hv_req *r = &sc->call->req;
	struct sim_xml *x = sim_xml_read_cpu(r->xml);

	/* What such a guest has is its host's CPU, which its XML does not tell. */
	if (x && g_strcmp0(x->cpu_mode, SIM_PASSTHROUGH) == 0) {
		sim_xml_free(x);
		x = r->host_cpu_xml ? sim_xml_read_cpu(r->host_cpu_xml) : NULL;
	}
	if (!x) {
		sim_call_refuse(sc, ERR_HV, "XML error: the CPU description cannot be read");
		return;
	}
	sc->call->reply.cpu_why = sim_cpu_missing(sc->host, x->cpu_model, (const char *const *)x->cpu_features->pdata);
	sc->call->reply.cpu_ok = !sc->call->reply.cpu_why;
	sim_xml_free(x);
	sim_call_finish(sc);
}

/* ---- calls that change ---- */

static void lock_timed_out(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	sim_call_refuse(sc, ERR_HV_BUSY, "Timed out during operation: cannot acquire state change lock (held by monitor=%s)",
			"remoteDispatchDomainMigratePerform3Params");
}

void sim_dom_wait(struct sim_call *sc, struct sim_dom *d)
{
	sim_call_park(sc, d->waiting);
	sc->timer = clock_world(SIM_LOCK_MS, lock_timed_out, sc);
}

static void suspend(struct sim_call *sc, struct sim_dom *d)
{
	if (d->job && sim_job_incoming(d)) {
		sim_dom_wait(sc, d);
		return;
	}
	if (!sim_dom_active(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not running");
		return;
	}
	if (d->state == HV_RUNNING) {
		if (d->job)
			sim_job_account(d->job);
		/* libvirt calls it so while the guest is migrating out, and lets it run on when that fails */
		sim_dom_change(d, HV_PAUSED, d->job ? HV_R_MIGRATION : HV_R_USER);
		if (d->job)
			sim_job_replan(d->job);
	}
	sim_call_finish(sc);
}

static void resume(struct sim_call *sc, struct sim_dom *d)
{
	if (d->job) {
		sim_dom_wait(sc, d);
		return;
	}
	if (!sim_dom_active(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not running");
		return;
	}
	if (d->state != HV_RUNNING) {
		if (!d->whole)
			violation(sc->w, "was resumed without its memory", d);
		sim_dom_change(d, HV_RUNNING, HV_R_OTHER);
	}
	sim_call_finish(sc);
}

static void destroy(struct sim_call *sc, struct sim_dom *d)
{
	if (d && sim_dom_active(d)) {
		if (d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED)
			violation(sc->w, "was destroyed as half of a post-copy", d);
		else if (d->whole && !other_copy(d, false, true))
			violation(sc->w, "was destroyed, its only copy", d);
		if (d->job)
			sim_job_killed(d);
		sim_dom_stop(d, HV_R_OTHER);
	}
	sim_call_finish(sc);
}

static void tell_addrs(struct sim_call *sc, const struct sim_dom *d)
{
	const GArray *have = g_hash_table_lookup(sc->w->addrs, d->uuid);

	sc->call->reply.addrs = hv_addrs_new();
	if (have && d->state == HV_RUNNING)
		g_array_append_vals(sc->call->reply.addrs, have->data, have->len);
	sim_call_finish(sc);
}

static void announce(struct sim_call *sc, struct sim_dom *d)
{
	if (!sim_dom_active(d))
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not running");
	else
		sim_call_finish(sc);
}

void sim_act_dom(struct sim_call *sc)
{
	const struct hv_req *r = &sc->call->req;
	struct sim_dom *d = r->uuid ? sim_dom_get(sc->host, r->uuid) : NULL;

	if (r->op == HV_DOM_LIST)
		list(sc);
	else if (r->op == HV_CPU_COMPARE)
		compare_cpu(sc);
	else if (r->op == HV_DOM_GET)
		get(sc, d);
	else if (r->op == HV_DOM_DESTROY)
		destroy(sc, d);
	else if (!d)
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", r->uuid);
	else if (r->op == HV_DOM_XML)
		write_xml(sc, d);
	else if (r->op == HV_DOM_ADDRS)
		tell_addrs(sc, d);
	else if (r->op == HV_ANNOUNCE)
		announce(sc, d);
	else if (r->op == HV_DOM_SUSPEND)
		suspend(sc, d);
	else
		resume(sc, d);
}
