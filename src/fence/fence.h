/* SPDX-License-Identifier: Apache-2.0
 *
 * fence: switch hosts off and on by their fence agents.
 *
 * Theory of operation
 * -------------------
 * A guest that is started elsewhere while its host still runs it is destroyed with its disks, so a host counts as fenced only if all of
 * this is so, in this order:
 *
 *	off      the agent was asked to switch it off; whatever it says then,
 *	status   asked again, it says that the host is off: what a failed or lost "off" has done is not known,
 *	silent   the host's libvirtd does not answer, not even with a refusal: a management controller of another machine, or one that lies, says "off" as well.
 *
 * An agent that fails is asked again (fence_retries), then the fallback agent. If none has it off, or the host still answers, it is not
 * fenced, and the log has an alarm. There is no reboot: see agent_options.h.
 *
 * The intent is written before the first agent is asked, the result after the last one. A controller that starts again asks for the
 * status only, and switches nothing off on the strength of an old intent: the host may have been mended since. One that is asked for
 * meanwhile follows that look.
 *
 * Not more agents run at once than [fencing] max_concurrent_agents says (runs.h).
 *
 * Being fenced ends with the host's first answer (fleet/host_fence.h), and before it is switched on.
 */
#ifndef FENCE_H
#define FENCE_H

#include "base/metric.h"
#include "fence/runs.h"
#include "fleet/fleet.h"

struct fences;

/* What was counted. */
struct fence_stats {
	uint64_t asked;             /* hosts to be switched off */
	uint64_t failed;            /* ... that were not */
	struct metric_hist seconds; /* from the request until a host was fenced */
};

/** fence_processes - agent.h. */
extern const struct fence_ops fence_processes;

/* @why: what went wrong; NULL: the host is as it was to be */
typedef void fence_end_f(struct host *h, const char *why, void *user);

/**
 * fences_new() - what was under way at the last end is looked at when the fleet starts (fences_start()).
 * @f: borrowed, must outlive it
 */
struct fences *fences_new(struct fleet *f, const struct fence_ops *ops);
/** fences_free() - agents that run are killed. NULL is fine. */
void fences_free(struct fences *fs);
void fences_start(struct fences *fs);
/** fences_on_end() - @fn hears of each end. */
void fences_on_end(struct fences *fs, fence_end_f *fn, void *user);

/** fences_stats() - borrowed. */
const struct fence_stats *fences_stats(const struct fences *fs);

/** fence_agent_of() - the agent of a host; NULL: it has none, and cannot be fenced. Hosts that were added at run time have none. */
const char *fence_agent_of(struct fences *fs, const struct host *h);
/** fence_is_busy() - an agent of it is at work. */
bool fence_is_busy(struct fences *fs, const struct host *h);

/**
 * fence_off() - begin to fence a host. Whether it may be is the caller's to decide.
 * @reason: for people: why; kept with the host
 *
 * What is under way goes on, and what is fenced stays so. Return: false with ERR_BAD_REQUEST (no agent), ERR_CONFLICT (it is being
 * switched on), or the store's error.
 */
bool fence_off(struct fences *fs, struct host *h, const char *reason, GError **err);
/** fence_no_more() - of one that is being switched off: what its agent is at goes on to its end, and it is not run again, nor is the fallback. */
void fence_no_more(struct fences *fs, const struct host *h);
/** fence_cycle() - fence it, and when it is fenced switch it on: what else happens to hosts that are fenced does not happen to it then. */
bool fence_cycle(struct fences *fs, struct host *h, const char *reason, GError **err);
/** fence_on() - begin to switch it on. From here on it is not fenced. Errors as of fence_off(). */
bool fence_on(struct fences *fs, struct host *h, GError **err);

/** fence_power() - whether it is on, as an agent has said last; a host that answers is. */
enum agent_power fence_power(struct fences *fs, const struct host *h);
/** fence_target() - what an agent is bringing it to; UNKNOWN: none is at work. */
enum agent_power fence_target(struct fences *fs, const struct host *h);

typedef void fence_status_f(const struct agent_answer *a, void *user);
/** fence_status() - ask whether a host is on. @done: once, later, at fences_free() at the latest. Return: false with ERR_BAD_REQUEST: no agent. */
bool fence_status(struct fences *fs, const struct host *h, fence_status_f *done, void *user, GError **err);

#endif
