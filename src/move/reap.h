/* SPDX-License-Identifier: Apache-2.0
 *
 * reap: carriers (hv/carrier.h) that no task needs any more.
 *
 * Theory of operation
 * -------------------
 * A task destroys its carrier itself. One whose host was silent at the end of the task is found when the host is back: before it
 * counts as up it is asked for all of its carriers (reap_host()). Nothing is in a row for that: the UUID of a carrier is the one of its task, and its
 * description says the task's number and the guest. Where the three agree with a row, the carrier is of this controller, and goes if that task is over.
 * One that no row explains is of another controller, or of a database that was put back: it stays, and a warning tells of it.
 *
 * A host that falls silent and answers again in the same connection does not come back by that; a task that ends without it says so
 * (reap_owe()).
 */
#ifndef REAP_H
#define REAP_H

#include "move/leftover.h"

struct reap;

/* What is asked of the tasks. */
struct reap_asks {
	/*
	 * Whose carrier is it? @ret_task: the task's number, or 0. Return: NO_ROW, ACTIVE or OVER; ROW_N: the database does not say it.
	 */
	enum leftover_row (*row)(const struct carrier *c, int64_t *ret_task, void *user);
	/* What was left at a host that has come back is decided. */
	void (*decided)(struct host *h, void *user);
	void *user;
};

/** reap_new() - @f: borrowed, must outlive it. @asks: copied */
struct reap *reap_new(struct fleet *f, const struct reap_asks *asks);
/** reap_stop() - from now on answers of hosts change nothing. */
void reap_stop(struct reap *set);
/** reap_free() - no call to a host may be under way. NULL is fine. */
void reap_free(struct reap *set);

/** reap_host() - a host has come back: ask it, once a connection. Return: that is done, and nothing is asked of it any more. */
bool reap_host(struct reap *set, struct host *h);
/** reap_owe() - a task has ended without that host: it may have its carrier. */
void reap_owe(struct reap *set, const char *host);
/** reap_sweep() - ask the hosts that are owed it, and can be. */
void reap_sweep(struct reap *set);
/** reap_owed() - how many hosts are to be asked. */
guint reap_owed(const struct reap *set);

#endif
