/* SPDX-License-Identifier: Apache-2.0
 *
 * The share of a host is what is taken of its memory, or of its vCPUs, of all that it can give, or what its guests use of its CPUs. The spread of a cell is from the emptiest
 * host's share to the fullest one's. A move from a fuller host to an emptier one that leaves the first one still fuller than before the
 * second one was, or the other way round by less, makes the sum of the shares' squares smaller. Each move must, of the share it is made for
 * and of all shares together: else one move for memory and one for vCPUs could undo each other without end.
 */
#include "plan/spread.h"

#define EXACT_GUESTS 12
#define EXACT_MOVES 4
#define EXACT_TRIES 200000
#define LEAST 1e-9 /* of a gain: less is what is lost in rounding */

enum { MEMORY, VCPUS, LOAD, SHARES };

/* What is taken of a host. */
struct taken {
	struct usage size;
	int64_t load;
};

struct level {
	const struct planner_fleet *f;
	const struct planner_target *target;
	struct taken *used;
	guint *at;           /* of each guest */
	GArray **guests;     /* guint, of each host: those that may be moved */
	bool *stuck;         /* of each host: nothing more can be taken from it, or brought to it */
};

static bool counts(const struct planner_host *h)
{
	return !h->no && h->capacity.memory_mb > 0 && h->capacity.vcpus > 0;
}

static double share(const struct planner_host *h, const struct taken *used, int what)
{
	if (what == LOAD)
		return h->cpus > 0 ? 100.0 * (double)used->load / (double)h->cpus : 0;
	return what == MEMORY ? 100.0 * (double)used->size.memory_mb / (double)h->capacity.memory_mb : 100.0 * used->size.vcpus / h->capacity.vcpus;
}

static double target_of(const struct planner_target *t, int what)
{
	const double all[SHARES] = { [MEMORY] = t->memory, [VCPUS] = t->vcpus, [LOAD] = t->load };

	return all[what];
}

static bool is_asked(const struct planner_target *t, int what)
{
	return what != LOAD || t->load > 0;
}

/* @sign: -1: it leaves */
static void take(struct taken *t, const struct planner_guest *g, int sign)
{
	planner_add(&t->size, &g->size, sign);
	t->load += sign * g->load;
}

/* ---- the spread ---- */

struct ends {
	guint low, high; /* PLANNER_ANY: there is none */
	double low_share, high_share;
};

/* Of a cell. @skip: those that are left out; NULL */
static struct ends ends_of(const struct planner_fleet *f, const struct taken *used, guint cell, int what, const bool *skip)
{
	struct ends e = { PLANNER_ANY, PLANNER_ANY, 0, 0 };

	for (guint h = 0; h < f->n_hosts; h++) {
		double x;

		if (f->hosts[h].cell != cell || !counts(&f->hosts[h]) || (skip && skip[h]))
			continue;
		x = share(&f->hosts[h], &used[h], what);
		if (e.low == PLANNER_ANY || x < e.low_share) {
			e.low = h;
			e.low_share = x;
		}
		if (e.high == PLANNER_ANY || x > e.high_share) {
			e.high = h;
			e.high_share = x;
		}
	}
	return e;
}

static GArray *cells_of(const struct planner_fleet *f)
{
	GArray *cells = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint h = 0; h < f->n_hosts; h++)
		if (g_hash_table_add(seen, GUINT_TO_POINTER(f->hosts[h].cell)))
			g_array_append_val(cells, f->hosts[h].cell);
	return cells;
}

static struct planner_spread spread_of(const struct planner_fleet *f, const struct taken *used)
{
	g_autoptr(GArray) cells = cells_of(f);
	double spread[SHARES] = { 0 };

	for (guint i = 0; i < cells->len; i++) {
		for (int what = 0; what < SHARES; what++) {
			struct ends e = ends_of(f, used, g_array_index(cells, guint, i), what, NULL);

			spread[what] = MAX(spread[what], e.high_share - e.low_share);
		}
	}
	return (struct planner_spread){ spread[MEMORY], spread[VCPUS], spread[LOAD] };
}

static struct taken *used_now(const struct planner_fleet *f)
{
	struct taken *used = g_new(struct taken, f->n_hosts + 1);

	for (guint h = 0; h < f->n_hosts; h++)
		used[h] = (struct taken){ f->hosts[h].used, f->hosts[h].load };
	return used;
}

struct planner_spread planner_spread_of(const struct planner_fleet *f)
{
	g_autofree struct taken *used = used_now(f);

