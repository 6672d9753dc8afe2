/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: rules that say which call meets which fault. A rule counts the
 * calls that fit it and strikes at its nth; the first rule that strikes decides.
 */
#include "hv/sim/gate.h"

#include "base/err.h"
#include "hv/sim/outage.h"

struct rule {
	struct sim_fault f; /* its strings are owned */
	int64_t seen;
	bool released;
};

static void rule_free(void *data)
{
	struct rule *r = data;

	g_free((char *)r->f.host);
	g_free((char *)r->f.name);
	g_free(r);
}

void sim_fault_add(struct sim *w, const struct sim_fault *f)
{
	struct rule *r = g_new0(struct rule, 1);

	r->f = *f;
	r->f.host = g_strdup(f->host);
	r->f.name = g_strdup(f->name);
	if (!w->rules)
		w->rules = g_ptr_array_new_with_free_func(rule_free);
	g_ptr_array_add(w->rules, r);
}

void sim_fault_clear(struct sim *w)
{
	g_clear_pointer(&w->rules, g_ptr_array_unref);
}

int64_t sim_fault_hits(const struct sim *w)
{
	return w->n_hits;
}

void sim_gate_free(struct sim *w)
{
	sim_fault_clear(w);
}

static bool strikes(struct rule *r, const struct sim_call *sc)
{
	if (r->f.host && !g_str_equal(r->f.host, sc->host->name))
		return false;
	if (r->f.op != HV_OP_N && r->f.op != sc->call->req.op)
		return false;
	r->seen++;
	return !r->released && (r->f.nth == 0 || r->f.nth == r->seen);
}

static void choose_fault(struct sim_call *sc)
{
	for (guint i = 0; sc->w->rules && i < sc->w->rules->len; i++) {
		struct rule *r = g_ptr_array_index(sc->w->rules, i);

		if (!strikes(r, sc) || sc->fault != SIM_FAULT_N)
			continue;
		sc->fault = r->f.kind;
		sc->fault_ms = r->f.ms;
		sc->hold = g_strdup(r->f.name);
		sc->w->n_hits++;
	}
}

void sim_gate_kill(struct sim *w)
{
	w->dead = true;
	if (w->on_kill)
		w->on_kill(w->kill_user);
}

bool sim_gate(struct sim_call *sc)
{
	struct sim *w = sc->w;

	if (w->dead)
		return false;
	w->n_calls++;
	choose_fault(sc);
	if (w->on_call)
		w->on_call(w->n_calls, sc->host->name, &sc->call->req, sc->fault, w->call_user);
	if (sc->fault != SIM_CONTROLLER_BEFORE)
		return true;
	sim_gate_kill(w);
	return false;
}

/* ---- the faults ---- */

static enum sim_pass answer(struct sim_call *sc, enum err_code code, const char *text)
{
	hv_reply_clear(&sc->call->reply);
	g_set_error_literal(&sc->call->reply.err, ERR, code, text);
	return SIM_ANSWER;
}

static enum sim_pass lose(struct sim_call *sc)
{
	g_autofree char *text = g_strdup_printf("%s on host %s: End of file while reading data", hv_op_name(sc->call->req.op), sc->host->name);

	sc->fault = SIM_FAULT_N;
	return answer(sc, ERR_HV_LOST, text);
}

/* The daemon dies, and with it the connection of the call. */
static enum sim_pass libvirtd_dies(struct sim_call *sc, bool after)
{
	enum sim_fault_kind fault = sc->fault;

	sc->fault = after ? SIM_FAULT_N : fault;
	sim_host_outage(sc->host, fault, sc->fault_ms);
	return sc->conn == NULL && sc->timer == NULL ? SIM_PASS : SIM_TAKEN;
}

enum sim_pass sim_gate_request(struct sim_call *sc)
{
	enum sim_fault_kind fault = sc->fault;

	switch (fault) {
	case SIM_REFUSE:
		return answer(sc, ERR_HV, "internal error: refused by a fault rule");
	case SIM_REFUSE_GUEST:
		return answer(sc, ERR_HV_GUEST, "Requested operation is not valid: cannot migrate domain: a fault rule blocks it");
	case SIM_BUSY:
		return answer(sc, ERR_HV_BUSY, "internal error: a fault rule holds what it needs");
	case SIM_LOSE_REQUEST:
		return lose(sc);
	case SIM_HANG:
		return SIM_NEVER;
	case SIM_HOLD:
		return SIM_WAIT;
	case SIM_LIBVIRTD_BEFORE:
		return libvirtd_dies(sc, false);
	case SIM_CUT_LINK:
	case SIM_POWER_OFF:
		sc->fault = SIM_FAULT_N;
		sim_host_outage(sc->host, fault, sc->fault_ms);
		return SIM_PASS; /* it stalls, then */
	case SIM_LOSE_REPLY: case SIM_HANG_REPLY: case SIM_DELAY: case SIM_HOLD_REPLY: case SIM_LIBVIRTD_AFTER:
	case SIM_CONTROLLER_BEFORE: case SIM_CONTROLLER_AFTER: case SIM_FAULT_N:
	default:
		return SIM_PASS;
	}
}

enum sim_pass sim_gate_reply(struct sim_call *sc)
{
	enum sim_fault_kind fault = sc->fault;

	switch (fault) {
	case SIM_LOSE_REPLY:
		return lose(sc);
	case SIM_HANG_REPLY:
		sc->fault = SIM_FAULT_N;
		return SIM_NEVER;
	case SIM_HOLD_REPLY:
		return SIM_WAIT; /* .fault stays, for sim_held() */
	case SIM_LIBVIRTD_AFTER:
		return libvirtd_dies(sc, true);
	case SIM_CONTROLLER_AFTER:
		sc->fault = SIM_FAULT_N;
		return SIM_KILL;
	case SIM_REFUSE: case SIM_REFUSE_GUEST: case SIM_BUSY: case SIM_LOSE_REQUEST: case SIM_HANG: case SIM_DELAY: case SIM_HOLD: case SIM_LIBVIRTD_BEFORE:
	case SIM_CONTROLLER_BEFORE: case SIM_CUT_LINK: case SIM_POWER_OFF: case SIM_FAULT_N:
	default:
		sc->fault = SIM_FAULT_N;
		return SIM_PASS;
	}
}

bool sim_gate_strikes_after(const struct sim_call *sc)
{
	return sc->fault == SIM_LOSE_REPLY || sc->fault == SIM_LIBVIRTD_AFTER || sc->fault == SIM_CONTROLLER_AFTER;
}

/* ---- what is held ---- */

bool sim_gate_holds(const struct sim_call *sc, const char *name)
{
	return !name || (sc->hold && g_str_equal(sc->hold, name));
}

int sim_held(const struct sim *w, const char *name)
{
	int n = 0;

	for (guint i = 0; i < w->held->len; i++)
		n += sim_gate_holds(g_ptr_array_index(w->held, i), name);
	return n;
}

void sim_gate_release(struct sim *w, const char *name)
{
	for (guint i = 0; w->rules && i < w->rules->len; i++) {
		struct rule *r = g_ptr_array_index(w->rules, i);

		r->released |= !name || (r->f.name && g_str_equal(r->f.name, name));
	}
}
