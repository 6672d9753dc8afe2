/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/place.h"

#include <string.h>

/* What goes together onto one node: all that the guest has on one node of its source. */
struct unit {
	int source;             /* that node; -1: the guest is on no certain one */
	struct cpuset cells;    /* of the guest */
	struct cpuset cpus;     /* of the source, that it has for itself */
	bool bound;             /* it must be one node */
	bool floats;            /* some vCPU of it floats over the node's shared CPUs */
	GArray *memory;         /* struct place_memory, without nodes */
	int to;                 /* index of the destination's node; -1: none yet */
};

struct finder {
	const struct hv_numa_fit *guest;
	const struct place_host *src, *dst;
	GArray *units;          /* struct unit */
	struct cpuset spare;    /* CPUs of the destination that a vCPU may have for itself */
	int map[CPUSET_MAX];    /* the source's CPU -> the destination's; -1 */
	char *why;
};

static const struct hv_node *node_at(const struct hv_numa *numa, guint i)
{
	return &g_array_index(numa->nodes, struct hv_node, i);
}

static guint count_nodes(const struct place_host *h)
{
	return h->numa ? h->numa->nodes->len : 0;
}

static struct cpuset all_cpus(const struct place_host *h)
{
	struct cpuset all = { { 0 } };

	for (guint i = 0; i < count_nodes(h); i++)
		cpuset_join(&all, &node_at(h->numa, i)->cpus);
	return all;
}

static int core_of(const struct place_host *h, int cpu)
{
	return h->numa ? h->numa->core[cpu] : cpu;
}

/* The CPU that the set is for itself, or -1: it floats. */
static int own_cpu(const struct cpuset *s, const struct cpuset *shared)
{
	int cpu = cpuset_next(s, 0);

	return cpu >= 0 && cpuset_next(s, cpu + 1) < 0 && !cpuset_has(shared, cpu) ? cpu : -1;
}

/* ---- the guest's units ---- */

static int node_of_cpu(const struct place_host *h, int cpu)
{
	for (guint i = 0; i < count_nodes(h); i++)
		if (cpuset_has(&node_at(h->numa, i)->cpus, cpu))
			return node_at(h->numa, i)->id;
	return -1;
}

/* The one node that the sets of these vCPUs lie in, or -1. */
static int node_of_pins(const struct finder *f, const struct cpuset *vcpus)
{
	int node = -1;

	for (guint i = 0; i < f->guest->pins->len; i++) {
		const struct hv_pin *p = &g_array_index(f->guest->pins, struct hv_pin, i);

		if (vcpus && !cpuset_has(vcpus, p->id))
			continue;
		CPUSET_EACH(cpu, &p->cpus) {
			int here = node_of_cpu(f->src, cpu);

			if (here < 0 || (node >= 0 && node != here))
				return -1;
			node = here;
		}
	}
	return node;
}

static int only(const struct cpuset *nodes)
{
	return cpuset_count(nodes) == 1 ? cpuset_next(nodes, 0) : -1;
}

static struct unit *unit_for(struct finder *f, int source)
{
	struct unit u = { .source = source, .to = -1 };

	for (guint i = 0; source >= 0 && i < f->units->len; i++)
		if (g_array_index(f->units, struct unit, i).source == source)
			return &g_array_index(f->units, struct unit, i);
	u.memory = g_array_new(FALSE, TRUE, sizeof(struct place_memory));
	g_array_append_val(f->units, u);
	return &g_array_index(f->units, struct unit, f->units->len - 1);
}

static void add_memory(GArray *to, int node, int64_t page_kib, int64_t mib)
{
	for (guint i = 0; i < to->len; i++) {
		struct place_memory *m = &g_array_index(to, struct place_memory, i);

		if (m->node == node && m->page_kib == page_kib) {
			m->mib += mib;
			return;
		}
	}
	g_array_append_val(to, ((struct place_memory){ .node = node, .page_kib = page_kib, .mib = mib }));
}

