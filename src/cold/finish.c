/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/finish.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cold/act.h"
#include "cold/prepare.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/numa.h"
#include "move/service.h"
#include "move/snapshots.h"

/* ---- LAND ---- */

/* After a restart its place is found once more, before it is defined there. */
static bool placed(struct mig *m, GError **err)
{
	struct part p = numa_prepare(m, cold_of(m)->answers->prepare);

	if (p.next != PART_READY)
		g_set_error(err, ERR, ERR_PRECHECK, "%s", p.why);
	g_free(p.why);
	return p.next == PART_READY;
}

static enum cold_next fail(struct mig *m, const char *why)
{
	step_fail(m, why);
	return COLD_N_NOTHING;
}

enum cold_next cold_define(struct mig *m)
{
	const struct definition *own = cold_landed(m);
	g_autoptr(GError) why = NULL;
	g_autofree char *xml = NULL;

	if (!own)
		return fail(m, "the row of its definition is gone");
	if (!placed(m, &why) && m->phase == COLD_P_LAND)
		return fail(m, why->message);
	g_clear_error(&why);
	xml = definition_at_dest(m, own->xml, &why);
	if (xml && !cold_refused(m))
		return cold_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DEFINE, .xml = xml });
	if (m->phase == COLD_P_LAND)
		return fail(m, why ? why->message : "the destination refuses its definition");
	return COLD_N_AGAIN;
}

/* Its source starts it by itself, or does not say. */
static bool source_would_start_it(const struct mig *m)
{
	const struct hv_dom *d = move_of(m)->at_source;

	return !d || (d->state != HV_ABSENT && (!d->kept.told || d->kept.autostart));
}

/* A source that boots while the guest is at its destination must not start it there: one that refuses to leave that keeps the guest. */
enum cold_next cold_has_landed(struct mig *m)
{
	struct part snapshots = snapshots_bring(m, cold_of(m)->answers->prepare);

	if (snapshots.next != PART_READY)
		return cold_prepared(m, snapshots);
	if (source_would_start_it(m) && cold_refused(m))
		return fail(m, "its source does not leave starting it by itself (autostart)");
	if (source_would_start_it(m))
		return cold_act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_AUTOSTART, .autostart = false });
	if (!step_go(m, COLD_P_START, cold_ran(m) ? "it is defined there, and is to run" : "it is defined there", NULL, NULL))
		return COLD_N_NOTHING;
	return COLD_N_ASK; /* the source once more */
}

/* ---- START ---- */

enum cold_next cold_start_dest(struct mig *m)
{
	return cold_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_START });
}

/* Its host tells again soon; until then no other guest may have its CPUs. */
static void take_ties(struct mig *m)
{
	struct server *s = mig_server(m);

	if (s && move_of(m)->at_dest && move_of(m)->at_dest->ties)
		server_set_ties(s, move_of(m)->at_dest->ties);
}

/* What its definition at the destination lacks. Return: something, and it has not been refused too often. */
static bool dest_lacks(struct mig *m, struct hv_req *ret_req)
{
	return !cold_refused(m) &&
	       definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, move_of(m)->at_dest, ret_req);
}

enum cold_next cold_arrived(struct mig *m)
{
	struct hv_req req;

	move_of(m)->arrived = true;
	if (dest_lacks(m, &req))
		return cold_act(m, mig_dest(m), &req);
	take_ties(m);
	if (!step_go(m, COLD_P_VERIFY, cold_ran(m) ? "it runs at the destination" : "it is at the destination", NULL, NULL))
		return COLD_N_NOTHING;
	return cold_wait_for_confirm(m);
}

/* ---- VERIFY ---- */

static enum cold_next confirm_itself(struct mig *m)
{
	struct requester who = { .user_id = m->user_id, .project_id = m->project_id, .request_id = m->request_id };
	struct step_change c = step_change(m, COLD_P_CONFIRM, "resize_confirm_window has passed");

	c.starts = &m->kind->actions[COLD_CONFIRM_RESIZE];
	c.who = &who;
	return step_write(m, &c) ? COLD_N_ASK : COLD_N_AGAIN;
}

/* A window that is set or changed later counts as well. */
enum cold_next cold_wait_for_confirm(struct mig *m)
{
	int64_t window_s = fleet_conf(m->task->engine->fleet)->resize_confirm_window;
	int64_t left_ms = (m->updated_us - clock_wall_us()) / 1000 + window_s * 1000;

	if (!window_s)
		return COLD_N_NOTHING;
	if (left_ms <= 0)
		return confirm_itself(m);
	step_later(m, left_ms);
	return COLD_N_NOTHING;
}

/* ---- CONFIRM ---- */

enum cold_next cold_confirmed(struct mig *m)
{
	struct hv_req req;

	if (dest_lacks(m, &req))
		return cold_act(m, mig_dest(m), &req);
	step_end(m, COLD_P_CONFIRMED, NULL);
	return COLD_N_NOTHING;
}

/* The row of what it may have there is written with the end. It cannot start it by itself, since LAND. */
enum cold_next cold_confirmed_blind(struct mig *m)
{
	if (!cold_landed(m))
		return COLD_N_AGAIN; /* nothing would take the definition away later */
	log_warning("source_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source));
	return cold_confirmed(m);
}

/* What the source refuses to forget does not keep the migration from its end, but it must not start the guest. */
enum cold_next cold_undefine_source(struct mig *m)
{
	const struct definition *own = cold_landed(m);

	if (own && !cold_refused(m))
		return cold_act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml, .forgets = true });
	log_error("migration_act_given_up", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(HV_DOM_UNDEFINE)),
		  LOG_S("error", "the definition stays at the source"));
	return cold_confirmed(m);
}

/* ---- REVERT, UNDO ---- */

enum cold_next cold_destroy_dest(struct mig *m)
{
	return cold_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true });
}

enum cold_next cold_undefine_dest(struct mig *m)
{
	const struct definition *own = cold_landed(m);

	return own ? cold_act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml, .forgets = true }) : COLD_N_AGAIN;
}

static bool write_going_back(struct mig *m, void *unused, GError **err)
{
	struct store *s = m->task->engine->store;

	(void)unused;
	return action_event_finish(s, m->action_id, NULL, NULL, err) &&
	       action_event_start(s, m->action_id, "compute_finish_revert_resize", m->source, err);
}

/* Of REVERT: the rest is its source's, in Nova's words. Return: the row says so. */
static bool goes_back(struct mig *m)
{
	struct cold_own *own = cold_own(m);

	if (m->phase != COLD_P_REVERT || own->goes_back)
		return true;
	own->goes_back = true;
	step_own_changed(m);
	own->goes_back = step_note(m, COLD_P_REVERT, "the destination has forgotten it", write_going_back, NULL);
	return own->goes_back;
}

enum cold_next cold_start_source(struct mig *m)
{
	if (!goes_back(m))
		return COLD_N_AGAIN;
	return cold_act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_START });
}

enum cold_next cold_reverted(struct mig *m)
{
	if (!goes_back(m))
		return COLD_N_AGAIN;
	if (m->error)
		step_end(m, COLD_P_RETURNED, m->error);
	else
		step_end(m, COLD_P_REVERTED, NULL);
	return COLD_N_NOTHING;
}

enum cold_next cold_undone(struct mig *m)
{
	step_undone(m);
	return COLD_N_NOTHING;
}

enum cold_next cold_undone_blind(struct mig *m)
{
	log_warning("destination_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	return cold_undone(m);
}
