/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"

#include <assert.h>
#include <limits.h>

#include "fleet/fleet_priv.h"
#include "fleet/registry.h"
#include "fleet/room.h"

/*
 * In the order in which they are asked: Nova's default list, the cheap ones first. INBOUND is asked last, so that a host
 * which fails it alone fits, and the task waits.
 */
enum filter { SOURCE, RETRY, CELL, COMPUTE, HYPERVISOR, RAM, CORE, DISK, INSTANCES, NUMA, INBOUND, PASSED };

struct judge {
	struct fleet *fleet;
	const struct host_facts *facts; /* of all hosts */
	const struct sched_need *need;
	const struct host *source;
	bool excludes;
	bool closer;                 /* some filter looks closer */
	/* What is asked of a host. Without the filter, what any host has. */
	int64_t since_us;            /* a question from before then must have been answered */
	int64_t memory_mb, disk_gb;
	int vcpus;
	int64_t servers, inbound;    /* it has fewer */
	unsigned class;              /* ... inbound ones of this class's index */
	GQuark arch;                 /* 0: not known */
	GQuark cell;                 /* of the source; 0: any will do */
	bool kvm;
};

static bool is_excluded(const struct judge *j, const struct host_facts *h)
{
	return j->excludes && g_hash_table_contains(j->need->exclude, h->host->name);
}

static inline bool lacks_virt(const struct judge *j, const struct host_facts *h)
{
	return (j->kvm && h->without_kvm) || (h->arch != j->arch && h->arch && j->arch);
}

/* ---- those that look closer ---- */

/* @ret_why: set where the host does not do; owned by the caller */
typedef bool closer_f(const struct judge *j, const struct host *h, char **ret_why);

static bool asks_for_numa(const struct sched_need *need)
{
	return need->numa != NULL;
}

static bool has_numa(const struct judge *j, const struct host *h, char **ret_why)
{
	g_autoptr(GError) why = NULL;
	struct hv_numa_fit *p = room_find_numa_fit(j->source, h, j->need->server_uuid, j->need->numa, &why);

	if (!p)
		*ret_why = g_strdup(why->message);
	hv_numa_fit_free(p);
	return p;
}

static const struct {
	enum filter filter;
	bool (*is_wanted)(const struct sched_need *need);
	closer_f *passes;
} closer[] = {
	{ NUMA, asks_for_numa, has_numa },
};

static bool any_closer(const struct sched_need *need)
{
	for (size_t i = 0; i < G_N_ELEMENTS(closer); i++)
		if (closer[i].is_wanted(need))
			return true;
	return false;
}

/* Return: the first that says no; @no: none did. @ret_why: may be NULL */
static enum filter look_closer(const struct judge *j, const struct host *h, enum filter no, char **ret_why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(closer); i++) {
		g_autofree char *why = NULL;

		if (!closer[i].is_wanted(j->need) || closer[i].passes(j, h, &why))
			continue;
		if (ret_why)
			*ret_why = g_steal_pointer(&why);
		return closer[i].filter;
	}
	return no;
}

/* ---- numbers ---- */

/* Which filter says no. One straight function, since every task asks every host. A host without a pool is not judged by its disk. */
static inline enum filter judge_numbers(const struct judge *j, const struct host_facts *h)
{
	if (h->host == j->source)
		return SOURCE;
	if (is_excluded(j, h))
		return RETRY;
	if (h->cell != j->cell && j->cell)
		return CELL;
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
	return h->inbound[j->class] >= j->inbound ? INBOUND : PASSED;
}

static inline enum filter judge_host(const struct judge *j, const struct host_facts *h)
{
	enum filter no = judge_numbers(j, h);

	return no >= INBOUND && j->closer ? look_closer(j, h->host, no, NULL) : no;
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
	return g_strdup(g_hash_table_lookup(j->need->exclude, h->host->name));
}

