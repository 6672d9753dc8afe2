/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_restore: a copy of a SQLite database comes into the place of the one that is there.
 *
 * Theory of operation
 * -------------------
 * The lock of the database is held throughout, so that no program has it. The copy is written beside the database, and what is looked at
 * is that, not the file that it came from. Then the database that is there is moved aside with its log: a log that stayed
 * would be taken for that of the copy. The copy takes the free name in one step. A process that is killed before it leaves no
 * database, and what was there whole under the other name: the restore is begun again.
 */
#ifndef SQLITE_RESTORE_H
#define SQLITE_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** sqlite_restore() - store_restore() of the database that is the file @path. */
bool sqlite_restore(const char *path, int from, char **ret_aside, GError **err);

/**
 * sqlite_restore_judge() - is a file a whole database of Drover, of this version or an older one, that droverd can start with?
 * Nothing in it is run: it may come from anywhere. Return: false with ERR_STORE
 */
bool sqlite_restore_judge(const char *path, GError **err);

#endif
