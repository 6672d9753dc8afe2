/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_log: what stands in the write-ahead log goes into the database's own file (a checkpoint), and what was committed without waiting for
 * the disk goes there, by a thread and a connection of their own: they wait for the disk, and the one that commits is the loop.
 */
#ifndef SQLITE_LOG_H
#define SQLITE_LOG_H

#include <sqlite3.h>

struct sqlite_log;

/**
 * sqlite_log_begin() - from now on @db makes no checkpoints of its own.
 * @db: one that has a write-ahead log
 * @path: its file
 *
 * Five hundred pages more in the log wake the thread; what was committed while it worked is brought over by the next commit, and so are 8,000
 * pages that no moment was found for. Where a checkpoint fails, the log only grows until the next one.
 * Return: for sqlite_log_end(), which comes before @db is closed.
 */
struct sqlite_log *sqlite_log_begin(sqlite3 *db, const char *path);

/** sqlite_log_sync() - what was committed and not waited for is to be on the disk soon. NULL is fine. */
void sqlite_log_sync(struct sqlite_log *l);

/** sqlite_log_hold(), sqlite_log_go_on() - no checkpoint is made in between: @db makes one itself. NULL is fine. */
void sqlite_log_hold(struct sqlite_log *l);
void sqlite_log_go_on(struct sqlite_log *l);

/** sqlite_log_end() - wait for the thread's end, and free it; NULL is fine. */
void sqlite_log_end(struct sqlite_log *l);

#endif
