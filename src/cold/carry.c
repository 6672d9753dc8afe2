/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/carry.h"

#include "cold/prepare.h"
#include "move/carrying.h"
#include "move/definition_prepare.h"

#define SENDS_MAX 3

bool cold_may_carry(const struct mig *m)
{
	const struct move *v = move_of(m);
	bool local = !v->planned || v->copies->len > 0;

	return local && (m->phase == COLD_P_CARRY || m->phase == COLD_P_START || m->phase == COLD_P_REVERT || m->phase == COLD_P_UNDO);
}

enum cold_carrier cold_carrier_now(const struct mig *m)
{
	const struct move_carry *c = &move_of(m)->carry;

	if (!cold_may_carry(m) || (m->phase == COLD_P_CARRY && cold_of(m)->streamed))
		return COLD_C_NEEDLESS;
	return cold_carrier_of(c->at_source, c->at_dest);
}

static bool write_landing(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return definition_write_copy(m, err);
}

/* The carrier holds them until the guest is about to start there. */
enum cold_next cold_compared(struct mig *m, struct part p)
{
	cold_of(m)->compared = p.next == PART_READY;
	return cold_prepared(m, p);
}

enum cold_next cold_streamed(struct mig *m, struct part p)
{
	cold_of(m)->streamed = p.next == PART_READY;
	return cold_prepared(m, p);
}

enum cold_next cold_send(struct mig *m)
{
	const struct move_carry *c = &move_of(m)->carry;

	if (c->sent < SENDS_MAX || c->streams)
		return cold_streamed(m, carrying_send(m, cold_of(m)->answers->stream));
	if (carrying_never_sends(m))
		return cold_streamed(m, carrying_stream(m));
	step_fail(m, c->error ? c->error : "its disks could not be carried");
	return COLD_N_NOTHING;
}

enum cold_next cold_watch(struct mig *m)
{
	cold_of(m)->repeats = 0;
	return cold_prepared(m, carrying_watch(m, cold_of(m)->answers->prepare));
}

enum cold_next cold_drop_carrier(struct mig *m)
{
	return cold_prepared(m, carrying_drop(m, cold_of(m)->answers->prepare));
}

enum cold_next cold_carried(struct mig *m)
{
	enum cold_carrier now = cold_carrier_now(m);
	enum cold_next next;

	if ((now == COLD_C_ARRIVED || now == COLD_C_LEAVING) && !cold_of(m)->compared)
		return cold_compared(m, carrying_compare(m, cold_of(m)->answers->compare));
	if (!cold_prepare(m, &next))
		return next;
	if (!step_go(m, COLD_P_LAND, "its disks are at the destination", write_landing, NULL))
		return COLD_N_NOTHING;
	definition_copying(m);
	return COLD_N_JUDGE;
}
