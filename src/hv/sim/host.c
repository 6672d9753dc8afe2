/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts of the simulator: what they have, how they fail and come back.
 */
#include <stdlib.h>
#include <string.h>

#include "hv/sim/int.h"
#include "hv/sim/sim.h"

#define HV_VERSION      7002000
#define LIBVIRT_VERSION 9000000
#define URI_SERVERS_MAX 100000

struct sim_host *sim_host_find(struct sim *w, const char *name)
{
	struct sim_host *h = g_hash_table_lookup(w->hosts, name);

	return h ? h : g_hash_table_lookup(w->aliases, name);
}

/* For tests: a name that is not there is the test's mistake. */
static struct sim_host *must_find(struct sim *w, const char *name)
{
	struct sim_host *h = sim_host_find(w, name);

	if (!h)
		g_error("sim: no host %s", name);
	return h;
}

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
	h->rate = (double)spec->link_mibs * SIM_MIB;
	h->storage = sim_storage_get(w, spec->storage, name);
	h->cache_ms = spec->cache_ms;
	h->on = h->libvirtd = h->link = true;
	sim_devices_new(h);
	h->lacks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
	g_ptr_array_unref(h->jobs);
	g_ptr_array_unref(h->copies);
	g_ptr_array_unref(h->conns);
	g_ptr_array_unref(h->stalled);
	hv_numa_unref(h->numa);
	g_strfreev(h->cpu_features);
	g_free(h->cpu_model);
	g_free(h->name);
	g_free(h);
}

/* ---- hosts from URIs ---- */

struct uri_param {
	const char *name;
	int64_t value;
};

enum {
	P_VCPUS, P_MEMORY, P_DISK, P_SERVERS, P_SERVER_MEMORY, P_SERVER_VCPUS, P_SERVER_DISK,
	P_DIRTY, P_WORKING, P_HOT, P_BANDWIDTH, P_LATENCY, P_NETWORK, P_N
};