	return spread_of(f, used);
}

static bool is_over(const struct planner_spread *s, const struct planner_target *t, double by)
{
	return s->memory > t->memory + by || s->vcpus > t->vcpus + by || (t->load > 0 && s->load > t->load + by);
}

/* ---- one move after the other ---- */

/* How much smaller the sum of the squares is behind the move. */
static double gain(const struct level *l, guint g, guint to, int what)
{
	const struct planner_host *a = &l->f->hosts[l->at[g]], *b = &l->f->hosts[to];
	struct taken from = l->used[l->at[g]], dest = l->used[to];
	double before = share(a, &from, what) * share(a, &from, what) + share(b, &dest, what) * share(b, &dest, what);

	take(&from, &l->f->guests[g], -1);
	take(&dest, &l->f->guests[g], 1);
	return before - share(a, &from, what) * share(a, &from, what) - share(b, &dest, what) * share(b, &dest, what);
}

/* Of all shares that are asked for. */
static double gain_of_all(const struct level *l, guint g, guint to)
{
	double all = 0;

	for (int what = 0; what < SHARES; what++)
		all += is_asked(l->target, what) ? gain(l, g, to, what) : 0;
	return all;
}

/* It brings a share over its target, or further. */
static bool harms_one(const struct level *l, guint g, guint to, int what)
{
	const struct planner_host *b = &l->f->hosts[to];
	struct ends e = ends_of(l->f, l->used, b->cell, what, NULL);
	struct taken dest = l->used[to], from = l->used[l->at[g]];

	take(&dest, &l->f->guests[g], 1);
	take(&from, &l->f->guests[g], -1);
	return share(b, &dest, what) > MAX(e.high_share, e.low_share + target_of(l->target, what)) ||
	       share(&l->f->hosts[l->at[g]], &from, what) < MIN(e.low_share, e.high_share - target_of(l->target, what));
}

/* ... one of the others than that for which it is made. */
static bool harms(const struct level *l, guint g, guint to, int what)
{
	for (int other = 0; other < SHARES; other++)
		if (other != what && is_asked(l->target, other) && harms_one(l, g, to, other))
			return true;
	return false;
}

static bool may_go(const struct level *l, guint g, guint to)
{
	struct usage free = l->f->hosts[to].capacity;

	planner_add(&free, &l->used[to].size, -1);
	return planner_fits(l->f, &l->f->guests[g], to, &free);
}

/* The guest of @from whose going to @to brings the two nearest to each other. Return: PLANNER_ANY: none does. */
static guint best_guest(const struct level *l, guint from, guint to, int what)
{
	const GArray *list = l->guests[from];
	guint best = PLANNER_ANY;
	double most = LEAST;

	for (guint i = 0; list && i < list->len; i++) {
		guint g = g_array_index(list, guint, i);
		double x = gain(l, g, to, what);

		if (x <= most || gain_of_all(l, g, to) <= LEAST || !may_go(l, g, to) || harms(l, g, to, what))
			continue;
		best = g;
		most = x;
	}
	return best;
}

static void put_guest(struct level *l, guint g, guint host)
{
	if (!l->guests[host])
		l->guests[host] = g_array_new(FALSE, FALSE, sizeof(guint));
	g_array_append_val(l->guests[host], g);
}

static void move(struct level *l, guint g, guint to)
{
	GArray *list = l->guests[l->at[g]];

	for (guint i = 0; i < list->len; i++) {
		if (g_array_index(list, guint, i) != g)
			continue;
		g_array_remove_index_fast(list, i);
		break;
	}
	take(&l->used[l->at[g]], &l->f->guests[g], -1);
	take(&l->used[to], &l->f->guests[g], 1);
	l->at[g] = to;
	put_guest(l, g, to);
}

/* From the fullest host to one of the others, or from one of them to the emptiest. Return: one was moved. */
static bool move_between(struct level *l, guint cell, int what, bool from_fullest)
{
	struct ends e = ends_of(l->f, l->used, cell, what, NULL);
	guint end = from_fullest ? e.high : e.low;

	for (guint h = 0; h < l->f->n_hosts; h++)
		l->stuck[h] = h == end;
	for (;;) {
		struct ends others = ends_of(l->f, l->used, cell, what, l->stuck);
		guint other = from_fullest ? others.low : others.high, g;

		if (other == PLANNER_ANY)
			return false;
		g = from_fullest ? best_guest(l, end, other, what) : best_guest(l, other, end, what);
		if (g != PLANNER_ANY) {
			move(l, g, from_fullest ? other : end);
			return true;
		}
		l->stuck[other] = true;
	}
}

