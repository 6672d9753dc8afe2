/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/probe.h"

#include <assert.h>

static const char *const half_names[] = {
	[EVAC_H_UNKNOWN] = "unknown", [EVAC_H_SILENT] = "silent", [EVAC_H_DEAD] = "dead", [EVAC_H_ABSENT] = "absent", [EVAC_H_OFF] = "off",
	[EVAC_H_BUSY] = "busy",       [EVAC_H_PAUSED] = "paused", [EVAC_H_RUNS] = "runs",
};
static_assert(G_N_ELEMENTS(half_names) == EVAC_H_N, "half_names is missing one");

static const char *const verdict_names[] = {
	[EVAC_WAIT] = "wait",
	[EVAC_DEFINE] = "define",
	[EVAC_START] = "start",
	[EVAC_LOOK] = "look",
	[EVAC_RESUME] = "resume",
	[EVAC_DESTROY_DEST] = "destroy-dest",
	[EVAC_UNDEFINE_DEST] = "undefine-dest",
	[EVAC_DESTROY_SOURCE] = "destroy-source",
	[EVAC_UNDEFINE_SOURCE] = "undefine-source",
	[EVAC_ARRIVED] = "arrived",
	[EVAC_UNDONE] = "undone",
	[EVAC_AWAY] = "away",
	[EVAC_COMPLETED] = "completed",
	[EVAC_BACK] = "host-back",
	[EVAC_DEST_DEAD] = "destination-dead",
	[EVAC_SPLIT] = "split-brain",
	[EVAC_CUT_OFF] = "cut-off",
	[EVAC_LAST_COPY] = "last-copy",
};
static_assert(G_N_ELEMENTS(verdict_names) == EVAC_VERDICT_N, "verdict_names is missing one");

#define S(x) (1u << EVAC_##x)
#define H(x) (1u << EVAC_H_##x)
#define ANY (~0u)
#define LIVES (H(BUSY) | H(PAUSED) | H(RUNS))    /* a process has its disks */
#define ALIVE (H(PAUSED) | H(RUNS))              /* likewise, for certain */
#define QUIET (H(SILENT) | H(ABSENT) | H(OFF))   /* nothing says that one has */

/* For fields that are yes or no. */
enum asked { EITHER, NO, YES };

/*
 * The first row that fits decides; what none fits waits.
 *
 * SPAWN starts and resumes only where the old host is silent, and known to be dead still, or says itself that it does not run the guest. A copy that
 * waits and was never told to run is none, whatever the old host has; one that was told to run counts as one that runs. Nothing runs at a destination
 * that is dead by the same rule by which the old host was left; what it has of the guest goes when it is back (DEFINITION_LEFT).
 *
 * CLEAN takes away what runs on the old host only while the guest lives at its own, and where that host was off since; a definition only while
 * the guest's own host has it.
 */
static const struct {
	unsigned stage, source, dest;
	enum asked runs, resumed, looked, lost, off;
	enum evac_verdict verdict;
} table[] = {
	/* stage              source              dest */
	{ S(SPAWN) | S(UNDO), LIVES,              H(RUNS),              .verdict = EVAC_SPLIT },
	{ S(SPAWN) | S(UNDO), LIVES,              H(PAUSED),            .resumed = YES, .verdict = EVAC_SPLIT },
	{ S(SPAWN) | S(UNDO), ANY,                H(UNKNOWN) | H(BUSY), .verdict = EVAC_WAIT },
	{ S(SPAWN) | S(UNDO), QUIET,              H(RUNS),              .verdict = EVAC_ARRIVED },

	{ S(SPAWN),           LIVES,              ANY,                  .verdict = EVAC_BACK },
	{ S(SPAWN),           ANY,                H(DEAD),              .verdict = EVAC_DEST_DEAD },
	{ S(SPAWN),           H(SILENT),          ANY,                  .lost = YES, .verdict = EVAC_WAIT },
	{ S(SPAWN),           QUIET,              H(ABSENT),            .verdict = EVAC_DEFINE },
	{ S(SPAWN),           QUIET,              H(OFF) | H(PAUSED),   .runs = NO, .verdict = EVAC_ARRIVED },
	{ S(SPAWN),           QUIET,              H(OFF),               .verdict = EVAC_START },
	{ S(SPAWN),           H(OFF) | H(ABSENT), H(PAUSED),            .verdict = EVAC_RESUME },
	{ S(SPAWN),           H(SILENT),          H(PAUSED),            .looked = YES, .verdict = EVAC_RESUME },
	{ S(SPAWN),           H(SILENT),          H(PAUSED),            .looked = NO, .verdict = EVAC_LOOK },

	{ S(UNDO),            ANY,                H(PAUSED),            .resumed = NO, .verdict = EVAC_DESTROY_DEST },
	{ S(UNDO),            QUIET,              H(PAUSED),            .resumed = YES, .verdict = EVAC_ARRIVED },
	{ S(UNDO),            ANY,                H(OFF),               .verdict = EVAC_UNDEFINE_DEST },
	{ S(UNDO),            ANY,                H(ABSENT) | H(DEAD),  .verdict = EVAC_UNDONE },

	{ S(CLEAN),           H(SILENT),          ANY,                  .verdict = EVAC_AWAY },
	{ S(CLEAN),           H(ABSENT),          ANY,                  .verdict = EVAC_COMPLETED },
	{ S(CLEAN),           ALIVE,              ALIVE,                .off = YES, .verdict = EVAC_DESTROY_SOURCE },
	{ S(CLEAN),           ALIVE,              ALIVE,                .off = NO, .verdict = EVAC_CUT_OFF },
	{ S(CLEAN),           ALIVE,              H(ABSENT) | H(OFF),   .verdict = EVAC_LAST_COPY },
	{ S(CLEAN),           H(OFF),             H(OFF) | ALIVE,       .verdict = EVAC_UNDEFINE_SOURCE },
	{ S(CLEAN),           H(OFF),             H(ABSENT),            .verdict = EVAC_LAST_COPY },
};

static bool fits(enum asked a, bool is)
{
	return a == EITHER || (a == YES) == is;
}

enum evac_verdict evac_decide(const struct evac_sight *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if ((table[i].stage & 1u << s->stage) && (table[i].source & 1u << s->source) && (table[i].dest & 1u << s->dest) &&
		    fits(table[i].runs, s->runs) && fits(table[i].resumed, s->resumed) && fits(table[i].looked, s->looked) && fits(table[i].lost, s->lost) && fits(table[i].off, s->off))
			return table[i].verdict;
	}
	return EVAC_WAIT;
}

enum evac_half evac_half_of(const struct hv_dom *d)
{
	if (!d)
		return EVAC_H_UNKNOWN;
	switch (d->state) {
	case HV_ABSENT:
		return EVAC_H_ABSENT;
	case HV_SHUTOFF:
		return EVAC_H_OFF;
	case HV_SHUTDOWN:
		return EVAC_H_BUSY;
	case HV_PAUSED:
		return d->reason == HV_R_STARTING || d->reason == HV_R_SAVED ? EVAC_H_BUSY : EVAC_H_PAUSED;
	case HV_RUNNING:
	case HV_SUSPENDED:
	case HV_CRASHED: /* and kept: its process has its disks */
		return EVAC_H_RUNS;
	case HV_UNKNOWN:
	case HV_STATE_N:
		break;
	}
	return EVAC_H_UNKNOWN;
}

const char *evac_half_name(enum evac_half h)
{
	return half_names[h];
}

const char *evac_verdict_name(enum evac_verdict v)
{
	return verdict_names[v];
}
