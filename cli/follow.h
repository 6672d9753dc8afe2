/* SPDX-License-Identifier: Apache-2.0
 *
 * follow: wait for a migration and show how it goes.
 *
 * Polls the migrations in progress of the server, which tell the bytes; once
 * ours is not among them, the list of all migrations, which tells the outcome.
 * A cold one is only there, and its stage is asked for (stage.h).
 * On a terminal one line is drawn again and again, otherwise a line is written
 * when the status changes; both on stderr, so that stdout has the result alone.
 * An API that does not answer for a while is waited for: the migration goes on
 * without it. Ctrl-C ends the wait, not the migration, and says so; on a terminal
 * it asks first: leave it, abort it, or go on watching.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "cli.h"
#include "client.h"

#define FOLLOW_LIVE "live-migration"
#define FOLLOW_COLD "migration"

struct follow {
	struct cli *cli;
	const char *server_id, *server_name; /* borrowed */
	const char *type;        /* of the migration: FOLLOW_LIVE, FOLLOW_COLD */
	const char *request_id;  /* of the request that started it; NULL if the server gave none */
	int64_t above_id;        /* while @id is 0: the migration is the newest above this one */
	int64_t id;              /* 0 until it is known */
	json_t *record;          /* the last of /os-migrations; owned, NULL before the first */
	char *reason;            /* why it failed; owned */
	int64_t took_ms, sent_bytes;
	bool no_drover;          /* it is Nova's API; found out by follow_wait() */
	int64_t limit_ms;        /* of the wait: CLI_TIMEOUT then, and the migration goes on; 0: none */
};

/** follow_last_id() - the highest id of a server's migrations of that type; 0 for none, or if they may not be listed. */
int64_t follow_last_id(struct cli *c, const char *server_id, const char *type);

/**
 * follow_start() - find the record of a migration that was just asked for.
 * @f: gets the id and the record, if there is one within a few polls
 *
 * Return: false with CLI_FAILED and the reason if it has failed already, or with what the API said.
 */
bool follow_start(struct follow *f, GError **err);

/**
 * follow_wait() - wait until the migration has ended; a cold one, until its user may decide.
 *
 * Return: true if it is completed; otherwise CLI_FAILED with the reason, CLI_INTERRUPTED, CLI_TIMEOUT, or what the API said.
 */
bool follow_wait(struct follow *f, GError **err);

/** follow_pause() - wait as between two polls. From the first on, Ctrl-C gives requests up. Return: false if it was interrupted. */
bool follow_pause(struct cli *c);

#define FOLLOW_SILENT_MS 300000 /* how long an API that does not answer is waited for */

/** follow_may_pass() - a call failed in a way that may pass: no answer, or an answer that the service, or what stands before it, is not there now. */
bool follow_may_pass(const GError *err);

/* Return: the answer to a poll says that it is over. */
typedef bool follow_over_f(const json_t *body, void *user);

/**
 * follow_until() - poll until an answer says that it is over. An API that does not answer for a while is waited for.
 * @what: goes on, when Ctrl-C ends the wait
 *
 * Return: that answer, owned by the caller; NULL with CLI_INTERRUPTED, or what the API said.
 */
json_t *follow_until(struct cli *c, const struct client_call *call, follow_over_f *over, void *user, const char *what, GError **err);

void follow_clear(struct follow *f);

#endif
