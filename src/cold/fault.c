/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/fault.h"

#include "base/log.h"

enum cold_next cold_give_up(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("Compute service of %s is unavailable at this time.", m->dest);

	step_fail(m, why);
	return COLD_N_NOTHING;
}

enum cold_next cold_source_started(struct mig *m)
{
	step_fail(m, "the guest was started at its source in the meantime");
	return COLD_N_NOTHING;
}

/* Nothing is touched: the record says so, with the evidence. @stays: also when the guest runs, as an operator has to decide more than that. */
static enum cold_next broken(struct mig *m, const char *what, bool stays)
{
	g_autofree char *why = g_strdup_printf("%s (%s: %s, %s: %s)", what, m->source, cold_half_name(cold_half_of(move_of(m)->at_source)), m->dest,
					       cold_half_name(cold_half_of(move_of(m)->at_dest)));
	struct step_change c = step_change(m, m->phase, why);

	c.row.error = c.server.fault = why;
	c.server.fault_stays = stays;
	c.server.vm = SERVER_ERROR;
	if (!step_write(m, &c))
		return COLD_N_AGAIN;
	log_error("guest_lost", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("why", why));
	step_end(m, COLD_P_ERROR, m->error);
	return COLD_N_NOTHING;
}

enum cold_next cold_elsewhere(struct mig *m)
{
	return broken(m, "the guest was moved to the destination by other hands", true);
}

enum cold_next cold_two_sides(struct mig *m)
{
	return broken(m, "the guest runs at its source again, and the destination has a newer state of it: find out which is wanted, and remove the other",
		      true);
}

enum cold_next cold_one_sided(struct mig *m)
{
	return broken(m, "the guest is not where it should be left: its only definition stays as it is", true);
}

enum cold_next cold_lost(struct mig *m)
{
	return broken(m, "neither host has the guest any more", false);
}

enum cold_next cold_split(struct mig *m)
{
	struct cold *c = cold_of(m);

	if (!c->alarmed)
		log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("what", cold_verdict_name(c->verdict)),
			  LOG_S("source", m->source), LOG_S("dest", m->dest),
			  LOG_S("do", "nothing was touched; look at both hosts (virsh list) and find out which copy the guest's clients and disks use "
				      "before either is stopped"));
	c->alarmed = true;
	return COLD_N_AGAIN;
}
