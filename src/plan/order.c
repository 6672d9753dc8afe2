/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/order.h"

#define CYCLES_MAX 100 /* that are named */

/* An order in the making. */
struct work {
	const struct planner_fleet *f;
	const guint *to;
	guint *at;               /* of each guest */
	struct usage *free;      /* of each host */
	GArray **arrivals;       /* of each host: guests that are still to come to it, in their order; NULL: none */
	bool *detoured;          /* of each guest */
	GQueue *hosts;           /* to be looked at: there is more room */
	bool *queued;
	guint pending;
	struct order_made *made;
};

void planner_cycle_free(void *data)
{
	struct planner_cycle *c = data;

	g_array_unref(c->guests);
	g_array_unref(c->hosts);
	g_free(c);
}

static struct order_made *made_new(void)
{
	struct order_made *m = g_new0(struct order_made, 1);

	m->moves = g_array_new(FALSE, FALSE, sizeof(struct order_move));
	m->pending = g_array_new(FALSE, FALSE, sizeof(guint));
	m->cycles = g_ptr_array_new_with_free_func(planner_cycle_free);
	return m;
}

void order_made_free(struct order_made *m)
{
	if (!m)
		return;
	g_array_unref(m->moves);
	g_array_unref(m->pending);
	g_ptr_array_unref(m->cycles);
	g_free(m);
}

static bool is_pending(const struct work *w, guint g)
{
	return w->to[g] != PLANNER_STAYS && w->at[g] != w->to[g];
}

static void look_again(struct work *w, guint h)
{
	if (w->queued[h] || !w->arrivals[h])
		return;
	w->queued[h] = true;
	g_queue_push_tail(w->hosts, GUINT_TO_POINTER(h));
}

static void move(struct work *w, guint g, guint to, bool detour)
{
	const struct usage *size = &w->f->guests[g].size;
	const struct order_move m = { .guest = g, .from = w->at[g], .to = to, .detour = detour };

	g_array_append_val(w->made->moves, m);
	planner_add(&w->free[m.from], size, 1);
	planner_add(&w->free[to], size, -1);
	w->at[g] = to;
	w->pending -= !is_pending(w, g);
	look_again(w, m.from);
}

static bool fits(const struct work *w, guint g, guint h)
{
	return planner_fits(w->f, &w->f->guests[g], h, &w->free[h]);
}

/* Those that find room there now. */
static void fill(struct work *w, guint h)
{
	GArray *list = w->arrivals[h];
	guint kept = 0;

	for (guint i = 0; i < list->len; i++) {
		guint g = g_array_index(list, guint, i);

		if (!is_pending(w, g))
			continue;
		if (fits(w, g, h))
			move(w, g, h, false);
		else
			g_array_index(list, guint, kept++) = g;
	}
	g_array_set_size(list, kept);
}

static void fill_all(struct work *w)
{
	while (!g_queue_is_empty(w->hosts)) {
		guint h = GPOINTER_TO_UINT(g_queue_pop_head(w->hosts));

		w->queued[h] = false;
		fill(w, h);
	}
}

/* ---- cycles ---- */

/* The way over pending moves from the host that @g goes to back to where it is: the others of its cycle. Return: NULL: it is in none. */
static struct planner_cycle *cycle_of(const struct work *w, const GArray *pending, guint g)
{
	g_autofree guint *by = g_new(guint, w->f->n_hosts);
	g_autoptr(GArray) reached = g_array_new(FALSE, FALSE, sizeof(guint));
	struct planner_cycle *c;
	guint start = w->to[g], end = w->at[g];

	for (guint h = 0; h < w->f->n_hosts; h++)
		by[h] = PLANNER_ANY;
	by[start] = g;
	g_array_append_val(reached, start);
	for (guint i = 0; i < reached->len && by[end] == PLANNER_ANY; i++) {
		for (guint k = 0; k < pending->len; k++) {
			guint x = g_array_index(pending, guint, k);

			if (w->at[x] != g_array_index(reached, guint, i) || by[w->to[x]] != PLANNER_ANY)
				continue;
			by[w->to[x]] = x;
			g_array_append_val(reached, w->to[x]);
		}
	}
	if (by[end] == PLANNER_ANY)
		return NULL;
	c = g_new0(struct planner_cycle, 1);
	c->guests = g_array_new(FALSE, FALSE, sizeof(guint));
	c->hosts = g_array_new(FALSE, FALSE, sizeof(guint));
	c->through = PLANNER_ANY;
	for (guint h = end;; h = w->at[by[h]]) {
		g_array_prepend_val(c->guests, by[h]);
		g_array_prepend_val(c->hosts, w->at[by[h]]);
		if (by[h] == g)
			return c;
	}
}

/* ---- a third host ---- */

static GArray *list_pending(const struct work *w)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(guint));

	for (guint g = 0; g < w->f->n_guests; g++)
		if (is_pending(w, g))
			g_array_append_val(list, g);
	return list;
}

static bool is_wanted(const struct work *w, guint h)
{
	return w->arrivals[h] && w->arrivals[h]->len > 0;
}

/* Where it could wait: best where nothing is to come, then where most is free. Return: PLANNER_ANY: nowhere. */
static guint third_host(const struct work *w, guint g)
{
	guint best = PLANNER_ANY;

	for (guint h = 0; h < w->f->n_hosts; h++) {
		if (h == w->at[g] || h == w->to[g] || !fits(w, g, h))
			continue;
		if (best == PLANNER_ANY || is_wanted(w, h) < is_wanted(w, best) ||
		    (is_wanted(w, h) == is_wanted(w, best) && w->free[h].memory_mb > w->free[best].memory_mb))
			best = h;
	}
	return best;
}

