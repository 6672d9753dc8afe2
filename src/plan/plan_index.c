/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_index.h"

#include <limits.h>

#include "plan/plan_order.h"

static bool is_busy(enum plan_step_state s)
{
	return s == PLAN_STEP_ASKING || s == PLAN_STEP_RUNNING;
}

/* ---- those under way ---- */

/* Return: the place of the first one with that number, or a higher one. */
static guint place_of(const GPtrArray *busy, int n)
{
	guint low = 0, high = busy->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (((const struct plan_step *)g_ptr_array_index(busy, middle))->n >= n)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void put_busy(struct plan_index *x, struct plan_step *st, bool is)
{
	guint at = place_of(x->busy, st->n);

	if (is)
		g_ptr_array_insert(x->busy, (int)at, st);
	else
		g_ptr_array_remove_index(x->busy, at);
}

/* ---- those that are not over ---- */

static void count_leaving(struct plan_index *x, const char *host, int by)
{
	int n = host ? GPOINTER_TO_INT(g_hash_table_lookup(x->leaving, host)) + by : 0;

	if (n > 0)
		g_hash_table_insert(x->leaving, g_strdup(host), GINT_TO_POINTER(n));
	else if (host)
		g_hash_table_remove(x->leaving, host);
}

static void count_open(struct plan_index *x, const struct plan_step *st, int by)
{
	guint wave = (guint)CLAMP(st->wave, 0, PLAN_STEPS_MAX);

	if (wave >= x->open->len)
		g_array_set_size(x->open, wave + 1);
	g_array_index(x->open, int, wave) += by;
	x->wave = MIN(x->wave, wave);
	count_leaving(x, st->source, by);
}

/* ---- the whole ---- */

/* @st is in .steps. */
static void take(struct plan_record *p, struct plan_step *st)
{
	struct plan_index *x = &p->index;
	const struct plan_step *before = g_hash_table_lookup(x->last, st->uuid);

	st->before = before ? before->n : 0;
	g_hash_table_insert(x->last, st->uuid, st);
	x->n[st->state]++;
	if (is_busy(st->state))
		put_busy(x, st, true);
	if (!plan_step_is_over(st->state))
		count_open(x, st, 1);
}

void plan_index_make(struct plan_record *p)
{
	struct plan_index *x = &p->index;

	x->busy = g_ptr_array_new();
	x->unsaved = g_ptr_array_new();
	x->open = g_array_new(FALSE, TRUE, sizeof(int));
	x->leaving = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	x->last = g_hash_table_new(g_str_hash, g_str_equal);
	x->hosts = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < p->hosts->len; i++)
		g_hash_table_add(x->hosts, g_ptr_array_index(p->hosts, i));
	for (guint i = 0; i < p->steps->len; i++)
		take(p, g_ptr_array_index(p->steps, i));
	plan_order_make(p);
}

void plan_index_add(struct plan_record *p, struct plan_step *st)
{
	g_ptr_array_add(p->steps, st);
	g_ptr_array_add(p->index.order, st);
	st->place = (int)p->index.order->len;
	take(p, st);
}

void plan_step_go(struct plan_record *p, struct plan_step *st, enum plan_step_state state)
{
	struct plan_index *x = &p->index;
	bool was_busy = is_busy(st->state), was_over = plan_step_is_over(st->state);

	x->n[st->state]--;
	x->n[state]++;
	st->state = state;
	if (was_busy != is_busy(state))
		put_busy(x, st, !was_busy);
	if (was_over != plan_step_is_over(state))
		count_open(x, st, was_over ? 1 : -1);
	plan_step_changed(p, st);
}

void plan_step_is_at(struct plan_record *p, struct plan_step *st, const char *host)
{
	bool open = !plan_step_is_over(st->state);

	if (open)
		count_leaving(&p->index, st->source, -1);
	util_replace(&st->source, host);
	if (open)
		count_leaving(&p->index, st->source, 1);
}

void plan_step_changed(struct plan_record *p, struct plan_step *st)
{
	if (!st->unsaved)
		g_ptr_array_add(p->index.unsaved, st);
	st->unsaved = true;
}

void plan_saved(struct plan_record *p, guint n)
{
	for (guint i = 0; i < n; i++)
		((struct plan_step *)g_ptr_array_index(p->index.unsaved, i))->unsaved = false;
	if (n > 0)
		g_ptr_array_remove_range(p->index.unsaved, 0, n);
}

bool plan_knows(const struct plan_record *p, const char *uuid)
{
	return g_hash_table_contains(p->index.last, uuid);
}

bool plan_leaves(const struct plan_record *p, const char *host)
{
	return g_hash_table_contains(p->index.leaving, host);
}

bool plan_all_over(const struct plan_record *p)
{
	guint over = 0;

	for (int s = 0; s < PLAN_STEP_STATE_N; s++)
		over += plan_step_is_over((enum plan_step_state)s) ? (guint)p->index.n[s] : 0;
	return over == p->steps->len && p->index.unsaved->len == 0;
}

int plan_first_wave(struct plan_record *p)
{
	struct plan_index *x = &p->index;

	while (x->wave < x->open->len && g_array_index(x->open, int, x->wave) == 0)
		x->wave++;
	return x->wave < x->open->len ? (int)x->wave : INT_MAX;
}
