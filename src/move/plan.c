/* SPDX-License-Identifier: Apache-2.0 */
#include "move/plan.h"

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
