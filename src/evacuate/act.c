/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/act.h"

#include "base/err.h"
#include "base/log.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/service.h"

#define REFUSALS_MAX 3

const struct definition *evac_definition(const struct mig *m)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	return own && own->task == m->id ? own : NULL;
}

bool evac_refused(const struct mig *m)
{
	return evac_of(m)->refusals >= REFUSALS_MAX;
}

enum evac_next evac_give_up(struct mig *m, bool last, const char *why)
{
	evac_own(m)->last |= last;
	step_own_changed(m);
	step_fail(m, why);
	return EVAC_N_NOTHING;
}

/* Whatever the fence has said: a process has its disks, and that can only be the old copy. No other host would do better. */
static enum evac_next locked(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("its disks are locked by another process, so %s may still run it: %s", m->source, why);

	log_error("evacuation_locked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source), LOG_S("dest", m->dest),
		  LOG_S("error", why), LOG_S("do", "nothing runs at the destination; find the process that has the disks before anything else is done"));
	evac_own(m)->resumed = false; /* it was refused */
	return evac_give_up(m, true, text);
}

static bool is_refusal(const GError *err)
{
	return err_code(err) != ERR_HV_LOST && err_code(err) != ERR_HV_BUSY;
}

/* It is not to be had there: another host may do. */
static enum evac_next refused(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("%s cannot start it: %s", m->dest, why);

	return evac_give_up(m, false, text);
}

static enum evac_next failed(struct mig *m, const GError *why)
{
	struct evac *e = evac_of(m);

	move_of(m)->may_come |= e->act == HV_DOM_DEFINE && err_code(why) == ERR_HV_LOST;
	log_warning("migration_act_failed", LOG_D("migration", m->id), LOG_S("act", hv_op_name(e->act)), LOG_S("error", why->message));
	if (m->phase == EVAC_P_SPAWN && err_code(why) == ERR_HV_LOCKED)
		return locked(m, why->message);
	e->refusals += is_refusal(why);
	if (evac_refused(m) && m->phase == EVAC_P_SPAWN && (e->act == HV_DOM_START || e->act == HV_DOM_DEFINE))
		return refused(m, why->message);
	return EVAC_N_AGAIN;
}

enum evac_next evac_acted(struct mig *m, const struct hv_reply *r)
{
	struct evac *e = evac_of(m);

	if (r->err && !(e->act == HV_DOM_UNDEFINE && err_code(r->err) == ERR_CONFLICT))
		return failed(m, r->err);
	if (r->err)
		definition_kept(m, m->phase == EVAC_P_CLEAN, r->err->message);
	e->refusals = 0;
	return EVAC_N_ASK;
}

enum evac_next evac_act(struct mig *m, struct host *h, const struct hv_req *like)
{
	struct hv_req req = *like;

	req.uuid = m->server_uuid;
	evac_of(m)->act = req.op;
	log_info("migration_act", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(req.op)),
		 LOG_S("host", h ? h->name : NULL), LOG_S("because", evac_verdict_name(evac_of(m)->verdict)));
	return step_ask(m, h, &req, evac_of(m)->answers->act) ? EVAC_N_NOTHING : EVAC_N_AGAIN;
}
