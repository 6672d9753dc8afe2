/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/fault.h"

#include "base/conf.h"
#include "base/log.h"
#include "fleet/host_fence.h"

static void tell(struct mig *m, const char *what)
{
	struct evac *e = evac_of(m);

	if (!e->alarmed)
		log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("what", evac_verdict_name(e->verdict)),
			  LOG_S("source", m->source), LOG_S("dest", m->dest), LOG_S("do", what));
	e->alarmed = true;
}

/* Once: what comes of it is fence.h's to say. */
static void fence_again(struct mig *m)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);
	struct host *source = mig_source(m);
	g_autoptr(GError) why = NULL;

	if (source && !evac_of(m)->alarmed && g_str_equal(c->ha_returning, "fence") &&
	    !host_fence_again(m->task->engine->fleet, source, "it runs a guest that was evacuated from it", &why))
		log_warning("host_not_fenced_again", LOG_S("host", m->source), LOG_S("error", why->message));
}

enum evac_next evac_split(struct mig *m)
{
	fence_again(m);
	tell(m, "the host that was evacuated runs the guest, and so does the destination; where it has a fence agent it is switched off again, unless [ha] returning "
		 "is alarm, and nothing else was touched: look at both hosts (virsh list), and switch the old one off");
	return EVAC_N_AGAIN;
}

enum evac_next evac_cut_off(struct mig *m)
{
	fence_again(m);
	tell(m, "the host that was evacuated was only cut off, and still runs the guest, which runs elsewhere by now; where it has a fence agent it is switched off, "
		 "unless [ha] returning is alarm, and nothing else was touched: find out which copy is the wanted one, and end the other");
	return EVAC_N_AGAIN;
}

enum evac_next evac_last_copy(struct mig *m)
{
	tell(m, "the host that was evacuated has the guest, and the server's own host does not run it, so nothing is removed; find out which copy is wanted, and "
		 "remove the other");
	return EVAC_N_AGAIN;
}
