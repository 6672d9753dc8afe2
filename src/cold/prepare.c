/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/prepare.h"

#include "move/block_make.h"
#include "move/definition_prepare.h"
#include "move/numa.h"
#include "move/search.h"

static char *why_not(const struct mig *m)
{
	const struct move *v = move_of(m);
	const struct hv_kept *k = &v->at_source->kept;

	if (v->at_source->unreadable)
		return g_strdup_printf("the description of the domain on %s cannot be read: %s", m->source, v->at_source->unreadable);
	if (!v->at_source->persistent)
		return g_strdup_printf("the guest has no definition at %s, and would be nowhere once it is shut off: define it first (virsh define)", m->source);
	if (k->managed_save)
		return g_strdup_printf("%s keeps a managed save image of the guest, which would be left there: remove it (virsh managedsave-remove)", m->source);
	if (k->checkpoints)
		return g_strdup_printf("%s keeps %d checkpoints of the guest, which would be lost: remove them first (virsh checkpoint-delete)", m->source,
				       k->checkpoints);
	if (v->at_source->job_active)
		return g_strdup_printf("a job runs for the guest at %s", m->source);
	if (v->at_dest && v->at_dest->unreadable)
		return g_strdup_printf("%s has a domain of that UUID whose description cannot be read: %s", m->dest, v->at_dest->unreadable);
	return NULL;
}

static struct part movable(struct mig *m, part_done_f *done)
{
	g_autofree char *why = why_not(m);

	(void)done;
	if (why)
		return part_because(PART_FAILED, why);
	if (!move_of(m)->at_dest)
		return part_because(PART_NEXT_DESTINATION, "the destination cannot be asked");
	if (cold_half_of(move_of(m)->at_dest) == COLD_H_LIVES)
		return part_because(PART_NEXT_DESTINATION, "a copy of the guest lives there");
	return part_is(PART_READY);
}

/* The guest is as it was as long as it was not asked to shut off. */
static bool is_untouched(const struct mig *m)
{
	return m->phase == COLD_P_STOP && !cold_was_pressed(m);
}

/* It runs on until what it only reads is there, however long that takes. */
static struct part early(struct mig *m, part_done_f *done)
{
	return is_untouched(m) && cold_half_of(move_of(m)->at_source) == COLD_H_LIVES ? block_prepare_read(m, done) : part_is(PART_READY);
}

/* Then another destination will do. */
static void prepare_failed(struct mig *m, enum part_next next, const char *why)
{
	if (next == PART_NEXT_DESTINATION && is_untouched(m))
		search_destination_failed(m, why);
	else
		step_fail(m, why);
}

bool cold_prepare(struct mig *m, enum cold_next *ret_next)
{
	static struct part (*const parts[])(struct mig *, part_done_f *) = { movable, definition_prepare, numa_prepare, early };

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		struct part p = parts[i](m, cold_of(m)->answers->prepare);

		if (p.next != PART_READY) {
			*ret_next = cold_prepared(m, p);
			return false;
		}
	}
	return true;
}

enum cold_next cold_prepared(struct mig *m, struct part p)
{
	g_autofree char *why = p.why;

	cold_of(m)->busy = p.next == PART_WAITS;
	switch (p.next) {
	case PART_WAITS:
		return COLD_N_NOTHING;
	case PART_READY:
		return COLD_N_JUDGE;
	case PART_AGAIN:
		return COLD_N_ASK;
	case PART_LATER:
		return COLD_N_AGAIN;
	case PART_NEXT_DESTINATION:
	case PART_FAILED:
		prepare_failed(m, p.next, why);
		return COLD_N_NOTHING;
	case PART_NEXT_N:
		break;
	}
	g_assert_not_reached();
}
