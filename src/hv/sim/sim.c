/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * A call passes these points, each of them on a turn of its own:
 *
 *	submit -> [gate] -> latency -> arrive -> [request faults] -> act -> finish -> [reply faults] -> end
 *
 * and can wait on the way: in the host's list of the stalled while the cable is
 * out, at a hold rule, for a domain's job lock, for the end of its migration.
 * Where it waits it is in one list, or has a timer; for a job lock it has both.
 *
 * Events of a connection queue up and are delivered one a turn, in order; the
 * receiver may close the connection from inside, so nothing is touched after it.
 *
 * A connection that the controller closes does not take back what it has sent:
 * such calls still act, and their answers are dropped, unless they are delayed by a
 * fault. One that breaks loses them, and a libvirtd that dies all it was sent.
 */
#include "hv/sim/sim.h"

#include "base/err.h"
#include "hv/sim/int.h"

static struct sim *current;

/* ---- worlds ---- */

struct sim *sim_new(uint64_t seed)
{
	struct sim *w = g_new0(struct sim, 1);

	w->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sim_host_free);
	w->storages = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sim_storage_free);
	w->disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	w->reports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	w->copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	w->died = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->addrs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	w->apart = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->jobs = g_ptr_array_new();
	w->calls = g_ptr_array_new();
	w->held = g_ptr_array_new();
	w->hung = g_ptr_array_new();
	w->rand = g_rand_new_with_seed((guint32)(seed ^ seed >> 32));
	current = w;
	return w;
}

struct sim *sim_current(void)
{
	return current ? current : sim_new(1);
}

void sim_free(struct sim *w)
{
	if (!w)
		return;
	if (current == w)
		current = NULL;
	while (w->calls->len > 0)
		sim_call_end(g_ptr_array_index(w->calls, w->calls->len - 1));
	while (w->jobs->len > 0)
		sim_job_free(g_ptr_array_index(w->jobs, w->jobs->len - 1));
	g_hash_table_unref(w->reports);
	g_hash_table_unref(w->died);
	g_hash_table_unref(w->addrs);
	g_hash_table_unref(w->apart);
	g_hash_table_unref(w->aliases);
	g_hash_table_unref(w->hosts);
	g_hash_table_unref(w->copies);
	g_hash_table_unref(w->storages);
	g_hash_table_unref(w->disks);
	g_ptr_array_unref(w->jobs);
	g_ptr_array_unref(w->calls);
	g_ptr_array_unref(w->held);
	g_ptr_array_unref(w->hung);
	g_rand_free(w->rand);
	sim_gate_free(w);
	g_free(w->violation);
	g_free(w);
}

const char *sim_violation(const struct sim *w)
{
	return w->violation;
}

void sim_violate(struct sim *w, const char *fmt, ...)
{
	va_list ap;

	if (w->violation)
		return;
	va_start(ap, fmt);
	w->violation = g_strdup_vprintf(fmt, ap);
	va_end(ap);
}

bool sim_guest_died(const struct sim *w, const char *uuid)
{
	return g_hash_table_contains(w->died, uuid);
}

