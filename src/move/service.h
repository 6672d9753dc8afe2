/* SPDX-License-Identifier: Apache-2.0
 *
 * service: what goes on beside the tasks for all kinds that move a guest: runs of checks, definitions that are owed to hosts, leftovers.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "task/kind.h"

struct check_set;
struct definitions;
struct engine;
struct leftovers;
struct reap;

struct move_service {
	struct check_set *checks;        /* runs under way */
	struct definitions *definitions;
	struct leftovers *leftovers;
	struct reap *reap;               /* carriers that no task needs */
	GHashTable *calls;               /* uuids of servers with an HV_MIGRATE that has not come back, owned; call.c's */
};

extern const struct task_service move_service;

/** service_of() - of an engine one of whose kinds moves guests. Borrowed. */
struct move_service *service_of(const struct engine *e);

#endif
