/* SPDX-License-Identifier: Apache-2.0
 *
 * action: instance actions and their events, as os-instance-actions shows them.
 *
 * An action is a request concerning a server; its events are the steps. They
 * are written inside the caller's transaction and read from the store.
 */
#ifndef ACTION_H
#define ACTION_H

#include "store/store.h"

/* The requester. Lent by the API for the time of a call. */
struct requester {
	const char *user_id, *project_id;
	const char *request_id; /* "req-<uuid>" */
	bool admin;
};

struct action {
	int64_t id;
	char *server_uuid, *action, *request_id, *user_id, *project_id, *message;
	int64_t start_us, updated_us;
};

struct action_event {
	char *event, *host, *result, *details;
	int64_t start_us, finish_us;
};

/** action_start() - record a request. @ret_id: its id. */
bool action_start(struct store *s, const char *server_uuid, const char *action, const struct requester *who, int64_t *ret_id, GError **err);
/** action_finish() - @message: NULL on success, "Error" as Nova has it on failure. */
bool action_finish(struct store *s, int64_t id, const char *message, GError **err);
/** action_done() - record a request that was carried out at once. */
bool action_done(struct store *s, const char *server_uuid, const char *action, const struct requester *who, GError **err);
bool action_event_start(struct store *s, int64_t action_id, const char *event, const char *host, GError **err);
/**
 * action_event_finish() - what has no end yet ends now.
 *
 * @event: which; NULL for all
 * @details: NULL, or what went wrong; the result is "Success" or "Error" by it
 */
bool action_event_finish(struct store *s, int64_t action_id, const char *event, const char *details, GError **err);

/** action_list() - newest first. @since_us, @before_us, @below_id: 0 for none. Return: GPtrArray of struct action *, owned. */
GPtrArray *action_list(struct store *s, const char *server_uuid, int64_t since_us, int64_t before_us, int64_t below_id, int limit, GError **err);
/** action_get() - NULL with ERR_NOT_FOUND if there is none. */
struct action *action_get(struct store *s, const char *server_uuid, const char *request_id, GError **err);
/** action_events() - newest first. Return: GPtrArray of struct action_event *, owned. */
GPtrArray *action_events(struct store *s, int64_t action_id, GError **err);

void action_free(struct action *a);
void action_event_free(struct action_event *e);

#endif
