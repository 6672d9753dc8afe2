/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/expect.h"

#include "plan/problem.h"

#define LINK_BPS (INT64_C(100) << 20) /* where no migration has shown it */
#define LINK_BPS_MIN (INT64_C(1) << 20)

/* -1: never at that rate. */
static int64_t ms_of(int64_t bytes, int64_t bps)
{
	return bps > 0 ? (int64_t)((double)bytes * 1000 / (double)bps) : -1;
}

struct expect expect_of(int64_t bytes, int64_t dirty_bps, bool paused, int64_t link_bps)
{
	struct expect x = { .bytes = bytes, .low_ms = ms_of(bytes, MAX(link_bps, 1)), .measured = paused || dirty_bps > 0 };

	x.ms = paused ? x.low_ms : ms_of(bytes, link_bps - dirty_bps);
	if (x.measured)
		x.high_ms = paused ? x.low_ms : ms_of(bytes, link_bps - 2 * dirty_bps);
	else
		x.high_ms = -1;
	if (x.ms < 0)
		x.ms = ms_of(bytes, MAX(link_bps / PLANNER_DIRTY_SHARE, 1));
	return x;
}

int64_t expect_link_bps(struct engine *e)
{
	const struct mig_counts *c = engine_stats(e);

	if (!metric_count(&c->seconds) || c->seconds.sum <= 0)
		return LINK_BPS;
	return MAX(LINK_BPS_MIN, (int64_t)(c->bytes.sum / c->seconds.sum));
}

bool expect_live(struct engine *e, const struct server *s, struct expect *ret)
{
	if (s->vm != SERVER_ACTIVE && s->vm != SERVER_PAUSED)
		return false;
	*ret = expect_of(s->memory_mb << 20, s->dirty_bps, s->vm == SERVER_PAUSED, expect_link_bps(e));
	return true;
}
