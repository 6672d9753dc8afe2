/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/forget.h"

#include "base/clock.h"
#include "base/log.h"

#define ROWS 250        /* in a turn of the loop */
#define AGAIN_MS 1000   /* after the database has refused it */

static void forget_next(void *user)
{
	struct plans *ps = user;
	int64_t id = g_array_index(ps->gone, int64_t, 0);
	g_autoptr(GError) err = NULL;
	bool all = false, ok = plan_delete_some(ps->store, id, ROWS, &all, &err);

	ps->forgetter = NULL;
	if (!ok)
		log_warning("plan_not_deleted", LOG_D("plan", id), LOG_S("error", err->message));
	else if (all)
		g_array_remove_index(ps->gone, 0);
	if (ps->gone->len > 0)
		ps->forgetter = clock_after(ok ? 0 : AGAIN_MS, forget_next, ps);
}

void forget_rows(struct plans *ps, int64_t id)
{
	g_array_append_val(ps->gone, id);
	forget_start(ps);
}

bool forget_plan(struct plans *ps, int64_t id, GError **err)
{
	if (!plan_drop(ps->store, id, err))
		return false;
	forget_rows(ps, id);
	return true;
}

void forget_start(struct plans *ps)
{
	if (ps->started && ps->gone->len > 0 && !ps->forgetter)
		ps->forgetter = clock_after(0, forget_next, ps);
}
