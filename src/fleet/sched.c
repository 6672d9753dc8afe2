/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"

#include <string.h>

struct judge {
	struct fleet *fleet;
	const struct sched_request *request;
};

/* Return: NULL if the host passes, or why not, owned by the caller. */
typedef char *filter_f(const struct judge *j, const struct host *h);

static struct usage taken(const struct host *h)
{
	struct usage u = host_used(h), c = host_claimed(h);

	u.vcpus += c.vcpus;
	u.memory_mb += c.memory_mb;
	u.disk_gb += c.disk_gb;
	u.servers += c.servers;
	return u;
}

static char *filter_source(const struct judge *j, const struct host *h)
{
	if (g_strcmp0(h->name, j->request->server->host) == 0)
		return g_strdup("the server runs there");
	return NULL;
}

static char *filter_excluded(const struct judge *j, const struct host *h)
{
	const char *why = j->request->exclude ? g_hash_table_lookup(j->request->exclude, h->name) : NULL;

	return g_strdup(why);
}

static char *filter_compute(const struct judge *j, const struct host *h)
{
	g_autofree char *state = NULL;

	if (h->disabled)
		return g_strdup_printf("the host is disabled: %s", h->disabled_reason ? h->disabled_reason : "no reason given");
	if (host_is_up(j->fleet, h))
		return NULL;
	state = host_state_text(j->fleet, h);
	return g_strdup_printf("the host is %s", state);
}

static char *filter_ram(const struct judge *j, const struct host *h)
{
	int64_t room = host_capacity(j->fleet, h).memory_mb - taken(h).memory_mb;
	int64_t need = j->request->server->memory_mb;

	if (need <= room)
		return NULL;
	return g_strdup_printf("%" G_GINT64_FORMAT " MB of memory needed, %" G_GINT64_FORMAT " MB free", need, room);
}

static char *filter_core(const struct judge *j, const struct host *h)
{
	int room = host_capacity(j->fleet, h).vcpus - taken(h).vcpus;
	int need = j->request->server->vcpus;

	if (need <= room)
		return NULL;
	return g_strdup_printf("%d vCPUs needed, %d free", need, room);
}

/* A host without a pool to measure is not judged by its disk. */
static char *filter_disk(const struct judge *j, const struct host *h)
{
	int64_t room = host_capacity(j->fleet, h).disk_gb - taken(h).disk_gb;
	int64_t need = j->request->server->disk_gb;

	if (host_total(h).disk_gb == 0 || need <= room)
		return NULL;
	return g_strdup_printf("%" G_GINT64_FORMAT " GB of disk needed, %" G_GINT64_FORMAT " GB free", need, room);
}

static char *filter_instances(const struct judge *j, const struct host *h)
{
	int64_t max = fleet_conf(j->fleet)->max_instances_per_host;

	if (taken(h).servers < max)
		return NULL;
	return g_strdup_printf("%d servers are there, max_instances_per_host is %" G_GINT64_FORMAT, taken(h).servers, max);
}

static char *filter_virt(const struct judge *j, const struct host *h)
{
	const struct hv_dom *d = j->request->server->dom;

	if (!d || !h->info)
		return NULL;
	if (g_strcmp0(d->virt_type, "kvm") == 0 && !h->info->kvm)
		return g_strdup("the guest needs KVM, the host has none");
	if (d->arch && h->info->arch && strcmp(d->arch, h->info->arch) != 0)
		return g_strdup_printf("the guest's architecture is %s, the host's %s", d->arch, h->info->arch);
	return NULL;
}

/* @always: not a matter of configuration. The order is that of Nova's default list, the cheap ones first. */
static const struct {
	const char *name;
	filter_f *judge;
	bool always;
} filters[] = {
	{ "SourceFilter",       filter_source,    true },
	{ "RetryFilter",        filter_excluded,  true },
	{ "ComputeFilter",      filter_compute,   true },
	{ "HypervisorFilter",   filter_virt,      true },
	{ "RamFilter",          filter_ram,       false },
	{ "CoreFilter",         filter_core,      false },
	{ "DiskFilter",         filter_disk,      false },
	{ "NumInstancesFilter", filter_instances, false },
};

