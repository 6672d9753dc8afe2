/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/fault.h"

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

static void fence_again(struct mig *m)
{
	struct host *source = mig_source(m);
	g_autoptr(GError) why = NULL;

	if (source && !evac_of(m)->alarmed && !host_fence_again(m->task->engine->fleet, source, "it runs a guest that was evacuated from it", &why))
		log_warning("host_not_fenced_again", LOG_S("host", m->source), LOG_S("error", why->message));
}

enum evac_next evac_split(struct mig *m)
{
	fence_again(m);
	tell(m, "the host that was evacuated runs the guest, and so does the destination; where it has a fence agent it is switched off again, and nothing "
		 "else was touched: look at both hosts (virsh list), and switch the old one off");
	return EVAC_N_AGAIN;
}

enum evac_next evac_last_copy(struct mig *m)
{
	tell(m, "the host that was evacuated has the guest, and the server's own host does not run it, so nothing is removed; find out which copy is wanted, and "
		 "remove the other");
	return EVAC_N_AGAIN;
}