/* @vcpus: NULL for all. */
static void add_pins(struct finder *f, struct unit *u, const struct cpuset *vcpus)
{
	for (guint i = 0; i < f->guest->pins->len; i++) {
		const struct hv_pin *p = &g_array_index(f->guest->pins, struct hv_pin, i);
		int cpu = own_cpu(&p->cpus, &f->src->shared);

		if (vcpus && !cpuset_has(vcpus, p->id))
			continue;
		if (cpu >= 0)
			cpuset_add(&u->cpus, cpu);
		else
			u->floats = true;
	}
}

static void unit_of_cell(struct finder *f, guint id)
{
	const struct hv_cell *c = &g_array_index(f->guest->cells, struct hv_cell, id);
	int node = only(&c->nodes);
	struct unit *u = unit_for(f, node >= 0 ? node : node_of_pins(f, &c->vcpus));

	cpuset_add(&u->cells, (int)id);
	u->bound |= node >= 0;
	if (node >= 0 && f->guest->strict)
		add_memory(u->memory, -1, c->page_kib, c->mem_mib);
	add_pins(f, u, &c->vcpus);
}

static void unit_of_all(struct finder *f)
{
	int node = only(&f->guest->nodes);
	struct unit *u = unit_for(f, node >= 0 ? node : node_of_pins(f, NULL));

	u->bound = node >= 0;
	if (node >= 0 && f->guest->strict)
		add_memory(u->memory, -1, f->guest->page_kib, f->guest->mem_mib);
	add_pins(f, u, NULL);
}

static bool is_in_units(const struct finder *f, int cpu)
{
	for (guint i = 0; i < f->units->len; i++)
		if (cpuset_has(&g_array_index(f->units, struct unit, i).cpus, cpu))
			return true;
	return false;
}

/* An emulator with a CPU of its own (Nova's isolate) beside vCPUs that have theirs takes one more, of the node that it is on. */
static void add_emulator(struct finder *f)
{
	int cpu = own_cpu(&f->guest->emulator, &f->src->shared), node;
	struct unit *u = &g_array_index(f->units, struct unit, 0);

	if (cpu < 0 || f->guest->pins->len == 0 || is_in_units(f, cpu))
		return;
	node = node_of_cpu(f->src, cpu);
	for (guint i = 1; i < f->units->len; i++)
		if (g_array_index(f->units, struct unit, i).source == node)
			u = &g_array_index(f->units, struct unit, i);
	cpuset_add(&u->cpus, cpu);
}

/* ---- does a unit fit a node? ---- */

static int64_t taken_mib(const struct place_use *use, int node, int64_t page_kib)
{
	for (guint i = 0; use && i < use->memory->len; i++) {
		const struct place_memory *m = &g_array_index(use->memory, struct place_memory, i);

		if (m->node == node && m->page_kib == page_kib)
			return m->mib;
	}
	return 0;
}

/* Free huge pages, in MiB; -1: the node has none of that size. */
static int64_t huge_mib(const struct place_host *h, const struct hv_node *n, int64_t page_kib)
{
	for (guint i = 0; h->free_pages && i < h->free_pages->len; i++) {
		const struct hv_free_pages *p = &g_array_index(h->free_pages, struct hv_free_pages, i);

		if (p->node == n->id && p->size_kib == page_kib)
			return p->count * page_kib / 1024 - taken_mib(h->claimed, n->id, page_kib);
	}
	for (int k = 0; k < HV_PAGE_SIZES && n->pages[k].size_kib; k++)
		if (n->pages[k].size_kib == page_kib)
			return n->pages[k].total * page_kib / 1024 - taken_mib(h->use, n->id, page_kib) - taken_mib(h->claimed, n->id, page_kib);
	return -1;
}

static int64_t room_mib(const struct place_host *h, const struct hv_node *n, int64_t page_kib)
{
	if (page_kib)
		return huge_mib(h, n, page_kib);
	return (int64_t)((double)n->mem_mib * h->ram_ratio) - taken_mib(h->use, n->id, 0) - taken_mib(h->claimed, n->id, 0);
}

