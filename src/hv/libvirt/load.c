/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_DOM_LOADS. Not part of the poll: libvirt counts the CPU time by itself, but also asks each QEMU for what belongs to
 * the same group of statistics, and a monitor that is silent would hold up the answer.
 */
#include "hv/libvirt/load.h"

#include "hv/libvirt/err.h"
#include "hv/libvirt/state.h"

static void take(GArray *loads, virDomainStatsRecordPtr rec)
{
	struct hv_load l = { .cpu_ns = 0 };

	G_STATIC_ASSERT(sizeof l.uuid >= VIR_UUID_STRING_BUFLEN);
	if (virDomainGetUUIDString(rec->dom, l.uuid) == 0 && lv_param(rec->params, rec->nparams, "cpu.time", &l.cpu_ns) && l.cpu_ns >= 0)
		g_array_append_val(loads, l);
}

bool lv_dom_loads(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	const unsigned flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
	virDomainStatsRecordPtr *recs = NULL;
	int n = virConnectGetAllDomainStats(x->vir, VIR_DOMAIN_STATS_CPU_TOTAL, &recs, flags);

	(void)req;
	if (n < 0)
		return lv_error(x->vir, "ask for the CPU time of domains", err);
	r->loads = g_array_new(FALSE, FALSE, sizeof(struct hv_load));
	for (int i = 0; i < n; i++)
		take(r->loads, recs[i]);
	virDomainStatsRecordListFree(recs);
	return true;
}
