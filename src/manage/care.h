/* SPDX-License-Identifier: Apache-2.0
 *
 * care: archiving and purging on a schedule, inside droverd.
 *
 * Theory of operation
 * -------------------
 * Two schedules, as deployments of Nova have them in cron: [cron_archive_deleted_rows] and [cron_purge_shadow_tables]. Twice a minute the loop
 * looks whether one has come due since it ran last, which is a row (care_runs). So a run that was missed while the daemon was down is
 * made up, and once, however many were missed. Between that and the work lies a random delay of max_delay at most.
 *
 * The work is done by a thread with a connection of its own (store_open_beside()), in the small transactions of archive.h and
 * purge.h: the loop waits for none of it. One works at a time. A stop of the daemon ends it after the transaction that
 * it is at; the row is written at the end alone, so the next start begins it again.
 */
#ifndef MANAGE_CARE_H
#define MANAGE_CARE_H

#include <stdbool.h>

#include <glib.h>

#include "base/conf.h"

struct care;
struct store;

/**
 * care_new() - read when they ran last; what has no row begins with now.
 * @conf: borrowed; what it says of the schedules is read at each look, so SIGHUP changes them
 * @store: the loop's, borrowed
 * @url: of the same database, for store_open_beside()
 *
 * Return: owned; NULL with ERR_STORE
 */
struct care *care_new(const struct conf *conf, struct store *store, const char *url, GError **err);

/** care_start() - begin to look; the zone is the system's. */
void care_start(struct care *c);

/** care_free() - stop, and wait for the end of a transaction; NULL is fine. */
void care_free(struct care *c);

#endif