static char *no_memory(const struct finder *f, const struct unit *u, const struct hv_node *n)
{
	for (guint i = 0; i < u->memory->len; i++) {
		const struct place_memory *m = &g_array_index(u->memory, struct place_memory, i);
		int64_t room = room_mib(f->dst, n, m->page_kib);

		if (room >= m->mib)
			continue;
		if (!m->page_kib)
			return g_strdup_printf("node %d has room for %" G_GINT64_FORMAT " MiB, %" G_GINT64_FORMAT " needed", n->id, MAX(room, 0), m->mib);
		return g_strdup_printf("node %d has %" G_GINT64_FORMAT " MiB of free pages of %" G_GINT64_FORMAT " KiB, %" G_GINT64_FORMAT " needed", n->id,
				       MAX(room, 0), m->page_kib, m->mib);
	}
	return NULL;
}

static struct cpuset shared_of(const struct place_host *h, const struct hv_node *n)
{
	struct cpuset s = n->cpus;

	if (!cpuset_is_empty(&h->shared))
		cpuset_meet(&s, &h->shared);
	else
		cpuset_without(&s, &h->dedicated);
	return s;
}

/* ---- CPUs ---- */

/* CPUs of @cpus that share the core of @cpu. */
static struct cpuset core_mates(const struct place_host *h, const struct cpuset *cpus, int cpu)
{
	struct cpuset s = { { 0 } };

	CPUSET_EACH(c, cpus)
		if (core_of(h, c) == core_of(h, cpu))
			cpuset_add(&s, c);
	return s;
}

/* They can keep their numbers: all are there, and share cores as they did. */
static bool stays(const struct finder *f, const struct cpuset *want, const struct cpuset *have)
{
	if (!cpuset_contains(have, want))
		return false;
	CPUSET_EACH(c, want) {
		struct cpuset a = core_mates(f->src, want, c), b = core_mates(f->dst, want, c);

		if (!cpuset_equal(&a, &b))
			return false;
	}
	return true;
}

/* A core with at least @n CPUs in @have, as few more as possible; a CPU of it, or -1. */
static int tightest_core(const struct finder *f, const struct cpuset *have, int n)
{
	int best = -1, least = CPUSET_MAX + 1;

	CPUSET_EACH(c, have) {
		struct cpuset core = core_mates(f->dst, have, c);
		int size = cpuset_count(&core);

		if (size >= n && size < least) {
			best = c;
			least = size;
		}
	}
	return best;
}

/* All CPUs of its core are in @have. */
static bool is_lonely(const struct finder *f, const struct cpuset *have, int cpu)
{
	struct cpuset all = all_cpus(f->dst), core = core_mates(f->dst, &all, cpu);

	return cpuset_has(&all, cpu) && cpuset_contains(have, &core);
}

/* A CPU whose whole core is free, as the guest had it at a source with threads; else any. */
static int lonely_cpu(const struct finder *f, const struct cpuset *have)
{
	CPUSET_EACH(c, have)
		if (is_lonely(f, have, c))
			return c;
	return cpuset_next(have, 0);
}

static bool has_threads(const struct place_host *h)
{
	struct cpuset all = all_cpus(h);

	CPUSET_EACH(c, &all)
		if (core_of(h, c) != c)
			return true;
	return false;
}

static void give(struct finder *f, int from, int to, struct cpuset *have)
{
	f->map[from] = to;
	cpuset_remove(have, to);
}

/* CPUs that shared a core get a core. Return: false if the guest sees threads and there is none. */
static bool give_core(struct finder *f, const struct cpuset *mates, struct cpuset *have)
{
	int cpu = tightest_core(f, have, cpuset_count(mates));
	struct cpuset core = { { 0 } };

	if (cpu < 0 && f->guest->threads)
		return false;
	if (cpu >= 0)
		core = core_mates(f->dst, have, cpu);
	CPUSET_EACH(c, mates) {
		int to = cpu >= 0 ? cpuset_next(&core, 0) : cpuset_next(have, 0);

		cpuset_remove(&core, to);
		give(f, c, to, have);
	}
	return true;
}

/* CPUs that share no core with another one of the guest: those first that can keep their numbers. */
static void give_singles(struct finder *f, const struct cpuset *want, struct cpuset *have)
{
	bool apart = has_threads(f->src);
	struct cpuset left = { { 0 } };

	CPUSET_EACH(c, want) {
		struct cpuset mates = core_mates(f->src, want, c);

		if (cpuset_count(&mates) > 1)
			continue;
		if (apart ? is_lonely(f, have, c) : cpuset_has(have, c))
			give(f, c, c, have);
		else
			cpuset_add(&left, c);
	}
	CPUSET_EACH(c, &left)
		give(f, c, apart ? lonely_cpu(f, have) : cpuset_next(have, 0), have);
}

