/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kinds: kinds of the tests alone, through engine, queue, fleet and store, of which no line is changed for them.
 *
 * stamp has three stages of work with a wait in the queue; ring is no migration, and has two actions; shift goes the way of a
 * resize: it rests at its destination until it is confirmed or reverted; show has a destination made ready, twice, and leaves it;
 * haul carries the files of a guest that is off.
 */
#ifndef TEST_KINDS_H
#define TEST_KINDS_H

#include "hv/sim/sim.h"
#include "task/kind.h"

/* task_action.what of ring */
enum { RING_ONCE, RING_AGAIN, RING_OVER, RING_ACTION_N };

enum { SHIFT_ACTION_BEGIN, SHIFT_ACTION_CONFIRM, SHIFT_ACTION_REVERT, SHIFT_ACTION_N };

#define SHIFT_WINDOW_MS (10 * 60 * 1000) /* then it confirms itself */
#define SHIFT_OLD_MB 300                 /* what it keeps at its source */

/* mig.own of shift */
struct shift_own {
	char *fails; /* its stage STOP fails with this; NULL: it does not */
	int waits;   /* ... is entered again after so many ms, until it is stopped; 0: it goes on */
	int stops;   /* how often it was entered */
};

extern const struct task_kind stamp_kind, ring_kind, shift_kind, show_kind, haul_kind;
extern const struct task_kind *const test_kinds[]; /* these and live migration, NULL-terminated */
extern const struct task_action ring_actions[], shift_actions[];

/* What they did since test_kinds_reset(). */
struct test_kinds_seen {
	int left, ended; /* stamp: stages that were left; ends that were done */
	int rung[RING_ACTION_N]; /* ring: by what */
	int undone;      /* shift: stages */
	unsigned copied; /* show: disks to be copied */
	unsigned carried; /* haul: files of the guest at its destination that have what it has written last */
	int leftovers;   /* shift's service */
};
extern struct test_kinds_seen test_kinds_seen;

/** test_kinds_reset() - the guests that they move are in that world. */
void test_kinds_reset(struct sim *w);

#endif
