/* SPDX-License-Identifier: Apache-2.0
 *
 * reason: why a migration failed.
 *
 * The migration's record does not tell. The server's action that started it
 * does: an event of it that failed has details (from version 2.84) or a
 * traceback, the action a message; and a server in ERROR has a fault.
 */
#ifndef REASON_H
#define REASON_H

#include <glib.h>
#include <jansson.h>

#include "client.h"

/**
 * reason_find() - the server's words for why a migration failed.
 * @request_id: of the request that started it; NULL: the last migration action before @created_at is meant
 * @created_at: of the migration's record; NULL: the last one
 *
 * Return: owned by the caller, safe to print, may have several lines; NULL if none is known.
 */
char *reason_find(struct client *c, const char *server_id, const char *request_id, const char *created_at);

/** reason_of_action() - what an action with its events says of its failure. Return: owned; NULL for nothing. */
char *reason_of_action(const json_t *action);

/**
 * reason_pick_action() - the request id of the last migration action that started before a time.
 * @actions: rows of os-instance-actions
 * @before_us: wall clock; INT64_MAX for the last one of all
 *
 * Return: borrowed; NULL if there is none.
 */
const char *reason_pick_action(const json_t *actions, int64_t before_us);

#endif
