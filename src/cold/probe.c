/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/probe.h"

#include <assert.h>

static const char *const half_names[] = {
	[COLD_H_UNKNOWN] = "unknown", [COLD_H_ABSENT] = "absent", [COLD_H_OFF] = "off", [COLD_H_LIVES] = "lives",
};
static_assert(G_N_ELEMENTS(half_names) == COLD_H_N, "half_names is missing one");

static const char *const carrier_names[] = {
	[COLD_C_NEEDLESS] = "needless", [COLD_C_UNKNOWN] = "unknown", [COLD_C_NONE] = "none",   [COLD_C_GONE] = "gone",
	[COLD_C_STUCK] = "stuck",       [COLD_C_COPYING] = "copying", [COLD_C_LEAVING] = "leaving", [COLD_C_ARRIVED] = "arrived",
};
static_assert(G_N_ELEMENTS(carrier_names) == COLD_C_N, "carrier_names is missing one");

static const char *const verdict_names[] = {
	[COLD_WAIT] = "wait",
	[COLD_SHUT_OFF] = "shut-off",
	[COLD_DROP_CARRIER] = "drop-carrier",
	[COLD_SEND] = "send",
	[COLD_WATCH] = "watch",
	[COLD_DEFINE] = "define",
	[COLD_START_DEST] = "start-dest",
	[COLD_DESTROY_DEST] = "destroy-dest",
	[COLD_UNDEFINE_DEST] = "undefine-dest",
	[COLD_START_SOURCE] = "start-source",
	[COLD_UNDEFINE_SOURCE] = "undefine-source",
	[COLD_SETTLE] = "settle",
	[COLD_STOPPED] = "stopped",
	[COLD_CARRIED] = "carried",
	[COLD_LANDED] = "landed",
	[COLD_ARRIVED] = "arrived",
	[COLD_REST] = "rest",
	[COLD_CONFIRMED] = "confirmed",
	[COLD_CONFIRMED_BLIND] = "confirmed-blind",
	[COLD_REVERTED] = "reverted",
	[COLD_UNDONE] = "undone",
	[COLD_UNDONE_BLIND] = "undone-blind",
	[COLD_GIVE_UP] = "give-up",
	[COLD_SOURCE_STARTED] = "source-started",
	[COLD_ELSEWHERE] = "elsewhere",
	[COLD_TWO_SIDES] = "two-sides",
	[COLD_ONE_SIDED] = "one-sided",
	[COLD_SPLIT] = "split-brain",
	[COLD_LOST] = "lost",
};
static_assert(G_N_ELEMENTS(verdict_names) == COLD_VERDICT_N, "verdict_names is missing one");

#define S(x) (1u << COLD_##x)
#define H(x) (1u << COLD_H_##x)
#define C(x) (1u << COLD_C_##x)
#define ANY (~0u)
#define HERE (H(OFF) | H(LIVES))     /* it is known there */
#define QUIET (H(ABSENT) | H(OFF))   /* it does not live there */
#define BESIDE (C(STUCK) | C(COPYING) | C(LEAVING) | C(ARRIVED)) /* a carrier is there */
#define NO_CARRIER (C(NEEDLESS) | C(NONE))

/* For fields that are yes or no. */
enum asked { EITHER, NO, YES };

/*
 * The first row that fits decides.
 *
 * Starting a guest asks for a certain answer of the other host, with one exception: before LAND nothing that could run was
 * brought to the destination, so that a destination that falls silent then does not keep a guest from its source.
 *
 * UNDO undefines at the destination only what LAND may have defined; an older definition there stays.
 *
 * A carrier at the destination keeps its files from every other process until the guest is about to start there. It is dropped
 * in START, after the source was seen to be off once more. UNDO ends while the destination is silent: a carrier that is left there is
 * found when the host is back (move/reap.h).
 *
 * A definition goes only while the other host is known to have the guest. CONFIRM at a silent source ends: the destination has had
 * the authority since START, and what the source has goes when it is back (move/leftover.h). REVERT at a silent destination waits, however long: the
 * guest may run there, and only a fence could tell that it does not.
 */
