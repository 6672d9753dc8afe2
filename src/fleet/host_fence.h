/* SPDX-License-Identifier: Apache-2.0
 *
 * host_fence: the record of whether a host was switched off.
 *
 * "fenced" is the promise that nothing runs there, which evacuations are made on. It is made by src/fence alone, and ends with
 * the first answer of the host, whatever comes of it then.
 */
#ifndef HOST_FENCE_H
#define HOST_FENCE_H

#include "fleet/host.h"

/** host_is_fenced() - it was switched off, and has not answered since. */
bool host_is_fenced(const struct host *h);

/**
 * host_fence_set() - write it, and take it over when it is written.
 * @next: its reason is copied
 *
 * Return: false with the store's error; the record is as it was.
 */
bool host_fence_set(struct fleet *f, struct host *h, const struct host_fence *next, GError **err);

/* What a host's fence agent says of its power. */
enum host_said { HOST_SAID_NOTHING, HOST_SAID_ON, HOST_SAID_OFF };

/* @why: it said nothing: what went wrong; else NULL */
typedef void host_said_f(enum host_said said, const char *why, void *user);

/* What src/fence, which stands above, does. @user: of host_fence_by() */
struct host_fence_calls {
	bool (*off)(struct host *h, const char *reason, void *user, GError **err);
	bool (*ask)(const struct host *h, host_said_f *done, void *done_user, void *user);
};

/** host_fence_by() - how agents are run from here. @calls: borrowed; NULL: they are not */
void host_fence_by(struct fleet *f, const struct host_fence_calls *calls, void *user);
/** host_fence_again() - switch one off that was, or was said to be, and lives. Return: false with ERR_BAD_REQUEST: it has no agent; ERR_CONFLICT. */
bool host_fence_again(struct fleet *f, struct host *h, const char *reason, GError **err);

/**
 * host_fence_ask() - ask its agent whether a host is on. An answer counts for each question that came before the agent was run.
 * @done: called once, later; with NOTHING at the latest when agents are not run any more
 *
 * Return: false: it has no agent, and @done is not called.
 */
bool host_fence_ask(struct fleet *f, const struct host *h, host_said_f *done, void *user);
/** host_fence_doubted() - its agent says that a host which was fenced is on: it is not fenced any more. */
void host_fence_doubted(struct fleet *f, struct host *h);

/**
 * host_fence_answered() - the host has answered: if it was fenced, it is no more.
 *
 * Memory says so at once; where the database refuses, the row is written when it answers the next time.
 */
void host_fence_answered(struct fleet *f, struct host *h);

#endif
