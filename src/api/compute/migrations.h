/* SPDX-License-Identifier: Apache-2.0
 *
 * migrations: lists of migrations, for the handlers that show them.
 */
#ifndef MIGRATIONS_H
#define MIGRATIONS_H

#include "api/http/handler.h"

/* Answers @r. @page: GPtrArray of struct mig *, newest first, borrowed. @full: it is as long as the limit, so there may be more. */
typedef void migrations_show_f(struct api_req *r, GPtrArray *page, bool full);

/**
 * migrations_walk() - find a page of migrations and have it shown, in this turn of the loop or in a later one.
 * @f: its texts are the request's; the limit is that of the page, and 0 is an empty one
 *
 * A turn examines a bounded number of records, so that a filter that few fit does not hold the loop. An error is answered here.
 */
void migrations_walk(struct api_req *r, const struct mig_filter *f, migrations_show_f *show);

#endif
