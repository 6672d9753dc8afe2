/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/service.h"

#include "evacuate/fault.h"
#include "evacuate/state.h"
#include "move/definition.h"
#include "move/service.h"
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

/* The row of what a destination that was given up may have of the guest names it (definition.h). */
static void duplicate(void *state, const struct server *s, struct host *h)
{
	struct engine *e = state;
	const struct definition *left = definition_find(service_of(e)->definitions, s->uuid, h->name, DEFINITION_LEFT);
	const struct mig *m = left ? engine_find(e, left->task) : NULL;

	if (m && m->kind->class == &task_class_evacuate)
		evac_dest_lives(m, h);
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

static const struct hv_dom *find(const GPtrArray *doms, const char *uuid)
{
	for (guint i = 0; i < doms->len; i++) {
		const struct hv_dom *d = g_ptr_array_index(doms, i);

		if (g_str_equal(d->uuid, uuid))
			return d;
	}
	return NULL;
}

/*
 * What the host says of the guests that were evacuated from it, which are other hosts' by their records: one that ran has ended unseen; and none
 * runs that it does not start by itself. Then it has booted (fleet/autostart.c has the same of its own ones).
 */
static bool has_booted(const GPtrArray *list, const GPtrArray *doms, bool others)
{
	bool lost = others;

	for (guint i = 0; i < list->len; i++) {
		const struct mig *m = g_ptr_array_index(list, i);
		const struct hv_dom *d = find(doms, m->server_uuid);

		if (!d)
			continue;
		lost |= m->vm_before == SERVER_ACTIVE && d->state == HV_SHUTOFF && d->reason == HV_R_UNSEEN;
		if ((d->state == HV_RUNNING || d->state == HV_PAUSED) && !evac_own(m)->starts)
			return false;
	}
	return lost;
}

/* In the rows before any of them is undefined there, as that is the evidence of the others. */
static void back(void *state, struct host *h, const GPtrArray *doms, bool booted)
{
	g_autoptr(GPtrArray) list = moved_from(state, h);

	if (!h->was_fenced && !has_booted(list, doms, booted))
		return;
	for (guint i = 0; i < list->len; i++) {
		struct mig *m = g_ptr_array_index(list, i);

		if (evac_own(m)->off)
			continue;
		evac_own(m)->off = true;
		step_own_changed(m);
		(void)step_save_own(m);
	}
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
	.begin = begin, .load = load, .stop = nothing, .free = nothing, .host = nothing, .back = back, .clean = clean, .leftover = leftover, .duplicate = duplicate, .owed = owed,
};
