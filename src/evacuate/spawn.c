/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/spawn.h"

#include "base/err.h"
#include "evacuate/act.h"
#include "evacuate/look.h"
#include "hv/xml/domxml_parse.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/numa.h"
#include "move/outcome.h"
#include "move/search.h"
#include "move/service.h"

/* ---- SPAWN ---- */

/* Its place there, by what its definition ties it to; after a restart it is found once more. */
static bool place(struct mig *m, const char *xml, GError **err)
{
	struct move *v = move_of(m);
	struct hv_dom *said = v->at_source, *d = domxml_parse(xml, err);
	struct part p;

	if (!d)
		return false;
	v->at_source = d;
	p = numa_prepare(m, NULL);
	v->at_source = said;
	hv_dom_free(d);
	if (p.next != PART_READY)
		g_set_error(err, ERR, ERR_PRECHECK, "%s", p.why);
	g_free(p.why);
	return p.next == PART_READY;
}

enum evac_next evac_define(struct mig *m)
{
	const struct definition *own = evac_definition(m);
	g_autoptr(GError) why = NULL;
	g_autofree char *xml = own && place(m, own->xml, &why) ? definition_at_dest(m, own->xml, &why) : NULL;

	if (!own)
		return evac_give_up(m, false, "the row of its definition is gone");
	if (!xml)
		return evac_give_up(m, false, why->message);
	return evac_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DEFINE, .xml = xml });
}

enum evac_next evac_start(struct mig *m)
{
	evac_of(m)->looked = false;
	evac_look_early(m);
	return evac_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_START, .paused = true });
}

/* The intent is in the row before the guest hears of it. */
enum evac_next evac_resume(struct mig *m)
{
	struct evac_own *own = evac_own(m);

	if (!own->resumed) {
		own->resumed = true;
		step_own_changed(m);
		if (!step_note(m, EVAC_P_SPAWN, "its old host is silent, and it is told to run", NULL, NULL)) {
			own->resumed = false;
			return EVAC_N_AGAIN;
		}
	}
	return evac_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_RESUME });
}

/* ---- MOVED ---- */

/* Its host tells again soon; until then no other guest may have its CPUs. */
static void take_ties(struct mig *m)
{
	struct server *s = mig_server(m);

	if (s && move_of(m)->at_dest && move_of(m)->at_dest->ties)
		server_set_ties(s, move_of(m)->at_dest->ties);
}

static bool write_moved(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return outcome_write(m, VOLUME_MOVED, true, err);
}

void evac_moved(struct mig *m)
{
	outcome_resolve(m, VOLUME_MOVED, true);
}

/* What its old host has of it is written down: it goes when that is back (definition.h). */
enum evac_next evac_arrived(struct mig *m)
{
	struct move *v = move_of(m);
	struct step_change c;
	struct hv_req req;

	v->arrived = true;
	if (!evac_refused(m) && definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, v->at_dest, &req))
		return evac_act(m, mig_dest(m), &req);
	move_heard_source(v, NULL);
	c = step_change(m, EVAC_P_MOVED, evac_runs(m) ? "it runs at the destination" : "it is at the destination");
	c.server.vm = evac_runs(m) ? SERVER_ACTIVE : SERVER_STOPPED;
	c.server.fault = NULL;
	c.also = write_moved;
	take_ties(m);
	if (!step_write(m, &c))
		return EVAC_N_AGAIN;
	evac_moved(m);
	step_enter(m);
	return EVAC_N_NOTHING;
}

enum evac_next evac_back(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the host is back: %s has the guest, and runs it", m->source);

	return evac_give_up(m, true, why);
}

/* Whether it ran there or not: nothing runs there now. */
enum evac_next evac_dest_dead(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the destination %s has died as well", m->dest);

	return evac_give_up(m, false, why);
}

/* ---- UNDO ---- */

enum evac_next evac_destroy_dest(struct mig *m)
{
	return evac_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true });
}

enum evac_next evac_undefine_dest(struct mig *m)
{
	const struct definition *own = evac_definition(m);

	if (own)
		return evac_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml, .forgets = true });
	definition_kept(m, false, "the row of its definition is gone");
	return EVAC_N_ASK;
}

/* That it was told to run is of that destination, where it has ended. */
enum evac_next evac_undone(struct mig *m)
{
	struct evac_own *own = evac_own(m);
	bool was = own->resumed;

	own->resumed = false;
	step_own_changed(m);
	if (own->last || !search_next_destination(m, m->error ? m->error : "it did not start there"))
		step_undone(m);
	if (m->phase == EVAC_P_UNDO)
		own->resumed = was; /* it was not written */
	return EVAC_N_NOTHING;
}
