/* SPDX-License-Identifier: Apache-2.0
 *
 * planner: in which order servers go where, so that no host is ever over its capacity.
 *
 * Pure: plain structs in, steps out; it knows no fleet, no clock and no store (snapshot.h makes the structs).
 *
 * Theory of operation
 * -------------------
 * A server takes its room at both hosts from the start of its step to its end. So a step may start when the room at its
 * destination is there, whatever the other steps have come to: .after has those that must have ended for that. A step's
 * destination counts all earlier arrivals in the order of the plan as there and of those that leave it only what .after
 * names: then every order of starts and ends that keeps .after keeps every host within its capacity.
 *
 * Where servers change places and no host has room for the first of them, one goes to a third host and on from there
 * (a detour), or the cycle is named and its servers cannot go.
 */
#ifndef PLANNER_H
#define PLANNER_H

#include "plan/order.h"
#include "plan/problem.h"

struct planner_step {
	guint guest, from, to;
	bool detour;              /* to a third host: a later step takes it on */
	guint wave;
	GArray *after;            /* guint: places of steps before it that must have ended well */
	int64_t seconds, bytes;
};

struct planner_reason {
	guint host;
	char *text;
};

/* A server that was to move, and cannot. */
struct planner_refusal {
	guint guest;
	char *text;
	GPtrArray *reasons;       /* struct planner_reason *, by host; empty: none of a certain host */
};

struct planner_use {
	struct usage worst, after; /* .worst: the most of each that may be taken at once, in any order that keeps .after */
	bool touched;
};

struct planner_result {
	GPtrArray *steps;         /* struct planner_step * */
	GPtrArray *refusals;      /* struct planner_refusal * */
	GPtrArray *cycles;        /* struct planner_cycle * */
	struct planner_use *hosts;
	int64_t seconds;          /* of all, with the limits */
};

/** planner_run() - plan what the guests' wishes ask for. Return: owned. */
struct planner_result *planner_run(const struct planner_fleet *f);
void planner_result_free(struct planner_result *r);

#endif
