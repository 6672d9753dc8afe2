/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot: the fleet as the planner sees it.
 */
#ifndef PLAN_SNAPSHOT_H
#define PLAN_SNAPSHOT_H

#include "plan/problem.h"
#include "task/engine.h"

#define SNAPSHOT_VERSION_LEN 16

struct snapshot {
	struct planner_fleet fleet;    /* of the arrays below */
	struct planner_host *hosts;    /* in the order of fleet_hosts() */
	struct planner_guest *guests;  /* in the order of fleet_servers(), without those on no host */
	char **uuids;                  /* of the guests */
	GHashTable *by_uuid, *by_host; /* uuid -> guest + 1; name -> host + 1 */
	GStringChunk *texts;           /* that the structs borrow */
	char version[SNAPSHOT_VERSION_LEN + 1];
};

/**
 * snapshot_new() - as it is now.
 * @parallel: of the plan
 * @cold: a server that runs may go cold; one that is shut off may in any case
 *
 * Return: owned.
 */
struct snapshot *snapshot_new(struct engine *e, int parallel, bool cold);
void snapshot_free(struct snapshot *s);
/** snapshot_guest() - by UUID; snapshot_host() - by name. Return: -1: there is none. */
int snapshot_guest(const struct snapshot *s, const char *uuid);
int snapshot_host(const struct snapshot *s, const char *name);
/** snapshot_leave() - nothing goes to that host; its servers leave it with that wave. */
void snapshot_leave(struct snapshot *s, guint host, guint wave, const char *why);

/** snapshot_version() - a word for what plans depend on: where each server is, how large it is, and which hosts may be used. */
void snapshot_version(struct fleet *f, char out[static SNAPSHOT_VERSION_LEN + 1]);

/**
 * snapshot_no() - why a server cannot be migrated at all, by its states and ties.
 * @cold: as of snapshot_new()
 * @ret_cold: it goes cold
 *
 * Return: owned; NULL: as far as is known it can.
 */
char *snapshot_no(const struct server *s, bool cold, bool *ret_cold);

#endif