/* Map all of @want into @have. Return: NULL, or why not. */
static char *give_cpus(struct finder *f, const struct cpuset *want, struct cpuset have)
{
	if (cpuset_count(want) > cpuset_count(&have))
		return g_strdup_printf("%d dedicated CPUs needed, %d free", cpuset_count(want), cpuset_count(&have));
	if (stays(f, want, &have)) {
		CPUSET_EACH(c, want)
			give(f, c, c, &have);
		return NULL;
	}
	CPUSET_EACH(c, want) {
		struct cpuset mates = core_mates(f->src, want, c);

		if (cpuset_next(&mates, 0) == c && cpuset_count(&mates) > 1 && !give_core(f, &mates, &have))
			return g_strdup("no core with enough free threads, which the guest sees");
	}
	give_singles(f, want, &have);
	return NULL;
}

static struct cpuset spare_of(const struct finder *f, const struct hv_node *n)
{
	struct cpuset s = n->cpus;

	cpuset_meet(&s, &f->spare);
	return s;
}

/* ---- matching ---- */

static char *misfit(struct finder *f, const struct unit *u, const struct hv_node *n)
{
	struct cpuset spare = spare_of(f, n), shared = shared_of(f->dst, n);
	char *why = no_memory(f, u, n);

	if (!why && u->floats && cpuset_is_empty(&shared))
		why = g_strdup_printf("node %d has no shared CPU", n->id);
	if (!why)
		why = give_cpus(f, &u->cpus, spare); /* the map is rebuilt when all are matched */
	return why;
}

static bool match(struct finder *f, guint unit, guint node, struct cpuset *seen);

/* Find a node for a unit, moving others away from theirs if need be; its source's number first. */
static bool match_any(struct finder *f, guint unit, struct cpuset *seen)
{
	int source = g_array_index(f->units, struct unit, unit).source;
	guint n = count_nodes(f->dst);

	for (guint i = 0; i < n; i++)
		if (node_at(f->dst->numa, i)->id == source && match(f, unit, i, seen))
			return true;
	for (guint i = 0; i < n; i++)
		if (node_at(f->dst->numa, i)->id != source && match(f, unit, i, seen))
			return true;
	return false;
}

static bool match(struct finder *f, guint unit, guint node, struct cpuset *seen)
{
	struct unit *u = &g_array_index(f->units, struct unit, unit);
	g_autofree char *why = NULL;

	if (cpuset_has(seen, (int)node))
		return false;
	why = misfit(f, u, node_at(f->dst->numa, node));
	if (why) {
		g_free(f->why);
		f->why = g_steal_pointer(&why);
		return false;
	}
	cpuset_add(seen, (int)node);
	for (guint i = 0; i < f->units->len; i++) {
		if (g_array_index(f->units, struct unit, i).to == (int)node && !match_any(f, i, seen))
			return false;
	}
	u->to = (int)node;
	return true;
}

static bool match_all(struct finder *f)
{
	for (guint i = 0; i < f->units->len; i++) {
		struct unit *u = &g_array_index(f->units, struct unit, i);
		struct cpuset seen = { { 0 } };

		if (u->source < 0 && !u->bound)
			continue; /* anywhere */
		if (match_any(f, i, &seen))
			continue;
		if (u->bound || f->units->len > 1) {
			if (!f->why)
				f->why = g_strdup_printf("%u NUMA nodes needed, it has %u", f->units->len, count_nodes(f->dst));
			return false;
		}
		u->source = -1; /* it was together, but nothing says that it must be */
	}
	return true;
}

/* ---- the place ---- */

static bool give_all(struct finder *f)
{
	for (int i = 0; i < CPUSET_MAX; i++)
		f->map[i] = -1;
	for (guint i = 0; i < f->units->len; i++) {
		const struct unit *u = &g_array_index(f->units, struct unit, i);
		struct cpuset have = u->to >= 0 ? spare_of(f, node_at(f->dst->numa, (guint)u->to)) : f->spare;

		g_free(f->why);
		f->why = give_cpus(f, &u->cpus, have);
		if (f->why)
			return false;
		for (int c = 0; c < CPUSET_MAX; c++)
			if (f->map[c] >= 0)
				cpuset_remove(&f->spare, f->map[c]);
	}
	return true;
}