static char *why_cell(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("the host is in cell %s, the server in cell %s", host_cell(h->host), host_cell(j->source));
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
	return g_strdup_printf("the guest's architecture is %s, the host's %s", j->need->arch, g_quark_to_string(h->arch));
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

/* It takes a second look, as the first kept no reason. */
static char *why_closer(const struct judge *j, const struct host_facts *h)
{
	char *why = NULL;

	(void)look_closer(j, h->host, PASSED, &why);
	return why;
}

static char *why_inbound(const struct judge *j, const struct host_facts *h)
{
	return g_strdup_printf("%d inbound migrations, %s is %" G_GINT64_FORMAT, h->inbound[j->need->class->index],
			       j->need->class->limits[TASK_INBOUND].option, j->inbound);
}

static const struct {
	const char *name;
	why_f *why;
} filters[] = {
	[SOURCE]     = { "SourceFilter",       why_source },
	[RETRY]      = { "RetryFilter",        why_excluded },
	[CELL]       = { "CellFilter",         why_cell },
	[COMPUTE]    = { "ComputeFilter",      why_not_up },
	[HYPERVISOR] = { "HypervisorFilter",   why_virt },
	[RAM]        = { "RamFilter",          why_ram },
	[CORE]       = { "CoreFilter",         why_core },
	[DISK]       = { "DiskFilter",         why_disk },
	[INSTANCES]  = { "NumInstancesFilter", why_instances },
	[NUMA]       = { "NUMATopologyFilter", why_closer },
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

/* Of all classes. */
static inline int inbound_of(const struct host_facts *h)
{
	int n = 0;

	for (size_t i = 0; i < TASK_CLASSES_MAX; i++)
		n += h->inbound[i];
	return n;
}

static void number(struct candidate *c, const struct host_facts *h, struct range *r)
{
	c->host = h->host;
	note(c, r, RAM_WEIGHER, h->memory_mb);
	note(c, r, CPU_WEIGHER, h->vcpus);
	note(c, r, IO_OPS_WEIGHER, -inbound_of(h));
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

static GQuark arch_of(const char *name)
{
	GQuark known;

	if (!name)
		return 0;
	known = g_quark_try_string(name);
	return known ? known : ARCH_OF_NONE;
}

struct sched_need sched_need_of(const struct server *s, const struct task_class *class)
{
	return (struct sched_need){
		.vcpus = s->vcpus, .memory_mb = s->memory_mb, .disk_gb = s->disk_gb,
		.arch = s->dom ? s->dom->arch : NULL, .kvm = s->dom && g_strcmp0(s->dom->virt_type, "kvm") == 0,
		.server_uuid = s->uuid, .source = s->host, .class = class,
	};
}

/* enabled_filters names it. The filters that it cannot name are always asked. */
static bool is_asked(struct fleet *f, enum filter filter)
{
	return g_strv_contains((const char *const *)fleet_conf(f)->enabled_filters, filters[filter].name);
}

static struct judge judge_new(struct fleet *f, const struct sched_need *need)
{
	const struct host *source = fleet_host(f, need->source);

	return (struct judge){
		.fleet = f, .facts = room_facts(f->room, 0), .need = need, .source = source,
		.cell = source ? room_facts(f->room, source->index)->cell : 0,
		.excludes = need->exclude && g_hash_table_size(need->exclude) > 0,
		.closer = any_closer(need),
		.since_us = room_since_us(f->room),
		.memory_mb = is_asked(f, RAM) ? need->memory_mb : INT64_MIN,
		.vcpus = is_asked(f, CORE) ? need->vcpus : INT_MIN,
		.disk_gb = is_asked(f, DISK) ? need->disk_gb : INT64_MIN,
		.servers = is_asked(f, INSTANCES) ? fleet_conf(f)->max_instances_per_host : INT64_MAX,
		.inbound = task_class_limit(fleet_conf(f), need->class, TASK_INBOUND),
		.class = need->class ? need->class->index : 0,
		.arch = arch_of(need->arch), .kvm = need->kvm,
	};
}

/* What there is of a host for this need: its own claim, which @held leaves out, does not stand in its way. */
static const struct host_facts *facts_of(const struct judge *j, guint i, struct host_facts *held)
{
	const struct host_facts *h = &j->facts[i];
	const struct sched_need *need = j->need;

	if (h->host != need->claimed)
		return h;
	*held = *h;
	held->vcpus += need->vcpus;
	held->memory_mb += need->memory_mb;
	held->disk_gb += need->disk_gb;
	held->servers--;
	if (need->class)
		held->inbound[need->class->index]--;
	return held;
}

bool sched_fits(struct fleet *f, const struct sched_need *need, const struct host *h)
{
	struct judge j = judge_new(f, need);
	struct host_facts held;

	return judge_host(&j, facts_of(&j, h->index, &held)) >= INBOUND;
}

bool sched_is_busy(struct fleet *f, const struct host *h, const struct task_class *class)
{
	return class && room_facts(f->room, h->index)->inbound[class->index] >= task_class_limit(fleet_conf(f), class, TASK_INBOUND);
}

/* Which hosts are asked for: all, or one. */
struct span {
	guint at, end;
};

static struct span span_of(const struct judge *j)
{
	const struct host *only;

	if (!j->need->only_host)
		return (struct span){ 0, fleet_hosts(j->fleet)->len };
	only = fleet_host(j->fleet, j->need->only_host);
	return only ? (struct span){ only->index, only->index + 1 } : (struct span){ 0, 0 };
}

bool sched_any(struct fleet *f, const struct sched_need *need)
{
	struct judge j = judge_new(f, need);
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

struct host *sched_best(struct fleet *f, const struct sched_need *need, struct host **ret_busy)
{
	struct judge j = judge_new(f, need);
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

struct sched_result *sched_select(struct fleet *f, const struct sched_need *need)
{
	struct sched_result *res = g_new0(struct sched_result, 1);
	struct judge j = judge_new(f, need);
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
