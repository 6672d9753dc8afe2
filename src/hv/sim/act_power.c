/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_power.h"

#include "hv/sim/call.h"
#include "hv/sim/dom.h"
#include "hv/sim/effort.h"
#include "hv/sim/power.h"
#include "hv/sim/world.h"

#define NOT_RUNNING "Requested operation is not valid: domain is not running"

static void start(struct sim_call *sc, struct sim_dom *d)
{
	if (sim_dom_active(d)) {
		sim_call_finish(sc);
		return;
	}
	if (sc->call->req.boot)
		d->kept.managed_save = false;
	sc->effort = d;
	sim_power_start(d, sc->call->req.paused, sc);
	sim_call_started(sc);
}

static void press(struct sim_call *sc, struct sim_dom *d)
{
	bool again = sc->call->req.op == HV_DOM_REBOOT;

	if (!again && (!sim_dom_active(d) || d->state == HV_SHUTDOWN)) {
		sim_call_finish(sc);
	} else if (d->state != HV_RUNNING) {
		sim_call_refuse(sc, ERR_HV, NOT_RUNNING);
	} else {
		sim_power_press(d, again);
		sim_call_finish(sc);
	}
}

static void reset(struct sim_call *sc, struct sim_dom *d)
{
	if (!sim_dom_active(d) || d->state == HV_SHUTDOWN) {
		sim_call_refuse(sc, ERR_HV, NOT_RUNNING);
		return;
	}
	sim_power_reset(d);
	sim_call_finish(sc);
}

static void save(struct sim_call *sc, struct sim_dom *d)
{
	if (d->state == HV_SHUTOFF && d->kept.managed_save) {
		sim_call_finish(sc);
	} else if (!sim_dom_active(d) || d->state == HV_SHUTDOWN) {
		sim_call_refuse(sc, ERR_HV, NOT_RUNNING);
	} else if (!d->persistent) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: cannot do managed save for transient domain");
	} else {
		sc->effort = d;
		sim_power_save(d, sc);
		sim_call_started(sc);
	}
}

void sim_act_power(struct sim_call *sc)
{
	static void (*const acts[HV_OP_N])(struct sim_call *sc, struct sim_dom *d) = {
		[HV_DOM_START] = start, [HV_DOM_SHUTDOWN] = press, [HV_DOM_REBOOT] = press, [HV_DOM_RESET] = reset, [HV_DOM_SAVE] = save,
	};
	const struct hv_req *r = &sc->call->req;
	struct sim_dom *d = sim_dom_get(sc->host, r->uuid);

	if (d && sim_dom_locked(d))
		sim_call_wait_lock(sc, d);
	else if (!d && r->op == HV_DOM_SHUTDOWN)
		sim_call_finish(sc);
	else if (!d)
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", r->uuid);
	else
		acts[r->op](sc, d);
}
