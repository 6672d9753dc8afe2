/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_HOST_GET: what a host is (asked once a connection) and what it has left
 * (asked at every poll: two short questions).
 */
#include "hv/libvirt_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/domxml.h"
#include "hv/libvirt_caps.h"

#define MEMORY_STATS_MAX 16
#define POOL_REFRESH_MS 60000 /* libvirt knows a pool's free space as of its last refresh */

/* ---- facts: what does not change while libvirtd runs ---- */

static bool bounded(const char *s)
{
	return s && strlen(s) <= DOMXML_NAME_MAX;
}

static bool read_identity(struct lv_conn *c, struct hv_host_info *i, GError **err)
{
	g_autofree char *hostname = virConnectGetHostname(c->vir);
	const char *type;
	unsigned long version;

	if (!hostname)
		return lv_error(c->vir, "read the host's name", err);
	type = virConnectGetType(c->vir);
	if (!type)
		return lv_error(c->vir, "read the hypervisor's type", err);
	if (!bounded(hostname) || !bounded(type)) {
		g_set_error(err, ERR, ERR_HV, "the host's name is too long");
		return false;
	}
	i->hostname = g_steal_pointer(&hostname);
	i->hv_type = g_strdup(type);
	if (virConnectGetVersion(c->vir, &version) < 0)
		return lv_error(c->vir, "read the hypervisor's version", err);
	i->hv_version = (int64_t)version;
	if (virConnectGetLibVersion(c->vir, &version) < 0)
		return lv_error(c->vir, "read libvirt's version", err);
	i->libvirt_version = (int64_t)version;
	return true;
}

static bool read_node(struct lv_conn *c, struct hv_host_info *i, GError **err)
{
	virNodeInfo node;

	if (virNodeGetInfo(c->vir, &node) < 0)
		return lv_error(c->vir, "read the host's size", err);
	i->vcpus = (int)MIN(node.cpus, G_MAXINT);
	/* libvirt counts sockets by NUMA node. */
	i->sockets = (int)MIN((uint64_t)node.sockets * MAX(node.nodes, 1), G_MAXINT);
	i->cores = (int)MIN(node.cores, G_MAXINT);
	i->threads = (int)MIN(node.threads, G_MAXINT);
	return true;
}

static bool read_capabilities(struct lv_conn *c, struct hv_host_info *i, GError **err)
{
	g_autofree char *xml = virConnectGetCapabilities(c->vir);

	if (!xml)
		return lv_error(c->vir, "read the host's capabilities", err);
	return lv_caps_parse(xml, i, err);
}

/* HV_HOST_GET runs one at a time, so nobody else looks at c->facts meanwhile. */
static bool read_facts(struct lv_conn *c, GError **err)
{
	struct hv_host_info *i;

	if (c->facts)
		return true;
	i = g_new0(struct hv_host_info, 1);
	if (!read_identity(c, i, err) || !read_node(c, i, err) || !read_capabilities(c, i, err)) {
		hv_host_info_free(i);
		return false;
	}
	c->facts = i;
	return true;
}

static struct hv_host_info *info_copy(const struct hv_host_info *i)
{
	struct hv_host_info *n = g_memdup2(i, sizeof(*i));

	n->hostname = g_strdup(i->hostname);
	n->hv_type = g_strdup(i->hv_type);
	n->arch = g_strdup(i->arch);
	n->cpu_model = g_strdup(i->cpu_model);
	n->cpu_vendor = g_strdup(i->cpu_vendor);
	n->cpu_features = g_strdupv(i->cpu_features);
	n->cpu_xml = g_strdup(i->cpu_xml);
	return n;
}

/* ---- what is left ---- */

/* The page cache counts as free, as in Nova. The total is here too, and not from virNodeGetInfo(), so that the two agree. */
static const struct {
	const char *name;
	bool total;
} memory_fields[] = {
	{ VIR_NODE_MEMORY_STATS_TOTAL, true },
	{ VIR_NODE_MEMORY_STATS_FREE, false },
	{ VIR_NODE_MEMORY_STATS_BUFFERS, false },
	{ VIR_NODE_MEMORY_STATS_CACHED, false },
};

