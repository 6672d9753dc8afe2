/* SPDX-License-Identifier: Apache-2.0
 *
 * agent: one run of a fence agent (package fence-agents), a program that has a host's management controller switch it.
 *
 * Theory of operation
 * -------------------
 * The agent is a process that leads a group of its own, with nothing of the daemon's environment, its options on its standard input
 * (their passwords are in no command line) and a limit of time, at which the whole group is killed: an agent's own limits do not always
 * end it, and what it has started may outlive it. What counts is its exit status: 0 is success, and 2 says of a status that the host
 * is off. Anything else is a failure that says nothing of the host: what was asked for may have happened.
 *
 * What the agent says is not to be trusted: its last line is kept for people, cut, and never read by the program.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdint.h>

#include "fence/agent_options.h"

struct agent {
	const char *program; /* as [host] fence_agent has it: a name is of /usr/sbin */
	const char *options; /* path of its file; NULL: none */
};

enum agent_power { AGENT_POWER_UNKNOWN, AGENT_POWER_ON, AGENT_POWER_OFF };

struct agent_answer {
	bool ok;                /* of a status: it said on or off */
	enum agent_power power; /* of a status */
	const char *why;        /* what went wrong, for people; NULL if nothing did. Borrowed */
};

typedef void agent_f(const struct agent_answer *a, void *user);
struct agent_run;

/**
 * agent_start() - run it once.
 * @limit_ms: how long it may take
 * @done: called once, on the loop thread, not before this returns, unless agent_cancel() comes first
 *
 * Return: the run, owned by itself: it is gone when @done is called.
 */
struct agent_run *agent_start(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user);

/** agent_cancel() - kill it; @done is not called. @r: points to it or to NULL; set to NULL */
void agent_cancel(struct agent_run **r);

#endif
