/* SPDX-License-Identifier: Apache-2.0
 *
 * expect: how long a live migration that has not begun would take, for people. Plans reckon by planner_seconds().
 */
#ifndef PLAN_EXPECT_H
#define PLAN_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/server.h"
#include "task/engine.h"

struct expect {
	int64_t bytes;      /* its memory; disks that are copied come on top */
	int64_t low_ms;     /* if the guest writes to nothing that was sent */
	int64_t ms;         /* if it writes as it did when it was migrated last; as low_ms while that is not known */
	int64_t high_ms;    /* if it writes twice as fast; -1: perhaps it does not end by itself then, or how it writes is not known */
	bool measured;      /* how fast it writes is known: it was migrated before, or it is paused and writes nothing */
};

/** expect_of() - pure. @dirty_bps: 0: not known. @link_bps: what migrations have sent a second, so far */
struct expect expect_of(int64_t bytes, int64_t dirty_bps, bool paused, int64_t link_bps);
/** expect_link_bps() - what migrations have sent a second, from their requests to their ends; a guess before the first. */
int64_t expect_link_bps(struct engine *e);
/** expect_live() - of a server that runs or is paused. Return: false: it is neither, and cannot go live. */
bool expect_live(struct engine *e, const struct server *s, struct expect *ret);

#endif