/* Floating threads of the whole host. */
static struct cpuset floating(const struct finder *f, const struct cpuset *old)
{
	struct cpuset all = all_cpus(f->dst), left = *old;

	if (!cpuset_is_empty(&f->dst->shared))
		return f->dst->shared;
	cpuset_meet(&left, &all);
	if (cpuset_equal(&left, old))
		return left; /* nothing says otherwise, and it can stay */
	cpuset_without(&all, &f->dst->dedicated);
	return all;
}

static const struct unit *unit_of_vcpu(const struct finder *f, int vcpu)
{
	for (guint i = 0; i < f->units->len; i++) {
		const struct unit *u = &g_array_index(f->units, struct unit, i);

		CPUSET_EACH(cell, &u->cells)
			if (cpuset_has(&g_array_index(f->guest->cells, struct hv_cell, cell).vcpus, vcpu))
				return u;
	}
	return &g_array_index(f->units, struct unit, 0);
}

static bool is_mapped(const struct finder *f, const struct cpuset *s)
{
	CPUSET_EACH(c, s)
		if (f->map[c] < 0)
			return false;
	return !cpuset_is_empty(s);
}

static struct cpuset mapped(const struct finder *f, const struct cpuset *s)
{
	struct cpuset to = { { 0 } };

	CPUSET_EACH(c, s)
		cpuset_add(&to, f->map[c]);
	return to;
}

static struct cpuset place_thread(const struct finder *f, const struct cpuset *old, const struct unit *u)
{
	if (is_mapped(f, old))
		return mapped(f, old);
	return u && u->to >= 0 ? shared_of(f->dst, node_at(f->dst->numa, (guint)u->to)) : floating(f, old);
}

static bool has_own(const struct finder *f)
{
	for (guint i = 0; i < f->units->len; i++)
		if (!cpuset_is_empty(&g_array_index(f->units, struct unit, i).cpus))
			return true;
	return false;
}

/* <vcpu cpuset>: of a guest whose vCPUs have their own CPUs it is what they are; of another it is the shared set. */
static void place_cpuset(const struct finder *f, struct hv_numa_fit *p)
{
	if (has_own(f)) {
		if (cpuset_is_empty(&p->cpuset))
			return;
		p->cpuset = (struct cpuset){ { 0 } };
		for (guint i = 0; i < p->pins->len; i++)
			cpuset_join(&p->cpuset, &g_array_index(p->pins, struct hv_pin, i).cpus);
	} else if (!cpuset_is_empty(&f->dst->shared)) {
		if (p->pins->len == 0 || !cpuset_is_empty(&p->cpuset))
			p->cpuset = f->dst->shared;
	} else if (!cpuset_is_empty(&p->cpuset)) {
		/* It was the source's shared set: there is none here. */
		if (cpuset_equal(&p->cpuset, &f->src->shared))
			p->cpuset = (struct cpuset){ { 0 } };
		else
			p->cpuset = floating(f, &p->cpuset);
	}
}

/* Nodes follow the units; those of no unit must be there as they are. */
static bool place_nodes(struct finder *f, struct hv_numa_fit *p)
{
	struct cpuset to = { { 0 } };

	for (guint i = 0; i < f->units->len; i++) {
		const struct unit *u = &g_array_index(f->units, struct unit, i);
		int id = u->bound ? node_at(f->dst->numa, (guint)u->to)->id : -1;

		if (id < 0)
			continue;
		cpuset_add(&to, id);
		CPUSET_EACH(cell, &u->cells) {
			struct cpuset *nodes = &g_array_index(p->cells, struct hv_cell, cell).nodes;

			if (only(nodes) >= 0) {
				*nodes = (struct cpuset){ { 0 } };
				cpuset_add(nodes, id);
			}
		}
	}
	if (!cpuset_is_empty(&to)) {
		if (!cpuset_is_empty(&p->nodes))
			p->nodes = to;
		return true;
	}
	for (guint i = 0; i < count_nodes(f->dst); i++)
		cpuset_add(&to, node_at(f->dst->numa, i)->id);
	if (cpuset_contains(&to, &p->nodes))
		return true;
	f->why = g_strdup("it lacks NUMA nodes that the guest's memory is bound to");
	return false;
}

