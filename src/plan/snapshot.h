/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot: the fleet as the planner sees it.
 *
 * It is copied in pieces, a bounded one with each turn of the loop. The fleet may change in between: then the copy is of no moment, and
 * its version, made of what was copied, is none that the fleet ever had. So a plan of it is a plan of another fleet, and its steps are
 * compared with what there is before it starts (plans_begin()). What is made of the copy needs the fleet no more, and is done on a worker.
 */
#ifndef PLAN_SNAPSHOT_H
#define PLAN_SNAPSHOT_H

#include "plan/problem.h"
#include "task/engine.h"

#define SNAPSHOT_VERSION_LEN 16

/* What plans depend on as one word, made in pieces of hosts and servers. */
struct snapshot_sum {
	uint64_t sum;
	int64_t seen; /* server.nth of the last one in it; 0: nothing is */
};

/* Of a host, beside what the planner asks. */
struct snapshot_host {
	bool disabled, up;
};

/* A server on no host. */
struct snapshot_lost {
	const char *uuid, *name; /* NULL: it has none */
};

struct snapshot {
	struct planner_fleet fleet;    /* of the arrays below */
	struct planner_host *hosts;    /* in the order of fleet_hosts() */
	struct snapshot_host *states;  /* likewise */
	struct planner_guest *guests;  /* in the order of fleet_servers(), without those on no host */
	char **uuids;                  /* of the guests */
	guint room;                    /* for so many guests */
	GArray *lost;                  /* struct snapshot_lost */
	GHashTable *by_uuid, *by_host; /* uuid -> guest + 1 (snapshot_index()); name -> host + 1 */
	GStringChunk *texts;           /* that the structs borrow */
	bool cold;
	struct snapshot_sum sum;
	char version[SNAPSHOT_VERSION_LEN + 1]; /* when it is whole */
};

/**
 * snapshot_begin() - the hosts as they are now; the servers follow.
 * @parallel: of the plan
 * @cold: a server that runs may go cold; one that is shut off may in any case
 *
 * Return: owned.
 */
struct snapshot *snapshot_begin(struct engine *e, int parallel, bool cold);
/** snapshot_more() - copy some servers more. Return: those were the last. */
bool snapshot_more(struct snapshot *s, struct fleet *f);
/** snapshot_index() - so that snapshot_guest() finds them. */
void snapshot_index(struct snapshot *s);
void snapshot_free(struct snapshot *s);
/** snapshot_guest() - by UUID; snapshot_host() - by name. Return: -1: there is none. */
int snapshot_guest(const struct snapshot *s, const char *uuid);
int snapshot_host(const struct snapshot *s, const char *name);
/** snapshot_leave() - nothing goes to that host; its servers leave it with that wave. */
void snapshot_leave(struct snapshot *s, guint host, guint wave, const char *why);

/**
 * snapshot_version() - a word for what plans depend on: where each server is, how large it is, and which hosts may be used. In pieces.
 * @sum: zeros at first
 *
 * Return: @out is it; false: there is more to do.
 */
bool snapshot_version(struct fleet *f, struct snapshot_sum *sum, char out[static SNAPSHOT_VERSION_LEN + 1]);

/**
 * snapshot_no() - why a server cannot be migrated at all, by its states and ties.
 * @cold: as of snapshot_new()
 * @ret_cold: it goes cold
 *
 * Return: owned; NULL: as far as is known it can.
 */
char *snapshot_no(const struct server *s, bool cold, bool *ret_cold);

#endif
