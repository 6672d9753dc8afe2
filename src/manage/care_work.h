/* SPDX-License-Identifier: Apache-2.0
 *
 * care_work: one run of a schedule, on a thread; private to care.
 */
#ifndef MANAGE_CARE_WORK_H
#define MANAGE_CARE_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "manage/archive.h"

enum care_kind { CARE_ARCHIVE, CARE_PURGE, CARE_N };

struct care_work {
	enum care_kind kind;
	char *url;
	int64_t before_us, max_rows;
	bool until_complete, purge, verbose, all_cells;
	char *destination, *user; /* a file, and whose it is; NULL: none, the daemon's */
	int stop;                 /* atomic */

	/* what came of it */
	struct archive_counts archived, purged;
	GError *failed;           /* NULL: it did not */
	GError *file_failed;      /* the file of that name was not written; NULL: it was */
};

/** care_work_do() - blocks. */
void care_work_do(struct care_work *w);

void care_work_free(struct care_work *w);

#endif
