/* SPDX-License-Identifier: Apache-2.0
 *
 * precheck: would a server pass the checks of a live migration, asked without one?
 */
#ifndef PRECHECK_H
#define PRECHECK_H

#include "move/check_all.h"

struct engine;

/** live_precheck() - check_all() with the table of live migrations. @r: its table does not count */
void live_precheck(struct engine *e, const struct check_request *r, check_all_f *done, void *user);

#endif
