/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_dom.h"

#include <string.h>

#include "base/clock.h"
#include "hv/sim/call.h"
#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/effort.h"
#include "hv/sim/fail.h"
#include "hv/sim/job.h"
#include "hv/sim/ties.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"
#include "hv/xml/domxml_parse.h"

#define QUIT_MS 10000
#define LIST_PART 100 /* domains in a turn of the loop */

/* ---- what is there ---- */

static void add_nic(struct hv_dom *o, const struct sim_dom *d)
{
	struct hv_nic *n = g_new0(struct hv_nic, 1);

	n->mac = sim_dom_mac(d->uuid);
	n->bridge = g_strdup("br0");
	n->type = g_strdup("bridge");
	g_ptr_array_add(o->nics, n);
}

static void describe_ties(const struct sim_dom *d, struct hv_dom *o)
{
	g_autofree char *xml = NULL;
	g_autoptr(GError) why = NULL;
	struct hv_dom *read;

	if (!d->tied) {
		o->ties = hv_ties_plain(d->mem_mib);
		return;
	}
	xml = sim_xml_write(d);
	read = domxml_parse(xml, &why);
	g_assert_no_error(why);
	o->ties = hv_ties_ref(read->ties);
	g_ptr_array_unref(o->nics);
	o->nics = g_ptr_array_ref(read->nics);
	o->vsock_cid = read->vsock_cid;
	o->vsock_auto = read->vsock_auto;
	hv_dom_free(read);
}

/* What its XML says alone. */
static void describe_xml(const struct sim_dom *d, struct hv_dom *o)
{
	o->title = g_strdup(d->title);
	o->shutdown_timeout = g_strdup(d->shutdown_timeout);
	o->priority = d->priority;
	o->virt_type = g_strdup("kvm");
	o->arch = g_strdup("x86_64");
	o->machine = g_strdup("pc-q35-7.2");
	o->vnc_listen = g_strdup(d->vnc_listen);
	o->vnc_port = !sim_dom_active(d) ? -1 : d->host->vnc_port ? d->host->vnc_port : 5900;
	sim_disks_describe(d, o->disks);
	add_nic(o, d);
	describe_ties(d, o);
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
	o->job_active = sim_job_told(d) || d->effort != SIM_RESTS;
	o->job_incoming = d->job && sim_job_incoming(d);
	o->job_outgoing = sim_job_told(d) && !sim_job_incoming(d);
	return o;
}

static void list_one(struct sim_call *sc, const struct sim_dom *d)
{
	struct hv_kept kept;
	struct hv_dom *o = describe(d);

	sim_kept_describe(d, &kept);
	o->kept = (struct hv_kept){ .told = kept.told, .autostart = kept.autostart };
	g_ptr_array_add(sc->call->reply.doms, o);
}

/* Libvirt's client waits for its server in a thread. Here the loop describes the domains, so it does some of them in a turn. */
static void list_on(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	for (int i = 0; i < LIST_PART && sc->listed < sc->to_list->len; i++) {
		const struct sim_dom *d = sim_dom_get(sc->host, g_ptr_array_index(sc->to_list, sc->listed++));

		if (d && !d->carrier)
			list_one(sc, d);
	}
	if (sc->listed < sc->to_list->len)
		sc->timer = clock_arrival(0, list_on, sc);
	else
		sim_call_finish(sc);
}

static void list(struct sim_call *sc)
{
	GHashTableIter it;
	void *uuid;

	sc->call->reply.doms = g_ptr_array_new_full(g_hash_table_size(sc->host->doms), (GDestroyNotify)hv_dom_free);
	sc->to_list = g_ptr_array_new_full(g_hash_table_size(sc->host->doms), g_free);
	g_hash_table_iter_init(&it, sc->host->doms);
	while (g_hash_table_iter_next(&it, &uuid, NULL))
		g_ptr_array_add(sc->to_list, g_strdup(uuid));
	list_on(sc);
}

