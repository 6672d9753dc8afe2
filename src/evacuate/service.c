/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/service.h"

#include "evacuate/state.h"
#include "task/step.h"

static void *begin(struct engine *e)
{
	return e;
}

static bool load(void *state, GError **err)
{
	(void)state;
	(void)err;
	return true;
}

static void nothing(void *state)
{
	(void)state;
}

static void leftover(void *state, struct host *h, const struct hv_dom *d)
{
	(void)state;
	(void)h;
	(void)d;
}

static guint owed(const void *state)
{
	(void)state;
	return 0;
}

/* Those that have moved their guests from it. Return: struct mig *, borrowed; owned by the caller. */
static GPtrArray *moved_from(const struct engine *e, const struct host *h)
{
	GPtrArray *list = g_ptr_array_new();

	for (guint i = 0; i < e->active->len; i++) {
		struct mig *m = g_ptr_array_index(e->active, i);

		if (m->kind->class == &task_class_evacuate && (m->phase == EVAC_P_MOVED || m->phase == EVAC_P_CLEAN) && g_strcmp0(m->source, h->name) == 0)
			g_ptr_array_add(list, m);
	}
	return list;
}

static bool clean(void *state, struct host *h)
{
	g_autoptr(GPtrArray) list = moved_from(state, h);
	bool decided = true;

	for (guint i = 0; i < list->len; i++) {
		struct mig *m = g_ptr_array_index(list, i);

		if (m->phase == EVAC_P_MOVED)
			step_enter(m);
		decided &= mig_is_final(m) || evac_of(m)->stuck;
	}
	return decided;
}

void evac_service_ended(struct mig *m)
{
	struct host *source = mig_source(m);

	if (source)
		fleet_host_cleaned(m->task->engine->fleet, source);
}

const struct task_service evac_service = {
	.begin = begin, .load = load, .stop = nothing, .free = nothing, .host = nothing, .clean = clean, .leftover = leftover, .owed = owed,
};
