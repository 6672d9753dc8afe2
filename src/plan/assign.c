/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/assign.h"

#define TRIES 200000 /* of all ways for a few guests */
#define FEW 10

struct assign {
	const struct planner_fleet *f;
	guint *to;
	struct usage *free; /* of each host, when all that have one are there */
	GArray *guests;     /* guint: those that look for a host, the largest first */
};

static int larger_first(const void *a, const void *b, void *user)
{
	const struct planner_fleet *f = user;
	guint i = *(const guint *)a, k = *(const guint *)b;
	const struct usage *x = &f->guests[i].size, *y = &f->guests[k].size;

	if (x->memory_mb != y->memory_mb)
		return x->memory_mb > y->memory_mb ? -1 : 1;
	if (x->vcpus != y->vcpus)
		return x->vcpus > y->vcpus ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* The share of its memory that is free then. */
static double room_left(const struct assign *a, guint g, guint h)
{
	int64_t all = a->f->hosts[h].capacity.memory_mb;

	return all > 0 ? (double)(a->free[h].memory_mb - a->f->guests[g].size.memory_mb) / (double)all : 0;
}

static bool may_go(const struct assign *a, guint g, guint h)
{
	return h != a->f->guests[g].host && planner_fits(a->f, &a->f->guests[g], h, &a->free[h]);
}

static guint best_host(const struct assign *a, guint g)
{
	guint best = PLANNER_ANY;
	double most = 0;

	for (guint h = 0; h < a->f->n_hosts; h++) {
		double left;

		if (!may_go(a, g, h))
			continue;
		left = room_left(a, g, h);
		if (best != PLANNER_ANY && left <= most)
			continue;
		best = h;
		most = left;
	}
	return best;
}

static void put(struct assign *a, guint g, guint h)
{
	a->to[g] = h;
	if (h != PLANNER_ANY)
		planner_add(&a->free[h], &a->f->guests[g].size, -1);
}

static void lift(struct assign *a, guint g)
{
	if (a->to[g] != PLANNER_ANY)
		planner_add(&a->free[a->to[g]], &a->f->guests[g].size, 1);
	a->to[g] = PLANNER_ANY;
}

/* Each guest from the @i-th on at each host, until all have one. @left: tries. Return: they have */
static bool try_all(struct assign *a, guint i, int *left)
{
	guint g;

	if (i == a->guests->len)
		return true;
	g = g_array_index(a->guests, guint, i);
	for (guint h = 0; h < a->f->n_hosts && *left > 0; h++) {
		if (!may_go(a, g, h))
			continue;
		--*left;
		put(a, g, h);
		if (try_all(a, i + 1, left))
			return true;
		lift(a, g);
	}
	return false;
}

/* The largest first do not always fit as well as another choice: a few are tried in all ways. Return: each has a host. */
static bool place(struct assign *a)
{
	guint homeless = 0;
	int left = TRIES;

	for (guint i = 0; i < a->guests->len; i++) {
		guint g = g_array_index(a->guests, guint, i);

		put(a, g, best_host(a, g));
		homeless += a->to[g] == PLANNER_ANY;
	}
	if (!homeless || a->guests->len > FEW)
		return !homeless;
	for (guint i = 0; i < a->guests->len; i++)
		lift(a, g_array_index(a->guests, guint, i));
	if (try_all(a, 0, &left))
		return true;
	for (guint i = 0; i < a->guests->len; i++) {
		guint g = g_array_index(a->guests, guint, i);

		put(a, g, best_host(a, g));
	}
	return false;
}

bool assign_hosts(const struct planner_fleet *f, guint *to, bool left_too)
{
	struct assign a = { .f = f, .to = to, .free = g_new(struct usage, f->n_hosts), .guests = g_array_new(FALSE, FALSE, sizeof(guint)) };
	bool all;

	for (guint h = 0; h < f->n_hosts; h++)
		a.free[h] = planner_free(&f->hosts[h]);
	for (guint g = 0; g < f->n_guests; g++) {
		if (to[g] == PLANNER_ANY) {
			g_array_append_val(a.guests, g);
		} else if (to[g] != PLANNER_STAYS && to[g] != f->guests[g].host) {
			planner_add(&a.free[to[g]], &f->guests[g].size, -1);
			if (left_too)
				planner_add(&a.free[f->guests[g].host], &f->guests[g].size, 1);
		}
	}
	g_array_sort_with_data(a.guests, larger_first, (void *)f);
	all = place(&a);
	g_array_unref(a.guests);
	g_free(a.free);
	return all;
}
