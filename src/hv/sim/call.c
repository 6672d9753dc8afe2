/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/call.h"

#include "base/util.h"
#include "hv/sim/copy.h"
#include "hv/sim/gate.h"
#include "hv/sim/job.h"
#include "hv/sim/world.h"

#define LOCK_MS 30000 /* waiting for a domain's job lock */

void sim_call_park(struct sim_call *sc, GPtrArray *where)
{
	if (sc->parked)
		g_ptr_array_remove(sc->parked, sc);
	sc->parked = where;
	if (where)
		g_ptr_array_add(where, sc);
}

/* It waits for nothing any more. */
static void unwait(struct sim_call *sc)
{
	sim_call_park(sc, NULL);
	if (sc->job)
		sc->job->call = NULL;
	sc->job = NULL;
	if (sc->effort)
		sc->effort->effort_call = NULL;
	sc->effort = NULL;
	sim_copy_free(g_steal_pointer(&sc->copy));
	g_clear_pointer(&sc->to_list, g_ptr_array_unref);
	clock_cancel(&sc->timer);
}

void sim_call_end(struct sim_call *sc)
{
	GPtrArray *all = sc->w->calls;

	unwait(sc);
	if (sc->conn)
		g_ptr_array_remove(sc->conn->calls, sc);
	g_ptr_array_remove_index_fast(all, sc->at);
	if (sc->at < all->len)
		((struct sim_call *)g_ptr_array_index(all, sc->at))->at = sc->at;
	hv_complete(sc->call);
	g_free(sc->hold);
	g_free(sc);
}

static void call_ended(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	sim_call_end(sc);
}

/* What the gate made of it. Return: it goes on. */
static bool passes(struct sim_call *sc, enum sim_pass pass)
{
	switch (pass) {
	case SIM_PASS:
		return true;
	case SIM_ANSWER:
		sim_call_finish(sc);
		break;
	case SIM_WAIT:
		sim_call_park(sc, sc->w->held);
		break;
	case SIM_NEVER:
		sim_call_park(sc, sc->w->hung);
		break;
	case SIM_KILL:
		sim_call_park(sc, sc->w->hung);
		sim_gate_kill(sc->w);
		break;
	case SIM_TAKEN:
	default:
		break;
	}
	return false;
}

void sim_call_finish(struct sim_call *sc)
{
	sc->acted = true;
	unwait(sc);
	if (!passes(sc, sim_gate_reply(sc)))
		return;
	if (sc->conn && !sim_host_reachable(sc->host))
		sim_call_park(sc, sc->host->stalled);
	else
		sc->timer = clock_arrival(0, call_ended, sc);
}

void sim_call_refuse(struct sim_call *sc, enum err_code code, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	hv_reply_clear(&sc->call->reply);
	g_set_error_literal(&sc->call->reply.err, ERR, code, text);
	sim_call_finish(sc);
}

void sim_call_lose(struct sim_call *sc, const char *why)
{
	sc->conn = NULL;
	sc->acted = true;
	unwait(sc);
	hv_reply_clear(&sc->call->reply);
	g_set_error(&sc->call->reply.err, ERR, ERR_HV_LOST, "%s on host %s: %s", hv_op_name(sc->call->req.op), sc->host->name, why);
	sc->timer = clock_arrival(0, call_ended, sc);
}

void sim_call_arrive(struct sim_call *sc)
{
	sim_call_park(sc, NULL);
	if (!sc->acted && !passes(sc, sim_gate_request(sc)))
		return;
	if (!sim_host_reachable(sc->host))
		sim_call_park(sc, sc->host->stalled);
	else if (!sc->host->libvirtd || sc->deaths != sc->host->deaths)
		sim_call_lose(sc, "End of file while reading data");
	else if (sc->acted)
		sc->timer = clock_arrival(0, call_ended, sc);
	else
		sc->act(sc);
}

void sim_call_retry(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	sim_call_arrive(sc);
}

void sim_call_over(struct sim_call *sc, enum err_code code, const char *why)
{
	sc->job = NULL; /* it has ended, or goes on without the call */
	sc->effort = NULL;
	if (why)
		sim_call_refuse(sc, code, "%s", why);
	else
		sim_call_finish(sc);
}

void sim_call_started(struct sim_call *sc)
{
	if (sim_gate_strikes_after(sc))
		sim_call_finish(sc);
}

void sim_call_unlock(struct sim_dom *d)
{
	while (d->waiting && d->waiting->len > 0) {
		struct sim_call *sc = g_ptr_array_index(d->waiting, 0);

		sim_call_park(sc, NULL);
		clock_cancel(&sc->timer);
		sc->timer = clock_world(0, sim_call_retry, sc);
	}
}

static void lock_timed_out(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	sim_call_refuse(sc, ERR_HV_BUSY, "Timed out during operation: cannot acquire state change lock (held by monitor=%s)",
			"remoteDispatchDomainMigratePerform3Params");
}

void sim_call_wait_lock(struct sim_call *sc, struct sim_dom *d)
{
	if (!d->waiting)
		d->waiting = g_ptr_array_new();
	sim_call_park(sc, d->waiting);
	sc->timer = clock_world(LOCK_MS, lock_timed_out, sc);
}

int64_t sim_jitter(struct sim *w, int64_t ms)
{
	return ms < 2 ? ms : ms / 2 + g_rand_int_range(w->rand, 0, (gint32)MIN(ms, G_MAXINT32 - 1) + 1);
}

void sim_call_submit(struct hv_call *call, struct sim_host *host, struct sim_conn *c, void (*act)(struct sim_call *sc))
{
	struct sim_call *sc = g_new0(struct sim_call, 1);

	sc->call = call;
	sc->act = act;
	sc->fault = SIM_FAULT_N;
	sc->host = host;
	sc->deaths = sc->host->deaths;
	sc->w = sc->host->w;
	sc->at = sc->w->calls->len;
	g_ptr_array_add(sc->w->calls, sc);
	if (!c || !c->open) {
		sim_call_lose(sc, "not connected");
		return;
	}
	sc->conn = c;
	g_ptr_array_add(c->calls, sc);
	if (sim_gate(sc))
		sc->timer = clock_world(sim_jitter(sc->w, sc->host->latency_ms) + (sc->fault == SIM_DELAY ? sc->fault_ms : 0), sim_call_retry, sc);
	else
		sim_call_park(sc, sc->w->hung);
}

int sim_release(struct sim *w, const char *name)
{
	int n = 0;

	sim_gate_release(w, name);
	for (guint i = 0; i < w->held->len;) {
		struct sim_call *sc = g_ptr_array_index(w->held, i);

		if (!sim_gate_holds(sc, name)) {
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

int64_t sim_calls(const struct sim *w)
{
	return w->n_calls;
}

void sim_on_call(struct sim *w, sim_call_f *fn, void *user)
{
	w->on_call = fn;
	w->call_user = user;
}