guint sim_jobs(const struct sim *w)
{
	return w->jobs->len;
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

void sim_on_kill(struct sim *w, void (*fn)(void *user), void *user)
{
	w->on_kill = fn;
	w->kill_user = user;
}

void sim_revive(struct sim *w)
{
	w->dead = false;
}

static int64_t jitter(struct sim *w, int64_t ms)
{
	return ms < 2 ? ms : ms / 2 + g_rand_int_range(w->rand, 0, (gint32)MIN(ms, G_MAXINT32 - 1) + 1);
}

/* ---- events ---- */

static void deliver(void *user);

static void arm_delivery(struct sim_conn *c)
{
	if (!c->deliver && !g_queue_is_empty(&c->events))
		c->deliver = clock_arrival(c->closing ? 0 : c->host->latency_ms / 2, deliver, c);
}

static void deliver(void *user)
{
	struct sim_conn *c = user;
	struct hv_event *ev;
	g_autofree char *text = NULL;

	c->deliver = NULL;
	if (!c->closing && !sim_host_reachable(c->host))
		return; /* the link's return arms it again */
	ev = g_queue_pop_head(&c->events);
	text = (char *)ev->text;
	if (ev->type == HV_EV_CLOSED)
		c->closing = false;
	arm_delivery(c);
	if (!c->host->w->dead)
		hv_emit(c->h, ev);
	g_free(ev);
}

void sim_wake_conns(struct sim_host *host)
{
	for (guint i = 0; i < host->conns->len; i++)
		arm_delivery(g_ptr_array_index(host->conns, i));
}

static void push_event(struct sim_conn *c, const struct hv_event *ev)
{
	struct hv_event *copy = g_memdup2(ev, sizeof *ev);

	copy->text = g_strdup(ev->text);
	g_queue_push_tail(&c->events, copy);
	arm_delivery(c);
}

static void drop_events(struct sim_conn *c)
{
	struct hv_event *ev;

	clock_cancel(&c->deliver);
	while ((ev = g_queue_pop_head(&c->events))) {
		g_free((char *)ev->text);
		g_free(ev);
	}
}

void sim_emit(struct sim_host *host, const struct hv_event *ev)
{
	if (!host->libvirtd)
		return;
	for (guint i = 0; i < host->conns->len; i++) {
		struct sim_conn *c = g_ptr_array_index(host->conns, i);

		if (c->open)
			push_event(c, ev);
	}
}

void sim_emit_dom(const struct sim_dom *d)
{
	struct hv_event ev = { .type = HV_EV_DOM, .state = d->state, .reason = d->reason };

	memcpy(ev.uuid, d->uuid, sizeof ev.uuid);
	sim_emit(d->host, &ev);
}

/* ---- calls ---- */

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
	sim_job_forget(sc);
	sim_copy_forget(sc);
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

void sim_call_finish(struct sim_call *sc)
{
	sc->acted = true;
	unwait(sc);
	if (!sim_gate_reply(sc))
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

/* Its connection is gone; the caller hears so on the next turn. */
static void lose_call(struct sim_call *sc, const char *why)
{
	sc->conn = NULL;
	sc->acted = true;
	unwait(sc);
	hv_reply_clear(&sc->call->reply);
	g_set_error(&sc->call->reply.err, ERR, ERR_HV_LOST, "%s on host %s: %s", hv_op_name(sc->call->req.op), sc->host->name, why);
	sc->timer = clock_arrival(0, call_ended, sc);
}

static void act(struct sim_call *sc)
{
	switch (sc->call->req.op) {
	case HV_HOST_GET:
		sim_act_host_get(sc);
		break;
	case HV_DOM_LIST: case HV_DOM_GET: case HV_DOM_ADDRS: case HV_DOM_XML: case HV_CPU_COMPARE:
	case HV_DOM_SUSPEND: case HV_DOM_RESUME: case HV_DOM_DESTROY: case HV_ANNOUNCE:
		sim_act_dom(sc);
		break;
	case HV_DOM_DEFINITION: case HV_DOM_DEFINE: case HV_DOM_UNDEFINE: case HV_DOM_AUTOSTART:
		sim_act_define(sc, sim_dom_get(sc->host, sc->call->req.uuid));
		break;
	case HV_LOOKUP:
		sim_act_lookup(sc);
		break;
	case HV_MIGRATE:
		sim_act_migrate(sc);
		break;
	case HV_JOB_GET: case HV_JOB_DONE: case HV_JOB_ABORT: case HV_JOB_TUNE: case HV_POSTCOPY: case HV_POSTCOPY_PAUSE:
		sim_act_job(sc);
		break;
	case HV_VOL_GET: case HV_VOL_CREATE: case HV_VOL_DELETE:
		sim_act_vol(sc);
		break;
	case HV_VOL_COPY:
		sim_act_copy(sc);
		break;
	case HV_VOL_FIND:
		sim_act_find(sc);
		break;
	case HV_DEVICE_GET:
		sim_act_device(sc);
		break;
	case HV_OP_N:
	default:
		g_assert_not_reached();
	}
}

void sim_call_arrive(struct sim_call *sc)
{
	sim_call_park(sc, NULL);
	if (!sc->acted && !sim_gate_request(sc))
		return;
	if (!sim_host_reachable(sc->host))
		sim_call_park(sc, sc->host->stalled);
	else if (!sc->host->libvirtd || sc->deaths != sc->host->deaths)
		lose_call(sc, "End of file while reading data");
	else if (sc->acted)
		sc->timer = clock_arrival(0, call_ended, sc);
	else
		act(sc);
}

void sim_call_retry(void *user)
{
	struct sim_call *sc = user;

	sc->timer = NULL;
	sim_call_arrive(sc);
}

static void submit(struct hv_host *h, struct hv_call *call)
{
	struct sim_call *sc = g_new0(struct sim_call, 1);
	struct sim_conn *c = h->impl;

	sc->call = call;
	sc->fault = SIM_FAULT_N;
	sc->host = c ? c->host : sim_host_of_uri(sim_current(), h->uri);
	sc->deaths = sc->host->deaths;
	sc->w = sc->host->w;
	sc->at = sc->w->calls->len;
	g_ptr_array_add(sc->w->calls, sc);
	if (!c || !c->open) {
		lose_call(sc, "not connected");
		return;
	}
	sc->conn = c;
	g_ptr_array_add(c->calls, sc);
	if (sim_gate(sc))
		sc->timer = clock_world(jitter(sc->w, sc->host->latency_ms) + (sc->fault == SIM_DELAY ? sc->fault_ms : 0), sim_call_retry, sc);
	else
		sim_call_park(sc, sc->w->hung);
}

/* ---- connections ---- */

void sim_conn_drop(struct sim_conn *c, const char *why)
{
	struct hv_event closed = { .type = HV_EV_CLOSED, .text = why };

	c->open = false;
	clock_cancel(&c->opening);
	clock_cancel(&c->keepalive);
	while (c->calls->len > 0) {
		struct sim_call *sc = g_ptr_array_steal_index(c->calls, 0);

		lose_call(sc, why);
	}
	if (!sim_host_reachable(c->host))
		drop_events(c);
	c->closing = true;
	push_event(c, &closed);
}

static void connected(void *user)
{
	struct sim_conn *c = user;
	struct hv_event open = { .type = HV_EV_OPEN };

	c->opening = NULL;
	if (c->host->w->dead)
		return;
	if (!sim_host_reachable(c->host)) {
		sim_conn_drop(c, "No route to host");
	} else if (!c->host->libvirtd) {
		sim_conn_drop(c, "Connection refused");
	} else {
		c->open = true;
		push_event(c, &open);
	}
}

static void open_conn(struct hv_host *h)
{
	struct sim_conn *c = h->impl;

	if (!c) {
		c = h->impl = g_new0(struct sim_conn, 1);
		c->h = h;
		c->host = sim_host_of_uri(sim_current(), h->uri);
		c->calls = g_ptr_array_new();
		g_queue_init(&c->events);
		g_ptr_array_add(c->host->conns, c);
		g_hash_table_replace(c->host->w->aliases, g_strdup(h->name), c->host);
	}
	if (!c->open && !c->opening)
		c->opening = clock_world(sim_host_reachable(c->host) ? jitter(c->host->w, 4 * c->host->latency_ms) : SIM_NO_ROUTE_MS, connected, c);
}

static void close_conn(struct hv_host *h)
{
	struct sim_conn *c = g_steal_pointer(&h->impl);

	if (!c)
		return;
	while (c->calls->len > 0) {
		struct sim_call *sc = g_ptr_array_steal_index(c->calls, 0);

		sc->conn = NULL;
		/* What was sent and waits for nothing but time, arrives; what a slow network still has, does not. */
		if (!sc->timer || sc->acted || sc->fault == SIM_DELAY)
			lose_call(sc, "the connection was closed");
	}
	clock_cancel(&c->opening);
	clock_cancel(&c->keepalive);
	drop_events(c);
	g_ptr_array_remove(c->host->conns, c);
	g_ptr_array_unref(c->calls);
	g_free(c);
}

const struct hv_ops sim_ops = {
	.name = "sim",
	.scheme = "sim:",
	.open = open_conn,
	.close = close_conn,
	.submit = submit,
};