/* Its leaving makes the room that one needs that is to come. */
static bool helps(const struct work *w, guint g)
{
	const GArray *list = w->arrivals[w->at[g]];
	struct usage free = w->free[w->at[g]];

	planner_add(&free, &w->f->guests[g].size, 1);
	for (guint i = 0; list && i < list->len; i++)
		if (planner_fits(w->f, &w->f->guests[g_array_index(list, guint, i)], w->at[g], &free))
			return true;
	return false;
}

static int smaller_first(const void *a, const void *b, void *user)
{
	const struct work *w = user;
	const struct planner_guest *x = &w->f->guests[*(const guint *)a], *y = &w->f->guests[*(const guint *)b];

	return x->size.memory_mb < y->size.memory_mb ? -1 : x->size.memory_mb > y->size.memory_mb;
}

static void note_cycle(struct work *w, const GArray *pending, guint g, guint through)
{
	struct planner_cycle *c = w->made->cycles->len < CYCLES_MAX ? cycle_of(w, pending, g) : NULL;

	if (!c)
		return;
	c->through = through;
	g_ptr_array_add(w->made->cycles, c);
}

/* Move one out of the others' way. Return: false: none can. */
static bool detour(struct work *w)
{
	g_autoptr(GArray) pending = list_pending(w);

	g_array_sort_with_data(pending, smaller_first, w);
	for (guint i = 0; i < pending->len; i++) {
		guint g = g_array_index(pending, guint, i), to;

		if (w->detoured[g] || !helps(w, g))
			continue;
		to = third_host(w, g);
		if (to == PLANNER_ANY)
			continue;
		note_cycle(w, pending, g, to);
		w->detoured[g] = true;
		move(w, g, to, true);
		return true;
	}
	return false;
}

/* What is left: each cycle once. */
static void name_cycles(struct work *w)
{
	GArray *pending = list_pending(w);
	g_autofree bool *named = g_new0(bool, w->f->n_guests);

	for (guint i = 0; i < pending->len && w->made->cycles->len < CYCLES_MAX; i++) {
		guint g = g_array_index(pending, guint, i), had = w->made->cycles->len;
		const struct planner_cycle *c;

		if (named[g])
			continue;
		note_cycle(w, pending, g, PLANNER_ANY);
		if (w->made->cycles->len == had)
			continue;
		c = g_ptr_array_index(w->made->cycles, had);
		for (guint k = 0; k < c->guests->len; k++)
			named[g_array_index(c->guests, guint, k)] = true;
	}
	g_array_unref(w->made->pending);
	w->made->pending = pending;
}

/* ---- the whole ---- */

struct by_time {
	guint guest, wave;
	int64_t seconds;
};

static int by_time(const void *a, const void *b)
{
	const struct by_time *x = a, *y = b;

	if (x->wave != y->wave)
		return x->wave < y->wave ? -1 : 1;
	if (x->seconds != y->seconds)
		return x->seconds < y->seconds ? -1 : 1;
	return x->guest < y->guest ? -1 : x->guest > y->guest;
}

static int by_time_down(const void *a, const void *b)
{
	const struct by_time *x = a, *y = b;

	return x->wave == y->wave && x->seconds != y->seconds ? (x->seconds > y->seconds ? -1 : 1) : by_time(a, b);
}

static GArray *in_order(struct work *w, bool small_first)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(struct by_time));

	for (guint g = 0; g < w->f->n_guests; g++) {
		const struct planner_guest *x = &w->f->guests[g];
		const struct by_time one = { g, w->f->hosts[x->host].wave, planner_seconds(w->f, x) };

		if (is_pending(w, g))
			g_array_append_val(list, one);
	}
	g_array_sort(list, small_first ? by_time : by_time_down);
	w->pending = list->len;
	return list;
}

static void begin(struct work *w)
{
	const struct planner_fleet *f = w->f;

	w->at = g_new(guint, f->n_guests);
	for (guint g = 0; g < f->n_guests; g++)
		w->at[g] = f->guests[g].host;
	w->free = g_new(struct usage, f->n_hosts);
	for (guint h = 0; h < f->n_hosts; h++)
		w->free[h] = planner_free(&f->hosts[h]);
	w->arrivals = g_new0(GArray *, f->n_hosts);
	w->detoured = g_new0(bool, f->n_guests);
	w->queued = g_new0(bool, f->n_hosts);
	w->hosts = g_queue_new();
	w->made = made_new();
}

static struct order_made *end(struct work *w)
{
	for (guint h = 0; h < w->f->n_hosts; h++)
		if (w->arrivals[h])
			g_array_unref(w->arrivals[h]);
	g_queue_free(w->hosts);
	g_free(w->arrivals);
	g_free(w->detoured);
	g_free(w->queued);
	g_free(w->free);
	g_free(w->at);
	return w->made;
}

struct order_made *order_make(const struct planner_fleet *f, const guint *to, bool small_first)
{
	struct work w = { .f = f, .to = to };
	g_autoptr(GArray) list = NULL;

	begin(&w);
	list = in_order(&w, small_first);
	for (guint i = 0; i < list->len; i++) {
		guint g = g_array_index(list, struct by_time, i).guest, h = to[g];

		if (fits(&w, g, h)) {
			move(&w, g, h, false);
			continue;
		}
		if (!w.arrivals[h])
			w.arrivals[h] = g_array_new(FALSE, FALSE, sizeof(guint));
		g_array_append_val(w.arrivals[h], g);
	}
	for (guint h = 0; h < f->n_hosts; h++)
		look_again(&w, h);
	fill_all(&w);
	while (w.pending > 0 && detour(&w))
		fill_all(&w);
	if (w.pending > 0)
		name_cycles(&w);
	return end(&w);
}
