/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"

#include <assert.h>
#include <limits.h>

#include "fleet/fleet_priv.h"

/* In the order in which they are asked: Nova's default list, the cheap ones first. */
enum filter { SOURCE, RETRY, COMPUTE, HYPERVISOR, RAM, CORE, DISK, INSTANCES, INBOUND, PASSED };

struct judge {
	struct fleet *fleet;
	const struct host_facts *facts; /* of all hosts */
	const struct sched_request *request;
	const struct host *source;
	bool excludes;
	/* What is asked of a host. Without the filter, what any host has. */
	int64_t since_us;            /* a question from before then must have been answered */
	int64_t memory_mb, disk_gb;
	int vcpus;
	int64_t servers, incoming;   /* it has fewer */
	GQuark arch;                 /* 0: not known */
	bool kvm;
};

static bool is_excluded(const struct judge *j, const struct host_facts *h)
{
	return j->excludes && g_hash_table_contains(j->request->exclude, h->host->name);
}

static inline bool lacks_virt(const struct judge *j, const struct host_facts *h)
{
	return (j->kvm && h->without_kvm) || (h->arch != j->arch && h->arch && j->arch);
}

/* Which filter says no. One straight function, since every migration asks every host. A host without a pool is not judged by its disk. */
static inline enum filter judge_host(const struct judge *j, const struct host_facts *h)
{
	if (h->host == j->source)
		return SOURCE;
	if (is_excluded(j, h))
		return RETRY;
	if (!h->usable || h->waits_since_us < j->since_us)
		return COMPUTE;
	if (lacks_virt(j, h))
		return HYPERVISOR;
	if (h->memory_mb < j->memory_mb)
		return RAM;
	if (h->vcpus < j->vcpus)
		return CORE;
	if (h->disk_gb < j->disk_gb && h->has_pool)
		return DISK;
	if (h->servers >= j->servers)
		return INSTANCES;
	return h->inbound[TASK_CLASS_LIVE] >= j->incoming ? INBOUND : PASSED;
}

/* ---- why ---- */

typedef char *why_f(const struct judge *j, const struct host_facts *h);

static char *why_source(const struct judge *j, const struct host_facts *h)
{
	(void)j;
	(void)h;
	return g_strdup("the server runs there");
}

static char *why_excluded(const struct judge *j, const struct host_facts *h)
{
	return g_strdup(g_hash_table_lookup(j->request->exclude, h->host->name));
}

static char *why_not_up(const struct judge *j, const struct host_facts *h)
{
	g_autofree char *state = NULL;

	if (h->host->disabled)
		return g_strdup_printf("the host is disabled: %s", h->host->disabled_reason ? h->host->disabled_reason : "no reason given");
	state = host_state_text(j->fleet, h->host);
	return g_strdup_printf("the host is %s", state);
}

static char *why_virt(const struct judge *j, const struct host_facts *h)
{
	if (j->kvm && h->without_kvm)
		return g_strdup("the guest needs KVM, the host has none");
	return g_strdup_printf("the guest's architecture is %s, the host's %s", j->request->server->dom->arch, g_quark_to_string(h->arch));
}

static char *why_ram(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%" G_GINT64_FORMAT " MB of memory needed, %" G_GINT64_FORMAT " MB free", j->memory_mb, h->memory_mb);
}

static char *why_core(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%d vCPUs needed, %d free", j->vcpus, h->vcpus);
}

static char *why_disk(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%" G_GINT64_FORMAT " GB of disk needed, %" G_GINT64_FORMAT " GB free", j->disk_gb, h->disk_gb);
}

static char *why_instances(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%d servers are there, max_instances_per_host is %" G_GINT64_FORMAT, h->servers, j->servers);
}

static char *why_inbound(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%d inbound migrations, max_concurrent_inbound_live_migrations is %" G_GINT64_FORMAT, h->inbound[TASK_CLASS_LIVE], j->incoming);
}