static const struct {
	unsigned stage, source, dest, carrier;
	enum asked ran, landed, pressed;
	enum cold_verdict verdict;
} table[] = {
	/* stage            source              dest               carrier */
	{ ANY,              H(LIVES),           H(LIVES),          ANY,           .verdict = COLD_SPLIT },
	{ S(VERIFY),        ANY,                ANY,               ANY,           .verdict = COLD_REST },
	{ S(START),         ANY,                H(LIVES),          ANY,           .verdict = COLD_ARRIVED },
	{ S(CONFIRM),       H(UNKNOWN),         HERE,              ANY,           .verdict = COLD_CONFIRMED_BLIND },
	{ ANY,              H(UNKNOWN),         ANY,               ANY,           .verdict = COLD_WAIT },

	{ S(STOP),          H(LIVES),           ANY,               ANY,           .verdict = COLD_SHUT_OFF },
	{ S(STOP) | S(CARRY) | S(UNDO), QUIET,  H(LIVES),          ANY,           .verdict = COLD_ELSEWHERE },
	{ S(STOP) | S(CARRY), H(ABSENT),        H(ABSENT),         ANY,           .verdict = COLD_LOST },
	{ S(STOP) | S(CARRY), H(ABSENT),        H(OFF),            ANY,           .verdict = COLD_ELSEWHERE },
	{ S(STOP) | S(CARRY), H(ABSENT),        H(UNKNOWN),        ANY,           .verdict = COLD_WAIT },
	{ S(STOP),          H(OFF),             ANY,               ANY,           .verdict = COLD_STOPPED },

	{ S(CARRY) | S(LAND), H(LIVES),         ANY,               ANY,           .verdict = COLD_SOURCE_STARTED },
	{ S(CARRY),         H(OFF),             ANY,               C(COPYING),    .verdict = COLD_WATCH },
	{ S(CARRY),         H(OFF),             H(UNKNOWN),        ANY,           .verdict = COLD_GIVE_UP },
	{ S(CARRY),         H(OFF),             QUIET,             C(UNKNOWN) | C(GONE), .verdict = COLD_WAIT },
	{ S(CARRY),         H(OFF),             QUIET,             C(STUCK),      .verdict = COLD_DROP_CARRIER },
	{ S(CARRY),         H(OFF),             QUIET,             C(NONE),       .verdict = COLD_SEND },
	{ S(CARRY),         H(OFF),             QUIET,             ANY,           .verdict = COLD_CARRIED },

	{ S(LAND),          QUIET,              HERE,              ANY,           .verdict = COLD_LANDED },
	{ S(LAND) | S(START), H(OFF),           H(ABSENT),         ANY,           .verdict = COLD_DEFINE },
	{ S(LAND) | S(START), H(ABSENT),        H(ABSENT),         ANY,           .verdict = COLD_LOST },

	{ S(START) | S(CONFIRM), H(LIVES),      QUIET,             ANY,           .verdict = COLD_TWO_SIDES },
	{ S(START),         QUIET,              H(OFF),            C(UNKNOWN) | C(GONE) | C(COPYING), .verdict = COLD_WAIT },
	{ S(START),         QUIET,              H(OFF),            BESIDE,        .verdict = COLD_DROP_CARRIER },
	{ S(START),         QUIET,              H(OFF),            NO_CARRIER,    .ran = YES, .verdict = COLD_START_DEST },
	{ S(START),         QUIET,              H(OFF),            NO_CARRIER,    .ran = NO, .verdict = COLD_ARRIVED },

	{ S(CONFIRM),       H(OFF),             HERE,              ANY,           .verdict = COLD_UNDEFINE_SOURCE },
	{ S(CONFIRM),       H(ABSENT),          HERE,              ANY,           .verdict = COLD_CONFIRMED },
	{ S(CONFIRM),       H(OFF),             H(ABSENT),         ANY,           .verdict = COLD_ONE_SIDED },
	{ S(CONFIRM),       H(ABSENT),          H(ABSENT),         ANY,           .verdict = COLD_LOST },

	{ S(REVERT),        ANY,                H(UNKNOWN),        ANY,           .verdict = COLD_WAIT },
	{ S(REVERT),        H(ABSENT),          HERE,              ANY,           .verdict = COLD_ONE_SIDED },
	{ S(REVERT) | S(UNDO), ANY,             ANY,               BESIDE,        .verdict = COLD_DROP_CARRIER },
	{ S(REVERT) | S(UNDO), ANY,             ANY,               C(UNKNOWN),    .verdict = COLD_WAIT },
	{ S(REVERT) | S(UNDO), ANY,             HERE | H(ABSENT),  C(GONE),       .verdict = COLD_WAIT },
	{ S(REVERT),        H(OFF),             H(LIVES),          ANY,           .verdict = COLD_DESTROY_DEST },
	{ S(REVERT),        HERE,               H(OFF),            ANY,           .verdict = COLD_UNDEFINE_DEST },
	{ S(REVERT),        H(OFF),             H(ABSENT),         ANY,           .ran = YES, .verdict = COLD_START_SOURCE },
	{ S(REVERT),        HERE,               H(ABSENT),         ANY,           .verdict = COLD_REVERTED },
	{ S(REVERT),        H(ABSENT),          H(ABSENT),         ANY,           .verdict = COLD_LOST },

	{ S(UNDO),          HERE,               H(OFF),            ANY,           .landed = YES, .verdict = COLD_UNDEFINE_DEST },
	{ S(UNDO),          H(LIVES),           ANY,               ANY,           .pressed = YES, .verdict = COLD_SETTLE },
	{ S(UNDO),          H(LIVES),           H(UNKNOWN),        C(GONE),       .verdict = COLD_UNDONE_BLIND },
	{ S(UNDO),          H(LIVES),           H(UNKNOWN),        ANY,           .landed = YES, .verdict = COLD_UNDONE_BLIND },
	{ S(UNDO),          H(LIVES),           ANY,               ANY,           .verdict = COLD_UNDONE },
	{ S(UNDO),          H(OFF),             H(UNKNOWN),        ANY,           .ran = YES, .landed = YES, .verdict = COLD_WAIT },
	{ S(UNDO),          H(OFF),             H(UNKNOWN),        ANY,           .ran = NO, .landed = YES, .verdict = COLD_UNDONE_BLIND },
	{ S(UNDO),          H(OFF),             H(UNKNOWN),        C(GONE),       .ran = NO, .verdict = COLD_UNDONE_BLIND },
	{ S(UNDO),          H(OFF),             ANY,               ANY,           .ran = YES, .verdict = COLD_START_SOURCE },
	{ S(UNDO),          H(OFF),             ANY,               ANY,           .verdict = COLD_UNDONE },
	{ S(UNDO),          H(ABSENT),          H(OFF),            ANY,           .verdict = COLD_ONE_SIDED },
	{ S(UNDO),          H(ABSENT),          H(ABSENT),         ANY,           .verdict = COLD_LOST },
};

