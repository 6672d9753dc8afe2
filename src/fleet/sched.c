/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

struct judge {
	struct fleet *fleet;
	const struct sched_request *request;
	unsigned filters;      /* bits: rows of the table that are asked */
	const struct host *source;
	GQuark arch;           /* the guest's */
	bool needs_kvm, excludes;
	int64_t now_us;
	/* the host that is being judged */
	struct usage room, taken;
};

/* @why: gets the reason of a no, owned by the caller; NULL when nobody reads it. */
typedef bool filter_f(const struct judge *j, const struct host *h, char **why);

/* What the host still has. The server's own claim does not stand in its way. */
static void measure(struct judge *j, const struct host *h)
{
	struct usage total = host_capacity(h), used = host_used(h), claimed = host_claimed(h);
	const struct server *s = j->request->server;

	if (h == j->request->held) {
		claimed.vcpus -= s->vcpus;
		claimed.memory_mb -= s->memory_mb;
		claimed.disk_gb -= s->disk_gb;
		claimed.servers--;
	}
	j->taken.servers = used.servers + claimed.servers;
	j->room.vcpus = total.vcpus - used.vcpus - claimed.vcpus;
	j->room.memory_mb = total.memory_mb - used.memory_mb - claimed.memory_mb;
	j->room.disk_gb = total.disk_gb - used.disk_gb - claimed.disk_gb;
}

