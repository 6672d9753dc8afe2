/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "fleet/facts.h"

struct judge {
	struct fleet *fleet;
	const struct sched_request *request;
	unsigned filters;      /* bits: rows of the table that are asked */
	const struct host *source;
	GQuark arch;           /* the guest's; 0: not known */
	bool needs_kvm, excludes;
	int64_t now_us;
};

/* @why: gets the reason of a no, owned by the caller; NULL when nobody reads it. */
typedef bool filter_f(const struct judge *j, const struct host_facts *h, char **why);

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

static bool filter_source(const struct judge *j, const struct host_facts *h, char **why)
{
	return h->host != j->source || no(why, "the server runs there");
}

static bool filter_excluded(const struct judge *j, const struct host_facts *h, char **why)
{
	const char *text = j->excludes ? g_hash_table_lookup(j->request->exclude, h->host->name) : NULL;

	return !text || no(why, "%s", text);
}

static bool filter_compute(const struct judge *j, const struct host_facts *h, char **why)
{
	g_autofree char *state = NULL;

	if (h->disabled)
		return no(why, "the host is disabled: %s", h->host->disabled_reason ? h->host->disabled_reason : "no reason given");
	if (facts_up_at(j->fleet, h, j->now_us))
		return true;
	state = why ? host_state_text(j->fleet, h->host) : NULL;
	return no(why, "the host is %s", state);
}

static bool filter_ram(const struct judge *j, const struct host_facts *h, char **why)
{
	int64_t need = j->request->server->memory_mb;

	return need <= h->memory_mb || no(why, "%" G_GINT64_FORMAT " MB of memory needed, %" G_GINT64_FORMAT " MB free", need, h->memory_mb);
}

static bool filter_core(const struct judge *j, const struct host_facts *h, char **why)
{
	int need = j->request->server->vcpus;

	return need <= h->vcpus || no(why, "%d vCPUs needed, %d free", need, h->vcpus);
}

/* A host without a pool to measure is not judged by its disk. */
static bool filter_disk(const struct judge *j, const struct host_facts *h, char **why)
{
	int64_t need = j->request->server->disk_gb;

	return need <= h->disk_gb || !h->has_pool ||
	       no(why, "%" G_GINT64_FORMAT " GB of disk needed, %" G_GINT64_FORMAT " GB free", need, h->disk_gb);
}

static bool filter_instances(const struct judge *j, const struct host_facts *h, char **why)
{
	int64_t max = fleet_conf(j->fleet)->max_instances_per_host;

	return h->servers < max || no(why, "%d servers are there, max_instances_per_host is %" G_GINT64_FORMAT, h->servers, max);
}

static bool filter_virt(const struct judge *j, const struct host_facts *h, char **why)
{
	if (j->needs_kvm && h->known && !h->kvm)
		return no(why, "the guest needs KVM, the host has none");
	if (j->arch && h->arch && h->arch != j->arch)
		return no(why, "the guest's architecture is %s, the host's %s", j->request->server->dom->arch, g_quark_to_string(h->arch));
	return true;
}

