/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_HOST_GET: what a host is (asked once a connection) and what it has left
 * (asked at every poll: two short questions; the pool's space once a minute).
 */
#include "hv/libvirt/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/caps.h"
#include "hv/libvirt/err.h"
#include "hv/xml/xml.h"

#define MEMORY_STATS_MAX 1024 /* libvirt's own (REMOTE_NODE_MEMORY_STATS_MAX) */
#define POOLS_MAX 256         /* so many are asked for their size */
#define POOL_REFRESH_MS 60000 /* libvirt knows a pool's free space as of its last refresh */

/* ---- facts: what does not change while libvirtd runs ---- */

static bool read_identity(const struct lv_ctx *x, struct hv_host_info *i, GError **err)
{
	g_autofree char *hostname = virConnectGetHostname(x->vir);
	const char *type;
	unsigned long version;

	if (!hostname)
		return lv_error(x->vir, "read the host's name", err);
	type = virConnectGetType(x->vir);
	if (!type)
		return lv_error(x->vir, "read the hypervisor's type", err);
	i->hostname = util_line(hostname, DOMXML_NAME_MAX);
	i->hv_type = util_line(type, DOMXML_NAME_MAX);
	if (virConnectGetVersion(x->vir, &version) < 0)
		return lv_error(x->vir, "read the hypervisor's version", err);
	i->hv_version = (int64_t)version;
	if (virConnectGetLibVersion(x->vir, &version) < 0)
		return lv_error(x->vir, "read libvirt's version", err);
	i->libvirt_version = (int64_t)version;
	return true;
}

static bool read_node(const struct lv_ctx *x, struct hv_host_info *i, GError **err)
{
	virNodeInfo node;

	if (virNodeGetInfo(x->vir, &node) < 0)
		return lv_error(x->vir, "read the host's size", err);
	i->vcpus = (int)MIN(node.cpus, G_MAXINT);
	/* libvirt counts sockets by NUMA node. */
	i->sockets = (int)MIN((uint64_t)node.sockets * MAX(node.nodes, 1), G_MAXINT);
	i->cores = (int)MIN(node.cores, G_MAXINT);
	i->threads = (int)MIN(node.threads, G_MAXINT);
	return true;
}

static bool read_capabilities(const struct lv_ctx *x, struct hv_host_info *i, GError **err)
{
	g_autofree char *xml = virConnectGetCapabilities(x->vir);

	if (!xml)
		return lv_error(x->vir, "read the host's capabilities", err);
	return lv_caps_parse(xml, i, err);
}

/* A host that cannot say it offers nothing special. */
static bool read_offers(const struct lv_ctx *x, struct hv_host_info *i, GError **err)
{
	g_autofree char *xml = virConnectGetDomainCapabilities(x->vir, NULL, NULL, NULL, NULL, 0);

	if (!xml && lv_lost(x->vir))
		return lv_error(x->vir, "read the host's domain capabilities", err);
	if (xml)
		(void)lv_domcaps_parse(xml, i, NULL); /* what it says in a way that cannot be read it does not say */
	return true;
}

/* HV_HOST_GET runs one at a time, so nothing else reads x->conn->facts meanwhile. */
static bool read_facts(const struct lv_ctx *x, GError **err)
{
	struct hv_host_info *i;

	if (x->conn->facts)
		return true;
	i = g_new0(struct hv_host_info, 1);
	if (!read_identity(x, i, err) || !read_node(x, i, err) || !read_capabilities(x, i, err) ||
	    !read_offers(x, i, err)) {
		hv_host_info_free(i);
		return false;
	}
	x->conn->facts = i;
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
	n->numa = hv_numa_ref(i->numa);
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

static bool read_memory(const struct lv_ctx *x, struct hv_host_info *i, GError **err)
{
	g_autofree virNodeMemoryStats *stats = g_new0(virNodeMemoryStats, MEMORY_STATS_MAX);
	int n = 0;
	uint64_t free_kib = 0, total_kib = 0;

	/* The first question is how many there are: the second one must say exactly that. */
	if (virNodeGetMemoryStats(x->vir, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) < 0 || n > MEMORY_STATS_MAX ||
	    virNodeGetMemoryStats(x->vir, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0)
		return lv_error(x->vir, "read the host's free memory", err);
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

static void add_free_pages(struct hv_host_info *i, const struct hv_node *node, int k, unsigned long long count)
{
	struct hv_free_pages f = { .node = node->id, .size_kib = node->pages[k].size_kib, .count = (int64_t)MIN(count, (uint64_t)INT64_MAX) };

	if (!i->free_pages)
		i->free_pages = g_array_new(FALSE, FALSE, sizeof(f));
	g_array_append_val(i->free_pages, f);
}

/* A host that has huge pages and does not say how many are free is judged by all it has. */
static void read_free_pages(const struct lv_ctx *x, struct hv_host_info *i)
{
	for (guint n = 0; i->numa && n < i->numa->nodes->len; n++) {
		const struct hv_node *node = &g_array_index(i->numa->nodes, struct hv_node, n);

		for (int k = 0; k < HV_PAGE_SIZES && node->pages[k].size_kib; k++) {
			unsigned size_kib = (unsigned)node->pages[k].size_kib;
			unsigned long long count;

			if (virNodeGetFreePages(x->vir, 1, &size_kib, node->id, 1, &count, 0) == 1)
				add_free_pages(i, node, k, count);
		}
	}
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
static bool pool_info(virStoragePoolPtr p, virStoragePoolInfo *ret)
{
	(void)virStoragePoolRefresh(p, 0);
	return virStoragePoolGetInfo(p, ret) == 0;
}

static int64_t to_int64(unsigned long long v)
{
	return (int64_t)MIN(v, (unsigned long long)INT64_MAX);
}

/* The largest of those of one rank, but of no more than POOLS_MAX: to ask one is to have it look at all its files. Return: false if none answers. */
static bool largest_pool(virStoragePoolPtr *pools, int n, size_t rank, int64_t *ret_bytes, int64_t *ret_free_bytes)
{
	virStoragePoolInfo info;
	int asked = 0;
	bool any = false;

	for (int k = 0; k < n && asked < POOLS_MAX; k++) {
		if (pool_rank(pools[k]) != rank)
			continue;
		asked++;
		if (!pool_info(pools[k], &info) || (any && to_int64(info.capacity) <= *ret_bytes))
			continue;
		any = true;
		*ret_bytes = to_int64(info.capacity);
		*ret_free_bytes = to_int64(info.available);
	}
	return any;
}

static void choose_pool(virStoragePoolPtr *pools, int n, int64_t *ret_bytes, int64_t *ret_free_bytes)
{
	for (size_t rank = 0; rank <= G_N_ELEMENTS(pool_names); rank++) {
		if (largest_pool(pools, n, rank, ret_bytes, ret_free_bytes))
			return;
	}
}

/* A host without storage is a host all the same, and dead storage makes no dead host: no error, but the last answer. */
static void pool_chore(const struct lv_ctx *x, void *unused)
{
	const unsigned dirs = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_DIR |
	                      VIR_CONNECT_LIST_STORAGE_POOLS_FS | VIR_CONNECT_LIST_STORAGE_POOLS_NETFS;
	virStoragePoolPtr *pools = NULL;
	int64_t bytes = 0, free_bytes = 0;
	int n = virConnectListAllStoragePools(x->vir, &pools, dirs);

	(void)unused;
	if (n < 0)
		return;
	choose_pool(pools, n, &bytes, &free_bytes);
	for (int k = 0; k < n; k++)
		(void)virStoragePoolFree(pools[k]);
	free(pools);
	g_mutex_lock(&x->conn->lock);
	x->conn->pool_bytes = bytes;
	x->conn->pool_free_bytes = free_bytes;
	x->conn->pool_asked_ms = clock_now_ms();
	g_mutex_unlock(&x->conn->lock);
}

static void read_pool(struct lv_conn *c, struct hv_host_info *i)
{
	bool due;

	g_mutex_lock(&c->lock);
	due = !c->pool_asked_ms || clock_now_ms() - c->pool_asked_ms >= POOL_REFRESH_MS;
	g_mutex_unlock(&c->lock);
	if (due)
		lv_chore(c, LV_POOL, pool_chore, NULL, NULL);
	g_mutex_lock(&c->lock);
	i->disk_bytes = c->pool_bytes;
	i->disk_free_bytes = c->pool_free_bytes;
	g_mutex_unlock(&c->lock);
}

bool lv_host_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct hv_host_info *i;

	(void)req;
	if (!read_facts(x, err))
		return false;
	i = info_copy(x->conn->facts);
	if (!read_memory(x, i, err)) {
		hv_host_info_free(i);
		return false;
	}
	read_free_pages(x, i);
	read_pool(x->conn, i);
	r->info = i;
	return true;
}
