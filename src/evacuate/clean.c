/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/clean.h"

#include "base/log.h"
#include "evacuate/act.h"
#include "fleet/host_fence.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/service.h"

enum evac_next evac_destroy_source(struct mig *m)
{
	log_warning("evacuated_copy_ended", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->source));
	return evac_act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_DESTROY });
}

/* The row that says what was there when it was evacuated. */
static const char *left_xml(const struct mig *m)
{
	const struct definition *left = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->source, DEFINITION_LEFT);

	return left ? left->xml : NULL;
}

/* What its host refuses to forget, or a person has written since, does not keep the evacuation from its end. */
enum evac_next evac_undefine_source(struct mig *m)
{
	const char *xml = left_xml(m);

	if (xml && !evac_refused(m))
		return evac_act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = xml, .forgets = true });
	definition_kept(m, true, xml ? "its host refuses to undefine it" : "the row of its definition is gone");
	return evac_completed(m);
}

bool evac_note_fenced(struct mig *m)
{
	const struct host *source = mig_source(m);
	struct evac_own *own = evac_own(m);

	if (own->off || !source || !host_is_fenced(source))
		return false;
	own->off = true;
	step_own_changed(m);
	return true;
}

enum evac_next evac_away(struct mig *m)
{
	(void)evac_note_fenced(m);
	(void)step_go(m, EVAC_P_MOVED, "its old host is silent again", NULL, NULL);
	return EVAC_N_NOTHING;
}

enum evac_next evac_completed(struct mig *m)
{
	step_end(m, EVAC_P_COMPLETED, NULL);
	return EVAC_N_NOTHING;
}

void evac_stuck(struct mig *m)
{
	struct host *source = mig_source(m);
	bool was = evac_of(m)->stuck;

	evac_of(m)->stuck = true;
	if (!was && source)
		fleet_host_cleaned(m->task->engine->fleet, source);
}
