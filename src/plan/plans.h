/* SPDX-License-Identifier: Apache-2.0
 *
 * plans: what is to be moved where: host maps, drains, bulk moves, rebalancing, as one object.
 *
 * Theory of operation
 * -------------------
 * A plan is a row, and each of its steps is one; memory has those that are not over. It is made dry (make.c: a snapshot, the
 * planner on a worker, rows in pieces) and does nothing until it is started. The runner (runner.c) then takes step after step:
 *
 *	WAITING -> ASKING -> RUNNING -> DONE | FAILED | SKIPPED | CANCELLED | LEFT
 *	   \_________________/ (another host, or cold)
 *
 * It submits migrations as the API does, and hears their ends; everything that a migration does is the engine's. ASKING is
 * written before the migration is asked for, with the request's id: a restart finds the migration by it, or finds none and asks.
 * So nothing is asked for twice, and a restart is nothing else than the next turn of the runner.
 */
#ifndef PLANS_H
#define PLANS_H

#include "plan/input.h"
#include "plan/plans_state.h"

/** plans_new() - read those that are not over. @e: borrowed, must outlive it */
struct plans *plans_new(struct engine *e, GError **err);
/** plans_free() - what runs goes on with the next start. NULL is fine. */
void plans_free(struct plans *ps);
/** plans_start() - go on with them. */
void plans_start(struct plans *ps);

/** plans_find() - one that is not over. Return: borrowed, until the loop's next turn; NULL. */
struct plan_record *plans_find(struct plans *ps, int64_t id);
/** plans_list() - newest first, without steps but of those that are not over. Return: struct plan_record *, owned list of owned records. */
GPtrArray *plans_list(struct plans *ps, const char *kind, const char *state, int64_t below, int limit, GError **err);

/*
 * What users ask of one. ERR_NOT_FOUND; ERR_CONFLICT: its state forbids it; the store's errors. What was asked is written when these return.
 */

/* @err: NULL: it was done; else borrowed */
typedef void plans_done_f(const GError *err, void *user);
/**
 * plans_begin() - start a draft. @adapt: also where the fleet has changed since. ERR_CONFLICT names what has.
 * @done: called exactly once, when its steps have been compared with the fleet; of a small one before this returns
 */
void plans_begin(struct plans *ps, int64_t id, bool adapt, plans_done_f *done, void *user);
bool plans_pause(struct plans *ps, int64_t id, GError **err);
bool plans_resume(struct plans *ps, int64_t id, GError **err);
/** plans_cancel() - nothing more begins. @abort_running: what runs is stopped where it can be; else it ends. */
bool plans_cancel(struct plans *ps, int64_t id, bool abort_running, GError **err);
/** plans_delete() - a draft, or one that is over. */
bool plans_delete(struct plans *ps, int64_t id, GError **err);

/* A change of a step of a draft. */
struct plan_change_step {
	int n;
	bool skip, skip_given; /* false: it is not left out any more */
	char *to;           /* NULL: as it is */
	int before, after;  /* it is to stand just there, of another step's number; 0: where it is */
};
struct plan_change {
	int parallel;       /* 0: as it is */
	int priority;       /* INT_MIN: as it is */
	int64_t deadline_s; /* -1: as it is */
	int cold;           /* -1: as it is */
	GPtrArray *steps;   /* struct plan_change_step *; NULL: none */
};
/* @mistakes: struct plan_mistake *: all that is wrong with .steps; else @err; both NULL: it was changed. Borrowed */
typedef void plans_changed_f(const GPtrArray *mistakes, const GError *err, void *user);
/**
 * plans_change() - of a draft: all of it, or nothing.
 * @c: its place and what hangs on it is borrowed until @done
 * @done: called exactly once; where few steps change before this returns
 */
void plans_change(struct plans *ps, int64_t id, const struct plan_change *c, plans_changed_f *done, void *user);

/** plans_stats() - @ps NULL: zeros. */
struct plans_counts plans_stats(const struct plans *ps);

/** plans_rest() - for tests: no plan goes on, and nothing of one is unwritten. */
bool plans_rest(const struct plans *ps);

#endif