static bool read_memory(struct lv_conn *c, struct hv_host_info *i, GError **err)
{
	virNodeMemoryStats stats[MEMORY_STATS_MAX];
	int n = 0;
	uint64_t free_kib = 0, total_kib = 0;

	/* The first question is how many there are: the second one must say exactly that. */
	if (virNodeGetMemoryStats(c->vir, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) < 0 || n > MEMORY_STATS_MAX ||
	    virNodeGetMemoryStats(c->vir, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0)
		return lv_error(c->vir, "read the host's free memory", err);
	for (int k = 0; k < MIN(n, MEMORY_STATS_MAX); k++) {
		for (size_t f = 0; f < G_N_ELEMENTS(memory_fields); f++) {
			if (!strcmp(stats[k].field, memory_fields[f].name))
				*(memory_fields[f].total ? &total_kib : &free_kib) += stats[k].value;
		}
	}
	i->mem_mib = (int64_t)(total_kib / 1024);
	i->mem_free_mib = (int64_t)(free_kib / 1024);
	return true;
}

/* The pool that holds instances: by name, the first one of these; else the largest. */
static const char *const pool_names[] = { "instances", "default" };

static size_t pool_rank(virStoragePoolPtr p)
{
	const char *name = virStoragePoolGetName(p);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(pool_names); i++) {
		if (!g_strcmp0(name, pool_names[i]))
			break;
	}
	return i;
}

/* Free space without a refresh is old, but better than none: a refresh fails while a volume is built. */
static bool pool_info(virStoragePoolPtr p, bool refresh, virStoragePoolInfo *ret)
{
	if (refresh)
		(void)virStoragePoolRefresh(p, 0);
	return virStoragePoolGetInfo(p, ret) == 0;
}

static void choose_pool(virStoragePoolPtr *pools, int n, bool refresh, struct hv_host_info *i)
{
	size_t best = G_MAXSIZE;
	virStoragePoolInfo info;

	for (int k = 0; k < n; k++) {
		size_t rank = pool_rank(pools[k]);
		bool named = rank < G_N_ELEMENTS(pool_names);

		if (rank > best || !pool_info(pools[k], refresh, &info))
			continue;
		if (rank == best && !named && (int64_t)info.capacity <= i->disk_bytes)
			continue;
		best = rank;
		i->disk_bytes = (int64_t)MIN(info.capacity, (unsigned long long)INT64_MAX);
		i->disk_free_bytes = (int64_t)MIN(info.available, (unsigned long long)INT64_MAX);
	}
}

/* A host without storage is a host all the same: no pools, no error. */
static bool read_pool(struct lv_conn *c, struct hv_host_info *i, GError **err)
{
	const unsigned dirs = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_DIR |
	                      VIR_CONNECT_LIST_STORAGE_POOLS_FS | VIR_CONNECT_LIST_STORAGE_POOLS_NETFS;
	int64_t now = clock_now_ms();
	bool refresh = !c->pool_fresh_ms || now - c->pool_fresh_ms >= POOL_REFRESH_MS;
	virStoragePoolPtr *pools = NULL;
	int n = virConnectListAllStoragePools(c->vir, &pools, dirs);

	if (n < 0)
		return lv_error_is(VIR_ERR_NO_SUPPORT) || lv_error(c->vir, "list the host's storage pools", err);
	if (n <= LV_POOLS_MAX)
		choose_pool(pools, n, refresh, i);
	else
		g_set_error(err, ERR, ERR_HV, "the host has too many storage pools");
	for (int k = 0; k < n; k++)
		(void)virStoragePoolFree(pools[k]);
	free(pools);
	if (refresh)
		c->pool_fresh_ms = now;
	return n <= LV_POOLS_MAX;
}

bool lv_host_get(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct hv_host_info *i;

	(void)req;
	if (!read_facts(c, err))
		return false;
	i = info_copy(c->facts);
	if (!read_memory(c, i, err) || !read_pool(c, i, err)) {
		hv_host_info_free(i);
		return false;
	}
	r->info = i;
	return true;
}
