/* SPDX-License-Identifier: Apache-2.0 */
#include "move/ready.h"

#include "base/err.h"
#include "hv/xml/domxml_rewrite.h"
#include "move/block.h"
#include "move/block_make.h"
#include "move/definition_prepare.h"
#include "move/move.h"
#include "move/numa.h"
#include "move/plan.h"
#include "task/task.h"

/* ---- what is known first ---- */

static struct part got_xml(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err)
		return err_code(r->err) == ERR_HV_LOST ? part_is(PART_LATER) : part_because(PART_FAILED, r->err->message);
	move_describe(move_of(m), g_steal_pointer(&r->xml), g_steal_pointer(&r->xml_inactive), NULL);
	return part_is(PART_READY);
}

/* The search has it already, but for a restart. */
static struct part fetch_xml(struct mig *m, part_done_f *done)
{
	struct hv_req req = { .op = HV_DOM_XML };

	return move_of(m)->xml ? part_is(PART_READY) : part_ask(m, mig_source(m), &req, NULL, got_xml, done);
}

static struct part got_source(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err)
		return part_is(PART_LATER);
	move_heard_source(move_of(m), g_steal_pointer(&r->dom));
	return part_is(PART_READY);
}

static struct part ask_source(struct mig *m, part_done_f *done)
{
	struct hv_req req = { .op = HV_DOM_GET };

	return move_of(m)->at_source ? part_is(PART_READY) : part_ask(m, mig_source(m), &req, NULL, got_source, done);
}

/* ---- what is done then ---- */

/* The guest as it stands must be movable, and the destination must not have it. */
static char *why_not(struct mig *m)
{
	const struct move *v = move_of(m);
	enum hv_half src = hv_source_half(v->at_source), dst = hv_dest_half(v->at_dest);

	if (!(v->way->from & 1u << src))
		return g_strdup_printf("the guest is %s at %s", hv_half_name(src), m->source);
	if (v->at_source->unreadable)
		return g_strdup_printf("the description of the domain on %s cannot be read: %s", m->source, v->at_source->unreadable);
	if (v->at_dest->unreadable)
		return g_strdup_printf("%s has a domain of that UUID whose description cannot be read: %s", m->dest, v->at_dest->unreadable);
	if (v->at_source->kept.managed_save)
		return g_strdup_printf("%s keeps a managed save image of the guest, which would be left there when it has moved: remove it "
				       "(virsh managedsave-remove)", m->source);
	if (v->at_source->kept.checkpoints)
		return g_strdup_printf("the guest has %d checkpoints at %s, which libvirt would forget: delete them first (virsh checkpoint-delete)",
				       v->at_source->kept.checkpoints, m->source);
	if (v->at_source->job_outgoing || v->at_source->job_incoming)
		return g_strdup_printf("another job runs for the guest at %s", m->source);
	if (!hv_half_is_over(dst))
		return g_strdup_printf("%s already has a copy of the guest, which is %s there", m->dest, hv_half_name(dst));
	return NULL;
}

static struct part movable(struct mig *m, part_done_f *done)
{
	g_autofree char *why = why_not(m);

	(void)done;
	return why ? part_because(PART_FAILED, why) : part_is(PART_READY);
}

static bool rewrite_xml(struct mig *m, GError **err)
{
	struct move *v = move_of(m);
	g_autofree const char **files = block_files(v->copies);
	struct fleet *f = m->task->engine->fleet;
	struct domxml_changes ch = {
		.vnc_listen = host_listen(f, mig_dest(m), "vnc"), .spice_listen = host_listen(f, mig_dest(m), "spice"),
		.numa_fit = v->numa_fit, .files = files,
	};

	g_clear_pointer(&v->dest_xml, g_free);
	g_clear_pointer(&v->persistent_xml, g_free);
	if (!v->listeners)
		v->listeners = domxml_listeners(v->xml);
	if (!ch.numa_fit && !ch.files && !domxml_listens_elsewhere(v->listeners, &ch))
		return true;
	v->dest_xml = domxml_rewrite(v->xml, &ch, err);
	if (!v->dest_xml)
		return false;
	ch.files = NULL;
	if (v->xml_inactive)
		v->persistent_xml = domxml_rewrite(v->xml_inactive, &ch, err);
	return !v->xml_inactive || v->persistent_xml;
}

static struct part make_xml(struct mig *m, part_done_f *done)
{
	g_autoptr(GError) why = NULL;

	(void)done;
	return rewrite_xml(m, &why) ? part_is(PART_READY) : part_because(PART_FAILED, why->message);
}

/* ---- the plan ---- */

static void ready(struct mig *m)
{
	move_of(m)->way->done(m);
}

static part_f *const parts[] = {
	fetch_xml, plan_copies, ask_source, plan_ask_dest, movable, definition_prepare, numa_prepare, block_prepare, make_xml,
};

static const struct plan plan_of_ready = { parts, G_N_ELEMENTS(parts), TASK_FAILED, ready };

void ready_make(struct mig *m, const struct ready_way *way)
{
	move_of(m)->way = way;
	plan_run(m, &plan_of_ready);
}

void ready_again(struct mig *m)
{
	move_copies(move_of(m), NULL);
}
