/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/rest.h"

struct usage *rest_then(const struct planner_fleet *f)
{
	struct usage *then = g_new(struct usage, f->n_hosts + 1);

	for (guint h = 0; h < f->n_hosts; h++)
		then[h] = f->hosts[h].used;
	for (guint g = 0; g < f->n_guests; g++) {
		const struct planner_guest *x = &f->guests[g];

		if (x->to == PLANNER_STAYS || x->to == x->host)
			continue;
		planner_add(&then[x->host], &x->size, -1);
		if (x->to != PLANNER_ANY)
			planner_add(&then[x->to], &x->size, 1);
	}
	return then;
}

/* What is asked for beyond what there is; 0 where there is enough. */
static struct usage lack_of(const struct planner_host *h, const struct usage *then)
{
	struct usage lack = *then;

	planner_add(&lack, &h->capacity, -1);
	return (struct usage){ MAX(lack.vcpus, 0), MAX(lack.memory_mb, 0), MAX(lack.disk_gb, 0), MAX(lack.servers, 0) };
}

static bool is_none(const struct usage *u)
{
	return !u->vcpus && !u->memory_mb && !u->disk_gb && !u->servers;
}

static double part(int64_t of, int64_t all)
{
	return all > 0 ? (double)MIN(of, all) / (double)all : 0;
}

/* How much of what is lacking its going gives: 1 for each kind of it. */
static double relief(const struct usage *lack, const struct usage *size)
{
	return part(size->vcpus, lack->vcpus) + part(size->memory_mb, lack->memory_mb) + part(size->disk_gb, lack->disk_gb) + part(size->servers, lack->servers);
}

/* The one whose going gives most; of those that give as much, the smallest. Return: PLANNER_ANY: none gives anything. */
static guint best_of(const struct planner_fleet *f, const GArray *list, const struct usage *lack)
{
	guint best = PLANNER_ANY;
	double most = 0;

	for (guint i = 0; list && i < list->len; i++) {
		guint g = g_array_index(list, guint, i);
		const struct planner_guest *x = &f->guests[g];
		double gives = x->to == PLANNER_STAYS ? relief(lack, &x->size) : 0;

		if (gives <= 0 || gives < most || (gives <= most && best != PLANNER_ANY && x->size.memory_mb >= f->guests[best].size.memory_mb))
			continue;
		best = g;
		most = gives;
	}
	return best;
}

static void make_room_on(const struct planner_fleet *f, struct planner_guest *guests, guint host, const GArray *list, struct usage *then)
{
	struct usage lack = lack_of(&f->hosts[host], then);

	while (!is_none(&lack)) {
		guint g = best_of(f, list, &lack);

		if (g == PLANNER_ANY)
			return;
		guests[g].to = PLANNER_ANY;
		planner_add(then, &guests[g].size, -1);
		lack = lack_of(&f->hosts[host], then);
	}
}

/* Those of each host that may go. Return: owned, of arrays, owned; NULL: none */
static GArray **movable(const struct planner_fleet *f)
{
	GArray **of = g_new0(GArray *, f->n_hosts + 1);

	for (guint g = 0; g < f->n_guests; g++) {
		const struct planner_guest *x = &f->guests[g];

		if (x->to != PLANNER_STAYS || x->no || x->stays)
			continue;
		if (!of[x->host])
			of[x->host] = g_array_new(FALSE, FALSE, sizeof(guint));
		g_array_append_val(of[x->host], g);
	}
	return of;
}

/* Only what comes can be too much: a host that has too much already, and gets nothing, is left alone. */
static bool *gets_some(const struct planner_fleet *f)
{
	bool *comes = g_new0(bool, f->n_hosts + 1);

	for (guint g = 0; g < f->n_guests; g++)
		if (f->guests[g].to < f->n_hosts && f->guests[g].to != f->guests[g].host)
			comes[f->guests[g].to] = true;
	return comes;
}

void rest_make_room(const struct planner_fleet *f, struct planner_guest *guests)
{
	g_autofree struct usage *then = rest_then(f);
	g_autofree bool *comes = gets_some(f);
	g_autofree GArray **of = movable(f);

	for (guint h = 0; h < f->n_hosts; h++) {
		if (comes[h])
			make_room_on(f, guests, h, of[h], &then[h]);
		if (of[h])
			g_array_unref(of[h]);
	}
}