static double free_ram(const struct fleet *f, const struct host *h)
{
	return (double)(host_capacity(f, h).memory_mb - taken(h).memory_mb);
}

static double free_vcpus(const struct fleet *f, const struct host *h)
{
	return host_capacity(f, h).vcpus - taken(h).vcpus;
}

static double idle(const struct fleet *f, const struct host *h)
{
	(void)f;
	return -(double)g_hash_table_size(h->claims);
}

/* Nova's weighers of the same names, with its multipliers' defaults in size: each is normalised to 0..1 and summed. */
static const struct {
	const char *name;
	double (*weigh)(const struct fleet *f, const struct host *h);
	double multiplier;
} weighers[] = {
	{ "RAMWeigher",   free_ram,   1.0 },
	{ "CPUWeigher",   free_vcpus, 1.0 },
	{ "IoOpsWeigher", idle,       1.0 },
};

static void verdict_free(void *data)
{
	struct sched_verdict *v = data;

	g_free(v->reason);
	g_free(v);
}

static struct sched_verdict *judge_host(const struct judge *j, struct host *h)
{
	struct sched_verdict *v = g_new0(struct sched_verdict, 1);
	char **enabled = fleet_conf(j->fleet)->enabled_filters;

	v->host = h;
	for (size_t i = 0; i < G_N_ELEMENTS(filters) && !v->reason; i++) {
		if (!filters[i].always && !g_strv_contains((const char *const *)enabled, filters[i].name))
			continue;
		v->reason = filters[i].judge(j, h);
		v->filter = v->reason ? filters[i].name : NULL;
	}
	return v;
}

static void weigh(struct fleet *f, struct sched_result *r)
{
	for (size_t w = 0; w < G_N_ELEMENTS(weighers); w++) {
		double min = G_MAXDOUBLE, max = -G_MAXDOUBLE;

		for (guint i = 0; i < r->hosts->len; i++) {
			struct sched_verdict *v = g_ptr_array_index(r->hosts, i);
			double x = v->filter ? min : weighers[w].weigh(f, v->host);

			min = v->filter ? min : MIN(min, x);
			max = v->filter ? max : MAX(max, x);
		}
		for (guint i = 0; i < r->hosts->len && max > min; i++) {
			struct sched_verdict *v = g_ptr_array_index(r->hosts, i);

			if (!v->filter)
				v->weight += weighers[w].multiplier * (weighers[w].weigh(f, v->host) - min) / (max - min);
		}
	}
}

static int better_first(const void *a, const void *b)
{
	const struct sched_verdict *x = *(struct sched_verdict *const *)a, *y = *(struct sched_verdict *const *)b;

	if (!x->filter != !y->filter)
		return x->filter ? 1 : -1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->host->id < y->host->id ? -1 : x->host->id > y->host->id;
}

struct sched_result *sched_select(struct fleet *f, const struct sched_request *r)
{
	struct sched_result *res = g_new0(struct sched_result, 1);
	struct judge j = { .fleet = f, .request = r };
	GPtrArray *hosts = fleet_hosts(f);

	res->hosts = g_ptr_array_new_with_free_func(verdict_free);
	for (guint i = 0; i < hosts->len; i++) {
		struct host *h = g_ptr_array_index(hosts, i);
		struct sched_verdict *v;

		if (r->only_host && strcmp(r->only_host, h->name) != 0)
			continue;
		v = judge_host(&j, h);
		res->passed += v->filter == NULL;
		g_ptr_array_add(res->hosts, v);
	}
	weigh(f, res);
	g_ptr_array_sort(res->hosts, better_first);
	return res;
}

void sched_result_free(struct sched_result *r)
{
	if (!r)
		return;
	g_ptr_array_unref(r->hosts);
	g_free(r);
}

char *sched_reasons(const struct sched_result *r)
{
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < r->hosts->len; i++) {
		struct sched_verdict *v = g_ptr_array_index(r->hosts, i);

		if (v->filter)
			g_string_append_printf(s, "%s%s: %s: %s", s->len ? "; " : "", v->host->name, v->filter, v->reason);
	}
	if (!s->len)
		g_string_append(s, "no hosts are known");
	return g_string_free(s, FALSE);
}
