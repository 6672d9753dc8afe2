/* SPDX-License-Identifier: Apache-2.0 */
#include "power/decide.h"

#include <assert.h>
#include <stddef.h>

#define ANY (-1)

/* Where an action begins, and where it goes when the guest is off. */
static const struct {
	enum power_stage first, off;
} ways[] = {
	[POWER_OS_START] = { POWER_START,  POWER_START },
	[POWER_OS_STOP]  = { POWER_ASK,    POWER_DONE },
	[POWER_SOFT]     = { POWER_ASK,    POWER_START },
	[POWER_HARD]     = { POWER_STOP,   POWER_START },
	[POWER_PAUSE]    = { POWER_CHANGE, POWER_DONE },
	[POWER_UNPAUSE]  = { POWER_CHANGE, POWER_DONE },
	[POWER_SUSPEND]  = { POWER_CHANGE, POWER_DONE },
	[POWER_RESUME]   = { POWER_CHANGE, POWER_DONE },
};
static_assert(G_N_ELEMENTS(ways) == POWER_WHAT_N, "ways is missing one");

enum { OFF = POWER_STAGE_N }; /* the stage that its way has when it is off */

/* The first row that fits decides; none: it fails. */
static const struct row {
	enum power_stage stage;
	int what, state;
	enum power_verdict verdict;
	int to; /* an op, or a stage, or OFF; 0 where it waits */
	const char *why;
} rows[] = {
	{ POWER_ASK, ANY, HV_RUNNING,   POWER_ACTS, HV_DOM_SHUTDOWN },
	{ POWER_ASK, ANY, HV_PAUSED,    POWER_GOES, POWER_STOP, "a paused guest hears nothing" },
	{ POWER_ASK, ANY, HV_SUSPENDED, POWER_GOES, POWER_STOP, "a guest that sleeps hears nothing" },
	{ POWER_ASK, ANY, HV_SHUTDOWN,  POWER_WAITS },
	{ POWER_ASK, ANY, HV_SHUTOFF,   POWER_GOES, OFF, "the guest is off" },
	{ POWER_ASK, ANY, HV_CRASHED,   POWER_GOES, OFF, "the guest has crashed" },

	{ POWER_STOP, ANY, HV_RUNNING,   POWER_ACTS, HV_DOM_DESTROY },
	{ POWER_STOP, ANY, HV_PAUSED,    POWER_ACTS, HV_DOM_DESTROY },
	{ POWER_STOP, ANY, HV_SUSPENDED, POWER_ACTS, HV_DOM_DESTROY },
	{ POWER_STOP, ANY, HV_SHUTDOWN,  POWER_ACTS, HV_DOM_DESTROY },
	{ POWER_STOP, ANY, HV_SHUTOFF,   POWER_GOES, OFF, "the guest is off" },
	{ POWER_STOP, ANY, HV_CRASHED,   POWER_GOES, OFF, "the guest has crashed" },

	{ POWER_START, ANY, HV_SHUTOFF, POWER_ACTS, HV_DOM_START },
	{ POWER_START, ANY, HV_CRASHED, POWER_ACTS, HV_DOM_START },
	{ POWER_START, ANY, HV_PAUSED,  POWER_ACTS, HV_DOM_RESUME },
	{ POWER_START, ANY, HV_SHUTDOWN, POWER_WAITS },
	{ POWER_START, ANY, HV_RUNNING, POWER_GOES, POWER_DONE, "the guest runs" },

	{ POWER_CHANGE, POWER_PAUSE,   HV_RUNNING, POWER_ACTS, HV_DOM_SUSPEND },
	{ POWER_CHANGE, POWER_PAUSE,   HV_PAUSED,  POWER_GOES, POWER_DONE, "the guest is paused" },
	{ POWER_CHANGE, POWER_UNPAUSE, HV_PAUSED,  POWER_ACTS, HV_DOM_RESUME },
	{ POWER_CHANGE, POWER_UNPAUSE, HV_RUNNING, POWER_GOES, POWER_DONE, "the guest runs" },
	{ POWER_CHANGE, POWER_SUSPEND, HV_RUNNING, POWER_ACTS, HV_DOM_SAVE },
	{ POWER_CHANGE, POWER_SUSPEND, HV_PAUSED,  POWER_ACTS, HV_DOM_SAVE },
	{ POWER_CHANGE, POWER_RESUME,  HV_SHUTOFF, POWER_ACTS, HV_DOM_START },
	{ POWER_CHANGE, POWER_RESUME,  HV_PAUSED,  POWER_ACTS, HV_DOM_RESUME },
	{ POWER_CHANGE, POWER_RESUME,  HV_SHUTDOWN, POWER_WAITS },
	{ POWER_CHANGE, POWER_RESUME,  HV_RUNNING, POWER_GOES, POWER_DONE, "the guest runs" },
};

