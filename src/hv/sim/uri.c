/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/uri.h"

#include <string.h>

#include "base/util.h"
#include "hv/sim/dom.h"
#include "hv/sim/host.h"
#include "hv/sim/outage.h"

#define URI_SERVERS_MAX 100000

struct uri_param {
	const char *name;
	int64_t value;
};

enum {
	P_VCPUS, P_MEMORY, P_DISK, P_SERVERS, P_SERVER_MEMORY, P_SERVER_VCPUS, P_SERVER_DISK, P_SERVER_LOAD,
	P_DIRTY, P_WORKING, P_HOT, P_BANDWIDTH, P_LATENCY, P_NETWORK, P_NETWORK_DISKS, P_OFF, P_VNC, P_N
};

static const char *const param_names[P_N] = {
	[P_VCPUS] = "vcpus", [P_MEMORY] = "memory", [P_DISK] = "disk", [P_SERVERS] = "servers",
	[P_SERVER_MEMORY] = "server_memory", [P_SERVER_VCPUS] = "server_vcpus", [P_SERVER_DISK] = "server_disk", [P_SERVER_LOAD] = "server_load",
	[P_DIRTY] = "dirty", [P_WORKING] = "working", [P_HOT] = "hot", [P_BANDWIDTH] = "bandwidth", [P_LATENCY] = "latency",
	[P_NETWORK] = "network", [P_NETWORK_DISKS] = "network_disks", [P_OFF] = "off", [P_VNC] = "vnc",
};

static void read_params(const char *query, int64_t p[static P_N], char **ret_cpu, char **ret_storage)
{
	g_auto(GStrv) pairs = g_strsplit(query ? query : "", "&", -1);

	for (char **s = pairs; *s; s++) {
		const char *eq = strchr(*s, '=');

		if (eq && g_str_has_prefix(*s, "cpu="))
			util_replace(ret_cpu, eq + 1);
		if (eq && g_str_has_prefix(*s, "storage="))
			util_replace(ret_storage, eq + 1);
		for (int i = 0; eq && i < P_N; i++)
			if (strncmp(*s, param_names[i], (size_t)(eq - *s)) == 0 && param_names[i][eq - *s] == '\0')
				(void)util_parse_int(eq + 1, 0, INT32_MAX, &p[i]); /* a bad one leaves the default */
	}
}

/* @n: the how manieth server of its host. */
static void give_addr(struct sim *w, const char *uuid, int64_t network, int64_t n)
{
	g_autofree char *text = g_strdup_printf("10.%d.%d.%d/16", (int)(network & 255), (int)(n >> 8 & 255), (int)(n & 255));

	if (network)
		sim_dom_addr(w, uuid, text);
}

void sim_host_fill(struct sim_host *h)
{
	g_autofree char *query = g_steal_pointer(&h->unmade), *cpu = NULL, *storage = NULL;
	int64_t p[P_N] = { 0 };

	if (!query)
		return;
	read_params(query, p, &cpu, &storage);
	for (int64_t i = 1; i <= MIN(p[P_SERVERS], URI_SERVERS_MAX); i++) {
		g_autofree char *name = g_strdup_printf("%s-%04" G_GINT64_FORMAT, h->name, i);
		struct sim_dom_spec spec = {
			.name = name,
			.mem_mib = p[P_SERVER_MEMORY], .vcpus = (int)p[P_SERVER_VCPUS], .disk_gib = p[P_SERVER_DISK], .load_mcpu = (int)p[P_SERVER_LOAD],
			.network_disks = p[P_NETWORK_DISKS] != 0, .dirty_mibs = (double)p[P_DIRTY], .working_mib = p[P_WORKING], .hot_mib = p[P_HOT],
		};

		give_addr(h->w, sim_dom_new(h, &spec)->uuid, p[P_NETWORK], i);
	}
}

struct sim_host *sim_host_of_uri(struct sim *w, const char *uri)
{
	const char *rest = g_str_has_prefix(uri, "sim://") ? uri + 6 : uri + 4;
	g_autofree char *name = g_strndup(rest, strcspn(rest, "?/"));
	g_autofree char *cpu = NULL, *storage = NULL;
	const char *query = strchr(rest, '?');
	int64_t p[P_N] = { 0 };
	struct sim_host *h = g_hash_table_lookup(w->hosts, name);

	if (h)
		return h;
	read_params(query ? query + 1 : NULL, p, &cpu, &storage);
	h = sim_host_new(w, name, &(struct sim_host_spec){
		.vcpus = (int)p[P_VCPUS], .mem_mib = p[P_MEMORY], .disk_gib = p[P_DISK], .cpu_model = cpu,
		.link_mibs = p[P_BANDWIDTH], .latency_ms = p[P_LATENCY], .storage = storage,
	});
	h->vnc_port = (int)p[P_VNC];
	if (p[P_SERVERS])
		h->unmade = g_strdup(query + 1);
	if (p[P_OFF])
		sim_host_libvirtd(w, name, false);
	return h;
}
