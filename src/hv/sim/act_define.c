/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_define.h"

#include "hv/sim/call.h"
#include "hv/sim/define.h"
#include "hv/sim/device.h"
#include "hv/sim/dom.h"
#include "hv/sim/effort.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"
#include "hv/xml/domdef.h"

static void get_definition(struct sim_call *sc, struct sim_dom *d)
{
	sc->call->reply.definition = d ? sim_definition_copy(d) : NULL;
	sim_call_finish(sc);
}

/* A domain of its own, shut off. Its disks are those of the guest's other copies. */
static struct sim_dom *make(struct sim_host *h, const struct sim_xml *x)
{
	return sim_dom_new(h, &(struct sim_dom_spec){
		.uuid = x->uuid, .name = x->name, .description = x->description, .shutdown_timeout = x->shutdown_timeout, .priority = x->priority, .mem_mib = x->mem_kib >> 10,
		.state = HV_SHUTOFF,
	});
}

static void define(struct sim_call *sc, struct sim_dom *d)
{
	struct sim_xml *x = sim_xml_read(sc->call->req.xml);
	const char *other = x && x->name ? sim_name_taken(sc->host, x->name, sc->call->req.uuid) : NULL;

	if (!x || !x->uuid || !x->name || g_ascii_strcasecmp(x->uuid, sc->call->req.uuid) != 0) {
		sim_call_refuse(sc, ERR_HV, "XML error: the definition cannot be read");
	} else if (d && !g_str_equal(d->name, x->name)) {
		sim_call_refuse(sc, ERR_HV, "operation failed: domain '%s' is already defined with uuid %s", d->name, d->uuid);
	} else if (other) {
		sim_call_refuse(sc, ERR_HV, "operation failed: domain '%s' already exists with uuid %s", x->name, other);
	} else {
		bool defined = d && d->persistent; /* then it stays */

		if (!d)
			d = make(sc->host, x);
		if (!defined)
			sim_dom_define(d, g_strdup(sc->call->req.xml));
		sim_emit_dom(d);
		sim_call_finish(sc);
	}
	sim_xml_free(x);
}

/* What libvirt says against dropping it; owned; NULL when there is nothing. */
static char *undefine_says(const struct sim_dom *d)
{
	if (sim_dom_active(d))
		return g_strdup("Requested operation is not valid: cannot undefine a domain that is active");
	if (d->kept.managed_save)
		return g_strdup("Requested operation is not valid: Refusing to undefine while domain managed save image exists");
	if (d->kept.snapshots)
		return g_strdup_printf("Requested operation is not valid: cannot delete inactive domain with %d snapshots", d->kept.snapshots);
	if (d->kept.checkpoints)
		return g_strdup_printf("Requested operation is not valid: cannot delete inactive domain with %d checkpoints", d->kept.checkpoints);
	return NULL;
}

/* Nothing that its host keeps of it goes before another has it, or there is another copy to go on from. */
static void judge_forgetting(const struct sim_dom *d)
{
	const GPtrArray *copies = g_hash_table_lookup(d->host->w->copies, d->uuid);
	int kept = 0;

	for (guint i = 0; i < copies->len; i++)
		if (g_ptr_array_index(copies, i) != d)
			kept = MAX(kept, ((const struct sim_dom *)g_ptr_array_index(copies, i))->kept.snapshots);
	if (d->kept.snapshots > kept)
		sim_violate(d->host->w, "%s: what was written down of its snapshots is lost with its definition on %s", d->name, d->host->name);
}

static void undefine(struct sim_call *sc, struct sim_dom *d)
{
	bool forgets = sc->call->req.forgets && d && !sim_dom_active(d);
	g_autofree char *no = d && !forgets ? undefine_says(d) : NULL, *differs = NULL;

	if (d && sim_dom_locked(d)) {
		sim_call_wait_lock(sc, d);
	} else if (no) {
		sim_call_refuse(sc, ERR_HV, "%s", no);
	} else if (d && sc->call->req.xml && !domdef_same(sim_definition_of(d), sc->call->req.xml, &differs)) {
		sim_call_refuse(sc, ERR_CONFLICT, "undefine the domain: %s", differs);
	} else {
		if (forgets)
			judge_forgetting(d);
		if (d)
			sim_dom_undefine(d);
		sim_probe_drop(sc->host, sc->call->req.uuid);
		sim_call_finish(sc);
	}
}

static void set_autostart(struct sim_call *sc, struct sim_dom *d)
{
	if (!d) {
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", sc->call->req.uuid);
	} else if (!d->persistent) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: cannot set autostart for transient domain");
	} else {
		d->kept.autostart = sc->call->req.autostart;
		sim_call_finish(sc);
	}
}

static void get_snapshots(struct sim_call *sc, struct sim_dom *d)
{
	GPtrArray *all = sc->call->reply.snapshots = hv_snapshots_new();

	for (int i = 0; d && i < d->kept.snapshots; i++) {
		g_autofree char *name = g_strdup_printf("s%d", i + 1);
		struct hv_snapshot *s = hv_snapshots_add(all, name, "<domainsnapshot/>");

		s->current = i == d->kept.snapshots - 1;
		s->external = d->external;
	}
	sim_call_finish(sc);
}

static void set_snapshots(struct sim_call *sc, struct sim_dom *d)
{
	if (!d) {
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", sc->call->req.uuid);
	} else {
		d->kept.snapshots = MAX(d->kept.snapshots, (int)sc->call->req.snapshots->len);
		sim_call_finish(sc);
	}
}

void sim_act_define(struct sim_call *sc)
{
	static void (*const acts[HV_OP_N])(struct sim_call *sc, struct sim_dom *d) = {
		[HV_DOM_DEFINITION] = get_definition, [HV_DOM_DEFINE] = define, [HV_DOM_UNDEFINE] = undefine, [HV_DOM_AUTOSTART] = set_autostart,
		[HV_SNAPSHOTS_GET] = get_snapshots, [HV_SNAPSHOTS_SET] = set_snapshots,
	};

	acts[sc->call->req.op](sc, sim_dom_get(sc->host, sc->call->req.uuid));
}
