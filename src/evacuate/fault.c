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
static void fence(const struct mig *m, struct host *h, const char *reason)
{
	struct fleet *f = m->task->engine->fleet;
	g_autoptr(GError) why = NULL;

	if (g_str_equal(fleet_conf(f)->ha_returning, "fence") && !host_fence_again(f, h, reason, &why))
		log_warning("host_not_fenced_again", LOG_S("host", h->name), LOG_S("error", why->message));
}

static void fence_again(struct mig *m)
{
	struct host *source = mig_source(m);

	if (source && !evac_of(m)->alarmed)
		fence(m, source, "it runs a guest that was evacuated from it");
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

void evac_dest_lives(const struct mig *m, struct host *h)
{
	log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("what", "destination-lives"), LOG_S("source", m->source),
		  LOG_S("dest", m->dest), LOG_S("host", h->name),
		  LOG_S("do", "a destination that was given up as dead was only cut off, and runs the guest, which runs elsewhere by now; where it has a fence agent it is "
			      "switched off, unless [ha] returning is alarm, and nothing else was touched: find out which copy is the wanted one, and end the other"));
	fence(m, h, "it runs a guest whose evacuation to it was given up");
}

enum evac_next evac_last_copy(struct mig *m)
{
	tell(m, "the host that was evacuated has the guest, and the server's own host does not run it, so nothing is removed; find out which copy is wanted, and "
		 "remove the other");
	return EVAC_N_AGAIN;
}
