/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"

const struct host_state host_states[] = {
	[HOST_CLOSED]     = { .asked = false },
	[HOST_CONNECTING] = { .asked = false },
	[HOST_SYNCING]    = { .asked = true, .down = "its domains are not known yet" },
	[HOST_CLEANING]   = { .asked = true, .down = "what was left behind on it is not decided yet" },
	[HOST_UP]         = { .asked = true, .used = true },
};
static_assert(G_N_ELEMENTS(host_states) == HOST_CONN_N, "host_states is missing one");

struct host *host_new(const char *name, const char *uri)
{
	struct host *h = g_new0(struct host, 1);

	h->name = g_strdup(name);
	h->uri = g_strdup(uri);
	h->down_reason = g_strdup("not connected yet");
	h->servers = g_hash_table_new(NULL, NULL);
	h->claims = g_hash_table_new(NULL, NULL);
	h->index = HOST_NOWHERE;
	h->waits_since_us = HOST_OWES_NOTHING;
	return h;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	g_hash_table_unref(h->servers);
	g_hash_table_unref(h->claims);
	hv_host_info_free(h->info);
	g_free(h->name);
	g_free(h->uri);
	g_free(h->inbound_addr);
	g_free(h->migration_uri);
	g_free(h->vnc_listen);
	g_free(h->cell);
	g_free(h->fence.reason);
	g_free(h->disabled_reason);
	g_free(h->down_reason);
	g_free(h->same_as);
	g_free(h);
}

void host_set_cpus(struct host *h, const char *shared, const char *dedicated)
{
	h->shared_cpus = h->dedicated_cpus = (struct cpuset){ { 0 } };
	if (shared)
		(void)cpuset_parse(shared, &h->shared_cpus); /* conf.c has checked them */
	if (dedicated)
		(void)cpuset_parse(dedicated, &h->dedicated_cpus);
	h->shares_cpus = !cpuset_is_empty(&h->shared_cpus);
}

const char *host_cell(const struct host *h)
{
	return h->cell ? h->cell : CONF_CELL;
}

struct usage host_used(const struct host *h)
{
	return h->used;
}

struct usage host_claimed(const struct host *h)
{
	return h->claimed;
}

struct usage host_total(const struct host *h)
{
	struct usage u = { 0 };

	if (!h->info)
		return u;
	u.vcpus = h->info->vcpus;
	u.memory_mb = h->info->mem_mib;
	u.disk_gb = h->info->disk_bytes / FLEET_UNIT_GIB;
	return u;
}

struct usage host_capacity(const struct host *h)
{
	return h->capacity;
}

const char *host_dest_uri(const struct host *h)
{
	return h->migration_uri ? h->migration_uri : h->uri;
}

char *host_migrate_uri(const struct host *h)
{
	g_autoptr(GUri) uri = g_uri_parse(h->uri, G_URI_FLAGS_NONE, NULL);
	const char *addr = h->inbound_addr;

	if (!addr && uri)
		addr = g_uri_get_host(uri);
	if (!addr || !*addr)
		return NULL;
	return strchr(addr, ':') ? g_strdup_printf("tcp://[%s]", addr) : g_strdup_printf("tcp://%s", addr);
}
