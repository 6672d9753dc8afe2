/* SPDX-License-Identifier: Apache-2.0
 *
 * purge: rows that were archived are deleted for good, and the file becomes smaller.
 */
#ifndef MANAGE_PURGE_H
#define MANAGE_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "manage/archive.h"

/**
 * purge_rows() - delete from the shadow tables, in small transactions.
 * @before_us: of servers that were deleted before; ARCHIVE_ANY: all
 * @stop: as of archive_rows()
 * @counts: what was deleted is added, also when it fails later
 *
 * Blocks. Then gives what is free back to the file system.
 */
bool purge_rows(struct store *s, int64_t before_us, const int *stop, struct archive_counts *counts, GError **err);

#endif
