/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* ---- moving ---- */

static struct plan_step *at_place(const struct plan_record *p, int place)
{
	return g_ptr_array_index(p->index.order, place - 1);
}

/* Where the step would stand then. */
static int place_then(const struct plan_move *m)
{
	int to = m->other->place + (m->behind ? 1 : 0);

	return m->step->place < to ? to - 1 : to;
}

void plan_order_move(struct plan_record *p, const struct plan_move *m)
{
	int from = m->step->place, to = place_then(m);

	if (m->step == m->other)
		return;
	g_ptr_array_remove_index(p->index.order, from - 1);
	g_ptr_array_insert(p->index.order, to - 1, m->step);
	for (int place = MIN(from, to); place <= MAX(from, to); place++)
		at_place(p, place)->place = place;
}

/* ---- what forbids it ---- */

struct waited {
	int n;
	bool found;
};

static bool is_other(int n, void *user)
{
	struct waited *w = user;

	w->found = n == w->n;
	return !w->found;
}

static bool waits_for(const struct plan_step *st, int n)
{
	struct waited w = { n, false };

	(void)plan_steps_after(st, is_other, &w);
	return w.found;
}

/* @first stands before @second now, and would not then. Return: owned; NULL: nothing forbids it */
static char *why_not(const struct plan_step *first, const struct plan_step *second)
{
	if (first->wave < second->wave)
		return g_strdup_printf("step %d is of wave %d and step %d of wave %d: a wave begins when the one before it is over", first->n, first->wave, second->n, second->wave);
	if (strcmp(first->uuid, second->uuid) == 0)
		return g_strdup_printf("step %d moves server %s on, from where step %d takes it", second->n, second->name, first->n);
	if (waits_for(second, first->n))
		return g_strdup_printf("step %d waits for step %d, so it cannot come before it", second->n, first->n);
	return NULL;
}

char *plan_order_check(const struct plan_record *p, const struct plan_move *m)
{
	int from = m->step->place, to = place_then(m), by = from < to ? 1 : -1;
	char *why = NULL;

	if (m->step == m->other)
		return g_strdup_printf("step %d cannot come before or after itself", m->step->n);
	for (int place = from; !why && place != to; place += by) {
		const struct plan_step *passed = at_place(p, place + by);

		why = by > 0 ? why_not(m->step, passed) : why_not(passed, m->step);
	}
	return why;
}

/* ---- what is kept ---- */

char *plan_order_moves(const struct plan_record *p, const struct plan_move *m)
{
	g_autofree char *move = g_strdup_printf("%d%c%d", m->step->n, m->behind ? '>' : '<', m->other->n);
	g_auto(GStrv) kept = g_strsplit(p->opt.moves ? p->opt.moves : "", ",", -1);
	guint n = g_strv_length(kept);

	/* where a step was put just before counts no more */
	if (n > 0 && atoi(kept[n - 1]) == m->step->n)
		g_clear_pointer(&kept[--n], g_free);
	if (n >= PLAN_MOVES_MAX)
		return NULL;
	if (n == 0)
		return g_steal_pointer(&move);
	{
		g_autofree char *before = g_strjoinv(",", kept);

		return g_strconcat(before, ",", move, NULL);
	}
}

/* What a row has that was edited by hand, or is of another plan, is left alone. */
static void move_again(struct plan_record *p, const char *text)
{
	const char *sign = strpbrk(text, "<>");
	g_autofree char *number = sign ? g_strndup(text, (gsize)(sign - text)) : NULL;
	int64_t n, other;
	struct plan_move m;

	if (!sign || !util_parse_int(number, 1, PLAN_STEPS_MAX, &n) || !util_parse_int(sign + 1, 1, PLAN_STEPS_MAX, &other))
		return;
	m = (struct plan_move){ plan_step_at(p, n), plan_step_at(p, other), *sign == '>' };
	if (m.step && m.other)
		plan_order_move(p, &m);
}

void plan_order_make(struct plan_record *p)
{
	g_auto(GStrv) moves = g_strsplit(p->opt.moves ? p->opt.moves : "", ",", PLAN_MOVES_MAX + 1);

	p->index.order = g_ptr_array_sized_new(p->steps->len);
	for (guint i = 0; i < p->steps->len; i++) {
		struct plan_step *st = g_ptr_array_index(p->steps, i);

		st->place = (int)i + 1;
		g_ptr_array_add(p->index.order, st);
	}
	for (guint i = 0; i < g_strv_length(moves) && i < PLAN_MOVES_MAX; i++)
		move_again(p, moves[i]);
}
