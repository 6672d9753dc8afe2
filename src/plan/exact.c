/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a few servers are on a few hosts is a number with a digit for each server; all of these are walked through from
 * where they are now, move by move, until they are where they were to go. So the way that is found first is the shortest.
 */
#include "plan/exact.h"

#include <string.h>

#define GUESTS_MAX 6
#define HOSTS_MAX 8 /* a digit has three bits */
#define DIGIT 3
#define STATES (1u << (DIGIT * GUESTS_MAX))
#define UNSEEN G_MAXUINT

struct search {
	const struct planner_fleet *f;
	guint guests[GUESTS_MAX], hosts[HOSTS_MAX];
	guint n_guests, n_hosts;
	struct usage free[HOSTS_MAX]; /* without any of the guests */
	guint *from;                  /* of each state: the one before */
};

static guint digit(guint state, guint i)
{
	return state >> (DIGIT * i) & (HOSTS_MAX - 1);
}

static guint put_digit(guint state, guint i, guint d)
{
	return (state & ~((guint)(HOSTS_MAX - 1) << (DIGIT * i))) | d << (DIGIT * i);
}

static bool add_host(struct search *s, guint h)
{
	for (guint i = 0; i < s->n_hosts; i++)
		if (s->hosts[i] == h)
			return true;
	if (s->n_hosts == HOSTS_MAX)
		return false;
	s->hosts[s->n_hosts++] = h;
	return true;
}

static guint host_digit(const struct search *s, guint h)
{
	for (guint i = 0; i < s->n_hosts; i++)
		if (s->hosts[i] == h)
			return i;
	g_assert_not_reached();
}

/* The hosts that are asked for, and third hosts: all there are, or those with the most memory free. */
static bool take_hosts(struct search *s, const guint *to)
{
	for (guint i = 0; i < s->n_guests; i++)
		if (!add_host(s, s->f->guests[s->guests[i]].host) || !add_host(s, to[s->guests[i]]))
			return false;
	while (s->n_hosts < MIN(HOSTS_MAX, s->f->n_hosts)) {
		guint best = PLANNER_ANY;
		int64_t most = INT64_MIN;

		for (guint h = 0; h < s->f->n_hosts; h++) {
			bool has = false;

			for (guint i = 0; i < s->n_hosts; i++)
				has |= s->hosts[i] == h;
			if (has || planner_free(&s->f->hosts[h]).memory_mb <= most)
				continue;
			best = h;
			most = planner_free(&s->f->hosts[h]).memory_mb;
		}
		s->hosts[s->n_hosts++] = best;
	}
	return true;
}

static bool begin(struct search *s, const guint *to, guint *ret_start, guint *ret_goal)
{
	for (guint g = 0; g < s->f->n_guests; g++) {
		if (to[g] == PLANNER_STAYS || to[g] == s->f->guests[g].host)
			continue;
		if (s->n_guests == GUESTS_MAX)
			return false;
		s->guests[s->n_guests++] = g;
	}
	if (!take_hosts(s, to))
		return false;
	for (guint h = 0; h < s->n_hosts; h++)
		s->free[h] = planner_free(&s->f->hosts[s->hosts[h]]);
	*ret_start = *ret_goal = 0;
	for (guint i = 0; i < s->n_guests; i++) {
		const struct planner_guest *g = &s->f->guests[s->guests[i]];
		guint at = host_digit(s, g->host);

		planner_add(&s->free[at], &g->size, 1);
		*ret_start = put_digit(*ret_start, i, at);
		*ret_goal = put_digit(*ret_goal, i, host_digit(s, to[s->guests[i]]));
	}
	return true;
}

static bool may_move(const struct search *s, guint state, guint i, guint h)
{
	struct usage free = s->free[h];

	if (digit(state, i) == h)
		return false;
	for (guint k = 0; k < s->n_guests; k++)
		if (digit(state, k) == h)
			planner_add(&free, &s->f->guests[s->guests[k]].size, -1);
	return planner_fits(s->f, &s->f->guests[s->guests[i]], s->hosts[h], &free);
}

static bool walk(struct search *s, guint start, guint goal)
{
	g_autofree guint *queue = g_new(guint, STATES);
	guint head = 0, tail = 0;

	memset(s->from, 0xff, STATES * sizeof *s->from);
	s->from[start] = start;
	queue[tail++] = start;
	while (head < tail && s->from[goal] == UNSEEN) {
		guint state = queue[head++];

		for (guint i = 0; i < s->n_guests; i++) {
			for (guint h = 0; h < s->n_hosts; h++) {
				guint next = put_digit(state, i, h);

				if (s->from[next] != UNSEEN || !may_move(s, state, i, h))
					continue;
				s->from[next] = state;
				queue[tail++] = next;
			}
		}
	}
	return s->from[goal] != UNSEEN;
}

static void add_move(struct search *s, struct order_made *m, guint state, const guint *to)
{
	guint was = s->from[state];

	for (guint i = 0; i < s->n_guests; i++) {
		guint g = s->guests[i];
		struct order_move one = { .guest = g, .from = s->hosts[digit(was, i)], .to = s->hosts[digit(state, i)] };

		if (one.from == one.to)
			continue;
		one.detour = one.to != to[g];
		g_array_prepend_val(m->moves, one);
	}
}

struct order_made *order_exact(const struct planner_fleet *f, const guint *to)
{
	struct search s = { .f = f };
	struct order_made *m;
	guint start, goal;

	if (!begin(&s, to, &start, &goal))
		return NULL;
	s.from = g_new(guint, STATES);
	if (!walk(&s, start, goal)) {
		g_free(s.from);
		return NULL;
	}
	m = g_new0(struct order_made, 1);
	m->moves = g_array_new(FALSE, FALSE, sizeof(struct order_move));
	m->pending = g_array_new(FALSE, FALSE, sizeof(guint));
	m->cycles = g_ptr_array_new_with_free_func(planner_cycle_free);
	for (guint state = goal; state != start; state = s.from[state])
		add_move(&s, m, state, to);
	g_free(s.from);
	return m;
}