/* A host that fails InboundFilter alone fits, and the migration waits. */
static const struct {
	const char *name;
	why_f *why;
} filters[] = {
	[SOURCE]     = { "SourceFilter",       why_source },
	[RETRY]      = { "RetryFilter",        why_excluded },
	[COMPUTE]    = { "ComputeFilter",      why_not_up },
	[HYPERVISOR] = { "HypervisorFilter",   why_virt },
	[RAM]        = { "RamFilter",          why_ram },
	[CORE]       = { "CoreFilter",         why_core },
	[DISK]       = { "DiskFilter",         why_disk },
	[INSTANCES]  = { "NumInstancesFilter", why_instances },
	[INBOUND]    = { "InboundFilter",      why_inbound },
};
static_assert(G_N_ELEMENTS(filters) == PASSED, "filters is missing one");

/* Nova's weighers of the same names, with its multipliers' defaults in size: each is normalised to 0..1 and summed. */
enum { RAM_WEIGHER, CPU_WEIGHER, IO_OPS_WEIGHER, WEIGHERS };
static const double multipliers[WEIGHERS] = { [RAM_WEIGHER] = 1.0, [CPU_WEIGHER] = 1.0, [IO_OPS_WEIGHER] = 1.0 };

/* A host that passed, in numbers. */
struct candidate {
	struct host *host;
	int64_t x[WEIGHERS];
};

/* ... and the range of each number among all. */
struct range {
	int64_t min[WEIGHERS], max[WEIGHERS];
};

static_assert(WEIGHERS == 3, "no_range, number() or weight() is missing one");
static const struct range no_range = { .min = { INT64_MAX, INT64_MAX, INT64_MAX }, .max = { INT64_MIN, INT64_MIN, INT64_MIN } };

static inline void note(struct candidate *c, struct range *r, int weigher, int64_t x)
{
	c->x[weigher] = x;
	r->min[weigher] = MIN(r->min[weigher], x);
	r->max[weigher] = MAX(r->max[weigher], x);
}

static void number(struct candidate *c, const struct host_facts *h, struct range *r)
{
	c->host = h->host;
	note(c, r, RAM_WEIGHER, h->memory_mb);
	note(c, r, CPU_WEIGHER, h->vcpus);
	note(c, r, IO_OPS_WEIGHER, -h->inbound[TASK_CLASS_LIVE]);
}

/* What one more of each is worth; nothing where all have the same. */
struct worth {
	double each[WEIGHERS];
};

static struct worth worth_of(const struct range *r)
{
	struct worth worth = { { 0 } };

	for (int w = 0; w < WEIGHERS; w++)
		if (r->max[w] > r->min[w])
			worth.each[w] = multipliers[w] / (double)(r->max[w] - r->min[w]);
	return worth;
}

static inline double part(const struct candidate *c, const struct range *r, const struct worth *worth, int weigher)
{
	return worth->each[weigher] * (double)(c->x[weigher] - r->min[weigher]);
}