static struct power_step step(enum power_verdict verdict, const char *why)
{
	return (struct power_step){ .verdict = verdict, .why = why };
}

static struct power_step go(enum power_stage next, const char *why)
{
	return (struct power_step){ .verdict = POWER_GOES, .next = next, .why = why };
}

static struct power_step act(enum power_verdict verdict, enum hv_op op)
{
	return (struct power_step){ .verdict = verdict, .op = op };
}

static bool is_off(const struct hv_dom *d)
{
	return d->state == HV_SHUTOFF || d->state == HV_CRASHED;
}

/* One that runs without a definition is gone when it stops. */
static struct power_step of_transient(const struct power_view *v)
{
	if (v->what == POWER_OS_STOP || v->what == POWER_SUSPEND)
		return step(POWER_FAILS, "the guest has no definition (it is transient): it would be gone");
	if (v->stage == POWER_LOOK)
		return go(ways[v->what].first, "its host has it");
	if (v->stage == POWER_STOP)
		return act(POWER_ENDS, HV_DOM_RESET);
	if (v->rebooted)
		return go(POWER_DONE, "the guest has booted again");
	if (v->dom->state == HV_SHUTDOWN && !v->late)
		return step(POWER_WAITS, NULL); /* so a guest looks on its way to boot again */
	return v->late || v->dom->state != HV_RUNNING ? go(POWER_STOP, "it does not boot again by itself") : act(POWER_ACTS, HV_DOM_REBOOT);
}

/* Its way goes over the guest being off. */
static bool stops(const struct power_view *v)
{
	return v->what == POWER_OS_STOP || v->what == POWER_SOFT || v->what == POWER_HARD || v->what == POWER_SUSPEND;
}

/* What a migration, by whomever, has to do with it. A guest that waits for its memory is never destroyed. */
static bool is_half(const struct hv_dom *d)
{
	return d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED || (d->state == HV_PAUSED && d->reason == HV_R_MIGRATION);
}

static struct power_step first(const struct power_view *v)
{
	/* From an image that it was started past it would go on with old memory over newer disks. */
	if (v->what == POWER_OS_START && is_off(v->dom) && v->dom->kept.managed_save)
		return step(POWER_FAILS, "its host keeps a managed save image of it, and does not say how old it is; a hard reboot boots without it");
	return go(ways[v->what].first, "its host has it");
}

static struct power_step by_state(const struct power_view *v)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];

		if (r->stage != v->stage || (r->what != ANY && r->what != (int)v->what) || r->state != (int)v->dom->state)
			continue;
		if (r->verdict == POWER_GOES)
			return go(r->to == OFF ? ways[v->what].off : (enum power_stage)r->to, r->why);
		if (r->verdict == POWER_WAITS)
			return step(POWER_WAITS, NULL);
		return (struct power_step){ .verdict = r->verdict, .op = (enum hv_op)r->to, .boot = v->what == POWER_HARD };
	}
	return step(POWER_FAILS, "the guest is in another state by now");
}

struct power_step power_decide(const struct power_view *v)
{
	const struct hv_dom *d = v->dom;

	if (d->state == HV_ABSENT)
		return step(POWER_FAILS, "its host does not have it");
	if (d->state == HV_UNKNOWN)
		return step(POWER_WAITS, NULL);
	if (is_half(d))
		return step(POWER_FAILS, "a migration that is not ours has it");
	if (d->state == HV_PAUSED && (d->reason == HV_R_STARTING || (d->reason == HV_R_SAVED && v->stage != POWER_STOP)))
		return step(POWER_WAITS, NULL);
	if (stops(v) && !d->persistent && v->stage != POWER_START)
		return of_transient(v);
	if (v->stage == POWER_LOOK)
		return first(v);
	if (v->stage == POWER_CHANGE && v->what == POWER_SUSPEND && is_off(d) && d->kept.managed_save)
		return go(POWER_DONE, "its memory is saved");
	if (v->stage == POWER_ASK && v->late && (d->state == HV_RUNNING || d->state == HV_SHUTDOWN))
		return go(POWER_STOP, "it does not shut off by itself");
	return by_state(v);
}
