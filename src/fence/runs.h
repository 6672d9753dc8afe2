/* SPDX-License-Identifier: Apache-2.0
 *
 * runs: runs of fence agents, so many at once. Each is a process of some tens of MiB, and a power cut makes hundreds of them due.
 *
 * Those that are to switch a host wait before those that only ask for its state. The time that a run waits is not of its limit.
 */
#ifndef RUNS_H
#define RUNS_H

#include "fence/agent.h"

/* How agents are run; tests have their own. */
struct fence_ops {
	struct agent_run *(*start)(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user);
	void (*cancel)(struct agent_run **r);
};

struct runs;
struct run;

/** runs_new() - @ops: borrowed. @max: at once */
struct runs *runs_new(const struct fence_ops *ops, guint max);
/** runs_free() - all were cancelled, or have ended. NULL is fine. */
void runs_free(struct runs *rs);

/**
 * runs_start() - as agent_start(), when its turn comes.
 * @a: its texts are borrowed until the run has ended
 * @first: it goes before those that wait and are not
 */
struct run *runs_start(struct runs *rs, const struct agent *a, enum agent_act act, bool first, int64_t limit_ms, agent_f *done, void *user);
/** runs_cancel() - as agent_cancel(), also of one that waits. */
void runs_cancel(struct run **r);

#endif
