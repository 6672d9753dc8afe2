/* SPDX-License-Identifier: Apache-2.0 */
#include "task/kind.h"

#include <assert.h>

int kind_stage(const struct task_kind *k, const char *name)
{
	for (int i = 0; i < k->n; i++)
		if (g_strcmp0(k->stages[i].name, name) == 0)
			return i;
	return -1;
}

int kind_final(const struct task_kind *k, enum task_end end)
{
	for (int i = 0; i < k->n; i++)
		if (k->stages[i].end == end)
			return i;
	g_assert_not_reached();
}

bool kind_has(const struct task_kind *k, enum task_end end)
{
	for (int i = 0; i < k->n; i++)
		if (k->stages[i].end == end)
			return true;
	return false;
}

const struct task_action *kind_action(const struct task_kind *k, const char *name)
{
	for (int i = 0; i < k->n_actions; i++)
		if (g_strcmp0(k->actions[i].name, name) == 0)
			return &k->actions[i];
	return NULL;
}

static void kind_check(const struct task_kind *k)
{
	g_assert(k->n <= TASK_STAGES_MAX && k->n_actions > 0);
	g_assert(!k->class || k->class->index < TASK_CLASSES_MAX);
	(void)kind_final(k, TASK_DONE);
	(void)kind_final(k, TASK_ERROR);
	if (k->stop_action)
		(void)kind_final(k, TASK_CANCELLED);
	for (int i = 0; i < k->n; i++) {
		const struct task_stage *st = &k->stages[i];

		g_assert(kind_stage(k, st->name) == i);
		g_assert(k->migration == (st->status != NULL));
		g_assert(k->class || !st->holds);
		g_assert(!st->rests || (st->task == SERVER_TASK_NONE && !st->task_of_action && st->stop == TASK_STOP_NOT));
		g_assert(!st->undo || st->next & 1u << st->undo);
	}
	for (int i = 0; i < k->n_actions; i++)
		for (int from = 0; from < k->n; from++)
			g_assert(!(k->actions[i].from & 1u << from) || k->stages[from].next & 1u << k->actions[i].to);
	for (int i = 0; i < k->n_actions; i++)
		for (int from = 0; from < k->n; from++)
			g_assert(!k->actions[i].over || !k->stages[from].task_of_action || kind_follows(k, from, k->actions[i].to));
}

void kinds_check(const struct task_kind *const *kinds)
{
	for (const struct task_kind *const *k = kinds; *k; k++) {
		kind_check(*k);
		g_assert(kind_find(kinds, (*k)->type) == *k);
		for (const struct task_kind *const *o = kinds; o < k; o++)
			g_assert(!(*k)->class || !(*o)->class || (*k)->class == (*o)->class || (*k)->class->index != (*o)->class->index);
	}
}

const struct task_kind *kind_find(const struct task_kind *const *kinds, const char *type)
{
	for (; *kinds; kinds++)
		if (g_strcmp0((*kinds)->type, type) == 0)
			return *kinds;
	return NULL;
}

bool kind_follows(const struct task_kind *k, int old, int new)
{
	return old == new || k->stages[old].next & 1u << new;
}

const char *task_end_status(enum task_end end)
{
	static const char *const words[] = {
		[TASK_GOES_ON] = NULL, [TASK_DONE] = "completed", [TASK_ERROR] = "error", [TASK_FAILED] = "failed", [TASK_CANCELLED] = "cancelled",
	};
	static_assert(G_N_ELEMENTS(words) == TASK_END_N, "words is missing one");

	return words[end];
}
