/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_check: whether a file of SQLite is whole: all of it is read (quick_check), by a thread and a connection of their own, while its reader
 * goes on. Nothing may be written, and nothing may be done on the strength of what was read, before it has said so.
 */
#ifndef SQLITE_CHECK_H
#define SQLITE_CHECK_H

#include <stdbool.h>

#include <glib.h>

struct sqlite_check;

/** sqlite_check_begin() - @path: of a file that has a write-ahead log, and is not written until the end of the check. Return: for sqlite_check_end(). */
struct sqlite_check *sqlite_check_begin(const char *path);

/** sqlite_check_end() - wait for it, and free it. Return: false with ERR_STORE: the file is damaged, or cannot be checked. */
bool sqlite_check_end(struct sqlite_check *c, GError **err);

#endif