static struct hv_numa_fit *make(struct finder *f)
{
	struct hv_numa_fit *p = hv_numa_fit_copy(f->guest);

	for (guint i = 0; i < p->pins->len; i++) {
		struct hv_pin *pin = &g_array_index(p->pins, struct hv_pin, i);

		pin->cpus = place_thread(f, &pin->cpus, unit_of_vcpu(f, pin->id));
	}
	for (guint i = 0; i < p->iothreads->len; i++) {
		struct hv_pin *pin = &g_array_index(p->iothreads, struct hv_pin, i);

		pin->cpus = place_thread(f, &pin->cpus, NULL);
	}
	if (!cpuset_is_empty(&p->emulator))
		p->emulator = place_thread(f, &p->emulator, NULL);
	place_cpuset(f, p);
	if (place_nodes(f, p))
		return p;
	hv_numa_fit_free(p);
	return NULL;
}

/* ---- the whole ---- */

bool place_is_anywhere(const struct hv_numa_fit *guest)
{
	return guest->pins->len == 0 && guest->iothreads->len == 0 && cpuset_is_empty(&guest->cpuset) && cpuset_is_empty(&guest->emulator) &&
	       cpuset_is_empty(&guest->nodes);
}

static struct cpuset spare_cpus(const struct place_host *h)
{
	struct cpuset s = all_cpus(h);

	if (!cpuset_is_empty(&h->dedicated))
		cpuset_meet(&s, &h->dedicated);
	else
		cpuset_without(&s, &h->shared);
	if (h->use)
		cpuset_without(&s, &h->use->cpus);
	if (h->claimed)
		cpuset_without(&s, &h->claimed->cpus);
	return s;
}

static struct hv_numa_fit *find(struct finder *f)
{
	for (guint i = 0; i < f->guest->cells->len; i++)
		unit_of_cell(f, i);
	if (f->guest->cells->len == 0)
		unit_of_all(f);
	add_emulator(f);
	return match_all(f) && give_all(f) ? make(f) : NULL;
}

struct hv_numa_fit *place_find(const struct hv_numa_fit *guest, const struct place_host *src, const struct place_host *dst, char **ret_why)
{
	struct finder f = { .guest = guest, .src = src, .dst = dst, .spare = spare_cpus(dst) };
	struct hv_numa_fit *p;

	if (place_is_anywhere(guest) && cpuset_is_empty(&dst->shared))
		return hv_numa_fit_copy(guest);
	if (!dst->numa) {
		*ret_why = g_strdup("it does not tell its CPUs");
		return NULL;
	}
	f.units = g_array_new(FALSE, TRUE, sizeof(struct unit));
	p = find(&f);
	if (!p)
		*ret_why = g_steal_pointer(&f.why);
	for (guint i = 0; i < f.units->len; i++)
		g_array_unref(g_array_index(f.units, struct unit, i).memory);
	g_array_unref(f.units);
	g_free(f.why);
	return p;
}

static bool equal_pins(const GArray *a, const GArray *b)
{
	bool same = a->len == b->len;

	for (guint i = 0; same && i < a->len; i++)
		same = cpuset_equal(&g_array_index(a, struct hv_pin, i).cpus, &g_array_index(b, struct hv_pin, i).cpus);
	return same;
}

bool place_equal(const struct hv_numa_fit *a, const struct hv_numa_fit *b)
{
	bool same = cpuset_equal(&a->cpuset, &b->cpuset) && cpuset_equal(&a->emulator, &b->emulator) && cpuset_equal(&a->nodes, &b->nodes) &&
		    equal_pins(a->pins, b->pins) && equal_pins(a->iothreads, b->iothreads) && a->cells->len == b->cells->len;

	for (guint i = 0; same && i < a->cells->len; i++)
		same = cpuset_equal(&g_array_index(a->cells, struct hv_cell, i).nodes, &g_array_index(b->cells, struct hv_cell, i).nodes);
	return same;
}