static const char *const param_names[P_N] = {
	[P_VCPUS] = "vcpus", [P_MEMORY] = "memory", [P_DISK] = "disk", [P_SERVERS] = "servers",
	[P_SERVER_MEMORY] = "server_memory", [P_SERVER_VCPUS] = "server_vcpus", [P_SERVER_DISK] = "server_disk",
	[P_DIRTY] = "dirty", [P_WORKING] = "working", [P_HOT] = "hot", [P_BANDWIDTH] = "bandwidth", [P_LATENCY] = "latency",
	[P_NETWORK] = "network",
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

static void fill_host(struct sim_host *h, const int64_t p[static P_N])
{
	for (int64_t i = 1; i <= MIN(p[P_SERVERS], URI_SERVERS_MAX); i++) {
		g_autofree char *name = g_strdup_printf("%s-%04" G_GINT64_FORMAT, h->name, i);
		struct sim_dom_spec spec = {
			.name = name,
			.mem_mib = p[P_SERVER_MEMORY], .vcpus = (int)p[P_SERVER_VCPUS], .disk_gib = p[P_SERVER_DISK],
			.dirty_mibs = (double)p[P_DIRTY], .working_mib = p[P_WORKING], .hot_mib = p[P_HOT],
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
	fill_host(h, p);
	return h;
}

/* ---- what it says of itself ---- */

bool sim_host_reachable(const struct sim_host *h)
{
	return h->on && h->link;
}

int64_t sim_host_mem_free(const struct sim_host *h)
{
	return h->mem_mib - h->active_mib;
}

void sim_act_host_get(struct sim_call *sc)
{
	struct sim_host *h = sc->host;
	struct hv_host_info *i = g_new0(struct hv_host_info, 1);

	memcpy(i->uuid, h->uuid, sizeof i->uuid);
	i->hostname = g_strdup(h->name);
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

/* ---- outages ---- */

static void conn_silent(void *user)
{
	struct sim_conn *c = user;

	c->keepalive = NULL;
	sim_conn_drop(c, "keepalive timeout");
}

/* After each change of power or cable. */
static void reach_changed(struct sim_host *h)
{
	bool reachable = sim_host_reachable(h);

	for (guint i = 0; i < h->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(h->conns, i);

		if (reachable)
			clock_cancel(&c->keepalive);
		else if (c->open && !c->keepalive)
			c->keepalive = clock_world(SIM_KEEPALIVE_MS, conn_silent, c);
	}
	sim_job_link(h);
	sim_copy_host_changed(h);
	if (!reachable)
		return;
	while (h->stalled->len > 0)
		sim_call_arrive(g_ptr_array_index(h->stalled, 0));
	sim_wake_conns(h);
}

static void drop_conns(struct sim_host *h, const char *why)
{
	for (guint i = 0; i < h->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(h->conns, i);

		if (c->open)
			sim_conn_drop(c, why);
	}
}

static void power_off(struct sim_host *h)
{
	g_autoptr(GList) all = NULL;

	h->on = h->libvirtd = false;
	h->pool_free_ms = 0;
	h->deaths++;
	all = g_hash_table_get_values(h->doms);
	for (GList *l = all; l; l = l->next)
		sim_dom_died(l->data);
	sim_job_host_off(h);
	for (GList *l = all; l; l = l->next) {
		struct sim_dom *d = l->data;

		d->repair = SIM_REPAIR_NOTHING;
		if (sim_dom_active(d))
			sim_dom_stop(d, HV_R_OTHER);
	}
	reach_changed(h);
}

static void power_on(struct sim_host *h)
{
	h->on = h->libvirtd = true;
	/* The new kernel knows nothing of the old connections. */
	drop_conns(h, "Connection reset by peer");
	reach_changed(h);
}

void sim_host_power(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = must_find(w, name);

	if (h->on == on)
		return;
	if (on)
		power_on(h);
	else
		power_off(h);
}

void sim_host_libvirtd(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = must_find(w, name);

	if (h->libvirtd == on || !h->on)
		return;
	h->libvirtd = on;
	if (on) {
		sim_job_libvirtd_on(h);
	} else {
		h->pool_free_ms = 0;
		h->deaths++;
		sim_job_libvirtd_off(h);
		sim_copy_host_changed(h);
		drop_conns(h, "End of file while reading data: Input/output error");
	}
}

void sim_host_link(struct sim *w, const char *name, bool on)
{
	struct sim_host *h = must_find(w, name);

	if (h->link == on)
		return;
	h->link = on;
	reach_changed(h);
}

static char *pair_of(const char *a, const char *b)
{
	return strcmp(a, b) < 0 ? g_strdup_printf("%s %s", a, b) : g_strdup_printf("%s %s", b, a);
}

bool sim_hosts_connected(const struct sim_host *a, const struct sim_host *b)
{
	g_autofree char *pair = g_hash_table_size(a->w->apart) > 0 ? pair_of(a->name, b->name) : NULL;

	return sim_host_reachable(a) && sim_host_reachable(b) && !(pair && g_hash_table_contains(a->w->apart, pair));
}

void sim_host_apart(struct sim *w, const char *a, const char *b, bool apart)
{
	struct sim_host *one = must_find(w, a);
	g_autofree char *pair = pair_of(one->name, must_find(w, b)->name);

	if (apart)
		g_hash_table_add(w->apart, g_steal_pointer(&pair));
	else
		g_hash_table_remove(w->apart, pair);
	sim_job_link(one);
}

void sim_host_rate(struct sim *w, const char *name, int64_t link_mibs)
{
	struct sim_host *h = must_find(w, name);

	h->rate = (double)link_mibs * SIM_MIB;
	sim_job_link(h);
}

void sim_host_pool(struct sim *w, const char *name, int64_t busy_ms)
{
	int64_t now = clock_now_ms();

	must_find(w, name)->pool_free_ms = busy_ms > INT64_MAX - now ? INT64_MAX : now + busy_ms;
}

bool sim_host_heals(struct sim *w, const char *name)
{
	return must_find(w, name)->heal != NULL;
}

static void set_outage(struct sim_host *h, enum sim_fault_kind kind, bool over)
{
	if (kind == SIM_CUT_LINK)
		sim_host_link(h->w, h->name, over);
	else if (kind == SIM_POWER_OFF)
		sim_host_power(h->w, h->name, over);
	else
		sim_host_libvirtd(h->w, h->name, over);
}

static void healed(void *user)
{
	struct sim_host *h = user;

	h->heal = NULL;
	set_outage(h, h->heal_what, true);
}

void sim_host_outage(struct sim_host *h, enum sim_fault_kind kind, int64_t ms)
{
	if (h->heal) {
		clock_cancel(&h->heal);
		set_outage(h, h->heal_what, true);
	}
	h->heal_what = kind;
	set_outage(h, kind, false);
	if (ms > 0)
		h->heal = clock_world(ms, healed, h);
}
