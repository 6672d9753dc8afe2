/* SPDX-License-Identifier: Apache-2.0
 *
 * request: what users ask of tasks: begin one, stop it, complete it now, another place in the queue.
 *
 * Each is written before it is answered: the row, or what is wanted of it, and the instance action are one transaction.
 */
#ifndef TASK_REQUEST_H
#define TASK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/action.h"
#include "task/record.h"

struct engine;

/** requests_open() - for an engine that has no task yet. */
void requests_open(struct engine *e);
/** requests_close() - forget those whose outcome is not known. */
void requests_close(struct engine *e);

#define MIG_PRIORITY_MIN (-1000)
#define MIG_PRIORITY_MAX 1000

struct task_request {
	const struct task_kind *kind;
	const struct task_action *action; /* of the kind's; NULL: the first */
	struct server *server;
	const char *host;        /* NULL: the scheduler chooses */
	enum mig_block block;
	enum mig_disk_check disk_check;
	bool force;              /* 2.30-2.67: skip the scheduler's filters */
	int priority;            /* MIG_PRIORITY_MIN..MIG_PRIORITY_MAX */
	const char *password;    /* of an administrator in the guest, that the client names; NULL */
	bool wait_checks;        /* up to 2.33: answer only when the prechecks have passed */
	const void *own;         /* what the kind has beside: kind.own's struct, copied; NULL */
	struct requester who;
};

/* @id: the migration's; 0 with @err set when it was refused. */
typedef void request_accepted_f(int64_t id, const GError *err, void *user);

/**
 * request_begin() - begin a task, or, as the action says, move one on that rests.
 * @done: called exactly once, perhaps before this returns: with the id when the
 *        row is durable (and, with wait_checks, the prechecks have passed), or
 *        with an error: ERR_CONFLICT, ERR_BAD_REQUEST, ERR_NO_VALID_HOST, ERR_PRECHECK, ERR_STORE
 */
void request_begin(struct engine *e, const struct task_request *r, request_accepted_f *done, void *user);

/**
 * request_abort() - stop a migration; the guest stays at its source if it still can.
 * @also_queued: 2.65 and later: queued and preparing too
 *
 * Errors have Nova's words: ERR_NOT_FOUND, ERR_BAD_REQUEST (its status forbids it), ERR_CONFLICT.
 */
bool request_abort(struct engine *e, struct server *s, int64_t id, bool also_queued, const struct requester *who, GError **err);

/** request_force_complete() - pause the guest, or switch to post-copy where it is permitted, so that the migration ends. */
bool request_force_complete(struct engine *e, struct server *s, int64_t id, const struct requester *who, GError **err);

/**
 * request_set_priority() - its place in the queue; kept, and without effect, when it has left the queue.
 * @priority: MIG_PRIORITY_MIN..MIG_PRIORITY_MAX
 *
 * ERR_NOT_FOUND; ERR_CONFLICT if it has ended; ERR_STORE.
 */
bool request_set_priority(struct engine *e, int64_t id, int priority, GError **err);

#endif
