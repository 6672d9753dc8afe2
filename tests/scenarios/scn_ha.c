/* SPDX-License-Identifier: Apache-2.0
 *
 * [ha] in scenarios: the network is looked at as it is in the world. Whatever the file does, and whatever the sweep's fault: no agent is asked for [ha] to switch
 * off a host that is not dead, or one of many.
 *
 * blind yes|no: the controller's own address has no carrier
 */
#include <string.h>

#include "base/clock.h"
#include "evacuate/evacuate.h"
#include "fleet/host_fence.h"
#include "ha_look.h"
#include "hv/sim/world.h"
#include "scn.h"

#define SEEN_MS 5000    /* what has happened since the last look at the network, no controller can know */
#define LATE_MS 15000   /* so long after service_down_time it is known that a host is silent, but while the loop stands */

/* What is true of a host. */
struct truth {
	const struct conf_host *conf;
	bool dark;
	int64_t since_ms;
	bool asked;             /* its agent was to switch it off; if that fails, it is run again */
};

struct scn_ha {
	struct run *run;
	struct ha *ha;          /* NULL while no controller runs */
	struct truth *is;
	guint n;
	bool blind;
	int64_t blind_ms;       /* since when */
};

static struct scn_ha *current;

/* ---- what is true ---- */

static struct sim_host *in_world(const struct scn_ha *a, const char *host)
{
	return sim_host_must_find(a->run->world, world_host(a->run, host));
}

void scn_ha_note(struct scn_ha *a)
{
	for (guint i = 0; a && i < a->n; i++) {
		bool dark = !sim_host_reachable(in_world(a, a->is[i].conf->name));

		if (dark != a->is[i].dark)
			a->is[i].since_ms = clock_now_ms();
		a->is[i].dark = dark;
	}
}

static struct truth *truth_of(struct scn_ha *a, const char *host)
{
	scn_ha_note(a);
	for (guint i = 0; i < a->n; i++)
		if (g_str_equal(a->is[i].conf->name, host))
			return &a->is[i];
	g_assert_not_reached();
}

static const struct host *known(const struct scn_ha *a, const char *host)
{
	return a->run->fleet ? fleet_host(a->run->fleet, host) : NULL;
}

static bool is_a_persons(const struct host *h)
{
	return !h || h->disabled || h->forced_down;
}

/* Hosts that are dark, as the controller can know, and that are neither fenced nor a person's. */
static int dark_hosts(const struct scn_ha *a)
{
	int64_t known_ms = a->run->conf->service_down_time * 1000 + LATE_MS;
	int n = 0;

	for (guint i = 0; i < a->n; i++) {
		const struct host *h = known(a, a->is[i].conf->name);

		n += a->is[i].dark && clock_now_ms() - a->is[i].since_ms > known_ms && !is_a_persons(h) && !host_is_fenced(h);
	}
	return n;
}

/* Whether [ha] is what asks. */
static bool is_for_ha(const struct scn_ha *a, const char *host)
{
	const struct host *h = known(a, host);

	return h && h->fence.reason && strstr(h->fence.reason, "[ha]");
}

static void judge_off(struct scn_ha *a, const char *host)
{
	struct truth *t = truth_of(a, host);
	bool again = t->asked;
	int64_t for_ms = clock_now_ms() - t->since_ms;
	int may = (int)MIN(a->run->conf->ha_max_hosts, MAX(a->n / 10, 1)), dark = dark_hosts(a);

	t->asked = true;
	if (!t->dark && for_ms < SEEN_MS)
		return;
	if (!t->dark)
		run_fail(a->run, "%s is fenced, and can be reached", host);
	else if (again)
		return; /* the others were looked at when it began */
	else if (for_ms < a->run->conf->ha_delay * 1000)
		run_fail(a->run, "%s is fenced, and is silent for %d ms", host, (int)for_ms);
	else if (dark > may)
		run_fail(a->run, "%s is fenced, one of %d of %u hosts that are silent", host, dark, a->n);
	else if (a->blind && clock_now_ms() - a->blind_ms >= SEEN_MS)
		run_fail(a->run, "%s is fenced by a controller that has no carrier", host);
	else if (is_a_persons(known(a, host)))
		run_fail(a->run, "%s is fenced, and is a person's", host);
}

void scn_ha_off(struct run *r, const char *host)
{
	if (r->with_ha && is_for_ha(r->with_ha, host))
		judge_off(r->with_ha, host);
}

static void fence_ended(struct host *h, const char *why, void *user)
{
	(void)why;
	truth_of(user, h->name)->asked = false;
}

/* ---- the network ---- */

static enum ha_sight seen(const char *uri)
{
	bool lives = sim_host_reachable(sim_host_must_find(current->run->world, strrchr(uri, '/') + 1));

	return current->blind ? HA_BLIND : lives ? HA_LIVES : HA_DARK;
}

/* ---- a run ---- */

struct scn_ha *scn_ha_new(struct run *r)
{
	struct scn_ha *a;

	if (!r->conf->ha_enabled)
		return NULL;
	a = current = g_new0(struct scn_ha, 1);
	a->run = r;
	a->n = r->conf->hosts->len;
	a->is = g_new0(struct truth, a->n);
	for (guint i = 0; i < a->n; i++)
		a->is[i].conf = g_ptr_array_index(r->conf->hosts, i);
	return a;
}

void scn_ha_free(struct scn_ha *a)
{
	if (!a)
		return;
	g_free(a->is);
	g_free(a);
}

bool scn_ha_begin(struct scn_ha *a, GError **err)
{
	if (!a)
		return true;
	fences_on_end(a->run->fences, fence_ended, a);
	a->ha = ha_new(a->run->engine, a->run->fences, &evac_kind, ha_looks(seen), err);
	return a->ha != NULL;
}

void scn_ha_start(struct scn_ha *a)
{
	if (a)
		ha_start(a->ha);
}

void scn_ha_end(struct scn_ha *a)
{
	if (!a)
		return;
	for (guint i = 0; i < a->n; i++)
		a->is[i].asked = false;
	g_clear_pointer(&a->ha, ha_free);
}

void scn_ha_calm(struct scn_ha *a)
{
	for (guint i = 0; a && i < a->n; i++)
		g_hash_table_replace(a->run->agents, g_strdup(a->is[i].conf->name), g_strdup("mute"));
}

void scn_ha_blind(struct run *r, const struct scn_line *l)
{
	struct scn_ha *a = r->with_ha;

	if (!a || l->n != 2)
		run_bad_line(r, "blind yes|no, with [ha] enabled");
	a->blind = g_str_equal(l->w[1], "yes");
	a->blind_ms = clock_now_ms();
}
