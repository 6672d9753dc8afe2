/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/prepare.h"

#include "base/err.h"
#include "evacuate/kept.h"
#include "evacuate/look.h"
#include "evacuate/source.h"
#include "evacuate/state.h"
#include "fleet/autostart.h"
#include "fleet/host_fence.h"
#include "hv/half.h"
#include "move/block_make.h"
#include "move/definition_prepare.h"
#include "move/numa.h"
#include "move/plan.h"
#include "task/step.h"

/* ---- the parts ---- */

static struct part source_dead(struct mig *m, part_done_f *done)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *text = NULL;

	(void)done;
	if (source_check_server(m->task->engine->fleet, mig_server(m), mig_source(m), &why))
		return part_is(PART_READY);
	evac_own(m)->last = true;
	text = source_is_dead(m->task->engine->fleet, mig_source(m)) ? g_strdup(why->message) : g_strdup_printf("the host is back: %s", why->message);
	return part_because(PART_FAILED, text);
}

/* What its dead host would have said of it. */
static struct part know_guest(struct mig *m, part_done_f *done)
{
	struct move *v = move_of(m);
	g_autoptr(GError) why = NULL;
	char *xml = NULL;
	struct hv_dom *d;

	(void)done;
	if (v->at_source)
		return part_is(PART_READY);
	d = kept_guest(m->task->engine->fleet, mig_server(m), &xml, &why);
	if (!d)
		return err_code(why) == ERR_STORE ? part_is(PART_LATER) : part_because(PART_FAILED, why->message);
	move_heard_source(v, d);
	g_free(v->definition);
	v->definition = xml;
	return part_is(PART_READY);
}

/* A copy that lives there is another's doing, and its start elsewhere would be a second one. */
static struct part free_there(struct mig *m, part_done_f *done)
{
	const struct hv_dom *d = move_of(m)->at_dest;
	enum hv_half there = hv_dest_half(d);
	g_autofree char *why = NULL;

	(void)done;
	if (d->unreadable) {
		why = g_strdup_printf("%s has a domain of that UUID whose description cannot be read: %s", m->dest, d->unreadable);
		return part_because(PART_NEXT_DESTINATION, why);
	}
	if (hv_half_is_over(there))
		return part_is(PART_READY);
	evac_own(m)->last = true;
	why = g_strdup_printf("%s already has a copy of the guest, which is %s there", m->dest, hv_half_name(there));
	return part_because(PART_FAILED, why);
}

static bool write_definition(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return definition_write_copy(m, err);
}

/* What tells, when its old host is back, what a copy that runs there is. */
static void note_source(struct mig *m)
{
	const struct host *source = mig_source(m);
	struct evac_own *own = evac_own(m);

	own->off = source && host_is_fenced(source);
	own->starts = autostart_may_be_hosts(mig_server(m));
	step_own_changed(m);
}

static void to_spawn(struct mig *m)
{
	note_source(m);
	move_of(m)->may_come = false;
	if (!step_go(m, EVAC_P_SPAWN, evac_runs(m) ? "it is to be defined and started there" : "it is to be defined there", write_definition, NULL))
		return;
	definition_copying(m);
	if (evac_runs(m))
		evac_look_early(m);
	step_enter(m);
}

/* ---- the plan ---- */

static part_f *const parts[] = { source_dead, know_guest, plan_copies, plan_ask_dest, free_there, definition_prepare, numa_prepare, block_prepare };

static const struct plan plan_of_evac = { parts, G_N_ELEMENTS(parts), TASK_ERROR, to_spawn };

void evac_prepare(struct mig *m)
{
	plan_run(m, &plan_of_evac);
}
