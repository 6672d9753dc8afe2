/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/act.h"

#include "base/err.h"
#include "base/log.h"
#include "move/definition.h"
#include "move/definition_prepare.h"
#include "move/service.h"

#define REFUSALS_MAX 3

const struct definition *cold_landed(const struct mig *m)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	return own && own->task == m->id ? own : NULL;
}

bool cold_ran(const struct mig *m)
{
	return m->vm_before == SERVER_ACTIVE;
}

bool cold_refused(const struct mig *m)
{
	return cold_of(m)->refusals >= REFUSALS_MAX;
}

/* The destination has refused to start it, so it never ran there: it goes on at its source. */
static enum cold_next start_refused(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("%s cannot start it: %s", m->dest, why);
	struct step_change c = step_change(m, COLD_P_REVERT, text);

	c.row.error = text;
	c.details = text;
	return step_write(m, &c) ? COLD_N_ASK : COLD_N_AGAIN;
}

static bool is_refusal(const GError *err)
{
	return err && err_code(err) != ERR_HV_LOST && err_code(err) != ERR_HV_BUSY;
}

enum cold_next cold_acted(struct mig *m, const struct hv_reply *r)
{
	struct cold *c = cold_of(m);

	if (!r->err || (c->act == HV_DOM_UNDEFINE && err_code(r->err) == ERR_CONFLICT)) {
		if (r->err)
			definition_kept(m, m->phase == COLD_P_CONFIRM, r->err->message);
		c->refusals = 0;
		return COLD_N_ASK;
	}
	log_warning("migration_act_failed", LOG_D("migration", m->id), LOG_S("act", hv_op_name(c->act)), LOG_S("error", r->err->message));
	c->refusals += is_refusal(r->err);
	if (c->act == HV_DOM_START && m->phase == COLD_P_START && cold_refused(m))
		return start_refused(m, r->err->message);
	return COLD_N_AGAIN;
}

enum cold_next cold_act(struct mig *m, struct host *h, const struct hv_req *like)
{
	struct hv_req req = *like;

	req.uuid = m->server_uuid;
	cold_of(m)->act = req.op;
	log_info("migration_act", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(req.op)),
		 LOG_S("host", h ? h->name : NULL), LOG_S("because", cold_verdict_name(cold_of(m)->verdict)));
	return step_ask(m, h, &req, cold_of(m)->answers->act) ? COLD_N_NOTHING : COLD_N_AGAIN;
}
