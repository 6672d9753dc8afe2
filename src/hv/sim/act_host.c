/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_host.h"

#include <string.h>

#include "hv/sim/call.h"
#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/facts.h"
#include "hv/sim/host.h"
#include "hv/sim/ties.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"

#define LIBVIRT_VERSION 9000000

void sim_act_host_get(struct sim_call *sc)
{
	struct sim_host *h = sc->host;
	struct hv_host_info *i = g_new0(struct hv_host_info, 1);

	memcpy(i->uuid, h->uuid, sizeof i->uuid);
	i->hostname = g_strdup(sim_flaw(h, "hostname") ? sim_flaw(h, "hostname") : h->name);
	i->hv_type = g_strdup("QEMU");
	i->hv_version = h->hv_version;
	i->libvirt_version = LIBVIRT_VERSION;
	i->arch = g_strdup("x86_64");
	i->cpu_model = g_strdup(h->cpu_model);
	i->cpu_vendor = g_strdup(g_str_has_prefix(h->cpu_model, "EPYC") ? "AMD" : "Intel");
	i->cpu_features = g_strdupv(h->cpu_features);
	i->cpu_xml = sim_xml_write_cpu(h);
	i->tsc_hz = h->tsc_hz;
	i->tsc_scaling = h->tsc_hz ? HV_NO : HV_NOT_TOLD;
	i->sockets = 1;
	i->cores = h->vcpus / h->threads;
	i->threads = h->threads;
	i->vcpus = h->vcpus;
	i->mem_mib = h->mem_mib;
	i->mem_free_mib = MAX(sim_host_mem_free(h), 0);
	i->disk_bytes = h->disk_gib << 30;
	i->disk_free_bytes = MAX(h->disk_gib - h->used_gib, 0) << 30;
	i->kvm = true;
	sim_ties_host(h, i);
	sc->call->reply.info = i;
	sim_call_finish(sc);
}

/* ---- HV_LOOKUP ---- */

static void say(struct hv_need *n, bool there, char *why)
{
	n->found = there ? HV_FOUND : HV_FOUND_NOT;
	n->why = why;
}

static void answer(struct sim_host *h, const struct sim_dom *d, const char *uuid, struct hv_need *n)
{
	const char *other;

	switch (n->kind) {
	case HV_NEED_NAME:
		other = sim_name_taken(h, n->name, uuid);
		say(n, !other, other ? g_strdup(other) : NULL);
		break;
	case HV_NEED_NO_SNAPSHOT:
		say(n, !d || d->kept.snapshots == 0, d && d->kept.snapshots ? g_strdup_printf("%d", d->kept.snapshots) : NULL);
		break;
	case HV_NEED_NO_CHECKPOINT:
		say(n, !d || d->kept.checkpoints == 0, d && d->kept.checkpoints ? g_strdup_printf("%d", d->kept.checkpoints) : NULL);
		break;
	case HV_NEED_DISK_IDLE: case HV_NEED_NO_INTERFACE:
		say(n, true, NULL);
		break;
	case HV_NEED_INTERFACE: case HV_NEED_NETWORK: case HV_NEED_NWFILTER: case HV_NEED_SECRET: case HV_NEED_MACHINE:
	case HV_NEED_SECURITY: case HV_NEED_DEVICE: case HV_NEED_PCI: case HV_NEED_USB: case HV_NEED_MDEV:
		say(n, !g_hash_table_contains(h->lacks, n->name), NULL);
		break;
	case HV_NEED_KIND_N:
		g_assert_not_reached();
	}
}

void sim_act_lookup(struct sim_call *sc)
{
	struct hv_call *call = sc->call;
	const struct sim_dom *d = sim_dom_get(sc->host, call->req.uuid);

	call->reply.needs = hv_needs_copy(call->req.needs);
	for (guint i = 0; i < call->reply.needs->len; i++)
		answer(sc->host, d, call->req.uuid, g_ptr_array_index(call->reply.needs, i));
	sim_call_finish(sc);
}
