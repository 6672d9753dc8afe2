/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/facts.h"

#include "base/clock.h"
#include "fleet/fleet_priv.h"

static struct host_facts facts_now(struct host *h)
{
	struct usage total = host_capacity(h), used = host_used(h), claimed = host_claimed(h);

	return (struct host_facts){
		.host = h, .waits_since_us = h->waits_since_us,
		.memory_mb = total.memory_mb - used.memory_mb - claimed.memory_mb,
		.disk_gb = total.disk_gb - used.disk_gb - claimed.disk_gb,
		.vcpus = total.vcpus - used.vcpus - claimed.vcpus,
		.servers = used.servers + claimed.servers,
		.incoming = claimed.servers,
		.arch = h->arch,
		.usable = h->conn == HOST_UP && !h->forced_down && !h->disabled,
		.without_kvm = h->info && !h->info->kvm,
		.has_pool = host_total(h).disk_gb > 0,
	};
}

const struct host_facts *facts_at(const struct fleet *f, guint place)
{
	return &g_array_index(f->facts, struct host_facts, place);
}

int64_t facts_since_us(const struct fleet *f)
{
	return clock_now_us() - f->conf->service_down_time * 1000000;
}

void facts_note(struct host *h)
{
	GArray *facts = h->priv->fleet->facts;

	if (h->place < facts->len)
		g_array_index(facts, struct host_facts, h->place) = facts_now(h);
}

void facts_add(struct fleet *f, struct host *h)
{
	struct host_facts row = facts_now(h);

	h->place = f->facts->len;
	g_array_append_val(f->facts, row);
}

void facts_remove(struct fleet *f, struct host *h)
{
	g_array_remove_index(f->facts, h->place);
	for (guint i = h->place; i < f->facts->len; i++)
		g_array_index(f->facts, struct host_facts, i).host->place = i;
	h->place = FACTS_NOWHERE;
}

bool facts_hold(struct host *h)
{
	struct host_facts now = facts_now(h);
	const struct host_facts *x = facts_at(h->priv->fleet, h->place);

	return x->host == h && x->waits_since_us == now.waits_since_us && x->memory_mb == now.memory_mb && x->disk_gb == now.disk_gb && x->vcpus == now.vcpus &&
	       x->servers == now.servers && x->incoming == now.incoming && x->arch == now.arch && x->usable == now.usable &&
	       x->without_kvm == now.without_kvm && x->has_pool == now.has_pool;
}
