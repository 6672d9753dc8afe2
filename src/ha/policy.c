/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/policy.h"

#include <assert.h>

#include <glib.h>

static const char *const phases[] = {
	[HA_WATCHED] = "watched", [HA_SILENT] = "silent", [HA_FENCING] = "fencing", [HA_EVACUATING] = "evacuating", [HA_DONE] = "done",
	[HA_GIVEN_UP] = "given-up",
};
static_assert(G_N_ELEMENTS(phases) == HA_PHASE_N, "phases is missing one");

static const char *const acts[] = {
	[HA_NOTHING] = "nothing", [HA_NOTE] = "note", [HA_LOOK] = "look", [HA_FENCE] = "fence", [HA_SPARE] = "spare", [HA_EVACUATE] = "evacuate", [HA_END] = "end",
	[HA_HOLD] = "hold", [HA_GIVE_UP] = "give-up", [HA_FORGET] = "forget",
};
static_assert(G_N_ELEMENTS(acts) == HA_ACT_N, "acts is missing one");

const char *ha_phase_name(enum ha_phase p)
{
	return phases[p];
}

const char *ha_act_name(enum ha_act a)
{
	return acts[a];
}

int ha_max(const struct ha_limits *l, const struct ha_fleet *f)
{
	return MIN(l->max_hosts, MAX(f->hosts / 10, 1));
}

static struct ha_verdict is(enum ha_act act)
{
	return (struct ha_verdict){ .act = act };
}

static struct ha_verdict because(enum ha_act act, const char *why)
{
	return (struct ha_verdict){ act, why };
}

/* It has been silent for long enough, and is neither fenced nor being fenced. */
static struct ha_verdict may_fence(const struct ha_limits *l, const struct ha_fleet *f, const struct ha_host *h)
{
	if (!h->has_agent)
		return because(HA_GIVE_UP, "it has no fence agent");
	if (f->answering == 0)
		return because(HA_HOLD, "no other host answers: the controller may be what is cut off");
	if (f->fell > ha_max(l, f))
		return because(HA_HOLD, "too many hosts fell silent: the controller, or a part of the network, may be what is cut off; a host that is down for good is to be disabled or removed");
	switch (h->sight) {
	case HA_BLIND:
		return because(HA_HOLD, "the controller's own address has no carrier, or no way to the host");
	case HA_LIVES:
		return because(HA_HOLD, "the host answers on the network, and only its libvirtd does not: its servers may run");
	case HA_DARK:
		return is(HA_FENCE);
	case HA_UNSEEN:
	case HA_SIGHT_N:
		break;
	}
	return is(HA_NOTHING);
}

/* An agent may fail, and be run again, and take its time. */
static enum ha_act while_fenced(const struct ha_host *h)
{
	return h->sight == HA_UNSEEN ? HA_LOOK : h->sight == HA_LIVES ? HA_SPARE : HA_NOTHING;
}

static struct ha_verdict evacuate(const struct ha_host *h)
{
	if (!h->fenced)
		return because(HA_GIVE_UP, "it is not fenced any more");
	return is(h->all_told ? HA_END : HA_EVACUATE);
}

struct ha_verdict ha_decide(const struct ha_limits *l, const struct ha_fleet *f, const struct ha_host *h)
{
	bool done = h->phase == HA_DONE || h->phase == HA_GIVEN_UP, late = h->silent_ms >= l->delay_ms;

	if (!f->settled)
		return is(HA_NOTHING);
	if (h->answers || h->left_alone)
		return is(h->phase == HA_WATCHED ? HA_NOTHING : HA_FORGET);
	if (h->phase == HA_EVACUATING)
		return evacuate(h);
	if (h->phase == HA_DONE || !h->has_servers)
		return is(HA_NOTHING);
	if (h->fenced)
		return is(late || h->phase == HA_FENCING ? HA_EVACUATE : HA_NOTHING);
	if (h->fencing)
		return is(h->phase != HA_FENCING ? HA_NOTHING : while_fenced(h));
	if (done)
		return is(HA_NOTHING);
	if (h->phase == HA_FENCING)
		return because(HA_GIVE_UP, "it could not be fenced");
	if (h->phase == HA_WATCHED)
		return is(HA_NOTE);
	if (h->sight == HA_UNSEEN)
		return is(HA_LOOK); /* from the beginning: what answers is not dead */
	return late || h->sight == HA_LIVES || h->sight == HA_BLIND ? may_fence(l, f, h) : is(HA_NOTHING);
}