/* The last one: who fails here alone fits, and waits. */
static bool filter_inbound(const struct judge *j, const struct host_facts *h, char **why)
{
	int64_t max = fleet_conf(j->fleet)->max_concurrent_inbound_live_migrations;

	return max == 0 || h->incoming < max ||
	       no(why, "%d migrations come in, max_concurrent_inbound_live_migrations is %" G_GINT64_FORMAT, h->incoming, max);
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

static struct candidate number(const struct host_facts *h, struct range *r)
{
	struct candidate c = { .host = h->host, .x = { [RAM_WEIGHER] = (double)h->memory_mb, [CPU_WEIGHER] = h->vcpus, [IO_OPS_WEIGHER] = -h->incoming } };

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

/* An architecture that no host has. */
#define ARCH_OF_NONE G_MAXUINT32

static GQuark arch_of(const struct server *s)
{
	GQuark known;

	if (!s->dom || !s->dom->arch)
		return 0;
	known = g_quark_try_string(s->dom->arch);
	return known ? known : ARCH_OF_NONE;
}

static struct judge judge_new(struct fleet *f, const struct sched_request *r)
{
	struct judge j = { .fleet = f, .request = r };
	const char *const *enabled = (const char *const *)fleet_conf(f)->enabled_filters;

	for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
		if (filters[i].always || g_strv_contains(enabled, filters[i].name))
			j.filters |= 1u << i;
	j.source = fleet_host(f, r->server->host);
	j.arch = arch_of(r->server);
	j.needs_kvm = r->server->dom && g_strcmp0(r->server->dom->virt_type, "kvm") == 0;
	j.excludes = r->exclude && g_hash_table_size(r->exclude) > 0;
	j.now_us = clock_wall_us();
	return j;
}

/* What there is of a host for this server: its own claim, which @held leaves out, does not stand in its way. */
static const struct host_facts *facts_of(const struct judge *j, guint i, struct host_facts *held)
{
	const struct host_facts *h = facts_at(j->fleet, i);
	const struct server *s = j->request->server;

	if (h->host != j->request->held)
		return h;
	*held = *h;
	held->vcpus += s->vcpus;
	held->memory_mb += s->memory_mb;
	held->disk_gb += s->disk_gb;
	held->servers--;
	held->incoming--;
	return held;
}

/* Return: the row of the filter that says no; the table's length for none. */
static size_t judge_host(const struct judge *j, const struct host_facts *h, char **why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
		if (j->filters & 1u << i && !filters[i].judge(j, h, why))
			return i;
	return G_N_ELEMENTS(filters);
}

bool sched_fits(struct fleet *f, const struct sched_request *r, const struct host *h)
{
	struct judge j = judge_new(f, r);
	struct host_facts held;

	return judge_host(&j, facts_of(&j, h->place, &held), NULL) >= INBOUND;
}

bool sched_is_busy(struct fleet *f, const struct host *h)
{
	struct judge j = { .fleet = f };

	return !filter_inbound(&j, facts_at(f, h->place), NULL);
}

/* Which hosts are asked for: all, or one. */
struct span {
	guint at, end;
};

static struct span span_of(const struct judge *j)
{
	const struct host *only;

	if (!j->request->only_host)
		return (struct span){ 0, fleet_hosts(j->fleet)->len };
	only = fleet_host(j->fleet, j->request->only_host);
	return only ? (struct span){ only->place, only->place + 1 } : (struct span){ 0, 0 };
}

bool sched_any(struct fleet *f, const struct sched_request *r)
{
	struct judge j = judge_new(f, r);
	struct span hosts = span_of(&j);
	struct host_facts held;

	for (; hosts.at < hosts.end; hosts.at++)
		if (judge_host(&j, facts_of(&j, hosts.at, &held), NULL) >= INBOUND)
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
	struct judge j = judge_new(f, r);
	struct span hosts = span_of(&j);
	g_autofree struct candidate *passed = g_new(struct candidate, hosts.end - hosts.at);
	struct range range = no_range;
	struct host_facts held;
	guint n = 0;

	*ret_busy = NULL;
	for (; hosts.at < hosts.end; hosts.at++) {
		const struct host_facts *h = facts_of(&j, hosts.at, &held);
		size_t row = judge_host(&j, h, NULL);

		if (row == G_N_ELEMENTS(filters))
			passed[n++] = number(h, &range);
		else if (row == INBOUND && !*ret_busy)
			*ret_busy = h->host;
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
	struct judge j = judge_new(f, r);
	struct span hosts = span_of(&j);
	g_autofree struct candidate *passed = g_new(struct candidate, hosts.end - hosts.at);
	struct range range = no_range;
	struct host_facts held;

	res->hosts = g_ptr_array_new_with_free_func(verdict_free);
	for (; hosts.at < hosts.end; hosts.at++) {
		struct sched_verdict *v = g_new0(struct sched_verdict, 1);
		const struct host_facts *h = facts_of(&j, hosts.at, &held);
		size_t row = judge_host(&j, h, &v->reason);

		v->host = h->host;
		g_ptr_array_add(res->hosts, v);
		v->filter = row < G_N_ELEMENTS(filters) ? filters[row].name : NULL;
		v->busy = row == INBOUND;
		res->busy += v->busy;
		if (!v->filter)
			passed[res->passed++] = number(h, &range);
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