/* As if each had run at its load since the clock began. */
static void tell_loads(struct sim_call *sc)
{
	GHashTableIter it;
	void *value;

	sc->call->reply.loads = g_array_new(FALSE, FALSE, sizeof(struct hv_load));
	g_hash_table_iter_init(&it, sc->host->doms);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_dom *d = value;
		struct hv_load l = { .cpu_ns = d->load_mcpu * clock_now_us() };

		if (d->carrier || d->state != HV_RUNNING)
			continue;
		memcpy(l.uuid, d->uuid, sizeof l.uuid);
		g_array_append_val(sc->call->reply.loads, l);
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
	sc->call->reply.xml_inactive = sim_definition_copy(d);
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

static void suspend(struct sim_call *sc, struct sim_dom *d)
{
	if ((d->job && sim_job_incoming(d)) || d->effort != SIM_RESTS) {
		sim_call_wait_lock(sc, d);
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
	if (sim_dom_locked(d)) {
		sim_call_wait_lock(sc, d);
		return;
	}
	if (!sim_dom_active(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not running");
		return;
	}
	if (d->state != HV_RUNNING && d->state != HV_SHUTDOWN) {
		if (!d->whole && !d->carrier)
			sim_violate(sc->w, "%s was resumed without its memory on %s", d->name, d->host->name);
		if (!d->carrier && !d->job && sim_dom_other_copy(d, false, true) && !sim_dom_other_copy(d, true, false))
			sim_violate(sc->w, "%s was resumed on %s, and its memory is elsewhere", d->name, d->host->name);
		sim_dom_change(d, HV_RUNNING, HV_R_OTHER);
	}
	sim_call_finish(sc);
}

/* A QEMU that waits for an answer of the other one is killed in the end. */
static bool quits_late(struct sim_call *sc, const struct sim_dom *d)
{
	if (sc->waited || !d->job || !sim_job_hangs(d->job))
		return false;
	sc->waited = true;
	sc->timer = clock_world(QUIT_MS, sim_call_retry, sc);
	return true;
}

static void destroy(struct sim_call *sc, struct sim_dom *d)
{
	if (d && quits_late(sc, d))
		return;
	if (d && sim_dom_active(d)) {
		if (d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED)
			sim_violate(sc->w, "%s was destroyed as half of a post-copy on %s", d->name, d->host->name);
		else if (d->whole && !sc->call->req.ends && !sim_dom_other_copy(d, false, true))
			sim_violate(sc->w, "%s was destroyed, its only copy on %s", d->name, d->host->name);
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

/* More than is asked for: what is left out is the beginning. */
static void tell_log(struct sim_call *sc, const struct sim_dom *d)
{
	GString *all;

	if (!sim_ties_has(d, "log")) {
		sim_call_refuse(sc, ERR_NOT_FOUND, "the console of the domain is not written to a file, or its host has no such file yet");
		return;
	}
	all = g_string_new(NULL);
	for (int i = 0; all->len <= HV_LOG_BYTES; i++)
		g_string_append_printf(all, "[%8d.000000] %s boots\r\n", i, d->name);
	g_string_append(all, "\033[1mlogin:\033[0m ");
	g_string_erase(all, 0, (gssize)all->len - HV_LOG_BYTES);
	sc->call->reply.log = g_string_free(all, FALSE);
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
	else if (r->op == HV_DOM_LOADS)
		tell_loads(sc);
	else if (r->op == HV_CPU_COMPARE)
		compare_cpu(sc);
	else if (r->op == HV_DOM_GET)
		get(sc, d && !d->carrier ? d : NULL);
	else if (r->op == HV_DOM_DESTROY)
		destroy(sc, d);
	else if (!d)
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", r->uuid);
	else if (r->op == HV_DOM_XML)
		write_xml(sc, d);
	else if (r->op == HV_DOM_ADDRS)
		tell_addrs(sc, d);
	else if (r->op == HV_LOG_GET)
		tell_log(sc, d);
	else if (r->op == HV_ANNOUNCE)
		announce(sc, d);
	else if (r->op == HV_DOM_SUSPEND)
		suspend(sc, d);
	else
		resume(sc, d);
}
