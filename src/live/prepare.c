/* SPDX-License-Identifier: Apache-2.0 */
#include "live/prepare.h"

#include "live/flow.h"
#include "live/state.h"
#include "move/call.h"
#include "move/definition_prepare.h"
#include "move/ready.h"
#include "task/step.h"

#define RETRY_MS 1000
#define CALL_WAITS_MAX 60  /* libvirt's keepalive between two hosts ends after 27 s */

static bool write_copy(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return definition_write_copy(m, err);
}

static void done(struct mig *m)
{
	if (!step_go(m, MIG_COPY, "both hosts are ready", write_copy, NULL))
		return;
	definition_copying(m);
	flow_copy(m);
}

void prepare_enter(struct mig *m)
{
	static const struct ready_way way = { READY_FROM(RUN) | READY_FROM(PAUSED), done };

	/* libvirt would refuse: the call of an earlier migration, which was given up (watch.c), still has the guest. */
	if (call_is_under_way(m->task->engine, m->server_uuid) && live_of(m)->call_waits++ < CALL_WAITS_MAX)
		step_later(m, RETRY_MS);
	else
		ready_make(m, &way);
}
