/* SPDX-License-Identifier: Apache-2.0 */
#include "move/plan.h"

#include "base/err.h"
#include "move/check.h"
#include "move/move.h"
#include "move/search.h"
#include "task/step.h"

#define RETRY_MS 1000

static void go_on(struct mig *m)
{
	const struct plan *plan = move_of(m)->plan;

	for (size_t i = 0; i < plan->n; i++) {
		struct part p = plan->parts[i](m, plan_act);

		if (p.next != PART_READY) {
			plan_act(m, p);
			return;
		}
	}
	plan->ready(m);
}

void plan_act(struct mig *m, struct part p)
{
	g_autofree char *why = p.why;

	switch (p.next) {
	case PART_WAITS:
		break;
	case PART_READY:
		go_on(m);
		break;
	case PART_AGAIN:
		step_enter(m);
		break;
	case PART_LATER:
		step_later(m, RETRY_MS);
		break;
	case PART_NEXT_DESTINATION:
		search_destination_failed(m, why);
		break;
	case PART_FAILED:
		step_end(m, kind_final(m->kind, move_of(m)->plan->failed), why);
		break;
	case PART_NEXT_N:
		g_assert_not_reached();
	}
}

void plan_run(struct mig *m, const struct plan *plan)
{
	struct move *v = move_of(m);

	v->plan = plan;
	move_heard_source(v, NULL);
	move_heard_dest(v, NULL);
	go_on(m);
}

/* ---- parts ---- */

static struct part got_copies(struct mig *m, struct check_report *r)
{
	move_of(m)->precheck = NULL;
	if (r->source_lost)
		return part_is(PART_LATER);
	if (r->err)
		return part_because(PART_NEXT_DESTINATION, r->err->message);
	move_copies(move_of(m), r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
	return part_is(PART_READY);
}

static void copies_known(struct check_report *r, void *user)
{
	plan_act(user, got_copies(user, r));
}

struct part plan_copies(struct mig *m, part_done_f *done)
{
	(void)done; /* a run of checks is not a host's answer: copies_known() acts */
	if (move_of(m)->planned)
		return part_is(PART_READY);
	search_copies(m, copies_known);
	return part_is(PART_WAITS);
}

static struct part got_dest(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err)
		return part_because(PART_NEXT_DESTINATION, r->err->message);
	move_heard_dest(move_of(m), g_steal_pointer(&r->dom));
	return part_is(PART_READY);
}

struct part plan_ask_dest(struct mig *m, part_done_f *done)
{
	g_autofree char *why = g_strdup_printf("Compute service of %s is unavailable at this time.", m->dest);
	struct hv_req req = { .op = HV_DOM_GET };
	struct part p = part_is(PART_READY);

	if (!move_of(m)->at_dest)
		p = part_ask(m, mig_dest(m), &req, NULL, got_dest, done);
	return p.next == PART_LATER ? part_because(PART_NEXT_DESTINATION, why) : p;
}
