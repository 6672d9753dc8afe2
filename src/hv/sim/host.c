/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/host.h"

#include "hv/sim/device.h"
#include "hv/sim/dom.h"
#include "hv/sim/file.h"
#include "hv/sim/world.h"

#define HV_VERSION 7002000

struct sim_host *sim_host_new(struct sim *w, const char *name, const struct sim_host_spec *spec)
{
	struct sim_host *h = g_new0(struct sim_host, 1);
	g_autofree char *seed = g_strconcat("host:", spec->uuid_of ? spec->uuid_of : name, NULL);

	h->w = w;
	h->name = g_strdup(name);
	sim_uuid(h->uuid, seed);
	h->vcpus = spec->vcpus ? spec->vcpus : 8;
	h->mem_mib = spec->mem_mib ? spec->mem_mib : 16384;
	h->disk_gib = spec->disk_gib ? spec->disk_gib : 100;
	h->latency_ms = spec->latency_ms;
	h->cpu_model = g_strdup(spec->cpu_model ? spec->cpu_model : "Haswell");
	h->cpu_features = g_strsplit(spec->cpu_features ? spec->cpu_features : "", ",", -1);
	h->hv_version = spec->hv_version ? spec->hv_version : HV_VERSION;
	h->nodes = spec->nodes ? spec->nodes : 1;
	h->threads = spec->threads ? spec->threads : 1;
	h->huge_pages = spec->huge_pages;
	h->tsc_hz = spec->tsc_hz;
	h->tpm = spec->tpm;
	h->no_persist = spec->no_persist;
	h->locks = spec->locks;
	h->rate = (double)spec->link_mibs * SIM_MIB;
	h->storage = sim_storage_get(w, spec->storage, name);
	h->cache_ms = spec->cache_ms;
	h->on = h->libvirtd = h->link = true;
	sim_devices_new(h);
	h->lacks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	h->flaws = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	h->named = g_hash_table_new(g_str_hash, g_str_equal);
	h->doms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sim_dom_free);
	h->jobs = g_ptr_array_new();
	h->copies = g_ptr_array_new();
	h->conns = g_ptr_array_new();
	h->stalled = g_ptr_array_new();
	g_hash_table_replace(w->hosts, h->name, h);
	return h;
}

void sim_host_add(struct sim *w, const char *name, const struct sim_host_spec *spec)
{
	(void)sim_host_new(w, name, spec);
}

void sim_host_free(struct sim_host *h)
{
	if (!h)
		return;
	clock_cancel(&h->heal);
	g_hash_table_unref(h->doms);
	g_hash_table_unref(h->named);
	sim_devices_free(h);
	g_hash_table_unref(h->lacks);
	g_hash_table_unref(h->flaws);
	g_ptr_array_unref(h->jobs);
	g_ptr_array_unref(h->copies);
	g_ptr_array_unref(h->conns);
	g_ptr_array_unref(h->stalled);
	hv_numa_unref(h->numa);
	g_strfreev(h->cpu_features);
	g_free(h->cpu_model);
	g_free(h->unmade);
	g_free(h->name);
	g_free(h);
}

int64_t sim_host_mem_free(const struct sim_host *h)
{
	return h->mem_mib - h->active_mib;
}

void sim_host_lacks(struct sim *w, const char *name, const char *thing)
{
	g_hash_table_add(sim_host_find(w, name)->lacks, g_strdup(thing));
}