static double weight(const struct candidate *c, const struct range *r, const struct worth *worth)
{
	return part(c, r, worth, RAM_WEIGHER) + part(c, r, worth, CPU_WEIGHER) + part(c, r, worth, IO_OPS_WEIGHER);
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

/* enabled_filters names it. The filters that it cannot name are always asked. */
static bool is_asked(struct fleet *f, enum filter filter)
{
	return g_strv_contains((const char *const *)fleet_conf(f)->enabled_filters, filters[filter].name);
}

static int64_t max_incoming(struct fleet *f)
{
	int64_t max = fleet_conf(f)->max_concurrent_inbound_live_migrations;

	return max ? max : INT64_MAX;
}

static struct judge judge_new(struct fleet *f, const struct sched_request *r)
{
	const struct server *s = r->server;

	return (struct judge){
		.fleet = f, .facts = room_facts(f->room, 0), .request = r, .source = fleet_host(f, s->host),
		.excludes = r->exclude && g_hash_table_size(r->exclude) > 0,
		.since_us = room_since_us(f->room),
		.memory_mb = is_asked(f, RAM) ? s->memory_mb : INT64_MIN,
		.vcpus = is_asked(f, CORE) ? s->vcpus : INT_MIN,
		.disk_gb = is_asked(f, DISK) ? s->disk_gb : INT64_MIN,
		.servers = is_asked(f, INSTANCES) ? fleet_conf(f)->max_instances_per_host : INT64_MAX,
		.incoming = max_incoming(f),
		.arch = arch_of(s), .kvm = s->dom && g_strcmp0(s->dom->virt_type, "kvm") == 0,
	};
}

/* What there is of a host for this server: its own claim, which @held leaves out, does not stand in its way. */
static const struct host_facts *facts_of(const struct judge *j, guint i, struct host_facts *held)
{
	const struct host_facts *h = &j->facts[i];
	const struct server *s = j->request->server;

	if (h->host != j->request->held)
		return h;
	*held = *h;
	held->vcpus += s->vcpus;
	held->memory_mb += s->memory_mb;
	held->disk_gb += s->disk_gb;
	held->servers--;
	held->inbound[TASK_CLASS_LIVE]--;
	return held;
}

bool sched_fits(struct fleet *f, const struct sched_request *r, const struct host *h)
{
	struct judge j = judge_new(f, r);
	struct host_facts held;

	return judge_host(&j, facts_of(&j, h->index, &held)) >= INBOUND;
}

bool sched_is_busy(struct fleet *f, const struct host *h)
{
	return room_facts(f->room, h->index)->inbound[TASK_CLASS_LIVE] >= max_incoming(f);
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
	return only ? (struct span){ only->index, only->index + 1 } : (struct span){ 0, 0 };
}

bool sched_any(struct fleet *f, const struct sched_request *r)
{
	struct judge j = judge_new(f, r);
	struct span hosts = span_of(&j);
	struct host_facts held;

	for (; hosts.at < hosts.end; hosts.at++)
		if (judge_host(&j, facts_of(&j, hosts.at, &held)) >= INBOUND)
			return true;
	return false;
}

/* Kept: so large a block from malloc() for every choice has it tidy up the whole heap each time. */
static struct candidate *room_for(struct fleet *f, struct span hosts)
{
	if (!f->candidates)
		f->candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	g_array_set_size(f->candidates, hosts.end - hosts.at);
	return (struct candidate *)f->candidates->data;
}

static struct host *best_of(const struct candidate *c, guint n, const struct range *r)
{
	const struct worth worth = worth_of(r);
	struct host *best = NULL;
	double most = 0;

	for (guint i = 0; i < n; i++) {
		double x = weight(&c[i], r, &worth);

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
	struct candidate *passed = room_for(f, hosts);
	struct range range = no_range;
	struct host_facts held;
	guint n = 0;

	*ret_busy = NULL;
	for (; hosts.at < hosts.end; hosts.at++) {
		const struct host_facts *h = facts_of(&j, hosts.at, &held);
		enum filter no = judge_host(&j, h);

		if (no == PASSED)
			number(&passed[n++], h, &range);
		else if (no == INBOUND && !*ret_busy)
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
	struct candidate *passed = room_for(f, hosts);
	struct range range = no_range;
	struct host_facts held;
	struct worth worth;

	res->hosts = g_ptr_array_new_with_free_func(verdict_free);
	for (; hosts.at < hosts.end; hosts.at++) {
		struct sched_verdict *v = g_new0(struct sched_verdict, 1);
		const struct host_facts *h = facts_of(&j, hosts.at, &held);
		enum filter no = judge_host(&j, h);

		v->host = h->host;
		g_ptr_array_add(res->hosts, v);
		v->busy = no == INBOUND;
		res->busy += v->busy;
		if (no != PASSED) {
			v->filter = filters[no].name;
			v->reason = filters[no].why(&j, h);
		} else {
			number(&passed[res->passed++], h, &range);
		}
	}
	worth = worth_of(&range);
	for (guint i = 0, k = 0; i < res->hosts->len; i++) {
		struct sched_verdict *v = g_ptr_array_index(res->hosts, i);

		if (!v->filter)
			v->weight = weight(&passed[k++], &range, &worth);
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
