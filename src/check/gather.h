/* SPDX-License-Identifier: Apache-2.0
 *
 * gather: ask the hosts what a survey needs.
 *
 * Theory of operation
 * -------------------
 * Questions come in phases, a table (gather.c): in each, every host has a list of its own, gets one question at a time, and GATHER_OPEN hosts
 * at most have one at once. So a run over a large fleet takes its time and takes nothing from migrations. A host that does not answer, or goes
 * down meanwhile, is told of as not checked.
 *
 * What is made at hosts is made to be found again: files by the beginning of their names, the domain of HV_PEER_TRY by a UUID that is the
 * same in each run, the empty guests of deep.c by what their description says. A run that was killed is cleaned up by the next one, and by
 * the reaper of carriers (move/reap.h).
 */
#ifndef GATHER_H
#define GATHER_H

#include "check/survey.h"
#include "fleet/fleet.h"

#define GATHER_OPEN 32
#define GATHER_MARKER "drover-check-"

struct gather;

/* It is over. @s: owned by the callee */
typedef void gather_done_f(struct survey *s, void *user);

/**
 * gather_begin() - begin to ask. Nothing is asked before it returns.
 * @hosts: names, NULL-terminated; NULL: all
 * @deep: send an empty guest from each to each other, one by one
 * @done: called once, unless gather_cancel() comes before
 */
struct gather *gather_begin(struct fleet *f, const char *const *hosts, bool deep, gather_done_f *done, void *user);
/** gather_cancel() - @done is not called any more; it frees itself when no answer is owed. NULL is fine. */
void gather_cancel(struct gather *g);

#endif
