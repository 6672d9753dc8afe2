/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/copy.h"

#include <math.h>

#include "hv/sim/device.h"
#include "hv/sim/disk.h"
#include "hv/sim/file.h"
#include "hv/sim/world.h"

/* Torn if a guest writes to it. */
static int64_t content_of(const struct sim_copy *c, const struct sim_file *f)
{
	const struct sim_disk *k = sim_disk_of_path(c->flow.from->w, c->path, NULL);

	if (!f || (k && !k->cdrom && sim_disk_in_use(c->flow.from->w, c->flow.from->storage, c->path, true)))
		return SIM_TORN;
	return f->content;
}

static void done(void *user)
{
	struct sim_copy *c = user;
	const struct sim_file *f = sim_file_find(c->flow.from->storage, c->path);
	struct sim_file *t = sim_file_find(c->flow.to->storage, c->path);

	c->step = NULL;
	if (f && t) {
		t->content = content_of(c, f);
		t->allocation = f->allocation;
		t->head = f->head;
	}
	sim_over(c->flow.to->w, c->call, 0, NULL);
}

static void source_lost(void *user)
{
	struct sim_copy *c = user;
	g_autofree char *why = g_strdup_printf("vol_copy on host %s: host %s, where the file comes from, is silent", c->flow.to->name,
					       c->flow.from->name);

	c->lost = NULL;
	sim_over(c->flow.to->w, c->call, ERR_HV_LOST, why);
}

static double rate_now(const struct sim_copy *c)
{
	if (!sim_host_reachable(c->flow.from) || !sim_host_reachable(c->flow.to))
		return 0;
	return MIN(sim_link_share(c->flow.from, true), sim_link_share(c->flow.to, false));
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

static bool flow_flows(const struct sim_flow *f)
{
	(void)f;
	return true;
}

static void flow_plan(struct sim_flow *f)
{
	plan((struct sim_copy *)f);
}

static const struct sim_flow_kind copy_flow = { flow_flows, NULL, flow_plan };

void sim_copy_host_changed(struct sim_host *h)
{
	for (guint i = 0; i < h->copies->len; i++) {
		struct sim_copy *c = g_ptr_array_index(h->copies, i);
		bool gone = sim_host_reachable(c->flow.from) && (!c->flow.from->libvirtd || c->deaths != c->flow.from->deaths);

		plan(c);
		if (sim_host_reachable(c->flow.from) && !gone)
			clock_cancel(&c->lost);
		else if (!c->lost || gone) {
			clock_cancel(&c->lost);
			c->lost = clock_world(gone ? 0 : SIM_KEEPALIVE_MS, source_lost, c);
		}
	}
}

struct sim_copy *sim_copy_begin(struct sim_host *from, struct sim_host *to, const struct sim_file *f, struct sim_call *call)
{
	struct sim_copy *c = g_new0(struct sim_copy, 1);

	sim_file_make(to->storage, f->path, f->format, f->backing, f->capacity)->content = SIM_TORN;
	sim_pool_looked(to, f->path);
	c->flow = (struct sim_flow){ &copy_flow, from, to };
	c->call = call;
	c->path = g_strdup(f->path);
	c->deaths = from->deaths;
	c->remaining = (double)f->allocation;
	c->seen_ms = clock_now_ms();
	g_ptr_array_add(from->copies, c);
	g_ptr_array_add(to->copies, c);
	sim_link_replan(from);
	sim_link_replan(to);
	return c;
}

void sim_copy_free(struct sim_copy *c)
{
	if (!c)
		return;
	clock_cancel(&c->step);
	clock_cancel(&c->lost);
	g_ptr_array_remove(c->flow.from->copies, c);
	g_ptr_array_remove(c->flow.to->copies, c);
	sim_link_replan(c->flow.from);
	sim_link_replan(c->flow.to);
	g_free(c->path);
	g_free(c);
}
