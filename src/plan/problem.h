/* SPDX-License-Identifier: Apache-2.0
 *
 * problem: what the planner is asked: hosts, servers and where they are to go, as plain structs; and what fits where.
 */
#ifndef PLAN_PROBLEM_H
#define PLAN_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "fleet/server.h"

#define PLANNER_ANY G_MAXUINT         /* a wish: where it fits best */
#define PLANNER_STAYS (G_MAXUINT - 1) /* none */

/* All texts are borrowed. */
/* A guest that writes faster than it is sent is slowed down until it is sent at this part of the rate. */
#define PLANNER_DIRTY_SHARE 8

struct planner_host {
	const char *name;
	guint cell, arch;         /* a server stays in its cell; 0: not known */
	struct usage capacity;
	int64_t cpus, load;       /* thousandths of a CPU: what it has, and what its guests use, measured; 0: not known */
	struct usage used;        /* by what is there and on its way there, the plan's servers among them */
	const char *no;           /* why nothing may come to it; NULL: it may */
	guint wave;               /* its servers leave with this wave of the plan, from 1 on; 0: with the first */
};

struct planner_guest {
	const char *name;
	guint host;               /* in the fleet's hosts */
	struct usage size;
	int64_t load;             /* thousandths of a CPU that it uses, measured; 0: not known */
	guint arch;               /* 0: not known */
	const char *no;           /* why it cannot move; NULL: it can */
	bool cold;                /* it goes cold; the planner passes it on */
	bool stays;               /* planner_balance() leaves it where it is */
	int64_t bytes, dirty_bps; /* to send, and how fast it writes to what was sent */
	guint to;                 /* the wish: a host, PLANNER_ANY, PLANNER_STAYS */
};

struct planner_limits {
	int parallel, out, in;    /* steps at once: of the plan, out of a host, into a host */
	int64_t link_bps;
};

struct planner_fleet {
	const struct planner_host *hosts;
	const struct planner_guest *guests;
	guint n_hosts, n_guests;
	struct planner_limits limits;
};

/** planner_add() - @by is taken too; @sign -1: it is not any more. */
void planner_add(struct usage *u, const struct usage *by, int sign);
/** planner_seconds() - how long a server's move takes, as far as can be told before it. */
int64_t planner_seconds(const struct planner_fleet *f, const struct planner_guest *g);
/** planner_has_room() - what asks for nothing of something fits also where there is less than nothing of it. */
bool planner_has_room(const struct usage *free, const struct usage *size);
/** planner_lacks() - why @host cannot take @g beside what leaves @free there. Return: owned; NULL: it can. */
char *planner_lacks(const struct planner_fleet *f, const struct planner_guest *g, guint host, const struct usage *free);
/** planner_fits() - the same without a reason. */
bool planner_fits(const struct planner_fleet *f, const struct planner_guest *g, guint host, const struct usage *free);
/** planner_suits() - it could, if there were room. */
bool planner_suits(const struct planner_fleet *f, const struct planner_guest *g, guint host);
/** planner_free() - what is not taken of a host; less than 0 where it has too much. */
struct usage planner_free(const struct planner_host *h);

#endif
