/* SPDX-License-Identifier: Apache-2.0
 *
 * leader: which program a database belongs to, where several can reach it.
 *
 * Theory of operation
 * -------------------
 * A file has a lock beside it, which is the kernel's and goes with the process
 * (leader_lock_file()). What follows is of a database that is a server.
 *
 * A session's advisory lock is taken before the schema is looked at and held for
 * life. What is done on that session is done by its holder, so a lock that is lost
 * unseen does not exist: it is lost with the session, and then nothing can be
 * sent over it. The lock alone does not survive a new connection, or a server
 * that takes the place of another. So its holder writes a name and a number that
 * grows (epoch) to the row leader. After a new connection the row is read before
 * anything else: if it is still ours, no other wrote in between, and the lock is
 * taken again. Our own former session may have it still, if the server has not
 * found it dead yet: it is ended. If it is not, the database is lost for good. Each transaction
 * begins by looking at the row, so that one that takes over by writing it, with
 * the old one's session ended, is noticed at once.
 *
 *	leader_lock()     at the start: the lock, or the name of its holder
 *	leader_take()     the row has us, once the schema has that table
 *	leader_begin()    the text that begins a transaction; leader_saw() judges its answer
 *	leader_look()     the same between transactions
 *	leader_regain()   on each new connection
 */
#ifndef LEADER_H
#define LEADER_H

#include <stdbool.h>

#include <glib.h>

#include "store/store.h"

struct leader;

/* The session of a database, as it is used here. */
struct leader_session {
	/*
	 * Send statements, of which the last may return rows, over the connection that is there; nothing is connected for it.
	 * @args: where there are any, it is one statement
	 * @ret_text: the first cell of the last result, owned; NULL for null and without rows
	 * Return: the number of the last result's rows; -1 with @err
	 */
	int (*ask)(void *db, const char *sql, const struct store_val *args, size_t n, char **ret_text, GError **err);
	int (*left_ms)(const void *db); /* until the limit of the call that is served */
	bool (*connected)(const void *db);
	void (*drop)(void *db);         /* close the connection, if there is one */
};

/** leader_new() - of a database that nothing is known of yet. @s, @db: borrowed, must outlive it */
struct leader *leader_new(const struct leader_session *s, void *db);
void leader_free(struct leader *l);

/** leader_lock() - take the lock. A process that was just killed may have it for a moment yet. Return: false with ERR_STORE, which names its holder. */
bool leader_lock(struct leader *l, GError **err);
/** leader_take() - write the row. Ours from now on is what each transaction looks for. */
bool leader_take(struct leader *l, GError **err);
/** leader_regain() - the connection is new: is the database ours still, and the lock again? Before leader_lock() there is nothing to do. */
bool leader_regain(struct leader *l, GError **err);

/** leader_begin() - the statements that begin a transaction. Borrowed. */
const char *leader_begin(const struct leader *l);
/** leader_saw() - what leader_begin() has brought: @rows. Return: false: the database is another's; the connection is closed. */
bool leader_saw(struct leader *l, int rows, GError **err);
/** leader_look() - find out whether it is ours still. */
bool leader_look(struct leader *l, GError **err);

/** leader_is_locked() - a session has the lock, or it cannot be told; of a connection that has not taken it itself. */
bool leader_is_locked(struct leader *l);

/** leader_lost() - why it is not ours any more, for good. Return: NULL: it is; borrowed. */
const char *leader_lost(const struct leader *l);

/**
 * leader_lock_file() - the lock of a database that is the file @path. One that ends at this moment is waited for.
 * Return: a descriptor that has it until it is closed; -1 with ERR_STORE
 */
int leader_lock_file(const char *path, GError **err);
/** leader_file_is_locked() - a program has the lock of leader_lock_file(), or it cannot be told. */
bool leader_file_is_locked(const char *path);
/** leader_file_in_use() - ERR_STORE: another process has it. Return: false. */
bool leader_file_in_use(const char *path, GError **err);
#define LEADER_LOCK_TAIL "-lock" /* of its path, behind the database's */

#endif