static void level_cell(struct level *l, guint cell)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (int what = 0; what < SHARES; what++) {
			struct ends e = ends_of(l->f, l->used, cell, what, NULL);

			if (!is_asked(l->target, what) || e.high == PLANNER_ANY || e.high_share - e.low_share <= target_of(l->target, what))
				continue;
			moved |= move_between(l, cell, what, true) || move_between(l, cell, what, false);
		}
	}
}

/* ---- the fewest of all ---- */

/* What is tried: so many moves more, of guests from the @first-th on. Return: the spread is under the target. */
static bool try_moves(struct level *l, guint first, int moves, int *left)
{
	if (moves == 0) {
		struct planner_spread s = spread_of(l->f, l->used);

		return !is_over(&s, l->target, 0);
	}
	for (guint g = first; g < l->f->n_guests; g++) {
		guint home = l->f->guests[g].host;

		if (l->f->guests[g].stays || l->f->guests[g].no || !counts(&l->f->hosts[home]))
			continue;
		for (guint h = 0; h < l->f->n_hosts && *left > 0; h++) {
			if (h == home || !counts(&l->f->hosts[h]) || !may_go(l, g, h))
				continue;
			--*left;
			take(&l->used[home], &l->f->guests[g], -1);
			take(&l->used[h], &l->f->guests[g], 1);
			l->at[g] = h;
			if (try_moves(l, g + 1, moves - 1, left))
				return true;
			take(&l->used[h], &l->f->guests[g], -1);
			take(&l->used[home], &l->f->guests[g], 1);
			l->at[g] = home;
		}
	}
	return false;
}

static void begin(struct level *l)
{
	l->used = used_now(l->f);
	l->at = g_new(guint, l->f->n_guests + 1);
	l->guests = g_new0(GArray *, l->f->n_hosts + 1);
	l->stuck = g_new0(bool, l->f->n_hosts + 1);
	for (guint g = 0; g < l->f->n_guests; g++) {
		const struct planner_guest *x = &l->f->guests[g];

		l->at[g] = x->host;
		if (!x->stays && !x->no && counts(&l->f->hosts[x->host]))
			put_guest(l, g, x->host);
	}
}

static void end(struct level *l)
{
	for (guint h = 0; h < l->f->n_hosts; h++)
		if (l->guests[h])
			g_array_unref(l->guests[h]);
	g_free(l->guests);
	g_free(l->stuck);
	g_free(l->used);
	g_free(l->at);
}

static int count_moves(const struct level *l)
{
	int n = 0;

	for (guint g = 0; g < l->f->n_guests; g++)
		n += l->at[g] != l->f->guests[g].host;
	return n;
}

/* A few guests: fewer moves than @most that do as well? Return: they are in @l. */
static bool find_fewer(struct level *l, int most)
{
	if (l->f->n_guests > EXACT_GUESTS)
		return false;
	for (int moves = 1; moves < most && moves <= EXACT_MOVES; moves++) {
		int left = EXACT_TRIES;

		if (try_moves(l, 0, moves, &left))
			return true;
	}
	return false;
}

static struct planner_spread take_wishes(const struct level *l, struct planner_guest *guests)
{
	for (guint g = 0; g < l->f->n_guests; g++)
		guests[g].to = l->at[g] == guests[g].host ? PLANNER_STAYS : l->at[g];
	return spread_of(l->f, l->used);
}

struct planner_spread planner_balance(const struct planner_fleet *f, struct planner_guest *guests, const struct planner_target *t)
{
	struct planner_spread now = planner_spread_of(f), then;
	struct level l = { .f = f, .target = t }, fewer = l;
	g_autoptr(GArray) cells = cells_of(f);
	bool good;

	for (guint g = 0; g < f->n_guests; g++)
		guests[g].to = PLANNER_STAYS;
	if (!is_over(&now, t, t->hysteresis))
		return now;
	begin(&l);
	for (guint i = 0; i < cells->len; i++)
		level_cell(&l, g_array_index(cells, guint, i));
	then = spread_of(f, l.used);
	good = !is_over(&then, t, 0);
	begin(&fewer);
	if (find_fewer(&fewer, good ? count_moves(&l) : EXACT_MOVES + 1))
		then = take_wishes(&fewer, guests);
	else
		then = take_wishes(&l, guests);
	end(&fewer);
	end(&l);
	return then;
}