static bool fits(enum asked a, bool is)
{
	return a == EITHER || (a == YES) == is;
}

enum cold_verdict cold_decide(const struct cold_sight *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if ((table[i].stage & 1u << s->stage) && (table[i].source & 1u << s->source) && (table[i].dest & 1u << s->dest) &&
		    (table[i].carrier & 1u << s->carrier) && fits(table[i].ran, s->ran) && fits(table[i].landed, s->landed) &&
		    fits(table[i].pressed, s->pressed))
			return table[i].verdict;
	}
	return COLD_WAIT;
}

enum cold_half cold_half_of(const struct hv_dom *d)
{
	if (!d)
		return COLD_H_UNKNOWN;
	switch (d->state) {
	case HV_ABSENT:
		return COLD_H_ABSENT;
	case HV_SHUTOFF:
		return COLD_H_OFF;
	case HV_SHUTDOWN: /* its files are open until its process ends */
	case HV_RUNNING:
	case HV_PAUSED:
	case HV_SUSPENDED:
	case HV_CRASHED:
		return COLD_H_LIVES;
	case HV_UNKNOWN:
	case HV_STATE_N:
		break;
	}
	return COLD_H_UNKNOWN;
}

/*
 * Begun at the source and not there any more, and whole at the destination: it has arrived. What an operator began elsewhere, or
 * is on both hosts without a job, is not sent on.
 */
enum cold_carrier cold_carrier_of(enum carrier_state source, enum carrier_state dest)
{
	if (source == CARRIER_COPYING)
		return dest == CARRIER_ARRIVED ? COLD_C_LEAVING : COLD_C_COPYING;
	if (source == CARRIER_NOT_TOLD || source == CARRIER_STATE_N)
		return COLD_C_UNKNOWN;
	if (source != CARRIER_ABSENT)
		return COLD_C_STUCK;
	switch (dest) {
	case CARRIER_ABSENT:
		return COLD_C_NONE;
	case CARRIER_ARRIVED:
		return COLD_C_ARRIVED;
	case CARRIER_IDLE:
	case CARRIER_COPYING:
	case CARRIER_COMING:
		return COLD_C_STUCK;
	case CARRIER_NOT_TOLD:
	case CARRIER_STATE_N:
		break;
	}
	return COLD_C_GONE;
}

const char *cold_half_name(enum cold_half h)
{
	return half_names[h];
}

const char *cold_carrier_name(enum cold_carrier c)
{
	return carrier_names[c];
}

const char *cold_verdict_name(enum cold_verdict v)
{
	return verdict_names[v];
}