static bool no(char **why, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static bool no(char **why, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return false;
	va_start(ap, fmt);
	*why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return false;
}

static bool filter_source(const struct judge *j, const struct host *h, char **why)
{
	return h != j->source || no(why, "the server runs there");
}

static bool filter_excluded(const struct judge *j, const struct host *h, char **why)
{
	const char *text = j->excludes ? g_hash_table_lookup(j->request->exclude, h->name) : NULL;

	return !text || no(why, "%s", text);
}

static bool filter_compute(const struct judge *j, const struct host *h, char **why)
{
	g_autofree char *state = NULL;

	if (h->disabled)
		return no(why, "the host is disabled: %s", h->disabled_reason ? h->disabled_reason : "no reason given");
	if (host_is_up_at(j->fleet, h, j->now_us))
		return true;
	state = why ? host_state_text(j->fleet, h) : NULL;
	return no(why, "the host is %s", state);
}

static bool filter_ram(const struct judge *j, const struct host *h, char **why)
{
	int64_t need = j->request->server->memory_mb;

	(void)h;
	return need <= j->room.memory_mb ||
	       no(why, "%" G_GINT64_FORMAT " MB of memory needed, %" G_GINT64_FORMAT " MB free", need, j->room.memory_mb);
}

static bool filter_core(const struct judge *j, const struct host *h, char **why)
{
	int need = j->request->server->vcpus;

	(void)h;
	return need <= j->room.vcpus || no(why, "%d vCPUs needed, %d free", need, j->room.vcpus);
}

/* A host without a pool to measure is not judged by its disk. */
static bool filter_disk(const struct judge *j, const struct host *h, char **why)
{
	int64_t need = j->request->server->disk_gb;

	return need <= j->room.disk_gb || host_total(h).disk_gb == 0 ||
	       no(why, "%" G_GINT64_FORMAT " GB of disk needed, %" G_GINT64_FORMAT " GB free", need, j->room.disk_gb);
}

static bool filter_instances(const struct judge *j, const struct host *h, char **why)
{
	int64_t max = fleet_conf(j->fleet)->max_instances_per_host;

	(void)h;
	return j->taken.servers < max ||
	       no(why, "%d servers are there, max_instances_per_host is %" G_GINT64_FORMAT, j->taken.servers, max);
}

static bool filter_virt(const struct judge *j, const struct host *h, char **why)
{
	const struct hv_dom *d = j->request->server->dom;

	if (!d || !h->info)
		return true;
	if (j->needs_kvm && !h->kvm)
		return no(why, "the guest needs KVM, the host has none");
	if (d->arch && h->arch && h->arch != j->arch)
		return no(why, "the guest's architecture is %s, the host's %s", d->arch, h->info->arch);
	return true;
}

/* The last one: who fails here alone fits, and waits. */
static bool filter_inbound(const struct judge *j, const struct host *h, char **why)
{
	int64_t max = fleet_conf(j->fleet)->max_concurrent_inbound_live_migrations;
	guint there = g_hash_table_size(h->claims) - (h == j->request->held);

	return max == 0 || there < max ||
	       no(why, "%u migrations come in, max_concurrent_inbound_live_migrations is %" G_GINT64_FORMAT, there, max);
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
	{ "InboundFilter",      filter_inbound,   true },
};
#define INBOUND (G_N_ELEMENTS(filters) - 1)

/* Nova's weighers of the same names, with its multipliers' defaults in size: each is normalised to 0..1 and summed. */
enum { RAM_WEIGHER, CPU_WEIGHER, IO_OPS_WEIGHER, WEIGHERS };
static const double multipliers[WEIGHERS] = { [RAM_WEIGHER] = 1.0, [CPU_WEIGHER] = 1.0, [IO_OPS_WEIGHER] = 1.0 };

/* A host that passed, in numbers. */
struct candidate {
	struct host *host;
	double x[WEIGHERS];
};

/* ... and the range of each number among all. */
struct range {
	double min[WEIGHERS], max[WEIGHERS];
};

static_assert(WEIGHERS == 3, "no_range is missing one");
static const struct range no_range = {
	.min = { G_MAXDOUBLE, G_MAXDOUBLE, G_MAXDOUBLE }, .max = { -G_MAXDOUBLE, -G_MAXDOUBLE, -G_MAXDOUBLE },
};

static struct candidate number(const struct judge *j, struct host *h, struct range *r)
{
	struct candidate c = { .host = h };

	c.x[RAM_WEIGHER] = (double)j->room.memory_mb;
	c.x[CPU_WEIGHER] = j->room.vcpus;
	c.x[IO_OPS_WEIGHER] = -(double)g_hash_table_size(h->claims);
	for (int w = 0; w < WEIGHERS; w++) {
		r->min[w] = MIN(r->min[w], c.x[w]);
		r->max[w] = MAX(r->max[w], c.x[w]);
	}
	return c;
}

static double weight(const struct candidate *c, const struct range *r)
{
	double sum = 0;

	for (int w = 0; w < WEIGHERS; w++)
		if (r->max[w] > r->min[w])
			sum += multipliers[w] * (c->x[w] - r->min[w]) / (r->max[w] - r->min[w]);
	return sum;
}

/* ---- judging ---- */

static struct judge judge_new(struct fleet *f, const struct sched_request *r)
{
	struct judge j = { .fleet = f, .request = r };
	const char *const *enabled = (const char *const *)fleet_conf(f)->enabled_filters;

	for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
		if (filters[i].always || g_strv_contains(enabled, filters[i].name))
			j.filters |= 1u << i;
	j.source = fleet_host(f, r->server->host);
	j.arch = r->server->dom && r->server->dom->arch ? g_quark_try_string(r->server->dom->arch) : 0;
	j.needs_kvm = r->server->dom && g_strcmp0(r->server->dom->virt_type, "kvm") == 0;
	j.excludes = r->exclude && g_hash_table_size(r->exclude) > 0;
	j.now_us = clock_wall_us();
	return j;
}

/* Return: the row of the filter that says no; the table's length for none. */
static size_t judge_host(struct judge *j, const struct host *h, char **why)
{
	measure(j, h);
	for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
		if (j->filters & 1u << i && !filters[i].judge(j, h, why))
			return i;
	return G_N_ELEMENTS(filters);
}

bool sched_fits(struct fleet *f, const struct sched_request *r, const struct host *h)
{
	struct judge j = judge_new(f, r);

	return judge_host(&j, h, NULL) >= INBOUND;
}

bool sched_is_busy(struct fleet *f, const struct host *h)
{
	struct sched_request r = { .server = NULL };
	struct judge j = { .fleet = f, .request = &r };

	return !filter_inbound(&j, h, NULL);
}

/* The @i-th of the hosts that are asked for: all, or one. NULL behind the last. */
static struct host *host_at(const struct judge *j, guint i)
{
	GPtrArray *hosts = fleet_hosts(j->fleet);

	if (j->request->only_host)
		return i == 0 ? fleet_host(j->fleet, j->request->only_host) : NULL;
	return i < hosts->len ? g_ptr_array_index(hosts, i) : NULL;
}

bool sched_any(struct fleet *f, const struct sched_request *r)
{
	struct judge j = judge_new(f, r);
	const struct host *h;

	for (guint i = 0; (h = host_at(&j, i)); i++)
		if (judge_host(&j, h, NULL) >= INBOUND)
			return true;
	return false;
}

static struct host *best_of(const struct candidate *c, guint n, const struct range *r)
{
	struct host *best = NULL;
	double most = 0;

	for (guint i = 0; i < n; i++) {
		double x = weight(&c[i], r);

		if (best && x <= most)
			continue;
		best = c[i].host;
		most = x;
	}
	return best;
}

struct host *sched_best(struct fleet *f, const struct sched_request *r, struct host **ret_busy)
{
	g_autofree struct candidate *passed = g_new(struct candidate, fleet_hosts(f)->len);
	struct judge j = judge_new(f, r);
	struct range range = no_range;
	struct host *h;
	guint n = 0;

	*ret_busy = NULL;
	for (guint i = 0; (h = host_at(&j, i)); i++) {
		size_t row = judge_host(&j, h, NULL);

		if (row == G_N_ELEMENTS(filters))
			passed[n++] = number(&j, h, &range);
		else if (row == INBOUND && !*ret_busy)
			*ret_busy = h;
	}
	return best_of(passed, n, &range);
}

/* ---- with reasons ---- */

static void verdict_free(void *data)
{
	struct sched_verdict *v = data;

	g_free(v->reason);
	g_free(v);
}

static int better_first(const void *a, const void *b)
{
	const struct sched_verdict *x = *(struct sched_verdict *const *)a, *y = *(struct sched_verdict *const *)b;

	if (!x->filter != !y->filter)
		return x->filter ? 1 : -1;
	if (x->busy != y->busy)
		return x->busy ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->host->id < y->host->id ? -1 : x->host->id > y->host->id;
}

struct sched_result *sched_select(struct fleet *f, const struct sched_request *r)
{
	struct sched_result *res = g_new0(struct sched_result, 1);
	g_autofree struct candidate *passed = g_new(struct candidate, fleet_hosts(f)->len);
	struct judge j = judge_new(f, r);
	struct range range = no_range;
	struct host *h;

	res->hosts = g_ptr_array_new_with_free_func(verdict_free);
	for (guint i = 0; (h = host_at(&j, i)); i++) {
		struct sched_verdict *v = g_new0(struct sched_verdict, 1);
		size_t row = judge_host(&j, h, &v->reason);

		v->host = h;
		g_ptr_array_add(res->hosts, v);
		v->filter = row < G_N_ELEMENTS(filters) ? filters[row].name : NULL;
		v->busy = row == INBOUND;
		res->busy += v->busy;
		if (!v->filter)
			passed[res->passed++] = number(&j, h, &range);
	}
	for (guint i = 0, k = 0; i < res->hosts->len; i++) {
		struct sched_verdict *v = g_ptr_array_index(res->hosts, i);

		if (!v->filter)
			v->weight = weight(&passed[k++], &range);
	}
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
