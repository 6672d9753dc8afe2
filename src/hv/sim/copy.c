/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_VOL_COPY of the simulator: a file of one host flows through the program to
 * another one. What is made is torn until the last byte; it stays so when the
 * call ends before, for any reason.
 */
#include <math.h>

#include "hv/sim/int.h"
#include "hv/sim/sim.h"

struct sim_copy {
	struct sim_call *call;
	struct sim_host *from, *to;
	char *path;
	int64_t deaths;        /* of the source's libvirtd, at the start */
	double remaining, rate;
	int64_t seen_ms;
	struct clock_timer *step, *lost;
};

/* Torn if a guest writes to it. */
static int64_t content_of(const struct sim_copy *c, const struct sim_file *f)
{
	const struct sim_disk *k = sim_disk_of_path(c->from->w, c->path, NULL);

	if (!f || (k && !k->cdrom && sim_disk_in_use(c->from->w, c->from->storage, c->path, true)))
		return SIM_TORN;
	return f->content;
}

static void done(void *user)
{
	struct sim_copy *c = user;
	const struct sim_file *f = sim_file_find(c->from->storage, c->path);
	struct sim_file *t = sim_file_find(c->to->storage, c->path);

	c->step = NULL;
	if (f && t) {
		t->content = content_of(c, f);
		t->allocation = f->allocation;
	}
	sim_call_finish(c->call);
}

static void source_lost(void *user)
{
	struct sim_copy *c = user;

	c->lost = NULL;
	sim_call_refuse(c->call, ERR_HV_LOST, "vol_copy on host %s: host %s, where the file comes from, is silent", c->to->name, c->from->name);
}

static double rate_now(const struct sim_copy *c)
{
	if (!sim_host_reachable(c->from) || !sim_host_reachable(c->to))
		return 0;
	return MIN(sim_job_share(c->from, true), sim_job_share(c->to, false));
}

static void plan(struct sim_copy *c)
{
	int64_t now = clock_now_ms();
	double s = (double)(now - c->seen_ms) / 1000;

	if (!isinf(c->rate))
		c->remaining = MAX(c->remaining - c->rate * s, 0);
	c->seen_ms = now;
	c->rate = rate_now(c);
	clock_cancel(&c->step);
	if (c->rate > 0)
		c->step = clock_world(isinf(c->rate) ? 0 : (int64_t)ceil(c->remaining / c->rate * 1000), done, c);
}

int sim_copy_flows(const struct sim_host *h, bool out)
{
	int n = 0;

	for (guint i = 0; i < h->copies->len; i++) {
		const struct sim_copy *c = g_ptr_array_index(h->copies, i);

		n += (out ? c->from : c->to) == h;
	}
	return n;
}

void sim_copy_replan_host(struct sim_host *h)
{
	for (guint i = 0; i < h->copies->len; i++)
		plan(g_ptr_array_index(h->copies, i));
}

void sim_copy_host_changed(struct sim_host *h)
{
	for (guint i = 0; i < h->copies->len; i++) {
		struct sim_copy *c = g_ptr_array_index(h->copies, i);
		bool gone = sim_host_reachable(c->from) && (!c->from->libvirtd || c->deaths != c->from->deaths);

		plan(c);
		if (sim_host_reachable(c->from) && !gone)
			clock_cancel(&c->lost);
		else if (!c->lost || gone) {
			clock_cancel(&c->lost);
			c->lost = clock_world(gone ? 0 : SIM_KEEPALIVE_MS, source_lost, c);
		}
	}
}

void sim_copy_forget(struct sim_call *sc)
{
	struct sim_copy *c = g_steal_pointer(&sc->copy);

	if (!c)
		return;
	clock_cancel(&c->step);
	clock_cancel(&c->lost);
	g_ptr_array_remove(c->from->copies, c);
	g_ptr_array_remove(c->to->copies, c);
	sim_job_replan_host(c->from);
	sim_job_replan_host(c->to);
	g_free(c->path);
	g_free(c);
}

static void begin(struct sim_call *sc, struct sim_host *from, const struct sim_file *f)
{
	struct sim_copy *c = g_new0(struct sim_copy, 1);

	(void)sim_file_make(sc->host->storage, f->path, f->format, f->backing, f->capacity);
	sim_file_find(sc->host->storage, f->path)->content = SIM_TORN;
	sim_pool_looked(sc->host, f->path);
	c->call = sc;
	c->from = from;
	c->to = sc->host;
	c->path = g_strdup(f->path);
	c->deaths = from->deaths;
	c->remaining = (double)f->allocation;
	c->seen_ms = clock_now_ms();
	sc->copy = c;
	g_ptr_array_add(from->copies, c);
	g_ptr_array_add(c->to->copies, c);
	sim_job_replan_host(from);
	sim_job_replan_host(c->to);
	sim_gate_started(sc);
}

void sim_act_copy(struct sim_call *sc)
{
	const struct hv_vol_params *p = &sc->call->req.vol;
	struct sim_host *from = p->source_host ? sim_host_find(sc->w, p->source_host) : NULL;
	const struct sim_file *f = from ? sim_file_find(from->storage, p->path) : NULL;

	if (!from || !sim_host_reachable(from) || !from->libvirtd)
		sim_call_refuse(sc, ERR_HV, "unable to connect to server at '%s:16509': No route to host", p->source_host ? p->source_host : "");
	else if (sim_pool_busy(sc, from) || sim_pool_busy(sc, sc->host))
		return;
	else if (sim_file_find(sc->host->storage, p->path))
		sim_call_refuse(sc, ERR_CONFLICT, "storage volume '%s' exists already", p->path);
	else if (!f)
		sim_call_refuse(sc, ERR_HV, "Storage volume not found: no storage vol with matching path '%s'", p->path);
	else
		begin(sc, from, f);
}
