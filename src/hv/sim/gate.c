/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: rules that say which call meets which fault. A rule counts the
 * calls that fit it and strikes at its nth; the first rule that strikes decides.
 */
#include <assert.h>

#include "base/err.h"
#include "hv/sim/int.h"
#include "hv/sim/sim.h"

struct rule {
	struct sim_fault f; /* its strings are owned */
	int64_t seen;
	bool released;
};

static const char *const fault_names[] = {
	[SIM_REFUSE]            = "refuse",
	[SIM_REFUSE_GUEST]      = "refuse-guest",
	[SIM_BUSY]              = "busy",
	[SIM_LOSE_REQUEST]      = "lose-request",
	[SIM_LOSE_REPLY]        = "lose-reply",
	[SIM_HANG]              = "hang",
	[SIM_HANG_REPLY]        = "hang-reply",
	[SIM_DELAY]             = "delay",
	[SIM_HOLD]              = "hold",
	[SIM_HOLD_REPLY]        = "hold-reply",
	[SIM_LIBVIRTD_BEFORE]   = "libvirtd-before",
	[SIM_LIBVIRTD_AFTER]    = "libvirtd-after",
	[SIM_CONTROLLER_BEFORE] = "controller-before",
	[SIM_CONTROLLER_AFTER]  = "controller-after",
	[SIM_CUT_LINK]          = "cut-link",
	[SIM_POWER_OFF]         = "power-off",
};
static_assert(G_N_ELEMENTS(fault_names) == SIM_FAULT_N, "fault_names is missing one");

const char *sim_fault_name(enum sim_fault_kind k)
{
	return k < SIM_FAULT_N ? fault_names[k] : "none";
}

bool sim_fault_parse(const char *name, enum sim_fault_kind *ret)
{
	for (int k = 0; k < SIM_FAULT_N; k++) {
		if (g_str_equal(name, fault_names[k])) {
			*ret = (enum sim_fault_kind)k;
			return true;
		}
	}
	return false;
}

/* ---- rules ---- */

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

static void kill_controller(struct sim *w)
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
	kill_controller(w);
	return false;
}

/* ---- the faults ---- */

static void lose(struct sim_call *sc, const char *what)
{
	sc->fault = SIM_FAULT_N;
	sim_call_refuse(sc, ERR_HV_LOST, "%s on host %s: %s", hv_op_name(sc->call->req.op), sc->host->name, what);
}

bool sim_gate_request(struct sim_call *sc)
{
	enum sim_fault_kind fault = sc->fault;

	switch (fault) {
	case SIM_REFUSE:
		sim_call_refuse(sc, ERR_HV, "internal error: refused by a fault rule");
		return false;
	case SIM_REFUSE_GUEST:
		sim_call_refuse(sc, ERR_HV_GUEST, "Requested operation is not valid: cannot migrate domain: a fault rule blocks it");
		return false;
	case SIM_BUSY:
		sim_call_refuse(sc, ERR_HV_BUSY, "internal error: a fault rule holds what it needs");
		return false;
	case SIM_LOSE_REQUEST:
		lose(sc, "End of file while reading data");
		return false;
	case SIM_HANG:
		sim_call_park(sc, sc->w->hung);
		return false;
	case SIM_HOLD:
		sim_call_park(sc, sc->w->held);
		return false;
	case SIM_LIBVIRTD_BEFORE:
		sim_host_outage(sc->host, fault, sc->fault_ms);
		return sc->conn == NULL && sc->timer == NULL; /* the loss of the connection has taken it */
	case SIM_CUT_LINK:
	case SIM_POWER_OFF:
		sc->fault = SIM_FAULT_N;
		sim_host_outage(sc->host, fault, sc->fault_ms);
		return true; /* it stalls, then */
	case SIM_LOSE_REPLY: case SIM_HANG_REPLY: case SIM_DELAY: case SIM_HOLD_REPLY: case SIM_LIBVIRTD_AFTER:
	case SIM_CONTROLLER_BEFORE: case SIM_CONTROLLER_AFTER: case SIM_FAULT_N:
	default:
		return true;
	}
}

bool sim_gate_reply(struct sim_call *sc)
{
	enum sim_fault_kind fault = sc->fault;

	sc->fault = SIM_FAULT_N;
	switch (fault) {
	case SIM_LOSE_REPLY:
		lose(sc, "End of file while reading data");
		return false;
	case SIM_HANG_REPLY:
		sim_call_park(sc, sc->w->hung);
		return false;
	case SIM_HOLD_REPLY:
		sc->fault = fault; /* for sim_held() */
		sim_call_park(sc, sc->w->held);
		return false;
	case SIM_LIBVIRTD_AFTER:
		sim_host_outage(sc->host, fault, sc->fault_ms);
		return sc->conn == NULL && sc->timer == NULL;
	case SIM_CONTROLLER_AFTER:
		sim_call_park(sc, sc->w->hung);
		kill_controller(sc->w);
		return false;
	case SIM_REFUSE: case SIM_REFUSE_GUEST: case SIM_BUSY: case SIM_LOSE_REQUEST: case SIM_HANG: case SIM_DELAY: case SIM_HOLD: case SIM_LIBVIRTD_BEFORE:
	case SIM_CONTROLLER_BEFORE: case SIM_CUT_LINK: case SIM_POWER_OFF: case SIM_FAULT_N:
	default:
		return true;
	}
}

void sim_gate_started(struct sim_call *sc)
{
	if (sc->fault == SIM_LOSE_REPLY || sc->fault == SIM_LIBVIRTD_AFTER || sc->fault == SIM_CONTROLLER_AFTER)
		sim_call_finish(sc);
}

/* ---- what is held ---- */

static bool held_by(const struct sim_call *sc, const char *name)
{
	return !name || (sc->hold && g_str_equal(sc->hold, name));
}

int sim_held(const struct sim *w, const char *name)
{
	int n = 0;

	for (guint i = 0; i < w->held->len; i++)
		n += held_by(g_ptr_array_index(w->held, i), name);
	return n;
}

int sim_release(struct sim *w, const char *name)
{
	int n = 0;

	for (guint i = 0; w->rules && i < w->rules->len; i++) {
		struct rule *r = g_ptr_array_index(w->rules, i);

		r->released |= !name || (r->f.name && g_str_equal(r->f.name, name));
	}
	for (guint i = 0; i < w->held->len;) {
		struct sim_call *sc = g_ptr_array_index(w->held, i);

		if (!held_by(sc, name)) {
			i++;
			continue;
		}
		sc->fault = SIM_FAULT_N;
		sim_call_park(sc, NULL);
		sc->timer = clock_world(0, sim_call_retry, sc);
		n++;
	}
	return n;
}
